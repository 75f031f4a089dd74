//! The external id that is made once and kept.

use crate::common::by_hand::*;
use crate::common::fake_iam::FakeIam;
use crate::common::faulty_iam::{Fault, FaultyIam};
use crate::common::stack::{ID, ROLE, Stack};
use crate::update::{created, policy};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_blank_external_id_means_the_generated_one_whatever_was_given_in_between() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    let generated = stack.create(json!({})).await.succeeded().get("ExternalId").to_owned();
    let given = json!({"ExternalId": "given"});
    assert_eq!(stack.update(ID, given.clone(), json!({})).await.succeeded().get("ExternalId"), "given");
    let none = json!({"RequireExternalId": "false"});
    assert_eq!(stack.update(ID, none.clone(), given).await.succeeded().get("ExternalId"), "");
    assert_eq!(stack.update(ID, json!({}), none).await.succeeded().get("ExternalId"), generated);
}

#[tokio::test(start_paused = true)]
async fn an_external_id_generated_beside_a_given_one_is_used_when_the_property_becomes_blank() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(json!({"ExternalId": "given"})).await.succeeded();
    let stored = iam.world().role(ROLE).unwrap().tags["orchestera:external-id"].clone();
    let answer = stack.update(ID, json!({}), json!({"ExternalId": "given"})).await.succeeded();
    assert_eq!(answer.get("ExternalId"), stored);
}

#[tokio::test(start_paused = true)]
async fn an_external_id_lost_on_one_object_is_restored_from_the_other() {
    for on_role in [true, false] {
        let iam = FakeIam::default();
        let stack = Stack::new(&iam);
        let generated = stack.create(json!({})).await.succeeded().get("ExternalId").to_owned();
        iam.by_hand(|world| if on_role { role(world).tags.clear() } else { policy(world).tags.clear() });
        assert_eq!(stack.update(ID, json!({}), json!({})).await.succeeded().get("ExternalId"), generated);
        let mut world = iam.world();
        assert_eq!(role(&mut world).tags.clone(), policy(&mut world).tags);
    }
}

#[tokio::test(start_paused = true)]
async fn an_external_id_lost_on_both_is_asked_for_and_never_made_anew() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    iam.by_hand(|world| (role(world).tags.clear(), policy(world).tags.clear()));
    let before = iam.world();
    stack
        .update(ID, json!({}), json!({}))
        .await
        .failed()
        .with_id(ID)
        .saying(&["is lost", "Set ExternalId to the value"]);
    assert_eq!(iam.world(), before);

    let given = json!({"ExternalId": "given"});
    assert_eq!(stack.update(ID, given.clone(), json!({})).await.succeeded().get("ExternalId"), "given");
    assert!(!iam.world().role(ROLE).unwrap().tags.contains_key("orchestera:external-id"));
    stack.update(ID, json!({}), given).await.failed().saying(&["is lost"]);
    stack.update(ID, json!({"RequireExternalId": "false"}), json!({})).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn two_stored_external_ids_that_differ_are_settled_by_the_trust_or_asked_for() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    let generated = stack.create(json!({})).await.succeeded().get("ExternalId").to_owned();
    iam.by_hand(|world| role(world).tags.insert("orchestera:external-id".into(), "forged".into()));
    assert_eq!(stack.update(ID, json!({}), json!({})).await.succeeded().get("ExternalId"), generated);
    assert_eq!(iam.world().role(ROLE).unwrap().tags["orchestera:external-id"], generated);

    iam.by_hand(|world| {
        role(world).tags.insert("orchestera:external-id".into(), "forged".into());
        role(world).trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = json!("else");
    });
    stack.update(ID, json!({}), json!({})).await.failed().saying(&["is lost"]);
}

#[tokio::test(start_paused = true)]
async fn a_stored_external_id_that_sts_would_not_take_counts_as_lost() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    for value in ["", "x", "a b"] {
        iam.by_hand(|world| {
            role(world).tags.insert("orchestera:external-id".into(), value.into());
            policy(world).tags.remove("orchestera:external-id");
        });
        stack.update(ID, json!({}), json!({})).await.failed().saying(&["is lost"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_read_that_misses_an_object_does_not_count_as_a_lost_external_id() {
    for (gone, operation) in [("policy", "GetRole"), ("role", "GetPolicy")] {
        let iam = FakeIam::default();
        Stack::new(&iam).create(json!({})).await.succeeded();
        // What is left of the external id is on the one object that is not seen at first.
        iam.by_hand(|world| match gone {
            "policy" => drop((role(world).attached.clear(), world.policies.clear())),
            _ => world.roles.clear(),
        });
        let before = FakeIam::of(iam.world());
        let faulty = FaultyIam::new(&before).on(operation, 1, Fault::NotSeen);
        Stack::new(&faulty).update(ID, json!({}), json!({})).await.succeeded();
    }
}
