//! Closing a role: at the Delete of a role of ours that lost its tags, and by the kill switch, whatever others wrote into it.

use crate::common::assume;
use crate::common::by_hand::*;
use crate::common::fake_iam::{FakeIam, World, policy_arn};
use crate::common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use orchestera_access::reconcile::suspension;
use serde_json::{Value, json};

const ROOT: &str = "arn:aws:iam::017059471480:root";
/// As IAM shows a role and a user that have been deleted.
const DELETED: [&str; 2] = ["AROADBQP57FF2AEXAMPLE", "AIDACKCEVSQ6C2EXAMPLE"];

async fn created(iam: &FakeIam) -> Stack<'_, FakeIam> {
    let stack = Stack::new(iam);
    stack.create(json!({})).await.succeeded();
    stack
}

fn suspended() -> Value {
    json!({"AccessState": "Suspended"})
}

fn deny() -> Value {
    json!({"Sid": "OrchesteraSuspended", "Effect": "Deny", "Principal": "*",
        "Action": ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"]})
}

/// The inline Deny, the trust policy, the detached policy.
fn locks(iam: &FakeIam) -> [bool; 3] {
    let role = role(&mut iam.world()).clone();
    let deny_on_role = role.inline.get(suspension::POLICY_NAME) == Some(&suspension::document());
    [deny_on_role, !assume::is_open(&role.trust), !role.attached.contains(&policy_arn(POLICY))]
}

fn lose_the_external_id(world: &mut World) {
    role(world).tags.remove("orchestera:external-id");
    world.policies.get_mut(&policy_arn(POLICY)).unwrap().tags.remove("orchestera:external-id");
}

/// Each way into a role that a trust policy can open.
fn ways_in() -> Vec<(&'static str, Value)> {
    let allow = |principal: Value, action: &str| json!({"Effect": "Allow", "Principal": principal, "Action": action});
    vec![
        ("the platform", allow(json!({"AWS": PLATFORM}), "sts:AssumeRole")),
        ("another account", allow(json!({"AWS": "999988887777"}), "sts:AssumeRole")),
        ("the role's own account", allow(json!({"AWS": "arn:aws:iam::111122223333:root"}), "sts:*")),
        ("a service", allow(json!({"Service": "ec2.amazonaws.com"}), "sts:AssumeRole")),
        ("an OIDC provider", allow(json!({"Federated": assume::OIDC}), "sts:AssumeRoleWithWebIdentity")),
        ("a SAML provider", allow(json!({"Federated": assume::SAML}), "sts:AssumeRoleWithSAML")),
        ("everybody", allow(json!("*"), "*")),
    ]
}

#[tokio::test(start_paused = true)]
async fn whatever_way_into_a_role_of_ours_without_tags_is_open_all_three_locks_are_closed() {
    let older_deny =
        json!({"Sid": "OrchesteraSuspended", "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"});
    for beside in [None, Some(trust_of(PLATFORM, None)["Statement"][0].clone()), Some(older_deny)] {
        for (name, way) in ways_in() {
            let name = format!("{name}, beside {beside:?}");
            let iam = FakeIam::default();
            let stack = created(&iam).await;
            iam.by_hand(|world| {
                let role = world.role_mut(ROLE).unwrap();
                role.tags.clear();
                role.trust["Statement"] = json!(beside.iter().chain([&way]).collect::<Vec<_>>());
            });
            stack
                .delete(ID, json!({}))
                .await
                .failed()
                .saying(&["all access was denied", "OrchesteraSuspended denies everything"]);
            let role = iam.world().role(ROLE).unwrap().clone();
            assert_eq!(locks(&iam), [true; 3], "{name}");
            stack.delete(ID, json!({})).await.succeeded();
            assert_eq!(iam.world().role(ROLE), Some(&role), "{name}: nothing is deleted");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_of_ours_without_tags_is_closed_although_its_trust_names_deleted_principals() {
    let [deleted, another] = DELETED;
    let statement = |principal: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
    for (there, closed) in [
        (json!([statement(json!({"AWS": deleted}))]), json!([])),
        (json!(statement(json!({"AWS": [deleted, ROOT]}))), json!([statement(json!({"AWS": [ROOT]}))])),
        (
            json!([statement(json!({"AWS": ROOT})), statement(json!({"AWS": [deleted, another]}))]),
            json!([statement(json!({"AWS": ROOT}))]),
        ),
        // IAM has no room for the Deny beside it.
        (json!([statement(json!({"AWS": vec![ROOT; 56]}))]), json!([])),
    ] {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        iam.by_hand(|world| {
            let role = world.role_mut(ROLE).unwrap();
            role.tags.clear();
            role.trust["Statement"] = there.clone();
        });
        stack.delete(ID, json!({})).await.failed().saying(&["all access was denied"]);
        let role = iam.world().role(ROLE).unwrap().clone();
        let closed = [closed.as_array().unwrap().clone(), vec![deny()]].concat();
        assert_eq!(role.trust["Statement"], json!(closed), "{there}");
        assert_eq!(locks(&iam), [true; 3], "{there}");
        stack.delete(ID, json!({})).await.succeeded();
    }
}

#[tokio::test(start_paused = true)]
async fn no_lock_waits_for_another_when_a_delete_closes_a_role_and_the_reason_says_which_are_in_place() {
    for (operation, not_in_place) in LOCKS {
        for fault in [|| Fault::Refuse("LimitExceeded"), || Fault::Refuse("AccessDenied"), || Fault::Hang] {
            let iam = FakeIam::default();
            created(&iam).await;
            iam.by_hand(|world| world.role_mut(ROLE).unwrap().tags.clear());
            let faulty = FaultyIam::new(&iam).on(operation, FOR_EVER, fault());
            let answer = Stack::new(&faulty).delete(ID, json!({})).await.failed();
            if answer.reason.contains("could not be read") {
                assert!(matches!(fault(), Fault::Hang), "{}", answer.reason);
            } else {
                answer.saying(&["Locks in place:", "Locks not in place:", not_in_place]);
            }
            assert_eq!(locks(&iam), LOCKS.map(|(one, _)| one != operation), "{operation}");
            // What was in the way is put right: the next Deletes finish.
            let stack = Stack::new(&iam);
            if stack.delete(ID, json!({})).await.status == "FAILED" {
                stack.delete(ID, json!({})).await.succeeded();
            }
            assert_eq!(locks(&iam), [true; 3], "{operation}");
        }
    }
}

/// The call of each lock, and what the Reason says where it is not in place.
const LOCKS: [(&str, &str); 3] = [
    ("PutRolePolicy", "the kill switch's Deny, the inline policy OrchesteraSuspended, is not on the role"),
    ("UpdateAssumeRolePolicy", "the role's trust policy does not deny everybody"),
    ("DetachRolePolicy", "the policy OrchesteraAccessPolicy is still attached to the role"),
];

#[tokio::test(start_paused = true)]
async fn no_lock_of_the_kill_switch_waits_for_another_and_the_reason_says_which_are_in_place() {
    for (operation, not_in_place) in LOCKS {
        for fault in [|| Fault::Refuse("LimitExceeded"), || Fault::Refuse("AccessDenied"), || Fault::Hang] {
            let iam = FakeIam::default();
            created(&iam).await;
            let faulty = FaultyIam::new(&iam).on(operation, FOR_EVER, fault());
            let answer = Stack::new(&faulty).update(ID, suspended(), json!({})).await.failed().with_id(ID);
            if answer.reason.contains("could not be read") {
                assert!(matches!(fault(), Fault::Hang), "{}", answer.reason);
            } else {
                answer.saying(&["Locks in place:", "Locks not in place:", not_in_place]);
            }
            assert_eq!(locks(&iam), LOCKS.map(|(one, _)| one != operation), "{operation}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_kill_switch_works_whatever_others_wrote_into_the_trust_policy() {
    let allow = |principal: Value, action: &str| json!({"Effect": "Allow", "Principal": principal, "Action": action});
    let theirs = |sid: &str| json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole"});
    for (name, others) in [
        ("a deleted role", json!([allow(json!({"AWS": DELETED[0]}), "sts:AssumeRole")])),
        ("deleted beside living", json!([allow(json!({"AWS": [DELETED[1], ROOT]}), "sts:AssumeRole")])),
        (
            "a denied one that was deleted",
            json!([{"Effect": "Deny", "Principal": {"AWS": DELETED}, "Action": "sts:AssumeRole"}]),
        ),
        ("an identity provider", json!([allow(json!({"Federated": assume::OIDC}), "sts:AssumeRoleWithWebIdentity")])),
        ("our own Sid", json!([theirs("OrchesteraSuspended")])),
        ("no room", json!([allow(json!({"AWS": vec![ROOT; 56]}), "sts:AssumeRole")])),
    ] {
        // Without the external id nobody can say what else the trust policy is to hold: what is there stays beside the Deny.
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        iam.by_hand(|world| {
            lose_the_external_id(world);
            role(world).trust["Statement"] = others;
        });
        stack.update(ID, suspended(), json!({})).await.succeeded();
        assert_eq!(locks(&iam), [true; 3], "{name}: {}", iam.world().role(ROLE).unwrap().trust);
        iam.writes();
        stack.update(ID, suspended(), suspended()).await.succeeded();
        assert!(iam.writes().is_empty(), "{name}: it comes to rest");
        let given = json!({"ExternalId": "given"});
        stack.update(ID, given, suspended()).await.succeeded();
        assert_eq!(iam.world().role(ROLE).unwrap().trust, trust_of(PLATFORM, Some("given")), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_of_an_adopted_role_is_restored_whatever_others_wrote_meanwhile() {
    let iam = furnished(guides);
    let before = iam.world();
    let stack = created(&iam).await;
    let recorded = iam.world().role(ROLE).unwrap().tags["orchestera:before-trust"].clone();
    iam.by_hand(|world| {
        let deleted = json!({"Effect": "Allow", "Principal": {"AWS": DELETED}, "Action": "sts:AssumeRole"});
        role(world).trust["Statement"].as_array_mut().unwrap().push(deleted);
    });
    stack.update(ID, suspended(), json!({})).await.succeeded();
    assert_eq!(locks(&iam), [true; 3]);
    assert_eq!(iam.world().role(ROLE).unwrap().tags["orchestera:before-trust"], recorded);
    stack.update(ID, json!({}), suspended()).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().trust, before.role(ROLE).unwrap().trust);
    stack.delete(ID, json!({})).await.succeeded();
    assert_eq!(iam.world().role(ROLE), before.role(ROLE));
}

#[tokio::test(start_paused = true)]
async fn a_trust_policy_that_iam_refuses_all_the_same_becomes_the_deny_alone() {
    // At the kill switch, and at a Delete that closes.
    let iam = FakeIam::default();
    created(&iam).await;
    let faulty = FaultyIam::new(&iam).on("UpdateAssumeRolePolicy", 1, Fault::Refuse("MalformedPolicyDocument"));
    Stack::new(&faulty).update(ID, suspended(), json!({})).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().trust["Statement"], json!([deny()]));
    assert_eq!(locks(&iam), [true; 3]);
    let stack = Stack::new(&iam);
    iam.writes();
    stack.update(ID, suspended(), suspended()).await.succeeded();
    assert!(iam.writes().is_empty(), "that is all that Suspended wants");
    stack.update(ID, json!({}), suspended()).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().trust["Statement"].as_array().map(Vec::len), Some(1), "open again");

    iam.by_hand(|world| role(world).tags.clear());
    let faulty = FaultyIam::new(&iam).on("UpdateAssumeRolePolicy", 1, Fault::Refuse("MalformedPolicyDocument"));
    Stack::new(&faulty).delete(ID, json!({})).await.failed().saying(&["all access was denied"]);
    assert_eq!(iam.world().role(ROLE).unwrap().trust["Statement"], json!([deny()]));
    assert_eq!(locks(&iam), [true; 3]);
    stack.delete(ID, json!({})).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn the_kill_switch_closes_a_role_of_ours_whatever_else_is_refused() {
    let closed = ["Locks in place: the kill switch's Deny is on the role", "the role's trust policy denies everybody"];
    // The policy is another stack's.
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| {
        let policy = world.policies.get_mut(&policy_arn(POLICY)).unwrap();
        policy.tags.insert("orchestera:stack-id".into(), "arn:of:another".into());
    });
    stack.update(ID, suspended(), json!({})).await.failed().saying(&closed).saying(&["belongs to resource"]);
    assert_eq!(locks(&iam), [true; 3]);
    // A tag that the role had before it was adopted is in the way.
    let iam = furnished(guides);
    let stack = created(&iam).await;
    let properties = json!({"AccessState": "Suspended", "Tags": [{"Key": "Team", "Value": "other"}]});
    stack.update(ID, properties, json!({})).await.failed().saying(&closed).saying(&["Remove that from Tags"]);
    assert_eq!(locks(&iam), [true; 3]);
}

#[tokio::test(start_paused = true)]
async fn the_deny_of_an_older_release_is_completed_by_the_next_update() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(suspended()).await.succeeded();
    iam.by_hand(|world| role(world).trust["Statement"][1]["Action"] = "sts:AssumeRole".into());
    stack.update(ID, suspended(), suspended()).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().trust["Statement"][1], deny());
    stack.update(ID, json!({}), suspended()).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().trust["Statement"].as_array().map(Vec::len), Some(1));
}
