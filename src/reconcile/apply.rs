//! Applying a plan: sending its writes to IAM.

use crate::account::Account;
use crate::iam::{Iam, Write};
use crate::ownership::OWNERSHIP;
use crate::reconcile::plan::Plan;
use crate::reconcile::reason;
use crate::trust;
use custom_resource::{Budget, Error, Kind};
use futures_util::future::join_all;
use std::cell::Cell;
use tokio::time::timeout_at;

/// What this invocation itself created or adopted. When a Create fails, nothing else may be undone: the same event can
/// be delivered twice, and the second invocation must not remove what the first created and answered for.
#[derive(Debug, Default)]
pub struct Acquired {
    pub role: Cell<bool>,
    pub policy: Cell<bool>,
    /// Whether IAM confirmed that this invocation created it.
    pub created_role: Cell<bool>,
    pub created_policy: Cell<bool>,
}

/// An error, with the write that failed. `None` if the error is about no write.
#[derive(Debug)]
pub struct Failure {
    pub error: Error,
    pub write: Option<Write>,
}

impl From<Error> for Box<Failure> {
    fn from(error: Error) -> Self {
        Self::new(Failure { error, write: None })
    }
}

impl From<Box<Failure>> for Error {
    fn from(failure: Box<Failure>) -> Self {
        failure.error
    }
}

/// The result of writing.
pub type Applied<T> = Result<T, Box<Failure>>;

/// Applies the stages one after the other, the steps of each at once. All steps that began are awaited before an error
/// is returned, so that no call is in flight when the response is sent.
///
/// # Errors
/// The most final error of the stage that failed, with a sentence.
pub async fn apply(
    iam: &impl Iam,
    account: &Account,
    budget: &Budget,
    plan: &Plan,
    acquired: &Acquired,
) -> Applied<()> {
    for stage in &plan.stages {
        if !budget.may_write() {
            return Err(out_of_time(account, stage).into());
        }
        let outcomes = join_all(stage.iter().map(|step| send(iam, account, budget, step, acquired))).await;
        let failures = stage.iter().zip(outcomes).filter_map(|(step, outcome)| Some((step, outcome.err()?)));
        if let Some((step, error)) = failures.max_by_key(|(_, error)| finality(error.kind())) {
            return Err(Box::new(Failure { error, write: Some(step.clone()) }));
        }
    }
    Ok(())
}

/// Which of two errors decides: one that a person must correct comes before one that may pass.
fn finality(kind: Kind) -> u8 {
    match kind {
        Kind::Gone | Kind::LookAgain => 0,
        Kind::Unavailable => 1,
        Kind::Denied => 2,
        Kind::OutOfTime => 3,
        Kind::Refused | Kind::Bug => 4,
    }
}

async fn send(
    iam: &impl Iam,
    account: &Account,
    budget: &Budget,
    step: &Write,
    acquired: &Acquired,
) -> Result<(), Error> {
    tracing::info!(step = %step, "writing");
    match timeout_at(budget.calls_end, iam.write(step)).await {
        Ok(Ok(())) => {
            match step {
                Write::CreateRole { .. } => {
                    acquired.role.set(true);
                    acquired.created_role.set(true);
                }
                Write::CreatePolicy { .. } => {
                    acquired.policy.set(true);
                    acquired.created_policy.set(true);
                }
                Write::TagRole { tags, .. } if tags.contains_key(OWNERSHIP) => acquired.role.set(true),
                Write::TagPolicy { tags, .. } if tags.contains_key(OWNERSHIP) => acquired.policy.set(true),
                _ => {}
            }
            Ok(())
        }
        Ok(Err(error)) if error.kind() == Kind::Gone && step.is_done_without_its_object() => Ok(()),
        Ok(Err(error)) => {
            if let Some(deny) = without_what_was_refused(step, &error).filter(|_| budget.may_write()) {
                tracing::warn!(step = %step, cause = error.cause(), "the trust policy was refused; only the Deny is written");
                return Box::pin(send(iam, account, budget, &deny, acquired)).await;
            }
            // Five versions already: the answer to the call that created the fifth may have been lost, or an old read
            // showed four.
            let full = matches!(step, Write::CreatePolicyVersion { .. }) && error.is("LimitExceeded");
            let error = error.clone().because(reason::of_write(&error, account, step));
            let error = if full { error.treated_as(Kind::LookAgain) } else { error };
            tracing::warn!(step = %step, cause = error.cause(), kind = ?error.kind(), "the write failed");
            Err(error)
        }
        Err(_) => Err(Error::new(
            Kind::OutOfTime,
            format!(
                "{} on {} in account {} did not finish in time, so it is not known whether it took effect. Retry the \
                 stack operation, which continues from the existing state.",
                step.operation(),
                step.object(),
                account.id
            ),
        )),
    }
}

/// A role is closed even if IAM refuses what others wrote into its trust policy. Then the Deny alone is written.
fn without_what_was_refused(step: &Write, error: &Error) -> Option<Write> {
    let Write::UpdateAssumeRolePolicy { role_name, trust } = step else { return None };
    let deny = trust::only_the_deny();
    let is_refused = error.is("MalformedPolicyDocument") && trust::is_closed_by_us(trust) && *trust != deny;
    is_refused.then(|| Write::UpdateAssumeRolePolicy { role_name: role_name.clone(), trust: deny })
}

fn out_of_time(account: &Account, stage: &[Write]) -> Error {
    let steps: Vec<_> = stage.iter().map(|step| format!("{} on {}", step.operation(), step.object())).collect();
    Error::new(
        Kind::OutOfTime,
        format!(
            "The function ran out of time before {} in account {}. What was done before stays. Retry the stack \
             operation, which continues from the existing state.",
            steps.join(" and "),
            account.id
        ),
    )
}
