//! Delivery of the response, against a server that behaves as S3 does, and as networks do.

mod common;

use common::http_server::{HttpServer, Reply};
use custom_resource::delivery::deliver;
use custom_resource::event::ResponseUrl;
use custom_resource::http::Client;
use futures_util::future::join_all;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

const SECRET: &str = "X-Amz-Signature=0123456789abcdef";
const BODY: &[u8] = br#"{"Status":"SUCCESS"}"#;

/// Delivers within so many milliseconds; the error's text, in both forms, if it failed.
async fn deliver_to(url: &str, milliseconds: u64) -> Result<(), String> {
    let (client, url) = (Client::new().unwrap(), ResponseUrl::new(url).unwrap());
    let until = Instant::now() + Duration::from_millis(milliseconds);
    let delivered = deliver(&client, &url, BODY, until).await;
    assert!(Instant::now() < until + Duration::from_millis(300), "it took longer than it may");
    delivered.map_err(|error| format!("{error} {error:?}"))
}

fn target(server: &HttpServer) -> String {
    server.url(&format!("/arn%3Aaws%3Acloudformation%3Aus-east-1%3A111122223333%3Astack/s/1?{SECRET}"))
}

#[tokio::test]
async fn one_put_with_the_body_and_without_a_content_type() {
    for status in [200, 204] {
        let server = HttpServer::start(move |_| Reply::status(status));
        deliver_to(&target(&server), 2000).await.unwrap();
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.method, "PUT");
        assert_eq!(
            format!("http://127.0.0.1:{}{}", server.port, request.target),
            target(&server),
            "to the letter: it is signed"
        );
        assert_eq!(request.body, BODY);
        assert_eq!(request.header("content-type"), None, "S3 signs it");
        assert_eq!(request.header("content-length"), Some("20"));
        assert_eq!(request.header("transfer-encoding"), None, "S3 does not take chunks");
    }
}

#[tokio::test]
async fn a_refusal_is_final() {
    for statuses in [&[403, 200], &[400, 200], &[404, 200]] {
        let server = HttpServer::answering(statuses);
        let error = deliver_to(&target(&server), 2000).await.unwrap_err();
        assert!(error.contains(&format!("status {}", statuses[0])), "{error}");
        assert_eq!(server.requests().len(), 1, "S3 would only say it again");
    }
}

/// S3's answer to a body that came too slowly, and to others that it refuses.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn refused(code: &str) -> Reply {
    let error = format!("<Error><Code>{code}</Code><Message>No. {SECRET}</Message></Error>");
    Reply::With(400, Vec::new(), error.into_bytes())
}

#[tokio::test]
async fn a_status_of_s3_that_may_pass_is_retried() {
    let replies: [fn() -> Reply; 4] =
        [|| Reply::status(408), || Reply::status(409), || Reply::status(429), || refused("RequestTimeout")];
    for reply in replies {
        assert_eq!(recovers_from(reply, 2000).await, 2);
    }
}

#[tokio::test]
async fn another_bad_request_is_final_and_its_body_is_read_up_to_a_limit_and_never_shown() {
    let long = || Reply::With(400, Vec::new(), [&b" ".repeat(9000)[..], b"<Code>RequestTimeout</Code>"].concat());
    let endless = || {
        let head = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
        Reply::Pieces([vec![(Duration::ZERO, head)], vec![(Duration::ZERO, b" ".repeat(1000)); 9]].concat())
    };
    let replies: [fn() -> Reply; 3] = [|| refused("AccessDenied"), long, endless];
    for reply in replies {
        let server = HttpServer::start(move |_| reply());
        let error = deliver_to(&target(&server), 2000).await.unwrap_err();
        assert!(error.contains("status 400") && !error.contains("0123456789abcdef"), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

/// S3's codes with the status 400, and some that only look like the one that may pass.
const BAD_REQUESTS: [&str; 10] = [
    "RequestTimeout",
    "requesttimeout",
    "RequestTimeoutException",
    "RequestTimeTooSkewed",
    "BadDigest",
    "EntityTooLarge",
    "ExpiredToken",
    "IncompleteBody",
    "InvalidArgument",
    "MalformedXML",
];

#[tokio::test]
async fn every_status_and_every_code_of_s3_is_retried_exactly_if_it_may_pass() {
    let statuses = (400..=511).map(|status| {
        let may_pass = [408, 409, 429].contains(&status) || status >= 500;
        (format!("{status}"), may_pass, Reply::status(status))
    });
    let codes = BAD_REQUESTS.map(|code| (code.to_owned(), code == "RequestTimeout", refused(code)));
    let each = statuses.chain(codes).map(|(name, may_pass, first)| async move {
        let first = Mutex::new(Some(first));
        let server = HttpServer::start(move |_| first.lock().unwrap().take().unwrap_or_else(|| Reply::status(200)));
        let delivered = deliver_to(&target(&server), 10_000).await;
        let attempts = server.requests().len();
        assert_eq!((delivered.is_ok(), attempts), (may_pass, 1 + usize::from(may_pass)), "{name}: {delivered:?}");
    });
    join_all(each).await;
}

#[tokio::test]
async fn a_server_error_is_tried_again_and_acknowledged_once() {
    let server = HttpServer::answering(&[500, 503, 200, 500]);
    deliver_to(&target(&server), 3000).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.body == BODY));
}

#[tokio::test]
async fn an_endless_server_error_ends_before_the_deadline() {
    let server = HttpServer::answering(&[500]);
    let error = deliver_to(&target(&server), 1500).await.unwrap_err();
    assert!(error.contains("status 500"), "{error}");
    assert!((3..20).contains(&server.requests().len()), "{} attempts", server.requests().len());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = HttpServer::answering(&[200]);
        let location = elsewhere.url("/stolen");
        let server = HttpServer::start(move |_| Reply::With(status, vec![("location", location.clone())], Vec::new()));
        let error = deliver_to(&target(&server), 2000).await.unwrap_err();
        assert!(error.contains(&format!("status {status}")), "{error}");
        assert!(elsewhere.requests().is_empty());
    }
}

/// The first attempt is treated as `misbehave` says, the second is acknowledged.
async fn recovers_from(misbehave: fn() -> Reply, milliseconds: u64) -> usize {
    let first = std::sync::atomic::AtomicBool::new(true);
    let server = HttpServer::start(move |_| {
        if first.swap(false, std::sync::atomic::Ordering::SeqCst) { misbehave() } else { Reply::status(200) }
    });
    deliver_to(&target(&server), milliseconds).await.unwrap();
    server.requests().len()
}

#[tokio::test]
async fn a_closed_or_reset_connection_is_tried_again() {
    assert_eq!(recovers_from(|| Reply::Close, 3000).await, 2);
    assert_eq!(recovers_from(|| Reply::Reset, 3000).await, 2);
    assert_eq!(recovers_from(|| Reply::HalfClose, 3000).await, 2);
}

#[tokio::test]
async fn no_answer_and_half_an_answer_are_tried_again_after_the_longest_attempt() {
    let (hang, half) = tokio::join!(recovers_from(|| Reply::Hang, 8000), recovers_from(Reply::half, 8000));
    assert_eq!((hang, half), (2, 2));
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_and_not_asked_for_twice() {
    let server = HttpServer::start(|_| Reply::After(Duration::from_millis(1500), Box::new(Reply::status(200))));
    deliver_to(&target(&server), 5000).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_slow_header_is_waited_for_and_a_slow_body_is_not() {
    for reply in [|| Reply::slow_head(Duration::from_millis(20)), || Reply::slow_body(Duration::from_secs(60))] {
        let server = HttpServer::start(move |_| reply());
        deliver_to(&target(&server), 3500).await.unwrap();
        assert_eq!((server.requests().len(), server.acknowledged()), (1, vec![1]));
    }
}

#[tokio::test]
async fn a_hang_ends_at_the_deadline() {
    let server = HttpServer::start(|_| Reply::Hang);
    let slow = HttpServer::start(|_| Reply::slow_head(Duration::from_millis(100)));
    // The kernel connects; nobody is there.
    let half_open = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = half_open.local_addr().unwrap().port();
    let urls = ["http", "https"].map(|scheme| format!("{scheme}://127.0.0.1:{port}/?{SECRET}"));
    for url in [target(&server), target(&slow)].iter().chain(&urls) {
        let error = deliver_to(url, 700).await.unwrap_err();
        assert!(error.contains("no answer in time"), "{error}");
    }
}

/// A client that trusts one certificate.
fn trusting(certificate: &rcgen::Certificate) -> Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    Client::trusting(roots).unwrap()
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_trusts_is_told_nothing() {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let server = HttpServer::behind_tls(&certified, |_| Reply::status(200));
    let error = deliver_to(&target(&server), 1000).await.unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    assert!(server.requests().is_empty());

    // It is the certificate and nothing else.
    let url = ResponseUrl::new(&target(&server)).unwrap();
    let until = Instant::now() + Duration::from_secs(2);
    deliver(&trusting(&certified.cert), &url, BODY, until).await.unwrap();
    assert_eq!(server.requests()[0].body, BODY);
}

#[tokio::test]
async fn nobody_listening_a_name_that_is_none_and_tls_that_is_none_are_errors_in_time() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://127.0.0.1:{}/?{SECRET}", listener.local_addr().unwrap().port())
    };
    let plain = HttpServer::start(|_| Reply::status(200));
    for url in
        [closed, format!("https://nowhere.invalid/?{SECRET}"), format!("https://127.0.0.1:{}/?{SECRET}", plain.port)]
    {
        deliver_to(&url, 1000).await.unwrap_err();
    }
}

#[tokio::test]
async fn no_error_shows_the_url() {
    let servers = [
        HttpServer::answering(&[403]),
        HttpServer::answering(&[500]),
        HttpServer::start(|_| Reply::Close),
        HttpServer::start(|_| Reply::Hang),
    ];
    let mut errors = Vec::new();
    for server in &servers {
        errors.push(deliver_to(&target(server), 300).await.unwrap_err());
    }
    errors.push(deliver_to(&format!("https://nowhere.invalid/?{SECRET}"), 2000).await.unwrap_err());
    // The host is no secret, and whoever mends the DNS has to know it.
    let unresolved = "the response was not delivered: the name nowhere.invalid could not be resolved: ";
    assert!(errors.last().unwrap().starts_with(unresolved), "{errors:?}");
    for error in errors {
        for part in ["Signature", "0123456789abcdef", "127.0.0.1", "https:", "arn"] {
            assert!(!error.contains(part), "{error}");
        }
    }
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used() {
    // Of the whole process, which is why no other test may depend on it.
    let proxy = HttpServer::answering(&[502]);
    let server = HttpServer::answering(&[200]);
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_put_with_the_body_and_without_a_content_type"])
        .env("HTTP_PROXY", proxy.url("/"))
        .env("http_proxy", proxy.url("/"))
        .env("ALL_PROXY", proxy.url("/"))
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(proxy.requests().is_empty() && server.requests().is_empty());
}
