//! What no template should send and no sender is kept from. Whatever comes gets a response, or nobody is there to
//! respond to; nothing is created for it that its environment does not allow.

mod common;

use common::promise::{Kept, SIGNATURE, keep};
use common::stack::{EMAIL, SECURITY_CONTACT, STACK, account_properties, contact_properties};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;

/// A property's value: what belongs there, or anything.
fn value() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        EMAIL,
        "SPARK@EXAMPLE.COM",
        "management@example.com",
        "a@b",
        "@example.com",
        "spark@exämple.com",
        "111122223333",
        "444455556666",
        "11112222333",
        "Orchestera Sparklith",
        " ",
        "ou-exam-11112222",
        "r-exam",
        "Make",
        "Use",
        "None",
        "true",
        "False",
        "OrganizationAccountAccessRole",
        "path/Role",
        "IdentityCenter",
        "Users",
        "On",
        "user:ann",
        "group:Administrators",
        "group:",
        "role:ann",
        "AdministratorAccess",
        "Spark,Development",
        SECURITY_CONTACT,
        "Eve Example; CISO; eve@example.com; 0",
        ";;;",
        "SECURITY",
        "BILLING",
        "created",
        "\u{202e}\u{0}\u{1b}[31m",
    ];
    let text = select(texts.to_vec()).prop_map(Value::from);
    let long = (0..5000_usize).prop_map(|length| Value::from("x".repeat(length)));
    let list = prop::collection::vec(select(texts.to_vec()), 0..20).prop_map(Value::from);
    prop_oneof![
        8 => text,
        1 => long,
        2 => list,
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!({ "Key": "Value" })),
        1 => any::<String>().prop_map(Value::from),
    ]
}

fn properties() -> impl Strategy<Value = Value> {
    let names = [
        "Email",
        "AccountEmail",
        "AccountId",
        "AccountName",
        "RoleName",
        "MemberRoleName",
        "OrganizationalUnitId",
        "HasAccessStack",
        "AdminGroup",
        "AdminUserNames",
        "AccessIn",
        "AcceptPaidPlan",
        "DevelopmentAccountEmail",
        "ProductionAccountEmail",
        "SignIn",
        "IdentityCenterPrincipal",
        "Principal",
        "PermissionSet",
        "PermissionSetName",
        "BreakGlassUser",
        "BootstrapRole",
        "SecurityContact",
        "AccountOwnership",
        "Kind",
        "Contact",
        "Unknown",
    ];
    let map = prop::collection::btree_map(select(names.to_vec()), value(), 0..10).prop_map(|map| {
        Value::Object(map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    });
    // Half of them are good but for a property or two.
    let nearly = prop::collection::btree_map(select(names.to_vec()), value(), 0..3).prop_map(|changes| {
        let mut properties = account_properties();
        properties["AccountEmail"] = EMAIL.into();
        properties["Principal"] = "group:Administrators".into();
        changes.into_iter().for_each(|(name, value)| properties[name] = value);
        properties
    });
    let nearly_a_contact = prop::collection::btree_map(select(names.to_vec()), value(), 0..3).prop_map(|changes| {
        let mut properties = contact_properties();
        changes.into_iter().for_each(|(name, value)| properties[name] = value);
        properties
    });
    prop_oneof![20 => map, 20 => nearly, 10 => nearly_a_contact, 1 => value()]
}

fn events() -> impl Strategy<Value = Value> {
    let types = [
        "Custom::OrchesteraOrganization",
        "Custom::OrchesteraAccount",
        "Custom::OrchesteraAccount",
        "Custom::OrchesteraIdentityCenter",
        "Custom::OrchesteraContact",
        "Custom::Other",
        "",
    ];
    let ids = [
        "arn:aws:sso:::instance/ssoins-7223b8a1c2d3e4f5",
        "o-exampleorgid",
        "444455556666",
        "111122223333",
        "111122223333/SECURITY/made",
        "111122223333/BILLING/made",
        "111122223333/SECURITY/found",
        "failed/SparkAccount/request-0",
        "made-up-1ABC",
        "",
    ];
    let logical_ids = ["SparkAccount", "Organization", "Other", ""];
    let stacks = [STACK, "arn:of:another:stack", ""];
    (
        select(&["Create", "Update", "Delete", "Destroy"][..]),
        select(types.to_vec()),
        select(ids.to_vec()),
        prop_oneof![3 => Just("SparkAccount"), 1 => select(logical_ids.to_vec())],
        prop_oneof![3 => Just(STACK), 1 => select(stacks.to_vec())],
        properties(),
        properties(),
    )
        .prop_map(|(kind, resource_type, id, logical_id, stack, new, old)| {
            json!({
                "RequestType": kind, "ResourceType": resource_type, "PhysicalResourceId": id,
                "LogicalResourceId": logical_id, "StackId": stack, "RequestId": "request-1",
                "ResponseURL": format!("https://bucket.s3.amazonaws.com/response?X-Amz-Signature={SIGNATURE}"),
                "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:organization",
                "ResourceProperties": new, "OldResourceProperties": old,
            })
        })
}

#[test]
fn any_event_gets_a_response_and_creates_nothing_that_its_environment_does_not_allow() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
    let kept = RefCell::new(BTreeMap::new());
    let run = TestRunner::new_with_rng(config, rng).run(&events(), |event| {
        *kept.borrow_mut().entry(keep(event.to_string().as_bytes())).or_insert(0) += 1;
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}");
    }
    let kept = kept.into_inner();
    let enough = [(Kept::Succeeded, 400), (Kept::Created, 50), (Kept::Failed, 1000)];
    assert!(enough.iter().all(|(how, least)| kept.get(how).is_some_and(|count| count >= least)), "{kept:?}");
}

/// The files of `fuzz/corpus/organization_event/`, with which the fuzz target begins, and of the access function's
/// corpus: events of a type that this function does not serve.
fn corpus() -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["fuzz/corpus/organization_event", "fuzz/corpus/event", "events"];
    let folders = folders.map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let files = folders.into_iter().flatten().flatten();
    files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())).collect()
}

#[test]
fn every_event_of_the_corpus_gets_a_response_as_promised() {
    let mut kept = BTreeMap::<_, Vec<_>>::new();
    for (name, payload) in corpus() {
        let how = catch_unwind(|| keep(&payload)).unwrap_or_else(|_| panic!("by {name}, see above"));
        kept.entry(how).or_default().push(name);
    }
    assert_eq!(kept.len(), 4, "each way of keeping the promise is seen: {kept:#?}");
}
