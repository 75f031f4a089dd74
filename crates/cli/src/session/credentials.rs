//! Credentials that STS gave, in a configuration.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::types::Credentials as StsCredentials;
use std::time::{Duration, SystemTime};

/// The same configuration with the credentials of a session.
pub fn with_session(configuration: &SdkConfig, credentials: StsCredentials) -> SdkConfig {
    let seconds = u64::try_from(credentials.expiration.secs()).unwrap_or_default();
    let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let StsCredentials { access_key_id, secret_access_key, session_token, .. } = credentials;
    let credentials = Credentials::new(access_key_id, secret_access_key, Some(session_token), Some(expiry), "STS");
    configuration.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}
