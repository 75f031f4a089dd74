//! A DNS server on loopback whose answers are as wrong as a test wants them. <https://www.rfc-editor.org/rfc/rfc1035>

use std::collections::HashMap;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::thread;

const A: u16 = 1;
const AAAA: u16 = 28;

/// What is answered to a question about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 127.0.0.1. Of IPv4 only.
    Loopback,
    /// The name is there, and has no address of that kind.
    Empty,
    ServFail,
    NxDomain,
    Refused,
    Silence,
}

/// Listens on port 53 until the test process ends. Names that it does not know are refused.
pub struct DnsServer(Arc<Mutex<Vec<String>>>);

impl DnsServer {
    /// `names` are a name, the answer for IPv6, and the one for IPv4.
    pub fn start<'a>(names: impl IntoIterator<Item = (&'a str, Answer, Answer)>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:53").expect("port 53; tests/own_network.sh makes a network for it");
        let known = names.into_iter().map(|(name, ipv6, ipv4)| (name.to_owned(), (ipv6, ipv4)));
        let known: HashMap<_, _> = known.collect();
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let server = Self(asked.clone());
        thread::spawn(move || {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                let (name, kind, end) = asked_for(&packet[..length]);
                let answer = match (known.get(&name), kind) {
                    (Some((ipv6, _)), AAAA) => *ipv6,
                    (Some((_, ipv4)), A) => *ipv4,
                    _ => Answer::Refused,
                };
                asked.lock().unwrap().push(name);
                if let Some(reply) = reply(&packet[..end], answer) {
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        server
    }

    /// Whether anybody has asked about this name.
    pub fn was_asked(&self, name: &str) -> bool {
        self.0.lock().unwrap().iter().any(|asked| asked == name)
    }
}

/// The name, the type, and where the question ends.
fn asked_for(packet: &[u8]) -> (String, u16, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while packet[at] != 0 {
        let end = at + 1 + usize::from(packet[at]);
        labels.push(String::from_utf8_lossy(&packet[at + 1..end]).to_ascii_lowercase());
        at = end;
    }
    (labels.join("."), u16::from_be_bytes([packet[at + 1], packet[at + 2]]), at + 5)
}

/// The header and the question again, with the answer behind it.
fn reply(question: &[u8], answer: Answer) -> Option<Vec<u8>> {
    let code = match answer {
        Answer::Loopback | Answer::Empty => 0,
        Answer::ServFail => 2,
        Answer::NxDomain => 3,
        Answer::Refused => 5,
        Answer::Silence => return None,
    };
    let answers = u8::from(answer == Answer::Loopback);
    let mut reply = question.to_vec();
    // A response, recursion available; one question, so many answers, and no other records.
    reply[2] |= 0x80;
    reply[3] = 0x80 | code;
    reply[4..12].copy_from_slice(&[0, 1, 0, answers, 0, 0, 0, 0]);
    if answer == Answer::Loopback {
        // The question's name; A, IN, a second to live, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
    }
    Some(reply)
}
