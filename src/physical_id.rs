//! `PhysicalResourceId`: `<account id>/<role name>/<policy name>`.
//!
//! None of the three can change while the resource exists, so the id never changes either. It is also the value of the
//! ownership tag `orchestera:resource-id`. Release 0.4.0 could change the names and with them the id. The Delete of
//! such an old id touches nothing that carries the new one.

use custom_resource::function_arn::is_account_id;
use std::fmt;

/// The id of a resource that exists, and with it the names of its two IAM objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhysicalId {
    /// 12 digits.
    pub account_id: String,
    /// 1 to 64 characters of `A-Za-z0-9_+=,.@-`.
    pub role_name: String,
    /// 1 to 128 of the same.
    pub policy_name: String,
}

impl PhysicalId {
    /// Parses the id of a resource that exists. `None` for the id of a failed Create, and for one that CloudFormation
    /// made up.
    pub fn parse(text: &str) -> Option<Self> {
        let [account_id, role_name, policy_name] = text.split('/').collect::<Vec<_>>()[..] else {
            return None;
        };
        let valid = is_account_id(account_id) && is_role_name(role_name) && is_policy_name(policy_name);
        valid.then(|| Self {
            account_id: account_id.to_owned(),
            role_name: role_name.to_owned(),
            policy_name: policy_name.to_owned(),
        })
    }
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.account_id, self.role_name, self.policy_name)
    }
}

/// An IAM role's name: 1 to 64 characters.
pub fn is_role_name(text: &str) -> bool {
    is_name(text, 64)
}

/// An IAM policy's name: 1 to 128 characters.
pub fn is_policy_name(text: &str) -> bool {
    is_name(text, 128)
}

fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> PhysicalId {
        PhysicalId::parse(text).expect(text)
    }

    #[test]
    fn an_id_reads_back_as_what_was_written() {
        for text in ["111122223333/OrchesteraAccessRole/OrchesteraAccessPolicy", "000000000000/a,b+c=d@e.f-g_h/x"] {
            assert_eq!(id(text).to_string(), text);
        }
    }

    #[test]
    fn names_are_as_long_as_iam_allows_and_no_longer() {
        let (role, policy) = ("r".repeat(64), "p".repeat(128));
        assert!(PhysicalId::parse(&format!("111122223333/{role}/{policy}")).is_some());
        assert!(PhysicalId::parse(&format!("111122223333/{role}r/{policy}")).is_none());
        assert!(PhysicalId::parse(&format!("111122223333/{role}/{policy}p")).is_none());
    }

    #[test]
    fn what_we_did_not_answer_is_no_id() {
        for text in [
            "",
            "a",
            "stack-Access-1A2B3C",
            "failed/Access/req",
            "11112222333/r/p",
            "1111222233334/r/p",
            "11112222333x/r/p",
        ] {
            assert!(PhysicalId::parse(text).is_none(), "{text}");
        }
        for text in ["111122223333/r", "111122223333/r/p/q", "111122223333//p", "111122223333/r/", "111122223333/r r/p"]
        {
            assert!(PhysicalId::parse(text).is_none(), "{text}");
        }
    }
}
