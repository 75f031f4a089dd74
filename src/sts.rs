//! The seam to STS: assuming a role in another account, and nothing else.

use custom_resource::Result;
use serde_json::Value;

pub mod aws;

/// One `AssumeRole`.
#[derive(Clone, Debug, PartialEq)]
pub struct AssumeRole {
    pub role_arn: String,
    /// The session may do what both the role and this policy allow. At most 2048 characters.
    pub session_policy: Value,
    /// The region of the endpoint; `None` for the function's own.
    pub region: Option<&'static str>,
}

/// STS, as the function's own role sees it.
#[expect(async_fn_in_trait, reason = "the runtime has one thread: no future needs to be Send")]
pub trait Sts {
    /// A client with the session's credentials.
    type Session;
    /// Errors carry a kind and the failed call, not yet a sentence for the customer.
    async fn assume_role(&self, request: &AssumeRole) -> Result<Self::Session>;
}
