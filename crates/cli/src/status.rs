//! `orchestera status`: a row for each account. No account is ever left out.

use crate::Verdict;
use crate::accounts::{self, ListedAccount};
use crate::arguments::{Connection, Printing, Status};
use crate::assessment::State;
use crate::member::Entry;
use crate::output;
use crate::session::{self, Session};
use custom_resource::Result;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

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
    let is_partial = rows.len() < count;
    row::print(printing, &rows, is_partial)?;
    if is_partial {
        output::note(&format!(
            "Interrupted: {} of {count} accounts were read. The output is partial. Run the command again.",
            rows.len()
        ));
        return Ok(Verdict::Interrupted);
    }
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
    let mut rows = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    loop {
        while running.len() < options.concurrency.into()
            && let Some((number, account)) = waiting.next()
        {
            progress.begin(&account.id);
            let reader = Arc::clone(&reader);
            running.spawn(async move { (number, reader.row(account).await) });
        }
        tokio::select! {
            ended = running.join_next() => match ended {
                None => break,
                Some(Ok((number, row))) => {
                    progress.end_of(&row);
                    rows.push((number, row));
                }
                // A task that panicked: a defect. The row is missing, and the output says that it is partial.
                Some(Err(_)) => {}
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
