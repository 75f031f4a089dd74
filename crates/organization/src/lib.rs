//! Orchestera Access for the management account: CloudFormation custom resources that find or create an organization
//! and its member accounts.
//!
//! Nothing that is found is ever changed, not even by a tag. What cannot be undone is done last, and only while the
//! stack still waits for it.
//!
//! ```text
//! handler               the custom resources: which event goes where
//! ├─ organization       observe → check → create
//! │  ├─ preflight       pure: (choices, what exists) → refusals and warnings
//! │  ├─ observe, properties
//! ├─ account            observe → plan → apply, and the wait in between
//! │  ├─ plan            pure: (properties, what exists) → the next step
//! │  ├─ observe, properties, attributes
//! │  ├─ failure, reason sentences for the customer
//! ├─ identity_center    observe → check → answer; reads only
//! │  ├─ check           pure: (properties, what exists) → refusals
//! │  ├─ observe, properties
//! ├─ contact            observe → plan → apply: an alternate contact of an account
//! │  ├─ plan            pure: (properties, what exists) → the next step
//! │  ├─ observe, properties, physical_id, place
//! │  ├─ reason          sentences for the customer
//! ├─ findings           what checks find, as one Reason
//! ├─ wait               pauses, the event's own resource, the end of the wait
//! ├─ environment        for whom accounts may be created, which contacts may be set
//! └─ management_account the seam to AWS, and its adapter
//! ```

// A panic becomes a response, but it is still a defect.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod account;
pub mod contact;
pub mod environment;
pub mod findings;
pub mod handler;
pub mod identity_center;
pub mod management_account;
pub mod organization;
pub mod wait;
