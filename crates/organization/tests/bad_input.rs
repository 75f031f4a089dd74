//! What no template should send and no sender is kept from. Whatever comes gets a response, or nobody is there to
//! respond to; nothing is created for it that its environment does not allow.

mod common;

use common::fake::FakeManagementAccount;
use common::stack::{EMAIL, STACK, Stack, account_properties};
use custom_resource::event::Envelope;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};
use std::cell::Cell;

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
        "Unknown",
    ];
    let map = prop::collection::btree_map(select(names.to_vec()), value(), 0..10).prop_map(|map| {
        Value::Object(map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    });
    // Half of them are good but for a property or two.
    let nearly = prop::collection::btree_map(select(names.to_vec()), value(), 0..3).prop_map(|changes| {
        let mut properties = account_properties();
        properties["AccountEmail"] = EMAIL.into();
        changes.into_iter().for_each(|(name, value)| properties[name] = value);
        properties
    });
    prop_oneof![20 => map, 20 => nearly, 1 => value()]
}

fn events() -> impl Strategy<Value = Value> {
    let types = ["Custom::OrchesteraOrganization", "Custom::OrchesteraAccount", "Custom::Other", ""];
    let ids = ["o-exampleorgid", "444455556666", "111122223333", "failed/SparkAccount/request-0", "made-up-1ABC", ""];
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
                "ResponseURL": "https://bucket.s3.amazonaws.com/response?X-Amz-Signature=0123456789abcdef",
                "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:organization",
                "ResourceProperties": new, "OldResourceProperties": old,
            })
        })
}

#[test]
fn any_event_gets_a_response_and_creates_nothing_that_its_environment_does_not_allow() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
    let (succeeded, created) = (Cell::new(0), Cell::new(0));
    let run = TestRunner::new_with_rng(config, rng).run(&events(), |event| {
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let fake = clock.block_on(async {
            let fake = FakeManagementAccount::managing();
            let (stack, key) = (Stack::default(), |name: &str| event[name].as_str().unwrap_or_default().to_owned());
            let resource = (key("StackId"), key("LogicalResourceId"));
            let status = ("CREATE_IN_PROGRESS".to_owned(), tokio::time::Instant::now());
            fake.world.borrow_mut().resources.insert(resource, status);
            let payload = to_raw_value(&event).unwrap();
            assert!(Envelope::open(&payload).unwrap().is_from_cloudformation());
            let response = stack.send(&fake, event.clone()).await;
            let response = response.ok_or_else(|| TestCaseError::fail("no response"))?;
            prop_assert!(!response.reason.contains("0123456789abcdef"), "{}", response.reason);
            if event["RequestType"] == "Delete" && !key("PhysicalResourceId").is_empty() {
                prop_assert_eq!(&*response.status, "SUCCESS", "{}", response.reason);
            }
            succeeded.set(succeeded.get() + usize::from(response.status == "SUCCESS"));
            Ok(fake)
        })?;
        let world = fake.world.borrow();
        for creation in &world.creations {
            created.set(created.get() + 1);
            let request = &creation.request;
            prop_assert!(request.email.eq_ignore_ascii_case(EMAIL) && request.stack_id == STACK, "{request:?}");
        }
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}");
    }
    assert!(succeeded.get() > 500 && created.get() > 50, "{} succeeded, {} created", succeeded.get(), created.get());
}
