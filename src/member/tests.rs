use super::*;
use crate::error::FailedCall;
use std::cell::RefCell;

const ID: &str = "444455556666/OrchesteraAccessRole/OrchesteraAccessPolicy";

fn own() -> Account {
    Account { partition: "aws".into(), id: "111122223333".into() }
}

fn create(properties: Value) -> Request {
    Request::Create { properties }
}

fn update(physical_id: &str, properties: Value, old_properties: Value) -> Request {
    Request::Update { physical_id: physical_id.into(), properties, old_properties }
}

fn delete(physical_id: &str, properties: Value) -> Request {
    Request::Delete { physical_id: physical_id.into(), properties }
}

fn entrance(request: &Request) -> Entrance {
    match place(&own(), request) {
        Ok(Place::Member(entrance)) => entrance,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_blank_member_account_is_the_functions_own() {
    for request in [
        create(json!({"MemberAccountId": ""})),
        update("111122223333/R/P", json!({"RoleName": "R", "PolicyName": "P"}), json!({})),
        update("failed/Access/r", json!({}), json!({})),
        delete("111122223333/R/P", json!({"MemberAccountId": "444455556666"})),
        delete("failed/Access/r", json!({})),
        delete("made-up", json!({"RoleName": "R"})),
    ] {
        assert_eq!(place(&own(), &request).unwrap(), Place::Own(own()), "{request:?}");
    }
}

#[test]
fn a_member_account_is_entered_by_the_role_in_the_properties_and_a_real_id_says_which() {
    let member = json!({"MemberAccountId": "444455556666", "MemberRoleName": "Door"});
    for (request, role_name) in [
        (create(json!({"MemberAccountId": "444455556666"})), "OrganizationAccountAccessRole"),
        (create(member.clone()), "Door"),
        (update(ID, member.clone(), member.clone()), "Door"),
        (update("failed/Access/r", member.clone(), member.clone()), "Door"),
        (delete(ID, member.clone()), "Door"),
        (delete(ID, json!({})), "OrganizationAccountAccessRole"),
        (delete("failed/Access/r", member.clone()), "Door"),
    ] {
        let entrance = entrance(&request);
        assert_eq!((entrance.member.id.as_str(), entrance.role_name.as_str()), ("444455556666", role_name));
    }
}

#[test]
fn an_update_that_changes_the_account_or_a_name_is_refused_and_so_is_the_functions_own_account() {
    let with = |property: &str, value: &str| json!({"MemberAccountId": "444455556666", property: value});
    for (request, words) in [
        (
            update("111122223333/R/P", member(), json!({})),
            "MemberAccountId from 111122223333 to 444455556666 and RoleName from",
        ),
        (update(ID, json!({}), member()), "MemberAccountId from 444455556666 to 111122223333."),
        (update(ID, json!({"MemberAccountId": "999988887777"}), member()), "to 999988887777."),
        (update(ID, with("RoleName", "R"), member()), "change RoleName from OrchesteraAccessRole to R."),
        (update(ID, with("PolicyName", "orchesteraAccessPolicy"), with("RoleName", "R")), "to orchesteraAccessPolicy."),
        (create(json!({"MemberAccountId": "111122223333"})), "the account that this stack is in. Leave it blank"),
        (create(json!({"MemberAccountId": "1"})), "MemberAccountId must be an account id of 12 digits"),
        (create(json!({"MemberRoleName": "a/b"})), "MemberRoleName must be a role name"),
    ] {
        let error = place(&own(), &request).unwrap_err();
        assert!(error.kind() == Kind::Refused && error.reason().contains(words), "{error}");
    }
}

#[test]
fn a_delete_of_what_was_never_in_any_account_is_worked_on_nowhere() {
    for id in ["failed/Access/r", "made-up"] {
        for member in ["x", "111122223333"] {
            assert_eq!(place(&own(), &delete(id, json!({"MemberAccountId": member}))).unwrap(), Place::Nowhere);
        }
        assert_eq!(place(&own(), &delete(id, json!({"RoleName": "*"}))).unwrap(), Place::Nowhere);
    }
}

#[test]
fn the_session_reaches_one_role_and_one_policy_and_attaches_no_other_policy() {
    let (role, policy_arn) = (
        "arn:aws:iam::444455556666:role/OrchesteraAccessRole",
        "arn:aws:iam::444455556666:policy/OrchesteraAccessPolicy",
    );
    let other_names = json!({"MemberAccountId": "444455556666", "RoleName": "R", "PolicyName": "P"});
    for request in [
        create(member()),
        update(ID, member(), other_names.clone()),
        update("failed/Access/r", member(), other_names.clone()),
        // A real id says which, whatever the properties say.
        delete(ID, other_names),
        delete("failed/Access/r", member()),
    ] {
        let policy = entrance(&request).session_policy();
        let [calls, attach] = policy["Statement"].as_array().unwrap().as_slice() else { panic!("{policy}") };
        assert_eq!(calls["Resource"], json!([role, policy_arn]));
        assert_eq!(calls["Action"].as_array().unwrap().len(), Operation::ALL.len() - 1);
        assert!(
            !calls["Action"].to_string().contains('*') && !calls["Action"].to_string().contains("iam:AttachRolePolicy")
        );
        assert_eq!(attach["Resource"], json!(role));
        assert_eq!(attach["Condition"]["ArnEquals"]["iam:PolicyARN"], json!(policy_arn));
        assert!(policy.to_string().len() <= 2048);
    }
}

/// Fails as often as it is told, then lets in.
struct Door {
    failures: RefCell<Vec<(Kind, &'static str)>>,
    asked: RefCell<Vec<AssumeRole>>,
}

fn door(failures: Vec<(Kind, &'static str)>) -> Door {
    Door { failures: RefCell::new(failures), asked: RefCell::default() }
}

impl Sts for Door {
    type Session = ();

    async fn assume_role(&self, request: &AssumeRole) -> Result<()> {
        self.asked.borrow_mut().push(request.clone());
        let Some((kind, code)) = self.failures.borrow_mut().pop() else { return Ok(()) };
        let (message, request_id) = ("no, because of something.".to_owned(), "r".to_owned());
        Err(Error::call(kind, FailedCall { operation: "AssumeRole", code: code.into(), message, request_id }))
    }
}

async fn enter(door: &Door, request: &Request) -> (Result<()>, u64) {
    let start = Instant::now();
    let budget = Budget::new(start, start + Duration::from_secs(60));
    let entered = entrance(request).enter(door, &budget).await;
    (entered, start.elapsed().as_secs())
}

fn member() -> Value {
    json!({"MemberAccountId": "444455556666"})
}

#[tokio::test(start_paused = true)]
async fn the_door_is_asked_at_the_partitions_main_region() {
    let door = door(vec![]);
    enter(&door, &create(member())).await.0.unwrap();
    let asked = door.asked.borrow();
    assert_eq!(asked[0].role_arn, "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole");
    assert_eq!(asked[0].region, Some("us-east-1"));
    for (partition, region) in [("aws-us-gov", Some("us-gov-west-1")), ("aws-cn", Some("cn-north-1")), ("new", None)] {
        assert_eq!(main_region(partition), region);
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_appears_within_seconds_is_waited_for_longest_by_a_create() {
    let (entered, took) = enter(&door(vec![(Kind::Denied, "AccessDenied"); 5]), &create(member())).await;
    assert_eq!((entered.is_ok(), took), (true, 10));
    for (request, longest) in [(create(member()), 25), (update(ID, member(), member()), 15), (delete(ID, member()), 15)]
    {
        let (entered, took) = enter(&door(vec![(Kind::Denied, "AccessDenied"); 99]), &request).await;
        assert!(entered.is_err() && (longest - 2..=longest).contains(&took), "{took}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_way_in_which_it_fails_says_what_to_do() {
    for (kind, code, words) in [
        (
            Kind::Denied,
            "AccessDenied",
            &[
                "Account 444455556666 could not be entered through its role OrganizationAccountAccessRole",
                "(AccessDenied: no, because of something)",
                "accounts that were invited have no OrganizationAccountAccessRole",
                "MemberRoleName",
                "trust does not name this function's account",
                "service control policy",
                "retained",
            ][..],
        ),
        (Kind::Refused, "RegionDisabledException", &["Check that STS is active in us-east-1"]),
        (Kind::Unavailable, "", &["STS in us-east-1 gave no usable answer (no, because of something).", "retry"]),
    ] {
        let (entered, _) = enter(&door(vec![(kind, code); 99]), &create(member())).await;
        let reason = entered.unwrap_err().reason();
        assert!(words.iter().all(|word| reason.contains(word)), "{reason}");
        assert!(reason.contains("Nothing was changed"), "{reason}");
    }
}
