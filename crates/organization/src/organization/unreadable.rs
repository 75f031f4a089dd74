//! Reads whose result is a warning's worth.

use custom_resource::{Kind, Result};

/// The reads that told nothing.
pub struct Unreadable {
    pub operations: Vec<&'static str>,
    /// Whether a call without an answer is one of them, in place of an error.
    pub is_last: bool,
}

/// A read that never works here becomes a warning. One that may pass, and a right that may not have arrived yet, is
/// tried again first.
pub fn readable<T>(unreadable: &mut Unreadable, result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if unreadable.is_last || matches!(error.kind(), Kind::Refused | Kind::Gone) => {
            tracing::info!(cause = error.cause(), "a check was left out");
            unreadable.operations.extend(error.failed_call().map(|call| call.operation));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
