//! The seam to CloudFormation: what the function's own stack is doing, and nothing else.

use custom_resource::Result;

pub mod aws;

/// CloudFormation, as the function's own role sees it.
#[expect(async_fn_in_trait, reason = "the runtime has one thread: no future needs to be Send")]
pub trait Stacks {
    /// `DescribeStacks` of one stack: its `StackStatus`, such as `UPDATE_COMPLETE`.
    ///
    /// Errors carry a kind and the failed call.
    async fn status(&self, stack_id: &str) -> Result<String>;
}
