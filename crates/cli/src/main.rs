//! The program. Everything is in the library.

use clap::Parser;
use orchestera_cli::arguments::Arguments;
use std::process::ExitCode;

fn main() -> ExitCode {
    orchestera_cli::command::run(Arguments::parse())
}
