//! The log: JSON lines on standard output, where Lambda reads them.

use serde_json::Value;
use std::io::Write;
use tracing::level_filters::LevelFilter;

/// Starts the log. `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's logging configuration, can make it
/// quieter than INFO. It cannot make it louder: below INFO other crates print whole requests, and the event that the
/// runtime prints at TRACE contains the ResponseURL. The features of `tracing` remove those levels from the function
/// altogether.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>
pub fn start() {
    let level = match std::env::var("AWS_LAMBDA_LOG_LEVEL").as_deref() {
        // Lambda has one level more than this log.
        Ok("FATAL") => LevelFilter::ERROR,
        Ok(level) => level.parse().unwrap_or(LevelFilter::INFO).min(LevelFilter::INFO),
        Err(_) => LevelFilter::INFO,
    };
    // `span` has the ids of the invocation, which the runtime sets.
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false).with_max_level(level);
    // A second start changes nothing.
    let _ = tracing::subscriber::set_global_default(lines.finish());
    // A panic becomes a FAILED response. Its place and message go to the log, in the log's form.
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(message_of_panic = message, place, "panicked");
    }));
}

/// Writes a line that has a form of its own, such as CloudWatch's for metrics.
pub fn line(line: &Value) {
    // If the log cannot be written, there is nowhere to report it.
    let _ = writeln!(std::io::stdout(), "{line}");
}
