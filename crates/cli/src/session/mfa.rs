//! MFA. The SDK for Rust does not read `mfa_serial` from a profile, so this does what the AWS CLI does.

use super::profile::Profile;
use super::{of_profile, with_credentials};
use crate::arguments::Connection;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::types::Credentials as StsCredentials;
use custom_resource::call::{failed, kind_of, malformed};
use custom_resource::{Error, Result};
use std::io::{self, BufRead, IsTerminal, Write};
use std::time::{Duration, SystemTime};

/// Asks for a code where the caller or the profile names a device. `--mfa-serial` gets a session of the same user. A
/// profile with `role_arn` and `mfa_serial` assumes its role.
///
/// # Errors
/// Without a terminal to ask on; if STS refuses the code.
pub async fn sign_in(configuration: SdkConfig, connection: &Connection, profile: &Profile) -> Result<SdkConfig> {
    if let Some(serial) = &connection.mfa_serial {
        let code = ask(serial)?;
        let sts = aws_sdk_sts::Client::new(&configuration);
        let answer = sts.get_session_token().serial_number(serial).token_code(code).send().await;
        let answer = answer.map_err(failed("GetSessionToken", kind_of)).map_err(refused)?;
        return Ok(with(
            &configuration,
            answer.credentials.ok_or_else(|| malformed("GetSessionToken", "no credentials"))?,
        ));
    }
    let (Some(serial), Some(role_arn)) = (profile.get("mfa_serial"), profile.get("role_arn")) else {
        return Ok(configuration);
    };
    let Some(source) = profile.get("source_profile") else {
        return Err(Error::refused(format!(
            "The profile {} has mfa_serial but no source_profile. Add source_profile, or sign in with the AWS CLI and run: \
             eval \"$(aws configure export-credentials --profile {} --format env)\"",
            profile.name(),
            profile.name()
        )));
    };
    let without_mfa = Connection { mfa_serial: None, ..connection.clone() };
    let base = Box::pin(of_profile(&without_mfa, Some(source))).await?.configuration;
    let sts = aws_sdk_sts::Client::new(&base);
    let name = profile.get("role_session_name").unwrap_or("orchestera");
    let request =
        sts.assume_role().role_arn(role_arn).role_session_name(name).serial_number(serial).token_code(ask(serial)?);
    let answer = request.set_external_id(profile.get("external_id").map(str::to_owned)).send().await;
    let answer = answer.map_err(failed("AssumeRole", kind_of)).map_err(refused)?;
    Ok(with(&configuration, answer.credentials.ok_or_else(|| malformed("AssumeRole", "no credentials"))?))
}

/// The code, from the terminal.
fn ask(serial: &str) -> Result<String> {
    if !io::stdin().is_terminal() {
        return Err(Error::refused(format!(
            "A code of the MFA device {serial} is needed, and there is no terminal to ask on. Run the command on a terminal, or \
             give it a session: eval \"$(aws configure export-credentials --format env)\""
        )));
    }
    let cannot =
        |error: io::Error| Error::refused(format!("The code could not be read: {error}. Retry on a terminal."));
    eprint!("Code of the MFA device {serial}: ");
    io::stderr().flush().map_err(cannot)?;
    let mut code = String::new();
    io::stdin().lock().read_line(&mut code).map_err(cannot)?;
    let code = code.trim();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::refused(
            "An MFA code has six digits. Run the command again, with the code that the device shows now.",
        ));
    }
    Ok(code.to_owned())
}

fn refused(error: Error) -> Error {
    let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
    error.because(format!(
        "STS did not accept the MFA code ({code}). Wait for the next code, and check the ARN of the device and your permission \
         to use it."
    ))
}

fn with(configuration: &SdkConfig, credentials: StsCredentials) -> SdkConfig {
    with_credentials(configuration, SharedCredentialsProvider::new(of_sts(credentials)))
}

/// Credentials that STS gave.
pub fn of_sts(credentials: StsCredentials) -> Credentials {
    let expiry =
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(credentials.expiration.secs()).unwrap_or_default());
    let StsCredentials { access_key_id, secret_access_key, session_token, .. } = credentials;
    Credentials::new(access_key_id, secret_access_key, Some(session_token), Some(expiry), "STS")
}
