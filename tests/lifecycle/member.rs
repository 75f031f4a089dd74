use crate::common::fake_iam::{FakeIam, World};
use crate::common::fake_sts::FakeSts;
use crate::common::faulty_iam::{Fault, FaultyIam};
use crate::common::stack::{ID, ROLE, Stack};
use serde_json::{Value, json};
use std::time::Duration;

const FAILED_CREATE: &str = "failed/Access/request-1";
/// The account of the function; the fake IAM is the member's.
const MANAGEMENT: &str = "222233334444";

fn member() -> Value {
    json!({"MemberAccountId": "111122223333"})
}

fn stack<'a>(iam: &'a FakeIam, sts: &'a FakeSts) -> Stack<'a, FakeIam> {
    Stack::new(iam).entering_by(sts, MANAGEMENT)
}

#[tokio::test(start_paused = true)]
async fn a_member_account_is_entered_once_for_each_event_and_all_happens_there() {
    let (iam, sts) = (FakeIam::default(), FakeSts::default());
    let stack = stack(&iam, &sts);
    let answer = stack.create(member()).await.succeeded().with_id(ID);
    assert_eq!((answer.get("AccountId"), answer.get("Verified")), ("111122223333", "true"));
    assert_eq!(answer.get("RoleArn"), format!("arn:aws:iam::111122223333:role/{ROLE}"));
    let edition = json!({"MemberAccountId": "111122223333", "PolicyEdition": "2026-02-06"});
    stack.update(ID, edition.clone(), member()).await.succeeded().with_id(ID);
    stack.delete(ID, edition).await.succeeded();
    assert_eq!(iam.world(), World::default());
    let asked = sts.asked.borrow();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|a| a.role_arn == "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole"));
}

#[tokio::test(start_paused = true)]
async fn the_role_of_a_new_account_is_waited_for() {
    let (iam, sts) = (FakeIam::default(), FakeSts::denying(8));
    let answer = stack(&iam, &sts).create(member()).await.succeeded();
    assert_eq!((answer.took.as_secs(), answer.get("Verified")), (16, "true"));
}

#[tokio::test(start_paused = true)]
async fn in_a_new_account_the_role_is_waited_for_as_long_as_the_functions_timeout_allows_and_then_its_rights_too() {
    for (timeout, seconds) in [(60, 24), (900, 864)] {
        // Every two seconds. STS lets in at last, and IAM does not yet know what the role may do.
        let (iam, sts) = (FakeIam::default(), FakeSts::denying(seconds / 2));
        let faulty = FaultyIam::new(&iam).on("GetRole", 3, Fault::Refuse("AccessDenied"));
        let mut stack = Stack::new(&faulty).entering_by(&sts, MANAGEMENT);
        stack.timeout = Duration::from_secs(timeout);
        let answer = stack.create(member()).await.succeeded();
        assert!((seconds..seconds + 5).contains(&(answer.took.as_secs() as usize)), "{:?}", answer.took);
        let (iam, sts) = (FakeIam::default(), FakeSts::denying(seconds / 2 + 1));
        let mut stack = self::stack(&iam, &sts);
        stack.timeout = Duration::from_secs(timeout);
        stack.create(member()).await.failed().saying(&["could not be assumed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_lets_nobody_in_fails_the_create_with_what_to_look_at_and_not_its_delete() {
    let (iam, sts) = (FakeIam::default(), FakeSts::denying(99));
    let stack = stack(&iam, &sts);
    let answer = stack.create(member()).await.failed().with_id(FAILED_CREATE);
    let answer = answer.saying(&["could not be assumed", "MemberRoleName", "service control policy"]);
    assert!(answer.took.as_secs() <= 25, "{:?}", answer.took);
    for id in [FAILED_CREATE, "access-Access-1ABCDEF"] {
        stack.delete(id, member()).await.succeeded().with_id(id).saying(&["could not be assumed"]);
    }
    stack.delete(FAILED_CREATE, json!({"MemberAccountId": "none"})).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn a_resource_in_an_account_that_is_out_of_reach_is_not_called_deleted() {
    let (iam, sts) = (FakeIam::default(), FakeSts::default());
    let stack = stack(&iam, &sts);
    stack.create(member()).await.succeeded();
    let before = iam.world();
    sts.denials.set(99);
    stack.delete(ID, member()).await.failed().with_id(ID).saying(&["could not be assumed", "retain this resource"]);
    stack.update(ID, member(), member()).await.failed().with_id(ID).saying(&["could not be assumed"]);
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn the_account_cannot_be_changed_and_is_never_the_functions_own() {
    let (iam, sts) = (FakeIam::default(), FakeSts::default());
    let stack = stack(&iam, &sts);
    stack.create(member()).await.succeeded();
    let before = iam.world();
    for (to, words) in
        [("", "from 111122223333 to 222233334444"), ("999988887777", "from 111122223333 to 999988887777")]
    {
        let changed = json!({"MemberAccountId": to});
        stack.update(ID, changed.clone(), member()).await.failed().with_id(ID).saying(&[words]);
        // The rollback of that.
        stack.update(ID, member(), changed).await.succeeded().with_id(ID);
    }
    stack.create(json!({"MemberAccountId": MANAGEMENT})).await.failed().saying(&["Leave it blank"]);
    assert_eq!(iam.world(), before);
}
