//! [`Sts`] by the AWS SDK.

use crate::iam::aws::{AwsIam, failed};
use crate::sts::{AssumeRole, Sts};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{Builder, Region};
use aws_types::SdkConfig;
use custom_resource::error::{Error, FailedCall, Kind, Result};

/// Told apart in CloudTrail by this name.
const SESSION_NAME: &str = "orchestera-access";
/// STS: the shortest. An event takes a minute at most.
const SECONDS: i32 = 900;

/// STS as the holder of some credentials sees it.
#[derive(Clone, Debug)]
pub struct AwsSts(SdkConfig);

impl AwsSts {
    pub fn new(configuration: &SdkConfig) -> Self {
        Self(configuration.clone())
    }
}

impl Sts for AwsSts {
    type Session = AwsIam;

    async fn assume_role(&self, request: &AssumeRole) -> Result<AwsIam> {
        let region = request.region.map(Region::from_static).or_else(|| self.0.region().cloned());
        let client = Client::from_conf(Builder::from(&self.0).region(region).build());
        let answer = client
            .assume_role()
            .role_arn(&request.role_arn)
            .role_session_name(SESSION_NAME)
            .policy(request.session_policy.to_string())
            .duration_seconds(SECONDS)
            .send()
            .await
            .map_err(failed("AssumeRole"))?;
        let credentials = answer.credentials.ok_or_else(|| {
            let message = "the answer has no credentials".to_owned();
            let (code, request_id) = (String::new(), String::new());
            Error::call(Kind::Unavailable, FailedCall { operation: "AssumeRole", code, message, request_id })
        })?;
        let credentials = Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            None,
            "AssumeRole",
        );
        let provider = SharedCredentialsProvider::new(credentials);
        Ok(AwsIam::new(&self.0.to_builder().credentials_provider(provider).build()))
    }
}
