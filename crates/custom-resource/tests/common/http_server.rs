//! A small HTTP/1.1 server on loopback that can also misbehave as the real ones do: no answer, half an answer, a reset,
//! a certificate that nobody trusts. Plain threads, so that it goes on while the code under test blocks or is killed.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text body")
    }
}

/// What the server does with a request.
pub enum Reply {
    /// Status, headers, body.
    With(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The same, later.
    After(Duration, Box<Reply>),
    /// These bytes, each after so much time, and then nothing.
    Pieces(Vec<(Duration, Vec<u8>)>),
    /// A head that announces the whole body, half of it, and then the end of the connection.
    Cut(Vec<u8>),
    /// Nothing at all, with the connection open.
    Hang,
    /// The connection ends without an answer.
    Close,
    /// The connection is half closed: it says that nothing will come, and goes on listening.
    HalfClose,
    /// The connection is reset.
    Reset,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::With(status, Vec::new(), Vec::new())
    }

    /// Half of the head, and then nothing.
    pub fn half() -> Self {
        Self::Pieces(vec![(Duration::ZERO, b"HTTP/1.1 200 OK\r\ncontent-le".to_vec())])
    }

    /// A good head in good time, and the body later.
    pub fn slow_body(pause: Duration) -> Self {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n".to_vec();
        Self::Pieces(vec![(Duration::ZERO, head), (pause, b"OK".to_vec())])
    }

    /// A good head, one byte after the other.
    pub fn slow_head(pause: Duration) -> Self {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        Self::Pieces(head.iter().map(|byte| (pause, vec![*byte])).collect())
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A connection, plain or behind TLS.
trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// Listens until the test process ends.
pub struct HttpServer {
    pub port: u16,
    scheme: &'static str,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    heads: usize,
    requests: Vec<Request>,
    acknowledged: Vec<usize>,
}

impl HttpServer {
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen("http", |socket| Box::new(socket), handler)
    }

    /// Behind TLS, with this certificate.
    pub fn behind_tls(
        certified: &rcgen::CertifiedKey<rcgen::KeyPair>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let wrap = move |socket| -> Box<dyn Stream> {
            Box::new(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), socket))
        };
        Self::listen("https", wrap, handler)
    }

    fn listen(
        scheme: &'static str,
        wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + Sync + 'static,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Seen>>::default();
        let (handler, wrap, seeing): (Arc<Handler>, _, _) = (Arc::new(handler), Arc::new(wrap), seen.clone());
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (handler, wrap, seen) = (handler.clone(), wrap.clone(), seeing.clone());
                seen.lock().unwrap().connections += 1;
                thread::spawn(move || {
                    let _ = socket.set_nodelay(true);
                    let other = socket.try_clone().expect("a second handle");
                    Connection { stream: BufReader::new(wrap(other)), socket, seen }.serve(&*handler);
                });
            }
        });
        Self { port, scheme, seen }
    }
    /// Answers the first request with the first status, and so on; the last one stays.
    pub fn answering(statuses: &'static [u16]) -> Self {
        let next = Mutex::new(0);
        Self::start(move |_| {
            let mut next = next.lock().unwrap();
            let status = statuses[(*next).min(statuses.len() - 1)];
            *next += 1;
            Reply::status(status)
        })
    }

    pub fn url(&self, target: &str) -> String {
        format!("{}://127.0.0.1:{}{target}", self.scheme, self.port)
    }

    /// How many were opened.
    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// How many `HEAD /` came: they open connections, and are no requests of anything.
    pub fn heads(&self) -> usize {
        self.seen.lock().unwrap().heads
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// The requests that were answered with 2xx while their sender was still there, counted from 1.
    pub fn acknowledged(&self) -> Vec<usize> {
        self.seen.lock().unwrap().acknowledged.clone()
    }
}

struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    socket: TcpStream,
    seen: Arc<Mutex<Seen>>,
}

impl Connection {
    fn serve(&mut self, handler: &Handler) {
        while let Some(request) = self.read_request() {
            // As S3 and IAM answer what is not signed.
            if request.method == "HEAD" {
                assert_eq!(request.target, "/", "nothing of a presigned URL is sent without its request");
                self.seen.lock().unwrap().heads += 1;
                if self.stream.get_mut().write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").is_err() {
                    return;
                }
                continue;
            }
            let number = {
                let requests = &mut self.seen.lock().unwrap().requests;
                requests.push(request.clone());
                requests.len()
            };
            let mut reply = handler(&request);
            while let Reply::After(time, then) = reply {
                thread::sleep(time);
                reply = *then;
            }
            let go_on = match reply {
                Reply::With(status, headers, body) => {
                    let mut head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len());
                    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
                    head.push_str("\r\n");
                    self.send(number, vec![(Duration::ZERO, head.into_bytes()), (Duration::ZERO, body)])
                }
                Reply::Pieces(pieces) => self.send(number, pieces) && self.wait_until_left(),
                Reply::Cut(body) => {
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    let half = body[..body.len() / 2].to_vec();
                    self.send(number, vec![(Duration::ZERO, head.into_bytes()), (Duration::ZERO, half)]);
                    false
                }
                Reply::Hang => self.wait_until_left(),
                Reply::HalfClose => self.socket.shutdown(Shutdown::Write).is_ok() && self.wait_until_left(),
                Reply::Close => false,
                Reply::Reset => {
                    let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
                    false
                }
                Reply::After(..) => unreachable!("unwrapped above"),
            };
            if !go_on {
                return;
            }
        }
    }

    fn send(&mut self, number: usize, pieces: Vec<(Duration, Vec<u8>)>) -> bool {
        let mut sent = Vec::new();
        for (pause, piece) in pieces {
            thread::sleep(pause);
            let had_head = has_head(&sent);
            sent.extend(&piece);
            if sent.starts_with(b"HTTP/1.1 2") && has_head(&sent) && !had_head && self.is_somebody_there() {
                self.seen.lock().unwrap().acknowledged.push(number);
            }
            if self.stream.get_mut().write_all(&piece).and_then(|()| self.stream.get_mut().flush()).is_err() {
                return false;
            }
        }
        true
    }

    fn is_somebody_there(&self) -> bool {
        let _ = self.socket.set_nonblocking(true);
        let left = matches!(self.socket.peek(&mut [0; 1]), Ok(0))
            || self.socket.take_error().is_ok_and(|error| error.is_some());
        let _ = self.socket.set_nonblocking(false);
        !left
    }

    /// Until the other side has had enough. Nothing comes after that.
    fn wait_until_left(&mut self) -> bool {
        let _ = self.stream.read(&mut [0; 1]);
        false
    }

    fn read_request(&mut self) -> Option<Request> {
        let line = self.read_line()?;
        let mut words = line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let body = if header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
            self.read_chunks()?
        } else {
            let mut body = vec![0; header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0)];
            self.stream.read_exact(&mut body).ok()?;
            body
        };
        Some(Request { method, target, headers, body })
    }

    fn read_line(&mut self) -> Option<String> {
        let mut line = String::new();
        (self.stream.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
    }

    fn read_chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.read_line()?, 16).ok()?;
            let mut chunk = vec![0; size];
            self.stream.read_exact(&mut chunk).ok()?;
            self.read_line()?;
            if size == 0 {
                return Some(body);
            }
            body.extend(chunk);
        }
    }
}

fn has_head(sent: &[u8]) -> bool {
    sent.windows(4).any(|end| end == b"\r\n\r\n")
}
