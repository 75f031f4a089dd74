//! Converging: observe, plan and apply, until nothing is left to do.

use crate::account::Account;
use crate::iam::{Iam, Write};
use crate::physical_id::PhysicalId;
use crate::policy;
use crate::reconcile::apply::{Acquired, Applied, Failure, apply};
use crate::reconcile::observe::{Expected, ReadScope, observe};
use crate::reconcile::plan::Plan;
use crate::reconcile::state::{Role, State};
use crate::reconcile::suspension::Locks;
use crate::retry::{FIRST_PAUSE, LONGEST_PAUSE, Retries};
use custom_resource::{Budget, Error, Kind, Result};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long IAM's reads may lag behind a write before the result is answered as not verified.
const READ_BACK: Duration = Duration::from_secs(20);
/// The same for a removal. After that, observe, plan and apply are done once more: an object that was not found before
/// may have appeared, and what was deleted can be deleted again without harm.
const READ_BACK_REMOVAL: Duration = Duration::from_secs(6);

/// Added to the error of an event that was to close the role.
const LOCKS_UNKNOWN: &str = "The function could not read which of the kill switch's locks are in place. Look at the \
                             role in IAM.";

/// IAM in one account, for the time of one event.
pub struct Reconciler<'a, I> {
    pub iam: &'a I,
    pub account: &'a Account,
    pub budget: Budget,
}

/// The result of converging.
#[derive(Clone, Debug)]
pub struct Converged {
    /// The last state that was read.
    pub observed: State,
    /// Whether that state is the desired one. `false` if IAM's reads lagged for too long behind writes that succeeded.
    pub verified: bool,
}

impl<I: Iam> Reconciler<'_, I> {
    /// Applies what `plan` finds to do for the objects under `id`, until it finds nothing, and reads the result back.
    ///
    /// # Errors
    /// Those of `plan`; those of the calls, if trying again does not help or its time has ended.
    pub async fn converge(
        &self,
        id: &PhysicalId,
        (scope, mut expected): (ReadScope, Expected),
        acquired: &Acquired,
        mut plan: impl FnMut(&State) -> Result<Plan>,
    ) -> Applied<Converged> {
        let mut retries = Retries::new(&self.budget);
        let mut repeat = scope == ReadScope::Removal;
        loop {
            let now = std::mem::replace(&mut expected, Expected::first_version());
            let round = async {
                let observed = observe(self.iam, self.account, &self.budget, id, scope, &now).await?;
                let steps = plan(&observed)?;
                tracing::info!(%id, plan = %steps, "planned");
                if steps.is_empty() {
                    return Ok(Some(Converged { observed, verified: true }));
                }
                log_permissions(&observed, &steps);
                expected = Expected::after(&observed, &steps);
                apply(self.iam, self.account, &self.budget, &steps, acquired).await?;
                Ok::<_, Box<Failure>>(None)
            };
            match round.await {
                Ok(Some(converged)) => return Ok(converged),
                Ok(None) => {
                    let converged = self.read_back(id, scope, &expected, &mut plan).await?;
                    if converged.verified || !repeat || !self.budget.may_write() {
                        return Ok(converged);
                    }
                    repeat = false;
                }
                Err(failure) if retries.wait(&failure.error).await => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Reads the state, and tries again where that is worth it.
    ///
    /// # Errors
    /// Those of the reads, with a sentence.
    pub async fn observe(&self, id: &PhysicalId, scope: ReadScope, expected: &Expected) -> Result<State> {
        let mut retries = Retries::new(&self.budget);
        loop {
            match observe(self.iam, self.account, &self.budget, id, scope, expected).await {
                Ok(observed) => return Ok(observed),
                Err(error) if retries.wait(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The error of an event that was to close the role, with a sentence that says which locks are in place in IAM. The
    /// sentence is left out if the role is not `meant`.
    pub async fn with_locks(&self, id: &PhysicalId, meant: impl Fn(&State, &Role) -> bool, error: Error) -> Error {
        let expected = Expected::first_version();
        let observed = observe(self.iam, self.account, &self.budget, id, ReadScope::Convergence, &expected).await;
        let Ok(observed) = observed else { return error.and(LOCKS_UNKNOWN) };
        let locks = |role| Locks::of(role, &id.policy_name, &self.account.policy_arn(&id.policy_name));
        match observed.role.as_ref().filter(|role| meant(&observed, role)).map(locks) {
            Some(locks) => error.and(&locks.to_string()),
            None => error,
        }
    }

    /// Reads until the plan is empty. Nothing is written meanwhile: if the state still differs, the read is probably
    /// old.
    async fn read_back(
        &self,
        id: &PhysicalId,
        scope: ReadScope,
        expected: &Expected,
        plan: &mut impl FnMut(&State) -> Result<Plan>,
    ) -> Result<Converged> {
        let ends = Instant::now() + if scope == ReadScope::Removal { READ_BACK_REMOVAL } else { READ_BACK };
        let mut pause = FIRST_PAUSE;
        loop {
            let observed = self.observe(id, scope, expected).await?;
            let difference = match plan(&observed) {
                // That an object was not found may be an old read, too.
                Err(error) if error.kind() == Kind::LookAgain => Err(error),
                difference => Ok(difference?),
            };
            if difference.as_ref().is_ok_and(Plan::is_empty) {
                return Ok(Converged { observed, verified: true });
            }
            if Instant::now() + pause >= ends || !self.budget.may_write_after(pause) {
                let difference = difference?;
                tracing::warn!(%id, %difference, "what was written could not be read back in time");
                return Ok(Converged { observed, verified: false });
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Logs which permissions a new policy version adds and removes.
fn log_permissions(observed: &State, steps: &Plan) {
    let new = steps.steps().find_map(|step| match step {
        Write::CreatePolicyVersion { document, .. } => Some(document),
        _ => None,
    });
    if let (Some(policy), Some(new)) = (&observed.policy, new) {
        let (added, removed) = policy::difference(&policy.document, new);
        tracing::info!(added = added.join(", "), removed = removed.join(", "), "the policy's permissions change");
    }
}
