use crate::common::by_hand::*;
use crate::common::fake_iam::{FakeIam, policy_arn, tags};
use crate::common::faulty_iam::{Fault, FaultyIam};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use orchestera_access::iam::{PolicyUser, Tags};
use orchestera_access::policy::Edition;
use serde_json::json;

const FAILED_CREATE: &str = "failed/Access/request-1";

/// What the guide, its readers and the console leave behind.
const GUIDES: [(&str, Furnish); 9] = [
    ("the older edition, without an external id", guides),
    ("a bare account id", |world| {
        guides(world);
        role(world).trust["Statement"][0]["Principal"]["AWS"] = PLATFORM.into();
    }),
    ("an external id", |world| {
        guides(world);
        role(world).trust = trust_of(PLATFORM, Some("theirs"));
    }),
    ("an external id, the condition key in another case", |world| {
        guides(world);
        role(world).trust = trust_of(PLATFORM, None);
        role(world).trust["Statement"][0]["Condition"] = json!({"StringEquals": {"sts:externalId": ["theirs"]}});
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

        let answer =
            stack.delete(ID, json!({})).await.succeeded().with_id(ID).saying(&["restored to its earlier state"]);
        assert_eq!(iam.world(), before.unnumbered_like(&iam.world()), "{name}");
        assert!(!answer.reason.contains("present state was kept"), "{name}: {}", answer.reason);
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
async fn what_is_not_recognisably_the_guides_is_refused_and_nothing_is_changed() {
    let cases: [(&str, Furnish, &[&str]); 10] = [
        (
            "a role of ours that lost its tags and its stack",
            |world| {
                guides(world);
                role(world).description = orchestera_access::iam::ROLE_DESCRIPTION.into();
            },
            &["a stack of this product created it, but its tags do not say which", "--description 'Orchestera')"],
        ),
        (
            "a role that trusts somebody else",
            foreign_role,
            &[
                "The role OrchesteraAccessRole in account 111122223333 exists",
                "its trust policy is not the guide's",
                PLATFORM,
            ],
        ),
        (
            "a role that trusts others too",
            |world| {
                guides(world);
                role(world).trust["Statement"][0]["Principal"]["AWS"] = json!([PLATFORM, "444455556666"]);
            },
            &["its trust policy is not the guide's"],
        ),
        (
            "a role that was suspended and retained",
            |world| {
                guides(world);
                role(world).trust = orchestera_access::trust::with_everybody_denied(&trust_of(PLATFORM, None));
            },
            &["its trust policy is not the guide's"],
        ),
        (
            "a role with a path",
            |world| {
                guides(world);
                role(world).path = "/teams/".into();
            },
            &["its ARN arn:aws:iam::111122223333:role/teams/OrchesteraAccessRole"],
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
            &["it already has Team, which Tags would overwrite", "Remove that from Tags"],
        ),
        (
            "both at once",
            |world| {
                foreign_role(world);
                policy_by_hand(world, POLICY, Tags::new());
                world.principals.insert((policy_arn(POLICY), PolicyUser::Group("all".into())));
            },
            &["The role Orch", "The policy Orch", "its trust policy is not", "group all"],
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
        answer.saying(&["exists, this stack did not create it, and OnExisting is Fail"]);
        assert_eq!(iam.world(), before, "{name}");
    }
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
async fn an_update_overwrites_no_tag_that_an_adopted_object_came_with() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    let before = iam.world();
    let team = json!({"Tags": [{"Key": "Team", "Value": "platform"}, {"Key": "Owner", "Value": "me"}]});
    stack.update(ID, team, json!({})).await.failed().saying(&["had Team before", "Remove that from Tags"]);
    assert_eq!(iam.world(), before);
    let owner = json!({"Tags": [{"Key": "Owner", "Value": "me"}]});
    stack.update(ID, owner.clone(), json!({})).await.succeeded();
    let changed = json!({"Tags": [{"Key": "Owner", "Value": "you"}]});
    stack.update(ID, changed.clone(), owner).await.succeeded();
    stack.delete(ID, changed).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().tags, tags([("Team", "data")]));
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_an_adopted_object_came_with_stays_in_whatever_case_and_with_whatever_value_tags_has_it() {
    for (key, value) in [("Team", "data"), ("team", "data"), ("TEAM", "other"), ("Team", "other"), ("tEAM", "")] {
        let iam = furnished(guides);
        let original = iam.world();
        let stack = Stack::new(&iam);
        let both = json!({"Tags": [{"Key": "Owner", "Value": "me"}, {"Key": key, "Value": value}]});
        stack.create(both.clone()).await.failed().saying(&["it already has", key, "Remove that from Tags"]);
        assert_eq!(iam.world(), original, "{key}");

        for old in [json!({}), json!({"Tags": [{"Key": "Owner", "Value": "me"}]})] {
            stack.create(old.clone()).await.succeeded();
            let adopted = iam.world();
            stack
                .update(ID, both.clone(), old.clone())
                .await
                .failed()
                .with_id(ID)
                .saying(&["was adopted and had", key]);
            assert_eq!(iam.world(), adopted, "{key}={value}");
            // The rollback, and the same refused Update once more.
            stack.update(ID, old.clone(), both.clone()).await.succeeded();
            stack.update(ID, both.clone(), old.clone()).await.failed();
            assert_eq!(iam.world(), adopted, "{key}={value}");
            // Whichever properties the Delete has: those that were refused have put nothing on it.
            let properties = if old == json!({}) { &both } else { &old };
            stack.delete(ID, properties.clone()).await.succeeded();
            assert_eq!(iam.world(), original.unnumbered_like(&iam.world()), "{key}={value}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_an_adopted_object_came_with_stays_also_when_the_object_has_lost_our_tags() {
    for (key, value) in [("Team", "data"), ("TEAM", "other")] {
        let iam = furnished(guides);
        let stack = Stack::new(&iam);
        let owner = json!({"Tags": [{"Key": "Owner", "Value": "me"}]});
        stack.create(owner.clone()).await.succeeded();
        iam.by_hand(|world| role(world).tags.retain(|key, _| !key.starts_with("orchestera:")));
        let team = json!({"Tags": [{"Key": key, "Value": value}]});
        stack.update(ID, team.clone(), owner.clone()).await.failed().saying(&["was adopted and had", key]);
        stack.update(ID, owner.clone(), team).await.succeeded();
        let tags = iam.world().role(ROLE).unwrap().tags.clone();
        assert_eq!((&tags["Team"], &tags["Owner"]), (&"data".into(), &"me".into()), "{key}={value}");
        stack.update(ID, json!({}), owner).await.succeeded();
        assert!(!iam.world().role(ROLE).unwrap().tags.contains_key("Owner"), "{key}={value}");
    }
}

#[tokio::test(start_paused = true)]
async fn tags_that_a_deleted_role_had_from_the_properties_are_not_taken_from_the_role_that_replaces_it() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    let team = json!({"Tags": [{"Key": "Team", "Value": "data"}]});
    stack.create(team.clone()).await.succeeded();
    iam.by_hand(|world| {
        world.roles.clear();
        role_by_hand(world, tags([("Team", "data")]));
    });
    stack.update(ID, json!({}), team).await.succeeded();
    let world = iam.world();
    assert_eq!(world.role(ROLE).unwrap().tags["Team"], "data");
    assert!(!world.policy(&policy_arn(POLICY)).unwrap().tags.contains_key("Team"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_adopted_if_an_old_read_does_not_show_an_object_of_somebody_else() {
    let unseen_role: Furnish = |world| {
        foreign_role(world);
        policy_by_hand(world, POLICY, Tags::new());
    };
    let unseen_policy: Furnish = |world| {
        role_by_hand(world, Tags::new());
        policy_by_hand(world, POLICY, Tags::new());
        let theirs = PolicyUser::User("theirs".into());
        world.principals.insert((policy_arn(POLICY), theirs));
    };
    for (furnish, read, creation) in
        [(unseen_role, "GetRole", "CreateRole"), (unseen_policy, "GetPolicy", "CreatePolicy")]
    {
        let iam = furnished(furnish);
        let before = iam.world();
        let faulty = FaultyIam::new(&iam).on(read, 1, Fault::NotSeen);
        Stack::new(&faulty).create(json!({})).await.failed().saying(&["cannot be adopted", "Nothing was changed"]);
        assert_eq!((operations(&iam), iam.world()), (vec![creation.to_owned()], before));
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_to_delete_all_that_adopts_by_itself_is_verified_and_remembered() {
    let iam = furnished(guides);
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    iam.by_hand(|world| {
        let policies = world.policies.values_mut().map(|policy| &mut policy.tags);
        for tags in world.roles.values_mut().map(|role| &mut role.tags).chain(policies) {
            tags.retain(|key, _| !key.starts_with("orchestera:"));
        }
    });
    // Without our tags, nobody can tell them from another pair that was created after the guide: they are adopted again.
    let all = json!({"OnDelete": "DeleteAll"});
    let answer = stack.update(ID, all.clone(), json!({})).await.succeeded();
    assert_eq!(answer.get("Verified"), "true");
    assert_eq!(iam.world().role(ROLE).unwrap().tags["orchestera:delete-adopted"], "true");
    stack.delete(ID, all).await.succeeded();
    assert_eq!(iam.world().role(ROLE), None);
}

#[tokio::test(start_paused = true)]
async fn tags_of_an_adopted_object_follow_the_properties_also_when_an_update_is_repeated() {
    for operation in ["TagRole", "TagPolicy", "CreatePolicyVersion"] {
        let iam = furnished(guides);
        let original = iam.world();
        let stack = Stack::new(&iam);
        stack.create(json!({})).await.succeeded();
        let owner = json!({"PolicyEdition": "2026-02-06", "Tags": [{"Key": "Owner", "Value": "me"}]});
        // Lambda repeats the event after an attempt that stopped half way.
        let faulty = FaultyIam::new(&iam).on(operation, 9, Fault::Panic);
        Stack::new(&faulty).update(ID, owner.clone(), json!({})).await.failed();
        stack.update(ID, owner.clone(), json!({})).await.succeeded();
        let tagged = iam.world();
        assert_eq!(
            (&tagged.role(ROLE).unwrap().tags["Owner"], &tagged.role(ROLE).unwrap().tags["Team"]),
            (&"me".into(), &"data".into())
        );
        stack.update(ID, owner.clone(), json!({})).await.succeeded();
        let respelled = json!({"PolicyEdition": "2026-02-06", "Tags": [{"Key": "OWNER", "Value": "you"}]});
        stack.update(ID, respelled.clone(), owner.clone()).await.succeeded();
        assert_eq!(iam.world().role(ROLE).unwrap().tags["OWNER"], "you", "{operation}");
        stack.update(ID, json!({}), respelled.clone()).await.succeeded();
        assert!(!iam.world().role(ROLE).unwrap().tags.contains_key("OWNER"), "{operation}");
        stack.delete(ID, json!({})).await.succeeded();
        assert_eq!(iam.world(), original.unnumbered_like(&iam.world()), "{operation}");
    }
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
