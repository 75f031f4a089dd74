//! `orchestera aws-config`: profiles for the AWS CLI and the SDKs in `~/.aws/config`.
//!
//! What this command did not write, it does not touch. Its own sections stand between two marker lines.
//!
//! ```text
//! aws_config             the command
//! ├─ organization_stack  pure: what the stack says → what the profiles are about
//! ├─ profiles            pure: accounts, sign-in → the sections to write
//! ├─ block               pure: (the file's bytes, the sections) → the new bytes, or why not
//! │  ├─ present          pure: the block that stands in the file
//! │  ├─ config_text      pure: the file's bytes → its lines, as AWS's tools read them
//! ├─ difference          pure: (bytes, new bytes) → what `--dry-run` prints
//! ├─ file                which file, its lock, and its replacement in one step
//! └─ check               who each profile is
//! ```

use crate::arguments::{AwsConfig, Connection, Printing};
use crate::output;
use crate::session;
use crate::stack::Stacks;
use crate::verdict::Verdict;
use config_text::ConfigText;
use custom_resource::error::{Error, Result};
use file::Outcome;
use profiles::{Profiles, SignIn, checked_prefix};
use serde_json::json;
use std::env;
use std::path::Path;

pub mod block;
pub mod check;
pub mod config_text;
pub mod difference;
pub mod file;
pub mod organization_stack;
pub mod profiles;

/// Runs the command.
///
/// # Errors
/// If the stack does not say which accounts there are, or if the file cannot be written as it should be.
pub async fn run(connection: &Connection, printing: &Printing, options: &AwsConfig) -> Result<Verdict> {
    let variable = |name: &str| env::var_os(name);
    let (path, credentials) = (file::config(variable)?, file::credentials(variable)?);
    let prefix = checked_prefix(&options.profile_prefix)?;
    // Before the SDK reads the file: it does not say which line is wrong.
    let present = block::present(&path, &file::read(&path)?, prefix)?;
    if options.check {
        let block = present.ok_or_else(|| {
            Error::refused(format!(
                "{} has no profiles {prefix}-* of this command. Write them with: orchestera aws-config",
                path.display()
            ))
        })?;
        return check::run(connection, printing, &path, &block).await;
    }
    let profiles = of_stack(connection, printing, options).await?;
    let edit = |old: &[u8]| {
        block::refuse_taken_in_credentials(&credentials, &file::read(&credentials)?, old, &profiles)?;
        block::edited(&path, old, &profiles)
    };
    let old = file::read(&path)?;
    let new = edit(&old)?;
    if options.dry_run {
        let difference = difference::between(&path, &old, &new);
        return report(printing, &path, &profiles, &difference, None);
    }
    // The file is read again when it is locked.
    let outcome = file::update(&path, edit)?;
    let verdict = report(printing, &path, &profiles, "", Some(outcome))?;
    match ConfigText::not_utf8(&new) {
        None => Ok(verdict),
        Some(line) => {
            eprintln!(
                "Line {line} of {} is not UTF-8, so AWS's tools do not read the file. Save it as UTF-8.",
                path.display()
            );
            Ok(Verdict::Bad)
        }
    }
}

async fn of_stack(connection: &Connection, printing: &Printing, options: &AwsConfig) -> Result<Profiles> {
    let session = session::open(connection, printing).await?;
    let name = &options.stack_name;
    let place = || {
        let region = session.configuration.region().map(ToString::to_string).unwrap_or_default();
        format!("account {} in the Region {region}", session.caller.account.id)
    };
    let found = Stacks::new(&session.configuration).find(name).await.map_err(|error| {
        let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
        let place = place();
        error.because(format!(
            "The stack {name} of {place} could not be read ({code}). You need cloudformation:DescribeStacks: orchestera \
             permissions aws-config prints the policy."
        ))
    })?;
    let stack = found.ok_or_else(|| {
        Error::refused(format!(
            "There is no stack {name} in {}. Use credentials of the management account, and give its name and Region with \
             --stack-name and --region.",
            place()
        ))
    })?;
    organization_stack::profiles(&stack, options)
}

/// What was done, or what would be, if there is no outcome.
fn report(
    printing: &Printing,
    path: &Path,
    profiles: &Profiles,
    difference: &str,
    outcome: Option<Outcome>,
) -> Result<Verdict> {
    let sign_in = match &profiles.sign_in {
        SignIn::IdentityCenter { .. } => format!("aws sso login --sso-session {}", profiles.prefix),
        SignIn::Users => format!("aws login --profile {}-management", profiles.prefix),
    };
    let names: Vec<String> = profiles.sections()?.into_iter().map(|section| section.name.header()).collect();
    let (shown, list) = (path.display(), names.iter().map(|name| format!("  {name}\n")).collect::<String>());
    let is_written = outcome == Some(Outcome::Written);
    let text = match outcome {
        Some(Outcome::Written) => format!("{shown} now has:\n{list}Sign in with: {sign_in}\n"),
        Some(Outcome::Unchanged) => format!("{shown} has these profiles already:\n{list}Sign in with: {sign_in}\n"),
        None if difference.is_empty() => format!("{shown} has these profiles already:\n{list}"),
        None => difference.to_owned(),
    };
    let value = json!({
        "path": shown.to_string(),
        "written": is_written,
        "sections": names,
        "sign_in": sign_in,
        "difference": difference,
    });
    output::report(printing, &text, &value)?;
    Ok(Verdict::Good)
}
