//! Which command runs, and the exit code of the process.

use crate::arguments::{Arguments, Command};
use crate::verdict::Verdict;
use crate::{aws_config, console, output, permissions, plan, preflight, status, verify};
use clap::CommandFactory;
use custom_resource::{Error, Result};
use std::process::ExitCode;

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
