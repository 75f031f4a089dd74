//! The kill switch: suspending the platform's access without deleting anything.
//!
//! There are three locks, and each is enough alone. The inline Deny is AWS's own way to revoke open sessions; it
//! overrides every Allow, whoever attached it. The Deny in the trust policy prevents new sessions. The detached policy
//! grants nothing. The locks are set in this order, and none waits for another. They are removed in the reverse order.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html>

use crate::iam::Write;
use crate::policy;
use crate::reconcile::state::Role;
use crate::trust;
use serde_json::{Value, json};
use std::fmt;

/// The inline policy's name.
pub const POLICY_NAME: &str = "OrchesteraSuspended";

/// Denies everything on everything.
pub fn document() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Sid": POLICY_NAME, "Effect": "Deny", "Action": "*", "Resource": "*" }],
    })
}

/// Adds the inline Deny to the role, unless the role has it.
pub fn add_deny(role_name: &str, role: Option<&Role>) -> Option<Write> {
    (!role.is_some_and(has_deny)).then(|| Write::PutRolePolicy {
        role_name: role_name.to_owned(),
        policy_name: POLICY_NAME.to_owned(),
        document: document(),
    })
}

/// Removes the inline Deny, if the role has it.
pub fn remove_deny(role_name: &str, role: &Role) -> Option<Write> {
    role.suspension
        .as_ref()
        .map(|_| Write::DeleteRolePolicy { role_name: role_name.to_owned(), policy_name: POLICY_NAME.to_owned() })
}

/// Whether the inline Deny is on the role, unchanged.
pub fn has_deny(role: &Role) -> bool {
    role.suspension.as_ref().is_some_and(|observed| policy::same(observed, &document()))
}

/// The steps for those of the three locks that are not in place. They are sent at once, so that the failure of one does
/// not stop the others. `trust` is the trust policy that closes the role.
pub fn closing_steps(role_name: &str, role: &Role, trust: &Value, policy_arn: &str) -> Vec<Write> {
    let role_name = || role_name.to_owned();
    let deny_in_trust = (!policy::same(&role.about.trust, trust))
        .then(|| Write::UpdateAssumeRolePolicy { role_name: role_name(), trust: trust.clone() });
    let detach = role
        .has_attached(policy_arn)
        .then(|| Write::DetachRolePolicy { role_name: role_name(), policy_arn: policy_arn.to_owned() });
    add_deny(&role_name(), Some(role)).into_iter().chain(deny_in_trust).chain(detach).collect()
}

/// Which of the three locks are in place. Reads as sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locks {
    policy_name: String,
    deny_on_role: bool,
    deny_in_trust: bool,
    policy_is_detached: bool,
}

impl Locks {
    pub fn of(role: &Role, policy_name: &str, policy_arn: &str) -> Self {
        Self {
            policy_name: policy_name.to_owned(),
            deny_on_role: has_deny(role),
            deny_in_trust: trust::is_closed_by_us(&role.about.trust) && !trust::is_open(&role.about.trust),
            policy_is_detached: !role.has_attached(policy_arn),
        }
    }
}

impl fmt::Display for Locks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy_name = &self.policy_name;
        let locks = [
            (
                self.deny_on_role,
                format!("the kill switch's Deny is on the role, as the inline policy {POLICY_NAME}"),
                format!("the kill switch's Deny, the inline policy {POLICY_NAME}, is not on the role"),
            ),
            (
                self.deny_in_trust,
                "the role's trust policy denies everybody".to_owned(),
                "the role's trust policy does not deny everybody".to_owned(),
            ),
            (
                self.policy_is_detached,
                format!("the policy {policy_name} is detached from the role"),
                format!("the policy {policy_name} is still attached to the role"),
            ),
        ];
        let (closed, open): (Vec<_>, Vec<_>) = locks.iter().partition(|(is_in_place, ..)| *is_in_place);
        let closed: Vec<_> = closed.into_iter().map(|(_, closed, _)| closed.as_str()).collect();
        let open: Vec<_> = open.into_iter().map(|(_, _, open)| open.as_str()).collect();
        let sentences = [("Locks in place", closed), ("Locks not in place", open)];
        let sentences = sentences.iter().filter(|(_, locks)| !locks.is_empty());
        let sentences: Vec<_> = sentences.map(|(what, locks)| format!("{what}: {}.", locks.join("; "))).collect();
        f.write_str(&sentences.join(" "))
    }
}
