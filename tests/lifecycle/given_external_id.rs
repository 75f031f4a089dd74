//! `ExternalId` on an adopted role: a running platform is not cut off by what was merely present in the properties.

use crate::common::by_hand::*;
use crate::common::drift::{self, fields};
use crate::common::fake_iam::{FakeIam, World, policy_arn};
use crate::common::faulty_iam::{Fault, FaultyIam};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use serde_json::{Value, json};

const TAG: &str = "orchestera:external-id-given";

fn given(id: &str) -> Value {
    json!({"ExternalId": id})
}

/// The same properties in another release of the template.
fn released(properties: &Value) -> Value {
    let mut properties = properties.clone();
    properties["Release"] = "9.9.9".into();
    properties
}

fn trust(iam: &FakeIam) -> Value {
    iam.world().role(ROLE).unwrap().trust.clone()
}

fn is_remembered(iam: &FakeIam) -> bool {
    let world = iam.world();
    let (role, policy) = (world.role(ROLE).unwrap(), world.policy(&policy_arn(POLICY)).unwrap());
    assert_eq!(role.tags.get(TAG), policy.tags.get(TAG));
    role.tags.contains_key(TAG)
}

fn forget(world: &mut World) {
    role(world).tags.remove(TAG);
    world.policies.values_mut().for_each(|policy| drop(policy.tags.remove(TAG)));
}

/// Neither a drift check, nor the same properties again, nor another release finds anything to do about the trust policy.
async fn is_at_rest(iam: &FakeIam, properties: &Value) {
    let before = trust(iam);
    for mode in ["Report", "Repair", "Repair"] {
        let line = drift::line(iam, mode, properties.clone()).await;
        let theirs = |field: &&str| *field != "role.foreignPolicies";
        assert_eq!(fields(&line).into_iter().filter(theirs).collect::<Vec<_>>(), Vec::<&str>::new(), "{mode}");
    }
    let stack = Stack::new(iam);
    stack.update(ID, properties.clone(), properties.clone()).await.succeeded();
    stack.update(ID, released(properties), properties.clone()).await.succeeded();
    assert_eq!(trust(iam), before);
}

#[tokio::test(start_paused = true)]
async fn an_external_id_given_at_create_changes_nothing_of_an_adopted_role_and_is_no_drift() {
    for (came_with, asks_for) in
        [(guides as Furnish, None), (guides_with_everything_different, Some("theirs,with::all@legal+signs"))]
    {
        let iam = furnished(came_with);
        let before = trust(&iam);
        let answer = Stack::new(&iam).create(given("given")).await.succeeded();
        assert_eq!(answer.get("ExternalId"), asks_for.unwrap_or_default(), "what the trust policy asks for");
        is_at_rest(&iam, &given("given")).await;
        assert_eq!(trust(&iam), before);
        // Not even when the tag that remembers it is lost, or was never put, as by an older release.
        iam.by_hand(forget);
        let line = drift::line(&iam, "Repair", given("given")).await;
        assert!(!fields(&line).contains(&"role.trust"), "{line}");
        is_at_rest_after(&iam, released(&given("given")), given("given")).await;
        assert_eq!(trust(&iam), before);
    }
}

async fn is_at_rest_after(iam: &FakeIam, properties: Value, old: Value) {
    Stack::new(iam).update(ID, properties.clone(), old).await.succeeded();
    is_at_rest(iam, &properties).await;
}

#[tokio::test(start_paused = true)]
async fn the_rollback_of_an_update_that_failed_before_it_did_anything_applies_nothing() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(given("first")).await.succeeded();
    let world = iam.world();
    let refused = json!({"ExternalId": "second", "MaxSessionDuration": "1"});
    stack.update(ID, refused.clone(), given("first")).await.failed();
    stack.update(ID, given("first"), refused).await.succeeded();
    assert_eq!(iam.world(), world);
}

#[tokio::test(start_paused = true)]
async fn the_given_external_id_that_somebody_added_by_hand_is_not_taken_off() {
    let iam = furnished(guides);
    Stack::new(&iam).create(given("given")).await.succeeded();
    iam.by_hand(|world| role(world).trust = trust_of(PLATFORM, Some("given")));
    let line = drift::line(&iam, "Repair", given("given")).await;
    assert!(!fields(&line).contains(&"role.trust"), "{line}");
    is_at_rest_after(&iam, released(&given("given")), given("given")).await;
    assert_eq!(trust(&iam), trust_of(PLATFORM, Some("given")));
}

#[tokio::test(start_paused = true)]
async fn an_update_that_gives_another_external_id_applies_it_and_its_rollback_undoes_that() {
    // Before the Update: blank, or an id that was given at Create and so never applied.
    for before in [json!({}), given("first")] {
        let iam = furnished(guides);
        let stack = Stack::new(&iam);
        stack.create(before.clone()).await.succeeded();
        let world = iam.world();
        let answer = stack.update(ID, given("second"), before.clone()).await.succeeded();
        assert_eq!(answer.get("ExternalId"), "second");
        assert_eq!(trust(&iam), trust_of(PLATFORM, Some("second")));
        assert!(is_remembered(&iam));
        is_at_rest(&iam, &given("second")).await;
        stack.update(ID, before.clone(), given("second")).await.succeeded();
        assert_eq!(iam.world(), world, "as before the Update");
        is_at_rest(&iam, &before).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_external_id_that_is_in_force_is_changed_and_changed_back() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    stack.update(ID, given("first"), json!({})).await.succeeded();
    let world = iam.world();
    stack.update(ID, given("second"), given("first")).await.succeeded();
    assert_eq!(trust(&iam), trust_of(PLATFORM, Some("second")));
    stack.update(ID, given("first"), given("second")).await.succeeded();
    assert_eq!(iam.world(), world);
    // Suspended meanwhile, it is the same id again.
    let suspended = json!({"ExternalId": "first", "AccessState": "Suspended"});
    stack.update(ID, suspended.clone(), given("first")).await.succeeded();
    stack.update(ID, given("first"), suspended).await.succeeded();
    assert_eq!(iam.world(), world);
}

#[tokio::test(start_paused = true)]
async fn an_external_id_given_at_create_is_applied_by_way_of_a_blank_one() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(given("given")).await.succeeded();
    stack.update(ID, json!({}), given("given")).await.succeeded();
    assert_eq!(trust(&iam), trust_of(PLATFORM, None));
    stack.update(ID, given("given"), json!({})).await.succeeded();
    assert_eq!(trust(&iam), trust_of(PLATFORM, Some("given")));
    is_at_rest(&iam, &given("given")).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_tag_never_removes_an_existing_condition() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    stack.update(ID, given("given"), json!({})).await.succeeded();
    let asking = trust(&iam);
    // On one object the other's word counts; on both, what the trust policy says. A stack of an older release never had it.
    iam.by_hand(|world| drop(role(world).tags.remove(TAG)));
    for _ in 0..2 {
        let line = drift::line(&iam, "Repair", given("given")).await;
        assert!(!fields(&line).contains(&"role.trust"), "{line}");
        assert_eq!(trust(&iam), asking);
        stack.update(ID, released(&given("given")), given("given")).await.succeeded();
        assert_eq!(trust(&iam), asking);
        assert!(is_remembered(&iam), "and it is remembered again");
        iam.by_hand(forget);
    }
    let suspended = json!({"ExternalId": "given", "AccessState": "Suspended"});
    stack.update(ID, suspended.clone(), given("given")).await.succeeded();
    iam.by_hand(forget);
    stack.update(ID, given("given"), suspended).await.succeeded();
    assert_eq!(trust(&iam), asking);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_applies_an_external_id_is_undone_wherever_it_was_killed() {
    for at in 0..16 {
        for before in [json!({}), given("first")] {
            let iam = furnished(guides);
            Stack::new(&iam).create(before.clone()).await.succeeded();
            let world = iam.world();
            let faulty = FaultyIam::new(&iam).from(at, 1, Fault::Hang);
            Stack::new(&faulty).update(ID, given("second"), before.clone()).await;
            Stack::new(&iam).update(ID, before.clone(), given("second")).await.succeeded();
            assert_eq!(iam.world(), world, "killed at call {at}, before: {before}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_created_role_asks_for_the_external_id_that_was_given_at_create() {
    let iam = FakeIam::default();
    Stack::new(&iam).create(given("given")).await.succeeded();
    assert_eq!(trust(&iam), trust_of(PLATFORM, Some("given")));
    assert!(!is_remembered(&iam), "only adoption has to remember it");
    is_at_rest(&iam, &given("given")).await;
}
