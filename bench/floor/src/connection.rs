//! One HTTP/1.1 connection, with or without TLS, one request at a time.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

enum Stream {
    Plain(TcpStream),
    Secured(Box<StreamOwned<ClientConnection, TcpStream>>),
}

pub struct Connection {
    stream: Stream,
    /// Host and port, as the header has it.
    pub authority: String,
}

pub struct Answer {
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

pub fn tls() -> Result<Arc<ClientConfig>> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    Ok(Arc::new(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth()))
}

fn parts(url: &str) -> Result<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://").ok_or("no URL")?;
    let end = rest.find('/').unwrap_or(rest.len());
    Ok((scheme, &rest[..end], if end == rest.len() { "/" } else { &rest[end..] }))
}

pub fn path(url: &str) -> &str {
    parts(url).map_or("/", |(_, _, path)| path)
}

impl Connection {
    /// Connects, and does the handshake.
    pub fn open(url: &str, tls: &Arc<ClientConfig>) -> Result<Self> {
        let (scheme, authority, _) = parts(url)?;
        let port = if scheme == "https" { 443 } else { 80 };
        let (host, port) =
            authority.split_once(':').map_or(Ok((authority, port)), |(h, p)| p.parse().map(|p| (h, p)))?;
        let mut tcp = TcpStream::connect((host, port))?;
        tcp.set_nodelay(true)?;
        let stream = if scheme == "https" {
            let mut session = ClientConnection::new(tls.clone(), ServerName::try_from(host.to_owned())?)?;
            while session.is_handshaking() {
                session.complete_io(&mut tcp)?;
            }
            Stream::Secured(Box::new(StreamOwned::new(session, tcp)))
        } else {
            Stream::Plain(tcp)
        };
        Ok(Self { stream, authority: authority.to_owned() })
    }

    /// Sends a request and reads its answer. Anything but a 2xx is an error.
    pub fn exchange(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let mut message = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.authority);
        for (name, value) in headers {
            write!(message, "{name}: {value}\r\n")?;
        }
        write!(message, "Content-Length: {}\r\n\r\n", body.len())?;
        let mut message = message.into_bytes();
        message.extend_from_slice(body);
        let answer = match &mut self.stream {
            Stream::Plain(stream) => round_trip(stream, &message),
            Stream::Secured(stream) => round_trip(stream, &message),
        }?;
        match answer.head.as_bytes().get(9) {
            Some(b'2') => Ok(answer),
            _ => Err(String::from_utf8_lossy(&answer.body).into()),
        }
    }
}

fn round_trip(stream: &mut (impl Read + Write), message: &[u8]) -> Result<Answer> {
    stream.write_all(message)?;
    stream.flush()?;
    let (mut received, mut piece) = (Vec::with_capacity(4096), [0; 4096]);
    loop {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Err("the connection ended".into());
        }
        received.extend_from_slice(&piece[..length]);
        let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(received[..end].to_vec())?;
        let mut answer = Answer { head, body: received.split_off(end + 4) };
        let length: usize = answer.header("content-length").unwrap_or("0").parse()?;
        let there = answer.body.len();
        if there < length {
            answer.body.resize(length, 0);
            stream.read_exact(&mut answer.body[there..])?;
        }
        return Ok(answer);
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
