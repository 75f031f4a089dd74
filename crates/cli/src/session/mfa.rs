//! MFA. The SDK for Rust does not read `mfa_serial` from a profile, so this does what the AWS CLI does.

use super::credentials::with_session;
use super::profile::{Profile, unreachable};
use crate::arguments::Connection;
use crate::output::printable;
use aws_config::SdkConfig;
use custom_resource::call::{failed, kind_of, malformed};
use custom_resource::{Error, Result};
use std::io::{self, BufRead, IsTerminal, Write};

/// Asks for a code where the caller or the profile names a device. A profile with `role_arn` assumes its role with it.
/// Without a role, `--mfa-serial` gets a session of the same user. `base` yields the configuration of a source profile.
///
/// # Errors
/// Without a terminal to ask on; if STS refuses the code.
pub async fn sign_in(
    configuration: SdkConfig,
    connection: &Connection,
    profile: &Profile,
    base: impl AsyncFnOnce(&str) -> Result<SdkConfig>,
) -> Result<SdkConfig> {
    let setting = |key| profile.get(key).filter(|_| !profile.is_of_environment());
    let Some(serial) = connection.mfa_serial.as_deref().or_else(|| setting("mfa_serial")) else {
        return Ok(configuration);
    };
    let Some(role_arn) = setting("role_arn") else {
        // As in the AWS CLI, where the setting counts for a role only.
        return match connection.mfa_serial {
            Some(_) => session_of_user(configuration, serial).await,
            None => Ok(configuration),
        };
    };
    let Some(source) = setting("source_profile") else {
        return Err(Error::refused(format!(
            "The profile {} has a role and an MFA device, but no source_profile. Add source_profile, or sign in with the AWS CLI \
             and run: eval \"$(aws configure export-credentials --profile {} --format env)\"",
            profile.name(),
            profile.name()
        )));
    };
    let base = base(source).await?;
    let sts = aws_sdk_sts::Client::new(&base);
    let name = setting("role_session_name").unwrap_or("orchestera");
    let code = ask(serial).await?;
    let request = sts.assume_role().role_arn(role_arn).role_session_name(name).serial_number(serial).token_code(code);
    let answer = request.set_external_id(setting("external_id").map(str::to_owned)).send().await;
    let answer = answer.map_err(failed("AssumeRole", kind_of)).map_err(refused)?;
    Ok(with_session(&configuration, answer.credentials.ok_or_else(|| malformed("AssumeRole", "no credentials"))?))
}

async fn session_of_user(configuration: SdkConfig, serial: &str) -> Result<SdkConfig> {
    let code = ask(serial).await?;
    let sts = aws_sdk_sts::Client::new(&configuration);
    let answer = sts.get_session_token().serial_number(serial).token_code(code).send().await;
    let answer = answer.map_err(failed("GetSessionToken", kind_of)).map_err(refused)?;
    Ok(with_session(&configuration, answer.credentials.ok_or_else(|| malformed("GetSessionToken", "no credentials"))?))
}

/// The code, from the terminal.
async fn ask(serial: &str) -> Result<String> {
    if !io::stdin().is_terminal() {
        return Err(Error::refused(format!(
            "The MFA device {serial} needs a code, and there is no terminal to ask for it. Run the command on a \
             terminal, or give it a session: eval \"$(aws configure export-credentials --format env)\""
        )));
    }
    let cannot =
        |error: io::Error| Error::refused(format!("The code could not be read: {error}. Retry on a terminal."));
    let mut terminal = io::stderr();
    write!(terminal, "Code of the MFA device {}: ", printable(serial))
        .and_then(|()| terminal.flush())
        .map_err(cannot)?;
    // On another thread, so that Ctrl-C ends the command meanwhile.
    let read = tokio::task::spawn_blocking(|| {
        let mut code = String::new();
        io::stdin().lock().read_line(&mut code).map(|_| code)
    });
    let code = read.await.map_err(|error| cannot(error.into()))?.map_err(cannot)?;
    let code = code.trim();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::refused(
            "An MFA code has six digits. Run the command again, with the code that the device shows now.",
        ));
    }
    Ok(code.to_owned())
}

fn refused(error: Error) -> Error {
    let (code, cause) = error.failed_call().map(|call| (call.code.clone(), call.message.clone())).unwrap_or_default();
    if code.is_empty() {
        return error.because(unreachable(&cause));
    }
    error.because(format!(
        "STS did not accept the MFA code ({code}). Wait for the next code, and check the ARN of the device and your permission \
         to use it."
    ))
}
