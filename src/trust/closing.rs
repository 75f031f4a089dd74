//! Closing a role: the Deny in its trust policy, and whether anybody can still assume the role.

use crate::trust::statement::{
    ASSUME_ACTIONS, concerns, is_allow, is_deny, is_no_condition, is_unique_id, names_everybody, statements, texts,
    with_statements,
};
use serde_json::{Value, json};

/// `Sid` of our Deny. By it the Deny of an older release is recognised too, which listed fewer actions.
pub const SUSPENDED_SID: &str = "OrchesteraSuspended";

/// IAM: characters of a trust policy, white space not counted. The quota can be raised to 4096, which is not relied on.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const LONGEST: usize = 2048;

/// A trust policy that holds nothing but our Deny: nobody can assume the role, whatever the platform's own policies allow.
pub fn only_the_deny() -> Value {
    // A file of this repository that a test reads.
    serde_json::from_str(include_str!("../../policies/trust-suspended.json")).unwrap_or_default()
}

/// The same trust policy with a Deny for everybody *beside* what it holds, so that nothing is lost by it. Principals that IAM
/// would refuse, because they have been deleted, are left out, and statements that only name such ones. Where there is no
/// room for it, [`only_the_deny`].
pub fn with_everybody_denied(trust: &Value) -> Value {
    let closed = only_the_deny();
    let others = statements(trust).filter(|statement| !has_our_sid(statement) || !is_deny(statement));
    let mut all: Vec<_> = others.filter_map(without_deleted_principals).map(without_our_sid).collect();
    all.extend(statements(&closed).cloned());
    Some(with_statements(trust, all)).filter(fits).unwrap_or(closed)
}

/// The trust policy without the statement that [`with_everybody_denied`] adds.
pub fn with_nobody_denied(trust: &Value) -> Value {
    let others = statements(trust).filter(|statement| !has_our_sid(statement) || !is_deny(statement));
    with_statements(trust, others.cloned().collect())
}

/// Whether IAM's quota has room for the document.
pub fn fits(trust: &Value) -> bool {
    trust.to_string().chars().count() <= LONGEST
}

/// Whether our Deny is in the trust policy, for everybody and without a condition.
pub fn is_closed_by_us(trust: &Value) -> bool {
    statements(trust).any(is_our_deny)
}

/// Whether anybody at all can assume the role: some Allow, for whomever, that our Deny does not override.
pub fn is_open(trust: &Value) -> bool {
    ASSUME_ACTIONS.iter().any(|action| {
        let is_allowed = statements(trust).any(|statement| is_allow(statement) && concerns(statement, action));
        is_allowed && !statements(trust).any(|statement| is_our_deny(statement) && concerns(statement, action))
    })
}

/// Whether a statement denies an action to everybody, without a condition.
pub fn denies_everybody(statement: &Value, action: &str) -> bool {
    is_deny(statement)
        && is_no_condition(&statement["Condition"])
        && names_everybody(&statement["Principal"])
        && concerns(statement, action)
}

/// The statement without the principals that have been deleted; `None` if no principal is left.
pub fn without_deleted_principals(statement: &Value) -> Option<Value> {
    let mut kept = statement.clone();
    let Some(kinds) = kept.get_mut("Principal").and_then(Value::as_object_mut) else { return Some(kept) };
    let principals = texts(kinds.get("AWS").unwrap_or_default());
    let (deleted, left): (Vec<_>, Vec<_>) = principals.into_iter().partition(|principal| is_unique_id(principal));
    if deleted.is_empty() {
        return Some(kept);
    }
    let left = (!left.is_empty()).then(|| json!(left));
    match left {
        Some(left) => drop(kinds.insert("AWS".to_owned(), left)),
        None => drop(kinds.remove("AWS")),
    }
    (!kinds.is_empty()).then_some(kept)
}

fn is_our_deny(statement: &Value) -> bool {
    has_our_sid(statement) && ASSUME_ACTIONS.iter().any(|action| denies_everybody(statement, action))
}

fn has_our_sid(statement: &Value) -> bool {
    statement["Sid"] == SUSPENDED_SID
}

/// IAM wants each `Sid` once, and ours is for the Deny.
fn without_our_sid(mut statement: Value) -> Value {
    if has_our_sid(&statement)
        && let Some(parts) = statement.as_object_mut()
    {
        parts.remove("Sid");
    }
    statement
}
