//! A framework for CloudFormation custom resources in a Lambda function: **one event, one response**.
//!
//! CloudFormation sends an event and waits. If no response comes, the stack hangs for up to an hour. This crate makes
//! sure that one comes, whatever happens: an event that does not decode, a missing configuration, a panic, a hung
//! endpoint, the end of the function's time. A resource implements [`CustomResource`] and knows nothing of all that.
//!
//! A resource whose work takes longer than one invocation can return [`Unfinished`] in place of a response. Lambda then
//! repeats the event.
//!
//! ```text
//!          event                                             response
//!            │                                                  ▲
//!        function    one event, one response: panic guard,      │
//!            │       deadline, connections                      │
//!          event     the response's address, then the request   │
//!            │                                                  │
//!     CustomResource   the work, in yours              response ── delivery
//!            │                                         body and limits   PUT, retries
//!           sdk ── http      budget: which time is for what        log: JSON lines
//! ```
//!
//! It knows Lambda, HTTP and CloudFormation, and nothing of what a resource creates. `examples/greeting.rs` is a whole
//! function.

// A panic becomes a response, but it is still a defect.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod budget;
pub mod call;
pub mod delivery;
pub mod error;
pub mod event;
pub mod function;
pub mod function_arn;
pub mod http;
pub mod log;
pub mod properties;
pub mod resolver;
pub mod response;
pub mod sdk;

pub use budget::Budget;
pub use error::{Error, Kind, Result};
pub use event::{Address, Request};
pub use function::{Context, CustomResource, run};
pub use response::{Attributes, Outcome, Unfinished};
