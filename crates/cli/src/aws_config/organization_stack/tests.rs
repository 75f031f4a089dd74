use super::*;
use crate::aws_config::profiles::DEFAULT_PREFIX;
use std::collections::BTreeMap;

const ID: &str = "arn:aws-us-gov:cloudformation:us-gov-west-1:111122223333:stack/orchestera-organization/1";

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn stack(parameters: &[(&str, &str)], outputs: &[(&str, &str)]) -> Stack {
    let ids = [("ManagementAccountId", "111122223333"), ("AccountId", "444455556666")];
    Stack {
        id: ID.to_owned(),
        name: "orchestera-organization".to_owned(),
        status: "CREATE_COMPLETE".to_owned(),
        parameters: map(parameters),
        outputs: map(&[&ids, outputs].concat()),
        ..Stack::default()
    }
}

fn options() -> AwsConfig {
    AwsConfig {
        sso_start_url: None,
        permission_set: None,
        profile_prefix: DEFAULT_PREFIX.to_owned(),
        profile_region: None,
        stack_name: "orchestera-organization".to_owned(),
        dry_run: false,
        check: false,
    }
}

fn by_identity_center() -> Stack {
    let parameters = [("SignIn", "IdentityCenter"), ("PermissionSetName", "Admins"), ("MemberRoleName", "Entry")];
    stack(&parameters, &[("SignInUrl", "https://d-1.awsapps.com/start")])
}

#[test]
fn a_stack_with_identity_center_says_where_to_sign_in_and_with_which_permission_set() {
    let found = profiles(&by_identity_center(), &options()).unwrap();
    assert_eq!(
        found.sign_in,
        SignIn::IdentityCenter {
            start_url: "https://d-1.awsapps.com/start".to_owned(),
            region: "us-gov-west-1".to_owned(),
            permission_set: "Admins".to_owned(),
        }
    );
    assert_eq!((found.partition.as_str(), found.management_account_id.as_str()), ("aws-us-gov", "111122223333"));
}

#[test]
fn options_come_before_what_the_stack_says() {
    let asked = AwsConfig {
        sso_start_url: Some("https://acme.awsapps.com/start".to_owned()),
        permission_set: Some("ReadOnly".to_owned()),
        profile_prefix: "acme".to_owned(),
        profile_region: Some("eu-west-1".to_owned()),
        ..options()
    };
    let found = profiles(&by_identity_center(), &asked).unwrap();
    let SignIn::IdentityCenter { start_url, permission_set, .. } = found.sign_in else { panic!("{found:?}") };
    assert_eq!((start_url.as_str(), permission_set.as_str()), ("https://acme.awsapps.com/start", "ReadOnly"));
    assert_eq!((found.prefix.as_str(), found.region.as_deref()), ("acme", Some("eu-west-1")));
}

#[test]
fn a_stack_without_it_says_which_roles_to_assume() {
    let outputs = [
        ("SignInUrl", "https://111122223333.signin.aws.amazon.com/console"),
        ("ProductionAccountId", "777788889999"),
        ("BootstrapRoleArn", "arn:aws-us-gov:iam::111122223333:role/mgmt-org-admin"),
    ];
    let found = profiles(&stack(&[("SignIn", "Users"), ("MemberRoleName", "Entry")], &outputs), &options()).unwrap();
    assert_eq!(found.sign_in, SignIn::Users);
    let members: Vec<_> =
        found.members.iter().map(|one| (one.purpose, one.account_id.as_str(), one.role_name.as_str())).collect();
    assert_eq!(members, [("spark", "444455556666", "Entry"), ("production", "777788889999", "Entry")]);
    assert_eq!(found.bootstrap_role_arn.as_deref(), Some("arn:aws-us-gov:iam::111122223333:role/mgmt-org-admin"));
}

#[test]
fn a_stack_that_is_not_complete_is_refused_with_its_status() {
    for missing in ["ManagementAccountId", "AccountId", "SignInUrl"] {
        let mut stack = by_identity_center();
        stack.status = "ROLLBACK_COMPLETE".to_owned();
        stack.outputs.remove(missing);
        let reason = profiles(&stack, &options()).unwrap_err().reason();
        assert!(
            reason.starts_with("The stack orchestera-organization is ROLLBACK_COMPLETE and does not say"),
            "{reason}"
        );
    }
}

#[test]
fn an_option_of_identity_center_is_refused_where_the_stack_does_not_use_it() {
    for asked in [
        AwsConfig { sso_start_url: Some("https://a/start".to_owned()), ..options() },
        AwsConfig { permission_set: Some("Admins".to_owned()), ..options() },
    ] {
        let reason = profiles(&stack(&[], &[]), &asked).unwrap_err().reason();
        assert!(reason.contains("has SignIn = Users"), "{reason}");
    }
}
