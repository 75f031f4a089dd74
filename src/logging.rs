//! JSON lines on standard output, where Lambda takes them from.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Starts the log. `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's logging configuration, chooses the level of
/// this crate; other crates stay at INFO at most, because below that some print whole requests, and the event that the
/// runtime prints at TRACE holds the ResponseURL.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>
pub fn start() {
    let ours = match std::env::var("AWS_LAMBDA_LOG_LEVEL").as_deref() {
        // Lambda has one level more than this log.
        Ok("FATAL") => LevelFilter::ERROR,
        Ok(level) => level.parse().unwrap_or(LevelFilter::INFO),
        Err(_) => LevelFilter::INFO,
    };
    let filter = Targets::new().with_default(ours.min(LevelFilter::INFO)).with_target("orchestera_access", ours);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    // A panic becomes a FAILED answer; its place and words belong to the log, in the log's form.
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(message_of_panic = message, place, "panicked");
    }));
}

/// Writes a line as it is, where it has a form of its own that CloudWatch reads.
pub fn line(line: &serde_json::Value) {
    use std::io::Write;
    // A log that cannot be written cannot be complained of.
    let _ = writeln!(std::io::stdout(), "{line}");
}
