//! Credentials that STS gave, in a configuration.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::types::Credentials as StsCredentials;
use std::time::{Duration, SystemTime};

/// The same configuration with other credentials.
pub fn with_credentials(configuration: &SdkConfig, provider: SharedCredentialsProvider) -> SdkConfig {
    configuration.to_builder().credentials_provider(provider).build()
}

/// Credentials that STS gave.
pub fn of_sts(credentials: StsCredentials) -> Credentials {
    let expiry =
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(credentials.expiration.secs()).unwrap_or_default());
    let StsCredentials { access_key_id, secret_access_key, session_token, .. } = credentials;
    Credentials::new(access_key_id, secret_access_key, Some(session_token), Some(expiry), "STS")
}
