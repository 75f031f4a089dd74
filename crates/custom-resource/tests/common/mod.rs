//! What the tests share: Lambda's Runtime API, a bucket that behaves as S3 and networks do, and the example as a
//! process.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod http_server;
pub mod runtime_api;

use std::path::PathBuf;

/// The example `greeting`, which cargo builds beside the tests.
pub fn bootstrap() -> PathBuf {
    let tests = std::env::current_exe().expect("the test's own path");
    let example =
        tests.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps").join("examples/greeting");
    assert!(example.exists(), "{} is missing: cargo test --package custom-resource builds it", example.display());
    example
}
