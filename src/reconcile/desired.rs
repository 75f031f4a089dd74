//! The desired state of one role and one policy, and what it means for the state that was observed.

use crate::account::{Account, PLATFORM_ACCOUNT_ID};
use crate::hex;
use crate::iam::{POLICY_DESCRIPTION, ROLE_DESCRIPTION, Tags};
use crate::member::MemberRole;
use crate::ownership::{self, Owner, Resource};
use crate::physical_id::PhysicalId;
use crate::policy;
use crate::properties::{AccessState, OldProperties, OnDelete, Properties};
use crate::reconcile::adoption::{self, Origin, PolicyBefore, RoleBefore};
use crate::reconcile::external_id;
use crate::reconcile::state::{Role, State};
use crate::trust;
use custom_resource::Result;
use serde_json::Value;

/// What a Create, an Update or a drift check wants to find.
#[derive(Clone, Debug)]
pub struct DesiredState {
    pub account: Account,
    /// The role to assume in that account; `None` in the function's own account.
    pub member_role: Option<MemberRole>,
    pub resource: Resource,
    pub id: PhysicalId,
    pub properties: Properties,
    pub change: Change,
}

/// Whether the resource is new.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The resource does not own the names yet. `external_id` is a new random value, for the case that no object has
    /// one.
    Create { external_id: String },
    /// The physical id in the event proves that the resource owns the names.
    Update { old_properties: OldProperties },
}

/// What proves that this resource owns an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnershipProof {
    /// The tags alone. An object without them must be adopted.
    Tags,
    /// The physical id in the event: the tags may be lost.
    PhysicalId,
}

/// An `ExternalId` in the properties of an adopted role.
#[derive(Default)]
struct GivenExternalId {
    /// Whether the trust policy is to ask for it.
    is_in_force: bool,
    /// The value of the tag [`EXTERNAL_ID_GIVEN`](ownership::EXTERNAL_ID_GIVEN).
    not_in_force: Option<String>,
}

impl DesiredState {
    pub fn policy_arn(&self) -> String {
        self.account.policy_arn(&self.id.policy_name)
    }

    /// The external id that the trust policy is to require; `None` if it is to require none.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused), or [`LookAgain`](custom_resource::Kind::LookAgain) while not both objects
    /// were found, if the generated value is needed and lost.
    pub fn external_id(&self, observed: &State) -> Result<Option<String>> {
        if let Some(trust) = self.kept_trust(observed) {
            return Ok(trust::external_id(&trust).map(str::to_owned));
        }
        match &self.properties.external_id {
            _ if !self.properties.require_external_id => Ok(None),
            Some(given) => Ok(Some(given.clone())),
            None => match self.generated_external_id(observed) {
                Some(generated) => Ok(Some(generated)),
                None => Err(external_id::lost(&self.account, &self.id, observed)),
            },
        }
    }

    fn generated_external_id(&self, observed: &State) -> Option<String> {
        let new = match &self.change {
            Change::Create { external_id } => Some(external_id.as_str()),
            Change::Update { .. } => None,
        };
        external_id::generated(&self.resource, new, observed)
    }

    /// The customer's tags before an Update, if it was this resource that put them on the object with the tags `tags`.
    pub fn old_tags(&self, observed: &State, tags: &Tags) -> Option<&Tags> {
        match &self.change {
            Change::Create { .. } => None,
            Change::Update { old_properties } => {
                let digest = observed.tags_digest(tags);
                Some(&old_properties.tags).filter(|tags| ownership::can_have_put(tags, digest))
            }
        }
    }

    /// What proves ownership in this event.
    fn proof(&self) -> OwnershipProof {
        match self.change {
            Change::Create { .. } => OwnershipProof::Tags,
            Change::Update { .. } => OwnershipProof::PhysicalId,
        }
    }

    pub fn is_suspended(&self) -> bool {
        self.properties.access_state == AccessState::Suspended
    }

    /// Whether the kill switch is meant for a role with this name: this resource owns it, or the platform can assume it
    /// or has its policy on it.
    pub fn is_the_platforms(&self, observed: &State, role: &Role) -> bool {
        self.proof_for_role(observed) == OwnershipProof::PhysicalId
            || trust::admits(&role.about.trust, PLATFORM_ACCOUNT_ID)
            || role.has_attached(&self.policy_arn())
    }

    /// The trust policy that the role is to have.
    ///
    /// # Errors
    /// Those of [`Self::external_id`].
    pub fn trust(&self, observed: &State) -> Result<Value> {
        // Where IAM accepted nothing but the Deny, the Deny alone is what suspending wants.
        let deny = trust::only_the_deny();
        if self.is_suspended() && observed.role.as_ref().is_some_and(|role| policy::same(&role.about.trust, &deny)) {
            return Ok(deny);
        }
        let open = match self.kept_trust(observed) {
            Some(trust) => trust,
            None => match (self.external_id(observed), &observed.role) {
                // To suspend, the external id need not be known: the Deny is added beside the present statements.
                (Err(_), Some(role)) if self.is_suspended() => trust::with_nobody_denied(&role.about.trust),
                (external_id, _) => trust::document(&self.account, PLATFORM_ACCOUNT_ID, external_id?.as_deref()),
            },
        };
        Ok(if self.is_suspended() { trust::with_everybody_denied(&open) } else { open })
    }

    /// An adopted role keeps the trust policy that it had until an Update gives an `ExternalId` that differs from the
    /// one before. So neither a release nor drift detection cuts off a running platform.
    fn kept_trust(&self, observed: &State) -> Option<Value> {
        let role = observed.role.as_ref()?;
        let trust = match self.role_origin(observed) {
            Origin::Created => return None,
            Origin::Adopted(Some(before)) => before.trust,
            // Without a record, the present trust policy is kept.
            Origin::Adopted(None) => trust::with_nobody_denied(&role.about.trust),
        };
        let is_the_guides = trust::is_the_guides(&trust, PLATFORM_ACCOUNT_ID);
        (is_the_guides && !self.given_external_id(observed).is_in_force).then_some(trust)
    }

    /// Whether an `ExternalId` in the properties of an adopted role is in force. It is not while the properties have
    /// had it since the role was adopted. It is once an Update gives it in place of another, or of none. The tag tells
    /// the rollback of that Update what was not in force before.
    fn given_external_id(&self, observed: &State) -> GivenExternalId {
        let (Some(role), Some(given)) = (&observed.role, self.properties.given_external_id()) else {
            return GivenExternalId::default();
        };
        let Origin::Adopted(before) = self.role_origin(observed) else { return GivenExternalId::default() };
        let (old, is_another) = match &self.change {
            Change::Create { .. } => (None, false),
            Change::Update { old_properties } => {
                let old = old_properties.external_id.as_deref().filter(|old| *old != given);
                (old, old_properties.external_id.as_deref() != Some(given))
            }
        };
        // The condition was added by hand, or the tag is lost, or an older release applied the id without the tag.
        let asks = |trust: &Value| trust::external_id(trust) == Some(given);
        let was_added = asks(&role.about.trust) && before.is_some_and(|before| !asks(&before.trust));
        let this = hex::sha256(given);
        let remembered = external_id::not_in_force(&self.resource, observed);
        let (is_in_force, not_in_force) = match remembered {
            Some(remembered) if remembered != this => (true, remembered),
            Some(_) if !was_added => (false, this),
            None if !was_added && !is_another => (false, this),
            _ => (true, hex::sha256(old.unwrap_or_default())),
        };
        GivenExternalId { is_in_force, not_in_force: Some(not_in_force) }
    }

    /// What proves that this resource owns the role. A role without our tags that we can neither have created nor
    /// adopted was created by somebody else after ours was deleted. The rules of a Create hold for it.
    pub fn proof_for_role(&self, observed: &State) -> OwnershipProof {
        let policy_tags = observed.policy_tags();
        let is_strangers = observed.role.as_ref().is_some_and(|role| {
            role.about.description != ROLE_DESCRIPTION && self.is_nobodys(adoption::ROLE, &role.about.tags, policy_tags)
        });
        if is_strangers { OwnershipProof::Tags } else { self.proof() }
    }

    /// The same for the policy.
    pub fn proof_for_policy(&self, observed: &State) -> OwnershipProof {
        let role_tags = observed.role_tags();
        let is_strangers = observed.policy.as_ref().is_some_and(|policy| {
            policy.about.description != POLICY_DESCRIPTION
                && self.is_nobodys(adoption::POLICY, &policy.about.tags, role_tags)
        });
        if is_strangers { OwnershipProof::Tags } else { self.proof() }
    }

    /// Whether neither an object's own tags nor those of the other object name an owner.
    fn is_nobodys(&self, object: &str, tags: &Tags, tags_of_the_other: Option<&Tags>) -> bool {
        self.resource.owner(tags) == Owner::Nobody && !adoption::is_marked(object, tags, tags_of_the_other)
    }

    /// How this resource came to own the role, or will by this plan.
    pub fn role_origin(&self, observed: &State) -> Origin<RoleBefore> {
        let policy_tags = observed.policy_tags();
        match &observed.role {
            None => Origin::Created,
            Some(role) if self.is_new(self.proof_for_role(observed), &role.about.tags) => {
                Origin::Adopted(Some(RoleBefore::of(role, &self.id.policy_name, &self.policy_arn())))
            }
            Some(role) if adoption::is_adopted_role(role, policy_tags) => {
                Origin::Adopted(RoleBefore::read(&role.about.tags))
            }
            Some(_) => Origin::Created,
        }
    }

    /// The same for the policy.
    pub fn policy_origin(&self, observed: &State) -> Origin<PolicyBefore> {
        let role_tags = observed.role_tags();
        match &observed.policy {
            None => Origin::Created,
            Some(policy) if self.is_new(self.proof_for_policy(observed), &policy.about.tags) => {
                Origin::Adopted(Some(PolicyBefore::of(policy)))
            }
            Some(policy) if adoption::is_marked(adoption::POLICY, &policy.about.tags, role_tags) => {
                Origin::Adopted(PolicyBefore::read(&policy.about.tags))
            }
            Some(_) => Origin::Created,
        }
    }

    /// Whether an object with these tags has no owner and is about to be adopted.
    /// [`conflict::check`](super::conflict::check) has found that it can be.
    pub fn is_new(&self, proof: OwnershipProof, tags: &Tags) -> bool {
        proof == OwnershipProof::Tags && self.resource.owner(tags) == Owner::Nobody
    }

    /// The tags that the role is to have, and those of the policy. Other tags on them do not matter.
    pub fn tags(&self, observed: &State) -> (Tags, Tags) {
        let (role, policy) = (self.role_origin(observed), self.policy_origin(observed));
        let adopted: Vec<_> = [(role.is_adopted(), adoption::ROLE), (policy.is_adopted(), adoption::POLICY)]
            .into_iter()
            .filter_map(|(is_adopted, object)| is_adopted.then_some(object))
            .collect();
        let common = self.common_tags(observed, &adopted.join(" "));
        let (role_record, policy_record) = (role.record(RoleBefore::tags), policy.record(PolicyBefore::tags));
        let of_one = |is_adopted: bool, record: Tags| {
            let ownership = if is_adopted { ownership::ADOPTED } else { ownership::CREATED };
            let mut tags = common.clone();
            tags.extend(self.resource.tags(&self.id, ownership));
            tags.extend(record);
            if self.deletes_adopted() {
                tags.insert(ownership::DELETE_ADOPTED.to_owned(), "true".to_owned());
            }
            tags
        };
        (of_one(role.is_adopted(), role_record), of_one(policy.is_adopted(), policy_record))
    }

    fn common_tags(&self, observed: &State, adopted: &str) -> Tags {
        let mut tags = self.properties.tags.clone();
        if !adopted.is_empty() {
            tags.insert(ownership::ADOPTED_OBJECTS.to_owned(), adopted.to_owned());
            let digest = ownership::digest_of_tags(&self.properties.tags);
            tags.insert(ownership::TAGS_SHA256.to_owned(), digest);
        }
        let edition = self.properties.edition;
        tags.insert(ownership::POLICY_EDITION.to_owned(), edition.name.to_owned());
        tags.insert(ownership::POLICY_SHA256.to_owned(), edition.sha256().to_owned());
        if let Some(generated) = self.generated_external_id(observed) {
            tags.insert(ownership::EXTERNAL_ID.to_owned(), ownership::tag_value(&generated));
        }
        if let Some(not_in_force) = self.given_external_id(observed).not_in_force {
            tags.insert(ownership::EXTERNAL_ID_GIVEN.to_owned(), not_in_force);
        }
        tags
    }

    /// Whether a later Delete is to delete an object even if it was adopted. A Create never asks for that: if it is
    /// undone, what existed before must remain. An Update does, also for what it adopts itself.
    fn deletes_adopted(&self) -> bool {
        self.proof() == OwnershipProof::PhysicalId && self.properties.on_delete == OnDelete::DeleteAll
    }
}
