//! The calls that the function makes, and the rights that organization.yaml gives it, are the same.

mod common;

use common::template::resources;
use std::collections::BTreeSet;
use std::path::Path;

/// Rights that come with a call of another name. `CreateAccount` with tags needs the first; `CreateOrganization` the
/// second.
const WITH_ANOTHER_CALL: [&str; 2] = ["TagResource", "CreateServiceLinkedRole"];

/// The services of a part of the adapter; those of `aws.rs` itself first. Two services may have a call of one name.
const SERVICES: [(&str, &[&str]); 3] = [
    ("aws.rs", &["organizations:", "iam:", "cloudformation:", "servicequotas:", "freetier:"]),
    ("aws/contacts.rs", &["account:"]),
    ("aws/identity_center.rs", &["sso:", "identitystore:"]),
];

/// What Lambda does with the function's role, and the function itself does not call.
const OF_LAMBDA: &str = "logs:";

/// The operations that a part of the adapter names, for the error of each call.
fn called(file: &str) -> BTreeSet<String> {
    let adapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/management_account").join(file);
    let adapter = std::fs::read_to_string(adapter).unwrap();
    let is_operation =
        |text: &&str| text.len() > 4 && text.starts_with(char::is_uppercase) && text.chars().all(char::is_alphabetic);
    let code = adapter.split("\npub fn kind_of").next().unwrap();
    let texts = code.split('"').skip(1).step_by(2).filter(is_operation);
    let is_name =
        |text: &&str| !text.ends_with("Exception") && !text.ends_with("Error") && text.to_uppercase() != **text;
    texts.filter(is_name).map(str::to_owned).collect()
}

/// The actions of every policy that is attached to the function's role, such as `iam:GetRole`.
fn actions() -> BTreeSet<&'static str> {
    let resources = resources();
    let is_attached = |lines: &[&str]| lines.iter().any(|line| line.trim() == "Roles: [!Ref OrganizationFunctionRole]");
    let policies: Vec<_> = resources.iter().filter(|(_, resource)| is_attached(&resource.lines)).collect();
    assert!(policies.iter().all(|(_, policy)| policy.resource_type == "AWS::IAM::Policy"), "{policies:#?}");
    // No policy is attached in another way.
    let named = |line: &&str| line.contains("OrganizationFunctionRole");
    let others = resources.iter().filter(|(_, resource)| !is_attached(&resource.lines));
    let others: Vec<_> = others.flat_map(|(_, resource)| resource.lines.iter().copied().filter(named)).collect();
    assert_eq!(others, ["      Role: !GetAtt OrganizationFunctionRole.Arn"]);
    let of_role = resources["OrganizationFunctionRole"].properties();
    assert!(!of_role.contains_key("Policies") && !of_role.contains_key("ManagedPolicyArns"), "{of_role:?}");
    let lines = policies.iter().flat_map(|(_, policy)| policy.lines.iter().map(|line| line.trim()));
    let values = lines.filter_map(|line| line.strip_prefix("- ").or_else(|| line.strip_prefix("Action: ")));
    // An action has one colon, and nothing else that an ARN or a map has.
    values.filter(|value| value.split(':').count() == 2 && !value.contains([' ', '"'])).collect()
}

#[test]
fn the_function_may_make_every_call_that_it_makes_and_no_other() {
    let mut others = actions();
    for (file, services) in SERVICES {
        let granted: BTreeSet<_> = actions()
            .iter()
            .filter_map(|action| services.iter().find_map(|service| action.strip_prefix(service)))
            .filter(|name| !WITH_ANOTHER_CALL.contains(name))
            .map(str::to_owned)
            .collect();
        let called = called(file);
        assert!(called.len() > 2, "{called:?}");
        assert_eq!(called, granted, "{file}");
        others.retain(|action| !services.iter().any(|service| action.starts_with(service)));
    }
    others.retain(|action| !action.starts_with(OF_LAMBDA));
    assert!(others.is_empty(), "of services that the function does not call: {others:?}");
}

#[test]
fn no_part_of_the_adapter_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/management_account/aws");
    let files = std::fs::read_dir(folder).unwrap();
    let parts: BTreeSet<_> = files.map(|entry| format!("aws/{}", entry.unwrap().file_name().display())).collect();
    let known: BTreeSet<_> = SERVICES.iter().skip(1).map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(parts, known);
}
