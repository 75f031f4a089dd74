//! The documents and tags that the product creates. `tests/bench/test_many_accounts.py` compares the names with the
//! product's sources.

use crate::account::{Account, POLICY_NAME, ROLE_NAME, State};
use serde_json::{Value, json};

pub const ROLE_DESCRIPTION: &str = "Assumed by the Orchestera platform to run Apache Spark on EKS in this account";
pub const POLICY_DESCRIPTION: &str = "What the Orchestera platform may do in this account to run Apache Spark on EKS";
/// Name of the inline policy that suspends a role.
pub const SUSPENSION: &str = "OrchesteraSuspended";

const PLATFORM: &str = "017059471480";
const TRUST: &str = include_str!("../../../policies/trust.json");
const DENY: &str = include_str!("../../../policies/trust-suspended.json");
const EDITION_2025: &str = include_str!("../../../policies/2025-09-29.json");
const EDITION_2026: &str = include_str!("../../../policies/2026-02-06.json");
const SHA256_2025: &str = "4318a6ac6f1ea97db8b234e4e4dcd6574e925ba974801c10b4f04ca083af90a1";
const SHA256_2026: &str = "3ba9cdb520bd1bdd23a7cc14a281af1048b62394e1d35509966adeb7c95cc7c4";

/// The trust policy of the account's role.
pub fn trust(account: &Account) -> Value {
    if account.state == State::Foreign {
        return json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": account.iam_arn("user", "somebody") },
            "Action": "sts:AssumeRole",
        }] });
    }
    let text = TRUST.replace("${AWS::Partition}", "aws").replace("${ExternalId}", &account.external_id());
    let mut trust = parsed(&text);
    let statement = &mut trust["Statement"][0];
    match account.state {
        State::WithoutExternalId => {
            statement.as_object_mut().expect("an object").remove("Condition");
        }
        State::TrustEdited => {
            let both = [PLATFORM, "999999999999"].map(|id| format!("arn:aws:iam::{id}:root"));
            statement["Principal"]["AWS"] = both.to_vec().into();
        }
        State::Suspended => {
            let deny = parsed(DENY)["Statement"][0].take();
            trust["Statement"].as_array_mut().expect("a list").push(deny);
        }
        _ => {}
    }
    trust
}

/// The document of the account's policy.
pub fn edition(state: State) -> Value {
    parsed(if state == State::NewEdition { EDITION_2026 } else { EDITION_2025 })
}

/// The inline policy that suspends a role.
pub fn suspension() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Sid": SUSPENSION, "Effect": "Deny", "Action": "*", "Resource": "*" }],
    })
}

/// The tags of role and policy.
pub fn tags(account: &Account) -> Vec<(&'static str, String)> {
    if !account.state.has_stack() {
        return Vec::new();
    }
    let sha256 = if account.state == State::NewEdition { SHA256_2026 } else { SHA256_2025 };
    vec![
        ("orchestera:stack-id", account.stack_id()),
        ("orchestera:logical-id", "Access".to_owned()),
        ("orchestera:resource-id", format!("{}/{ROLE_NAME}/{POLICY_NAME}", account.id)),
        ("orchestera:ownership", "created".to_owned()),
        ("orchestera:external-id", account.external_id()),
        ("orchestera:policy-edition", account.state.edition().to_owned()),
        ("orchestera:policy-sha256", sha256.to_owned()),
    ]
}

/// A file of this repository.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(number: u32) -> Vec<Value> {
        trust(&Account::new(number))["Statement"].as_array().unwrap().clone()
    }

    #[test]
    fn each_state_has_its_own_trust_policy() {
        let ready = Account::new(1);
        let one = &statements(1)[0];
        assert_eq!(one["Principal"]["AWS"], "arn:aws:iam::017059471480:root");
        assert_eq!(one["Condition"]["StringEquals"]["sts:ExternalId"], ready.external_id());
        assert!(statements(8)[0].get("Condition").is_none(), "no external id");
        assert_eq!(statements(4)[1]["Effect"], "Deny", "suspended");
        assert_eq!(statements(5)[0]["Principal"]["AWS"].as_array().unwrap().len(), 2, "edited");
        assert!(!trust(&Account::new(3)).to_string().contains(PLATFORM), "foreign");
    }

    #[test]
    fn what_no_stack_made_has_no_tags_of_the_product() {
        assert!(tags(&Account::new(3)).is_empty());
        assert_eq!(tags(&Account::new(1))[0].1, Account::new(1).stack_id());
    }
}
