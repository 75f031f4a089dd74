//! Whether the role and the policy that exist may be changed.

use crate::account::PLATFORM_ACCOUNT_ID;
use crate::iam::{MOST_VERSIONS, PolicyUser, ROLE_DESCRIPTION, Tags, has_key};
use crate::ownership::{self, Owner};
use crate::properties::OnExisting;
use crate::reconcile::adoption::{POLICY, ROLE};
use crate::reconcile::desired::{DesiredState, OwnershipProof};
use crate::reconcile::state::{Policy, Role, State};
use crate::trust;
use custom_resource::{Error, Result};

/// Refuses if the role or the policy is somebody else's. Each is checked alone, and the error names both.
///
/// # Errors
/// [`Refused`](custom_resource::Kind::Refused), with who owns the object and what to do.
pub fn check(desired: &DesiredState, observed: &State) -> Result<()> {
    let role = observed.role.as_ref().and_then(|role| {
        let (object, proof) = (Object::role(desired), desired.proof_for_role(observed));
        let is_adopted = desired.role_origin(observed).is_adopted();
        let overwrites = || tags_to_overwrite(desired, observed, &role.about.tags).filter(|_| is_adopted);
        conflict(desired, &object, proof, &role.about.tags, overwrites, || role_obstacle(desired, role))
    });
    let policy = observed.policy.as_ref().and_then(|policy| {
        let (object, proof) = (Object::policy(desired), desired.proof_for_policy(observed));
        let is_adopted = desired.policy_origin(observed).is_adopted();
        let overwrites = || tags_to_overwrite(desired, observed, &policy.about.tags).filter(|_| is_adopted);
        conflict(desired, &object, proof, &policy.about.tags, overwrites, || policy_obstacle(desired, policy))
    });
    match (role, policy) {
        (None, None) => Ok(()),
        (Some(one), None) | (None, Some(one)) => Err(Error::refused(one)),
        (Some(role), Some(policy)) => Err(Error::refused(format!("{role} {policy}"))),
    }
}

/// How a sentence names an object.
struct Object {
    /// `role` or `policy`.
    what: &'static str,
    /// Such as `The role R in account 111122223333`.
    name: String,
    /// The AWS CLI's `untag-role --role-name R`.
    untag: String,
}

impl Object {
    fn role(desired: &DesiredState) -> Self {
        let (role_name, account_id) = (&desired.id.role_name, &desired.account.id);
        Self {
            what: ROLE,
            name: format!("The {ROLE} {role_name} in account {account_id}"),
            untag: format!("untag-role --role-name {role_name}"),
        }
    }

    fn policy(desired: &DesiredState) -> Self {
        let (policy_name, account_id) = (&desired.id.policy_name, &desired.account.id);
        Self {
            what: POLICY,
            name: format!("The {POLICY} {policy_name} in account {account_id}"),
            untag: format!("untag-policy --policy-arn {}", desired.policy_arn()),
        }
    }
}

/// The sentence that refuses, or `None` if the object may be changed. `overwrites` lists the tags that an adopted object would
/// lose.
fn conflict(
    desired: &DesiredState,
    object: &Object,
    proof: OwnershipProof,
    tags: &Tags,
    overwrites: impl FnOnce() -> Option<String>,
    obstacle: impl FnOnce() -> Option<String>,
) -> Option<String> {
    let Object { what, name, untag } = object;
    match (desired.resource.owner(tags), proof) {
        (Owner::ThisResource { .. }, _) | (Owner::Nobody, OwnershipProof::PhysicalId) => {
            let list = overwrites()?;
            Some(format!(
                "{name} was adopted and had {list} before, which Tags would overwrite. Remove that from Tags, then \
                 retry. Nothing was changed."
            ))
        }
        (Owner::AnotherResource { stack_id, logical_id }, _) => {
            let keys =
                [ownership::STACK_ID, ownership::LOGICAL_ID, ownership::RESOURCE_ID, ownership::OWNERSHIP].join(" ");
            Some(format!(
                "{name} belongs to resource {logical_id} of the stack {stack_id}. An account needs this only once: \
                 use that stack, or delete it first. If that stack no longer exists, remove its tags from the {what} \
                 with 'aws iam {untag} --tag-keys {keys}', then delete the {what} and retry."
            ))
        }
        (Owner::Nobody, OwnershipProof::Tags) if desired.properties.on_existing == OnExisting::Fail => Some(format!(
            "{name} exists, this stack did not create it, and OnExisting is Fail. It was not changed. Delete it, or \
             set OnExisting to Adopt if it was created from the Orchestera guide, then retry."
        )),
        (Owner::Nobody, OwnershipProof::Tags) => {
            let obstacle = obstacle().or_else(|| colliding_tag(desired, tags))?;
            Some(format!(
                "{name} exists, this stack did not create it, and it cannot be adopted: {obstacle}, then retry. \
                 Nothing was changed. If the {what} is not the one of the Orchestera guide, or nobody needs it, \
                 delete it instead."
            ))
        }
    }
}

/// Why a role cannot be adopted, and what to do.
fn role_obstacle(desired: &DesiredState, role: &Role) -> Option<String> {
    let arn = desired.account.role_arn(&desired.id.role_name);
    if role.about.arn != arn && role.about.arn.eq_ignore_ascii_case(&arn) {
        let name = role.about.arn.rsplit('/').next().unwrap_or_default();
        return Some(format!(
            "its name is spelled {name}, and IAM treats names that differ only in case as the same. Delete it, or set RoleName \
             to {name}"
        ));
    }
    if role.about.arn != arn {
        return Some(format!(
            "its ARN {} has a path, and the guide's role has none. Delete it, or create it again without a path",
            role.about.arn
        ));
    }
    if role.about.description == ROLE_DESCRIPTION {
        return Some(format!(
            "its description says that a stack of this product created it, but its tags do not say which stack. If \
             that stack no longer exists, change the description (aws iam update-role --role-name {} --description \
             'Orchestera')",
            desired.id.role_name
        ));
    }
    (!trust::is_the_guides(&role.about.trust, PLATFORM_ACCOUNT_ID)).then(|| {
        format!(
            "its trust policy is not the guide's, which allows only account {PLATFORM_ACCOUNT_ID} to assume the role, \
             with no condition or with one external ID. Change the trust policy to exactly that"
        )
    })
}

/// Why a policy cannot be adopted, and what to do.
fn policy_obstacle(desired: &DesiredState, policy: &Policy) -> Option<String> {
    let others: Vec<_> = policy
        .users
        .iter()
        .filter(|user| **user != PolicyUser::Role(desired.id.role_name.clone()))
        .map(ToString::to_string)
        .collect();
    if !others.is_empty() {
        return Some(format!("it is also used by {}. Detach it there", others.join(", ")));
    }
    if policy.versions.len() < MOST_VERSIONS {
        return None;
    }
    let oldest = policy.oldest_version(|version| !version.is_default)?;
    Some(full(desired, &oldest))
}

/// What to do about a policy that has no room for another version.
pub(super) fn full(desired: &DesiredState, version_id: &str) -> String {
    format!(
        "it has {MOST_VERSIONS} versions, which is IAM's limit, so no version can be added. Delete a version that \
         nobody needs; the oldest one that is not the default version is {version_id} (aws iam delete-policy-version \
         --policy-arn {} --version-id {version_id})",
        desired.policy_arn()
    )
}

/// Keys of desired tags that an adopted object had before it was adopted, or that somebody has put on it since. `None` if
/// there are none.
fn tags_to_overwrite(desired: &DesiredState, state: &State, tags: &Tags) -> Option<String> {
    // An attempt at this very event has put them there.
    if state.tags_digest(tags) == Some(&ownership::digest_of_tags(&desired.properties.tags)) {
        return None;
    }
    let old_tags = desired.old_tags(state, tags);
    let is_ours = |key: &&String| old_tags.is_some_and(|tags| has_key(tags, key));
    present_keys(&desired.properties.tags, tags, |key| !is_ours(key))
}

/// Desired tags whose keys the object already has. The former values could not be restored.
fn colliding_tag(desired: &DesiredState, tags: &Tags) -> Option<String> {
    let list = present_keys(&desired.properties.tags, tags, |_| true)?;
    Some(format!("it already has {list}, which Tags would overwrite. Remove that from Tags"))
}

fn present_keys(desired: &Tags, observed: &Tags, counts: impl Fn(&&String) -> bool) -> Option<String> {
    let keys = desired.keys().filter(|key| has_key(observed, key)).filter(counts);
    let keys: Vec<_> = keys.map(String::as_str).collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}
