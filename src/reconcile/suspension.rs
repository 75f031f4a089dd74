//! The kill switch: shutting the platform out without deleting anything, and letting it in again.
//!
//! Three locks, each of which holds alone. The inline Deny is AWS's own way to revoke sessions that are open, and stands
//! above every Allow, whoever attached it. The Deny in the trust keeps new sessions from being opened. The policy is
//! detached, so that nothing is granted either. They close in this order, the one that works at once first, and open in the
//! reverse order. <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html>

use crate::iam::Write;
use crate::policy;
use crate::reconcile::state::Role;
use crate::reconcile::wanted::Wanted;
use serde_json::{Value, json};

/// The inline policy's name.
pub const POLICY_NAME: &str = "OrchesteraSuspended";

/// Denies everything on everything.
pub fn document() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Sid": POLICY_NAME, "Effect": "Deny", "Action": "*", "Resource": "*" }],
    })
}

/// The inline Deny, unless it is there.
pub fn denial(wanted: &Wanted, role: Option<&Role>) -> Option<Write> {
    let there = role.and_then(|role| role.suspension.as_ref()).is_some_and(|there| policy::same(there, &document()));
    (!there).then(|| Write::PutRolePolicy {
        role_name: wanted.id.role_name.clone(),
        policy_name: POLICY_NAME.to_owned(),
        document: document(),
    })
}

/// Its removal, if it is there.
pub fn pardon(wanted: &Wanted, role: &Role) -> Option<Write> {
    role.suspension.as_ref().map(|_| Write::DeleteRolePolicy {
        role_name: wanted.id.role_name.clone(),
        policy_name: POLICY_NAME.to_owned(),
    })
}
