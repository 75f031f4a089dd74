use crate::common::by_hand::*;
use crate::common::fake_iam::{FakeIam, Policy, World, policy_arn, tags};
use crate::common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use orchestera_access::iam::{PolicyUser, Tags, Write};
use orchestera_access::policy::Edition;
use serde_json::{Value, json};

pub fn policy(world: &mut World) -> &mut Policy {
    world.policies.get_mut(&policy_arn(POLICY)).unwrap()
}

/// A stack that was created with these properties.
pub async fn created(iam: &FakeIam, properties: Value) -> Stack<'_, FakeIam> {
    let stack = Stack::new(iam);
    stack.create(properties).await.succeeded();
    iam.writes();
    stack
}

#[tokio::test(start_paused = true)]
async fn no_change_writes_nothing_and_is_verified() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    let before = iam.world();
    let answer = stack.update(ID, json!({"Release": "2"}), json!({"Release": "1"})).await.succeeded().with_id(ID);
    assert_eq!(answer.get("Verified"), "true");
    assert!(iam.writes().is_empty());
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn any_drift_is_converged_with_the_least_writes() {
    type Drift = (&'static str, fn(&mut World), &'static [&'static str]);
    let drifts: [Drift; 12] = [
        (
            "trust",
            |w| role(w).trust["Statement"][0]["Principal"]["AWS"] = json!("arn:aws:iam::999999999999:root"),
            &["UpdateAssumeRolePolicy"],
        ),
        (
            "one more in the trust",
            |w| {
                let more = json!({"Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "sts:AssumeRole"});
                role(w).trust["Statement"].as_array_mut().unwrap().push(more);
            },
            &["UpdateAssumeRolePolicy"],
        ),
        (
            "the external id",
            |w| role(w).trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = json!("other"),
            &["UpdateAssumeRolePolicy"],
        ),
        ("session", |w| role(w).max_session_duration = 7200, &["UpdateRole"]),
        (
            "boundary",
            |w| role(w).permissions_boundary = Some("arn:aws:iam::aws:policy/ReadOnlyAccess".into()),
            &["DeleteRolePermissionsBoundary"],
        ),
        ("attachment", |w| role(w).attached.clear(), &["AttachRolePolicy"]),
        (
            "document",
            |w| policy(w).versions[0].1 = json!({"Version": "2012-10-17", "Statement": []}),
            &["CreatePolicyVersion"],
        ),
        (
            "default version",
            |w| {
                let other = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
                w.write(&Write::CreatePolicyVersion { policy_arn: policy_arn(POLICY), document: other }).unwrap();
            },
            &["CreatePolicyVersion"],
        ),
        (
            "tags of both",
            |w| {
                role(w).tags.clear();
                policy(w).tags.remove("orchestera:stack-id");
            },
            &["TagPolicy", "TagRole"],
        ),
        (
            "a tag's value",
            |w| {
                role(w).tags.insert("orchestera:ownership".into(), "x".into());
            },
            &["TagRole"],
        ),
        (
            "the role",
            |w| {
                w.roles.clear();
            },
            &["CreateRole", "AttachRolePolicy"],
        ),
        (
            "the policy",
            |w| {
                role(w).attached.clear();
                w.policies.clear();
            },
            &["CreatePolicy", "AttachRolePolicy"],
        ),
    ];
    for (what, drift, writes) in drifts {
        let iam = FakeIam::default();
        let stack = created(&iam, json!({})).await;
        let before = iam.world();
        iam.by_hand(drift);
        assert_ne!(iam.world(), before, "{what}: the drift is none");
        let answer = stack.update(ID, json!({}), json!({})).await.succeeded().with_id(ID);
        assert_eq!(answer.get("Verified"), "true", "{what}");
        let done: Vec<_> = iam.writes().into_iter().map(|w| w.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(done, writes, "{what}");
        let mut after = iam.world();
        // A policy's content is what its default version says; versions are never made undone.
        let policy = policy(&mut after);
        let default = policy.versions.iter().find(|(number, _)| *number == policy.default).cloned().unwrap();
        (policy.versions, policy.default, policy.made) = (vec![(1, default.1)], 1, 1);
        assert_eq!(after, before, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_property_can_be_changed_and_changed_back() {
    let iam = FakeIam::default();
    iam.by_hand(|world| policy_by_hand(world, "Boundary", Tags::new()));
    let stack = created(&iam, json!({})).await;
    let before = iam.world();
    let changed = json!({
        "PlatformAccountId": "017059471480", "ExternalId": "given", "PermissionsBoundaryArn": policy_arn("Boundary"),
        "MaxSessionDuration": "7200", "Tags": [{"Key": "team", "Value": "data"}],
    });
    let answer = stack.update(ID, changed.clone(), json!({})).await.succeeded();
    assert_eq!((answer.get("ExternalId"), answer.get("PlatformAccountId")), ("given", "017059471480"));
    let role = iam.world().role(ROLE).unwrap().clone();
    assert_eq!((role.max_session_duration, role.permissions_boundary), (7200, Some(policy_arn("Boundary"))));
    assert_eq!(role.tags["team"], "data");
    assert_eq!(role.trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"], "given");
    stack.update(ID, json!({}), changed).await.succeeded();
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn another_edition_becomes_the_default_version_before_anything_else_changes() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    let answer = stack
        .update(ID, json!({"PolicyEdition": "2026-02-06", "MaxSessionDuration": "7200"}), json!({}))
        .await
        .succeeded();
    assert_eq!((answer.get("PolicyEdition"), answer.get("PolicyVersionId")), ("2026-02-06", "v2"));
    assert_eq!(
        answer.get("PolicySha256"),
        orchestera_access::policy::sha256(&Edition::named("2026-02-06").unwrap().document())
    );
    let (writes, arn, named) = (iam.writes(), policy_arn(POLICY), "orchestera:policy-edition,orchestera:policy-sha256");
    assert_eq!(
        writes,
        [
            format!("CreatePolicyVersion {arn}"),
            format!("TagPolicy {arn} {named}"),
            format!("UpdateRole {ROLE} MaxSessionDuration=7200"),
            format!("TagRole {ROLE} {named}"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_policy_stays_attached_through_every_write() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    iam.by_hand(|world| role(world).tags.clear());
    stack.update(ID, json!({"PolicyEdition": "2026-02-06", "ExternalId": "given"}), json!({})).await.succeeded();
    for write in iam.writes() {
        assert!(!write.contains("Detach") && !write.contains("Delete"), "{write}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_five_versions_the_oldest_that_is_not_the_default_is_pruned_first() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    iam.by_hand(|world| {
        let document =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]});
        for _ in 0..10 {
            let new = Write::CreatePolicyVersion { policy_arn: policy_arn(POLICY), document: document.clone() };
            if world.write(&new).is_err() {
                let oldest = policy(world).versions[1].0;
                let prune =
                    Write::DeletePolicyVersion { policy_arn: policy_arn(POLICY), version_id: format!("v{oldest}") };
                world.write(&prune).unwrap();
                world.write(&new).unwrap();
            }
        }
        // Five are there: v1, which is the default again, and v8 to v11.
        policy(world).default = 1;
        policy(world).versions[0].1 = document;
    });
    assert_eq!(policy(&mut iam.world()).versions.iter().map(|v| v.0).collect::<Vec<_>>(), [1, 8, 9, 10, 11]);
    stack.update(ID, json!({}), json!({})).await.succeeded();
    let arn = policy_arn(POLICY);
    assert_eq!(iam.writes(), [format!("DeletePolicyVersion {arn} v8"), format!("CreatePolicyVersion {arn}")]);
    assert_eq!(policy(&mut iam.world()).default, 12);
}

#[tokio::test(start_paused = true)]
async fn four_versions_leave_room_for_one_more() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    iam.by_hand(|world| {
        let document =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]});
        for _ in 0..3 {
            world
                .write(&Write::CreatePolicyVersion { policy_arn: policy_arn(POLICY), document: document.clone() })
                .unwrap();
        }
    });
    stack.update(ID, json!({}), json!({})).await.succeeded();
    assert_eq!(iam.writes(), [format!("CreatePolicyVersion {}", policy_arn(POLICY))]);
}

#[tokio::test(start_paused = true)]
async fn tags_removed_from_the_list_are_untagged_and_others_stay() {
    let iam = FakeIam::default();
    let old = json!({"Tags": [{"Key": "Team", "Value": "a"}, {"Key": "gone", "Value": "b"}]});
    let stack = created(&iam, old.clone()).await;
    iam.by_hand(|world| role(world).tags.insert("cost-centre".into(), "7".into()));
    let new = json!({"Tags": [{"Key": "team", "Value": "c"}]});
    stack.update(ID, new, old).await.succeeded();
    let mut world = iam.world();
    let customers = |tags: &Tags| {
        tags.iter().filter(|(k, _)| !k.starts_with("orch")).map(|(k, v)| (k.clone(), v.clone())).collect::<Tags>()
    };
    assert_eq!(customers(&role(&mut world).tags), tags([("cost-centre", "7"), ("team", "c")]));
    assert_eq!(customers(&policy(&mut world).tags), tags([("team", "c")]));
}

#[tokio::test(start_paused = true)]
async fn delete_all_is_remembered_by_an_update_and_forgotten_by_the_next() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    let all = json!({"OnDelete": "DeleteAll"});
    stack.update(ID, all.clone(), json!({})).await.succeeded();
    let remembered = |mut world: World| {
        [role(&mut world).tags.clone(), policy(&mut world).tags.clone()]
            .map(|t| t.contains_key("orchestera:delete-adopted"))
    };
    assert_eq!(remembered(iam.world()), [true, true]);
    stack.update(ID, json!({"OnDelete": "Retain"}), all).await.succeeded();
    assert_eq!(remembered(iam.world()), [false, false]);
}

#[tokio::test(start_paused = true)]
async fn foreign_policies_are_reported_and_left() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    iam.by_hand(|world| {
        role(world).attached.insert("arn:aws:iam::aws:policy/ReadOnlyAccess".into());
        role(world).inline.insert("everything".into(), Edition::named("2025-09-29").unwrap().document());
    });
    let before = iam.world();
    let answer = stack.update(ID, json!({}), json!({})).await.succeeded();
    assert_eq!(answer.get("ForeignPolicies"), "arn:aws:iam::aws:policy/ReadOnlyAccess,inline:everything");
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn what_another_stack_has_tagged_is_refused_under_the_old_id() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    iam.by_hand(|world| {
        role(world).tags.insert("orchestera:stack-id".into(), "arn:aws:cloudformation:x:1:stack/other/1".into())
    });
    let before = iam.world();
    stack
        .update(ID, json!({"MaxSessionDuration": "7200"}), json!({}))
        .await
        .failed()
        .with_id(ID)
        .saying(&["stack/other/1"]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn properties_that_are_not_valid_fail_under_the_old_id_and_change_nothing() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    let before = iam.world();
    let answer = stack.update(ID, json!({"MaxSessionDuration": "1", "OnDelete": "x"}), json!({})).await.failed();
    answer.with_id(ID).saying(&["(1) MaxSessionDuration", "(2) OnDelete"]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn a_failure_half_way_keeps_the_id_and_the_next_update_converges() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    let new = json!({"PolicyEdition": "2026-02-06", "MaxSessionDuration": "7200"});
    let faulty = FaultyIam::new(&iam).on("UpdateRole", FOR_EVER, Fault::Refuse("AccessDenied"));
    Stack::new(&faulty).update(ID, new.clone(), json!({})).await.failed().with_id(ID).saying(&["iam:UpdateRole"]);
    stack.update(ID, json!({}), new).await.succeeded().with_id(ID);
    let mut world = iam.world();
    let policy = policy(&mut world);
    assert_eq!(policy.versions.last().unwrap(), &(3, Edition::named("2025-09-29").unwrap().document()));
}

#[tokio::test(start_paused = true)]
async fn somebody_else_at_work_is_looked_at_again() {
    let iam = FakeIam::default();
    created(&iam, json!({})).await;
    let faulty = FaultyIam::new(&iam).on("UpdateRole", 2, Fault::Refuse("ConcurrentModification"));
    Stack::new(&faulty).update(ID, json!({"MaxSessionDuration": "7200"}), json!({})).await.succeeded();
    let faulty = FaultyIam::new(&iam).on("UpdateRole", FOR_EVER, Fault::Refuse("ConcurrentModification"));
    let answer = Stack::new(&faulty)
        .update(ID, json!({}), json!({}))
        .await
        .failed()
        .saying(&["at the same time", "ConcurrentModification"]);
    assert!((10..25).contains(&answer.took.as_secs()), "{:?}", answer.took);

    let iam = FakeIam::default();
    let faulty = FaultyIam::new(&iam).on("CreateRole", FOR_EVER, Fault::Refuse("ConcurrentModification"));
    Stack::new(&faulty).create(json!({})).await.failed().saying(&["at the same time"]);
}

#[tokio::test(start_paused = true)]
async fn what_disappears_between_look_and_write_is_made_again() {
    let iam = FakeIam::default();
    created(&iam, json!({})).await;
    let vanishes = Fault::Meanwhile(Box::new(|world| {
        world.roles.clear();
    }));
    let faulty = FaultyIam::new(&iam).on("UpdateRole", 1, vanishes);
    let answer = Stack::new(&faulty).update(ID, json!({"MaxSessionDuration": "7200"}), json!({})).await.succeeded();
    assert_eq!((answer.get("Verified"), iam.world().role(ROLE).unwrap().max_session_duration), ("true", 7200));

    let denied = FaultyIam::new(&iam).on("UpdateRole", FOR_EVER, Fault::Refuse("NoSuchEntity"));
    let answer = Stack::new(&denied).update(ID, json!({}), json!({})).await.failed();
    answer.saying(&["UpdateRole", "does not exist, although it existed a moment ago", "Retry the stack operation"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_of_an_id_that_was_never_ours_follows_the_rules_of_create() {
    for id in ["failed/Access/request-0", "access-Access-1ABCDEF"] {
        let iam = FakeIam::default();
        let stack = Stack::new(&iam);
        stack.update(id, json!({}), json!({})).await.succeeded().with_id(id);
        stack.update(id, json!({}), json!({})).await.succeeded().with_id(id);
        assert!(iam.world().role(ROLE).is_some(), "no new id, so that no Delete of the old one follows");
        stack.delete(id, json!({})).await.succeeded();
        // The id names nothing, so that nothing is fixed: the names are those of the new properties.
        let named = json!({"RoleName": "R", "PolicyName": "P"});
        stack.update(id, named.clone(), json!({})).await.succeeded().with_id(id);
        assert!(iam.world().role("R").is_some());
        stack.delete(id, named).await.succeeded();
        assert_eq!(iam.world(), World::default());
        let iam = FakeIam::default();
        iam.by_hand(foreign_role);
        Stack::new(&iam)
            .update(id, json!({}), json!({}))
            .await
            .failed()
            .with_id(id)
            .saying(&["this stack did not create it"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fifth_version_whose_answer_was_lost_is_found_and_not_called_a_quota() {
    let iam = FakeIam::default();
    created(&iam, json!({})).await;
    let other = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]});
    let new =
        |document: &Value| Write::CreatePolicyVersion { policy_arn: policy_arn(POLICY), document: document.clone() };
    iam.by_hand(|world| (0..3).for_each(|_| world.write(&new(&other)).unwrap()));
    // The SDK sent the call twice, because it did not hear that the first had made the version.
    let wanted = new(&Edition::named("2025-09-29").unwrap().document());
    let made = Fault::Meanwhile(Box::new(move |world| world.write(&wanted).unwrap()));
    let faulty = FaultyIam::new(&iam).on("CreatePolicyVersion", 1, made);
    let answer = Stack::new(&faulty).update(ID, json!({}), json!({})).await.succeeded();
    assert_eq!(answer.get("PolicyVersionId"), "v5");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_put_under_a_name_of_ours_after_ours_was_gone_is_not_taken_for_ours() {
    type Stranger = (fn(&mut World), &'static [&'static str]);
    let strangers: [Stranger; 2] = [
        (
            |world| {
                world.roles.clear();
                foreign_role(world);
            },
            &["The role OrchesteraAccessRole", "this stack did not create it", "its trust policy is not the guide's"],
        ),
        (
            |world| {
                world.policies.clear();
                role(world).attached.clear();
                policy_by_hand(world, POLICY, Tags::new());
                world.principals.insert((policy_arn(POLICY), PolicyUser::User("somebody".into())));
            },
            &["The policy OrchesteraAccessPolicy", "this stack did not create it", "it is also used by user somebody"],
        ),
    ];
    for (change, words) in strangers {
        let iam = FakeIam::default();
        let stack = Stack::new(&iam);
        stack.create(json!({})).await.succeeded();
        iam.by_hand(change);
        let before = iam.world();
        stack.update(ID, json!({"MaxSessionDuration": "7200"}), json!({})).await.failed().with_id(ID).saying(words);
        assert_eq!(iam.world(), before);
        // What is left of ours goes, the stranger stays.
        stack.delete(ID, json!({})).await.succeeded();
        let left = iam.world();
        assert_eq!(
            (left.roles.len(), left.policies.len()),
            if before.role(ROLE).unwrap().tags.is_empty() { (1, 0) } else { (0, 1) }
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_rollback_of_a_refused_update_takes_nobodys_tag_off() {
    let tagged = json!({"Tags": [{"Key": "Team", "Value": "platform"}], "MaxSessionDuration": "1"});
    for furnish in [guides as Furnish, |_| {}] {
        let iam = furnished(furnish);
        let stack = Stack::new(&iam);
        stack.create(json!({})).await.succeeded();
        iam.by_hand(|world| drop(role(world).tags.insert("Team".into(), "data".into())));
        let before = iam.world();
        stack.update(ID, tagged.clone(), json!({})).await.failed().with_id(ID);
        stack.update(ID, json!({}), tagged.clone()).await.succeeded().with_id(ID);
        assert_eq!(iam.world(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_who_may_invoke_the_function_can_hand_the_role_to_another_account() {
    let iam = FakeIam::default();
    let stack = created(&iam, json!({})).await;
    let before = iam.world();
    let other = json!({"PlatformAccountId": "999988887777", "RequireExternalId": "false"});
    let words = ["PlatformAccountId is 017059471480", "leave it out"];
    stack.update(ID, other.clone(), json!({})).await.failed().with_id(ID).saying(&words);
    assert_eq!(iam.world(), before);
    let right = json!({"PlatformAccountId": "017059471480"});
    stack.update(ID, right.clone(), json!({})).await.succeeded();
    // What the properties were before does not matter.
    stack.update(ID, right, other.clone()).await.succeeded();
    assert_eq!(iam.world(), before);
    let iam = FakeIam::default();
    Stack::new(&iam).create(other.clone()).await.failed().saying(&words);
    assert_eq!(iam.world(), Default::default());
    // The role that the guide had made for another account is not adopted by it either.
    let iam = furnished(foreign_role);
    let before = iam.world();
    Stack::new(&iam).create(other).await.failed().saying(&words);
    assert_eq!(iam.world(), before);
}
