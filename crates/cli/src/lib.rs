//! `orchestera`: what Orchestera Access will do in your AWS accounts, and what exists. It only reads.
//!
//! It uses the core of both functions. `plan` runs the access function itself, on an IAM that keeps the writes
//! ([`dry_run`]). `verify` and `status` compare as the drift check does. `preflight --organization` is the organization
//! function's own.
//!
//! ```text
//! arguments           the command line
//! ├─ preflight        what will fail
//! ├─ plan             what the stack would do
//! │  ├─ dry_run       IAM, with writes that are kept instead of sent
//! │  ├─ template      the parameters of template.yaml, and the properties that they become
//! ├─ verify, status   what exists: one account, all accounts
//! │  ├─ assessment    pure: (observed state, stack) → is it as it should be, and what to do
//! │  ├─ accounts      which accounts there are
//! │  ├─ member        a read-only session in an account
//! ├─ aws_config       profiles in ~/.aws/config: the one file that is written
//! ├─ console, permissions
//! ├─ session          credentials, as the AWS CLI has them, and who they are
//! ├─ stack            the stack, as CloudFormation describes it
//! └─ output           table, csv, json, ndjson; progress
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod accounts;
pub mod arguments;
pub mod assessment;
pub mod aws_config;
pub mod console;
pub mod dry_run;
pub mod http;
pub mod member;
pub mod output;
pub mod permissions;
pub mod plan;
pub mod preflight;
pub mod session;
pub mod stack;
pub mod status;
pub mod template;
pub mod verify;

use arguments::{Arguments, Command};
use clap::CommandFactory;
use custom_resource::{Error, Result};
use std::process::ExitCode;

/// How a command ended, if it could answer at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is as it should be.
    Good,
    /// Something is not as it should be.
    Bad,
    /// Ctrl-C. What was known is printed.
    Interrupted,
}

impl Verdict {
    /// [`Verdict::Good`] if it is.
    pub fn of(is_good: bool) -> Self {
        if is_good { Self::Good } else { Self::Bad }
    }

    /// The exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Bad => 1,
            Self::Interrupted => 130,
        }
    }
}

/// The exit code of a command that was called wrongly or failed. clap uses the same for arguments.
const FAILED: u8 = 2;

/// Runs the command.
pub fn run(arguments: Arguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ran = match runtime {
        Ok(runtime) => {
            let ran = runtime.block_on(async {
                tokio::select! {
                    // First, so that it counts from the first call on.
                    biased;
                    // `status` has its own, which prints what is known.
                    () = output::interrupted(), if !matches!(arguments.command, Command::Status(_)) => Ok(Verdict::Interrupted),
                    ran = command(&arguments) => ran,
                }
            });
            // A thread may still wait for what somebody types.
            runtime.shutdown_background();
            ran
        }
        Err(error) => {
            Err(Error::refused(format!("No thread could be started: {error}. Close other programs, then retry.")))
        }
    };
    match ran {
        Ok(verdict) => ExitCode::from(verdict.code()),
        Err(error) => {
            output::error(&error, arguments.connection.debug);
            ExitCode::from(FAILED)
        }
    }
}

async fn command(arguments: &Arguments) -> Result<Verdict> {
    let Arguments { connection, printing, command } = arguments;
    let has_rows = match command {
        Command::Plan(options) => options.show_parameters,
        Command::Verify(_) => false,
        _ => true,
    };
    output::check(printing, has_rows)?;
    match command {
        Command::Preflight(options) => preflight::run(connection, printing, options).await,
        Command::Plan(options) => plan::run(connection, printing, options).await,
        Command::Verify(options) => verify::run(connection, printing, options).await,
        Command::Status(options) => status::run(connection, printing, options).await,
        Command::AwsConfig(options) => aws_config::run(connection, printing, options).await,
        Command::Console(options) => console::run(connection, printing, options).await,
        Command::Permissions(options) => permissions::run(printing, options),
        Command::Completions(options) => {
            let mut script = Vec::new();
            clap_complete::generate(options.shell, &mut Arguments::command(), "orchestera", &mut script);
            output::write(printing, &String::from_utf8_lossy(&script)).map(|()| Verdict::Good)
        }
        Command::Man(options) => {
            clap_mangen::generate_to(Arguments::command(), &options.folder).map(|()| Verdict::Good).map_err(|error| {
                Error::refused(format!(
                    "The manual pages cannot be written into {}: {error}. Give a folder that exists.",
                    options.folder.display()
                ))
            })
        }
    }
}
