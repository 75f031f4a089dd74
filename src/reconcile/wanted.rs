//! What is wanted under one pair of names, given what is there.

use crate::account::{Account, PLATFORM_ACCOUNT_ID};
use crate::error::Result;
use crate::hex;
use crate::iam::{POLICY_DESCRIPTION, ROLE_DESCRIPTION, Tags};
use crate::ownership::{self, Owner, Resource};
use crate::physical_id::PhysicalId;
use crate::policy;
use crate::properties::{AccessState, OldProperties, OnDelete, Properties};
use crate::reconcile::adoption::{self, Origin, PolicyBefore, RoleBefore};
use crate::reconcile::claim::Claim;
use crate::reconcile::external_id::{self, Generated};
use crate::reconcile::state::{Role, State};
use crate::trust;
use serde_json::Value;

/// What is wanted under one pair of names.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub account: Account,
    pub resource: Resource,
    pub id: PhysicalId,
    pub properties: Properties,
    /// What may be taken for ours without our tags.
    pub claim: Claim,
    /// Those before an Update; in drift detection, the present ones.
    pub old_properties: OldProperties,
    /// Where the generated external id comes from when the objects under these names do not say.
    pub generated: Generated,
}

/// An `ExternalId` in the properties of an adopted role.
#[derive(Default)]
struct GivenExternalId {
    /// Whether the trust policy is to ask for it.
    is_in_force: bool,
    /// The value of the tag [`EXTERNAL_ID_GIVEN`](ownership::EXTERNAL_ID_GIVEN).
    not_in_force: Option<String>,
}

impl Wanted {
    pub fn policy_arn(&self) -> String {
        self.account.policy_arn(&self.id.policy_name)
    }

    /// The external id that the trust is to ask for; `None` if for none.
    ///
    /// # Errors
    /// [`Refused`](crate::error::Kind::Refused), or [`LookAgain`](crate::error::Kind::LookAgain) while not both objects are
    /// seen, if it is the generated one and that is lost.
    pub fn external_id(&self, there: &State) -> Result<Option<String>> {
        if let Some(trust) = self.kept_trust(there) {
            return Ok(trust::external_id(&trust).map(str::to_owned));
        }
        match &self.properties.external_id {
            _ if !self.properties.require_external_id => Ok(None),
            Some(given) => Ok(Some(given.clone())),
            None => match external_id::generated(&self.resource, &self.generated, there) {
                Some(generated) => Ok(Some(generated)),
                None => Err(external_id::lost(&self.account, &self.id, there)),
            },
        }
    }

    pub fn is_suspended(&self) -> bool {
        self.properties.access_state == AccessState::Suspended
    }

    /// Whether a role under the name is the platform's to use: ours by its name, or one that the platform can do something
    /// with.
    pub fn is_the_platforms(&self, there: &State, role: &Role) -> bool {
        self.claim_to_role(there) == Claim::ByName
            || trust::admits(&role.about.trust, PLATFORM_ACCOUNT_ID)
            || role.has_attached(&self.policy_arn())
    }

    /// The trust that the role is to have.
    ///
    /// # Errors
    /// Those of [`Self::external_id`].
    pub fn trust(&self, there: &State) -> Result<Value> {
        // Where IAM took nothing but the Deny, that is all that suspending wants.
        let deny = trust::only_the_deny();
        if self.is_suspended() && there.role.as_ref().is_some_and(|role| policy::same(&role.about.trust, &deny)) {
            return Ok(deny);
        }
        let open = match self.kept_trust(there) {
            Some(trust) => trust,
            None => match (self.external_id(there), &there.role) {
                // To shut it, nobody has to know what it asked for: the Deny goes beside what is there.
                (Err(_), Some(role)) if self.is_suspended() => trust::with_nobody_denied(&role.about.trust),
                (external_id, _) => trust::document(&self.account, PLATFORM_ACCOUNT_ID, external_id?.as_deref()),
            },
        };
        Ok(if self.is_suspended() { trust::with_everybody_denied(&open) } else { open })
    }

    /// An adopted role keeps the trust policy that it came with until an Update gives an `ExternalId` that differs from the one
    /// before: a running platform is not cut off by a release or by drift detection.
    fn kept_trust(&self, there: &State) -> Option<Value> {
        let role = there.role.as_ref()?;
        let trust = match self.role_origin(there) {
            Origin::Created => return None,
            Origin::Adopted(Some(before)) => before.trust,
            // Without the record, what is there is the best that there is.
            Origin::Adopted(None) => trust::with_nobody_denied(&role.about.trust),
        };
        let is_the_guides = trust::is_the_guides(&trust, PLATFORM_ACCOUNT_ID);
        (is_the_guides && !self.given_external_id(there).is_in_force).then_some(trust)
    }

    /// What becomes of an `ExternalId` in the properties of an adopted role. It is not in force while the properties only have
    /// it since the role was adopted. It is in force once an Update has given it in place of another, or of none; the rollback
    /// of that Update finds by the tag what was not in force before.
    fn given_external_id(&self, there: &State) -> GivenExternalId {
        let (Some(role), Some(given)) = (&there.role, self.properties.given_external_id()) else {
            return GivenExternalId::default();
        };
        let Origin::Adopted(before) = self.role_origin(there) else { return GivenExternalId::default() };
        let old = self.old_properties.external_id.as_deref().filter(|old| *old != given);
        let is_another = self.claim == Claim::ByName && self.old_properties.external_id.as_deref() != Some(given);
        // Somebody added the condition by hand; or the tag is lost, or an older release applied the id without it.
        let asks = |trust: &Value| trust::external_id(trust) == Some(given);
        let was_added = asks(&role.about.trust) && before.is_some_and(|before| !asks(&before.trust));
        let this = hex::sha256(given);
        let remembered = external_id::not_in_force(&self.resource, there);
        let (is_in_force, not_in_force) = match remembered {
            Some(remembered) if remembered != this => (true, remembered),
            Some(_) if !was_added => (false, this),
            None if !was_added && !is_another => (false, this),
            _ => (true, hex::sha256(old.unwrap_or_default())),
        };
        GivenExternalId { is_in_force, not_in_force: Some(not_in_force) }
    }

    /// What this event may take the role for. One without our tags that we cannot have made or adopted was put under the name
    /// since ours went: the rules of a new name hold for it.
    pub fn claim_to_role(&self, there: &State) -> Claim {
        let policy_tags = there.policy.as_ref().map(|policy| &policy.about.tags);
        let is_strangers = there.role.as_ref().is_some_and(|role| {
            role.about.description != ROLE_DESCRIPTION && self.is_nobodys(adoption::ROLE, &role.about.tags, policy_tags)
        });
        if is_strangers { Claim::ByTags } else { self.claim }
    }

    /// The same for the policy.
    pub fn claim_to_policy(&self, there: &State) -> Claim {
        let role_tags = there.role.as_ref().map(|role| &role.about.tags);
        let is_strangers = there.policy.as_ref().is_some_and(|policy| {
            policy.about.description != POLICY_DESCRIPTION
                && self.is_nobodys(adoption::POLICY, &policy.about.tags, role_tags)
        });
        if is_strangers { Claim::ByTags } else { self.claim }
    }

    /// Whether neither its own tags nor those of the other object say whose an object is.
    fn is_nobodys(&self, object: &str, tags: &Tags, tags_of_the_other: Option<&Tags>) -> bool {
        self.resource.judge(tags) == Owner::Nobody && !adoption::is_marked(object, tags, tags_of_the_other)
    }

    /// How the role came to be ours, or comes to be by this plan.
    pub fn role_origin(&self, there: &State) -> Origin<RoleBefore> {
        let policy_tags = there.policy.as_ref().map(|policy| &policy.about.tags);
        match &there.role {
            None => Origin::Created,
            Some(role) if self.is_new(self.claim_to_role(there), &role.about.tags) => {
                Origin::Adopted(Some(RoleBefore::of(role, &self.id.policy_name, &self.policy_arn())))
            }
            Some(role) if adoption::is_adopted_role(role, policy_tags) => {
                Origin::Adopted(RoleBefore::read(&role.about.tags))
            }
            Some(_) => Origin::Created,
        }
    }

    /// The same for the policy.
    pub fn policy_origin(&self, there: &State) -> Origin<PolicyBefore> {
        let role_tags = there.role.as_ref().map(|role| &role.about.tags);
        match &there.policy {
            None => Origin::Created,
            Some(policy) if self.is_new(self.claim_to_policy(there), &policy.about.tags) => {
                Origin::Adopted(Some(PolicyBefore::of(policy)))
            }
            Some(policy) if adoption::is_marked(adoption::POLICY, &policy.about.tags, role_tags) => {
                Origin::Adopted(PolicyBefore::read(&policy.about.tags))
            }
            Some(_) => Origin::Created,
        }
    }

    /// Whether an object with these tags is there and nobody's: [`check`](super::claim::check) has found that it can be
    /// adopted.
    pub fn is_new(&self, claim: Claim, tags: &Tags) -> bool {
        claim == Claim::ByTags && self.resource.judge(tags) == Owner::Nobody
    }

    /// The tags that the role is to carry, and those of the policy. Others on them are not ours to judge.
    pub fn tags(&self, there: &State) -> (Tags, Tags) {
        let (role, policy) = (self.role_origin(there), self.policy_origin(there));
        let adopted: Vec<_> = [(role.is_adopted(), adoption::ROLE), (policy.is_adopted(), adoption::POLICY)]
            .into_iter()
            .filter_map(|(is_adopted, object)| is_adopted.then_some(object))
            .collect();
        let common = self.common_tags(there, &adopted.join(" "));
        let (role_record, policy_record) = (role.record(RoleBefore::tags), policy.record(PolicyBefore::tags));
        let of_one = |is_adopted: bool, claim: Claim, record: Tags| {
            let ownership = if is_adopted { ownership::ADOPTED } else { ownership::CREATED };
            let mut tags = common.clone();
            tags.extend(self.resource.tags(&self.id, ownership));
            tags.extend(record);
            if self.deletes_adopted(claim) {
                tags.insert(ownership::DELETE_ADOPTED.to_owned(), "true".to_owned());
            }
            tags
        };
        (
            of_one(role.is_adopted(), self.claim_to_role(there), role_record),
            of_one(policy.is_adopted(), self.claim_to_policy(there), policy_record),
        )
    }

    fn common_tags(&self, there: &State, adopted: &str) -> Tags {
        let mut tags = self.properties.tags.clone();
        if !adopted.is_empty() {
            tags.insert(ownership::ADOPTED_OBJECTS.to_owned(), adopted.to_owned());
        }
        let edition = self.properties.edition;
        tags.insert(ownership::POLICY_EDITION.to_owned(), edition.name.to_owned());
        tags.insert(ownership::POLICY_SHA256.to_owned(), edition.sha256().to_owned());
        if let Some(generated) = external_id::generated(&self.resource, &self.generated, there) {
            tags.insert(ownership::EXTERNAL_ID.to_owned(), ownership::tag_value(&generated));
        }
        if let Some(not_in_force) = self.given_external_id(there).not_in_force {
            tags.insert(ownership::EXTERNAL_ID_GIVEN.to_owned(), not_in_force);
        }
        tags
    }

    /// Whether a later Delete is to take the object even if it was adopted. Not before an event finds that this resource
    /// already holds its name: a Create that is undone never deletes what was there before.
    fn deletes_adopted(&self, claim: Claim) -> bool {
        claim == Claim::ByName && self.properties.on_delete == OnDelete::DeleteAll
    }
}
