//! Orchestera Access: a CloudFormation custom resource that gives the Orchestera platform a role in an account, keeps it
//! right, proves it, and takes it away again.
//!
//! The contract in one sentence: **one event, one answer**. Whatever happens, CloudFormation hears of it, with a sentence
//! that a customer can act on, before it would have to give up.
//!
//! ```text
//!           event                                                    answer
//!             │                                                        ▲
//!          handler   one event, one answer: panic guard, deadline      │
//!             │                                                        │
//!          request ── properties ── physical_id                response ── callback
//!             │
//!         reconcile   observe → plan → apply, per kind of event
//!         ├─ state       what is there
//!         ├─ plan        what differs: a list of steps, a pure function
//!         ├─ wanted      what is wanted there   ├─ departure   what has to go
//!         ├─ claim       whose it is            ├─ restoration what is put back
//!         ├─ adoption    what was there before  ├─ suspension  the kill switch
//!         ├─ external_id the one that is kept   ├─ apply       doing the steps
//!         ├─ settle      until nothing is left  ├─ reason      sentences for failed calls
//!         └─ attributes  for Fn::GetAtt
//!             │
//!            iam ── iam::aws ── http            policy, trust, ownership, account: plain values
//!            sts ── sts::aws                    member: in which account, and the way into it
//!            cloudformation                     drift: what a schedule asks, between the updates
//! ```
//!
//! The core knows nothing of HTTP or Lambda; [`iam::Iam`] is the seam to AWS, and `tests/common` has a fake behind it that
//! obeys IAM's rules. `docs/semantics.md` says what each event does in each state, and which test proves it.

// A panic is answered, but it is still a defect.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod account;
pub mod budget;
pub mod callback;
pub mod cloudformation;
pub mod drift;
pub mod drift_check;
pub mod error;
pub mod goal;
pub mod handler;
pub mod hex;
pub mod http;
pub mod iam;
pub mod logging;
pub mod member;
pub mod ownership;
pub mod physical_id;
pub mod policy;
pub mod properties;
pub mod reconcile;
pub mod request;
pub mod response;
pub mod retry;
pub mod sdk;
pub mod sts;
pub mod trust;
