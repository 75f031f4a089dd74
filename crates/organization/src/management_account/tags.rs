//! Tags, and the one by which a stack knows what is its own.

use std::collections::BTreeMap;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// The tag on an account that a stack created: the ARN of the stack. `CreateAccount` sets it in the same call, so that
/// the account never exists without an owner.
pub const STACK_ID: &str = "orchestera:stack-id";
