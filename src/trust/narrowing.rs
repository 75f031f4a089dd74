//! Narrowing: cutting a trust policy to the desired one. Nobody may assume the role afterwards who could not before.

use crate::policy;
use crate::trust::closing::{fits, only_the_deny, with_everybody_denied, without_deleted_principals};
use crate::trust::condition;
use crate::trust::statement::{
    ASSUME_ROLE, concerns, is_allow, is_of_account, names_everybody, statements, texts, with_statements,
};
use serde_json::{Value, json};

/// Each Allow of the trust policy is cut to the part of it that lies inside the Allow of `wanted`, which has one: principals,
/// actions and external ids that are not wanted go, other conditions stay. Every Deny stays. If nothing is left, everybody
/// is denied. `None` if nothing has to be cut.
pub fn narrowed(trust: &Value, wanted: &Value, platform_account_id: &str) -> Option<Value> {
    let allow = statements(wanted).find(|statement| is_allow(statement))?;
    let (mut kept, mut cut) = (Vec::new(), Vec::new());
    let mut is_cut = false;
    for statement in statements(trust) {
        if !is_allow(statement) {
            kept.push(statement.clone());
            continue;
        }
        match part_within(statement, allow, platform_account_id) {
            Some(part) if is_same(&part, statement) => kept.push(statement.clone()),
            part => {
                is_cut = true;
                cut.extend(part);
            }
        }
    }
    if !is_cut {
        return None;
    }
    // All parts lie inside the wanted Allow: where one is the whole of it, the others add nothing.
    let is_whole = |statement: &Value| is_same(&without_sid(statement), &without_sid(allow));
    if cut.iter().any(is_whole) {
        cut = vec![allow.clone()];
    }
    for part in cut {
        if !kept.iter().any(|statement| is_same(&without_sid(statement), &without_sid(&part))) {
            kept.push(part);
        }
    }
    let kept: Vec<_> = kept.iter().filter_map(without_deleted_principals).collect();
    if kept.is_empty() {
        return Some(with_everybody_denied(wanted));
    }
    Some(with_statements(trust, kept)).filter(fits).or_else(|| Some(only_the_deny()))
}

/// The part of an Allow that lies inside the wanted one; `None` if there is none.
fn part_within(statement: &Value, wanted: &Value, platform_account_id: &str) -> Option<Value> {
    if !concerns(statement, ASSUME_ROLE) {
        return None;
    }
    let mut part = json!({
        "Effect": "Allow",
        "Principal": principal_within(statement, wanted, platform_account_id)?,
        "Action": ASSUME_ROLE,
    });
    if let Some(sid) = statement.get("Sid") {
        part["Sid"] = sid.clone();
    }
    let conditions = match condition::asked(&wanted["Condition"]) {
        Some(external_id) => Some(condition::narrowed(&statement["Condition"], external_id)?),
        None => statement.get("Condition").cloned(),
    };
    if let Some(conditions) = conditions {
        part["Condition"] = conditions;
    }
    Some(part)
}

/// Of everybody, the platform that is wanted; of a list, who is of the platform's account.
fn principal_within(statement: &Value, wanted: &Value, platform_account_id: &str) -> Option<Value> {
    let principal = &statement["Principal"];
    if names_everybody(principal) {
        return Some(wanted["Principal"].clone());
    }
    let is_within = |one: &&str| is_of_account(one, platform_account_id);
    match texts(&principal["AWS"]).into_iter().filter(is_within).collect::<Vec<_>>()[..] {
        [] => None,
        [one] => Some(json!({ "AWS": one })),
        ref several => Some(json!({ "AWS": several })),
    }
}

fn without_sid(statement: &Value) -> Value {
    let mut statement = statement.clone();
    if let Some(parts) = statement.as_object_mut() {
        parts.remove("Sid");
    }
    statement
}

/// Whether two statements say the same, however they are spelled.
fn is_same(a: &Value, b: &Value) -> bool {
    policy::same(&json!({ "Statement": a }), &json!({ "Statement": b }))
}
