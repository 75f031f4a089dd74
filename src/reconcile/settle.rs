//! Repeating observe, plan and apply until nothing is left to do.

use crate::budget::Budget;
use crate::error::{Error, Kind, Result};
use crate::iam::{Iam, Write};
use crate::physical_id::PhysicalId;
use crate::policy;
use crate::reconcile::Reconciler;
use crate::reconcile::apply::{Made, apply};
use crate::reconcile::plan::Plan;
use crate::reconcile::state::{Expected, Sight, State, observe};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a right may be missing before it is believed: the rights of a new role arrive within seconds.
/// <https://github.com/aws/aws-cdk/issues/37675>
pub const RIGHTS_ARRIVE: Duration = Duration::from_secs(15);
/// How long IAM's reads may lag behind a write before the result is answered as not verified.
const READ_BACK: Duration = Duration::from_secs(20);
/// The same for a departure, after which the steps are done once more: an object that was not seen before may have come to
/// light, and what was deleted can be deleted again without harm.
const READ_BACK_DEPARTURE: Duration = Duration::from_secs(6);
/// How often a state that is not what it was a moment ago is looked at again.
const MOST_LOOKS: u32 = 9;
/// How often a call without a clear answer is tried again, beyond the SDK's own attempts.
pub const MOST_RETRIES: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Where it came to rest.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The last state that was read.
    pub there: State,
    /// Whether that state is the wanted one. `false` when IAM's reads lagged for too long behind writes that succeeded.
    pub verified: bool,
}

impl<I: Iam> Reconciler<'_, I> {
    /// Brings what is under `id` to where `plan` finds nothing to do, and reads it back.
    ///
    /// # Errors
    /// Those of `plan`; those of the calls, when trying again does not help or its time has ended.
    pub(super) async fn settle(
        &self,
        id: &PhysicalId,
        (sight, mut expected): (Sight, Expected),
        made: &Made,
        mut plan: impl FnMut(&State) -> Result<Plan>,
    ) -> Result<Settled> {
        let mut patience = Patience::new(&self.budget);
        let mut repeat = sight == Sight::Departure;
        loop {
            let now = std::mem::replace(&mut expected, Expected::first_version());
            let round = async {
                let there = observe(self.iam, &self.account, &self.budget, id, sight, &now).await?;
                let steps = plan(&there)?;
                tracing::info!(%id, plan = %steps, "planned");
                if steps.is_empty() {
                    return Ok(Some(Settled { there, verified: true }));
                }
                announce(&there, &steps);
                expected = Expected::after(&there, &steps);
                apply(self.iam, &self.account, &self.budget, &steps, made).await?;
                Ok(None)
            };
            match round.await {
                Ok(Some(settled)) => return Ok(settled),
                Ok(None) => {
                    let settled = self.read_back(id, sight, &expected, &mut plan).await?;
                    if settled.verified || !repeat || !self.budget.may_write() {
                        return Ok(settled);
                    }
                    repeat = false;
                }
                Err(error) => patience.wait_or_give_up(error).await?,
            }
        }
    }

    /// Observes once, to report on what an event has left.
    pub(super) async fn look_once(&self, id: &PhysicalId, sight: Sight) -> Result<State> {
        observe(self.iam, &self.account, &self.budget, id, sight, &Expected::first_version()).await
    }

    /// Observes, and tries again where that is worth it.
    pub(super) async fn look(&self, id: &PhysicalId, sight: Sight, expected: &Expected) -> Result<State> {
        let mut patience = Patience::new(&self.budget);
        loop {
            match observe(self.iam, &self.account, &self.budget, id, sight, expected).await {
                Ok(there) => return Ok(there),
                Err(error) => patience.wait_or_give_up(error).await?,
            }
        }
    }

    /// Reads until the plan is empty. Nothing is written meanwhile: a state that still differs is more likely old than wrong.
    async fn read_back(
        &self,
        id: &PhysicalId,
        sight: Sight,
        expected: &Expected,
        plan: &mut impl FnMut(&State) -> Result<Plan>,
    ) -> Result<Settled> {
        let ends = Instant::now() + if sight == Sight::Departure { READ_BACK_DEPARTURE } else { READ_BACK };
        let mut pause = FIRST_PAUSE;
        loop {
            let there = self.look(id, sight, expected).await?;
            let difference = match plan(&there) {
                // What is not seen may be an old read, too.
                Err(error) if error.kind() == Kind::LookAgain => Err(error),
                difference => Ok(difference?),
            };
            if difference.as_ref().is_ok_and(Plan::is_empty) {
                return Ok(Settled { there, verified: true });
            }
            if Instant::now() + pause >= ends || !self.budget.may_write_after(pause) {
                let difference = difference?;
                tracing::warn!(%id, %difference, "what was written could not be read back in time");
                return Ok(Settled { there, verified: false });
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// A move between editions, as permissions: for whoever reads the log.
fn announce(there: &State, steps: &Plan) {
    let new = steps.steps().find_map(|step| match step {
        Write::CreatePolicyVersion { document, .. } => Some(document),
        _ => None,
    });
    if let (Some(policy), Some(new)) = (&there.policy, new) {
        let (added, removed) = policy::difference(&policy.document, new);
        tracing::info!(added = added.join(", "), removed = removed.join(", "), "the policy's permissions change");
    }
}

/// How often, and for how long, trying again is worth it.
struct Patience<'a> {
    budget: &'a Budget,
    looks: u32,
    retries: u32,
    pause: Duration,
}

impl<'a> Patience<'a> {
    fn new(budget: &'a Budget) -> Self {
        Self { budget, looks: 0, retries: 0, pause: FIRST_PAUSE }
    }

    /// Waits if the error may pass by itself, or returns it.
    async fn wait_or_give_up(&mut self, error: Error) -> Result<()> {
        let worth_it = match error.kind() {
            Kind::Gone | Kind::LookAgain => {
                self.looks += 1;
                self.looks <= MOST_LOOKS
            }
            Kind::Unavailable => {
                self.retries += 1;
                self.retries <= MOST_RETRIES
            }
            Kind::Denied => Instant::now() + self.pause < self.budget.start + RIGHTS_ARRIVE,
            Kind::Refused | Kind::OutOfTime | Kind::Bug => false,
        };
        if !worth_it || !self.budget.may_write_after(self.pause) {
            return Err(error);
        }
        tracing::info!(cause = error.cause(), kind = ?error.kind(), "trying again");
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
