//! What differs from what is wanted, field by field, and which of it may be put right without asking.
//!
//! A check runs by itself, between the updates of a stack. It must not undo what a person did on purpose, so that it only
//! ever *narrows*: it takes away what lets more in than is wanted, and never makes, attaches or opens anything. Whatever it
//! leaves is put right by the next Update.

use crate::account::PLATFORM_ACCOUNT_ID;
use crate::error::Result;
use crate::iam::{Iam, Tags, Write};
use crate::ownership::{DELETE_ADOPTED, PREFIX};
use crate::policy;
use crate::properties::{DriftMode, OldProperties, Properties};
use crate::reconcile::apply::Made;
use crate::reconcile::plan::{self, Plan};
use crate::reconcile::state::{Expected, Policy, Role, Sight, State};
use crate::reconcile::wanted::Wanted;
use crate::reconcile::{Reconciler, claim, suspension};
use crate::trust;
use serde_json::{Value, json};

/// One field that is not as it is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Such as `role.trust`.
    pub field: &'static str,
    pub wanted: Value,
    pub found: Value,
    pub repaired: bool,
}

impl<I: Iam> Reconciler<'_, I> {
    /// Compares, repairs if the mode says so, and tells every difference that was there.
    ///
    /// # Errors
    /// Those of reading and writing, with a sentence; [`Refused`](crate::error::Kind::Refused) for properties that are not valid.
    pub async fn check_drift(&self, properties: &Value, mode: DriftMode) -> Result<Vec<Difference>> {
        let properties = Properties::parse(properties)?;
        let old_properties = OldProperties::from(&properties);
        let wanted = self.wanted(properties, old_properties);
        let there = self.look(&wanted.id, Sight::Convergence, &Expected::first_version()).await?;
        let mut found = differences(&wanted, &there);
        if mode == DriftMode::Repair && !narrowing(&wanted, &there, Refused::Nothing).is_empty() {
            let narrow = async |refused| {
                let sight = (Sight::Convergence, Expected::first_version());
                let plan = |there: &State| Ok(narrowing(&wanted, there, refused));
                self.settle(&wanted.id, sight, &Made::default(), plan).await
            };
            let settled = match narrow(Refused::Nothing).await {
                Err(error) if error.is("MalformedPolicyDocument") => narrow(Refused::TrustPolicy).await?,
                settled => settled?,
            };
            let left = differences(&wanted, &settled.there);
            for difference in &mut found {
                difference.repaired = !left.iter().any(|left| left.field == difference.field);
            }
        }
        Ok(found)
    }
}

/// Every field that is not as wanted.
pub fn differences(wanted: &Wanted, there: &State) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut differs = |field, wanted: Value, found: Value| {
        if wanted != found {
            all.push(Difference { field, wanted, found, repaired: false });
        }
    };
    if let Err(refusal) = claim::check(wanted, there) {
        differs("owner", json!(wanted.resource.stack_id), json!(refusal.reason()));
    }
    // What a later Delete may take is remembered by the next Update; its absence is no drift.
    let (mut role_tags, mut policy_tags) = wanted.tags(there);
    for tags in [&mut role_tags, &mut policy_tags] {
        tags.remove(DELETE_ADOPTED);
    }
    match &there.role {
        None => differs("role", json!(wanted.id.role_name), Value::Null),
        Some(role) => {
            match wanted.trust(there) {
                Ok(trust) if policy::same(&role.about.trust, &trust) => {}
                Ok(trust) => differs("role.trust", trust, role.about.trust.clone()),
                Err(lost) => differs("role.externalId", Value::Null, json!(lost.reason())),
            }
            let (properties, about) = (&wanted.properties, &role.about);
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
            differs("role.attachment", json!(!wanted.is_suspended()), json!(role.has_attached(&wanted.policy_arn())));
            let lock = wanted.is_suspended().then(suspension::document);
            differs("role.suspension", json!(lock), json!(role.suspension));
            differs("role.foreignPolicies", json!([]), json!(role.foreign_policies(&wanted.policy_arn())));
            differs("role.tags", json!(role_tags), json!(shown(&role_tags, &about.tags)));
        }
    }
    match &there.policy {
        None => differs("policy", json!(wanted.id.policy_name), Value::Null),
        Some(policy) => {
            let edition = wanted.properties.edition;
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

/// Of the tags that are there, those that matter: ours, and the ones that are wanted.
fn shown(wanted: &Tags, there: &Tags) -> Tags {
    there
        .iter()
        .filter(|(key, _)| *key != DELETE_ADOPTED && (key.starts_with(PREFIX) || wanted.contains_key(*key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// What IAM has refused to write in this check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Nothing,
    /// The narrowed trust policy: only the Deny is left to write.
    TrustPolicy,
}

/// The steps that take away what is too much, and no other.
pub fn narrowing(wanted: &Wanted, there: &State, refused: Refused) -> Plan {
    let mut plan = Plan::default();
    let (Some(role), Ok(()), Ok(trust)) = (&there.role, claim::check(wanted, there), wanted.trust(there)) else {
        return plan;
    };
    // What somebody else put under the names is for the next update to record and adopt.
    let policy_is_new =
        there.policy.as_ref().is_some_and(|policy| wanted.is_new(wanted.claim_to_policy(there), &policy.about.tags));
    if policy_is_new || wanted.is_new(wanted.claim_to_role(there), &role.about.tags) {
        return plan;
    }
    if wanted.is_suspended() {
        plan.push(plan::closing_steps(wanted, role, &trust));
    } else {
        plan.push_one_by_one(trust_step(wanted, role, &trust, refused).into_iter().collect());
    }
    plan.push_one_by_one(limit_steps(wanted, role));
    if let Some(policy) = &there.policy {
        plan.push_one_by_one(document_steps(wanted, policy, there));
    }
    plan
}

fn trust_step(wanted: &Wanted, role: &Role, trust: &Value, refused: Refused) -> Option<Write> {
    let narrowed = trust::narrowed(&role.about.trust, trust, PLATFORM_ACCOUNT_ID)?;
    let narrowed = if refused == Refused::TrustPolicy { trust::only_the_deny() } else { narrowed };
    Some(Write::UpdateAssumeRolePolicy { role_name: wanted.id.role_name.clone(), trust: narrowed })
}

/// A boundary where there is none, and a shorter session. Another boundary may be somebody's brake.
fn limit_steps(wanted: &Wanted, role: &Role) -> Vec<Write> {
    let role_name = || wanted.id.role_name.clone();
    let (boundary, max_session_duration) =
        (&wanted.properties.permissions_boundary, wanted.properties.max_session_duration);
    let boundary = boundary.clone().filter(|_| role.about.permissions_boundary.is_none());
    let boundary = boundary.map(|policy_arn| Write::PutRolePermissionsBoundary { role_name: role_name(), policy_arn });
    let session = (role.about.max_session_duration > max_session_duration).then(|| Write::UpdateRole {
        role_name: role_name(),
        max_session_duration,
        description: None,
    });
    boundary.into_iter().chain(session).collect()
}

/// The edition, if what is in force grants all of it and more. Less may be on purpose.
fn document_steps(wanted: &Wanted, policy: &Policy, there: &State) -> Vec<Write> {
    if !policy::covers(&policy.document, &wanted.properties.edition.document()) {
        return Vec::new();
    }
    plan::document_steps(wanted, policy, &wanted.policy_origin(there)).unwrap_or_default()
}
