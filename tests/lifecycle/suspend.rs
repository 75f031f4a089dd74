use crate::common::by_hand::*;
use crate::common::fake_iam::{FakeIam, World, policy_arn};
use crate::common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use orchestera_access::reconcile::suspension;
use serde_json::{Value, json};

fn suspended() -> Value {
    json!({"AccessState": "Suspended"})
}

fn allow_everything() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

/// Operations only.
fn operations(iam: &FakeIam) -> Vec<String> {
    iam.writes().iter().map(|write| write.split(' ').next().unwrap().to_owned()).collect()
}

/// Each of the three locks.
#[track_caller]
fn is_shut(iam: &FakeIam) {
    let mut world = iam.world();
    let role = role(&mut world);
    assert_eq!(role.inline[suspension::POLICY_NAME]["Statement"][0]["Effect"], "Deny");
    let denied = json!({"Sid": "OrchesteraSuspended", "Effect": "Deny", "Principal": "*",
        "Action": ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"]});
    assert_eq!(role.trust["Statement"][1], denied);
    assert!(!role.attached.contains(&policy_arn(POLICY)));
}

#[tokio::test(start_paused = true)]
async fn suspending_shuts_three_locks_in_this_order_and_deletes_nothing() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let (before, _) = (iam.world(), iam.writes());
    let answer = stack.update(ID, suspended(), json!({})).await.succeeded().with_id(ID);
    assert_eq!((answer.get("AccessState"), answer.get("Verified")), ("Suspended", "true"));
    assert_eq!(answer.get("ForeignPolicies"), "");
    assert_eq!(operations(&iam), ["PutRolePolicy", "UpdateAssumeRolePolicy", "DetachRolePolicy"]);
    is_shut(&iam);
    let after = iam.world();
    assert_eq!(after.policies, before.policies);
    let allow = |world: &World| world.role(ROLE).unwrap().trust["Statement"][0].clone();
    assert_eq!(allow(&after), allow(&before), "the Allow stays beside the Deny");
}

#[tokio::test(start_paused = true)]
async fn active_opens_them_in_the_reverse_order_and_restores_exactly_what_was() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    iam.by_hand(|world| {
        role(world).inline.insert("theirs".into(), allow_everything());
    });
    let before = iam.world();
    stack.update(ID, suspended(), json!({})).await.succeeded();
    iam.writes();
    let answer = stack.update(ID, json!({}), suspended()).await.succeeded();
    assert_eq!((answer.get("AccessState"), answer.get("Verified")), ("Active", "true"));
    assert_eq!(operations(&iam), ["AttachRolePolicy", "UpdateAssumeRolePolicy", "DeleteRolePolicy"]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_picked_by_hand_is_shut_again_by_the_next_update() {
    type Pick = (&'static str, fn(&mut World), &'static [&'static str]);
    let picks: [Pick; 4] = [
        ("removed", |w| drop(role(w).inline.remove(suspension::POLICY_NAME)), &["PutRolePolicy"]),
        (
            "rewritten",
            |w| drop(role(w).inline.insert(suspension::POLICY_NAME.into(), allow_everything())),
            &["PutRolePolicy"],
        ),
        ("trust", |w| drop(role(w).trust["Statement"].as_array_mut().unwrap().pop()), &["UpdateAssumeRolePolicy"]),
        (
            "attached",
            |w| {
                role(w).attached.insert(policy_arn(POLICY));
            },
            &["DetachRolePolicy"],
        ),
    ];
    for (name, pick, writes) in picks {
        let iam = FakeIam::default();
        let stack = Stack::new(&iam);
        stack.create(suspended()).await.succeeded();
        iam.by_hand(pick);
        iam.writes();
        stack.update(ID, suspended(), suspended()).await.succeeded();
        assert_eq!(operations(&iam), writes, "{name}");
        is_shut(&iam);
        stack.update(ID, suspended(), suspended()).await.succeeded();
        assert!(iam.writes().is_empty(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_created_suspended_is_never_open() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    let answer = stack.create(suspended()).await.succeeded();
    assert_eq!((answer.get("AccessState"), answer.get("Verified")), ("Suspended", "true"));
    assert_eq!(operations(&iam), ["CreatePolicy", "CreateRole", "PutRolePolicy"]);
    is_shut(&iam);
    // The same Create again, as Lambda repeats it.
    stack.create(suspended()).await.succeeded();
    assert!(iam.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn limits_are_in_force_before_a_lock_opens_and_locks_are_shut_before_anything_else() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    let limited = |state: &str| json!({"AccessState": state, "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "PolicyEdition": "2026-02-06"});
    stack.create(suspended()).await.succeeded();
    iam.writes();
    stack.update(ID, limited("Active"), suspended()).await.succeeded();
    let opening = ["AttachRolePolicy", "UpdateAssumeRolePolicy", "DeleteRolePolicy"].map(str::to_owned);
    let written = operations(&iam);
    assert_eq!(written[..4], ["PutRolePermissionsBoundary", "CreatePolicyVersion", "TagPolicy", "TagRole"]);
    assert_eq!(written[4..], opening);
    stack.update(ID, suspended(), limited("Active")).await.succeeded();
    let written = operations(&iam);
    assert_eq!(written[..3], ["PutRolePolicy", "UpdateAssumeRolePolicy", "DetachRolePolicy"]);
    assert_eq!(written.len(), 7, "{written:?}");
}

#[tokio::test(start_paused = true)]
async fn a_suspension_that_cannot_be_finished_stays_as_shut_as_it_is() {
    let iam = FakeIam::default();
    Stack::new(&iam).create(json!({})).await.succeeded();
    let faulty = FaultyIam::new(&iam).on("DetachRolePolicy", FOR_EVER, Fault::Refuse("AccessDenied"));
    Stack::new(&faulty)
        .update(ID, suspended(), json!({}))
        .await
        .failed()
        .saying(&["DetachRolePolicy", "not allowed"])
        .with_id(ID);
    let mut world = iam.world();
    assert!(role(&mut world).inline.contains_key(suspension::POLICY_NAME));
    // The rollback opens it again, because the stack's properties do.
    Stack::new(&iam).update(ID, json!({}), suspended()).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().inline.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_pair_is_deleted_whole() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(suspended()).await.succeeded();
    stack.delete(ID, suspended()).await.succeeded();
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn a_suspended_pair_that_is_retained_stays_shut_and_that_is_said() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(suspended()).await.succeeded();
    let retained = json!({"AccessState": "Suspended", "OnDelete": "Retain"});
    stack.delete(ID, retained).await.succeeded().saying(&["the platform still has no access"]);
    is_shut(&iam);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_role_without_our_tags_is_left_as_shut_as_it_is() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(suspended()).await.succeeded();
    iam.by_hand(|world| {
        role(world).tags.clear();
        world.policies.get_mut(&policy_arn(POLICY)).unwrap().tags.clear();
    });
    let before = iam.world();
    stack.delete(ID, suspended()).await.succeeded().saying(&["was not changed"]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn the_switch_works_although_its_target_marked_the_role_as_anothers() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    iam.by_hand(|world| {
        role(world).tags.insert("orchestera:stack-id".into(), "arn:of:another".into());
    });
    iam.writes();
    stack
        .update(ID, suspended(), json!({}))
        .await
        .failed()
        .with_id(ID)
        .saying(&["belongs to resource Access of the stack"]);
    assert_eq!(operations(&iam), ["PutRolePolicy"]);
    // The rollback does not lift it: whose the role is has to be settled by a person.
    stack.update(ID, json!({}), suspended()).await.failed();
    stack.update(ID, suspended(), json!({})).await.failed();
    assert!(iam.writes().is_empty());
    assert!(iam.world().role(ROLE).unwrap().inline.contains_key(suspension::POLICY_NAME));
}

#[tokio::test(start_paused = true)]
async fn the_switch_needs_no_external_id() {
    for id in [None, Some("x"), Some("changed")] {
        let iam = FakeIam::default();
        let stack = Stack::new(&iam);
        stack.create(json!({})).await.succeeded();
        let trust = iam.world().role(ROLE).unwrap().trust.clone();
        iam.by_hand(|world| {
            let policy = &mut world.policies.get_mut(&policy_arn(POLICY)).unwrap().tags;
            for (tags, differing) in [(&mut world.roles.values_mut().next().unwrap().tags, "1"), (policy, "2")] {
                tags.remove("orchestera:external-id");
                tags.extend(id.map(|id| ("orchestera:external-id".to_owned(), format!("{id}{differing}"))));
            }
        });
        let answer = stack.update(ID, suspended(), json!({})).await.succeeded();
        assert_eq!((answer.get("ExternalId"), answer.get("Verified")), ("", "true"), "{id:?}");
        is_shut(&iam);
        assert_eq!(iam.world().role(ROLE).unwrap().trust["Statement"][0], trust["Statement"][0]);
        stack.update(ID, json!({}), suspended()).await.failed().saying(&["is lost", "continue-update-rollback"]);
        is_shut(&iam);
    }
}

#[tokio::test(start_paused = true)]
async fn the_switch_works_although_the_policy_has_no_room_and_says_that_it_was_adopted() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    // The grantee marks the policy as adopted and fills it up.
    iam.by_hand(|world| {
        let policy = world.policies.get_mut(&policy_arn(POLICY)).unwrap();
        policy.tags.insert("orchestera:ownership".into(), "adopted".into());
        for _ in 0..4 {
            add_version(world, some_document("*"), true);
        }
    });
    let suspended = json!({"AccessState": "Suspended"});
    stack
        .update(ID, suspended, json!({}))
        .await
        .failed()
        .saying(&["has 5 versions", "the kill switch's Deny is on the role"]);
    assert!(iam.world().role(ROLE).unwrap().inline.contains_key("OrchesteraSuspended"));
}

#[tokio::test(start_paused = true)]
async fn the_switch_leaves_a_strangers_role_that_the_platform_can_do_nothing_with() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    iam.by_hand(|world| {
        world.roles.clear();
        foreign_role(world);
    });
    let before = iam.world();
    stack
        .update(ID, json!({"AccessState": "Suspended"}), json!({}))
        .await
        .failed()
        .saying(&["this stack did not create it"]);
    assert_eq!(iam.world(), before);
}
