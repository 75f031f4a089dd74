//! An Update that changes a name, and the way back when it fails.

use crate::error::{Error, Kind, Result};
use crate::iam::Iam;
use crate::physical_id::PhysicalId;
use crate::properties::{OldProperties, Properties};
use crate::reconcile::apply::Made;
use crate::reconcile::claim::Claim;
use crate::reconcile::departure::{Leaving, Manner};
use crate::reconcile::external_id::{self, Generated};
use crate::reconcile::state::{Expected, Sight, State};
use crate::reconcile::wanted::Wanted;
use crate::reconcile::{Reconciler, SECOND_LOOK, success};
use crate::response::Outcome;
use serde_json::Value;
use tokio::time::sleep;

impl<I: Iam> Reconciler<'_, I> {
    /// The names change. The new ones are made and owned under the new id; the Delete of the old id, which CloudFormation
    /// sends when the stack's update is complete, removes what is still tagged with the old one.
    pub(super) async fn rename(
        &self,
        mut wanted: Wanted,
        old: &PhysicalId,
        (properties, old_properties): (&Value, &Value),
    ) -> Result<Outcome> {
        let mut before = self.look(old, Sight::Convergence, &Expected::first_version()).await?;
        let is_seen_whole = before.role.is_some() && before.policy.is_some();
        if external_id::recorded(&self.resource, &before).is_none()
            && !is_seen_whole
            && self.budget.may_write_after(SECOND_LOOK)
        {
            sleep(SECOND_LOOK).await;
            before = self.look(old, Sight::Convergence, &Expected::first_version()).await?;
        }
        let claim = |same: bool| if same { Claim::ByName } else { Claim::ByTags };
        wanted.role_claim = claim(wanted.id.role_name == old.role_name);
        wanted.policy_claim = claim(wanted.id.policy_name == old.policy_name);
        if let Some(generated) = external_id::recorded(&self.resource, &before) {
            wanted.generated = Generated::CarriedOver(generated);
        }
        let made = Made::default();
        let shares = share_a_name(&wanted.id, old);
        let expected = if shares { Expected::first_version() } else { Expected::Nothing };
        let converged = self.converge(&wanted, expected, &made).await.and_then(|settled| {
            // The Delete of the old id goes by the tags. While IAM still shows the old ones on what both share, a SUCCESS,
            // which brings that Delete, could cost the object that has just been taken over.
            if settled.verified || !shares { Ok(settled) } else { Err(not_shown(&wanted.id)) }
        });
        match converged {
            Ok(settled) => success(&wanted, &settled, Some(old), String::new()),
            Err(error) => {
                Err(self.undo_rename(&wanted, old, &before, &made, (properties, old_properties), error).await)
            }
        }
    }

    /// A rename failed: what it made goes before the answer, because the answer carries the old id and no Delete of the new
    /// one will come. What both share is given back to the old id first.
    async fn undo_rename(
        &self,
        renamed: &Wanted,
        old: &PhysicalId,
        before: &State,
        made: &Made,
        (properties, old_properties): (&Value, &Value),
        mut error: Error,
    ) -> Error {
        // If nothing is left of the old id, this event is a late copy of one that succeeded, and what stands under the new
        // names is live: then there is no way back, and only what this invocation made may go.
        let new = &renamed.id;
        let held = |tags| self.resource.owns(old, tags);
        let old_is_there = before.role.as_ref().is_some_and(|role| held(&role.about.tags))
            || before.policy.as_ref().is_some_and(|policy| held(&policy.about.tags));
        if old_is_there
            && share_a_name(new, old)
            && let Ok(old_properties) = Properties::parse(old_properties)
        {
            let wanted = self.wanted(old_properties, OldProperties::from(&renamed.properties));
            if wanted.id == *old
                && let Err(also) = self.converge(&wanted, Expected::first_version(), &Made::default()).await
            {
                error = error.and(&format!("Going back to {old} failed as well: {}", also.reason()));
            }
        }
        let left = self.beside(new, old, properties);
        let left = Leaving {
            manner: if made.role.get() { Manner::Undo } else { Manner::Remnant },
            role: left.role && (old_is_there || made.role.get()),
            policy: left.policy && (old_is_there || made.policy.get()),
            ..left
        };
        self.after_removing(left, made, error).await
    }
}

/// Whether one of the two objects stays under its name.
fn share_a_name(new: &PhysicalId, old: &PhysicalId) -> bool {
    new.role_name == old.role_name || new.policy_name == old.policy_name
}

fn not_shown(id: &PhysicalId) -> Error {
    Error::new(
        Kind::Unavailable,
        format!(
            "IAM took the change of names to {id}, but its answers did not show it in time, so that it was undone: what the \
             old and the new names share could have been lost otherwise. Retry the stack operation."
        ),
    )
}
