//! The real adapter, pointed at an endpoint on loopback or at an HTTP layer of a test.

use aws_sdk_iam::config::{Credentials, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_types::sdk_config::{Builder, SdkConfig};
use custom_resource::http::Client;
use custom_resource::sdk::settings;
use orchestera_access::iam::aws::AwsIam;
use tokio::sync::OnceCell;

/// With credentials that look like dummies.
async fn as_dummy() -> Builder {
    let credentials = Credentials::new("AKIADUMMYDUMMYDUMMY0", "dummy-secret", None, None, "test");
    // Built once, because it is slow to build.
    static CONFIGURATION: OnceCell<SdkConfig> = OnceCell::const_new();
    let load = async || {
        let settings = settings(&Client::new().unwrap()).region(Region::new("us-east-1"));
        settings.credentials_provider(SharedCredentialsProvider::new(credentials)).load().await
    };
    CONFIGURATION.get_or_init(load).await.to_builder()
}

pub async fn iam_at(endpoint: &str) -> AwsIam {
    AwsIam::new(&as_dummy().await.endpoint_url(endpoint).build())
}

/// The function's own configuration in all but the HTTP layer.
pub async fn configuration_with(http: SharedHttpClient) -> SdkConfig {
    as_dummy().await.http_client(http).build()
}
