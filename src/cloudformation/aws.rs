//! [`Stacks`] by the AWS SDK.

use crate::cloudformation::Stacks;
use crate::iam::aws::failed;
use aws_sdk_cloudformation::Client;
use aws_types::SdkConfig;
use custom_resource::Result;

/// CloudFormation in the function's region.
#[derive(Clone, Debug)]
pub struct AwsStacks(Client);

impl AwsStacks {
    pub fn new(configuration: &SdkConfig) -> Self {
        Self(Client::new(configuration))
    }
}

impl Stacks for AwsStacks {
    async fn status(&self, stack_id: &str) -> Result<String> {
        let answer = self.0.describe_stacks().stack_name(stack_id).send().await.map_err(failed("DescribeStacks"))?;
        let status = answer.stacks().first().and_then(|stack| stack.stack_status());
        Ok(status.map(|status| status.as_str().to_owned()).unwrap_or_default())
    }
}
