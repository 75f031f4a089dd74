//! Observe → plan → apply, for each goal.
//!
//! [`state`] is what was observed. [`convergence_plan`] and [`removal_plan`] are pure functions from a goal and the
//! observed state to a list of steps. [`apply`] sends the steps. [`converge`](mod@converge) repeats the three until
//! nothing is left to do. `docs/semantics.md` is the same as a table.

pub mod adoption;
pub mod apply;
pub mod attributes;
pub mod conflict;
pub mod converge;
pub mod convergence_plan;
pub mod desired;
pub mod drift;
pub mod external_id;
pub mod observe;
pub mod plan;
pub mod reason;
pub mod removal;
pub mod removal_plan;
pub mod remove;
mod restoration;
pub mod state;
pub mod suspension;

use crate::goal::Goal;
use crate::iam::{Iam, Write};
use crate::physical_id::PhysicalId;
use apply::Acquired;
use converge::Reconciler;
use custom_resource::{Attributes, Budget, Error, Kind, Result};
use desired::{Change, DesiredState};
use observe::{Expected, ReadScope};
use plan::Plan;
use removal::{Removal, RemovalMode};
use state::{Role, State};

/// What to answer when the goal is reached.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// The resource that exists now; `None` after a removal.
    pub id: Option<PhysicalId>,
    pub attributes: Attributes,
    /// What a customer may want to know, such as what was left. Blank if nothing.
    pub note: String,
}

/// Reaches the goal in the account of `iam`.
///
/// # Errors
/// Those of the calls, with a sentence; [`Refused`](Kind::Refused) if a person has to change something first.
pub async fn reach<I: Iam>(goal: &Goal, iam: &I, budget: Budget) -> Result<Reached> {
    match goal {
        Goal::Converge(desired) => {
            let reconciler = Reconciler { iam, account: &desired.account, budget };
            match desired.change {
                Change::Create { .. } => create(&reconciler, desired).await,
                Change::Update { .. } => update(&reconciler, desired).await,
            }
        }
        Goal::Remove(removal) => {
            let note = Reconciler { iam, account: &removal.account, budget }.remove(removal).await?;
            Ok(Reached { note, ..Reached::default() })
        }
        Goal::Nothing => Ok(Reached::default()),
    }
}

/// A Create that fails leaves nothing of what it created or adopted.
async fn create<I: Iam>(reconciler: &Reconciler<'_, I>, desired: &DesiredState) -> Result<Reached> {
    let acquired = Acquired::default();
    match converge(reconciler, desired, Expected::Nothing, &acquired).await {
        Ok(reached) => Ok(reached),
        Err(error) => Err(undo(reconciler, desired, &acquired, error).await),
    }
}

async fn update<I: Iam>(reconciler: &Reconciler<'_, I>, desired: &DesiredState) -> Result<Reached> {
    match converge(reconciler, desired, Expected::first_version(), &Acquired::default()).await {
        Err(error) if desired.is_suspended() => {
            let is_meant = |observed: &State, role: &Role| desired.is_the_platforms(observed, role);
            Err(reconciler.with_locks(&desired.id, is_meant, error).await)
        }
        reached => reached,
    }
}

async fn converge<I: Iam>(
    reconciler: &Reconciler<'_, I>,
    desired: &DesiredState,
    expected: Expected,
    acquired: &Acquired,
) -> Result<Reached> {
    let read = (ReadScope::Convergence, expected);
    let plan = |observed: &State| convergence_plan::plan(desired, observed);
    let converged = reconciler.converge(&desired.id, read, acquired, plan).await?;
    let attributes = attributes::of(desired, &converged)?;
    Ok(Reached { id: Some(desired.id.clone()), attributes, note: String::new() })
}

/// The error, after an attempt to remove what this invocation created or adopted. If that fails too, the error says so.
async fn undo<I: Iam>(
    reconciler: &Reconciler<'_, I>,
    desired: &DesiredState,
    acquired: &Acquired,
    error: Error,
) -> Error {
    let (role, policy) = (acquired.role.get(), acquired.policy.get());
    if !(role || policy) || error.kind() == Kind::OutOfTime {
        return error;
    }
    let removal = Removal {
        account: desired.account.clone(),
        member_role: desired.member_role.clone(),
        resource: desired.resource.clone(),
        id: desired.id.clone(),
        mode: RemovalMode::Undo { role, policy },
        tags: desired.properties.tags.clone(),
    };
    match reconciler.remove(&removal).await {
        Ok(_) => error,
        Err(also) if also.kind() == Kind::Denied && remove_unread(reconciler, &removal, acquired).await => error,
        Err(also) => error.and(&format!("Removing what this attempt had created also failed: {}", also.reason())),
    }
}

/// Removes what this invocation created although nothing may be read: writes can be allowed where reads are not.
/// Whether nothing is left. An adopted object would have to be read to be restored.
async fn remove_unread<I: Iam>(reconciler: &Reconciler<'_, I>, removal: &Removal, acquired: &Acquired) -> bool {
    let (role, policy) = (acquired.created_role.get(), acquired.created_policy.get());
    let (role_name, policy_arn) = (removal.role_name(), removal.policy_arn());
    let mut stages = Vec::new();
    if role {
        stages.push(vec![Write::DetachRolePolicy { role_name: role_name.clone(), policy_arn: policy_arn.clone() }]);
        stages.push(vec![Write::DeleteRole { role_name }]);
    }
    if policy {
        stages.push(vec![Write::DeletePolicy { policy_arn }]);
    }
    let Reconciler { iam, account, budget } = reconciler;
    let removed = apply::apply(*iam, account, budget, &Plan { stages }, &Acquired::default()).await;
    removed.is_ok() && removal.mode == (RemovalMode::Undo { role, policy })
}
