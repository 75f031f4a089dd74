//! Every way in which a delivery can go, played against the example as a process under a Runtime API.
//!
//! Whatever the bucket does: at most one response is acknowledged, the invocation succeeds exactly if one was, it ends
//! before its deadline, nothing follows the acknowledgement, and the same event again gets the same response.

mod common;

use common::http_server::{HttpServer, Reply};
use common::runtime_api::{Ended, Lambda};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const SIGNATURE: &str = "X-Amz-Signature=0123456789abcdef";
/// Of the function. An attempt takes four seconds at most, so that there is time for one that hangs and for another.
const TIMEOUT: Duration = Duration::from_secs(8);

fn create(url: &str) -> Value {
    json!({
        "RequestType": "Create", "ResponseURL": url, "RequestId": "request-1", "LogicalResourceId": "Greeting",
        "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/greeting/0a1b2c3d-1111-2222-3333-444455556666",
        "ResourceType": "Custom::Greeting", "ResourceProperties": {"Name": "World"},
    })
}

/// The function. It needs no AWS, and so neither region nor credentials.
struct Stage {
    lambda: Lambda,
}

impl Stage {
    fn new() -> Self {
        let mut lambda = Lambda::start(&[]);
        lambda.timeout = TIMEOUT;
        Self { lambda }
    }

    fn invoke(&self, event: &Value) -> Ended {
        let start = Instant::now();
        let ended = self.lambda.invoke(&event.to_string());
        assert!(start.elapsed() < TIMEOUT, "it ended after {:?}", start.elapsed());
        ended
    }

    /// Sends the event to a bucket that acknowledges; what arrived there.
    fn response(&self, mut event: Value) -> Value {
        let bucket = HttpServer::answering(&[200]);
        event["ResponseURL"] = bucket.url(&format!("/response?{SIGNATURE}")).into();
        let ended = self.invoke(&event);
        assert!(matches!(ended, Ended::Response), "{ended:?}\n{}", self.lambda.log());
        assert_eq!(bucket.acknowledged(), [1]);
        parsed(&bucket.requests()[0].body)
    }
}

/// What CloudFormation demands of a body.
fn parsed(body: &[u8]) -> Value {
    assert!(body.len() <= 4096, "{} bytes", body.len());
    let response: Value = serde_json::from_slice(body).expect("JSON");
    let printable = |value: &Value| !value.as_str().expect("a text").contains(char::is_control);
    assert!(printable(&response["Reason"]), "{response}");
    assert!(response["Data"].as_object().is_none_or(|data| data.values().all(printable)), "{response}");
    response
}

/// How it has to end.
enum Outcome {
    /// Acknowledged at this attempt, the last.
    Acknowledged(usize),
    /// Not, after so many attempts, with these words in the invocation's error.
    Undelivered(std::ops::RangeInclusive<usize>, &'static str),
}
use Outcome::{Acknowledged, Undelivered};

/// Plays a Create to a bucket that behaves like this, one reply after the other; the last one stays.
fn play(replies: &[fn() -> Reply], outcome: &Outcome) {
    let stage = Stage::new();
    let (replies, next) = (replies.to_vec(), AtomicUsize::new(0));
    let bucket = HttpServer::start(move |_| replies[next.fetch_add(1, Ordering::SeqCst).min(replies.len() - 1)]());
    let event = create(&bucket.url(&format!("/response?{SIGNATURE}")));
    let ended = stage.invoke(&event);
    // Time for whatever should not come: an acknowledgement after the deadline, another attempt.
    thread::sleep(Duration::from_secs(2));
    let (requests, acknowledged) = (bucket.requests(), bucket.acknowledged());
    assert!(requests.iter().all(|request| request.method == "PUT" && request.body == requests[0].body));
    let first = parsed(&requests[0].body);
    match (outcome, ended) {
        (Acknowledged(attempt), Ended::Response) => {
            assert_eq!((&acknowledged[..], requests.len()), (&[*attempt][..], *attempt), "nothing follows it");
        }
        (Undelivered(attempts, words), Ended::Error(error)) => {
            assert!(acknowledged.is_empty(), "acknowledged, and failed all the same: {acknowledged:?}");
            assert!(attempts.contains(&requests.len()), "{} attempts", requests.len());
            is_undelivered(&error, words);
        }
        (_, ended) => panic!("{ended:?}\n{}", stage.lambda.log()),
    }
    assert_eq!(stage.response(event), first, "the same event, the same response");
}

/// The error says what happened, and shows nothing of the URL but a name that could not be resolved.
fn is_undelivered(error: &Value, words: &str) {
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.contains("the response was not delivered") && message.contains(words), "{message}");
    for secret in ["Signature", "0123456789abcdef", "/response", "127.0.0.1"] {
        assert!(!error.to_string().contains(secret), "{error}");
    }
}

/// A name, what the bucket does, and how that ends.
type Case = (&'static str, Vec<fn() -> Reply>, Outcome);

/// Plays all of them at once, each to a function of its own.
fn play_each(cases: Vec<Case>) {
    let played: Vec<_> = cases
        .into_iter()
        .map(|(name, replies, outcome)| (name, thread::spawn(move || play(&replies, &outcome))))
        .collect();
    let failed: Vec<_> = played.into_iter().filter_map(|(name, case)| case.join().is_err().then_some(name)).collect();
    assert!(failed.is_empty(), "{failed:?}, see above");
}

fn ok() -> Reply {
    Reply::status(200)
}

#[test]
fn every_status_is_an_acknowledgement_a_refusal_or_tried_again() {
    play_each(vec![
        ("200", vec![ok], Acknowledged(1)),
        ("204", vec![|| Reply::status(204)], Acknowledged(1)),
        ("403", vec![|| Reply::status(403), ok], Undelivered(1..=1, "status 403")),
        ("400", vec![|| Reply::status(400), ok], Undelivered(1..=1, "status 400")),
        (
            "408, 409 and 429",
            vec![|| Reply::status(408), || Reply::status(409), || Reply::status(429), ok],
            Acknowledged(4),
        ),
        ("404", vec![|| Reply::status(404), ok], Undelivered(1..=1, "status 404")),
        ("500 and 503", vec![|| Reply::status(500), || Reply::status(503), ok], Acknowledged(3)),
        ("500 and 403", vec![|| Reply::status(500), || Reply::status(403), ok], Undelivered(2..=2, "status 403")),
        ("500 for ever", vec![|| Reply::status(500)], Undelivered(4..=20, "status 500")),
    ]);
}

#[test]
fn slowness_is_waited_for_as_long_as_an_attempt_may_take_and_a_body_is_not_waited_for_at_all() {
    // For an attempt, and after the second one for the function too.
    const TOO_LONG: Duration = Duration::from_secs(5);
    play_each(vec![
        ("slow", vec![|| Reply::After(Duration::from_millis(1500), Box::new(ok()))], Acknowledged(1)),
        ("a slow header", vec![|| Reply::slow_head(Duration::from_millis(30))], Acknowledged(1)),
        ("too slow a header", vec![|| Reply::slow_head(Duration::from_millis(300)), ok], Acknowledged(2)),
        ("never a header", vec![|| Reply::slow_head(Duration::from_millis(300))], Undelivered(2..=2, "in time")),
        ("half a header", vec![Reply::half, ok], Acknowledged(2)),
        ("a slow body", vec![|| Reply::slow_body(Duration::from_secs(60))], Acknowledged(1)),
        // The server has the body, and acknowledges when nobody is there any more.
        ("the deadline comes first", vec![|| Reply::After(TOO_LONG, Box::new(ok()))], Undelivered(2..=2, "in time")),
    ]);
}

#[test]
fn a_connection_that_ends_is_made_again() {
    play_each(vec![
        ("closed", vec![|| Reply::Close, ok], Acknowledged(2)),
        ("closed for ever", vec![|| Reply::Close], Undelivered(4..=20, "")),
        ("reset", vec![|| Reply::Reset, ok], Acknowledged(2)),
        ("reset for ever", vec![|| Reply::Reset], Undelivered(4..=20, "")),
        ("half closed", vec![|| Reply::HalfClose, ok], Acknowledged(2)),
        ("half open", vec![|| Reply::Hang, ok], Acknowledged(2)),
        ("half open for ever", vec![|| Reply::Hang], Undelivered(2..=2, "in time")),
        (
            "no HTTP",
            vec![|| Reply::Pieces(vec![(Duration::ZERO, b"220 mail.example ESMTP\r\n".to_vec())]), ok],
            Acknowledged(2),
        ),
    ]);
}

#[test]
fn no_redirect_is_followed() {
    let redirected = |status: u16| {
        let elsewhere = HttpServer::answering(&[200]);
        let location = elsewhere.url("/stolen");
        let bucket = HttpServer::start(move |_| Reply::With(status, vec![("location", location.clone())], Vec::new()));
        undelivered(&bucket.url(&format!("/response?{SIGNATURE}")), &format!("status {status}"));
        assert_eq!((bucket.requests().len(), elsewhere.requests().len()), (1, 0));
    };
    thread::scope(|scope| {
        for status in [301, 302, 303, 307, 308] {
            scope.spawn(move || redirected(status));
        }
    });
}

/// Plays a Create whose answer cannot be delivered there.
fn undelivered(url: &str, words: &str) {
    let stage = Stage::new();
    let event = create(url);
    let Ended::Error(error) = stage.invoke(&event) else { panic!("it was delivered") };
    is_undelivered(&error, words);
    assert_eq!(stage.response(event)["Status"], "SUCCESS");
}

#[test]
fn where_no_request_arrives_the_invocation_fails_in_time() {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let untrusted = HttpServer::behind_tls(&certified, |_| ok());
    let plain = HttpServer::answering(&[200]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // The kernel connects; nobody is there.
    let half_open = TcpListener::bind("127.0.0.1:0").unwrap();
    let (tls, port) = (untrusted.url(""), half_open.local_addr().unwrap().port());
    thread::scope(|scope| {
        for (url, words) in [
            (tls, "certificate"),
            (format!("https://127.0.0.1:{}", plain.port), ""),
            (format!("http://127.0.0.1:{closed}"), "connect"),
            (format!("http://127.0.0.1:{port}"), "in time"),
            (format!("https://localhost:{port}"), "in time"),
            ("https://nowhere.invalid".to_owned(), "the name nowhere.invalid could not be resolved"),
        ] {
            scope.spawn(move || undelivered(&format!("{url}/response?{SIGNATURE}"), words));
        }
    });
    assert!(untrusted.requests().is_empty() && plain.requests().is_empty());
}

#[test]
fn a_connection_that_died_since_the_last_invocation_costs_an_attempt_and_nothing_else() {
    let stage = Stage::new();
    let served = AtomicUsize::new(0);
    let bucket =
        HttpServer::start(move |_| if served.fetch_add(1, Ordering::SeqCst) == 1 { Reply::Close } else { ok() });
    let event = create(&bucket.url(&format!("/response?{SIGNATURE}")));
    for acknowledged in [vec![1], vec![1, 3]] {
        assert!(matches!(stage.invoke(&event), Ended::Response), "{}", stage.lambda.log());
        assert_eq!(bucket.acknowledged(), acknowledged);
    }
    assert_eq!(stage.response(event)["Status"], "SUCCESS");
}
