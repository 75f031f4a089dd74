//! Carrying out a plan.

use crate::account::Account;
use crate::budget::Budget;
use crate::error::{Error, Kind, Result};
use crate::iam::{Iam, Write};
use crate::ownership::OWNERSHIP;
use crate::reconcile::plan::Plan;
use crate::reconcile::reason;
use crate::trust;
use futures_util::future::join_all;
use std::cell::Cell;
use tokio::time::timeout_at;

/// What this invocation itself created or adopted. Only that may be undone when a Create fails: the same event can be
/// delivered twice, and the second must not remove what the first made and answered for.
#[derive(Debug, Default)]
pub struct Made {
    pub role: Cell<bool>,
    pub policy: Cell<bool>,
    /// Of these two, what IAM said that it created: nobody else's, whatever can be read of it.
    pub created_role: Cell<bool>,
    pub created_policy: Cell<bool>,
}

/// Does the stages one after the other, the steps of each at once. The steps that began are all awaited before an error is
/// returned, so that no call is under way when the answer goes out.
///
/// # Errors
/// The most final error of the stage that failed, with a sentence.
pub async fn apply(iam: &impl Iam, account: &Account, budget: &Budget, plan: &Plan, made: &Made) -> Result<()> {
    for stage in &plan.stages {
        if !budget.may_write() {
            return Err(out_of_time(account, stage));
        }
        let outcomes = join_all(stage.iter().map(|step| carry_out(iam, account, budget, step, made))).await;
        let errors = outcomes.into_iter().filter_map(Result::err);
        if let Some(error) = errors.max_by_key(|error| finality(error.kind())) {
            return Err(error);
        }
    }
    Ok(())
}

/// Of two errors, the one that decides: what a person must mend before what waiting may mend.
fn finality(kind: Kind) -> u8 {
    match kind {
        Kind::Gone | Kind::LookAgain => 0,
        Kind::Unavailable => 1,
        Kind::Denied => 2,
        Kind::OutOfTime => 3,
        Kind::Refused | Kind::Bug => 4,
    }
}

async fn carry_out(iam: &impl Iam, account: &Account, budget: &Budget, step: &Write, made: &Made) -> Result<()> {
    tracing::info!(step = %step, "writing");
    match timeout_at(budget.calls_end, iam.write(step)).await {
        Ok(Ok(())) => {
            match step {
                Write::CreateRole { .. } => {
                    made.role.set(true);
                    made.created_role.set(true);
                }
                Write::CreatePolicy { .. } => {
                    made.policy.set(true);
                    made.created_policy.set(true);
                }
                Write::TagRole { tags, .. } if tags.contains_key(OWNERSHIP) => made.role.set(true),
                Write::TagPolicy { tags, .. } if tags.contains_key(OWNERSHIP) => made.policy.set(true),
                _ => {}
            }
            Ok(())
        }
        Ok(Err(error)) if error.kind() == Kind::Gone && step.takes_the_last_away() => Ok(()),
        Ok(Err(error)) => {
            if let Some(deny) = without_what_was_refused(step, &error).filter(|_| budget.may_write()) {
                tracing::warn!(step = %step, cause = error.cause(), "the trust policy was refused; only the Deny is written");
                return Box::pin(carry_out(iam, account, budget, &deny, made)).await;
            }
            // A version too many: the answer to the call that made the fifth may have been lost, or an old read told of four.
            let full = matches!(step, Write::CreatePolicyVersion { .. }) && error.is("LimitExceeded");
            let error = error.clone().because(reason::of_write(&error, account, step));
            let error = if full { error.treated_as(Kind::LookAgain) } else { error };
            tracing::warn!(step = %step, cause = error.cause(), kind = ?error.kind(), "the write failed");
            Err(error)
        }
        Err(_) => Err(Error::new(
            Kind::OutOfTime,
            format!(
                "{} on {} in account {} did not end in time, so that it is not known whether it took effect. Retry the stack \
                 operation, which carries on from what is there.",
                step.operation(),
                step.object(),
                account.id
            ),
        )),
    }
}

/// A role that is to be closed is closed although IAM refuses what others wrote into its trust policy: the Deny alone is
/// written then.
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
            "The time of the function ended before {} in account {}. What was done before that stays; retry the stack \
             operation, which carries on from there.",
            steps.join(" and "),
            account.id
        ),
    )
}
