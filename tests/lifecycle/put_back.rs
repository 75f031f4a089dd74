use crate::common::by_hand::*;
use crate::common::fake_iam::{FakeIam, World, policy_arn, tags};
use crate::common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use aws_smithy_types::base64;
use orchestera_access::iam::{Tags, Write};
use orchestera_access::reconcile::suspension;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_restoration_that_died_half_way_is_carried_to_the_end() {
    for operation in [
        "SetDefaultPolicyVersion",
        "DeletePolicyVersion",
        "PutRolePermissionsBoundary",
        "UpdateRole",
        "DetachRolePolicy",
        "UntagRole",
        "UntagPolicy",
    ] {
        let iam = furnished(guides_with_everything_different);
        let before = iam.world();
        Stack::new(&iam).create(json!({})).await.succeeded();
        let dying = FaultyIam::new(&iam).on(operation, 1, Fault::Panic);
        Stack::new(&dying).delete(ID, json!({})).await.failed().with_id(ID);
        Stack::new(&iam).delete(ID, json!({})).await.succeeded();
        assert_eq!(iam.world(), before.unnumbered_like(&iam.world()), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_copy_of_a_create_that_adopted_puts_nothing_back() {
    let iam = furnished(guides);
    Stack::new(&iam).create(json!({})).await.succeeded();
    iam.by_hand(|world| role(world).attached.clear());
    let before = iam.world();
    let faulty = FaultyIam::new(&iam).on("AttachRolePolicy", FOR_EVER, Fault::Refuse("AccessDenied"));
    Stack::new(&faulty).create(json!({})).await.failed();
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn delete_all_takes_what_was_adopted_only_after_an_update_has_said_so() {
    let (all, created) = (json!({"OnDelete": "DeleteAll"}), json!({}));
    let iam = furnished(guides);
    let before = iam.world();
    let stack = Stack::new(&iam);
    stack.create(all.clone()).await.succeeded();
    stack.delete(ID, all.clone()).await.succeeded().saying(&["restored to its earlier state"]);
    assert_eq!(iam.world(), before, "given at Create it is not in force");

    stack.create(created.clone()).await.succeeded();
    stack.update(ID, all.clone(), created.clone()).await.succeeded();
    stack.update(ID, created.clone(), all.clone()).await.succeeded();
    stack.delete(ID, created.clone()).await.succeeded().saying(&["restored to its earlier state"]);
    assert_eq!(iam.world(), before, "another value takes it back");

    stack.create(created.clone()).await.succeeded();
    stack.update(ID, all.clone(), created.clone()).await.succeeded();
    stack.delete(ID, all.clone()).await.succeeded();
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn retain_leaves_what_was_adopted_as_it_is_now_and_takes_our_tags_and_the_record_off() {
    let iam = furnished(guides_with_everything_different);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let mut expected = iam.world();
    let keep = |tags: &mut Tags| tags.retain(|key, _| !key.starts_with("orchestera:"));
    keep(&mut role(&mut expected).tags);
    keep(&mut expected.policies.get_mut(&policy_arn(POLICY)).unwrap().tags);
    stack.delete(ID, json!({"OnDelete": "Retain"})).await.succeeded();
    assert_eq!(iam.world(), expected);
}

#[tokio::test(start_paused = true)]
async fn no_version_that_was_there_before_is_pruned_and_none_that_somebody_added_since_is_deleted() {
    let iam = furnished(guides);
    iam.by_hand(|world| {
        add_version(world, some_document("s3:*"), true);
        add_version(world, some_document("sqs:*"), true);
        add_version(world, some_document("ec2:*"), true);
    });
    let before = iam.world();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let adopted = iam.world();
    let another = json!({"PolicyEdition": "2026-02-06"});
    stack.update(ID, another.clone(), json!({})).await.failed().with_id(ID).saying(&[
        "The adopted policy OrchesteraAccessPolicy in account 111122223333 cannot be changed",
        "--version-id v1)",
    ]);
    assert_eq!(iam.world(), adopted);
    iam.by_hand(|world| {
        world.write(&Write::DeletePolicyVersion { policy_arn: policy_arn(POLICY), version_id: "v1".into() }).unwrap();
    });
    stack.update(ID, another.clone(), json!({})).await.succeeded();
    // Five again: of these only v5, which was ours, may go.
    stack.update(ID, json!({}), another.clone()).await.succeeded();
    let versions = |iam: &FakeIam| -> Vec<u32> {
        iam.world().policy(&policy_arn(POLICY)).unwrap().versions.iter().map(|(number, _)| *number).collect()
    };
    assert_eq!(versions(&iam), [2, 3, 4, 6, 7]);
    iam.by_hand(|world| {
        world.write(&Write::DeletePolicyVersion { policy_arn: policy_arn(POLICY), version_id: "v6".into() }).unwrap();
        add_version(world, some_document("kms:*"), true);
    });
    stack.delete(ID, json!({})).await.succeeded().saying(&["Somebody else added v8, which still exists"]);
    assert_eq!(versions(&iam), [2, 3, 4, 8]);
    let policy = iam.world().policy(&policy_arn(POLICY)).unwrap().clone();
    assert_eq!((policy.default, policy.tags), (4, before.policy(&policy_arn(POLICY)).unwrap().tags.clone()));
}

#[tokio::test(start_paused = true)]
async fn the_version_in_force_before_that_is_gone_leaves_the_policy_as_it_is_and_that_is_said() {
    let iam = furnished(guides);
    iam.by_hand(|world| add_version(world, some_document("s3:*"), true));
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    iam.by_hand(|world| {
        world.write(&Write::DeletePolicyVersion { policy_arn: policy_arn(POLICY), version_id: "v2".into() }).unwrap();
    });
    stack
        .delete(ID, json!({}))
        .await
        .succeeded()
        .saying(&["earlier state cannot be restored", "v3 as the default version"]);
    assert_eq!(iam.world().policy(&policy_arn(POLICY)).unwrap().default, 3);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_object_that_lost_its_tags_is_still_known_by_the_other_and_never_deleted() {
    for lost in ["role", "policy"] {
        let iam = furnished(guides);
        let stack = Stack::new(&iam);
        stack.create(json!({})).await.succeeded();
        iam.by_hand(|world| match lost {
            "role" => role(world).tags.clear(),
            _ => world.policies.get_mut(&policy_arn(POLICY)).unwrap().tags.clear(),
        });
        let answer = stack.update(ID, json!({}), json!({})).await.succeeded();
        assert_eq!(answer.get("Ownership"), "adopted");
        assert_eq!(iam.world().role(ROLE).unwrap().tags["orchestera:ownership"], "adopted");
        stack.delete(ID, json!({})).await.succeeded().saying(&["Its present state was kept", "our tags were removed"]);
        let world = iam.world();
        assert!(world.role(ROLE).is_some() && world.policy(&policy_arn(POLICY)).is_some(), "{lost}");
        assert!(!world.role(ROLE).unwrap().tags.contains_key("orchestera:stack-id"), "{lost}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_adopted_role_without_our_tags_is_not_shut_by_a_delete() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    iam.by_hand(|world| role(world).tags.clear());
    let trust = iam.world().role(ROLE).unwrap().trust.clone();
    stack.delete(ID, json!({})).await.succeeded().saying(&["The role OrchesteraAccessRole", "was not changed"]);
    assert_eq!(iam.world().role(ROLE).unwrap().trust, trust);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_role_that_is_suspended_stays_shut_when_its_stack_is_deleted() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    let suspended = json!({"AccessState": "Suspended"});
    stack.create(json!({})).await.succeeded();
    stack.update(ID, suspended.clone(), json!({})).await.succeeded();
    let shut = iam.world().role(ROLE).unwrap().clone();
    stack.delete(ID, suspended.clone()).await.succeeded().saying(&["stays suspended"]);
    let left = iam.world().role(ROLE).unwrap().clone();
    assert_eq!((&left.trust, &left.inline, &left.attached), (&shut.trust, &shut.inline, &shut.attached));
    assert!(left.inline.contains_key(suspension::POLICY_NAME));
    assert_eq!(left.tags, tags([("Team", "data")]));
    let writes = iam.writes();
    stack.delete(ID, suspended).await.succeeded();
    assert!(iam.writes().is_empty(), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_pair_under_an_id_that_an_earlier_release_replaced_is_put_back_by_the_delete_of_that_id() {
    let iam = furnished(guides_with_everything_different);
    let before = iam.world();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let renamed = json!({"RoleName": "R", "PolicyName": "P"});
    let answer = stack.renamed_by_release_0_4_0(renamed).await;
    assert_eq!(answer.get("Ownership"), "created");
    stack.delete(ID, json!({})).await.succeeded();
    let mut after = iam.world();
    assert!(after.roles.remove("r").is_some() && after.policies.remove(&policy_arn("P")).is_some());
    assert_eq!(after, before.unnumbered_like(&after));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_adopted_role_stays_shut_although_its_delete_has_to_look_twice() {
    for (operation, code) in
        [("UntagRole", "ConcurrentModification"), ("UntagPolicy", "AccessDenied"), ("UpdateRole", "Throttling")]
    {
        let iam = furnished(guides);
        iam.by_hand(|world| role(world).max_session_duration = 7200);
        let stack = Stack::new(&iam);
        let suspended = json!({"AccessState": "Suspended"});
        stack.create(json!({})).await.succeeded();
        stack.update(ID, suspended.clone(), json!({})).await.succeeded();
        let faulty = FaultyIam::new(&iam).on(operation, 2, Fault::Refuse(code));
        Stack::new(&faulty).delete(ID, suspended.clone()).await.succeeded().saying(&["stays suspended"]);
        let left = iam.world().role(ROLE).unwrap().clone();
        assert!(left.inline.contains_key(suspension::POLICY_NAME) && left.attached.is_empty(), "{operation}");
        assert_eq!(left.trust["Statement"][1]["Effect"], "Deny", "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_we_made_is_never_taken_for_adopted_whatever_its_tags_say() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    let boundary = json!({"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"});
    let external_id = stack.create(boundary.clone()).await.succeeded().get("ExternalId").to_owned();
    // Taken from a real adoption, as whoever holds the role may write it.
    let other = furnished(guides);
    Stack::new(&other).create(json!({})).await.succeeded();
    let forged: Tags = other.world().role(ROLE).unwrap().tags.clone();
    let forged = forged.into_iter().filter(|(key, _)| key.contains(":before-") || key.ends_with(":ownership"));
    iam.by_hand(|world| role(world).tags.extend(forged));
    stack.update(ID, boundary.clone(), json!({})).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().trust, trust_of(PLATFORM, Some(&external_id)));
    stack.delete(ID, boundary).await.succeeded();
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_would_let_in_somebody_else_is_not_put_back() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let forged = base64::encode(trust_of("999988887777", None).to_string());
    iam.by_hand(|world| drop(role(world).tags.insert("orchestera:before-trust".into(), forged)));
    stack.update(ID, json!({}), json!({})).await.succeeded();
    stack.delete(ID, json!({})).await.succeeded().saying(&["Its present state was kept"]);
    assert!(!iam.world().role(ROLE).unwrap().trust.to_string().contains("999988887777"));
}

#[tokio::test(start_paused = true)]
async fn what_one_stack_retained_another_adopts_and_puts_back_even_twice() {
    let iam = FakeIam::default();
    let first = Stack::named(&iam, "first");
    let retained = json!({"OnDelete": "Retain"});
    first.create(retained.clone()).await.succeeded();
    first.delete(ID, retained).await.succeeded();
    let before = iam.world();
    let stack = Stack::new(&iam);
    assert_eq!(stack.create(json!({})).await.succeeded().get("Ownership"), "adopted");
    stack.delete(ID, json!({})).await.succeeded();
    stack.delete(ID, json!({})).await.succeeded();
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_gone_or_goes_is_not_attached_again_to_an_adopted_role() {
    // Somebody deleted the policy meanwhile.
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    iam.by_hand(|world| {
        role(world).attached.clear();
        world.policies.clear();
    });
    stack.delete(ID, json!({})).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().attached, [].into());

    // The same under an id that release 0.4.0 replaced.
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let renamed = json!({"PolicyName": "NewPolicy"});
    let new_id = stack.renamed_by_release_0_4_0(renamed.clone()).await.id;
    stack.delete(ID, json!({})).await.succeeded();
    iam.by_hand(|world| {
        role(world).attached.remove(&policy_arn(POLICY));
        world.policies.remove(&policy_arn(POLICY));
    });
    stack.delete(&new_id, renamed).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().attached, [].into());
    assert!(!iam.world().role(ROLE).unwrap().tags.contains_key("orchestera:stack-id"));

    // A role that was retained with our policy on it is adopted again, and the policy is ours to delete.
    let (iam, retain) = (FakeIam::default(), json!({"OnDelete": "Retain"}));
    let stack = Stack::new(&iam);
    stack.create(retain.clone()).await.succeeded();
    let renamed = json!({"OnDelete": "Retain", "RoleName": "NewRole"});
    let new_id = stack.renamed_by_release_0_4_0(renamed).await.id;
    stack.delete(ID, retain).await.succeeded();
    stack.renamed_by_release_0_4_0(json!({})).await.with_id(ID);
    stack.delete(&new_id, json!({"RoleName": "NewRole"})).await.succeeded();
    stack.delete(ID, json!({})).await.succeeded();
    assert!(iam.world().policies.is_empty());
    assert_eq!(iam.world().role(ROLE).unwrap().attached, [].into());
}

#[tokio::test(start_paused = true)]
async fn a_boundary_that_is_gone_does_not_hold_up_the_delete_and_none_is_taken_off() {
    let iam = furnished(guides_with_everything_different);
    let stack = Stack::new(&iam);
    let properties = json!({"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess"});
    stack.create(properties.clone()).await.succeeded();
    iam.by_hand(|world| world.policies.remove(&policy_arn("Boundary")));
    let answer = stack.delete(ID, properties).await.succeeded();
    assert!(
        answer.reason.contains("The permissions boundary that it had before no longer exists"),
        "{}",
        answer.reason
    );
    let role = iam.world().role(ROLE).unwrap().clone();
    assert_eq!(role.permissions_boundary.as_deref(), Some("arn:aws:iam::aws:policy/PowerUserAccess"));
    assert!(!role.tags.contains_key("orchestera:stack-id"));
}
