//! What `Fn::GetAtt` returns of an account. Every attribute is always present.

use super::plan::Done;
use custom_resource::Attributes;
use custom_resource::response::Attribute;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a URL's query may contain as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub fn attributes(done: &Done, role_name: &str, warnings: Vec<String>) -> Attributes {
    let account = &done.account;
    [
        ("AccountId", account.id.clone().into()),
        ("AccountArn", account.arn.clone().into()),
        ("AccountName", account.name.clone().into()),
        ("Ownership", done.ownership.name().to_owned().into()),
        ("RoleName", role_name.to_owned().into()),
        ("SwitchRoleUrl", switch_role_url(&account.id, role_name, &account.name).into()),
        ("Warnings", Attribute::Sentences { sentences: warnings, left_out: 0 }),
    ]
    .into()
}

/// The link that switches to the role in the account.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-console.html>
fn switch_role_url(account_id: &str, role_name: &str, display_name: &str) -> String {
    let encoded = |text| utf8_percent_encode(text, ENCODED);
    format!(
        "https://signin.aws.amazon.com/switchrole?account={account_id}&roleName={}&displayName={}",
        encoded(role_name),
        encoded(display_name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_link_has_no_character_that_a_url_does_not_allow() {
        assert_eq!(
            switch_role_url("111122223333", "Role+=,.@-_", "Orchestera Sparklith & Söhne"),
            "https://signin.aws.amazon.com/switchrole?account=111122223333&roleName=Role%2B%3D%2C.%40-_\
             &displayName=Orchestera%20Sparklith%20%26%20S%C3%B6hne"
        );
    }
}
