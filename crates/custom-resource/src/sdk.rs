//! How the SDK's clients are configured: from the environment variables that Lambda sets, and from nothing else.

use crate::error::{Error, Result};
use crate::http::Client;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::service_config::ServiceConfigKey;
use std::time::Duration;

/// What Lambda sets for every function that has a role.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
const REQUIRED: [&str; 3] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// The configuration of every client.
///
/// # Errors
/// [`Refused`](crate::Kind::Refused), naming every variable that is missing.
pub async fn configuration(http: &Client) -> Result<SdkConfig> {
    let is_set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let missing: Vec<_> = REQUIRED.into_iter().filter(|name| !is_set(name)).collect();
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
    let environment = settings(http)
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new());
    Ok(environment.load().await)
}

/// How calls are made, without region and credentials.
pub fn settings(http: &Client) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        // No files: a set without any panics, so it has one that is empty.
        .profile_files(EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "").build())
        // Six attempts with pauses of up to 1, 2, 4, 4, 4 seconds. They outlast AWS's throttling, and end well before
        // the time for writes does. With names that are not resolved they end before the timeout below.
        .retry_config(RetryConfig::standard().with_max_attempts(6).with_max_backoff(Duration::from_secs(4)))
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(Duration::from_secs(6))
                // All attempts together, so that one call cannot use the whole invocation.
                .operation_timeout(Duration::from_secs(20))
                .build(),
        )
        // For streams. Our bodies are complete before the SDK sees them, and have the timeouts above.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// The endpoint of a service that the environment sets, such as `AWS_ENDPOINT_URL_IAM` or `AWS_ENDPOINT_URL`.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
pub fn endpoint_url(configuration: &SdkConfig, service_id: &str) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service_id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
    configuration.service_config()?.load_config(key.build().ok()?)
}
