//! JSON lines on standard output, where Lambda takes them from.
//!
//! Of `tracing` this product needs events, and of spans only the one that the runtime opens for each invocation.
//! `tracing-subscriber`, which can do the rest, brings five more crates.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};
use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Starts the log. `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's logging configuration, can make it quieter
/// than INFO and not louder: below that, other crates print whole requests, and the event that the runtime prints at TRACE
/// holds the ResponseURL.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>
pub fn start() {
    let level = match std::env::var("AWS_LAMBDA_LOG_LEVEL").as_deref() {
        // Lambda has one level more than this log.
        Ok("FATAL") => LevelFilter::ERROR,
        Ok(level) => level.parse().unwrap_or(LevelFilter::INFO).min(LevelFilter::INFO),
        Err(_) => LevelFilter::INFO,
    };
    // A second start changes nothing.
    let _ = tracing::subscriber::set_global_default(Lines { level, invocation: Mutex::default() });
    // A panic becomes a FAILED answer; its place and words belong to the log, in the log's form.
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(message_of_panic = message, place, "panicked");
    }));
}

/// Writes a line as it is, where it has a form of its own that CloudWatch reads.
pub fn line(line: &Value) {
    // A log that cannot be written cannot be complained of.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// One line for each event.
struct Lines {
    level: LevelFilter,
    /// What the runtime says of the present invocation: `requestId`, `xrayTraceId`. There is one at a time.
    invocation: Mutex<Map<String, Value>>,
}

impl Lines {
    fn write(&self, event: &Event<'_>) -> serde_json::Result<()> {
        let metadata = event.metadata();
        let mut text = Vec::with_capacity(1024);
        let mut serializer = serde_json::Serializer::new(&mut text);
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("timestamp", &now())?;
        line.serialize_entry("level", metadata.level().as_str())?;
        event.record(&mut Fields(&mut line));
        line.serialize_entry("target", metadata.target())?;
        for (name, value) in self.invocation.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            line.serialize_entry(name, value)?;
        }
        line.end()?;
        text.push(b'\n');
        // In one piece. If it cannot be written, nobody can be told.
        let _ = std::io::stdout().write_all(&text);
        Ok(())
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Map::new();
        span.record(&mut Remembered(&mut fields));
        if fields.contains_key("requestId") {
            *self.invocation.lock().unwrap_or_else(PoisonError::into_inner) = fields;
        }
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        // Into memory, where nothing fails.
        let _ = self.write(event);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn now() -> String {
    DateTime::from(SystemTime::now()).fmt(Format::DateTime).unwrap_or_default()
}

/// Fields into a line.
struct Fields<'a, M>(&'a mut M);

impl<M: SerializeMap> Visit for Fields<'_, M> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = self.0.serialize_entry(field.name(), value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        let _ = self.0.serialize_entry(field.name(), &value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        let _ = self.0.serialize_entry(field.name(), &value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        let _ = self.0.serialize_entry(field.name(), &value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = self.0.serialize_entry(field.name(), &format_args!("{value:?}"));
    }
}

/// Fields to keep.
struct Remembered<'a>(&'a mut Map<String, Value>);

impl Visit for Remembered<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
