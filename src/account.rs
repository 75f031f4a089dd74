//! The account of the role and the policy, and the ARNs that follow from it.

use crate::physical_id::PhysicalId;
use custom_resource::Result;
use custom_resource::function_arn::{is_account_id, partition_and_account};

/// Orchestera's platform account, the only one that may assume the role. Compiled in, because an event can come from
/// anybody who may invoke the function: no property may hand the role to another account. A build for a test platform
/// sets `ORCHESTERA_PLATFORM_ACCOUNT_ID` while it compiles; `make dist` refuses to publish such a build.
pub const PLATFORM_ACCOUNT_ID: &str = match option_env!("ORCHESTERA_PLATFORM_ACCOUNT_ID") {
    Some(account_id) => account_id,
    None => "017059471480",
};
const _: () = assert!(is_account_id(PLATFORM_ACCOUNT_ID), "ORCHESTERA_PLATFORM_ACCOUNT_ID must be 12 digits");

/// An account in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `aws`, `aws-us-gov`, `aws-cn`, …
    pub partition: String,
    /// 12 digits.
    pub id: String,
}

impl Account {
    /// The function's own account, read from the ARN under which Lambda invoked it, or from the event's `ServiceToken`.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused) when neither is a function's ARN.
    pub fn of_function(invoked_arn: &str, service_token: Option<&str>) -> Result<Self> {
        let (partition, id) = partition_and_account(invoked_arn, service_token)?;
        Ok(Self { partition, id })
    }

    /// ARN of a role with the path `/`.
    pub fn role_arn(&self, role_name: &str) -> String {
        format!("arn:{}:iam::{}:role/{role_name}", self.partition, self.id)
    }

    /// ARN of a customer managed policy with the path `/`.
    pub fn policy_arn(&self, policy_name: &str) -> String {
        format!("arn:{}:iam::{}:policy/{policy_name}", self.partition, self.id)
    }

    /// ARN that stands for a whole account in a trust policy.
    pub fn root_arn(&self, account_id: &str) -> String {
        format!("arn:{}:iam::{account_id}:root", self.partition)
    }

    /// The physical id of a resource with these names in this account.
    pub fn physical_id(&self, role_name: &str, policy_name: &str) -> PhysicalId {
        PhysicalId { account_id: self.id.clone(), role_name: role_name.to_owned(), policy_name: policy_name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:f:live";
    const OTHER: &str = "arn:aws:lambda:us-east-1:444455556666:function:f";

    #[test]
    fn the_account_is_the_one_in_the_functions_arn() {
        let account = Account::of_function(ARN, Some(OTHER)).unwrap();
        assert_eq!(account.role_arn("R"), "arn:aws-us-gov:iam::111122223333:role/R");
        assert_eq!(account.policy_arn("P"), "arn:aws-us-gov:iam::111122223333:policy/P");
        assert_eq!(account.root_arn("017059471480"), "arn:aws-us-gov:iam::017059471480:root");
        assert_eq!(account.physical_id("R", "P").to_string(), "111122223333/R/P");
    }

    #[test]
    fn an_emulator_without_a_functions_arn_leaves_the_service_token() {
        assert_eq!(Account::of_function("function-arn", Some(OTHER)).unwrap().id, "444455556666");
    }

    #[test]
    fn what_is_no_functions_arn_is_an_error_that_shows_it() {
        for text in ["", "arn:aws:lambda:us-east-1:1:function:f", "arn:aws:sqs:us-east-1:111122223333:q:x", "f"] {
            for token in [None, Some("arn:aws:sns:us-east-1:111122223333:topic")] {
                let error = Account::of_function(text, token).unwrap_err();
                assert!(error.reason().contains(&format!("'{text}'")), "{error}");
            }
        }
    }
}
