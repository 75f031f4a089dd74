//! What has to change: a pure function from what is wanted and what is there to a list of steps.
//!
//! If a row of `docs/semantics.md` cannot be seen here or in [`departure`](super::departure), the code is in the wrong
//! place.

use crate::account::Account;
use crate::error::Result;
use crate::iam::{Tags, Write};
use crate::ownership::{self, Resource};
use crate::physical_id::PhysicalId;
use crate::policy;
use crate::properties::{AccessState, OnDelete, Properties};
use crate::reconcile::claim::{self, Claim};
use crate::reconcile::external_id::{self, Generated};
use crate::reconcile::state::{Policy, Role, State};
use crate::reconcile::suspension;
use crate::trust;
use serde_json::Value;
use std::fmt;

/// IAM: at most five versions of a managed policy.
const MOST_VERSIONS: usize = 5;

/// Steps in stages. Those of one stage are about different objects and go out at once; a stage begins when the one before
/// it has ended well.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub stages: Vec<Vec<Write>>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    pub fn steps(&self) -> impl Iterator<Item = &Write> {
        self.stages.iter().flatten()
    }

    /// Each step a stage of its own.
    pub fn push_one_by_one(&mut self, steps: Vec<Write>) {
        self.stages.extend(steps.into_iter().map(|step| vec![step]));
    }

    pub fn push(&mut self, stage: Vec<Write>) {
        if !stage.is_empty() {
            self.stages.push(stage);
        }
    }

    /// Two sequences that do not touch each other, side by side.
    pub fn push_side_by_side(&mut self, left: Vec<Write>, right: Vec<Write>) {
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        loop {
            let stage: Vec<_> = left.next().into_iter().chain(right.next()).collect();
            if stage.is_empty() {
                return;
            }
            self.push(stage);
        }
    }
}

impl fmt::Display for Plan {
    /// Stages are separated by `; `, the steps of one by ` | `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to do");
        }
        let stage = |steps: &Vec<Write>| steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
        f.write_str(&self.stages.iter().map(stage).collect::<Vec<_>>().join("; "))
    }
}

/// What is wanted under one pair of names.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub account: Account,
    pub resource: Resource,
    pub id: PhysicalId,
    pub properties: Properties,
    /// What may be taken for ours without our tags.
    pub role_claim: Claim,
    pub policy_claim: Claim,
    /// Keys of the customer's tags in earlier properties: those that are not wanted any more are untagged.
    pub earlier_tag_keys: Vec<String>,
    /// Where the generated external id comes from when the objects under these names do not say.
    pub generated: Generated,
    /// Whether a later Delete is to take adopted objects too. Never at Create, so that a Create that rolls back cannot
    /// delete what was there before.
    pub remember_delete_all: bool,
}

impl Wanted {
    pub fn policy_arn(&self) -> String {
        self.account.policy_arn(&self.id.policy_name)
    }

    /// The external id that the trust is to ask for; `None` if for none.
    ///
    /// # Errors
    /// [`Refused`](crate::error::Kind::Refused) if it is the generated one and that is lost.
    pub fn external_id(&self, there: &State) -> Result<Option<String>> {
        match &self.properties.external_id {
            _ if !self.properties.require_external_id => Ok(None),
            Some(given) => Ok(Some(given.clone())),
            None => match external_id::generated(&self.generated, there) {
                Some(generated) => Ok(Some(generated)),
                None => Err(external_id::lost(&self.account, &self.id)),
            },
        }
    }

    fn is_suspended(&self) -> bool {
        self.properties.access_state == AccessState::Suspended
    }

    /// The trust that the role is to have.
    ///
    /// # Errors
    /// Those of [`Self::external_id`].
    fn trust(&self, there: &State) -> Result<Value> {
        let external_id = self.external_id(there)?;
        let open = trust::document(&self.account, &self.properties.platform_account_id, external_id.as_deref());
        Ok(if self.is_suspended() { trust::with_everybody_denied(&open) } else { open })
    }

    /// The tags that both objects are to carry. Others on them are not ours to judge.
    fn tags(&self, there: &State) -> Tags {
        let mut tags = self.properties.tags.clone();
        tags.extend(self.resource.tags(&self.id));
        let edition = self.properties.edition;
        tags.insert(ownership::POLICY_EDITION.to_owned(), edition.name.to_owned());
        tags.insert(ownership::POLICY_SHA256.to_owned(), policy::sha256(&edition.document()));
        if let Some(generated) = external_id::generated(&self.generated, there) {
            tags.insert(ownership::EXTERNAL_ID.to_owned(), ownership::tag_value(&generated));
        }
        if self.deletes_adopted() {
            tags.insert(ownership::DELETE_ADOPTED.to_owned(), "true".to_owned());
        }
        tags
    }

    fn deletes_adopted(&self) -> bool {
        self.remember_delete_all && self.properties.on_delete == OnDelete::DeleteAll
    }
}

/// The steps from what is there to what is wanted. Empty when nothing differs, which is also how a result is verified.
///
/// # Errors
/// [`Refused`](crate::error::Kind::Refused) if something is there that may not be touched, or the external id is lost.
pub fn plan(wanted: &Wanted, there: &State) -> Result<Plan> {
    claim::check(wanted, there)?;
    let trust = wanted.trust(there)?;
    let tags = wanted.tags(there);
    let role = there.role.as_ref();

    let mut plan = Plan::default();
    let (shutting, new_trust, opening) = admission_steps(wanted, role, &trust);
    plan.push_one_by_one(shutting);
    let policy_steps = match &there.policy {
        Some(policy) => {
            // What the policy grants comes first and alone: access that both editions give is never interrupted.
            plan.push_one_by_one(document_steps(wanted, policy));
            policy_tag_steps(wanted, &tags, &policy.about.tags)
        }
        None => vec![Write::CreatePolicy {
            policy_name: wanted.id.policy_name.clone(),
            document: wanted.properties.edition.document(),
            tags: tags.clone(),
        }],
    };
    let role_steps = match role {
        Some(role) => role_steps(wanted, role, new_trust, &tags),
        None => vec![Write::CreateRole {
            role_name: wanted.id.role_name.clone(),
            trust,
            max_session_duration: wanted.properties.max_session_duration,
            permissions_boundary: wanted.properties.permissions_boundary.clone(),
            tags,
        }],
    };
    plan.push_side_by_side(policy_steps, role_steps);
    plan.push_one_by_one(opening);
    Ok(plan)
}

/// Who gets in, in three parts: the steps that shut the role, before everything else; the new trust, among the others; the
/// steps that open it, after everything else, so that the limits are in force by then.
fn admission_steps(wanted: &Wanted, role: Option<&Role>, trust: &Value) -> (Vec<Write>, Option<Write>, Vec<Write>) {
    let (role_name, policy_arn) = (wanted.id.role_name.clone(), wanted.policy_arn());
    let has_policy = role.is_some_and(|role| role.has_attached(&policy_arn));
    let new_trust = role
        .filter(|role| !policy::same(&role.about.trust, trust))
        .map(|_| Write::UpdateAssumeRolePolicy { role_name: role_name.clone(), trust: trust.clone() });
    let denial = suspension::denial(wanted, role);
    match (wanted.is_suspended(), role) {
        // It is made with a trust that admits nobody.
        (true, None) => (Vec::new(), None, Vec::from_iter(denial)),
        (true, Some(_)) => {
            let detach = has_policy.then_some(Write::DetachRolePolicy { role_name, policy_arn });
            (denial.into_iter().chain(new_trust).chain(detach).collect(), None, Vec::new())
        }
        (false, role) => {
            let attach = (!has_policy).then_some(Write::AttachRolePolicy { role_name, policy_arn });
            match role.and_then(|role| suspension::pardon(wanted, role)) {
                None => (Vec::new(), new_trust, Vec::from_iter(attach)),
                Some(pardon) => (Vec::new(), None, attach.into_iter().chain(new_trust).chain([pardon]).collect()),
            }
        }
    }
}

/// A new default version if the document differs; before it, room for one.
fn document_steps(wanted: &Wanted, policy: &Policy) -> Vec<Write> {
    let document = wanted.properties.edition.document();
    if policy::same(&policy.document, &document) {
        return Vec::new();
    }
    let policy_arn = wanted.policy_arn();
    let mut steps = Vec::new();
    if policy.versions.len() >= MOST_VERSIONS {
        let oldest =
            policy.versions.iter().filter(|version| !version.is_default).min_by_key(|version| version.number());
        steps.extend(oldest.map(|version| Write::DeletePolicyVersion {
            policy_arn: policy_arn.clone(),
            version_id: version.id.clone(),
        }));
    }
    steps.push(Write::CreatePolicyVersion { policy_arn, document });
    steps
}

/// Everything about an existing role but its attachments.
fn role_steps(wanted: &Wanted, role: &Role, new_trust: Option<Write>, tags: &Tags) -> Vec<Write> {
    let role_name = || wanted.id.role_name.clone();
    let mut steps = Vec::new();
    let boundary = &wanted.properties.permissions_boundary;
    if role.about.permissions_boundary != *boundary {
        steps.push(match boundary {
            Some(arn) => Write::PutRolePermissionsBoundary { role_name: role_name(), policy_arn: arn.clone() },
            None => Write::DeleteRolePermissionsBoundary { role_name: role_name() },
        });
    }
    steps.extend(new_trust);
    let max_session_duration = wanted.properties.max_session_duration;
    if role.about.max_session_duration != max_session_duration {
        steps.push(Write::UpdateRole { role_name: role_name(), max_session_duration });
    }
    steps.extend(role_tag_steps(wanted, tags, &role.about.tags));
    steps
}

/// What has to be untagged and what tagged. What is to go goes first: IAM takes `Team` and `team` for one key, so that
/// untagging after tagging could take the new one.
fn tag_changes(wanted: &Wanted, tags: &Tags, there: &Tags) -> (Option<Vec<String>>, Option<Tags>) {
    let earlier = wanted.earlier_tag_keys.iter().map(String::as_str);
    let forgotten = (!wanted.deletes_adopted()).then_some(ownership::DELETE_ADOPTED);
    let stale: Vec<_> = earlier
        .chain(forgotten)
        .filter(|key| there.contains_key(*key) && !tags.contains_key(*key))
        .map(str::to_owned)
        .collect();
    let missing: Tags = tags
        .iter()
        .filter(|(key, value)| there.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    ((!stale.is_empty()).then_some(stale), (!missing.is_empty()).then_some(missing))
}

fn policy_tag_steps(wanted: &Wanted, tags: &Tags, there: &Tags) -> Vec<Write> {
    let (stale, missing) = tag_changes(wanted, tags, there);
    let policy_arn = || wanted.policy_arn();
    let untag = stale.map(|keys| Write::UntagPolicy { policy_arn: policy_arn(), keys });
    untag.into_iter().chain(missing.map(|tags| Write::TagPolicy { policy_arn: policy_arn(), tags })).collect()
}

fn role_tag_steps(wanted: &Wanted, tags: &Tags, there: &Tags) -> Vec<Write> {
    let (stale, missing) = tag_changes(wanted, tags, there);
    let role_name = || wanted.id.role_name.clone();
    let untag = stale.map(|keys| Write::UntagRole { role_name: role_name(), keys });
    untag.into_iter().chain(missing.map(|tags| Write::TagRole { role_name: role_name(), tags })).collect()
}

#[cfg(test)]
mod tests;
