//! `RoleName`, `PolicyName` and `MemberAccountId` are set at Create. Release 0.4.0 could still change the names.

use crate::common::fake_iam::{FakeIam, World, policy_arn};
use crate::common::stack::{ID, POLICY, ROLE, Stack};
use orchestera_access::iam::PolicyUser;
use serde_json::{Value, json};

const NEW: &str = "111122223333/NewRole/NewPolicy";

fn names(world: &World) -> (Vec<String>, Vec<String>) {
    (
        world.roles.values().map(|role| role.name.clone()).collect(),
        world.policies.values().map(|policy| policy.name.clone()).collect(),
    )
}

async fn created(iam: &FakeIam) -> Stack<'_, FakeIam> {
    let stack = Stack::new(iam);
    stack.create(json!({})).await.succeeded();
    iam.writes();
    iam.reads();
    stack
}

#[tokio::test(start_paused = true)]
async fn an_update_of_a_name_or_of_the_account_is_refused_without_a_call_and_its_rollback_succeeds() {
    for (changed, words) in [
        (json!({"RoleName": "NewRole"}), vec!["RoleName from OrchesteraAccessRole to NewRole"]),
        (json!({"PolicyName": "NewPolicy"}), vec!["PolicyName from OrchesteraAccessPolicy to NewPolicy"]),
        (
            json!({"RoleName": "NewRole", "PolicyName": "NewPolicy", "MemberAccountId": "999988887777"}),
            vec!["MemberAccountId from 111122223333 to 999988887777 and RoleName from", "and PolicyName from"],
        ),
        // IAM holds the two for the same name. The id does not.
        (json!({"RoleName": ROLE.to_lowercase()}), vec!["to orchesteraaccessrole"]),
        (json!({"PolicyName": POLICY.to_uppercase()}), vec!["to ORCHESTERAACCESSPOLICY"]),
        (json!({"RoleName": "NewRole", "AccessState": "Suspended"}), vec!["RoleName from"]),
        (json!({"MemberAccountId": "999988887777"}), vec!["MemberAccountId from 111122223333 to 999988887777"]),
    ] {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        let before = iam.world();
        let answer = stack.update(ID, changed.clone(), json!({})).await.failed().with_id(ID);
        answer.saying(&["An update cannot change", "Keep the present value, or delete this stack"]).saying(&words);
        assert_eq!((iam.reads(), iam.writes()), (0, Vec::new()), "{changed}");
        stack.update(ID, json!({}), changed.clone()).await.succeeded().with_id(ID);
        assert_eq!(iam.world(), before, "{changed}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_compared_with_the_physical_id_and_never_with_the_old_properties() {
    let iam = FakeIam::default();
    let stack = Stack::new(&iam);
    let named = json!({"RoleName": "NewRole", "PolicyName": "NewPolicy"});
    stack.create(named.clone()).await.succeeded().with_id(NEW);
    let before = iam.world();
    for old in [json!({}), named.clone(), json!({"RoleName": "Another"}), Value::Null] {
        stack.update(NEW, named.clone(), old.clone()).await.succeeded().with_id(NEW);
        // Blank means the default name, which this resource does not have.
        stack.update(NEW, json!({"RoleName": ""}), old).await.failed().with_id(NEW).saying(&["RoleName from NewRole"]);
    }
    assert_eq!(iam.world(), before);
    stack.delete(NEW, named).await.succeeded();
    assert_eq!(iam.world(), World::default());
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
async fn the_delete_of_an_id_that_an_earlier_release_replaced_removes_only_what_still_carries_it() {
    for (renamed, new, left) in [
        (json!({"RoleName": "NewRole", "PolicyName": "NewPolicy"}), NEW, ("NewRole", "NewPolicy")),
        (json!({"PolicyName": "NewPolicy"}), "111122223333/OrchesteraAccessRole/NewPolicy", (ROLE, "NewPolicy")),
        (json!({"RoleName": "NewRole"}), "111122223333/NewRole/OrchesteraAccessPolicy", ("NewRole", POLICY)),
    ] {
        let iam = FakeIam::default();
        let stack = created(&iam).await;
        stack.renamed_by_release_0_4_0(renamed.clone()).await.with_id(new);
        let during = iam.world();
        stack.delete(ID, json!({})).await.succeeded().with_id(ID);
        let after = iam.world();
        assert_eq!(names(&after), (vec![left.0.into()], vec![left.1.into()]));
        assert_eq!(after.role(left.0).unwrap().attached, [policy_arn(left.1)].into());
        assert_eq!(after.role(left.0).unwrap().tags, during.role(left.0).unwrap().tags);
        // A second time, and then what carries the new id.
        stack.delete(ID, json!({})).await.succeeded();
        assert_eq!(iam.world(), after);
        stack.update(new, renamed.clone(), renamed.clone()).await.succeeded().with_id(new);
        stack.delete(new, renamed).await.succeeded();
        assert_eq!(iam.world(), World::default());
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_policy_that_others_use_is_left_to_them_and_taken_off_our_role() {
    let iam = FakeIam::default();
    let stack = created(&iam).await;
    iam.by_hand(|world| {
        world.principals.insert((policy_arn(POLICY), PolicyUser::User("somebody".into())));
    });
    stack.renamed_by_release_0_4_0(json!({"PolicyName": "NewPolicy"})).await;
    for _ in 0..2 {
        stack.delete(ID, json!({})).await.failed().saying(&["Nothing was deleted", "is used by user somebody"]);
        assert_eq!(iam.world().role(ROLE).unwrap().attached, [policy_arn("NewPolicy")].into());
        assert!(iam.world().policy(&policy_arn(POLICY)).is_some());
    }
}
