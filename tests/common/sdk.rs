//! The real adapter, pointed at an endpoint on loopback or at an HTTP layer of a test.

use aws_config::{ConfigLoader, SdkConfig};
use aws_sdk_iam::config::{Credentials, Region, SharedHttpClient};
use orchestera_access::http;
use orchestera_access::iam::aws::{AwsIam, loader};
use std::sync::LazyLock;

/// With credentials that look like dummies.
fn as_dummy() -> ConfigLoader {
    let credentials = Credentials::new("AKIADUMMYDUMMYDUMMY0", "dummy-secret", None, None, "test");
    // Made once, because it is slow to make.
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| http::client().unwrap());
    loader(&CLIENT).region(Region::new("us-east-1")).credentials_provider(credentials)
}

pub async fn iam_at(endpoint: &str) -> AwsIam {
    AwsIam::new(&as_dummy().endpoint_url(endpoint).load().await)
}

/// The function's own configuration in all but the HTTP layer.
pub async fn configuration_with(http: SharedHttpClient) -> SdkConfig {
    as_dummy().http_client(http).load().await
}
