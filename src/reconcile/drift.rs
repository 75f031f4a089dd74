//! Drift: the differences between the observed and the desired state, field by field, and the plan that repairs some of
//! them.
//!
//! A drift check runs by itself, between the updates of a stack. It must not undo what a person did on purpose. So it
//! only ever *narrows*: it removes access that is not desired, and never creates, attaches or opens anything. The next
//! Update corrects the rest.

use crate::account::PLATFORM_ACCOUNT_ID;
use crate::iam::{Tags, Write};
use crate::ownership::{DELETE_ADOPTED, PREFIX};
use crate::policy;
use crate::reconcile::desired::DesiredState;
use crate::reconcile::plan::Plan;
use crate::reconcile::state::{Policy, Role, State};
use crate::reconcile::{conflict, convergence_plan, suspension};
use crate::trust;
use serde_json::{Value, json};

/// One field that is not as desired.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Such as `role.trust`.
    pub field: &'static str,
    pub desired: Value,
    pub found: Value,
    pub repaired: bool,
}

/// Every field that is not as desired. None is repaired yet.
pub fn differences(desired: &DesiredState, observed: &State) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut differs = |field, desired: Value, found: Value| {
        if desired != found {
            all.push(Difference { field, desired, found, repaired: false });
        }
    };
    if let Err(refusal) = conflict::check(desired, observed) {
        differs("owner", json!(desired.resource.stack_id), json!(refusal.reason()));
    }
    // The next Update adds the tag that lets a Delete delete adopted objects. Its absence is no drift.
    let (mut role_tags, mut policy_tags) = desired.tags(observed);
    for tags in [&mut role_tags, &mut policy_tags] {
        tags.remove(DELETE_ADOPTED);
    }
    match &observed.role {
        None => differs("role", json!(desired.id.role_name), Value::Null),
        Some(role) => {
            match desired.trust(observed) {
                Ok(trust) if policy::same(&role.about.trust, &trust) => {}
                Ok(trust) => differs("role.trust", trust, role.about.trust.clone()),
                Err(lost) => differs("role.externalId", Value::Null, json!(lost.reason())),
            }
            let (properties, about) = (&desired.properties, &role.about);
            differs(
                "role.maxSessionDuration",
                properties.max_session_duration.into(),
                about.max_session_duration.into(),
            );
            differs(
                "role.permissionsBoundary",
                json!(properties.permissions_boundary),
                json!(about.permissions_boundary),
            );
            differs("role.attachment", json!(!desired.is_suspended()), json!(role.has_attached(&desired.policy_arn())));
            let lock = desired.is_suspended().then(suspension::document);
            differs("role.suspension", json!(lock), json!(role.suspension));
            differs("role.foreignPolicies", json!([]), json!(role.foreign_policies(&desired.policy_arn())));
            differs("role.tags", json!(role_tags), json!(shown(&role_tags, &about.tags)));
        }
    }
    match &observed.policy {
        None => differs("policy", json!(desired.id.policy_name), Value::Null),
        Some(policy) => {
            let edition = desired.properties.edition;
            let document = edition.document();
            if !policy::same(&policy.document, &document) {
                let (added, removed) = policy::difference(&document, &policy.document);
                let found = json!({
                    "version": policy.about.default_version_id, "sha256": policy::sha256(&policy.document),
                    "added": added, "removed": removed,
                });
                differs("policy.document", json!({"edition": edition.name, "sha256": edition.sha256()}), found);
            }
            differs("policy.tags", json!(policy_tags), json!(shown(&policy_tags, &policy.about.tags)));
        }
    }
    all
}

/// The observed tags that matter: ours, and those that are desired.
fn shown(desired: &Tags, observed: &Tags) -> Tags {
    observed
        .iter()
        .filter(|(key, _)| *key != DELETE_ADOPTED && (key.starts_with(PREFIX) || desired.contains_key(*key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// How the trust policy is narrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustRepair {
    /// Each Allow is cut to the part that is desired.
    Cut,
    /// The Deny alone is written, after IAM has refused the cut document.
    DenyAlone,
}

/// The steps that remove access that is not desired, and no others.
pub fn narrowing(desired: &DesiredState, observed: &State, repair: TrustRepair) -> Plan {
    let mut plan = Plan::default();
    let (Some(role), Ok(()), Ok(trust)) = (&observed.role, conflict::check(desired, observed), desired.trust(observed))
    else {
        return plan;
    };
    // What somebody else created under the names is for the next Update to record and adopt.
    let policy_is_new = observed
        .policy
        .as_ref()
        .is_some_and(|policy| desired.is_new(desired.proof_for_policy(observed), &policy.about.tags));
    if policy_is_new || desired.is_new(desired.proof_for_role(observed), &role.about.tags) {
        return plan;
    }
    if desired.is_suspended() {
        plan.push(convergence_plan::closing_steps(desired, role, &trust));
    } else {
        plan.push_one_by_one(trust_step(desired, role, &trust, repair).into_iter().collect());
    }
    plan.push_one_by_one(limit_steps(desired, role));
    if let Some(policy) = &observed.policy {
        plan.push_one_by_one(document_steps(desired, policy, observed));
    }
    plan
}

fn trust_step(desired: &DesiredState, role: &Role, trust: &Value, repair: TrustRepair) -> Option<Write> {
    let narrowed = trust::narrowed(&role.about.trust, trust, PLATFORM_ACCOUNT_ID)?;
    let narrowed = if repair == TrustRepair::DenyAlone { trust::only_the_deny() } else { narrowed };
    Some(Write::UpdateAssumeRolePolicy { role_name: desired.id.role_name.clone(), trust: narrowed })
}

/// A permissions boundary if there is none, and a shorter session. Another boundary may be somebody's own limit.
fn limit_steps(desired: &DesiredState, role: &Role) -> Vec<Write> {
    let role_name = || desired.id.role_name.clone();
    let (boundary, max_session_duration) =
        (&desired.properties.permissions_boundary, desired.properties.max_session_duration);
    let boundary = boundary.clone().filter(|_| role.about.permissions_boundary.is_none());
    let boundary = boundary.map(|policy_arn| Write::PutRolePermissionsBoundary { role_name: role_name(), policy_arn });
    let session = (role.about.max_session_duration > max_session_duration).then(|| Write::UpdateRole {
        role_name: role_name(),
        max_session_duration,
        description: None,
    });
    boundary.into_iter().chain(session).collect()
}

/// The edition, if the default version grants all of it and more. Less may be on purpose.
fn document_steps(desired: &DesiredState, policy: &Policy, observed: &State) -> Vec<Write> {
    if !policy::covers(&policy.document, &desired.properties.edition.document()) {
        return Vec::new();
    }
    convergence_plan::document_steps(desired, policy, &desired.policy_origin(observed)).unwrap_or_default()
}
