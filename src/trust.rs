//! Trust policies: who may assume the role. `policies/trust.json` is the only place where that is written; what differs from
//! role to role is put in as values, never by pasting text.

use crate::account::Account;
use serde_json::{Value, json};

/// `Sid` of the statement that shuts everybody out.
pub const SUSPENDED_SID: &str = "OrchesteraSuspended";

/// The guide's trust: the platform's account, and, unless `external_id` is `None`, only with that external id.
pub fn document(account: &Account, platform_account_id: &str, external_id: Option<&str>) -> Value {
    // A file of this repository that tests read, so that it is always JSON with one such statement.
    let mut trust: Value = serde_json::from_str(include_str!("../policies/trust.json")).unwrap_or_default();
    let statement = &mut trust["Statement"][0];
    statement["Principal"]["AWS"] = account.root_arn(platform_account_id).into();
    if let Some(external_id) = external_id {
        statement["Condition"]["StringEquals"]["sts:ExternalId"] = external_id.into();
    } else if let Some(parts) = statement.as_object_mut() {
        parts.remove("Condition");
    }
    trust
}

/// The same trust with a Deny for every principal *beside* what it holds, so that nothing is lost by it.
pub fn with_everybody_denied(trust: &Value) -> Value {
    let mut statements: Vec<_> = statements(trust).cloned().collect();
    statements.push(json!({
        "Sid": SUSPENDED_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sts:AssumeRole",
    }));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The trust without the statement that [`with_everybody_denied`] adds.
pub fn with_nobody_denied(trust: &Value) -> Value {
    let statements: Vec<_> = statements(trust).filter(|statement| statement["Sid"] != SUSPENDED_SID).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Whether the platform's account, or anything in it, may assume the role as things stand: an Allow names it and no
/// unconditional Deny names everybody.
pub fn admits(trust: &Value, platform_account_id: &str) -> bool {
    allows(trust, |principal| names(principal, |one| is_of_account(one, platform_account_id))) && !is_shut(trust)
}

/// The same for anybody in an account that is not `account_id`, the role's own.
pub fn admits_another_account(trust: &Value, account_id: &str) -> bool {
    allows(trust, |principal| names(principal, |one| !is_of_account(one, account_id))) && !is_shut(trust)
}

fn allows(trust: &Value, whom: impl Fn(&Value) -> bool) -> bool {
    statements(trust).any(|statement| statement["Effect"] == "Allow" && whom(&statement["Principal"]))
}

fn is_shut(trust: &Value) -> bool {
    statements(trust).any(|s| {
        s["Effect"] == "Deny"
            && is_no_condition(&s["Condition"])
            && names_everybody(&s["Principal"])
            && assumes(&s["Action"])
    })
}

/// Whether the trust is recognisably the guide's: the platform's account and nobody else may assume the role, with one
/// external id or without a condition. IAM stores the root ARN for a bare account id; both are taken.
pub fn is_the_guides(trust: &Value, platform_account_id: &str) -> bool {
    let mut statements = statements(trust);
    let (Some(statement), None) = (statements.next(), statements.next()) else { return false };
    statement["Effect"] == "Allow"
        && texts(&statement["Principal"]["AWS"]).len() == 1
        && is_only_about_assuming(statement, |principal| is_whole_account(principal, platform_account_id))
        && is_no_condition_or_external_id(&statement["Condition"])
}

/// Whether a statement is about `sts:AssumeRole` and nothing else, for AWS principals of whom each `is_meant`, without any
/// part that is not judged here.
fn is_only_about_assuming(statement: &Value, is_meant: impl Fn(&str) -> bool) -> bool {
    let judged = ["Sid", "Effect", "Principal", "Action", "Condition"];
    let principals = texts(&statement["Principal"]["AWS"]);
    statement.as_object().is_some_and(|parts| parts.keys().all(|key| judged.contains(&key.as_str())))
        && statement["Principal"].as_object().is_some_and(|kinds| kinds.len() == 1)
        && !principals.is_empty()
        && principals.into_iter().all(is_meant)
        && matches!(texts(&statement["Action"])[..], [action] if action.eq_ignore_ascii_case("sts:AssumeRole"))
}

fn is_no_condition_or_external_id(condition: &Value) -> bool {
    let only = |value: &Value, key: &str| value.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(key));
    is_no_condition(condition)
        || only(condition, "StringEquals")
            && only(&condition["StringEquals"], "sts:ExternalId")
            && texts(&condition["StringEquals"]["sts:ExternalId"]).len() == 1
}

/// Where no condition is chosen the console writes an empty one.
fn is_no_condition(condition: &Value) -> bool {
    condition.is_null() || condition.as_object().is_some_and(|operators| operators.is_empty())
}

/// The trust without whatever lets more in than `wanted`, which has one Allow; `None` if nothing does. Nobody comes in by it
/// who could not before: where nothing is left of what is wanted, everybody is denied.
pub fn narrowed(trust: &Value, wanted: &Value, platform_account_id: &str) -> Option<Value> {
    let is_allow = |statement: &Value| statement["Effect"] == "Allow";
    let wanted_allow = statements(wanted).find(|statement| is_allow(statement))?;
    let (mut kept, extra): (Vec<_>, Vec<_>) = statements(trust)
        .partition(|statement| !is_allow(statement) || is_within(statement, wanted_allow, platform_account_id));
    if extra.is_empty() {
        return None;
    }
    // The same without the condition, or for others too: what is wanted is a part of it.
    let is_wider = |statement: &&Value| {
        is_no_condition(&statement["Condition"])
            && names(&statement["Principal"], |one| is_whole_account(one, platform_account_id))
            && assumes(&statement["Action"])
    };
    if !kept.iter().any(|statement| is_allow(statement)) && extra.iter().any(is_wider) {
        kept.push(wanted_allow);
    }
    Some(match kept[..] {
        [] => with_everybody_denied(wanted),
        _ => json!({ "Version": "2012-10-17", "Statement": kept }),
    })
}

/// Whether a statement lets in nobody but whom `wanted` does: the platform's account or somebody in it, to assume the role,
/// under the same condition or more.
fn is_within(statement: &Value, wanted: &Value, platform_account_id: &str) -> bool {
    is_only_about_assuming(statement, |principal| is_of_account(principal, platform_account_id))
        && asked(wanted).is_none_or(|external_id| asked(statement) == Some(external_id))
}

/// The external id that the trust asks for, if one statement asks for exactly one.
pub fn external_id(trust: &Value) -> Option<&str> {
    statements(trust).find_map(asked)
}

/// The same of one statement.
fn asked(statement: &Value) -> Option<&str> {
    match texts(&statement["Condition"]["StringEquals"]["sts:ExternalId"])[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// A policy document may hold one statement or a list of them.
fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
    .iter()
}

/// Texts in a value that may be one text or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn names_everybody(principal: &Value) -> bool {
    principal == "*" || texts(&principal["AWS"]).contains(&"*")
}

fn names(principal: &Value, is_meant: impl Fn(&str) -> bool) -> bool {
    names_everybody(principal) || texts(&principal["AWS"]).into_iter().any(is_meant)
}

/// A whole account, by the ARN of its root or by its bare id.
fn is_whole_account(principal: &str, account_id: &str) -> bool {
    principal == account_id
        || matches!(principal.split(':').collect::<Vec<_>>()[..], ["arn", _, "iam", "", id, "root"] if id == account_id)
}

/// An account, or somebody in it.
fn is_of_account(principal: &str, account_id: &str) -> bool {
    account_of(principal) == account_id
}

/// The account of a principal: its own, or the id that it is.
fn account_of(principal: &str) -> &str {
    principal.split(':').nth(4).unwrap_or(principal)
}

fn assumes(action: &Value) -> bool {
    texts(action).iter().any(|a| ["sts:assumerole", "sts:*", "*"].contains(&a.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests;
