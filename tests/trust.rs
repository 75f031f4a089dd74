//! Generated trust policies, as people and other tools write them, against an evaluator that decides as IAM does: what
//! narrowing and closing leave, and whether a role is open.

mod common;

use common::assume::{Call, EXTERNAL_ID, OIDC, SAML, STRANGER, calls, is_allowed};
use common::by_hand::{PLATFORM, trust_of};
use orchestera_access::{policy, trust};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

const DELETED: &str = "AROADBQP57FF2AEXAMPLE";
const CASES: u32 = 2_000;

fn principals() -> impl Strategy<Value = Value> {
    let root = format!("arn:aws:iam::{PLATFORM}:root");
    let aws = vec![
        json!("*"),
        json!(root),
        json!(PLATFORM),
        json!(format!("arn:aws:iam::{PLATFORM}:role/x")),
        json!(STRANGER),
        json!(format!("arn:aws:iam::{STRANGER}:role/x")),
        json!("111122223333"),
        json!(DELETED),
    ];
    let aws = subsequence(aws, 1..4).prop_map(|all| match &all[..] {
        [one] => one.clone(),
        all => json!(all),
    });
    prop_oneof![
        8 => aws.clone().prop_map(|aws| json!({"AWS": aws})),
        1 => aws.prop_map(|aws| json!({"AWS": aws, "Service": "ec2.amazonaws.com"})),
        1 => Just(json!("*")),
        1 => Just(json!({"Federated": OIDC})),
        1 => Just(json!({"Federated": [OIDC, SAML]})),
        1 => Just(json!({"Service": ["ec2.amazonaws.com"]})),
    ]
}

fn actions() -> impl Strategy<Value = (&'static str, Value)> {
    let several = vec![
        "sts:AssumeRole",
        "sts:TagSession",
        "sts:SetSourceIdentity",
        "sts:AssumeRoleWithWebIdentity",
        "sts:AssumeRoleWithSAML",
    ];
    prop_oneof![
        4 => select(vec!["sts:AssumeRole", "STS:assumerole", "sts:*", "sts:Assume*", "sts:AssumeRol?", "*", "sts:TagSession"])
            .prop_map(|one| ("Action", json!(one))),
        3 => subsequence(several, 1..4).prop_map(|all| ("Action", json!(all))),
        1 => select(vec!["sts:TagSession", "sts:AssumeRole", "sts:AssumeRoleWith*"]).prop_map(|one| ("NotAction", json!(one))),
    ]
}

fn conditions() -> impl Strategy<Value = Value> {
    let id = || {
        select(vec![
            json!(EXTERNAL_ID),
            json!([EXTERNAL_ID]),
            json!([EXTERNAL_ID, "other"]),
            json!("other"),
            json!("ABC"),
            json!("ab*"),
            json!("*"),
        ])
    };
    let key = select(vec!["sts:ExternalId", "sts:externalid", "STS:ExternalId"]);
    let operator = select(vec![
        "StringEquals",
        "StringEquals",
        "StringEqualsIgnoreCase",
        "StringLike",
        "StringNotEquals",
        "StringNotLike",
        "StringEqualsIfExists",
        "ForAnyValue:StringEquals",
        "ForAllValues:StringEquals",
    ]);
    let on_id = (operator, key, id()).prop_map(|(operator, key, id)| json!({operator: {key: id}}));
    let inside = |mut condition: Value| {
        let keys = condition["StringEquals"].as_object().cloned().unwrap_or_default();
        condition["StringEquals"] = keys.into();
        condition["StringEquals"]["aws:SourceVpc"] = "vpc-1".into();
        condition
    };
    prop_oneof![
        3 => Just(Value::Null),
        1 => Just(json!({})),
        6 => on_id.clone(),
        2 => on_id.prop_map(inside),
        1 => select(vec!["true", "false"]).prop_map(|absent| json!({"Null": {"sts:ExternalId": absent}})),
        1 => Just(inside(json!({}))),
    ]
}

fn statement() -> impl Strategy<Value = Value> {
    let effect = prop_oneof![4 => Just("Allow"), 1 => Just("Deny")];
    let sid = select(vec![None, None, Some("Statement1"), Some("OrchesteraSuspended")]);
    (effect, sid, principals(), actions(), conditions()).prop_map(|(effect, sid, principal, action, condition)| {
        let mut statement = json!({"Effect": effect, "Principal": principal, action.0: action.1});
        if let Some(sid) = sid {
            statement["Sid"] = sid.into();
        }
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        statement
    })
}

/// What our own trust policy becomes by one change, and anything.
fn trust_policy() -> impl Strategy<Value = Value> {
    let ours = trust_of(PLATFORM, Some(EXTERNAL_ID))["Statement"][0].clone();
    let statements = prop_oneof![
        vec(statement(), 1..4),
        vec(statement(), 0..3).prop_map(move |others| [vec![ours.clone()], others].concat()),
    ];
    (statements, select(vec!["2012-10-17", "2008-10-17"])).prop_map(|(statements, version)| {
        let statement = if let [one] = &statements[..] { one.clone() } else { json!(statements) };
        json!({"Version": version, "Statement": statement})
    })
}

#[track_caller]
fn for_every_trust_policy(test: impl Fn(Value) -> Result<(), TestCaseError>) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(config, rng).run(&trust_policy(), test).unwrap_or_else(|error| panic!("{error}"));
}

fn admitted(trust: &Value) -> Vec<Call> {
    calls().into_iter().filter(|call| is_allowed(trust, call)).collect()
}

fn list(statements: &Value) -> Vec<Value> {
    statements.as_array().cloned().unwrap_or_else(|| vec![statements.clone()])
}

#[test]
fn narrowing_leaves_exactly_those_who_were_admitted_and_are_wanted() {
    for wanted in [trust_of(PLATFORM, Some(EXTERNAL_ID)), trust_of(PLATFORM, None)] {
        for_every_trust_policy(|before| {
            let Some(after) = trust::narrowed(&before, &wanted, PLATFORM) else {
                let foreign = admitted(&before).into_iter().find(|call| !is_allowed(&wanted, call));
                prop_assert_eq!(foreign, None, "is admitted still");
                return Ok(());
            };
            for call in calls() {
                let is_kept = is_allowed(&before, &call) && is_allowed(&wanted, &call);
                prop_assert!(is_allowed(&after, &call) == is_kept, "{call:?}: {after}");
            }
            prop_assert!(!after.to_string().contains(DELETED), "IAM would refuse it: {after}");
            prop_assert_eq!(trust::narrowed(&after, &wanted, PLATFORM), None, "a second time");
            Ok(())
        });
    }
}

#[test]
fn closing_leaves_nobody_and_keeps_every_other_statement() {
    for_every_trust_policy(|before| {
        let closed = trust::with_everybody_denied(&before);
        prop_assert_eq!(admitted(&closed), Vec::new());
        prop_assert!(!trust::is_open(&closed) && trust::is_closed_by_us(&closed));
        prop_assert!(!closed.to_string().contains(DELETED), "IAM would refuse it: {closed}");
        prop_assert_eq!(trust::with_everybody_denied(&closed), closed.clone(), "a second time");
        let others = list(&before["Statement"]);
        let changed = |one: &&Value| ["OrchesteraSuspended", DELETED].iter().any(|text| one.to_string().contains(text));
        for statement in others.iter().filter(|one| !changed(one)) {
            prop_assert!(list(&closed["Statement"]).contains(statement), "{statement} is gone from {closed}");
        }
        Ok(())
    });
}

#[test]
fn a_role_that_anybody_can_assume_is_open() {
    for_every_trust_policy(|policy| {
        prop_assert!(admitted(&policy).is_empty() || trust::is_open(&policy), "{policy}");
        let platform = |call: &Call| matches!(call.caller, common::assume::Caller::Role(PLATFORM, _));
        let admits = admitted(&policy).iter().any(platform);
        prop_assert!(!admits || trust::admits(&policy, PLATFORM), "{policy}");
        Ok(())
    });
}

/// The same policy in another spelling: a text for a list of one and the other way round, another order of lists and
/// statements, and another case of actions and condition keys.
fn respelled(trust: &Value) -> Value {
    let wrapped = |value: &Value| match value {
        Value::Array(list) if list.len() == 1 => list[0].clone(),
        Value::Array(list) => list.iter().rev().cloned().collect(),
        one => json!([one]),
    };
    let keys = |keys: &Value| match keys {
        Value::Object(keys) => keys.iter().map(|(key, values)| (key.to_uppercase(), wrapped(values))).collect(),
        other => other.clone(),
    };
    let part = |(name, value): (&String, &Value)| {
        let value = match (name.as_str(), value) {
            ("Action" | "NotAction", value) => {
                wrapped(&serde_json::from_str(&value.to_string().to_uppercase()).unwrap())
            }
            ("Principal", Value::String(_)) => json!({"AWS": value}),
            ("Principal", Value::Object(kinds)) => {
                kinds.iter().map(|(kind, principals)| (kind.clone(), wrapped(principals))).collect()
            }
            ("Condition", Value::Object(operators)) => {
                operators.iter().map(|(operator, of)| (operator.clone(), keys(of))).collect()
            }
            (_, value) => value.clone(),
        };
        (name.clone(), value)
    };
    let statements = list(&trust["Statement"]);
    let statements = statements.iter().rev().map(|one| one.as_object().unwrap().iter().map(part).collect::<Value>());
    json!({"Version": trust["Version"], "Statement": statements.collect::<Vec<_>>()})
}

#[test]
fn a_trust_policy_in_another_spelling_is_the_same_and_the_same_allows_the_same() {
    let before = std::cell::RefCell::new(json!({"Version": "2012-10-17", "Statement": []}));
    let (same, others) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    for_every_trust_policy(|policy| {
        let other = respelled(&policy);
        prop_assert!(policy::same(&policy, &other), "{policy} {other}");
        prop_assert_eq!(admitted(&policy), admitted(&other), "the evaluator reads both alike");
        // Two that were generated alone are seldom the same. If they are, they allow the same.
        let before = before.replace(policy.clone());
        if policy::same(&before, &policy) {
            same.set(same.get() + 1);
            prop_assert_eq!(admitted(&before), admitted(&policy), "{} {}", before, policy);
        } else {
            others.set(others.get() + 1);
        }
        Ok(())
    });
    assert!(others.get() > CASES * 9 / 10, "{} are told apart, {} are the same", others.get(), same.get());
}
