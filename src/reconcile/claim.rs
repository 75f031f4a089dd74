//! Whether the objects under the wanted names may be touched.

use crate::error::{Error, Result};
use crate::iam::Tags;
use crate::ownership::{self, Owner};
use crate::properties::OnExisting;
use crate::reconcile::plan::Wanted;
use crate::reconcile::state::State;

/// What an event may take for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The name is new to this resource: what is there must carry our tags.
    ByTags,
    /// This resource already holds the name, as the physical id in the event proves: our tags may be lost.
    ByName,
}

/// Refuses if the role or the policy is somebody else's. Both are judged, each alone.
pub fn check(wanted: &Wanted, there: &State) -> Result<()> {
    let role =
        there.role.as_ref().and_then(|role| judge(wanted, &Object::role(wanted), wanted.role_claim, &role.about.tags));
    let policy = there
        .policy
        .as_ref()
        .and_then(|policy| judge(wanted, &Object::policy(wanted), wanted.policy_claim, &policy.about.tags));
    match (role, policy) {
        (None, None) => Ok(()),
        (Some(one), None) | (None, Some(one)) => Err(Error::refused(one)),
        (Some(role), Some(policy)) => Err(Error::refused(format!("{role} {policy}"))),
    }
}

/// An object as a sentence names it.
struct Object {
    /// Such as `The role R in account 111122223333`.
    name: String,
    /// The AWS CLI's `untag-role --role-name R`.
    untag: String,
    /// What to rename, if it is to be another.
    property: &'static str,
}

impl Object {
    fn role(wanted: &Wanted) -> Self {
        let (role_name, account_id) = (&wanted.id.role_name, &wanted.account.id);
        Self {
            name: format!("The role {role_name} in account {account_id}"),
            untag: format!("untag-role --role-name {role_name}"),
            property: "RoleName",
        }
    }

    fn policy(wanted: &Wanted) -> Self {
        let (policy_name, account_id) = (&wanted.id.policy_name, &wanted.account.id);
        Self {
            name: format!("The policy {policy_name} in account {account_id}"),
            untag: format!("untag-policy --policy-arn {}", wanted.policy_arn()),
            property: "PolicyName",
        }
    }
}

/// The sentence that refuses, or `None` if the object may be touched.
fn judge(wanted: &Wanted, object: &Object, claim: Claim, tags: &Tags) -> Option<String> {
    let Object { name, untag, property } = object;
    match (wanted.resource.judge(tags), claim) {
        (Owner::Us { .. }, _) | (Owner::Nobody, Claim::ByName) => None,
        (Owner::Another { stack_id, logical_id }, _) => {
            let keys =
                [ownership::STACK_ID, ownership::LOGICAL_ID, ownership::RESOURCE_ID, ownership::OWNERSHIP].join(" ");
            Some(format!(
                "{name} belongs to resource {logical_id} of the stack {stack_id}. An account needs this only once: use that \
                 stack, or delete it first. If it is gone, release what it left with 'aws iam {untag} --tag-keys {keys}', \
                 then delete it and retry."
            ))
        }
        (Owner::Nobody, Claim::ByTags) => Some(match wanted.properties.on_existing {
            OnExisting::Fail => format!(
                "{name} exists, was not made by this stack, and OnExisting is Fail. It was left as it is: delete it or give \
                 another {property}, then retry."
            ),
            OnExisting::Adopt => format!(
                "{name} exists and was not made by this stack. Release {} cannot adopt what was made by hand: it was left \
                 as it is; delete it or give another {property}, then retry.",
                env!("CARGO_PKG_VERSION")
            ),
        }),
    }
}
