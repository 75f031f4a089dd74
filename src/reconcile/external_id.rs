//! The external id that is generated once and then kept.
//!
//! It is stored as a tag on the role *and* the policy, so that the loss of one tag does not lose it. Every Create
//! generates it, even a Create with an `ExternalId`. So a blank property always means the same value. If both tags are
//! missing, the value is lost, and the customer is asked for it: the platform does not know a new value, and would lose
//! its access.

use crate::account::Account;
use crate::hex::hex;
use crate::iam::Tags;
use crate::ownership::{EXTERNAL_ID, EXTERNAL_ID_GIVEN, LONGEST_TAG_VALUE, Owner, Resource, tag_value};
use crate::physical_id::PhysicalId;
use crate::properties::is_external_id;
use crate::reconcile::state::State;
use crate::trust;
use custom_resource::{Error, Kind, Result};
use ring::rand::{SecureRandom, SystemRandom};

/// 128 random bits in hex.
///
/// # Errors
/// [`Bug`](Kind::Bug) if the system has no randomness to give.
pub fn random() -> Result<String> {
    let mut bits = [0u8; 16];
    SystemRandom::new().fill(&mut bits).map_err(|_| {
        Error::new(Kind::Bug, "The system provided no random numbers for an external ID. Retry the stack operation.")
    })?;
    Ok(hex(&bits))
}

/// The generated external id, or `None` if it is lost. `new` is the random value of a Create; an Update has none.
pub fn generated(resource: &Resource, new: Option<&str>, observed: &State) -> Option<String> {
    // Two attempts at one Create may have tagged one object each. Nobody has been told either value yet, and the role's
    // counts. An adopted role that asks for an external id keeps it, if a tag can hold it.
    let of_create =
        |new: &str| on_role(resource, observed).or_else(|| asked_for(observed)).unwrap_or_else(|| new.to_owned());
    recorded(resource, observed).or_else(|| new.map(of_create))
}

/// What the tags of the two objects say, unless they are another resource's. The two can differ, after a retry that
/// read old state or a change by hand. Then the value counts that the trust policy asks for; if it asks for neither,
/// none does.
fn recorded(resource: &Resource, observed: &State) -> Option<String> {
    match (on_role(resource, observed), observed.policy_tags().and_then(|tags| on(resource, tags))) {
        (Some(role), Some(policy)) if role != policy => {
            let asked = trust::external_id(&observed.role.as_ref()?.about.trust)?;
            [role, policy].into_iter().find(|id| id == asked)
        }
        (role, policy) => role.or(policy),
    }
}

/// The tag [`EXTERNAL_ID_GIVEN`], from either object.
pub fn not_in_force(resource: &Resource, observed: &State) -> Option<String> {
    let all = observed.role_tags().into_iter().chain(observed.policy_tags());
    let ours = all.filter(|tags| !is_anothers(resource, tags));
    ours.filter_map(|tags| tags.get(EXTERNAL_ID_GIVEN)).next().cloned()
}

fn on_role(resource: &Resource, observed: &State) -> Option<String> {
    observed.role_tags().and_then(|tags| on(resource, tags))
}

fn asked_for(observed: &State) -> Option<String> {
    let id = trust::external_id(&observed.role.as_ref()?.about.trust)?;
    (id.len() <= LONGEST_TAG_VALUE && tag_value(id) == id && is_external_id(id)).then(|| id.to_owned())
}

fn on(resource: &Resource, tags: &Tags) -> Option<String> {
    tags.get(EXTERNAL_ID).filter(|id| is_external_id(id) && !is_anothers(resource, tags)).cloned()
}

fn is_anothers(resource: &Resource, tags: &Tags) -> bool {
    matches!(resource.owner(tags), Owner::AnotherResource { .. })
}

/// The error when the generated external id is needed and lost. While one of the two objects is not seen, it may still
/// be observed: IAM's reads lag.
pub fn lost(account: &Account, id: &PhysicalId, observed: &State) -> Error {
    let all_seen = observed.role.is_some() && observed.policy.is_some();
    let kind = if all_seen { Kind::Refused } else { Kind::LookAgain };
    Error::new(
        kind,
        format!(
            "The external ID that was generated for {} in account {} is lost: the role and the policy {} have no tag \
             {EXTERNAL_ID}, or two different values of it. Set ExternalId to the value that the Orchestera dashboard \
             has for this account, or to a new value that you also enter in the dashboard. If the stack's rollback \
             failed for the same reason, finish the rollback first: 'aws cloudformation continue-update-rollback' \
             with --resources-to-skip and this resource.",
            id.role_name, account.id, id.policy_name
        ),
    )
}
