use crate::common::fake_iam::{FakeIam, Role, World, policy_arn, tags};
use crate::common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use crate::create::{PLATFORM, foreign_role, policy_by_hand, role_by_hand, trust_of};
use orchestera_access::iam::{PolicyUser, Tags, Write};
use orchestera_access::policy::Edition;
use orchestera_access::reconcile::suspension;
use serde_json::{Value, json};

const FAILED_CREATE: &str = "failed/Access/request-1";

/// Role and policy as the older edition of the guide has them made, attached, without an external id.
fn guides(world: &mut World) {
    role_by_hand(world, tags([("Team", "data")]));
    policy_by_hand(world, POLICY, tags([("Team", "data")]));
    attach(world);
}

fn attach(world: &mut World) {
    role(world).attached.insert(policy_arn(POLICY));
}

fn role(world: &mut World) -> &mut Role {
    world.role_mut(ROLE).unwrap()
}

/// Another version of the policy, in force or not.
fn add_version(world: &mut World, document: Value, in_force: bool) {
    let default = world.policy(&policy_arn(POLICY)).unwrap().default;
    world.write(&Write::CreatePolicyVersion { policy_arn: policy_arn(POLICY), document }).unwrap();
    if !in_force {
        world.policies.get_mut(&policy_arn(POLICY)).unwrap().default = default;
    }
}

fn some_document(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
}

/// Everything that adoption can find different from what is wanted.
fn guides_with_everything_different(world: &mut World) {
    guides(world);
    policy_by_hand(world, "Boundary", Tags::new());
    let role = role(world);
    role.trust = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Statement1", "Effect": "Allow",
        "Principal": {"AWS": PLATFORM}, "Action": ["sts:AssumeRole"],
        "Condition": {"StringEquals": {"sts:ExternalId": "theirs,with::all@legal+signs"}}}]});
    role.max_session_duration = 43200;
    role.permissions_boundary = Some(policy_arn("Boundary"));
    role.attached.clear();
    role.inline.insert("theirs".into(), some_document("s3:*"));
    add_version(world, some_document("ec2:*"), true);
    add_version(world, some_document("sqs:*"), false);
}

type Furnish = fn(&mut World);

/// What the guide, its readers and the console leave behind.
const GUIDES: [(&str, Furnish); 8] = [
    ("the older edition, without an external id", guides),
    ("a bare account id", |world| {
        guides(world);
        role(world).trust["Statement"][0]["Principal"]["AWS"] = PLATFORM.into();
    }),
    ("an external id", |world| {
        guides(world);
        role(world).trust = trust_of(PLATFORM, Some("theirs"));
    }),
    ("the longest external id", |world| {
        guides(world);
        role(world).trust = trust_of(PLATFORM, Some(&"x".repeat(1224)));
    }),
    ("the later edition", |world| {
        guides(world);
        add_version(world, Edition::named("2026-02-06").unwrap().document(), true);
    }),
    ("everything different", guides_with_everything_different),
    ("only the role", |world| role_by_hand(world, Tags::new())),
    ("only the policy", |world| policy_by_hand(world, POLICY, Tags::new())),
];

fn furnished(furnish: Furnish) -> FakeIam {
    let iam = FakeIam::default();
    iam.by_hand(furnish);
    iam
}

fn operations(iam: &FakeIam) -> Vec<String> {
    iam.writes().iter().map(|write| write.split(' ').next().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_guide_had_made_by_hand_is_adopted_in_every_form_and_put_back_by_the_delete() {
    for (name, furnish) in GUIDES {
        let iam = furnished(furnish);
        let before = iam.world();
        let stack = Stack::new(&iam);
        let answer = stack.create(json!({})).await.succeeded().with_id(ID);
        assert_eq!((answer.get("Ownership"), answer.get("Verified")), ("adopted", "true"), "{name}");
        let adopted = iam.world();
        assert!(adopted.role(ROLE).unwrap().attached.contains(&policy_arn(POLICY)), "{name}");
        let edition = Edition::named("2025-09-29").unwrap().document();
        assert_eq!(adopted.policy(&policy_arn(POLICY)).unwrap().document(), &edition, "{name}");
        assert_eq!(adopted.role(ROLE).unwrap().max_session_duration, 3600, "{name}");
        iam.writes();
        stack.create(json!({})).await.succeeded();
        assert!(iam.writes().is_empty(), "{name}: the same event again");

        let answer = stack.delete(ID, json!({})).await.succeeded().with_id(ID).saying(&["put back as it was"]);
        assert_eq!(iam.world(), before.unnumbered_like(&iam.world()), "{name}");
        assert!(!answer.reason.contains("left as it is"), "{name}: {}", answer.reason);
        // Lambda repeats the Delete when its answer was lost.
        iam.writes();
        stack.delete(ID, json!({})).await.succeeded();
        assert!(iam.writes().is_empty(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_adoption_changes_is_recorded_before_anything_changes() {
    let iam = furnished(guides_with_everything_different);
    Stack::new(&iam).create(json!({})).await.succeeded();
    let writes = operations(&iam);
    assert_eq!(writes[..2], ["TagPolicy", "TagRole"]);
    assert_eq!(
        writes[2..],
        ["CreatePolicyVersion", "DeleteRolePermissionsBoundary", "UpdateRole", "AttachRolePolicy"],
        "and the trust stays"
    );
    let world = iam.world();
    let (role, policy) = (&world.role(ROLE).unwrap().tags, &world.policy(&policy_arn(POLICY)).unwrap().tags);
    for (key, value) in [
        ("orchestera:ownership", "adopted"),
        ("orchestera:adopted", "role policy"),
        ("orchestera:before-session", "43200"),
        ("orchestera:before-boundary", &policy_arn("Boundary")),
        ("orchestera:before-attachment", ""),
        ("Team", "data"),
    ] {
        assert_eq!(role.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(policy["orchestera:before-default-version"], "v2");
    assert_eq!(policy["orchestera:before-versions"], "v1 v2 v3");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_role_keeps_its_trust_until_an_update_gives_an_external_id() {
    for asked in [None, Some("theirs")] {
        let iam = FakeIam::default();
        iam.by_hand(|world| {
            guides(world);
            role(world).trust = trust_of(PLATFORM, asked);
        });
        let stack = Stack::new(&iam);
        let trust = || iam.world().role(ROLE).unwrap().trust.clone();
        let given = json!({"ExternalId": "given"});
        for (properties, old) in [
            (given.clone(), None),
            (json!({}), Some(given.clone())),
            (json!({"RequireExternalId": "false"}), Some(json!({}))),
            (json!({"PolicyEdition": "2026-02-06"}), Some(json!({}))),
        ] {
            let answer = match old {
                None => stack.create(properties).await,
                Some(old) => stack.update(ID, properties, old).await,
            };
            assert_eq!(answer.succeeded().get("ExternalId"), asked.unwrap_or_default());
            assert_eq!(trust(), trust_of(PLATFORM, asked));
        }
        let answer = stack.update(ID, given.clone(), json!({})).await.succeeded();
        assert_eq!((answer.get("ExternalId"), trust()), ("given", trust_of(PLATFORM, Some("given"))));
        // Blank, as in the rollback of that update: what it came with, and the platform is not cut off.
        let answer = stack.update(ID, json!({}), given.clone()).await.succeeded();
        assert_eq!((answer.get("ExternalId"), trust()), (asked.unwrap_or_default(), trust_of(PLATFORM, asked)));
        // Drift is drift all the same.
        iam.by_hand(|world| role(world).trust = trust_of("444455556666", None));
        stack.update(ID, json!({}), json!({})).await.succeeded();
        assert_eq!(trust(), trust_of(PLATFORM, asked));
    }
}

#[tokio::test(start_paused = true)]
async fn an_adoption_that_fails_is_put_back_whatever_failed() {
    for operation in [
        "TagRole",
        "TagPolicy",
        "CreatePolicyVersion",
        "DeleteRolePermissionsBoundary",
        "PutRolePermissionsBoundary",
        "UpdateRole",
        "AttachRolePolicy",
        "PutRolePolicy",
    ] {
        let properties = json!({
            "AccessState": if operation == "PutRolePolicy" { "Suspended" } else { "Active" },
            "PermissionsBoundaryArn":
                if operation == "PutRolePermissionsBoundary" { "arn:aws:iam::aws:policy/ReadOnlyAccess" } else { "" },
            "Tags": [{"Key": "Owner", "Value": "platform"}],
        });
        let iam = furnished(guides_with_everything_different);
        let before = iam.world();
        let faulty = FaultyIam::new(&iam).on(operation, 20, Fault::Refuse("AccessDenied"));
        let answer = Stack::new(&faulty).create(properties.clone()).await;
        answer.failed().saying(&[operation, "not allowed"]).with_id(FAILED_CREATE);
        assert_eq!(iam.world(), before.unnumbered_like(&iam.world()), "{operation}");
        Stack::new(&iam).delete(FAILED_CREATE, properties).await.succeeded();
        assert_eq!(iam.world(), before.unnumbered_like(&iam.world()), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_adoption_that_died_half_way_is_carried_to_the_end_or_put_back() {
    let suspended = json!({"AccessState": "Suspended"});
    for (operation, properties) in [
        ("TagPolicy", json!({})),
        ("TagRole", json!({})),
        ("CreatePolicyVersion", json!({})),
        ("DeleteRolePermissionsBoundary", json!({})),
        ("UpdateRole", json!({})),
        ("AttachRolePolicy", json!({})),
        ("PutRolePolicy", suspended.clone()),
        ("UpdateAssumeRolePolicy", suspended.clone()),
    ] {
        let undisturbed = furnished(guides_with_everything_different);
        Stack::new(&undisturbed).create(properties.clone()).await.succeeded();
        for then in ["Create", "Delete"] {
            let iam = furnished(guides_with_everything_different);
            let before = iam.world();
            // A panic ends the work there and then, clean-up included.
            let dying = FaultyIam::new(&iam).on(operation, 1, Fault::Panic);
            Stack::new(&dying).create(properties.clone()).await.failed();
            let stack = Stack::new(&iam);
            if then == "Create" {
                stack.create(properties.clone()).await.succeeded();
                assert_eq!(iam.world().without_generated(), undisturbed.world().without_generated(), "{operation}");
                stack.delete(ID, json!({})).await.succeeded();
                if properties != suspended {
                    assert_eq!(iam.world(), before.unnumbered_like(&iam.world()), "{operation}");
                }
            } else {
                stack.delete(FAILED_CREATE, properties.clone()).await.succeeded();
                assert_eq!(iam.world(), before.unnumbered_like(&iam.world()), "{operation}");
            }
        }
    }
}

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
async fn what_is_not_recognisably_the_guides_is_refused_and_nothing_is_changed() {
    let cases: [(&str, Furnish, &[&str]); 10] = [
        (
            "a role of ours that lost its tags and its stack",
            |world| {
                guides(world);
                role(world).description = orchestera_access::iam::ROLE_DESCRIPTION.into();
            },
            &["a stack of this product made it, but its tags do not say which", "--description 'Orchestera')"],
        ),
        (
            "a role that trusts somebody else",
            foreign_role,
            &["The role OrchesteraAccessRole in account 111122223333 exists", "its trust is not the guide's", PLATFORM],
        ),
        (
            "a role that trusts others too",
            |world| {
                guides(world);
                role(world).trust["Statement"][0]["Principal"]["AWS"] = json!([PLATFORM, "444455556666"]);
            },
            &["its trust is not the guide's"],
        ),
        (
            "a role that was suspended and retained",
            |world| {
                guides(world);
                role(world).trust = orchestera_access::trust::with_everybody_denied(&trust_of(PLATFORM, None));
            },
            &["its trust is not the guide's"],
        ),
        (
            "a role with a path",
            |world| {
                guides(world);
                role(world).path = "/teams/".into();
            },
            &["it has the path of arn:aws:iam::111122223333:role/teams/OrchesteraAccessRole"],
        ),
        (
            "a policy that others use",
            |world| {
                guides(world);
                world.principals.insert((policy_arn(POLICY), PolicyUser::User("somebody".into())));
            },
            &["The policy OrchesteraAccessPolicy", "it is also used by user somebody. Detach it there"],
        ),
        (
            "five versions",
            |world| {
                guides(world);
                (0..4).for_each(|_| add_version(world, some_document("s3:*"), true));
            },
            &["it has 5 versions", "v1 (aws iam delete-policy-version", "--version-id v1)"],
        ),
        (
            "five versions, of which the oldest is in force",
            |world| {
                guides(world);
                (0..4).for_each(|_| add_version(world, some_document("s3:*"), false));
            },
            &["--version-id v2)"],
        ),
        (
            "a tag that is wanted with another value",
            |world| {
                guides(world);
                role(world).tags = tags([("team", "other")]);
            },
            &["it already carries Team, which Tags would set", "Take that out of Tags"],
        ),
        (
            "both at once",
            |world| {
                foreign_role(world);
                policy_by_hand(world, POLICY, Tags::new());
                world.principals.insert((policy_arn(POLICY), PolicyUser::Group("all".into())));
            },
            &["The role Orch", "The policy Orch", "its trust is not", "group all"],
        ),
    ];
    for (name, furnish, words) in cases {
        let iam = furnished(furnish);
        let before = iam.world();
        let properties =
            if name.starts_with("a tag") { json!({"Tags": [{"Key": "Team", "Value": "x"}]}) } else { json!({}) };
        let answer = Stack::new(&iam).create(properties).await.failed().with_id(FAILED_CREATE).saying(words);
        assert!(answer.reason.contains("then retry. Nothing was changed."), "{name}: {}", answer.reason);
        assert_eq!(answer.took.as_secs(), 0, "{name}: there is nothing to clean up");
        assert!(iam.writes().is_empty(), "{name}");
        assert_eq!(iam.world(), before, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn on_existing_fail_adopts_nothing() {
    for (name, furnish) in GUIDES {
        let iam = furnished(furnish);
        let before = iam.world();
        let answer = Stack::new(&iam).create(json!({"OnExisting": "Fail"})).await.failed().with_id(FAILED_CREATE);
        answer.saying(&["exists, was not made by this stack, and OnExisting is Fail"]);
        assert_eq!(iam.world(), before, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn delete_all_takes_what_was_adopted_only_after_an_update_has_said_so() {
    let (all, created) = (json!({"OnDelete": "DeleteAll"}), json!({}));
    let iam = furnished(guides);
    let before = iam.world();
    let stack = Stack::new(&iam);
    stack.create(all.clone()).await.succeeded();
    stack.delete(ID, all.clone()).await.succeeded().saying(&["put back as it was"]);
    assert_eq!(iam.world(), before, "given at Create it is not in force");

    stack.create(created.clone()).await.succeeded();
    stack.update(ID, all.clone(), created.clone()).await.succeeded();
    stack.update(ID, created.clone(), all.clone()).await.succeeded();
    stack.delete(ID, created.clone()).await.succeeded().saying(&["put back as it was"]);
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
    stack.delete(ID, json!({})).await.succeeded().saying(&["Somebody else added v8, which is still there"]);
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
    stack.delete(ID, json!({})).await.succeeded().saying(&["cannot be told any more", "version v3 in force"]);
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
        stack.delete(ID, json!({})).await.succeeded().saying(&["it was left as it is", "without our tags"]);
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
    stack.delete(ID, json!({})).await.succeeded().saying(&["The role OrchesteraAccessRole", "left as it is"]);
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
    stack.delete(ID, suspended.clone()).await.succeeded().saying(&["but suspended"]);
    let left = iam.world().role(ROLE).unwrap().clone();
    assert_eq!((&left.trust, &left.inline, &left.attached), (&shut.trust, &shut.inline, &shut.attached));
    assert!(left.inline.contains_key(suspension::POLICY_NAME));
    assert_eq!(left.tags, tags([("Team", "data")]));
    let writes = iam.writes();
    stack.delete(ID, suspended).await.succeeded();
    assert!(iam.writes().is_empty(), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_pair_is_suspended_and_opened_again_as_it_was() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let before = iam.world();
    let suspended = json!({"AccessState": "Suspended"});
    stack.update(ID, suspended.clone(), json!({})).await.succeeded();
    stack.update(ID, json!({}), suspended).await.succeeded();
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn a_rename_adopts_by_the_rules_of_create_and_puts_back_when_it_fails() {
    let renamed = json!({"RoleName": ROLE, "PolicyName": POLICY, "ExternalId": "given", "OnDelete": "DeleteAll"});
    let first = json!({"RoleName": "R", "PolicyName": "P"});
    let old_id = "111122223333/R/P";

    let iam = furnished(guides);
    Stack::new(&iam).create(first.clone()).await.succeeded();
    let before = iam.world();
    let faulty = FaultyIam::new(&iam).on("TagRole", 20, Fault::Refuse("AccessDenied"));
    Stack::new(&faulty).update(old_id, renamed.clone(), first.clone()).await.failed().with_id(old_id);
    assert_eq!(iam.world(), before);

    let stack = Stack::new(&iam);
    let answer = stack.update(old_id, renamed.clone(), first.clone()).await.succeeded().with_id(ID);
    assert_eq!((answer.get("Ownership"), answer.get("ExternalId")), ("adopted", ""), "and keeps its trust");
    // The rollback of that update, or of the stack's around it.
    stack.update(ID, first.clone(), renamed.clone()).await.succeeded().with_id(old_id);
    stack.delete(ID, renamed.clone()).await.succeeded();
    assert_eq!(iam.world(), before, "DeleteAll was never in force for it");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_pair_that_is_renamed_away_from_is_put_back_by_the_delete_of_its_id() {
    let iam = furnished(guides_with_everything_different);
    let before = iam.world();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let renamed = json!({"RoleName": "R", "PolicyName": "P"});
    let answer = stack.update(ID, renamed, json!({})).await.succeeded();
    assert_eq!(answer.get("Ownership"), "created");
    stack.delete(ID, json!({})).await.succeeded();
    let mut after = iam.world();
    assert!(after.roles.remove("r").is_some() && after.policies.remove(&policy_arn("P")).is_some());
    assert_eq!(after, before.unnumbered_like(&after));
}

#[tokio::test(start_paused = true)]
async fn an_update_overwrites_no_tag_that_an_adopted_object_came_with() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let before = iam.world();
    let team = json!({"Tags": [{"Key": "Team", "Value": "platform"}, {"Key": "Owner", "Value": "me"}]});
    stack.update(ID, team, json!({})).await.failed().saying(&["carries Team from before", "Take that out of Tags"]);
    assert_eq!(iam.world(), before);
    let owner = json!({"Tags": [{"Key": "Owner", "Value": "me"}]});
    stack.update(ID, owner.clone(), json!({})).await.succeeded();
    let changed = json!({"Tags": [{"Key": "Owner", "Value": "you"}]});
    stack.update(ID, changed.clone(), owner).await.succeeded();
    stack.delete(ID, changed).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().tags, tags([("Team", "data")]));
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
        Stack::new(&faulty).delete(ID, suspended.clone()).await.succeeded().saying(&["but suspended"]);
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
    let other = furnished(guides);
    other.by_hand(|world| role(world).trust = trust_of("999988887777", None));
    let platform = json!({"PlatformAccountId": "999988887777"});
    Stack::new(&other).create(platform).await.succeeded();
    let forged = other.world().role(ROLE).unwrap().tags["orchestera:before-trust"].clone();
    iam.by_hand(|world| drop(role(world).tags.insert("orchestera:before-trust".into(), forged)));
    stack.update(ID, json!({}), json!({})).await.succeeded();
    stack.delete(ID, json!({})).await.succeeded().saying(&["it was left as it is"]);
    assert!(!iam.world().role(ROLE).unwrap().trust.to_string().contains("999988887777"));
}

#[tokio::test(start_paused = true)]
async fn an_adopted_role_that_lost_its_record_keeps_the_trust_that_it_has() {
    for lost in ["orchestera:before-session", "orchestera:before-trust"] {
        let iam = furnished(guides);
        let stack = Stack::new(&iam);
        stack.create(json!({})).await.succeeded();
        iam.by_hand(|world| drop(role(world).tags.remove(lost)));
        stack.update(ID, json!({"PolicyEdition": "2026-02-06"}), json!({})).await.succeeded();
        assert_eq!(iam.world().role(ROLE).unwrap().trust, trust_of(PLATFORM, None), "the platform is not cut off");
    }
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
