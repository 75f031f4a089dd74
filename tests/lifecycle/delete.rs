use crate::common::by_hand::*;
use crate::common::fake_iam::{FakeIam, World, policy_arn, tags};
use crate::common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use crate::common::stack::{Answer, ID, POLICY, ROLE, Stack};
use orchestera_access::iam::{PolicyUser, RETAINED_DESCRIPTION, Tags, Write};
use orchestera_access::reconcile::suspension;
use serde_json::{Value, json};
use std::time::Duration;

const FAILED_CREATE: &str = "failed/Access/request-1";
const MADE_UP: &str = "access-Access-1ABCDEFGHIJK";

async fn created(iam: &FakeIam) -> Stack<'_, FakeIam> {
    let stack = Stack::new(iam);
    stack.create(json!({})).await.succeeded();
    iam.writes();
    stack
}

fn untag(world: &mut World, key: &str) {
    world.role_mut(ROLE).unwrap().tags.remove(key);
}

#[tokio::test(start_paused = true)]
async fn ours_is_detached_and_deleted_in_the_order_that_iam_demands() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    let answer = stack.delete(ID, json!({})).await.succeeded().with_id(ID);
    assert_eq!((answer.reason.as_str(), &answer.data), ("", &Value::Null));
    assert_eq!(iam.world(), World::default());
    let arn = policy_arn(POLICY);
    assert_eq!(
        iam.writes(),
        [format!("DetachRolePolicy {ROLE} {arn}"), format!("DeleteRole {ROLE}"), format!("DeletePolicy {arn}")]
    );
}

#[tokio::test(start_paused = true)]
async fn inline_policies_and_extra_versions_go_too() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    stack.update(ID, json!({"PolicyEdition": "2026-02-06"}), json!({})).await.succeeded();
    stack.update(ID, json!({}), json!({})).await.succeeded();
    iam.by_hand(|world| {
        world.role_mut(ROLE).unwrap().inline.extend(["one", "two"].map(|name| (name.to_owned(), Value::Null)))
    });
    let notes = ["The inline policy one, which somebody else put on the role, was deleted", "policy two"];
    stack.delete(ID, json!({})).await.succeeded().saying(&notes);
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_attached_is_detached_and_named_and_never_deleted() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| {
        policy_by_hand(world, "Foreign", Tags::new());
        world.role_mut(ROLE).unwrap().attached.insert(policy_arn("Foreign"));
    });
    stack.delete(ID, json!({})).await.succeeded().saying(&[&policy_arn("Foreign"), "detached and not deleted"]);
    let world = iam.world();
    assert!(world.roles.is_empty());
    assert_eq!(world.policies.keys().collect::<Vec<_>>(), [&policy_arn("Foreign")]);
}

#[tokio::test(start_paused = true)]
async fn already_gone_and_partly_gone_succeed() {
    let gone: [fn(&mut World); 3] = [
        |world| *world = World::default(),
        |world| world.roles.clear(),
        |world| {
            world.role_mut(ROLE).unwrap().attached.clear();
            world.policies.clear();
        },
    ];
    for gone in gone {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        iam.by_hand(gone);
        let answer = stack.delete(ID, json!({})).await.succeeded().with_id(ID);
        assert_eq!((iam.world(), answer.took.as_secs()), (World::default(), 2), "what is missing is looked for twice");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_delete_succeeds_and_writes_nothing() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    stack.delete(ID, json!({})).await.succeeded();
    iam.writes();
    stack.delete(ID, json!({})).await.succeeded();
    assert!(iam.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_vanishes_under_its_hands_is_no_failure() {
    // With the last call it is done; before, "not there" may be an old answer, which is worth a moment.
    for (operation, moment) in [("DetachRolePolicy", 200), ("DeleteRole", 0), ("DeletePolicy", 0)] {
        let iam = FakeIam::default();
        created(&iam).await;
        let vanishes = Fault::Meanwhile(Box::new(|world| *world = World::default()));
        let faulty = FaultyIam::new(&iam).on(operation, 1, vanishes);
        let answer = Stack::new(&faulty).delete(ID, json!({})).await.succeeded();
        assert_eq!(answer.took, Duration::from_millis(moment), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_attached_under_its_hands_is_detached_as_well() {
    let iam = FakeIam::default();
    created(&iam).await;
    let attaches = Fault::Meanwhile(Box::new(|world| {
        world.role_mut(ROLE).unwrap().attached.insert("arn:aws:iam::aws:policy/ReadOnlyAccess".into());
    }));
    let faulty = FaultyIam::new(&iam).on("DeleteRole", 1, attaches);
    Stack::new(&faulty).delete(ID, json!({})).await.succeeded().saying(&["policy/ReadOnlyAccess"]);
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn reads_that_lag_behind_a_delete_are_waited_for_and_nothing_is_written_twice() {
    let iam = FakeIam::lagging_by(12);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    iam.writes();
    stack.delete(ID, json!({})).await.succeeded();
    assert_eq!(iam.writes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_role_in_an_instance_profile_and_a_policy_used_by_others_are_both_named_and_nothing_is_touched() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| {
        world.role_mut(ROLE).unwrap().instance_profiles.extend(["nodes".to_owned(), "more".to_owned()]);
        world.principals.insert((policy_arn(POLICY), PolicyUser::User("alice".into())));
        world.principals.insert((policy_arn(POLICY), PolicyUser::Group("admins".into())));
        let other = Write::CreateRole {
            role_name: "Other".into(),
            trust: world.role(ROLE).unwrap().trust.clone(),
            max_session_duration: 3600,
            permissions_boundary: Some(policy_arn(POLICY)),
            tags: Tags::new(),
        };
        world.write(&other).unwrap();
    });
    let before = iam.world();
    let answer = stack.delete(ID, json!({})).await.failed().with_id(ID);
    answer.saying(&[
        "instance profile more, nodes",
        "user alice",
        "group admins",
        "role Other",
        "Then delete the stack again",
    ]);
    assert_eq!(iam.world(), before);
    assert!(iam.writes().is_empty());
    // Each alone is reason enough.
    iam.by_hand(|world| world.role_mut(ROLE).unwrap().instance_profiles.clear());
    let answer = stack.delete(ID, json!({})).await.failed();
    assert!(!answer.reason.contains("instance profile"), "{}", answer.reason);
    iam.by_hand(|world| {
        world.principals.clear();
        world.roles.remove("other");
    });
    stack.delete(ID, json!({})).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn a_policy_attached_to_a_stranger_under_our_role_name_is_in_use() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| {
        world.roles.clear();
        role_by_hand(world, tags([("orchestera:stack-id", "arn:of:another"), ("orchestera:logical-id", "Access")]));
        world.role_mut(ROLE).unwrap().attached.insert(policy_arn(POLICY));
    });
    let before = iam.world();
    stack
        .delete(ID, json!({}))
        .await
        .failed()
        .saying(&["the policy OrchesteraAccessPolicy is used by role OrchesteraAccessRole"]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_failed_create_removes_what_that_create_left() {
    let iam = FakeIam::default();
    let killed = FaultyIam::new(&iam).on("AttachRolePolicy", FOR_EVER, Fault::Hang);
    Stack::new(&killed).create(json!({})).await.failed().with_id(FAILED_CREATE);
    assert!(iam.world().role(ROLE).is_some());
    let answer =
        Stack::new(&iam).delete(FAILED_CREATE, json!({"OnDelete": "Retain"})).await.succeeded().with_id(FAILED_CREATE);
    assert_eq!(iam.world(), World::default(), "Retain does not apply to what never became a resource");
    assert!(answer.took < Duration::from_secs(5), "{:?}", answer.took);
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_failed_create_touches_nothing_that_was_there_before() {
    type Before = fn(&mut World);
    let others: [Before; 2] = [
        |world| {
            role_by_hand(world, Tags::new());
            policy_by_hand(world, POLICY, Tags::new());
        },
        |world| {
            let owned = tags([
                ("orchestera:stack-id", "arn:of:another"),
                ("orchestera:logical-id", "Access"),
                ("orchestera:resource-id", ID),
            ]);
            role_by_hand(world, owned.clone());
            policy_by_hand(world, POLICY, owned);
        },
    ];
    for other in others {
        for id in [FAILED_CREATE, MADE_UP] {
            let iam = FakeIam::default();
            iam.by_hand(other);
            let before = iam.world();
            Stack::new(&iam).create(json!({"OnExisting": "Fail"})).await.failed();
            let answer =
                Stack::new(&iam).delete(id, json!({})).await.succeeded().with_id(id).saying(&["was not changed"]);
            assert_eq!(
                answer.reason.matches("The role OrchesteraAccessRole").count(),
                1,
                "said once: {}",
                answer.reason
            );
            assert_eq!(iam.world(), before);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_made_up_id_keeps_looking_for_what_a_cancelled_create_still_makes() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    let (answer, ()) = tokio::join!(stack.delete(MADE_UP, json!({})), async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        stack.create(json!({})).await.succeeded();
    });
    answer.succeeded().with_id(MADE_UP);
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn a_made_up_id_with_nothing_to_find_takes_fifteen_seconds() {
    let iam = FakeIam::default();
    let answer = Stack::new(&iam).delete(MADE_UP, json!({})).await.succeeded();
    assert!((15..20).contains(&answer.took.as_secs()), "{:?}", answer.took);
    assert!(iam.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_real_id_or_that_of_a_failed_create_waits_for_a_second_look_only() {
    for id in [ID, FAILED_CREATE] {
        let iam = FakeIam::default();
        let took = Stack::new(&iam).delete(id, json!({})).await.succeeded().took;
        assert!((1..4).contains(&took.as_secs()), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_create_has_just_made_is_found_although_the_first_reads_do_not_see_it() {
    // The eight reads of the first look are old.
    let iam = FakeIam::lagging_by(8);
    let killed = FaultyIam::new(&iam).on("AttachRolePolicy", FOR_EVER, Fault::Hang);
    Stack::new(&killed).create(json!({})).await.failed();
    Stack::new(&iam).delete(FAILED_CREATE, json!({})).await.succeeded();
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn what_comes_to_light_while_the_rest_is_removed_is_removed_too() {
    for (operation, hidden) in [("GetPolicy", "policy"), ("GetRole", "role")] {
        let iam = FakeIam::default();
        created(&iam).await;
        let faulty = FaultyIam::new(&iam).on(operation, 1, Fault::NotSeen);
        Stack::new(&faulty).delete(ID, json!({})).await.succeeded();
        assert_eq!(iam.world(), World::default(), "the {hidden} was not seen at first");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_still_trusts_the_platform_without_our_tags_is_shut_and_the_repeated_delete_succeeds() {
    for key in ["orchestera:stack-id", "orchestera:logical-id", "orchestera:resource-id"] {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        iam.by_hand(|world| untag(world, key));
        let before = iam.world();
        let answer = stack.delete(ID, json!({})).await.failed().with_id(ID);
        assert_eq!(answer.took, Duration::ZERO);
        answer.saying(&[
            "lost the tags",
            "all access was denied",
            "Delete the role",
            "delete the stack again, which will succeed",
        ]);
        let shut = iam.world();
        let role = shut.role(ROLE).unwrap();
        assert_eq!(role.trust["Statement"][0], before.role(ROLE).unwrap().trust["Statement"][0], "the Allow stays");
        assert_eq!(
            role.trust["Statement"][1],
            json!({"Sid": "OrchesteraSuspended", "Effect": "Deny", "Principal": "*",
                "Action": ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"]})
        );
        assert_eq!(role.inline[suspension::POLICY_NAME], suspension::document());
        assert!(role.attached.is_empty());
        assert_eq!(shut.policies, before.policies, "nothing is deleted");

        stack.delete(ID, json!({})).await.succeeded().saying(&["The role OrchesteraAccessRole", "was not changed"]);
        let after = iam.world();
        assert_eq!(after.role(ROLE), shut.role(ROLE));
        assert!(after.policies.is_empty(), "the policy still carried our tags");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_was_shut_is_what_the_reason_speaks_of_whatever_else_stands_in_the_way() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| {
        untag(world, "orchestera:logical-id");
        world.principals.insert((policy_arn(POLICY), PolicyUser::User("alice".into())));
        let role = world.role_mut(ROLE).unwrap();
        role.inline.insert("back-door".into(), Value::Null);
        role.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".into());
    });
    let answer = stack.delete(ID, json!({})).await.failed();
    answer.saying(&[
        "all access was denied",
        "The role also has arn:aws:iam::aws:policy/AdministratorAccess, back-door, which somebody else added",
    ]);
    stack.delete(ID, json!({})).await.failed().saying(&["used by user alice"]);
}

#[tokio::test(start_paused = true)]
async fn a_platform_account_in_the_properties_is_ignored_by_a_delete() {
    for properties in [json!({"PlatformAccountId": "000000000001"}), json!({"PlatformAccountId": ["x"]})] {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        iam.by_hand(|world| world.role_mut(ROLE).unwrap().tags.clear());
        stack.delete(ID, properties.clone()).await.failed().saying(&["all access was denied"]);
        let iam = FakeIam::default();
        created(&iam).await.delete(ID, properties).await.succeeded();
        assert_eq!(iam.world(), World::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_without_our_tags_that_nobody_can_assume_is_left_alone() {
    let statement = |effect: &str, action: &str| json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Principal": "*", "Action": action}]});
    for trust in [statement("Deny", "sts:AssumeRole"), statement("Allow", "sts:TagSession")] {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        iam.by_hand(|world| {
            let role = world.role_mut(ROLE).unwrap();
            role.tags.clear();
            role.attached.clear();
            role.trust = trust;
        });
        let before = iam.world();
        stack.delete(ID, json!({})).await.succeeded().saying(&["its tags do not say that this stack created it"]);
        assert_eq!(iam.world().role(ROLE), before.role(ROLE));
        assert!(iam.world().policies.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_our_tags_is_left_and_named_while_the_role_goes() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| world.policies.values_mut().for_each(|policy| policy.tags.clear()));
    stack
        .delete(ID, json!({}))
        .await
        .succeeded()
        .saying(&["The policy OrchesteraAccessPolicy in account 111122223333 was not changed"]);
    let world = iam.world();
    assert!(world.roles.is_empty() && world.policies.len() == 1);
}

#[tokio::test(start_paused = true)]
async fn what_another_stack_tagged_is_left_alone() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    let other = Stack::named(&iam, "other");
    iam.by_hand(|world| {
        let id = ("orchestera:stack-id".to_owned(), other.stack_id.clone());
        world.role_mut(ROLE).unwrap().tags.extend([id.clone()]);
        world.policies.values_mut().for_each(|policy| policy.tags.extend([id.clone()]));
    });
    let before = iam.world();
    stack.delete(ID, json!({})).await.succeeded().saying(&[&format!("belongs to the stack {}", other.stack_id)]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn an_invented_id_of_another_pair_of_names_touches_nothing() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    let before = iam.world();
    stack.delete("111122223333/Other/Pair", json!({})).await.succeeded();
    stack.delete("111122223333/OrchesteraAccessRole/Other", json!({})).await.succeeded();
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn retain_leaves_everything_and_takes_our_tags_off() {
    let iam = FakeIam::default();
    let properties = json!({"OnDelete": "Retain", "Tags": [{"Key": "team", "Value": "data"}]});
    let stack = Stack::new(&iam);
    stack.create(properties.clone()).await.succeeded();
    let before = iam.world();
    stack.delete(ID, properties).await.succeeded().saying(&["OnDelete is Retain", "the platform keeps its access"]);
    let mut expected = before;
    expected.role_mut(ROLE).unwrap().tags = tags([("team", "data")]);
    expected.role_mut(ROLE).unwrap().description = RETAINED_DESCRIPTION.to_owned();
    expected.policies.values_mut().for_each(|policy| policy.tags = tags([("team", "data")]));
    assert_eq!(iam.world(), expected);
}

#[tokio::test(start_paused = true)]
async fn retain_does_not_shut_a_role_that_lost_its_tags_nor_untag_what_is_anothers() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| {
        untag(world, "orchestera:stack-id");
        world
            .policies
            .values_mut()
            .for_each(|p| p.tags.extend([("orchestera:stack-id".to_owned(), "arn:of:another".to_owned())]));
    });
    let before = iam.world();
    stack.delete(ID, json!({"OnDelete": "Retain"})).await.succeeded();
    assert_eq!(iam.world(), before);

    // One of the two is ours still: what is said of Retain is said.
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| untag(world, "orchestera:stack-id"));
    stack.delete(ID, json!({"OnDelete": "Retain"})).await.succeeded().saying(&["OnDelete is Retain"]);
    assert!(iam.world().policies.values().all(|policy| policy.tags.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn delete_all_and_delete_created_are_the_same_for_what_was_created() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    stack.delete(ID, json!({"OnDelete": "DeleteAll"})).await.succeeded();
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn a_delete_is_never_refused_for_its_properties() {
    for odd in [
        json!({"MaxSessionDuration": "1", "OnDelete": "Burn", "PolicyEdition": [], "MemberAccountId": "x", "AccessState": "Suspended"}),
        json!({"RoleName": "not a name", "PolicyName": {}}),
        json!(null),
        json!([1, 2]),
        json!("text"),
    ] {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        stack.delete(ID, odd.clone()).await.succeeded();
        assert_eq!(iam.world(), World::default(), "{odd}");
        stack.delete(FAILED_CREATE, odd.clone()).await.succeeded();
        stack.delete(MADE_UP, odd).await.succeeded();
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_iam_does_not_allow_belong_to_no_create() {
    let iam = FakeIam::default();
    for properties in [json!({"RoleName": "a b"}), json!({"PolicyName": "a/b"})] {
        for id in [FAILED_CREATE, MADE_UP] {
            Stack::new(&iam).delete(id, properties.clone()).await.succeeded();
        }
    }
    assert_eq!(iam.reads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_is_named_and_the_next_delete_finishes() {
    for operation in ["DetachRolePolicy", "DeleteRole", "DeletePolicy", "ListInstanceProfilesForRole"] {
        let iam = FakeIam::default();
        created(&iam).await;
        let faulty = FaultyIam::new(&iam).on(operation, FOR_EVER, Fault::Refuse("AccessDenied"));
        let answer: Answer = Stack::new(&faulty).delete(ID, json!({})).await.failed().with_id(ID);
        answer.saying(&[&format!("not allowed to call iam:{operation}")]);
        Stack::new(&iam).delete(ID, json!({})).await.succeeded();
        assert_eq!(iam.world(), World::default(), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_we_made_and_somebody_gave_to_another_account_is_shut_too() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| {
        let role = world.role_mut(ROLE).unwrap();
        role.tags.clear();
        role.trust = trust_of("999988887777", None);
    });
    stack.delete(ID, json!({})).await.failed().saying(&["all access was denied"]);
    let role = iam.world().role(ROLE).unwrap().clone();
    assert_eq!((role.trust["Statement"][1]["Effect"].as_str(), role.attached.len()), (Some("Deny"), 0));
    stack.delete(ID, json!({})).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn a_resource_id_that_we_cannot_have_written_counts_as_lost() {
    for forged in ["x", "111122223333/Another/OrchesteraAccessPolicy"] {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        iam.by_hand(|world| {
            world.role_mut(ROLE).unwrap().tags.insert("orchestera:resource-id".into(), forged.into());
        });
        stack.delete(ID, json!({})).await.failed().saying(&["all access was denied"]);
    }
}
