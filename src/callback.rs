//! Delivering the answer: one PUT to the ResponseURL that is acknowledged, or an error.
//!
//! The URL is presigned for S3: the PUT carries no Content-Type (the signature covers it), follows no redirect, and the
//! URL appears in no error.

use crate::error::chain;
use crate::http::Client;
use crate::request::ResponseUrl;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(4);
/// The pause before the second attempt; doubled before each one after it, up to [`LONGEST_PAUSE`], and jittered.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The answer was not acknowledged. For the log; the customer never sees it.
#[derive(Debug)]
pub struct Undelivered(String);

impl std::fmt::Display for Undelivered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the answer was not delivered: {}", self.0)
    }
}

impl std::error::Error for Undelivered {}

/// Sends `body` until it is acknowledged or `until` is reached. Network errors, timeouts and 5xx are tried again; any
/// other status is final, because S3 would say it again.
///
/// An attempt that timed out may have been received all the same; the next one then writes the same bytes once more, so
/// that there is never more than one answer, and only one acknowledgement is waited for.
pub async fn deliver(client: &Client, url: &ResponseUrl, body: &[u8], until: Instant) -> Result<(), Undelivered> {
    let mut pause = FIRST_PAUSE;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let failure = match attempt(client, url, body, until.min(Instant::now() + ATTEMPT)).await {
            Ok(status) if status.is_success() => return Ok(()),
            Ok(status) if status.is_server_error() => format!("status {status}"),
            Ok(status) => return Err(Undelivered(format!("status {status} at attempt {attempts}"))),
            Err(failure) => failure,
        };
        let wait = jittered(pause);
        if Instant::now() + wait >= until {
            return Err(Undelivered(format!(
                "{failure} at attempt {attempts}, the last that fits before the deadline"
            )));
        }
        tracing::warn!(attempts, failure, "the answer was not acknowledged; trying again");
        sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn attempt(client: &Client, url: &ResponseUrl, body: &[u8], until: Instant) -> Result<StatusCode, String> {
    let mut request = Request::new(Bytes::copy_from_slice(body));
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = url.expose().clone();
    match timeout_at(until, client.send(request)).await {
        Ok(Ok(response)) => Ok(response.status()),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

/// Between half of the pause and the whole of it, so that many stacks that failed together do not retry together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}
