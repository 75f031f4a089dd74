//! Any bytes as the payload of an invocation. The promise itself is in `tests/common/promise.rs`.

#![no_main]

#[path = "../../tests/common"]
#[allow(dead_code, reason = "the tests of the function use the rest")]
mod common {
    pub mod fake_iam;
    pub mod fake_sts;
    pub mod promise;
}

libfuzzer_sys::fuzz_target!(|payload: &[u8]| {
    common::promise::keep(payload);
});
