//! The stack, as CloudFormation describes it.

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use custom_resource::Result;
use custom_resource::call::{failed, kind_of};
use serde::Serialize;
use std::collections::BTreeMap;

/// The logical id of the custom resource. It never changes.
pub const LOGICAL_ID: &str = "Access";

/// The stack of the management account.
pub const ORGANIZATION_STACK: &str = "orchestera-organization";

/// How CloudFormation shows a parameter with `NoEcho`.
pub const MASKED: &str = "****";

/// A stack, with what `DescribeStacks` says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// The ARN.
    pub id: String,
    pub name: String,
    /// Such as `UPDATE_COMPLETE`.
    pub status: String,
    pub reason: String,
    #[serde(skip)]
    pub parameters: BTreeMap<String, String>,
    #[serde(skip)]
    pub outputs: BTreeMap<String, String>,
}

impl Stack {
    /// The release of the template. Templates up to 0.4.0 do not say it, and the native template never does.
    pub fn release(&self) -> &str {
        let unsaid = if self.is_native() { "not stated" } else { "0.4.0 or earlier" };
        self.outputs.get("Release").map_or(unsaid, String::as_str)
    }

    /// Whether it is one of the native template, which has no function. Every release of the other has this parameter.
    pub fn is_native(&self) -> bool {
        !self.parameters.contains_key("RequireExternalId")
    }

    /// Whether the stack has no role of its own: it was never created completely, and can only be deleted.
    pub fn is_failed_create(&self) -> bool {
        matches!(self.status.as_str(), "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED")
    }

    /// Whether the last operation left the stack in a state that a person has to look at.
    pub fn has_failed(&self) -> bool {
        self.status.ends_with("_FAILED") || self.status == "ROLLBACK_COMPLETE"
    }

    pub fn is_in_progress(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS")
    }
}

/// CloudFormation in one account and Region.
#[derive(Clone, Debug)]
pub struct Stacks(Client);

impl Stacks {
    pub fn new(configuration: &SdkConfig) -> Self {
        Self(Client::new(configuration))
    }

    /// `DescribeStacks` of a name or an ARN. `None` if there is no such stack. By its ARN, a deleted stack is found.
    ///
    /// # Errors
    /// Those of the call, without a sentence.
    pub async fn find(&self, name: &str) -> Result<Option<Stack>> {
        let answer = self.0.describe_stacks().stack_name(name).send().await.map_err(failed("DescribeStacks", kind_of));
        let answer = match answer {
            Ok(answer) => answer,
            // CloudFormation has no other code for a stack that does not exist.
            Err(error) if error.is("ValidationError") => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(stack) = answer.stacks.unwrap_or_default().into_iter().next() else { return Ok(None) };
        let parameters = stack.parameters.unwrap_or_default().into_iter();
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        Ok(Some(Stack {
            id: stack.stack_id.unwrap_or_default(),
            name: stack.stack_name.unwrap_or_default(),
            status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            reason: stack.stack_status_reason.unwrap_or_default(),
            parameters: parameters.filter_map(|it| Some((it.parameter_key?, it.parameter_value?))).collect(),
            outputs: outputs.filter_map(|it| Some((it.output_key?, it.output_value?))).collect(),
        }))
    }

    /// The physical id of the stack's custom resource. `None` if it has none.
    ///
    /// # Errors
    /// As for [`Stacks::find`].
    pub async fn physical_id(&self, stack_id: &str) -> Result<Option<String>> {
        let call = self.0.describe_stack_resource().stack_name(stack_id).logical_resource_id(LOGICAL_ID);
        match call.send().await.map_err(failed("DescribeStackResource", kind_of)) {
            Ok(answer) => Ok(answer.stack_resource_detail.and_then(|detail| detail.physical_resource_id)),
            Err(error) if error.is("ValidationError") => Ok(None),
            Err(error) => Err(error),
        }
    }
}
