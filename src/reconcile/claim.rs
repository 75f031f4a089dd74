//! Whether the objects under the wanted names may be touched.

use crate::account::PLATFORM_ACCOUNT_ID;
use crate::error::{Error, Result};
use crate::iam::{PolicyUser, ROLE_DESCRIPTION, Tags};
use crate::ownership::{self, Owner};
use crate::properties::OnExisting;
use crate::reconcile::adoption::{POLICY, ROLE};
use crate::reconcile::plan::MOST_VERSIONS;
use crate::reconcile::state::{Policy, Role, State};
use crate::reconcile::wanted::Wanted;
use crate::trust;

/// What an event may take for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The name is new to this resource: what is there must carry our tags, or be adopted.
    ByTags,
    /// This resource already holds the name, as the physical id in the event proves: our tags may be lost from what we made or
    /// adopted.
    ByName,
}

/// Refuses if the role or the policy is somebody else's. Both are judged, each alone.
pub fn check(wanted: &Wanted, there: &State) -> Result<()> {
    let role = there.role.as_ref().and_then(|role| {
        let obstacle = || role_obstacle(wanted, role);
        judge(wanted, &Object::role(wanted), wanted.claim_to_role(there), &role.about.tags, obstacle)
    });
    let policy = there.policy.as_ref().and_then(|policy| {
        let obstacle = || policy_obstacle(wanted, policy);
        judge(wanted, &Object::policy(wanted), wanted.claim_to_policy(there), &policy.about.tags, obstacle)
    });
    match (role, policy) {
        (None, None) => Ok(()),
        (Some(one), None) | (None, Some(one)) => Err(Error::refused(one)),
        (Some(role), Some(policy)) => Err(Error::refused(format!("{role} {policy}"))),
    }
}

/// An object as a sentence names it.
struct Object {
    /// `role` or `policy`.
    what: &'static str,
    /// Such as `The role R in account 111122223333`.
    name: String,
    /// The AWS CLI's `untag-role --role-name R`.
    untag: String,
}

impl Object {
    fn role(wanted: &Wanted) -> Self {
        let (role_name, account_id) = (&wanted.id.role_name, &wanted.account.id);
        Self {
            what: ROLE,
            name: format!("The {ROLE} {role_name} in account {account_id}"),
            untag: format!("untag-role --role-name {role_name}"),
        }
    }

    fn policy(wanted: &Wanted) -> Self {
        let (policy_name, account_id) = (&wanted.id.policy_name, &wanted.account.id);
        Self {
            what: POLICY,
            name: format!("The {POLICY} {policy_name} in account {account_id}"),
            untag: format!("untag-policy --policy-arn {}", wanted.policy_arn()),
        }
    }
}

/// The sentence that refuses, or `None` if the object may be touched.
fn judge(
    wanted: &Wanted,
    object: &Object,
    claim: Claim,
    tags: &Tags,
    obstacle: impl FnOnce() -> Option<String>,
) -> Option<String> {
    let Object { what, name, untag } = object;
    match (wanted.resource.judge(tags), claim) {
        (Owner::Us { .. }, _) if tags.get(ownership::OWNERSHIP).is_some_and(|o| o == ownership::ADOPTED) => {
            let list = tags_to_overwrite(wanted, tags)?;
            Some(format!(
                "{name} was adopted and carries {list} from before, which Tags would overwrite. Take that out of Tags, then \
                 retry. Nothing was changed."
            ))
        }
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
        (Owner::Nobody, Claim::ByTags) if wanted.properties.on_existing == OnExisting::Fail => Some(format!(
            "{name} exists, was not made by this stack, and OnExisting is Fail. It was left as it is: delete it, or let \
             OnExisting be Adopt if it was made after the Orchestera guide, then retry."
        )),
        (Owner::Nobody, Claim::ByTags) => {
            let obstacle = obstacle().or_else(|| colliding_tag(wanted, tags))?;
            Some(format!(
                "{name} exists, was not made by this stack, and cannot be adopted: {obstacle}, then retry. Nothing was changed. \
                 If the {what} is not the one of the Orchestera guide, or nobody needs it, delete it instead."
            ))
        }
    }
}

/// Why a role cannot be adopted, and what to do.
fn role_obstacle(wanted: &Wanted, role: &Role) -> Option<String> {
    if role.about.arn != wanted.account.role_arn(&wanted.id.role_name) {
        return Some(format!(
            "it has the path of {}, and the guide's has none; make it anew without one",
            role.about.arn
        ));
    }
    if role.about.description == ROLE_DESCRIPTION {
        return Some(format!(
            "its description says that a stack of this product made it, but its tags do not say which. If that stack is gone, \
             give it another description (aws iam update-role --role-name {} --description 'Orchestera')",
            wanted.id.role_name
        ));
    }
    (!trust::is_the_guides(&role.about.trust, PLATFORM_ACCOUNT_ID)).then(|| {
        format!(
            "its trust is not the guide's, which lets account {PLATFORM_ACCOUNT_ID} assume the role, at most under the condition of one \
             external id, and nobody else. Let its trust say exactly that"
        )
    })
}

/// Why a policy cannot be adopted, and what to do.
fn policy_obstacle(wanted: &Wanted, policy: &Policy) -> Option<String> {
    let others: Vec<_> = policy
        .users
        .iter()
        .filter(|user| **user != PolicyUser::Role(wanted.id.role_name.clone()))
        .map(ToString::to_string)
        .collect();
    if !others.is_empty() {
        return Some(format!("it is also used by {}. Detach it there", others.join(", ")));
    }
    if policy.versions.len() < MOST_VERSIONS {
        return None;
    }
    let oldest = policy.oldest_version(|version| !version.is_default)?;
    Some(full(wanted, &oldest))
}

/// A policy has no room for a version that would be ours.
pub(super) fn full(wanted: &Wanted, version_id: &str) -> String {
    format!(
        "it has {MOST_VERSIONS} versions, as many as IAM keeps, so that none can be added. Delete one that nobody needs; the \
         oldest that is not in force is {version_id} (aws iam delete-policy-version --policy-arn {} --version-id {version_id})",
        wanted.policy_arn()
    )
}

/// Tags that are wanted and there with another value, which no earlier properties explain.
fn tags_to_overwrite(wanted: &Wanted, there: &Tags) -> Option<String> {
    let is_earlier = |key: &String| wanted.old_properties.tags.contains_key(key);
    let tags = wanted.properties.tags.iter();
    let keys: Vec<_> = tags
        .filter(|(key, value)| there.get(*key).is_some_and(|there| there != *value) && !is_earlier(key))
        .map(|(key, _)| key.as_str())
        .collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}

/// A tag that is wanted but is there already, as somebody else's: it could not be put back.
fn colliding_tag(wanted: &Wanted, tags: &Tags) -> Option<String> {
    let wanted = wanted.properties.tags.keys();
    let there: Vec<_> = wanted.filter(|key| tags.keys().any(|t| t.to_lowercase() == key.to_lowercase())).collect();
    let list = there.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
    (!there.is_empty()).then(|| format!("it already carries {list}, which Tags would set. Take that out of Tags"))
}
