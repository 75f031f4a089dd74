//! Trust policies: who may assume the role. `policies/trust.json` and `policies/trust-suspended.json` are the only places
//! where that is written; what differs from role to role is put in as values, never by pasting text.

mod closing;
mod condition;
mod narrowing;
mod statement;

pub use closing::{SUSPENDED_SID, is_closed_by_us, is_open, only_the_deny, with_everybody_denied, with_nobody_denied};
pub use narrowing::narrowed;

use crate::account::Account;
use closing::denies_everybody;
use serde_json::Value;
use statement::{
    ASSUME_ACTIONS, ASSUME_ROLE, concerns, is_about_account, is_allow, is_whole_account, statements, texts,
};

/// The guide's trust policy: the platform's account, and, unless `external_id` is `None`, only with that external id.
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

/// Whether the platform's account, or anything in it, may assume the role as things stand: an Allow names it and no
/// unconditional Deny names everybody.
pub fn admits(trust: &Value, platform_account_id: &str) -> bool {
    ASSUME_ACTIONS.iter().any(|action| {
        let is_allowed = |statement: &Value| {
            is_allow(statement) && concerns(statement, action) && is_about_account(statement, platform_account_id)
        };
        statements(trust).any(is_allowed) && !statements(trust).any(|statement| denies_everybody(statement, action))
    })
}

/// Whether the trust policy is recognisably the guide's: the platform's account and nobody else may assume the role, with
/// one external id or without a condition. IAM stores the root ARN for a bare account id; both are taken.
pub fn is_the_guides(trust: &Value, platform_account_id: &str) -> bool {
    let mut statements = statements(trust);
    let (Some(statement), None) = (statements.next(), statements.next()) else { return false };
    let judged = ["Sid", "Effect", "Principal", "Action", "Condition"];
    let is_platform = |principal: &Value| {
        matches!(texts(&principal["AWS"])[..], [one] if is_whole_account(one, platform_account_id))
            && principal.as_object().is_some_and(|kinds| kinds.len() == 1)
    };
    is_allow(statement)
        && statement.as_object().is_some_and(|parts| parts.keys().all(|key| judged.contains(&key.as_str())))
        && is_platform(&statement["Principal"])
        && matches!(texts(&statement["Action"])[..], [action] if action.eq_ignore_ascii_case(ASSUME_ROLE))
        && condition::is_none_or_external_id(&statement["Condition"])
}

/// The external id that the trust policy asks for, if one statement asks for exactly one.
pub fn external_id(trust: &Value) -> Option<&str> {
    statements(trust).find_map(|statement| condition::asked(&statement["Condition"]))
}

#[cfg(test)]
mod tests;
