//! `orchestera`: what Orchestera Access will do in your AWS accounts, and what exists. It only reads.
//!
//! It uses the core of both functions. `plan` runs the access function itself, on an IAM that keeps the writes
//! ([`dry_run`]). `verify` and `status` compare as the drift check does. `preflight --organization` is the organization
//! function's own.
//!
//! ```text
//! command             which command runs
//! ├─ preflight        what will fail
//! ├─ plan             what the stack would do
//! │  ├─ dry_run       IAM, with writes that are kept instead of sent
//! │  ├─ template      the parameters of template.yaml, and the properties that they become
//! ├─ verify, status   what exists: one account, all accounts
//! │  ├─ assessment    pure: (observed state, stack) → is it as it should be, and what to do
//! │  ├─ accounts      which accounts there are
//! │  ├─ member        a read-only session in an account
//! ├─ aws_config       profiles in ~/.aws/config: the one file that is written
//! ├─ console, permissions
//! ├─ session          credentials, as the AWS CLI has them, and who they are
//! ├─ stack            the stack, as CloudFormation describes it
//! ├─ output           table, csv, json, ndjson; notes
//! └─ arguments        the command line
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod accounts;
pub mod arguments;
pub mod assessment;
pub mod aws_config;
pub mod command;
pub mod console;
pub mod dry_run;
pub mod http;
pub mod member;
pub mod output;
pub mod permissions;
pub mod plan;
pub mod preflight;
pub mod session;
pub mod stack;
pub mod status;
pub mod template;
pub mod verdict;
pub mod verify;
