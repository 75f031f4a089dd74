//! How the SDK's clients are configured: from what Lambda puts into the environment, and from nothing else.
//!
//! `aws-config`, which does that for programs that run anywhere, links every other way to credentials beside it: profile
//! files, the metadata service, containers, web identities. See `docs/performance.md`.

use crate::error::{Error, Result};
use crate::http;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;
use aws_types::sdk_config::{Builder, SdkConfig};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use std::time::Duration;

const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The configuration of every client.
///
/// # Errors
/// [`Refused`](crate::error::Kind::Refused), naming every variable that is missing.
pub fn configuration(http: &http::Client) -> Result<SdkConfig> {
    let mut missing = Vec::new();
    let mut needed = |name: &'static str| {
        variable(name).unwrap_or_else(|| {
            missing.push(name);
            String::new()
        })
    };
    let [region, access_key_id, secret] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(&mut needed);
    if !missing.is_empty() {
        return Err(Error::refused(format!(
            "The function's configuration is incomplete: {} missing from its environment. Lambda sets this itself: check \
             that the function has an execution role, and that nothing clears the environment before the function starts.",
            match &missing[..] {
                [one] => format!("{one} is"),
                many => format!("{} are", many.join(", ")),
            }
        )));
    }
    let credentials = Credentials::new(access_key_id, secret, variable("AWS_SESSION_TOKEN"), None, "environment");
    Ok(settings(http)
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(Endpoints)
        .build())
}

/// How calls are made, without region and credentials.
pub fn settings(http: &http::Client) -> Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http.clone())
        // Six attempts with pauses of up to 1, 2, 4, 4, 4 seconds: rides out IAM's throttling, and ends well before the
        // time for writes does.
        .retry_config(RetryConfig::standard().with_max_attempts(6).with_max_backoff(Duration::from_secs(4)))
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(Duration::from_secs(6))
                // All attempts together, so that one call cannot spend the whole invocation.
                .operation_timeout(Duration::from_secs(20))
                .build(),
        )
        // For streams. Our bodies are whole before the SDK sees them, and have the timeouts above.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// Endpoints for tests and emulators, as every SDK reads them from the environment: `AWS_ENDPOINT_URL_IAM` or
/// `AWS_ENDPOINT_URL`. <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
#[derive(Debug)]
struct Endpoints;

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        endpoint_url(key.service_id()).filter(|_| key.env() == ENDPOINT_URL)
    }
}

/// The endpoint of a service that the environment gives.
pub fn endpoint_url(service_id: &str) -> Option<String> {
    variable(&format!("{ENDPOINT_URL}_{}", service_id.to_uppercase())).or_else(|| variable(ENDPOINT_URL))
}

/// An environment variable that is not blank.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
