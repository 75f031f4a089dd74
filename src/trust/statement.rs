//! Reading the statements of a trust policy: what may be one value or a list, written in any case, with wildcards.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use crate::policy;
use custom_resource::function_arn::is_account_id;
use serde_json::{Value, json};

/// The actions that open a session of a role. The others that a trust policy may hold (`sts:TagSession`,
/// `sts:SetSourceIdentity`, `sts:SetContext`) only accompany one of these.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html>
pub const ASSUME_ACTIONS: [&str; 3] = [ASSUME_ROLE, "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];

/// The action of the platform.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The statements of a document, which may hold one of them or a list.
pub fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
    .iter()
}

/// The document with other statements; its version and its id stay.
pub fn with_statements(document: &Value, statements: Vec<Value>) -> Value {
    let mut other = match document {
        Value::Object(parts) => Value::Object(parts.clone()),
        _ => json!({ "Version": "2012-10-17" }),
    };
    other["Statement"] = statements.into();
    other
}

pub fn is_allow(statement: &Value) -> bool {
    statement["Effect"] == "Allow"
}

pub fn is_deny(statement: &Value) -> bool {
    statement["Effect"] == "Deny"
}

/// The texts in a value that may be one text or a list of them.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether the statement is about an action, by `Action` or by `NotAction`.
pub fn concerns(statement: &Value, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let names = |patterns: &Value| {
        texts(patterns).into_iter().any(|pattern| policy::matches(&pattern.to_ascii_lowercase(), &action))
    };
    match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), _) => names(actions),
        (None, Some(excluded)) => !names(excluded),
        (None, None) => false,
    }
}

/// Whether a `Principal` is everybody.
pub fn names_everybody(principal: &Value) -> bool {
    principal == "*" || texts(&principal["AWS"]).contains(&"*")
}

/// Whether a statement is about somebody in the account, or about all of it. (IAM takes no `NotPrincipal` in a trust policy.)
pub fn is_about_account(statement: &Value, account_id: &str) -> bool {
    let principal = &statement["Principal"];
    names_everybody(principal) || texts(&principal["AWS"]).into_iter().any(|one| is_of_account(one, account_id))
}

/// A whole account, by the ARN of its root or by its bare id.
pub fn is_whole_account(principal: &str, account_id: &str) -> bool {
    principal == account_id
        || matches!(principal.split(':').collect::<Vec<_>>()[..], ["arn", _, "iam", "", id, "root"] if id == account_id)
}

/// An account, or somebody in it.
pub fn is_of_account(principal: &str, account_id: &str) -> bool {
    principal.split(':').nth(4).unwrap_or(principal) == account_id
}

/// The unique id by which IAM shows a user or role that has been deleted, such as `AROA…`. It refuses every document in which
/// it stands.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles>
pub fn is_unique_id(principal: &str) -> bool {
    !principal.is_empty()
        && !is_account_id(principal)
        && principal.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Where no condition is chosen the console writes an empty one.
pub fn is_no_condition(condition: &Value) -> bool {
    condition.is_null() || condition.as_object().is_some_and(|operators| operators.is_empty())
}
