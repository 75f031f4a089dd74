//! HTTP: a call comes in, its answer leaves a round trip later. What was called is counted.

use crate::account::{Account, State};
use crate::answer::{self, Answer, Refused};
use crate::iam::{self, Documents};
use crate::limits::Bucket;
use crate::options::{Options, Rate};
use crate::request::Call;
use crate::template::Template;
use crate::{cloudformation, organizations, sts};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::task::spawn_local;
use tokio::time::sleep_until;

/// Everything that answers are made of.
pub struct Fleet {
    options: Options,
    template: Template,
    documents: Documents,
    record: RefCell<Record>,
}

/// What was called since the last reset, and what is left of the rates.
struct Record {
    /// `iam GetRole`, and how often.
    calls: BTreeMap<String, u32>,
    throttled: BTreeMap<String, u32>,
    without_session_policy: u32,
    not_signed: u32,
    connections: u32,
    sts: Bucket,
    organizations: Bucket,
    iam: Vec<Bucket>,
    cloudformation: Vec<Bucket>,
}

impl Record {
    fn new(options: &Options) -> Self {
        let now = Instant::now();
        let each = |rate: fn(&Options, u32) -> Rate| {
            (0..options.accounts).map(|number| Bucket::full(rate(options, number), now)).collect()
        };
        Self {
            calls: BTreeMap::new(),
            throttled: BTreeMap::new(),
            without_session_policy: 0,
            not_signed: 0,
            connections: 0,
            sts: Bucket::full(options.sts, now),
            organizations: Bucket::full(options.organizations, now),
            iam: each(iam_rate),
            cloudformation: each(|options, _| options.cloudformation),
        }
    }

    /// Counts a call. `false` means that it is one too many.
    fn admits(&mut self, options: &Options, call: &Call) -> bool {
        let now = Instant::now();
        count(&mut self.calls, call);
        let number = call.account as usize;
        let admits = match call.service {
            "sts" => self.sts.take(options.sts, now),
            "organizations" => self.organizations.take(options.organizations, now),
            "iam" => self.iam[number].take(iam_rate(options, call.account), now),
            _ => self.cloudformation[number].take(options.cloudformation, now),
        };
        if !admits {
            count(&mut self.throttled, call);
        }
        if admits && call.operation == "AssumeRole" && call.parameter("Policy").is_none() {
            self.without_session_policy += 1;
        }
        admits
    }

    fn counts(&self) -> Value {
        json!({
            "calls": self.calls,
            "throttled": self.throttled,
            "without_session_policy": self.without_session_policy,
            "not_signed": self.not_signed,
            "connections": self.connections,
        })
    }
}

fn iam_rate(options: &Options, number: u32) -> Rate {
    if State::of(number) == State::Busy { options.iam_busy } else { options.iam }
}

fn count(counts: &mut BTreeMap<String, u32>, call: &Call) {
    let name = format!("{} {}", call.service, call.operation);
    *counts.entry(name).or_default() += 1;
}

impl Fleet {
    pub fn new(options: Options) -> Self {
        let record = RefCell::new(Record::new(&options));
        Self { options, template: Template::read(), documents: Documents::encoded(), record }
    }

    /// The answer to a signed call. `None` without a signature.
    fn answer(&self, request: &hyper::http::request::Parts, body: &[u8]) -> Option<Answer> {
        let accounts = self.options.accounts;
        let call = Call::read(&request.headers, body).filter(|call| call.account < accounts)?;
        let admitted = match self.record.borrow_mut().admits(&self.options, &call) {
            true => Ok(()),
            false => Err(Refused::throttled(call.service)),
        };
        let operation = &*call.operation;
        Some(match call.service {
            "organizations" => answer::json(admitted.and_then(|()| organizations::answer(&call, accounts))),
            "iam" => {
                let result = admitted.and_then(|()| iam::answer(&call, &self.documents));
                answer::xml(operation, iam::NAMESPACE, result)
            }
            "sts" => answer::xml(operation, sts::NAMESPACE, admitted.and_then(|()| sts::answer(&call, accounts))),
            _ => {
                let result = admitted.and_then(|()| cloudformation::answer(&call, &self.template, accounts));
                answer::xml(operation, cloudformation::NAMESPACE, result)
            }
        })
    }

    /// What a checker asks, at once and uncounted.
    fn about(&self, method: &Method, path: &str) -> Option<Value> {
        match (method.as_str(), path) {
            ("GET", "/_counts") => Some(self.record.borrow().counts()),
            ("GET", "/_expected") => {
                Some((0..self.options.accounts).map(|number| Account::new(number).row()).collect())
            }
            ("POST", "/_reset") => {
                *self.record.borrow_mut() = Record::new(&self.options);
                Some(json!({}))
            }
            _ => None,
        }
    }

    async fn handle(self: Rc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let due = tokio::time::Instant::now() + self.options.round_trip;
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        if let Some(about) = self.about(&head.method, head.uri.path()) {
            return Ok(response(Answer {
                status: StatusCode::OK,
                content_type: "application/json",
                body: about.to_string(),
            }));
        }
        let answer = self.answer(&head, &body).unwrap_or_else(|| {
            self.record.borrow_mut().not_signed += 1;
            let refused = Refused::new(StatusCode::FORBIDDEN, "MissingAuthenticationToken", "Not signed");
            answer::xml("", sts::NAMESPACE, Err(refused))
        });
        sleep_until(due).await;
        Ok(response(answer))
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(answer.content_type));
    response
}

/// Answers until an error of the listener.
pub async fn serve(listener: TcpListener, fleet: Rc<Fleet>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        fleet.record.borrow_mut().connections += 1;
        let fleet = Rc::clone(&fleet);
        spawn_local(async move {
            let service = service_fn(|request| {
                let fleet = Rc::clone(&fleet);
                async move { fleet.handle(request).await }
            });
            // A client that goes away in the middle is no concern of the stub's.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            Ok::<_, Infallible>(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Account, ENTRANCE, access_key};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::LocalSet;

    /// Runs `calls` with the port of a stub.
    fn with_stub<F: Future>(options: Options, calls: impl FnOnce(u16) -> F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let port = listener.local_addr().unwrap().port();
            spawn_local(serve(listener, Rc::new(Fleet::new(options))));
            calls(port).await
        })
    }

    /// The answer to a request, on a connection of its own.
    async fn sent(port: u16, request: &str, headers: &str, body: String) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let length = body.len();
        let head =
            format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}");
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// The answer to a call with the credentials of an account.
    async fn called(port: u16, service: &str, account: u32, body: String) -> String {
        let key = access_key("ASIA", &Account::new(account).id);
        let scope = format!("{key}/20260101/us-east-1/{service}/aws4_request");
        let signature = format!("Authorization: AWS4-HMAC-SHA256 Credential={scope}, Signature=0\r\n");
        sent(port, "POST /", &signature, body).await
    }

    fn assume(account: u32, session_policy: &str) -> String {
        let arn = Account::new(account).iam_arn("role", ENTRANCE);
        format!("Action=AssumeRole&RoleSessionName=s&RoleArn={arn}{session_policy}")
    }

    async fn counts(port: u16) -> Value {
        let answer = sent(port, "GET /_counts", "", String::new()).await;
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn options(accounts: u32) -> Options {
        Options { accounts, ..Options::default() }
    }

    #[test]
    fn a_flood_of_calls_is_throttled_and_counted() {
        with_stub(options(300), async |port| {
            let flood = (0..300).map(|number| spawn_local(called(port, "sts", 0, assume(number, "&Policy=%7B%7D"))));
            let mut refused = 0;
            for call in flood.collect::<Vec<_>>() {
                refused += u32::from(call.await.unwrap().contains("<Code>Throttling</Code>"));
            }
            let counts = counts(port).await;
            assert!((1..=200).contains(&refused), "{refused}");
            assert_eq!(counts["throttled"]["sts AssumeRole"], refused);
            assert_eq!(counts["calls"]["sts AssumeRole"], 300);
            assert_eq!(counts["without_session_policy"], 0);
        });
    }

    #[test]
    fn an_account_that_is_read_once_is_not_throttled_unless_somebody_else_is_busy_there() {
        with_stub(options(100), async |port| {
            for (number, refused) in [(1, 0), (47, 3)] {
                let read = || called(port, "iam", number, "Action=GetRole&RoleName=OrchesteraAccessRole".to_owned());
                let calls: Vec<_> = (0..6).map(|_| spawn_local(read())).collect();
                let mut throttled = 0;
                for call in calls {
                    throttled += u32::from(call.await.unwrap().contains("<Code>Throttling</Code>"));
                }
                assert_eq!(throttled, refused, "account {number}");
            }
        });
    }

    #[test]
    fn an_answer_takes_a_round_trip_and_what_a_checker_asks_takes_none() {
        with_stub(Options { round_trip: Duration::from_millis(200), ..options(2) }, async |port| {
            let started = Instant::now();
            counts(port).await;
            assert!(started.elapsed() < Duration::from_millis(200));
            called(port, "iam", 1, "Action=ListAccountAliases".to_owned()).await;
            assert!(started.elapsed() >= Duration::from_millis(200));
        });
    }

    #[test]
    fn a_session_without_a_session_policy_and_a_request_without_a_signature_are_noticed() {
        with_stub(options(2), async |port| {
            called(port, "sts", 0, assume(1, "")).await;
            let answer = sent(port, "POST /", "", "Action=GetCallerIdentity".to_owned()).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
            let counts = counts(port).await;
            assert_eq!((&counts["without_session_policy"], &counts["not_signed"]), (&json!(1), &json!(1)));
        });
    }
}
