//! Who can assume a role, as IAM decides it: an evaluator of trust policies that knows nothing of the one under test.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use super::by_hand::PLATFORM;
use super::fake_iam::ACCOUNT;
use serde_json::Value;

pub const STRANGER: &str = "444455556666";
pub const EXTERNAL_ID: &str = "abc";

/// A call that opens a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub action: &'static str,
    pub caller: Caller,
    pub external_id: Option<String>,
    pub from_inside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Caller {
    /// A role of that account, by its name.
    Role(&'static str, &'static str),
    Service(&'static str),
    /// Somebody whom a provider vouches for, by the provider's ARN.
    Federated(&'static str),
}

pub const OIDC: &str = "arn:aws:iam::111122223333:oidc-provider/token.example.com";
pub const SAML: &str = "arn:aws:iam::111122223333:saml-provider/people";

/// Everybody who may come: each way in, with each external id, from inside and outside of a network.
pub fn calls() -> Vec<Call> {
    calls_with(&[EXTERNAL_ID, "ABC", "abcd", "other"])
}

fn calls_with(external_ids: &[&str]) -> Vec<Call> {
    let callers = [
        ("sts:AssumeRole", Caller::Role(PLATFORM, "x")),
        ("sts:AssumeRole", Caller::Role(PLATFORM, "y")),
        ("sts:AssumeRole", Caller::Role(STRANGER, "x")),
        ("sts:AssumeRole", Caller::Role(ACCOUNT, "x")),
        ("sts:AssumeRole", Caller::Service("ec2.amazonaws.com")),
        ("sts:AssumeRoleWithWebIdentity", Caller::Federated(OIDC)),
        ("sts:AssumeRoleWithSAML", Caller::Federated(SAML)),
    ];
    let mut calls = Vec::new();
    for (action, caller) in callers {
        for external_id in external_ids.iter().map(|id| Some((*id).to_owned())).chain([None]) {
            for from_inside in [true, false] {
                calls.push(Call { action, caller, external_id: external_id.clone(), from_inside });
            }
        }
    }
    calls
}

/// Whether anybody gets in, if they know every external id that the trust policy asks for.
pub fn is_open(trust: &Value) -> bool {
    let conditions = list(&trust["Statement"]).into_iter().map(|statement| &statement["Condition"]["StringEquals"]);
    let external_ids = conditions.flat_map(|keys| list(&keys["sts:ExternalId"])).filter_map(Value::as_str);
    calls_with(&external_ids.collect::<Vec<_>>()).iter().any(|call| is_allowed(trust, call))
}

pub fn is_allowed(trust: &Value, call: &Call) -> bool {
    let fit = |effect: &str| list(&trust["Statement"]).into_iter().any(|s| s["Effect"] == effect && fits(s, call));
    fit("Allow") && !fit("Deny")
}

fn fits(statement: &Value, call: &Call) -> bool {
    let acts = |patterns: &Value| {
        list(patterns).into_iter().any(|one| like(&one.as_str().unwrap().to_lowercase(), &call.action.to_lowercase()))
    };
    let action = statement.get("Action").map_or_else(|| !acts(&statement["NotAction"]), acts);
    let principal = is_caller(&statement["Principal"], call.caller);
    let conditions = statement["Condition"].as_object().cloned().unwrap_or_default();
    let conditions = conditions.iter().all(|(operator, keys)| {
        keys.as_object().unwrap().iter().all(|(key, values)| is_met(operator, key, &list(values), call))
    });
    action && principal && conditions
}

fn is_caller(principal: &Value, caller: Caller) -> bool {
    let of = |kind: &str| -> Vec<&str> { list(&principal[kind]).iter().filter_map(|one| one.as_str()).collect() };
    if principal == "*" || of("AWS").contains(&"*") {
        return true;
    }
    match caller {
        Caller::Role(account, name) => {
            let names = [
                account.to_owned(),
                format!("arn:aws:iam::{account}:root"),
                format!("arn:aws:iam::{account}:role/{name}"),
            ];
            of("AWS").iter().any(|one| names.iter().any(|name| name == one))
        }
        Caller::Service(name) => of("Service").contains(&name),
        Caller::Federated(arn) => of("Federated").contains(&arn),
    }
}

fn is_met(operator: &str, key: &str, values: &[&Value], call: &Call) -> bool {
    let there = match key.to_lowercase().as_str() {
        "sts:externalid" => call.external_id.clone(),
        "aws:sourcevpc" => call.from_inside.then(|| "vpc-1".to_owned()),
        other => panic!("no call has {other}"),
    };
    let values: Vec<&str> = values.iter().filter_map(|value| value.as_str()).collect();
    let any = |test: &dyn Fn(&str, &str) -> bool| there.as_ref().map(|there| values.iter().any(|one| test(one, there)));
    let same_ignoring_case = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    match operator {
        "StringEquals" | "ForAnyValue:StringEquals" => any(&|a, b| a == b) == Some(true),
        "StringEqualsIgnoreCase" => any(&same_ignoring_case) == Some(true),
        "StringLike" => any(&like) == Some(true),
        // Without the key there is no value that does not match, and nothing that equals.
        "ForAllValues:StringEquals" | "StringEqualsIfExists" => any(&|a, b| a == b) != Some(false),
        "StringNotEquals" => any(&|a, b| a == b) != Some(true),
        "StringNotLike" => any(&like) != Some(true),
        "Null" => values.contains(&if there.is_none() { "true" } else { "false" }),
        other => panic!("no test has {other}"),
    }
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// `*` for anything, `?` for one character.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_at_checked(1) {
        None => text.is_empty(),
        Some(("*", rest)) => (0..=text.len()).any(|end| like(rest, &text[end..])),
        Some((one, rest)) => {
            text.split_at_checked(1).is_some_and(|(c, more)| (one == "?" || one == c) && like(rest, more))
        }
    }
}
