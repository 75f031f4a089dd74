//! What the function would do and answer.

use crate::dry_run::DryRun;
use custom_resource::{Budget, Error, Kind, Request, Result};
use orchestera_access::account::Account;
use orchestera_access::goal::{Goal, goal};
use orchestera_access::iam::{Iam, Write};
use orchestera_access::ownership::Resource;
use orchestera_access::reconcile::observe::{Expected, ReadScope, observe};
use orchestera_access::reconcile::{self, Reached};
use std::time::Duration;
use tokio::time::Instant;

/// In place of the external id that the function would generate.
pub const PLACEHOLDER_EXTERNAL_ID: &str = "generated-when-the-stack-is-created";

/// As long as the function has.
pub const TIME: Duration = Duration::from_secs(60);

/// What the function would be asked, and of which resource.
#[derive(Clone, Debug)]
pub struct Asked {
    pub request: Request,
    /// The account of the stack.
    pub own: Account,
    pub resource: Resource,
}

/// What the function would do and answer.
#[derive(Debug)]
pub struct Outcome {
    /// In the order in which they would be sent.
    pub writes: Vec<Write>,
    pub answer: Result<Reached>,
}

/// Runs the function on what `iam` reads, and keeps what it writes. `random` is the external id of a Create.
///
/// # Errors
/// If the properties are refused, the answer is that. If the state cannot be read, an error.
pub async fn outcome<I: Iam>(asked: &Asked, iam: &I, random: &str) -> Result<Outcome> {
    let goal = match goal(&asked.request, &asked.own, &asked.resource, random) {
        Ok(goal) => goal,
        Err(refusal) => return Ok(Outcome { writes: Vec::new(), answer: Err(refusal) }),
    };
    let (account, id, scope) = match &goal {
        Goal::Converge(desired) => (&desired.account, &desired.id, ReadScope::Convergence),
        Goal::Remove(removal) => (&removal.account, &removal.id, ReadScope::Removal),
        Goal::Nothing => return Ok(Outcome { writes: Vec::new(), answer: Ok(Reached::default()) }),
    };
    let now = Instant::now();
    // First without the function's patience: what you may not read now, you may not read in a minute.
    observe(iam, account, &Budget::new(now, now + TIME), id, scope, &Expected::first_version())
        .await
        .map_err(|error| cannot_read(error, account))?;
    let dry_run = DryRun::new(iam, account);
    let answer = Box::pin(reconcile::reach(&goal, &dry_run, Budget::new(now, now + TIME))).await;
    match answer {
        // The caller may not read. The function may.
        Err(error) if matches!(error.kind(), Kind::Denied | Kind::Unavailable | Kind::OutOfTime) => {
            Err(cannot_read(error, account))
        }
        answer => Ok(Outcome { writes: dry_run.writes(), answer }),
    }
}

/// The error of the caller's own reads, with a sentence.
pub fn cannot_read(error: Error, account: &Account) -> Error {
    let call = error.failed_call().map(|call| (call.operation, call.code.clone()));
    let sentence = match (call, error.kind()) {
        (Some((operation, code)), Kind::Denied) => format!(
            "You may not call iam:{operation} in account {} ({code}), so the result is unknown. Add the permissions \
             of: orchestera permissions plan",
            account.id
        ),
        _ => format!("IAM in account {} did not answer, so the result is unknown. Retry.", account.id),
    };
    error.because(sentence)
}
