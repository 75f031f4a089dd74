use super::*;
use std::cell::RefCell;
use std::future::pending;
use tokio::time::{Instant, sleep};

/// What a lookup ends in, and when. `None`: never.
type Ending = Option<(u64, Result<&'static str, &'static str>)>;

async fn ending(ending: Ending) -> io::Result<Vec<SocketAddr>> {
    let Some((after, answer)) = ending else { return pending().await };
    sleep(Duration::from_millis(after)).await;
    answer.map(|address| vec![SocketAddr::new(address.parse().unwrap(), 0)]).map_err(io::Error::other)
}

/// What came of it, in which time, and when which family was asked for.
async fn played(any: Ending, ipv4: Ending) -> (Result<String, String>, u128, Vec<(Family, u128)>) {
    let (start, asked) = (Instant::now(), RefCell::new(Vec::new()));
    let lookup = |family| {
        asked.borrow_mut().push((family, start.elapsed().as_millis()));
        ending(if family == Family::Any { any } else { ipv4 })
    };
    let answer = addresses("iam.amazonaws.com", lookup).await;
    let answer = answer.map(|addresses| addresses[0].ip().to_string()).map_err(|error| error.to_string());
    (answer, start.elapsed().as_millis(), asked.into_inner())
}

const V6: Result<&str, &str> = Ok("2001:db8::1");
const V4: Result<&str, &str> = Ok("192.0.2.1");
const FAILED: Result<&str, &str> = Err("SERVFAIL");
const ALSO_FAILED: Result<&str, &str> = Err("NXDOMAIN");

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_is_taken_and_nothing_else_is_asked() {
    for after in [0, 299] {
        let asked = vec![(Family::Any, 0)];
        assert_eq!(played(Some((after, V6)), None).await, (Ok("2001:db8::1".into()), after.into(), asked));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_ipv4_alone_is_asked_for_at_once() {
    let asked = vec![(Family::Any, 0), (Family::Ipv4, 20)];
    let answer = played(Some((20, FAILED)), Some((5, V4))).await;
    assert_eq!(answer, (Ok("192.0.2.1".into()), 25, asked));
}

#[tokio::test(start_paused = true)]
async fn beside_a_silent_lookup_ipv4_is_asked_for_in_time_to_connect() {
    let asked = vec![(Family::Any, 0), (Family::Ipv4, 300)];
    assert_eq!(played(None, Some((5, V4))).await, (Ok("192.0.2.1".into()), 305, asked.clone()));
    // musl ignores an answer that is REFUSED, and fails five seconds later.
    let answer = played(Some((5000, FAILED)), Some((5, V4))).await;
    assert_eq!(answer, (Ok("192.0.2.1".into()), 305, asked));
}

#[tokio::test(start_paused = true)]
async fn of_two_lookups_the_first_good_answer_counts_and_a_failure_leaves_it_to_the_other() {
    for (any, ipv4, answer, after) in [
        ((400, V6), Some((200, V4)), "2001:db8::1", 400),
        ((600, V6), Some((200, V4)), "192.0.2.1", 500),
        ((400, FAILED), Some((200, V4)), "192.0.2.1", 500),
        ((600, V6), Some((200, FAILED)), "2001:db8::1", 600),
        ((400, V6), None, "2001:db8::1", 400),
    ] {
        let (found, took, _) = played(Some(any), ipv4).await;
        assert_eq!((found, took), (Ok(answer.to_owned()), after), "{any:?} {ipv4:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_nothing_resolves_is_told_with_the_last_cause_within_a_second() {
    for (any, ipv4, cause, after) in [
        (Some((10, FAILED)), Some((10, ALSO_FAILED)), "NXDOMAIN", 20),
        (Some((400, FAILED)), Some((200, ALSO_FAILED)), "NXDOMAIN", 500),
        (Some((600, FAILED)), Some((200, ALSO_FAILED)), "SERVFAIL", 600),
        (Some((10, FAILED)), None, "no answer in time", 1000),
        (None, Some((10, FAILED)), "no answer in time", 1000),
        (None, None, "no answer in time", 1000),
    ] {
        let (found, took, _) = played(any, ipv4).await;
        let sentence = format!("the name iam.amazonaws.com could not be resolved: {cause}");
        assert_eq!((found, took), (Err(sentence), after), "{any:?} {ipv4:?}");
    }
}

#[tokio::test]
async fn the_c_library_knows_localhost_in_both_ways() {
    for family in [Family::Any, Family::Ipv4] {
        let found = lookup("localhost".to_owned(), family).await.unwrap();
        assert!(found.iter().any(SocketAddr::is_ipv4), "{found:?}");
        assert!(family == Family::Any || found.iter().all(SocketAddr::is_ipv4), "{found:?}");
    }
}
