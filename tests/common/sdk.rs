//! The real adapter, pointed at an endpoint on loopback.

use aws_sdk_iam::config::{Credentials, Region};
use orchestera_access::http;
use orchestera_access::iam::aws::{AwsIam, loader};

/// With credentials that look like dummies.
pub async fn iam_at(endpoint: &str) -> AwsIam {
    let credentials = Credentials::new("AKIADUMMYDUMMYDUMMY0", "dummy-secret", None, None, "test");
    let loader = loader(&http::client().unwrap()).region(Region::new("us-east-1")).credentials_provider(credentials);
    AwsIam::new(&loader.endpoint_url(endpoint).load().await)
}
