//! Delivering the response: a PUT to the ResponseURL that is acknowledged, or an error.
//!
//! The URL is presigned for S3. The signature covers the Content-Type, so that the PUT has none. The URL appears in no
//! error.

use crate::error::chain;
use crate::event::ResponseUrl;
use crate::http::Client;
use crate::resolver::Unresolved;
use reqwest::{Response, StatusCode};
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(4);
/// The pause before the second attempt. It doubles before each one after that, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How much of an error's body is read, in bytes, to find S3's error code.
const LONGEST_ERROR: usize = 4096;

/// The response was not acknowledged. For the log; the customer never sees it.
#[derive(Debug)]
pub struct Undelivered(String);

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the response was not delivered: {}", self.0)
    }
}

impl std::error::Error for Undelivered {}

/// Sends `body` until it is acknowledged or `until` is reached. Network errors, timeouts, 5xx and S3's transient
/// refusals are retried. Any other status is final, because S3 would repeat it.
///
/// An attempt that timed out may have arrived all the same. The next one then writes the same bytes once more, so that
/// there is never more than one response.
///
/// # Errors
/// When nothing was acknowledged in time, or a status is final.
pub async fn deliver(client: &Client, url: &ResponseUrl, body: &[u8], until: Instant) -> Result<(), Undelivered> {
    let mut pause = FIRST_PAUSE;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let attempt = attempt(client, url, body);
        let failure = match timeout_at(until.min(Instant::now() + ATTEMPT), attempt).await {
            Ok(Attempt::Acknowledged) => return Ok(()),
            Ok(Attempt::Final(status)) => {
                return Err(Undelivered(format!("status {status} at attempt {attempts}")));
            }
            Ok(Attempt::Transient(failure)) => failure,
            Err(_) => "no answer in time".to_owned(),
        };
        // Jitter: between half of the pause and all of it, so that stacks that failed together do not retry together.
        let wait = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        if Instant::now() + wait >= until {
            return Err(Undelivered(format!(
                "{failure} at attempt {attempts}, the last that fits before the deadline"
            )));
        }
        tracing::warn!(attempts, failure, "the response was not acknowledged; trying again");
        sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// How one attempt ended.
enum Attempt {
    Acknowledged,
    /// It may succeed if it is repeated. The text says why, for the log.
    Transient(String),
    Final(StatusCode),
}

async fn attempt(client: &Client, url: &ResponseUrl, body: &[u8]) -> Attempt {
    match client.put(url.expose().clone(), body.to_vec()).send().await {
        Ok(response) if response.status().is_success() => Attempt::Acknowledged,
        Ok(response) => {
            let status = response.status();
            if is_transient(response).await {
                Attempt::Transient(format!("status {status}"))
            } else {
                Attempt::Final(status)
            }
        }
        Err(error) => {
            let error = error.without_url();
            Attempt::Transient(Unresolved::among(&error).map_or_else(|| chain(&error), ToString::to_string))
        }
    }
}

/// Whether S3 asks to try again: the statuses that say so, and 400 with the code `RequestTimeout`, for a body that came
/// too slowly. <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
async fn is_transient(response: Response) -> bool {
    match response.status() {
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => true,
        // The body is never logged: S3 quotes the signed request in it.
        StatusCode::BAD_REQUEST => beginning(response).await.contains("<Code>RequestTimeout</Code>"),
        status => status.is_server_error(),
    }
}

async fn beginning(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < LONGEST_ERROR
        && let Ok(Some(piece)) = response.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    body.truncate(LONGEST_ERROR);
    String::from_utf8_lossy(&body).into_owned()
}
