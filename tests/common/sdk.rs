//! The real adapter, pointed at an endpoint on loopback or at an HTTP layer of a test.

use aws_sdk_iam::config::{Credentials, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_types::sdk_config::{Builder, SdkConfig};
use orchestera_access::http::Client;
use orchestera_access::iam::aws::AwsIam;
use orchestera_access::sdk::settings;
use std::sync::LazyLock;

/// With credentials that look like dummies.
fn as_dummy() -> Builder {
    let credentials = Credentials::new("AKIADUMMYDUMMYDUMMY0", "dummy-secret", None, None, "test");
    // Made once, because it is slow to make.
    static CLIENT: LazyLock<Client> = LazyLock::new(|| Client::new().unwrap());
    settings(&CLIENT).region(Region::new("us-east-1")).credentials_provider(SharedCredentialsProvider::new(credentials))
}

pub async fn iam_at(endpoint: &str) -> AwsIam {
    AwsIam::new(&as_dummy().endpoint_url(endpoint).build())
}

/// The function's own configuration in all but the HTTP layer.
pub fn configuration_with(http: SharedHttpClient) -> SdkConfig {
    as_dummy().http_client(http).build()
}
