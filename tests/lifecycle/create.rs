use crate::common::by_hand::*;
use crate::common::fake_iam::{ACCOUNT, FakeIam, World, policy_arn, tags};
use crate::common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use orchestera_access::iam::{Tags, Write};
use orchestera_access::policy::Edition;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn nothing_there_makes_role_and_policy_attaches_and_verifies_them() {
    let iam = FakeIam::default();
    let answer = Stack::new(&iam).create(json!({})).await.succeeded().with_id(ID);

    let world = iam.world();
    let (role, policy) = (world.role(ROLE).unwrap(), world.policy(&policy_arn(POLICY)).unwrap());
    let external_id = answer.get("ExternalId");
    assert_eq!(role.trust, trust_of(PLATFORM, Some(external_id)));
    assert_eq!(role.max_session_duration, 3600);
    assert_eq!(role.permissions_boundary, None);
    assert_eq!(role.attached, [policy_arn(POLICY)].into());
    assert_eq!(policy.versions, [(1, Edition::named("2025-09-29").unwrap().document())]);
    let owned = tags([
        ("orchestera:stack-id", &Stack::new(&iam).stack_id),
        ("orchestera:logical-id", "Access"),
        ("orchestera:resource-id", ID),
        ("orchestera:ownership", "created"),
        ("orchestera:external-id", external_id),
        ("orchestera:policy-edition", "2025-09-29"),
        ("orchestera:policy-sha256", answer.get("PolicySha256")),
    ]);
    assert_eq!((&role.tags, &policy.tags), (&owned, &owned));
    assert!(external_id.len() == 32 && external_id.bytes().all(|b| b.is_ascii_hexdigit()), "{external_id}");
}

#[tokio::test(start_paused = true)]
async fn every_attribute_is_there_and_blank_where_it_does_not_apply() {
    let iam = FakeIam::default();
    let answer = Stack::new(&iam).create(json!({"RequireExternalId": "false"})).await.succeeded();
    let expected = json!({
        "RoleArn": "arn:aws:iam::111122223333:role/OrchesteraAccessRole",
        "RoleName": ROLE,
        "PolicyArn": policy_arn(POLICY),
        "PolicyName": POLICY,
        "PolicyEdition": "2025-09-29",
        "PolicyVersionId": "v1",
        "PolicySha256": orchestera_access::policy::sha256(&Edition::named("2025-09-29").unwrap().document()),
        "ExternalId": "",
        "AccountId": ACCOUNT,
        "PlatformAccountId": PLATFORM,
        "AccessState": "Active",
        "Ownership": "created",
        "Verified": "true",
        "ForeignPolicies": "",
    });
    assert_eq!(answer.data, expected);
    assert_eq!(iam.world().role(ROLE).unwrap().trust, trust_of(PLATFORM, None), "the guide's original trust");
}

#[tokio::test(start_paused = true)]
async fn every_property_reaches_iam() {
    let iam = FakeIam::default();
    iam.by_hand(|world| policy_by_hand(world, "Boundary", Tags::new()));
    let properties = json!({
        "RoleName": "R,1", "PolicyName": "P", "PlatformAccountId": PLATFORM, "ExternalId": "given+=,.@:/_-",
        "PolicyEdition": "2026-02-06", "PermissionsBoundaryArn": policy_arn("Boundary"), "MaxSessionDuration": "43200",
        "Tags": [{"Key": "team", "Value": "data"}],
    });
    let answer = Stack::new(&iam).create(properties).await.succeeded().with_id("111122223333/R,1/P");
    let world = iam.world();
    let (role, policy) = (world.role("R,1").unwrap(), world.policy(&policy_arn("P")).unwrap());
    assert_eq!(role.trust, trust_of(PLATFORM, Some("given+=,.@:/_-")));
    assert_eq!(role.permissions_boundary, Some(policy_arn("Boundary")));
    assert_eq!(role.max_session_duration, 43200);
    assert_eq!(policy.versions[0].1, Edition::named("2026-02-06").unwrap().document());
    assert_eq!((&role.tags["team"], &policy.tags["team"]), (&"data".to_owned(), &"data".to_owned()));
    assert_eq!(role.tags["orchestera:resource-id"], "111122223333/R::1/P");
    assert_eq!((answer.get("ExternalId"), answer.get("PolicyEdition")), ("given+=,.@:/_-", "2026-02-06"));
    assert_ne!(role.tags["orchestera:external-id"], "given+=,.@:/_-", "the tag holds the generated one");
}

#[tokio::test(start_paused = true)]
async fn two_creates_generate_two_external_ids() {
    let (one, other) = (FakeIam::default(), FakeIam::default());
    let (one, other) = (Stack::new(&one).create(json!({})).await, Stack::new(&other).create(json!({})).await);
    assert_ne!(one.get("ExternalId"), other.get("ExternalId"));
}

#[tokio::test(start_paused = true)]
async fn role_and_policy_go_out_at_once_and_nothing_is_written_twice() {
    let iam = FakeIam::default();
    Stack::new(&iam).create(json!({})).await.succeeded();
    assert_eq!(
        iam.writes(),
        [
            format!("CreatePolicy {POLICY}"),
            format!("CreateRole {ROLE}"),
            format!("AttachRolePolicy {ROLE} {}", policy_arn(POLICY)),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_create_again_answers_the_same_and_writes_nothing() {
    let iam = FakeIam::default();
    let first = Stack::new(&iam).create(json!({})).await.succeeded();
    iam.writes();
    let second = Stack::new(&iam).create(json!({})).await.succeeded();
    assert_eq!((first.id, first.data), (second.id, second.data));
    assert!(iam.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_attempt_left_half_done_is_carried_to_the_end_with_its_external_id() {
    for killed_at in ["CreateRole", "CreatePolicy", "AttachRolePolicy"] {
        let iam = FakeIam::default();
        // The answer of a killed attempt never comes; what it had done stays.
        let killed = FaultyIam::new(&iam).on(killed_at, FOR_EVER, Fault::Hang);
        Stack::new(&killed).create(json!({})).await.failed().saying(&[killed_at, "not known whether it took effect"]);
        let stored: Vec<_> = iam.world().policies.values().map(|p| p.tags["orchestera:external-id"].clone()).collect();
        let answer = Stack::new(&iam).create(json!({})).await.succeeded().with_id(ID);
        assert_eq!(answer.get("Verified"), "true");
        for stored in stored {
            assert_eq!(answer.get("ExternalId"), stored, "{killed_at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_found_and_not_repeated() {
    for lost in ["CreateRole", "CreatePolicy", "AttachRolePolicy"] {
        let iam = FakeIam::default();
        let faulty = FaultyIam::new(&iam).on(lost, 1, Fault::AnswerLost);
        let answer = Stack::new(&faulty).create(json!({})).await.succeeded();
        assert_eq!(answer.get("Verified"), "true");
        assert_eq!(iam.writes().len(), 3, "{lost}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_that_lag_behind_writes_are_waited_for() {
    for lag in [1, 2, 7, 20] {
        let iam = FakeIam::lagging_by(lag);
        let answer = Stack::new(&iam).create(json!({})).await.succeeded();
        assert_eq!(answer.get("Verified"), "true", "lag {lag}");
        assert_eq!(iam.writes().len(), 3, "old reads must not make it write again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_read_back_in_time_is_not_called_verified() {
    let iam = FakeIam::lagging_by(u32::MAX);
    let answer = Stack::new(&iam).create(json!({})).await.succeeded().with_id(ID);
    assert_eq!(answer.get("Verified"), "false");
    assert_eq!(answer.get("RoleArn"), "arn:aws:iam::111122223333:role/OrchesteraAccessRole");
    assert_eq!(answer.get("ExternalId"), iam.world().role(ROLE).unwrap().tags["orchestera:external-id"]);
    assert!((10..20).contains(&answer.took.as_secs()), "{:?}", answer.took);
}

#[tokio::test(start_paused = true)]
async fn what_another_stack_owns_is_refused_with_its_name_and_the_command_that_releases_it() {
    let iam = FakeIam::default();
    let other = Stack::named(&iam, "other-region");
    other.create(json!({})).await.succeeded();
    let before = iam.world();
    Stack::new(&iam).create(json!({})).await.failed().saying(&[
        &format!("belongs to resource Access of the stack {}", other.stack_id),
        "aws iam untag-role --role-name OrchesteraAccessRole --tag-keys orchestera:stack-id",
        "aws iam untag-policy --policy-arn arn:aws:iam::111122223333:policy/OrchesteraAccessPolicy",
    ]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn another_resource_of_the_same_stack_is_another_owner() {
    let iam = FakeIam::default();
    let mine = Stack::new(&iam);
    iam.by_hand(|world| {
        role_by_hand(world, tags([("orchestera:stack-id", &mine.stack_id), ("orchestera:logical-id", "Second")]));
    });
    mine.create(json!({})).await.failed().saying(&["belongs to resource Second of the stack"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_removes_what_this_create_made_meanwhile() {
    let iam = FakeIam::default();
    let faulty = FaultyIam::new(&iam).on("CreateRole", 1, Fault::Meanwhile(Box::new(foreign_role)));
    Stack::new(&faulty)
        .create(json!({}))
        .await
        .failed()
        .saying(&["The role OrchesteraAccessRole", "this stack did not create it, and it cannot be adopted"]);
    let world = iam.world();
    assert!(world.policies.is_empty(), "the policy was made by this create");
    assert_eq!(world.role(ROLE).unwrap().tags, Tags::new(), "the role was not");
}

#[tokio::test(start_paused = true)]
async fn a_failure_removes_what_this_create_made() {
    let iam = FakeIam::default();
    let faulty = FaultyIam::new(&iam).on("AttachRolePolicy", FOR_EVER, Fault::Refuse("AccessDenied"));
    Stack::new(&faulty).create(json!({})).await.failed().saying(&[
        "AttachRolePolicy on OrchesteraAccessRole in account 111122223333 failed",
        "not allowed to call iam:AttachRolePolicy",
    ]);
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn a_failed_copy_of_a_create_that_succeeded_removes_nothing() {
    let iam = FakeIam::default();
    Stack::new(&iam).create(json!({})).await.succeeded();
    let before = iam.world();
    iam.by_hand(|world| world.role_mut(ROLE).unwrap().attached.clear());
    let faulty = FaultyIam::new(&iam).on("AttachRolePolicy", FOR_EVER, Fault::Refuse("AccessDenied"));
    Stack::new(&faulty).create(json!({})).await.failed();
    let after = iam.world();
    assert_eq!(after.role(ROLE).unwrap().tags, before.role(ROLE).unwrap().tags);
    assert_eq!(after.policies, before.policies);
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_that_fails_is_said() {
    let iam = FakeIam::default();
    let faulty = FaultyIam::new(&iam).on("AttachRolePolicy", FOR_EVER, Fault::Refuse("AccessDenied")).on(
        "DeleteRole",
        FOR_EVER,
        Fault::Refuse("AccessDenied"),
    );
    Stack::new(&faulty).create(json!({})).await.failed().saying(&[
        "not allowed to call iam:AttachRolePolicy",
        "Removing what this attempt had created also failed: DeleteRole on OrchesteraAccessRole",
    ]);
}

#[tokio::test(start_paused = true)]
async fn rights_that_arrive_within_seconds_are_waited_for() {
    for operation in ["GetRole", "CreatePolicy", "AttachRolePolicy", "ListPolicyVersions"] {
        let iam = FakeIam::default();
        let faulty = FaultyIam::new(&iam).on(operation, 3, Fault::Refuse("AccessDenied"));
        Stack::new(&faulty).create(json!({})).await.succeeded();
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_never_arrives_is_named_in_time() {
    for operation in ["GetRole", "CreateRole", "ListAttachedRolePolicies"] {
        let iam = FakeIam::default();
        let faulty = FaultyIam::new(&iam).on(operation, FOR_EVER, Fault::Refuse("AccessDenied"));
        let answer = Stack::new(&faulty).create(json!({})).await.failed();
        let answer = answer.saying(&[&format!("not allowed to call iam:{operation}"), ACCOUNT, "as the test says"]);
        assert!((10..15).contains(&answer.took.as_secs()), "{operation}: {:?}", answer.took);
        assert_eq!(iam.world(), World::default(), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_boundary_that_does_not_exist_is_named() {
    let iam = FakeIam::default();
    let answer = Stack::new(&iam).create(json!({"PermissionsBoundaryArn": policy_arn("Missing")})).await.failed();
    answer.saying(&[
        "the permissions boundary arn:aws:iam::111122223333:policy/Missing does not exist",
        "PermissionsBoundaryArn",
    ]);
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn a_boundary_that_appears_within_seconds_is_waited_for() {
    let iam = FakeIam::default();
    let appears = Fault::Meanwhile(Box::new(|world| policy_by_hand(world, "Boundary", Tags::new())));
    let faulty = FaultyIam::new(&iam).on("CreateRole", 2, Fault::Refuse("NoSuchEntity")).on("CreateRole", 1, appears);
    Stack::new(&faulty).create(json!({"PermissionsBoundaryArn": policy_arn("Boundary")})).await.succeeded();
    assert_eq!(iam.world().role(ROLE).unwrap().permissions_boundary, Some(policy_arn("Boundary")));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_but_cannot_be_read_is_explained() {
    let iam = FakeIam::default();
    iam.by_hand(|world| {
        let lower = Write::CreateRole {
            role_name: ROLE.to_lowercase(),
            trust: trust_of(PLATFORM, None),
            max_session_duration: 3600,
            permissions_boundary: None,
            tags: Tags::new(),
        };
        world.write(&lower).unwrap();
    });
    let answer = Stack::new(&iam).create(json!({})).await.failed();
    answer.saying(&["the name already exists", "upper and lower case", "and delete it"]);
    assert!(iam.world().policies.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_up_is_named() {
    let iam = FakeIam::default();
    let faulty = FaultyIam::new(&iam).on("CreatePolicy", FOR_EVER, Fault::Refuse("LimitExceeded"));
    Stack::new(&faulty).create(json!({})).await.failed().saying(&["quota of the account is used up", "CreatePolicy"]);
    assert_eq!(iam.world(), World::default());
}

#[tokio::test(start_paused = true)]
async fn delete_all_given_at_create_is_not_remembered() {
    let iam = FakeIam::default();
    Stack::new(&iam).create(json!({"OnDelete": "DeleteAll"})).await.succeeded();
    assert!(!iam.world().role(ROLE).unwrap().tags.contains_key("orchestera:delete-adopted"));
}

#[tokio::test(start_paused = true)]
async fn two_attempts_that_saw_nothing_agree_on_one_external_id() {
    // The first attempt dies after making the role; the second, whose reads lag, does not see that and makes the policy with
    // an external id of its own. The role's counts, whether or not the trust asks for it.
    for properties in [json!({}), json!({"ExternalId": "given"}), json!({"RequireExternalId": "false"})] {
        let iam = FakeIam::lagging_by(30);
        let killed = FaultyIam::new(&iam).on("CreatePolicy", FOR_EVER, Fault::Hang);
        Stack::new(&killed).create(properties.clone()).await.failed();
        let first = iam.world().role(ROLE).unwrap().tags["orchestera:external-id"].clone();
        iam.writes();
        let answer = Stack::new(&iam).create(properties.clone()).await.succeeded();
        assert!(iam.writes().contains(&format!("CreatePolicy {POLICY}")), "the second saw nothing");
        let policy = iam.world().policy(&policy_arn(POLICY)).unwrap().clone();
        assert_eq!(policy.tags["orchestera:external-id"], first);
        let asked =
            if properties == json!({}) { first.as_str() } else { properties["ExternalId"].as_str().unwrap_or("") };
        assert_eq!(answer.get("ExternalId"), asked);
    }
}
