//! Orchestera Access: a CloudFormation custom resource that creates, converges, verifies and deletes one IAM role and
//! one policy, by which the Orchestera platform gets access to an account.
//!
//! The crate `custom-resource` keeps the contract's first sentence: **one event, one response**. This crate is the work
//! in between: what an event asks for, what exists, and the steps from one to the other.
//!
//! Imports run one way, from the top of this picture to its bottom. `tests/imports` checks that there is no cycle.
//!
//! ```text
//! handler        the custom resource: in which account, with which clients
//! ├─ drift_check what a schedule asks between the updates
//! ├─ reconcile   observe → plan → apply, for a goal
//! │  ├─ attributes                       for Fn::GetAtt
//! │  ├─ remove, converge                 repeat the three until nothing is left
//! │  ├─ apply, observe                   send the steps; read the state
//! │  ├─ reason                           sentences for failed calls
//! │  ├─ convergence_plan, removal_plan, restoration, drift    pure: (goal, observed state) → steps
//! │  ├─ conflict                         may the objects that exist be changed?
//! ├─ goal        pure: (request, account, resource, random value) → the desired state, or the removal
//! │  ├─ desired, removal                 what is asked for, as values
//! │  ├─ adoption, suspension, external_id    what tags record; the kill switch; the generated id
//! │  └─ state, plan                      the observed state and the steps, as values
//! ├─ metrics     lines of the log that are metrics, too
//! ├─ member      assumes the role in a member account        retry    when trying again is worth it
//! ├─ properties  typed and validated
//! ├─ trust, policy, ownership, account, physical_id           plain values
//! └─ iam, sts, cloudformation            the seams to AWS, each with its adapter in aws.rs
//! ```
//!
//! The core knows nothing of HTTP or Lambda. [`iam::Iam`] is the seam to AWS, and `tests/common` has a fake behind it
//! that obeys IAM's rules. `docs/semantics.md` says what each event does in each state, and which test proves it.

// A panic becomes a response, but it is still a defect.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod account;
pub mod cloudformation;
pub mod drift_check;
pub mod goal;
pub mod handler;
pub mod hex;
pub mod iam;
pub mod member;
pub mod metrics;
pub mod ownership;
pub mod physical_id;
pub mod policy;
pub mod properties;
pub mod reconcile;
pub mod retry;
pub mod sts;
pub mod trust;
