//! `orchestera status`: a row for each account. No account is ever left out.

use crate::accounts::{self, ListedAccount};
use crate::arguments::{Connection, Printing, Status};
use crate::assessment::State;
use crate::member::Entry;
use crate::output;
use crate::session::{self, Session};
use crate::verdict::Verdict;
use custom_resource::{Error, Result};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

mod last_call;
mod progress;
mod reading;
mod row;

use progress::Progress;
use reading::{Reader, Way};
pub use row::{COLUMNS, Row};

/// Runs the command.
///
/// # Errors
/// If the accounts cannot be listed, or the output cannot be written. A failure in one account is a row.
pub async fn run(connection: &Connection, printing: &Printing, options: &Status) -> Result<Verdict> {
    let has_place = |pattern: &String| pattern.contains("{account}") || pattern.contains("{name}");
    if let Some(pattern) = options.profile_pattern.as_ref().filter(|pattern| !has_place(pattern)) {
        return Err(Error::refused(format!(
            "The pattern {pattern} has neither {{account}} nor {{name}}, so every account would have the same profile. Write \
             it as in: --profile-pattern 'audit-{{account}}'"
        )));
    }
    let begun = async {
        let session = session::open(connection, printing).await?;
        let listed = accounts::list(&session.configuration, options).await?;
        Result::Ok((session, listed))
    };
    let mut interrupted = std::pin::pin!(output::interrupted());
    let (session, listed) = tokio::select! {
        biased;
        () = &mut interrupted => {
            output::note("Interrupted before the list of accounts was complete. Run the command again.");
            return Ok(Verdict::Interrupted);
        }
        begun = begun => begun?,
    };
    let count = listed.len();
    // Lines of --debug would break the bar.
    let progress = Progress::new(count, !printing.quiet && !connection.debug);
    let rows = read_all(session, connection, options, listed, &progress, interrupted).await;
    progress.end();
    if rows.len() < count {
        // What is known goes to the terminal. A file is written whole or not at all.
        let to_terminal = Printing { output_file: None, ..printing.clone() };
        row::print(&to_terminal, &rows, true)?;
        let file = printing.output_file.as_ref().map(|path| format!(" {} was not changed.", path.display()));
        output::note(&format!(
            "Interrupted: {} of {count} accounts were read. The output is partial.{} Run the command again.",
            rows.len(),
            file.unwrap_or_default()
        ));
        return Ok(Verdict::Interrupted);
    }
    row::print(printing, &rows, false)?;
    if !printing.quiet {
        output::note(&row::summary(&rows));
    }
    Ok(Verdict::of(rows.iter().all(|row| row.state == State::Ready)))
}

/// The rows in the order of the accounts: all of them, or after Ctrl-C those that were read.
async fn read_all(
    session: Session,
    connection: &Connection,
    options: &Status,
    listed: Vec<ListedAccount>,
    progress: &Progress,
    mut interrupted: Pin<&mut impl Future<Output = ()>>,
) -> Vec<Row> {
    let way = match &options.profile_pattern {
        Some(pattern) => Way::Profile(pattern.clone()),
        None => Way::Role(Entry {
            roles: options.role.clone(),
            external_id: options.external_id.clone(),
            session_name: options.role_session_name.clone(),
        }),
    };
    let timeout = Duration::from_secs(options.account_timeout.into());
    let reader = Arc::new(Reader::new(session, connection.clone(), way, options.stack.stack_name.clone(), timeout));
    let mut waiting = listed.into_iter().enumerate();
    let mut running = tokio::task::JoinSet::new();
    let mut accounts = HashMap::new();
    let mut rows = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    loop {
        while running.len() < options.concurrency.into()
            && let Some((number, account)) = waiting.next()
        {
            progress.begin(&account.id);
            let reader = Arc::clone(&reader);
            let listed = account.clone();
            let task = running.spawn(async move { (number, reader.row(account).await) });
            accounts.insert(task.id(), (number, listed));
        }
        tokio::select! {
            ended = running.join_next_with_id() => {
                let Some(ended) = ended else { break };
                let id = ended.as_ref().map_or_else(tokio::task::JoinError::id, |(id, _)| *id);
                let listed = accounts.remove(&id);
                let row = match ended {
                    Ok((_, row)) => Some(row),
                    // A task that panicked. No account is left out for it.
                    Err(_) => listed.map(|(number, account)| (number, defect(&account))),
                };
                if let Some((number, row)) = row {
                    progress.end_of(&row);
                    rows.push((number, row));
                }
            },
            _ = ticks.tick() => progress.tick(),
            () = &mut interrupted => {
                running.abort_all();
                break;
            }
        }
    }
    rows.sort_by_key(|(number, _)| *number);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn defect(account: &ListedAccount) -> Row {
    let to_do = "orchestera has a defect, which the lines above describe. Report it, and check this account by hand.";
    Row::unread(account, State::NoWayIn, to_do.to_owned(), String::new())
}
