//! Credentials, as the AWS CLI has them, and whose they are.

use crate::arguments::{Connection, Printing};
use crate::http::{self, Client};
use crate::output;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use custom_resource::call::{self, malformed};
use custom_resource::{Error, Result};
use orchestera_access::account::Account;
use std::time::Duration;

mod cause;
pub mod credentials;
mod files;
mod mfa;
mod profile;

use profile::Profile;

/// Where to ask who the caller is, if no Region is set anywhere.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Nobody wants to wait for long until the command says that there is no network.
const ATTEMPTS_TO_SIGN_IN: u32 = 3;

/// A caller of AWS.
#[derive(Clone, Debug)]
pub struct Session {
    pub configuration: SdkConfig,
    pub caller: Caller,
}

/// Who the credentials are.
#[derive(Clone, Debug)]
pub struct Caller {
    pub account: Account,
    /// The ARN of the user, the role's session or the root user.
    pub arn: String,
    /// The account's alias. `None` if it has none, or if it could not be read.
    pub alias: Option<String>,
}

impl Caller {
    /// Whether it is the root user of the account.
    pub fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }
}

/// Opens a session, and says on standard error whose it is.
///
/// # Errors
/// If there are no credentials, or if they have expired: with the command that signs in.
pub async fn open(connection: &Connection, printing: &Printing) -> Result<Session> {
    let session = of_profile(connection, connection.profile.as_deref()).await?;
    if !printing.quiet {
        let Caller { account, arn, alias } = &session.caller;
        let alias = alias.as_ref().map(|alias| format!(" ({})", output::printable(alias))).unwrap_or_default();
        output::note(&format!("Account {}{alias}, {}", account.id, output::printable(arn)));
    }
    Ok(session)
}

/// A session of this profile, or of the default one.
///
/// # Errors
/// As for [`open`].
pub async fn of_profile(connection: &Connection, name: Option<&str>) -> Result<Session> {
    let profile = Profile::load(name).await?;
    let http = http::client(connection.debug, profile.get("ca_bundle"))?;
    let configuration = configuration(&http, connection, &profile).await;
    let base = async |source: &str| {
        let without_mfa = Connection { mfa_serial: None, ..connection.clone() };
        Box::pin(of_profile(&without_mfa, Some(source))).await.map(|session| session.configuration)
    };
    let configuration = mfa::sign_in(configuration, connection, &profile, base).await?;
    // Before any other call, so that an expired sign-in is reported once.
    if let Some(provider) = configuration.credentials_provider()
        && let Err(error) = provider.provide_credentials().await
    {
        return Err(Error::refused(profile.how_to_sign_in(&error)));
    }
    let caller = identify(&configuration, &profile).await?;
    Ok(Session { configuration, caller })
}

/// How calls are made. Region and credentials come from where the AWS CLI has them.
async fn configuration(http: &Client, connection: &Connection, profile: &Profile) -> SdkConfig {
    let region = region(connection, profile).await;
    let loader =
        settings(http).profile_files(profile.files().clone()).profile_name(profile.name()).region(region.clone());
    if !profile.is_chosen() {
        return loader.load().await;
    }
    let provider = without_keys_of_environment(http, profile, region);
    loader.credentials_provider(provider).load().await
}

/// The SDK's default chain, without its first element. In the AWS CLI, `--profile` comes before keys of the environment.
fn without_keys_of_environment(http: &Client, profile: &Profile, region: Option<Region>) -> CredentialsProviderChain {
    let settings = ProviderConfig::without_region()
        .with_region(region)
        .with_http_client(http.clone())
        .with_retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_TO_SIGN_IN))
        .with_timeout_config(timeouts());
    let of_profile = ProfileFileCredentialsProvider::builder()
        .configure(&settings)
        .profile_files(profile.files().clone())
        .profile_name(profile.name());
    let of_container = EcsCredentialsProvider::builder().configure(&settings);
    let of_instance = ImdsCredentialsProvider::builder().configure(&settings);
    CredentialsProviderChain::first_try("Profile", of_profile.build())
        .or_else("EcsContainer", of_container.build())
        .or_else("Ec2InstanceMetadata", of_instance.build())
}

/// The Region in the order of the AWS CLI, which does not ask the instance. A chain of roles needs one before its first
/// call.
async fn region(connection: &Connection, profile: &Profile) -> Option<Region> {
    let of_profile = ProfileFileRegionProvider::builder();
    let of_profile = of_profile.profile_files(profile.files().clone()).profile_name(profile.name()).build();
    RegionProviderChain::first_try(connection.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(of_profile)
        .or_else(Region::from_static(DEFAULT_REGION))
        .region()
        .await
}

fn settings(http: &Client) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        // Eight attempts with pauses of up to 1, 2, 4, 8, 8, 8, 8 seconds: many callers at once are throttled, and an
        // account must not fail for it.
        .retry_config(RetryConfig::standard().with_max_attempts(8).with_max_backoff(Duration::from_secs(8)))
        .timeout_config(timeouts())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(15)).build()
}

async fn identify(configuration: &SdkConfig, profile: &Profile) -> Result<Caller> {
    let attempts = RetryConfig::standard().with_max_attempts(ATTEMPTS_TO_SIGN_IN);
    let first = aws_sdk_sts::config::Builder::from(configuration).retry_config(attempts).build();
    let answer = aws_sdk_sts::Client::from_conf(first)
        .get_caller_identity()
        .send()
        .await
        .map_err(call::failed("GetCallerIdentity", call::kind_of));
    let answer = answer.map_err(|error| {
        let sentence = profile.sentence(&error);
        error.because(sentence)
    })?;
    let (Some(arn), Some(id)) = (answer.arn, answer.account) else {
        return Err(malformed("GetCallerIdentity", "no ARN"));
    };
    // The partition of every other ARN, too.
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    let aliases = aws_sdk_iam::Client::new(configuration).list_account_aliases().send().await;
    let alias = aliases.ok().and_then(|answer| answer.account_aliases.into_iter().next());
    Ok(Caller { account: Account { partition, id }, arn, alias })
}
