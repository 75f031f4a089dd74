//! What can prevent the access stack in an account.

use crate::account::reason;
use crate::findings::Findings;
use crate::organization::observe::Members;
use serde_json::Value;
use wildmatch::WildMatch;

/// What the access stack does in the member account first. A service control policy that denies one of them makes it
/// fail.
const ACCESS_ACTIONS: [&str; 3] = ["iam:CreateRole", "iam:CreatePolicy", "iam:AttachRolePolicy"];

/// Checks every account that newly gets the access stack.
pub fn check(findings: &mut Findings, members: &Members) {
    for access in &members.access {
        if !access.stack_sets.is_empty() {
            let account = format!("for {}", access.label);
            findings.refuse(reason::has_stack_sets(&access.stack_sets, &account).reason());
        }
        let denied = |action: &&str| access.service_control_policies.iter().any(|policy| may_deny(policy, action));
        let denied: Vec<_> = ACCESS_ACTIONS.into_iter().filter(denied).collect();
        if !denied.is_empty() {
            findings.warn(format!(
                "A service control policy may deny {} in the account for {}. If the access stack fails, look there.",
                denied.join(", "),
                access.label
            ));
        }
    }
    if !members.access.is_empty() && !members.delegated_administrators.is_empty() {
        findings.warn(format!(
            "StackSets of {} (delegated administrator) cannot be read here. If one deploys Orchestera Access to the same \
             account, take the account out of it.",
            members.delegated_administrators.join(", ")
        ));
    }
}

/// Whether a service control policy has a Deny for the action. Its conditions and resources are not evaluated.
fn may_deny(document: &str, action: &str) -> bool {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let matches = |patterns: &Value| {
        texts(patterns).iter().any(|text| WildMatch::new(&text.to_lowercase()).matches(&action.to_lowercase()))
    };
    list(&document["Statement"]).iter().filter(|statement| statement["Effect"] == "Deny").any(|statement| {
        match (statement.get("Action"), statement.get("NotAction")) {
            (Some(actions), _) => matches(actions),
            (None, Some(actions)) => !matches(actions),
            (None, None) => false,
        }
    })
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).into_iter().filter_map(Value::as_str).collect()
}
