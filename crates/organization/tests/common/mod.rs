//! What the tests share. Not every test uses everything.
#![allow(dead_code, reason = "every test compiles this module, and each uses a part of it")]

pub mod contacts;
pub mod fake;
pub mod promise;
pub mod stack;
pub mod template;

/// What explains every Reason, note and warning.
#[path = "../../../../tests/common/runbook.rs"]
pub mod runbook;
