//! The built function, when the DNS answers about a name are not what they should be.
//!
//! musl's resolver asks for IPv6 and IPv4, and fails if one of the answers is an error. The real one is asked here: the
//! tests run in a network of their own, `tests/own_network.sh`, in which [`DNS`] is the server.

mod common;

use common::dns_server::{Answer, DnsServer};
use common::fake_iam::FakeIam;
use common::http_server::HttpServer;
use common::iam_endpoint::serve;
use common::runbook::assert_explained;
use common::runtime_api::{Ended, Lambda};
use common::stack::Stack;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// Their answers for IPv6. Those for IPv4 are good.
const GOOD: [(&str, Answer); 6] = [
    ("empty.iam.test", Answer::Empty),
    ("servfail.iam.test", Answer::ServFail),
    ("refused.iam.test", Answer::Refused),
    ("nxdomain.iam.test", Answer::NxDomain),
    ("silent.iam.test", Answer::Silence),
    // A bucket: the only name with which a ResponseURL needs no TLS.
    ("localhost", Answer::ServFail),
];

/// Their answers for both.
const BAD: [(&str, Answer); 5] = [
    ("servfail.nowhere.test", Answer::ServFail),
    ("refused.nowhere.test", Answer::Refused),
    ("nxdomain.nowhere.test", Answer::NxDomain),
    ("silent.nowhere.test", Answer::Silence),
    ("empty.nowhere.test", Answer::Empty),
];

static DNS: LazyLock<DnsServer> = LazyLock::new(|| {
    let good = GOOD.iter().map(|(name, ipv6)| (*name, *ipv6, Answer::Loopback));
    DnsServer::start(good.chain(BAD.iter().map(|(name, answer)| (*name, *answer, *answer))))
});

/// A Create whose calls go to a host of this name, and the response to `localhost`. With the time that it took.
fn create(iam: &str) -> (Value, Duration) {
    LazyLock::force(&DNS);
    let fake = Arc::new(FakeIam::default());
    let endpoint = serve(fake.clone(), 100);
    let bucket = HttpServer::answering(&[200]);
    let lambda = Lambda::with_iam(&endpoint.url("").replace("127.0.0.1", iam));
    let event = json!({"RequestType": "Create", "ResourceProperties": {}});
    let response_url = bucket.url("/answer?X-Amz-Signature=dummy").replace("127.0.0.1", "localhost");
    let event = Stack::new(&*fake).event(event, &response_url);
    let start = Instant::now();
    assert!(matches!(lambda.invoke(&event.to_string()), Ended::Response), "{iam}\n{}", lambda.log());
    let answer = serde_json::from_slice(&bucket.requests()[0].body).unwrap();
    for name in [iam, "localhost"] {
        assert!(DNS.was_asked(name), "{name} was resolved by something else");
    }
    (answer, start.elapsed())
}

#[test]
#[ignore = "make test plays it: it needs the built function and a network of its own"]
fn a_name_with_a_good_answer_for_ipv4_is_resolved_whatever_the_answer_for_ipv6_is() {
    scope(|scope| {
        for (name, _) in GOOD {
            scope.spawn(move || {
                let (answer, took) = create(name);
                assert_eq!(answer["Status"], "SUCCESS", "{name}: {answer}");
                assert!(took < Duration::from_secs(5), "{name}: {took:?}");
            });
        }
    });
}

#[test]
#[ignore = "make test plays it: it needs the built function and a network of its own"]
fn a_name_that_cannot_be_resolved_is_what_the_reason_is_about_and_it_comes_in_time() {
    scope(|scope| {
        for (name, _) in BAD {
            scope.spawn(move || {
                let (answer, _) = create(name);
                let reason = answer["Reason"].as_str().unwrap();
                assert_eq!(answer["Status"], "FAILED", "{answer}");
                assert!(reason.contains(&format!("failed: the name {name} could not be resolved. ")), "{reason}");
                assert_explained(reason);
            });
        }
    });
}

#[test]
#[ignore = "make test plays it: it needs the built function and a network of its own"]
fn a_bucket_whose_name_cannot_be_resolved_is_named_in_the_log_and_its_url_is_not() {
    LazyLock::force(&DNS);
    let fake = Arc::new(FakeIam::default());
    let endpoint = serve(fake.clone(), 100);
    for (name, _) in BAD {
        let mut lambda = Lambda::with_iam(&endpoint.url(""));
        lambda.timeout = Duration::from_secs(6);
        let event = json!({"RequestType": "Create", "ResourceProperties": {}});
        let event = Stack::new(&*fake).event(event, &format!("https://{name}/answer?X-Amz-Signature=dummy"));
        let ended = lambda.invoke(&event.to_string());
        assert!(matches!(ended, Ended::Error(_)), "{ended:?}");
        // The error itself may be about the last attempt, which the deadline cuts short.
        let sentence = format!("the name {name} could not be resolved");
        sleep(Duration::from_millis(100));
        assert!(lambda.log().contains(&sentence) && !lambda.log().contains("X-Amz-Signature"), "{}", lambda.log());
    }
}
