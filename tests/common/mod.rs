//! What the tests share: a fake IAM with IAM's rules, a decorator that makes it fail, a stack that drives the
//! function, and the runbook that has to explain its answers.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod assume;
pub mod by_hand;
pub mod dns_server;
pub mod drift;
pub mod fake_iam;
pub mod fake_sts;
pub mod faulty_http;
pub mod faulty_iam;
pub mod generated_event;
pub mod iam_endpoint;
pub mod moto;
pub mod promise;
pub mod runbook;
pub mod sdk;
pub mod stack;

#[path = "../../crates/custom-resource/tests/common/http_server.rs"]
pub mod http_server;
#[path = "../../crates/custom-resource/tests/common/runtime_api.rs"]
pub mod runtime_api;

/// The function: the release artefact when `ORCHESTERA_BOOTSTRAP` names it, as `make test` does, or else cargo's.
pub fn bootstrap() -> std::path::PathBuf {
    std::env::var_os("ORCHESTERA_BOOTSTRAP").map_or_else(|| env!("CARGO_BIN_EXE_orchestera-access").into(), Into::into)
}

/// An event as the function receives it. It lives as long as the test process.
pub fn opened(event: &serde_json::Value) -> custom_resource::event::Envelope<'static> {
    let payload = serde_json::value::to_raw_value(event).expect("JSON");
    custom_resource::event::Envelope::open(Box::leak(payload)).expect("an object")
}
