//! `orchestera preflight`: what will fail, before it does.

use crate::arguments::{Connection, Preflight as Options, Printing};
use crate::output::{self, Rows, has_color, mark, printable};
use crate::session;
use crate::verdict::Verdict;
use custom_resource::Result;
use serde_json::{Map, json};

mod account;
mod check;
mod deployer;
mod organization;

use check::{Check, Severity};

/// Runs the command.
///
/// # Errors
/// If the parameters are wrong, or the account cannot be read at all.
pub async fn run(connection: &Connection, printing: &Printing, options: &Options) -> Result<Verdict> {
    let session = session::open(connection, printing).await?;
    let checks = match options.organization {
        true => organization::checks(&session, options).await?,
        false => account::checks(&session, options).await?,
    };
    print(printing, &checks)?;
    Ok(Verdict::of(checks.iter().all(|check| check.severity != Severity::Failure)))
}

fn print(printing: &Printing, checks: &[Check]) -> Result<()> {
    if printing.output == crate::arguments::Format::Table {
        return output::write(printing, &text(checks, has_color(printing), output::width(printing)));
    }
    let columns = ["severity", "subject", "sentence"];
    let row = |check: &Check| vec![json!(check.severity.name()), json!(check.subject), json!(check.sentence)];
    let rows = checks.iter().map(row).collect();
    output::rows(printing, &Rows { columns: &columns, rows, about: Map::default(), name: "checks", shown: &columns })
}

/// For people: a mark, the subject, and the sentence beside it.
fn text(checks: &[Check], is_colored: bool, width: u16) -> String {
    let mut table = output::grid(width);
    for check in checks {
        table.add_row([check.severity.mark().to_string(), check.subject.to_owned(), printable(&check.sentence)]);
    }
    // Colors would count as columns. Below the mark, a sentence that is wrapped has a space.
    let paint = |line: &str| match line.trim_start().chars().next().filter(|_| !line.starts_with("  ")) {
        Some(sign) => line.replacen(sign, &mark(sign, is_colored), 1),
        None => line.to_owned(),
    };
    let lines: Vec<_> = output::trimmed(&table.to_string()).lines().map(paint).collect();
    let count = |severity| checks.iter().filter(|check| check.severity == severity).count();
    let (failures, warnings) = (count(Severity::Failure), count(Severity::Warning));
    let end = match (failures, warnings) {
        (0, 0) => "Nothing to correct.".to_owned(),
        (0, _) => format!("Nothing to correct. Warnings: {warnings}."),
        _ => format!("To correct first: {failures}. Warnings: {warnings}."),
    };
    format!("{}\n\n{end}\n", lines.join("\n"))
}
