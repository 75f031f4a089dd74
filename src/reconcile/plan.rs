//! What has to change: a pure function from what is wanted and what is there to a list of steps.
//!
//! If a row of `docs/semantics.md` cannot be seen here or in [`departure`](super::departure), the code is in the wrong
//! place.

use crate::error::{Error, Result};
use crate::iam::{Tags, Write};
use crate::ownership::{self, Owner};
use crate::policy;
use crate::properties::OnDelete;
use crate::reconcile::adoption::{Origin, PolicyBefore};
use crate::reconcile::claim::{self, Claim};
use crate::reconcile::state::{Policy, Role, State};
use crate::reconcile::suspension;
use crate::reconcile::wanted::Wanted;
use serde_json::Value;
use std::fmt;

/// IAM: at most five versions of a managed policy.
pub(super) const MOST_VERSIONS: usize = 5;

/// Steps in stages. Those of one stage do not depend on each other and go out at once; a stage begins when the one before it
/// has ended well.
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

/// The steps from what is there to what is wanted. Empty when nothing differs, which is also how a result is verified.
///
/// # Errors
/// [`Refused`](crate::error::Kind::Refused) if something is there that may not be touched, or the external id is lost.
pub fn plan(wanted: &Wanted, there: &State) -> Result<Plan> {
    let allowed = claim::check(wanted, there).and_then(|()| Ok((wanted.trust(there)?, new_document(wanted, there)?)));
    let (trust, new_document) = match allowed {
        Ok(allowed) => allowed,
        Err(refusal) => return emergency_stop(wanted, there, refusal),
    };
    let (role_tags, policy_tags) = wanted.tags(there);
    let role = there.role.as_ref();

    let mut plan = Plan::default();
    let policy = there.policy.as_ref();
    let role_is_new = role.is_some_and(|role| wanted.is_new(wanted.claim_to_role(there), &role.about.tags));
    let policy_is_new = policy.is_some_and(|policy| wanted.is_new(wanted.claim_to_policy(there), &policy.about.tags));
    // Which external id was not in force is remembered before another is: a rollback goes by the tag.
    let given = |tags: &Tags| tags.get(ownership::EXTERNAL_ID_GIVEN).cloned();
    let is_given_now = !wanted.is_suspended()
        && role.is_some_and(|role| given(&role_tags).is_some_and(|it| given(&role.about.tags) != Some(it)));
    let mut role_marks = role.map(|role| role_tag_steps(wanted, &role_tags, &role.about.tags)).unwrap_or_default();
    let mut policy_marks = policy.map(|p| policy_tag_steps(wanted, &policy_tags, &p.about.tags)).unwrap_or_default();
    // What is adopted is recorded and marked before anything else happens to it.
    let first = |is_first: bool, marks: &mut Vec<Write>| if is_first { std::mem::take(marks) } else { Vec::new() };
    plan.push_side_by_side(
        first(policy_is_new || is_given_now, &mut policy_marks),
        first(role_is_new || is_given_now, &mut role_marks),
    );

    let (closing, new_trust, opening) = admission_steps(wanted, role, &trust);
    plan.push(closing);
    // A limit is in force before anything wider is granted, and goes after it.
    let (limiting, unlimiting) = boundary_steps(wanted, role);
    plan.push_one_by_one(limiting);
    let policy_steps = match &there.policy {
        Some(_) => {
            // What the policy grants comes first and alone: access that both editions give is never interrupted.
            plan.push_one_by_one(new_document);
            policy_marks
        }
        None => vec![Write::CreatePolicy {
            policy_name: wanted.id.policy_name.clone(),
            document: wanted.properties.edition.document(),
            tags: policy_tags,
        }],
    };
    let role_steps = match role {
        Some(role) => {
            unlimiting.into_iter().chain(new_trust).chain(session_step(wanted, role)).chain(role_marks).collect()
        }
        None => vec![Write::CreateRole {
            role_name: wanted.id.role_name.clone(),
            trust,
            max_session_duration: wanted.properties.max_session_duration,
            permissions_boundary: wanted.properties.permissions_boundary.clone(),
            tags: role_tags,
        }],
    };
    plan.push_side_by_side(policy_steps, role_steps);
    plan.push_one_by_one(opening);
    Ok(plan)
}

/// The steps of [`document_steps`] for the policy that is there.
fn new_document(wanted: &Wanted, there: &State) -> Result<Vec<Write>> {
    let policy = there.policy.as_ref();
    let steps = policy.map(|policy| document_steps(wanted, policy, &wanted.policy_origin(there)));
    steps.unwrap_or_else(|| Ok(Vec::new()))
}

/// The kill switch does not depend on tags, which its target may change, nor on the policy: whatever else is refused, the
/// role that this resource holds is closed. On a role that another stack has marked, or that has not been recorded, only the
/// inline Deny is put. A role that is a stranger's by its description too is closed only if the platform can do something
/// with it. What was refused is still refused when nothing is left to close.
///
/// # Errors
/// The refusal, if there is nothing to close.
fn emergency_stop(wanted: &Wanted, there: &State, refusal: Error) -> Result<Plan> {
    let is_held = wanted.is_suspended() && wanted.claim == Claim::ByName;
    let Some(role) = there.role.as_ref().filter(|role| is_held && wanted.is_the_platforms(there, role)) else {
        return Err(refusal);
    };
    let is_ours = match wanted.resource.judge(&role.about.tags) {
        Owner::Us { .. } => true,
        Owner::Nobody => wanted.claim_to_role(there) == Claim::ByName,
        Owner::Another { .. } => false,
    };
    let steps = match wanted.trust(there) {
        Ok(trust) if is_ours => closing_steps(wanted, role, &trust),
        _ => Vec::from_iter(suspension::add_deny(&wanted.id.role_name, Some(role))),
    };
    if steps.is_empty() { Err(refusal) } else { Ok(Plan { stages: vec![steps] }) }
}

/// Who gets in, in three parts: the steps that close the role, before everything else; the new trust, among the others; the
/// steps that open it, after everything else, so that the limits are in force by then.
fn admission_steps(wanted: &Wanted, role: Option<&Role>, trust: &Value) -> (Vec<Write>, Option<Write>, Vec<Write>) {
    let (role_name, policy_arn) = (wanted.id.role_name.clone(), wanted.policy_arn());
    let has_policy = role.is_some_and(|role| role.has_attached(&policy_arn));
    let new_trust = role.and_then(|role| trust_step(role, role_name.clone(), trust));
    match (wanted.is_suspended(), role) {
        // It is made with a trust that admits nobody.
        (true, None) => (Vec::new(), None, Vec::from_iter(suspension::add_deny(&role_name, None))),
        (true, Some(role)) => (closing_steps(wanted, role, trust), None, Vec::new()),
        (false, role) => {
            let remove_deny = role.and_then(|role| suspension::remove_deny(&role_name, role));
            let attach = (!has_policy).then_some(Write::AttachRolePolicy { role_name, policy_arn });
            match remove_deny {
                None => (Vec::new(), new_trust, Vec::from_iter(attach)),
                Some(remove) => (Vec::new(), None, attach.into_iter().chain(new_trust).chain([remove]).collect()),
            }
        }
    }
}

/// The three locks, as far as they are open.
pub(super) fn closing_steps(wanted: &Wanted, role: &Role, trust: &Value) -> Vec<Write> {
    suspension::closing_steps(&wanted.id.role_name, role, trust, &wanted.policy_arn())
}

fn trust_step(role: &Role, role_name: String, trust: &Value) -> Option<Write> {
    (!policy::same(&role.about.trust, trust)).then(|| Write::UpdateAssumeRolePolicy { role_name, trust: trust.clone() })
}

/// A new default version if the document differs; before it, room for one. Of an adopted policy no version goes that was
/// there before it.
pub(super) fn document_steps(wanted: &Wanted, policy: &Policy, origin: &Origin<PolicyBefore>) -> Result<Vec<Write>> {
    let document = wanted.properties.edition.document();
    if policy::same(&policy.document, &document) {
        return Ok(Vec::new());
    }
    let policy_arn = wanted.policy_arn();
    let mut steps = Vec::new();
    if policy.versions.len() >= MOST_VERSIONS {
        let was_there = |version_id: &String| match origin {
            Origin::Created => false,
            Origin::Adopted(before) => before.as_ref().is_none_or(|before| before.versions.contains(version_id)),
        };
        let Some(version_id) = policy.oldest_version(|version| !version.is_default && !was_there(&version.id)) else {
            let oldest = policy.oldest_version(|version| !version.is_default).unwrap_or_default();
            return Err(Error::refused(format!(
                "The adopted policy {} in account {} cannot be changed: {}, then retry. Nothing was changed.",
                wanted.id.policy_name,
                wanted.account.id,
                claim::full(wanted, &oldest)
            )));
        };
        steps.push(Write::DeletePolicyVersion { policy_arn: policy_arn.clone(), version_id });
    }
    steps.push(Write::CreatePolicyVersion { policy_arn, document });
    Ok(steps)
}

/// The boundary, if it differs: the steps that set one, and those that remove one.
fn boundary_steps(wanted: &Wanted, role: Option<&Role>) -> (Vec<Write>, Vec<Write>) {
    let role_name = wanted.id.role_name.clone();
    let boundary = &wanted.properties.permissions_boundary;
    match boundary {
        _ if role.is_none_or(|role| role.about.permissions_boundary == *boundary) => (Vec::new(), Vec::new()),
        Some(arn) => (vec![Write::PutRolePermissionsBoundary { role_name, policy_arn: arn.clone() }], Vec::new()),
        None => (Vec::new(), vec![Write::DeleteRolePermissionsBoundary { role_name }]),
    }
}

fn session_step(wanted: &Wanted, role: &Role) -> Option<Write> {
    let max_session_duration = wanted.properties.max_session_duration;
    (role.about.max_session_duration != max_session_duration).then(|| Write::UpdateRole {
        role_name: wanted.id.role_name.clone(),
        max_session_duration,
        description: None,
    })
}

/// What has to be untagged and what tagged. What is to go goes first: IAM takes `Team` and `team` for one key, so that
/// untagging after tagging could take the new one. Under a name that is
/// new to us, nothing has a tag of earlier properties.
fn tag_changes(wanted: &Wanted, claim: Claim, tags: &Tags, there: &Tags) -> (Option<Vec<String>>, Option<Tags>) {
    // One with another value is somebody else's, or was never put: an update that failed comes back as its own rollback.
    let put = |(key, value): &(&String, &String)| claim == Claim::ByName && there.get(*key) == Some(*value);
    let earlier = wanted.old_properties.tags.iter().filter(put).map(|(key, _)| key.as_str());
    let forgotten = (wanted.properties.on_delete != OnDelete::DeleteAll).then_some(ownership::DELETE_ADOPTED);
    let stale: Vec<_> = earlier
        .chain(forgotten)
        .chain([ownership::ADOPTED_OBJECTS, ownership::EXTERNAL_ID_GIVEN])
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
    let (stale, missing) = tag_changes(wanted, wanted.claim, tags, there);
    let policy_arn = || wanted.policy_arn();
    let untag = stale.map(|keys| Write::UntagPolicy { policy_arn: policy_arn(), keys });
    untag.into_iter().chain(missing.map(|tags| Write::TagPolicy { policy_arn: policy_arn(), tags })).collect()
}

fn role_tag_steps(wanted: &Wanted, tags: &Tags, there: &Tags) -> Vec<Write> {
    let (stale, missing) = tag_changes(wanted, wanted.claim, tags, there);
    let role_name = || wanted.id.role_name.clone();
    let untag = stale.map(|keys| Write::UntagRole { role_name: role_name(), keys });
    untag.into_iter().chain(missing.map(|tags| Write::TagRole { role_name: role_name(), tags })).collect()
}

#[cfg(test)]
mod tests;
