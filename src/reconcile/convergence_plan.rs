//! The plan of a Create or an Update: a pure function from the desired and the observed state to a list of steps.
//!
//! If a row of `docs/semantics.md` cannot be found here or in [`removal_plan`](super::removal_plan), the code is in the
//! wrong place.

use crate::iam::{MOST_VERSIONS, Tags, Write};
use crate::ownership::{self, Owner};
use crate::policy;
use crate::properties::OnDelete;
use crate::reconcile::adoption::{Origin, PolicyBefore};
use crate::reconcile::desired::{Change, DesiredState, OwnershipProof};
use crate::reconcile::plan::Plan;
use crate::reconcile::state::{Policy, Role, State};
use crate::reconcile::{conflict, suspension};
use custom_resource::{Error, Result};
use serde_json::Value;

/// The steps from the observed to the desired state. Empty when nothing differs, which is also how a result is
/// verified.
///
/// # Errors
/// [`Refused`](custom_resource::Kind::Refused) if an object may not be changed, or the external id is lost.
pub fn plan(desired: &DesiredState, observed: &State) -> Result<Plan> {
    let allowed = conflict::check(desired, observed)
        .and_then(|()| Ok((desired.trust(observed)?, new_document(desired, observed)?)));
    let (trust, new_document) = match allowed {
        Ok(allowed) => allowed,
        Err(refusal) => return suspend_although_refused(desired, observed, refusal),
    };
    let (role_tags, policy_tags) = desired.tags(observed);
    let role = observed.role.as_ref();

    let mut plan = Plan::default();
    let policy = observed.policy.as_ref();
    let role_is_new = role.is_some_and(|role| desired.is_new(desired.proof_for_role(observed), &role.about.tags));
    let policy_is_new =
        policy.is_some_and(|policy| desired.is_new(desired.proof_for_policy(observed), &policy.about.tags));
    // The tag says which external id was not in force, and the rollback reads it. So it is written before another id is
    // applied.
    let given = |tags: &Tags| tags.get(ownership::EXTERNAL_ID_GIVEN).cloned();
    let is_given_now = !desired.is_suspended()
        && role.is_some_and(|role| given(&role_tags).is_some_and(|it| given(&role.about.tags) != Some(it)));
    // Whatever the properties had before, an object that is about to be adopted has not got it from them.
    let old_tags = |is_new: bool, tags| desired.old_tags(observed, tags).filter(|_| !is_new);
    let mut role_tagging = role
        .map(|Role { about, .. }| role_tag_steps(desired, old_tags(role_is_new, &about.tags), &role_tags, &about.tags))
        .unwrap_or_default();
    let mut policy_tagging = policy
        .map(|Policy { about, .. }| {
            policy_tag_steps(desired, old_tags(policy_is_new, &about.tags), &policy_tags, &about.tags)
        })
        .unwrap_or_default();
    let mut create_policy = Vec::from_iter(policy.is_none().then(|| Write::CreatePolicy {
        policy_name: desired.id.policy_name.clone(),
        document: desired.properties.edition.document(),
        tags: policy_tags,
    }));
    let mut create_role = Vec::from_iter(role.is_none().then(|| Write::CreateRole {
        role_name: desired.id.role_name.clone(),
        trust: trust.clone(),
        max_session_duration: desired.properties.max_session_duration,
        permissions_boundary: desired.properties.permissions_boundary.clone(),
        tags: role_tags,
    }));
    // An old read may not show an object of somebody else. Its creation fails then, before anything was adopted.
    if policy_is_new {
        plan.push(std::mem::take(&mut create_role));
    }
    if role_is_new {
        plan.push(std::mem::take(&mut create_policy));
    }
    // An adopted object is recorded and tagged before anything else changes on it.
    let first = |is_first: bool, steps: &mut Vec<Write>| if is_first { std::mem::take(steps) } else { Vec::new() };
    plan.push_side_by_side(
        first(policy_is_new || is_given_now, &mut policy_tagging),
        first(role_is_new || is_given_now, &mut role_tagging),
    );

    let (closing, new_trust, opening) = access_steps(desired, role, &trust);
    plan.push(closing);
    // A permissions boundary is set before anything wider is granted, and deleted after the rest.
    let (set_boundary, delete_boundary) = boundary_steps(desired, role);
    plan.push_one_by_one(set_boundary);
    let policy_steps = match &observed.policy {
        Some(_) => {
            // The new policy version comes first and alone, so that access that both editions give is never
            // interrupted.
            plan.push_one_by_one(new_document);
            policy_tagging
        }
        None => create_policy,
    };
    let role_steps = match role {
        Some(role) => delete_boundary
            .into_iter()
            .chain(new_trust)
            .chain(session_step(desired, role))
            .chain(role_tagging)
            .collect(),
        None => create_role,
    };
    plan.push_side_by_side(policy_steps, role_steps);
    plan.push_one_by_one(opening);
    Ok(plan)
}

/// The steps of [`document_steps`], if the policy exists.
fn new_document(desired: &DesiredState, observed: &State) -> Result<Vec<Write>> {
    let policy = observed.policy.as_ref();
    let steps = policy.map(|policy| document_steps(desired, policy, &desired.policy_origin(observed)));
    steps.unwrap_or_else(|| Ok(Vec::new()))
}

/// The kill switch depends neither on tags, which the platform may change, nor on the policy. Whatever else is refused,
/// the role of this resource is suspended. A role that another stack has tagged, or that has not been recorded, gets
/// the inline Deny alone. A role that somebody else created is suspended only if the platform can use it.
///
/// # Errors
/// The refusal, once there is nothing left to suspend.
fn suspend_although_refused(desired: &DesiredState, observed: &State, refusal: Error) -> Result<Plan> {
    let is_owned = desired.is_suspended() && matches!(desired.change, Change::Update { .. });
    let Some(role) = observed.role.as_ref().filter(|role| is_owned && desired.is_the_platforms(observed, role)) else {
        return Err(refusal);
    };
    let is_ours = match desired.resource.owner(&role.about.tags) {
        Owner::ThisResource { .. } => true,
        Owner::Nobody => desired.proof_for_role(observed) == OwnershipProof::PhysicalId,
        Owner::AnotherResource { .. } => false,
    };
    let steps = match desired.trust(observed) {
        Ok(trust) if is_ours => closing_steps(desired, role, &trust),
        _ => Vec::from_iter(suspension::add_deny(&desired.id.role_name, Some(role))),
    };
    if steps.is_empty() { Err(refusal) } else { Ok(Plan { stages: vec![steps] }) }
}

/// Who may assume the role, in three parts: the steps that close the role, before everything else; the new trust
/// policy, among the others; the steps that open the role, after everything else, so that boundary and session duration
/// are set by then.
fn access_steps(desired: &DesiredState, role: Option<&Role>, trust: &Value) -> (Vec<Write>, Option<Write>, Vec<Write>) {
    let (role_name, policy_arn) = (desired.id.role_name.clone(), desired.policy_arn());
    let has_policy = role.is_some_and(|role| role.has_attached(&policy_arn));
    let new_trust = role.and_then(|role| trust_step(role, role_name.clone(), trust));
    match (desired.is_suspended(), role) {
        // The role is created with a trust policy that lets nobody assume it.
        (true, None) => (Vec::new(), None, Vec::from_iter(suspension::add_deny(&role_name, None))),
        (true, Some(role)) => (closing_steps(desired, role, trust), None, Vec::new()),
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

/// The steps for those of the three locks that are not in place.
pub(super) fn closing_steps(desired: &DesiredState, role: &Role, trust: &Value) -> Vec<Write> {
    suspension::closing_steps(&desired.id.role_name, role, trust, &desired.policy_arn())
}

fn trust_step(role: &Role, role_name: String, trust: &Value) -> Option<Write> {
    (!policy::same(&role.about.trust, trust)).then(|| Write::UpdateAssumeRolePolicy { role_name, trust: trust.clone() })
}

/// A new default version if the document differs. Before it, the oldest version is deleted if there is no room. A
/// version that an adopted policy had before is never deleted.
pub(super) fn document_steps(
    desired: &DesiredState,
    policy: &Policy,
    origin: &Origin<PolicyBefore>,
) -> Result<Vec<Write>> {
    let document = desired.properties.edition.document();
    if policy::same(&policy.document, &document) {
        return Ok(Vec::new());
    }
    let policy_arn = desired.policy_arn();
    let mut steps = Vec::new();
    if policy.versions.len() >= MOST_VERSIONS {
        let existed_before = |version_id: &String| match origin {
            Origin::Created => false,
            Origin::Adopted(before) => before.as_ref().is_none_or(|before| before.versions.contains(version_id)),
        };
        let Some(version_id) = policy.oldest_version(|version| !version.is_default && !existed_before(&version.id))
        else {
            let oldest = policy.oldest_version(|version| !version.is_default).unwrap_or_default();
            return Err(Error::refused(format!(
                "The adopted policy {} in account {} cannot be changed: {}, then retry. Nothing was changed.",
                desired.id.policy_name,
                desired.account.id,
                conflict::full(desired, &oldest)
            )));
        };
        steps.push(Write::DeletePolicyVersion { policy_arn: policy_arn.clone(), version_id });
    }
    steps.push(Write::CreatePolicyVersion { policy_arn, document });
    Ok(steps)
}

/// The permissions boundary, if it differs: the steps that set one, and those that delete it.
fn boundary_steps(desired: &DesiredState, role: Option<&Role>) -> (Vec<Write>, Vec<Write>) {
    let role_name = desired.id.role_name.clone();
    let boundary = &desired.properties.permissions_boundary;
    match boundary {
        _ if role.is_none_or(|role| role.about.permissions_boundary == *boundary) => (Vec::new(), Vec::new()),
        Some(arn) => (vec![Write::PutRolePermissionsBoundary { role_name, policy_arn: arn.clone() }], Vec::new()),
        None => (Vec::new(), vec![Write::DeleteRolePermissionsBoundary { role_name }]),
    }
}

fn session_step(desired: &DesiredState, role: &Role) -> Option<Write> {
    let max_session_duration = desired.properties.max_session_duration;
    (role.about.max_session_duration != max_session_duration).then(|| Write::UpdateRole {
        role_name: desired.id.role_name.clone(),
        max_session_duration,
        description: None,
    })
}

/// The keys to untag and the tags to set. Untagging comes first: IAM treats `Team` and `team` as one key, so that
/// untagging afterwards could remove the new tag.
fn tag_changes(
    desired: &DesiredState,
    old_tags: Option<&Tags>,
    tags: &Tags,
    observed: &Tags,
) -> (Option<Vec<String>>, Option<Tags>) {
    // A tag with another value is somebody else's, or was never set: the rollback of an update that failed before it
    // set tags.
    let is_set = |(key, value): &(&String, &String)| observed.get(*key) == Some(*value);
    let earlier = old_tags.into_iter().flatten().filter(is_set).map(|(key, _)| key.as_str());
    let forgotten = (desired.properties.on_delete != OnDelete::DeleteAll).then_some(ownership::DELETE_ADOPTED);
    let stale: Vec<_> = earlier
        .chain(forgotten)
        .chain([ownership::ADOPTED_OBJECTS, ownership::EXTERNAL_ID_GIVEN, ownership::TAGS_SHA256])
        .filter(|key| observed.contains_key(*key) && !tags.contains_key(*key))
        .map(str::to_owned)
        .collect();
    let missing: Tags = tags
        .iter()
        .filter(|(key, value)| observed.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    ((!stale.is_empty()).then_some(stale), (!missing.is_empty()).then_some(missing))
}

fn policy_tag_steps(desired: &DesiredState, old_tags: Option<&Tags>, tags: &Tags, observed: &Tags) -> Vec<Write> {
    let (stale, missing) = tag_changes(desired, old_tags, tags, observed);
    let policy_arn = || desired.policy_arn();
    let untag = stale.map(|keys| Write::UntagPolicy { policy_arn: policy_arn(), keys });
    untag.into_iter().chain(missing.map(|tags| Write::TagPolicy { policy_arn: policy_arn(), tags })).collect()
}

fn role_tag_steps(desired: &DesiredState, old_tags: Option<&Tags>, tags: &Tags, observed: &Tags) -> Vec<Write> {
    let (stale, missing) = tag_changes(desired, old_tags, tags, observed);
    let role_name = || desired.id.role_name.clone();
    let untag = stale.map(|keys| Write::UntagRole { role_name: role_name(), keys });
    untag.into_iter().chain(missing.map(|tags| Write::TagRole { role_name: role_name(), tags })).collect()
}

#[cfg(test)]
mod tests;
