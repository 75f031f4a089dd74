//! What the tests share: a fake IAM with IAM's rules, a decorator that makes it fail, a stack that drives the
//! function, and the runbook that has to explain its answers.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod assume;
pub mod by_hand;
pub mod drift;
pub mod fake_iam;
pub mod fake_sts;
pub mod faulty_http;
pub mod faulty_iam;
pub mod generated_event;
pub mod http_server;
pub mod iam_endpoint;
pub mod moto;
pub mod promise;
pub mod runbook;
pub mod runtime_api;
pub mod sdk;
pub mod stack;
