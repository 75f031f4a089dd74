use crate::common::by_hand::*;
use crate::common::fake_iam::{FakeIam, World, policy_arn};
use crate::common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use orchestera_access::iam::{PolicyUser, Tags};
use serde_json::{Value, json};

const NEW: &str = "111122223333/NewRole/NewPolicy";
const NEW_POLICY_ONLY: &str = "111122223333/OrchesteraAccessRole/NewPolicy";

fn both() -> Value {
    json!({"RoleName": "NewRole", "PolicyName": "NewPolicy"})
}

fn policy_only() -> Value {
    json!({"PolicyName": "NewPolicy"})
}

fn role_only() -> Value {
    json!({"RoleName": "NewRole"})
}

fn names(world: &World) -> (Vec<String>, Vec<String>) {
    (
        world.roles.values().map(|role| role.name.clone()).collect(),
        world.policies.values().map(|p| p.name.clone()).collect(),
    )
}

async fn created(iam: &FakeIam) -> Stack<'_, FakeIam> {
    let stack = Stack::new(iam);
    stack.create(json!({})).await.succeeded();
    iam.writes();
    stack
}

#[tokio::test(start_paused = true)]
async fn the_new_is_made_beside_the_old_and_the_delete_of_the_old_id_removes_only_the_old() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    let old = iam.world();
    stack.update(ID, both(), json!({})).await.succeeded().with_id(NEW);
    let during = iam.world();
    assert_eq!(during.role(ROLE), old.role(ROLE), "the old one works until the stack's update is complete");
    assert_eq!(during.role("NewRole").unwrap().tags["orchestera:resource-id"], NEW);
    stack.delete(ID, json!({})).await.succeeded().with_id(ID);
    let after = iam.world();
    assert_eq!(names(&after), (vec!["NewRole".into()], vec!["NewPolicy".into()]));
    assert_eq!(after.role("NewRole"), during.role("NewRole"));
}

#[tokio::test(start_paused = true)]
async fn the_generated_external_id_is_carried_over() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    let generated = stack.create(json!({})).await.succeeded().get("ExternalId").to_owned();
    assert_eq!(stack.update(ID, both(), json!({})).await.succeeded().get("ExternalId"), generated);
    stack.delete(ID, json!({})).await.succeeded();
    assert_eq!(stack.update(NEW, both(), both()).await.succeeded().get("ExternalId"), generated);
}

#[tokio::test(start_paused = true)]
async fn a_generated_external_id_that_is_lost_is_asked_for_before_anything_is_made() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| {
        world.role_mut(ROLE).unwrap().tags.remove("orchestera:external-id");
        world.policies.values_mut().for_each(|policy| {
            policy.tags.remove("orchestera:external-id");
        });
    });
    let before = iam.world();
    stack.update(ID, both(), json!({})).await.failed().with_id(ID).saying(&["is lost", "Set ExternalId"]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn a_role_kept_under_its_name_with_a_new_policy_stays() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    let answer = stack.update(ID, policy_only(), json!({})).await.succeeded().with_id(NEW_POLICY_ONLY);
    assert_eq!(answer.get("ForeignPolicies"), "", "the old policy is not foreign");
    let during = iam.world();
    assert_eq!(during.role(ROLE).unwrap().attached, [policy_arn(POLICY), policy_arn("NewPolicy")].into());
    assert_eq!(during.role(ROLE).unwrap().tags["orchestera:resource-id"], NEW_POLICY_ONLY);
    let note = stack.delete(ID, json!({})).await.succeeded().reason;
    assert!(
        note.contains("The role OrchesteraAccessRole")
            && note.contains("belongs to 111122223333/OrchesteraAccessRole/NewPolicy now"),
        "{note}"
    );
    let after = iam.world();
    assert_eq!(names(&after), (vec![ROLE.into()], vec!["NewPolicy".into()]));
    assert_eq!(after.role(ROLE).unwrap().attached, [policy_arn("NewPolicy")].into());
}

#[tokio::test(start_paused = true)]
async fn a_policy_kept_under_its_name_with_a_new_role_stays() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    stack.update(ID, role_only(), json!({})).await.succeeded();
    stack.delete(ID, json!({})).await.succeeded();
    let after = iam.world();
    assert_eq!(names(&after), (vec!["NewRole".into()], vec![POLICY.into()]));
    assert_eq!(after.role("NewRole").unwrap().attached, [policy_arn(POLICY)].into());
}

#[tokio::test(start_paused = true)]
async fn lost_tags_are_no_obstacle_under_a_name_that_is_kept_but_are_under_a_new_one() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| world.role_mut(ROLE).unwrap().tags.clear());
    stack.update(ID, policy_only(), json!({})).await.succeeded().with_id(NEW_POLICY_ONLY);

    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| policy_by_hand(world, "NewPolicy", Tags::new()));
    let before = iam.world();
    let renamed = json!({"PolicyName": "NewPolicy", "OnExisting": "Fail"});
    let answer = stack.update(ID, renamed, json!({})).await.failed().with_id(ID);
    answer.saying(&["The policy NewPolicy in account 111122223333 exists, was not made by this stack"]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn a_rename_in_case_only_is_refused() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    for renamed in [json!({"RoleName": ROLE.to_lowercase()}), json!({"PolicyName": POLICY.to_uppercase()})] {
        stack.update(ID, renamed, json!({})).await.failed().with_id(ID).saying(&["upper and lower case only"]);
    }
    assert!(iam.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_fails_half_way_removes_what_it_made_and_answers_the_old_id() {
    for failing in ["CreateRole", "CreatePolicy", "AttachRolePolicy"] {
        let iam = FakeIam::default();
        created(&iam).await;
        let before = iam.world();
        let faulty = FaultyIam::new(&iam).on(failing, FOR_EVER, Fault::Refuse("AccessDenied"));
        let answer = Stack::new(&faulty).update(ID, both(), json!({})).await.failed().with_id(ID);
        answer.saying(&[&format!("not allowed iam:{failing}")]);
        assert_eq!(iam.world(), before, "{failing}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_fails_gives_what_both_share_back_to_the_old_id() {
    for (properties, failing) in [(policy_only(), "AttachRolePolicy"), (role_only(), "AttachRolePolicy")] {
        let iam = FakeIam::default();
        created(&iam).await;
        let before = iam.world();
        let mut properties = properties;
        properties["Tags"] = json!([{"Key": "new", "Value": "x"}]);
        properties["MaxSessionDuration"] = json!("7200");
        let faulty = FaultyIam::new(&iam).on(failing, FOR_EVER, Fault::Refuse("AccessDenied"));
        Stack::new(&faulty).update(ID, properties, json!({})).await.failed().with_id(ID);
        assert_eq!(iam.world(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rename_killed_half_way_and_failing_at_the_retry_leaves_nothing_of_the_new() {
    for renamed in [both(), policy_only(), role_only()] {
        let iam = FakeIam::default();
        created(&iam).await;
        let before = iam.world();
        let killed = FaultyIam::new(&iam).on("AttachRolePolicy", FOR_EVER, Fault::Hang);
        Stack::new(&killed).update(ID, renamed.clone(), json!({})).await.failed();
        assert_ne!(names(&iam.world()), names(&before));
        let faulty = FaultyIam::new(&iam).on("AttachRolePolicy", FOR_EVER, Fault::Refuse("AccessDenied"));
        Stack::new(&faulty).update(ID, renamed, json!({})).await.failed().with_id(ID);
        assert_eq!(iam.world(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_shares_a_name_is_not_called_done_before_iam_shows_the_new_owner() {
    for renamed in [policy_only(), role_only()] {
        let iam = FakeIam::default();
        created(&iam).await;
        let before = iam.world();
        iam.lag_by(u32::MAX);
        let answer = Stack::new(&iam).update(ID, renamed.clone(), json!({})).await.failed().with_id(ID);
        answer.saying(&["did not show it in time", "Retry the stack operation"]);
        iam.lag_by(0);
        // The rollback's Update, and with that everything is as it was.
        Stack::new(&iam).update(ID, json!({}), renamed).await.succeeded().with_id(ID);
        assert_eq!(iam.world(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_copy_of_a_rename_that_succeeded_changes_nothing_when_it_fails() {
    for renamed in [both(), policy_only(), role_only()] {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        let new = stack.update(ID, renamed.clone(), json!({})).await.succeeded().id;
        stack.delete(ID, json!({})).await.succeeded();
        let role_name = new.split('/').nth(1).unwrap();
        iam.by_hand(|world| world.role_mut(role_name).unwrap().max_session_duration = 7200);
        let before = iam.world();
        let faulty = FaultyIam::new(&iam).on("UpdateRole", FOR_EVER, Fault::Refuse("AccessDenied"));
        Stack::new(&faulty).update(ID, renamed, json!({})).await.failed();
        assert_eq!(iam.world(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_fails_is_said_and_what_both_share_stays() {
    for renamed in [policy_only(), role_only()] {
        let iam = FakeIam::default();
        created(&iam).await;
        let before = iam.world();
        let mut renamed = renamed;
        renamed["Tags"] = json!([{"Key": "new", "Value": "x"}]);
        // The tagging on the way there goes through, the untagging on the way back does not.
        let faulty = FaultyIam::new(&iam)
            .on("AttachRolePolicy", FOR_EVER, Fault::Refuse("AccessDenied"))
            .on("UntagRole", FOR_EVER, Fault::Refuse("LimitExceeded"))
            .on("UntagPolicy", FOR_EVER, Fault::Refuse("LimitExceeded"));
        let answer = Stack::new(&faulty).update(ID, renamed.clone(), json!({})).await.failed().with_id(ID);
        answer.saying(&["iam:AttachRolePolicy", &format!("Going back to {ID} failed as well")]);
        let world = iam.world();
        assert_eq!(names(&world), names(&before), "what was made is gone, what is shared is there");
        assert_eq!(world.role(ROLE).unwrap().attached, before.role(ROLE).unwrap().attached);
        // The rollback's Update puts the rest right.
        Stack::new(&iam).update(ID, json!({}), renamed).await.succeeded().with_id(ID);
        assert_eq!(iam.world(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn rights_on_the_old_names_that_arrive_within_seconds_are_waited_for() {
    let iam = FakeIam::default();
    created(&iam).await;
    let faulty = FaultyIam::new(&iam).on("GetRole", 3, Fault::Refuse("AccessDenied"));
    Stack::new(&faulty).update(ID, both(), json!({})).await.succeeded().with_id(NEW);
}

/// What CloudFormation sends after an update that renamed the resource is undone: the properties exchanged, and either id.
#[tokio::test(start_paused = true)]
async fn a_rollback_converges_to_the_old_id_whichever_id_it_carries() {
    for renamed in [both(), policy_only(), role_only()] {
        for carries_new in [true, false] {
            let iam = FakeIam::default();
            let stack = created(&iam).await;
            let before = iam.world();
            let new = stack.update(ID, renamed.clone(), json!({})).await.succeeded().id;
            let carried = if carries_new { new.as_str() } else { ID };
            stack.update(carried, json!({}), renamed.clone()).await.succeeded().with_id(ID);
            // The clean-up that follows deletes the id that was given up.
            stack.delete(&new, renamed.clone()).await.succeeded();
            assert_eq!(iam.world(), before, "{renamed}, carrying {carried}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_carries_the_old_id_removes_the_abandoned_names_itself() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    let before = iam.world();
    stack.update(ID, both(), json!({})).await.succeeded();
    stack.update(ID, json!({}), both()).await.succeeded().with_id(ID);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_whose_clean_up_fails_says_so_and_the_repeated_one_succeeds() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    let before = iam.world();
    stack.update(ID, both(), json!({})).await.succeeded();
    let faulty = FaultyIam::new(&iam).on("DeleteRole", FOR_EVER, Fault::Refuse("AccessDenied"));
    let answer = Stack::new(&faulty).update(ID, json!({}), both()).await.failed().with_id(ID);
    answer.saying(&["iam:DeleteRole", "111122223333/NewRole/NewPolicy may be left and still admit the platform"]);
    stack.update(ID, json!({}), both()).await.succeeded().with_id(ID);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_never_removes_what_both_names_share_however_old_the_reads_are() {
    for lag in [1, 6, 13, 40, u32::MAX] {
        for (renamed, new) in
            [(policy_only(), NEW_POLICY_ONLY), (role_only(), "111122223333/NewRole/OrchesteraAccessPolicy")]
        {
            for carried in [ID, new] {
                let iam = FakeIam::default();
                let stack = Stack::new(&iam);
                stack.create(json!({})).await.succeeded();
                stack.update(ID, renamed.clone(), json!({})).await.succeeded();
                iam.lag_by(lag);
                let answer = stack.update(carried, json!({}), renamed.clone()).await;
                // Whichever id it ends under, what that id names stands, with what both ids share.
                let [_, role_name, policy_name] = answer.id.split('/').collect::<Vec<_>>()[..] else {
                    panic!("{}", answer.id)
                };
                let world = iam.world();
                let role = world.role(role_name).unwrap_or_else(|| panic!("lag {lag}: {role_name} is gone"));
                assert!(role.attached.contains(&policy_arn(policy_name)), "lag {lag}, {carried}: {}", answer.reason);
                assert!(world.policy(&policy_arn(policy_name)).is_some(), "lag {lag}: {policy_name} is gone");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_leaves_what_is_not_ours_under_the_abandoned_names() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| policy_by_hand(world, "NewPolicy", Tags::new()));
    let before = iam.world();
    stack.update(ID, json!({}), both()).await.succeeded().with_id(ID);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn old_property_shapes_still_parse_at_a_rollback() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    for odd in [json!({"Renamed": "x", "Tags": "none", "MaxSessionDuration": []}), json!([]), json!(7), Value::Null] {
        stack.update(ID, json!({}), odd).await.succeeded().with_id(ID);
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_policy_that_others_use_is_left_to_them_and_taken_off_our_role() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    iam.by_hand(|world| {
        world.principals.insert((policy_arn(POLICY), PolicyUser::User("somebody".into())));
    });
    stack.update(ID, json!({"PolicyName": "NewPolicy"}), json!({})).await.succeeded().with_id(NEW_POLICY_ONLY);
    for _ in 0..2 {
        stack.delete(ID, json!({})).await.failed().saying(&["Nothing was deleted", "is used by user somebody"]);
        assert_eq!(iam.world().role(ROLE).unwrap().attached, [policy_arn("NewPolicy")].into());
        assert!(iam.world().policy(&policy_arn(POLICY)).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn the_external_id_of_another_stack_is_not_carried_over() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded();
    // Ours is gone, and another stack has made a policy of that name since.
    iam.by_hand(|world| *world = World::default());
    Stack::named(&iam, "other").create(json!({"RoleName": "Others"})).await.succeeded();
    let before = iam.world();
    let renamed = json!({"RoleName": "NewRole", "PolicyName": "NewPolicy"});
    stack.update(ID, renamed, json!({})).await.failed().with_id(ID).saying(&[
        "external id",
        "is lost",
        "Set ExternalId",
    ]);
    assert_eq!(iam.world(), before);
}
