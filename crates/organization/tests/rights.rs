//! The calls that the function makes, and the rights that organization.yaml gives it, are the same.

use std::collections::BTreeSet;
use std::path::Path;

/// Rights that come with a call of another name. `CreateAccount` with tags needs the first; `CreateOrganization` the
/// second.
const WITH_ANOTHER_CALL: [&str; 2] = ["TagResource", "CreateServiceLinkedRole"];

/// The adapter to the real services, and its parts.
fn adapters() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/management_account");
    let parts = std::fs::read_dir(folder.join("aws")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = parts.chain([folder.join("aws.rs")]).collect();
    assert!(files.len() > 1, "{files:?}");
    files.into_iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn the_function_may_make_every_call_that_it_makes_and_no_other() {
    let adapters = adapters();
    // Each call names its operation, for the error.
    let is_operation =
        |text: &&str| text.len() > 4 && text.starts_with(char::is_uppercase) && text.chars().all(char::is_alphabetic);
    let called: BTreeSet<_> = adapters
        .iter()
        .flat_map(|adapter| adapter.split("\npub fn kind_of").next())
        .flat_map(|code| code.split('"').skip(1).step_by(2))
        .filter(is_operation)
        .filter(|text| !text.ends_with("Exception") && !text.ends_with("Error") && text.to_uppercase() != **text)
        .collect();
    let policy = include_str!("../../../organization.yaml").split("\n  OrganizationFunctionPolicy:\n").nth(1).unwrap();
    // The next resource is as far to the left.
    let is_next = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let lines = policy.lines().take_while(|line| !is_next(line)).map(str::trim);
    let granted: BTreeSet<_> = lines
        .filter_map(|line| line.strip_prefix("- ").or_else(|| line.strip_prefix("Action: ")))
        .filter_map(|action| {
            let services =
                ["organizations:", "iam:", "cloudformation:", "servicequotas:", "freetier:", "sso:", "identitystore:"];
            services.iter().find_map(|service| action.strip_prefix(service))
        })
        .filter(|name| !WITH_ANOTHER_CALL.contains(name))
        .collect();
    assert!(called.len() > 20, "{called:?}");
    assert_eq!(called, granted);
}
