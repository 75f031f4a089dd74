//! The assessment of an account, in the states of the function's own fault tests and in others: beside the drift check,
//! and beside what `verify` claims.

#![allow(dead_code, unused_imports, reason = "the modules are shared with tests that use more of them")]

#[path = "../../../../tests/common/assume.rs"]
mod assume;
#[path = "../../../../tests/common/by_hand.rs"]
mod by_hand;
mod claims;
#[path = "../../../../tests/common/fake_iam.rs"]
mod fake_iam;
#[path = "../../../../tests/common/fake_sts.rs"]
mod fake_sts;
mod reached;
#[path = "../../../../tests/common/runbook.rs"]
mod runbook;
mod scene;
#[path = "../../../../tests/common/stack.rs"]
mod stack;
#[path = "../../../../tests/faults/states.rs"]
mod states;

/// The paths by which `states` finds the rest.
mod common {
    pub(crate) use super::{assume, by_hand, fake_iam, stack};
}

use by_hand::{in_the_trust, role, some_document};
use fake_iam::{World, policy_arn};
use orchestera_access::goal;
use orchestera_access::ownership::{EXTERNAL_ID_GIVEN, Resource};
use orchestera_access::reconcile::drift;
use scene::{GIVEN_ID, Scene};
use serde_json::{Value, json};
use stack::POLICY;
use states::Before;
use std::collections::BTreeSet;

/// The properties that a stack can have. What they say of the boundary exists.
pub fn properties() -> Vec<Value> {
    vec![
        json!({}),
        json!({"AccessState": "Suspended"}),
        json!({"PolicyEdition": "2026-02-06"}),
        json!({"ExternalId": GIVEN_ID}),
        json!({"ExternalId": GIVEN_ID, "AccessState": "Suspended"}),
        json!({"RequireExternalId": "false"}),
        json!({"MaxSessionDuration": "7200", "PermissionsBoundaryArn": policy_arn("Theirs")}),
        json!({"MemberAccountId": fake_iam::ACCOUNT}),
        json!({"Tags": "Owner=me,cost=a=b"}),
    ]
}

/// What people do by hand to a role that is a stack's.
type Hand = (&'static str, fn(&mut World));

fn hands() -> Vec<Hand> {
    vec![
        ("nothing", |_| {}),
        ("detached", |world| role(world).attached.clear()),
        ("attached", by_hand::attach),
        ("the role's tags", |world| role(world).tags.clear()),
        ("the policy's tags", |world| world.policies.values_mut().for_each(|policy| policy.tags.clear())),
        ("without the customer's tags", |world| {
            role(world).tags.retain(|key, _| key.starts_with("orchestera:"));
        }),
        ("one tag", |world| drop(role(world).tags.insert("orchestera:ownership".into(), "theirs".into()))),
        ("another stack's", |world| drop(role(world).tags.insert("orchestera:logical-id".into(), "Another".into()))),
        ("another account in the trust", |world| {
            in_the_trust(world, json!({"AWS": "arn:aws:iam::444455556666:root"}), "sts:AssumeRole");
        }),
        ("everybody in the trust", |world| {
            in_the_trust(world, json!("*"), "sts:AssumeRole");
        }),
        ("a provider in the trust", |world| {
            in_the_trust(world, json!({"Federated": assume::OIDC}), "sts:AssumeRoleWithWebIdentity");
        }),
        ("without external id", |world| role(world).trust["Statement"][0]["Condition"] = json!({})),
        ("another external id", |world| {
            role(world).trust["Statement"][0]["Condition"] = json!({"StringEquals": {"sts:ExternalId": "theirs"}});
        }),
        ("a longer session", |world| role(world).max_session_duration = 43200),
        ("without boundary", |world| role(world).permissions_boundary = None),
        ("another boundary", |world| role(world).permissions_boundary = Some(policy_arn("Other"))),
        ("an inline policy", |world| drop(role(world).inline.insert("theirs".into(), some_document("s3:*")))),
        ("a managed policy", |world| {
            role(world).attached.insert(policy_arn("Theirs"));
        }),
        ("another document", |world| by_hand::add_version(world, some_document("iam:*"), true)),
        ("without the policy", |world| {
            role(world).attached.clear();
            world.policies.remove(&policy_arn(POLICY));
        }),
        ("the deny", |world| {
            role(world)
                .inline
                .insert("OrchesteraSuspended".into(), orchestera_access::reconcile::suspension::document());
        }),
        ("without the deny", |world| drop(role(world).inline.remove("OrchesteraSuspended"))),
    ]
}

/// What the drift check of that stack would log, without the one tag that depends on a parameter that nobody can read.
fn of_drift_check(scene: &Scene) -> BTreeSet<&'static str> {
    let desired = goal::of_drift_check(&scene.properties, &scene.own, &scene::of(&scene.own)).unwrap();
    let without_given = |tags: &Value| {
        let mut tags = tags.clone();
        tags.as_object_mut().map(|tags| tags.remove(EXTERNAL_ID_GIVEN));
        tags
    };
    drift::differences(&desired, &scene.observed)
        .into_iter()
        .filter(|it| !it.field.ends_with(".tags") || without_given(&it.desired) != without_given(&it.found))
        .map(|it| it.field)
        .collect()
}

/// `None` if both name the same fields.
fn disagreement(name: &str, scene: &Scene) -> Option<String> {
    let said: BTreeSet<_> = scene.assess().differences.iter().map(|difference| difference.field).collect();
    let checked = of_drift_check(scene);
    (said != checked).then(|| format!("{name}: {said:?} instead of {checked:?}"))
}

#[test]
fn in_every_state_of_a_stack_the_assessment_names_the_fields_that_the_drift_check_names() {
    let (mut compared, mut fields, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for properties in properties() {
        for furnish in [|_: &mut World| {}, by_hand::guides] {
            for (hand, change) in hands() {
                let scene = Scene::created(furnish, &properties, change);
                wrong.extend(disagreement(&format!("{properties}, {hand}"), &scene));
                fields.extend(of_drift_check(&scene));
                compared += 1;
            }
        }
    }
    for (name, before) in states::states() {
        // Where both objects have lost the generated external id, the one of the outputs may also have been given.
        if let Before::Created(furnish, properties, since) = before
            && !name.contains("without external id")
        {
            let scene = Scene::created(furnish, &properties, since);
            if scene.observed.role.is_some() {
                wrong.extend(disagreement(name, &scene));
                compared += 1;
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(compared > 300, "{compared}");
    let all = [
        "owner",
        "policy",
        "policy.document",
        "policy.tags",
        "role.attachment",
        "role.foreignPolicies",
        "role.maxSessionDuration",
        "role.permissionsBoundary",
        "role.suspension",
        "role.tags",
        "role.trust",
    ];
    assert_eq!(fields, BTreeSet::from(all));
}
