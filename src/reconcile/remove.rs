//! Removing: the plan of a removal, applied until nothing is left.

use crate::iam::{Iam, Write};
use crate::reconcile::apply::{Acquired, Applied};
use crate::reconcile::converge::Reconciler;
use crate::reconcile::observe::{Expected, ReadScope};
use crate::reconcile::plan::Plan;
use crate::reconcile::removal::{Removal, RemovalMode, RemovalProgress};
use crate::reconcile::removal_plan::{self, RemovalPlan};
use crate::reconcile::state::State;
use custom_resource::{Error, Result};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a Delete with an id that CloudFormation made up looks for what a cancelled Create may still create.
/// <https://github.com/aws/aws-cdk/issues/26139>
const LOOK_FOR_CANCELLED_CREATE: Duration = Duration::from_secs(15);
/// How long between two of these looks.
const PAUSE: Duration = Duration::from_secs(3);
/// How long after the first look the second one is, when an object was not found.
const SECOND_LOOK: Duration = Duration::from_secs(2);

impl<I: Iam> Reconciler<'_, I> {
    /// Removes what `removal` says. The result is what was left or changed beside it, as sentences.
    ///
    /// # Errors
    /// Those of the calls; [`Refused`](custom_resource::Kind::Refused) if somebody else depends on an object, or a role
    /// was closed instead of deleted.
    pub async fn remove(&self, removal: &Removal) -> Result<String> {
        let mut notes = self.remove_once(removal).await?;
        if removal.mode == (RemovalMode::LeftFromFailedCreate { may_be_running: true }) {
            let until = Instant::now() + LOOK_FOR_CANCELLED_CREATE;
            while Instant::now() < until && self.budget.may_write_after(PAUSE) {
                sleep(PAUSE).await;
                let more = self.remove_once(removal).await?;
                if more != notes {
                    notes = format!("{notes} {more}").trim().to_owned();
                }
            }
        }
        Ok(notes)
    }

    /// If an object was not found, that is believed only after a second look: IAM's reads may be older than what a
    /// Create has just created.
    async fn remove_once(&self, removal: &Removal) -> Result<String> {
        let mut progress = RemovalProgress::default();
        for look in 1..=2 {
            let mut removed = self.remove_what_is_found(removal, &mut progress).await;
            // What an adopted role had before may have been deleted since. The role is restored without it.
            while let Err(failure) = &removed
                && failure.error.is("NoSuchEntity")
                && is_first_miss(&failure.write, &mut progress)
            {
                removed = self.remove_what_is_found(removal, &mut progress).await;
            }
            if let Err(failure) = removed {
                let error: Error = failure.into();
                return Err(match progress.refusal {
                    Some(_) => self.with_locks(&removal.id, |_, _| true, error).await,
                    None => error,
                });
            }
            if progress.found_both || look == 2 || !self.budget.may_write_after(SECOND_LOOK) {
                break;
            }
            sleep(SECOND_LOOK).await;
        }
        match progress.refusal {
            Some(refusal) => Err(Error::refused(refusal)),
            None => Ok(progress.notes.into_iter().collect::<Vec<_>>().join(" ")),
        }
    }

    async fn remove_what_is_found(&self, removal: &Removal, progress: &mut RemovalProgress) -> Applied<()> {
        let read = (ReadScope::Removal, Expected::first_version());
        let plan = |observed: &State| {
            progress.found_both |= observed.role.is_some() && observed.policy.is_some();
            let planned = removal_plan::plan(removal, progress, observed);
            let planned = match planned {
                // The role is closed. The refusal stands, and nothing else happens before a person has read it.
                Ok(RemovalPlan { refusal: None, .. }) | Err(_) if progress.refusal.is_some() => {
                    return Ok(Plan::default());
                }
                planned => planned?,
            };
            progress.notes.extend(planned.notes);
            if !progress.has_restored {
                progress.notes.extend(planned.left);
            }
            progress.has_restored |= planned.restores;
            progress.refusal = progress.refusal.take().or(planned.refusal);
            Ok(planned.steps)
        };
        self.converge(&removal.id, read, &Acquired::default(), plan).await.map(drop)
    }
}

/// Notes that the policy or the permissions boundary of an adopted role is deleted, if that is what the write says.
/// `false` if it is not, or was noted before.
fn is_first_miss(write: &Option<Write>, progress: &mut RemovalProgress) -> bool {
    let is_gone = match write {
        Some(Write::AttachRolePolicy { .. }) => &mut progress.is_former_policy_gone,
        Some(Write::PutRolePermissionsBoundary { .. }) => &mut progress.is_former_boundary_gone,
        _ => return false,
    };
    !std::mem::replace(is_gone, true)
}
