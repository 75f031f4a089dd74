use super::*;
use crate::iam::Tags;
use crate::properties::AccessState;
use crate::reconcile::state::State;
use custom_resource::Kind;
use serde_json::json;

const ID: &str = "111122223333/OrchesteraAccessRole/OrchesteraAccessPolicy";
const MEMBERS_ID: &str = "444455556666/OrchesteraAccessRole/OrchesteraAccessPolicy";
/// CloudFormation makes ids of this form up.
const MADE_UP: &str = "access-Access-1ABCDEFGHIJK";
const FAILED_CREATE: &str = "failed/Access/request-1";
const RANDOM: &str = "0123456789abcdef0123456789abcdef";

fn own() -> Account {
    Account { partition: "aws".into(), id: "111122223333".into() }
}

fn resource() -> Resource {
    Resource { stack_id: "arn:of:stack".into(), logical_id: "Access".into() }
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

fn goal_of(request: &Request) -> Result<Goal> {
    goal(request, &own(), &resource(), RANDOM)
}

fn desired_of(request: &Request) -> DesiredState {
    match goal_of(request) {
        Ok(Goal::Converge(desired)) => *desired,
        other => panic!("{other:?}"),
    }
}

fn removal_of(request: &Request) -> Removal {
    match goal_of(request) {
        Ok(Goal::Remove(removal)) => *removal,
        other => panic!("{other:?}"),
    }
}

fn with(property: &str, value: &str) -> Value {
    json!({"MemberAccountId": "444455556666", property: value})
}

fn member() -> Value {
    json!({"MemberAccountId": "444455556666"})
}

#[test]
fn a_create_desires_its_properties_in_the_functions_own_account_with_the_random_external_id() {
    let desired = desired_of(&create(json!({"AccessState": "Suspended", "MemberAccountId": ""})));
    assert_eq!((desired.id.to_string().as_str(), &desired.account), (ID, &own()));
    assert_eq!((desired.member_role, desired.resource), (None, resource()));
    assert_eq!(desired.properties.access_state, AccessState::Suspended);
    assert_eq!(desired.change, Change::Create { external_id: RANDOM.into() });
}

#[test]
fn an_update_desires_its_properties_under_the_physical_id_and_knows_the_old_ones() {
    let old = json!({"ExternalId": "old-id", "Tags": [{"Key": "team", "Value": "data"}], "RoleName": "*"});
    let desired = desired_of(&update(ID, json!({"MaxSessionDuration": "7200"}), old.clone()));
    assert_eq!((desired.id.to_string().as_str(), desired.properties.max_session_duration), (ID, 7200));
    assert_eq!(desired.change, Change::Update { old_properties: OldProperties::read(&old) });
    assert_eq!(desired.old_tags(&State::default(), &Tags::new()).unwrap()["team"], "data");
}

#[test]
fn an_update_under_an_id_that_names_nothing_is_a_create_with_the_names_in_its_properties() {
    for id in [FAILED_CREATE, MADE_UP] {
        let desired = desired_of(&update(id, json!({"RoleName": "R", "PolicyName": "P"}), json!({})));
        assert_eq!(desired.id.to_string(), "111122223333/R/P");
        assert_eq!(desired.change, Change::Create { external_id: RANDOM.into() });
    }
}

#[test]
fn an_update_that_changes_a_name_or_the_account_is_refused_and_its_rollback_is_not() {
    for (id, properties, words) in [
        (ID, json!({"RoleName": "R"}), "change RoleName from OrchesteraAccessRole to R."),
        (ID, json!({"PolicyName": "orchesteraaccesspolicy"}), "from OrchesteraAccessPolicy to orchesteraaccesspolicy."),
        (ID, member(), "MemberAccountId from 111122223333 to 444455556666."),
        (MEMBERS_ID, json!({}), "MemberAccountId from 444455556666 to 111122223333."),
        (MEMBERS_ID, with("MemberAccountId", "999988887777"), "to 999988887777."),
        (MEMBERS_ID, with("RoleName", "R"), "RoleName from OrchesteraAccessRole to R."),
        ("111122223333/R/P", member(), "MemberAccountId from 111122223333 to 444455556666 and RoleName from R to"),
    ] {
        let present = if id == MEMBERS_ID { member() } else { json!({}) };
        let error = goal_of(&update(id, properties.clone(), present.clone())).unwrap_err();
        assert!(error.kind() == Kind::Refused && error.reason().contains(words), "{error}");
        if id != "111122223333/R/P" {
            assert_eq!(desired_of(&update(id, present, properties)).id.to_string(), id);
        }
    }
}

#[test]
fn a_create_and_an_update_are_refused_for_their_properties_and_for_the_functions_own_account() {
    for (properties, words) in [
        (json!({"MemberAccountId": "111122223333"}), "the account that this stack is in. Leave it blank"),
        (json!({"MemberAccountId": "1"}), "MemberAccountId must be an account id of 12 digits"),
        (json!({"MemberRoleName": "a/b"}), "MemberRoleName must be a role name"),
        (json!({"MaxSessionDuration": "1"}), "MaxSessionDuration must be"),
    ] {
        for request in [create(properties.clone()), update(ID, properties.clone(), json!({}))] {
            let error = goal_of(&request).unwrap_err();
            assert!(error.kind() == Kind::Refused && error.reason().contains(words), "{error}");
        }
    }
}

#[test]
fn a_delete_removes_what_its_id_names_as_on_delete_says() {
    for (on_delete, mode) in [
        ("DeleteCreated", RemovalMode::Delete { all: false }),
        ("DeleteAll", RemovalMode::Delete { all: true }),
        ("Retain", RemovalMode::Retain),
        ("not one of them", RemovalMode::Delete { all: false }),
    ] {
        let properties = json!({"OnDelete": on_delete, "RoleName": "Another", "MemberAccountId": "444455556666",
            "Tags": [{"Key": "team", "Value": "data"}]});
        let removal = removal_of(&delete(ID, properties));
        assert_eq!((removal.id.to_string().as_str(), removal.mode, removal.member_role), (ID, mode, None));
        assert_eq!((removal.resource, removal.tags["team"].as_str()), (resource(), "data"));
    }
}

#[test]
fn a_delete_after_a_failed_create_removes_what_the_properties_name() {
    for (id, may_be_running) in [(FAILED_CREATE, false), (MADE_UP, true)] {
        let goal = goal_of(&delete(id, json!({"RoleName": "R", "OnDelete": "Retain"}))).unwrap();
        assert!(goal.is_left_from_failed_create());
        let removal = removal_of(&delete(id, json!({"RoleName": "R", "OnDelete": "Retain"})));
        assert_eq!(removal.id.to_string(), "111122223333/R/OrchesteraAccessPolicy");
        assert_eq!(removal.mode, RemovalMode::LeftFromFailedCreate { may_be_running });
    }
    assert!(!goal_of(&delete(ID, json!({}))).unwrap().is_left_from_failed_create());
}

#[test]
fn a_delete_after_a_create_that_was_refused_has_nothing_to_do() {
    for id in [FAILED_CREATE, MADE_UP] {
        for refused in [
            json!({"MemberAccountId": "x"}),
            json!({"MemberAccountId": "111122223333"}),
            json!({"RoleName": "*"}),
            json!({"PolicyName": ["P"]}),
        ] {
            let goal = goal_of(&delete(id, refused)).unwrap();
            assert!(matches!(goal, Goal::Nothing) && goal.is_left_from_failed_create());
        }
    }
}

#[test]
fn a_member_account_is_reached_by_the_role_in_the_properties_and_a_real_id_says_which_account() {
    let named = with("MemberRoleName", "Admin");
    for (request, name, patience) in [
        (create(member()), "OrganizationAccountAccessRole", Patience::RoleAppears),
        (create(named.clone()), "Admin", Patience::RoleAppears),
        (update(MEMBERS_ID, named.clone(), named.clone()), "Admin", Patience::RightsArrive),
        (update(FAILED_CREATE, named.clone(), named.clone()), "Admin", Patience::RoleAppears),
        (delete(MEMBERS_ID, named.clone()), "Admin", Patience::RightsArrive),
        (delete(MEMBERS_ID, json!({"MemberRoleName": "*"})), "OrganizationAccountAccessRole", Patience::RightsArrive),
        (delete(FAILED_CREATE, named.clone()), "Admin", Patience::RightsArrive),
    ] {
        let goal = goal_of(&request).unwrap();
        let role = goal.member_role().unwrap();
        assert_eq!((role.account.id.as_str(), role.name.as_str()), ("444455556666", name));
        assert_eq!((role.id.to_string().as_str(), role.patience), (MEMBERS_ID, patience), "{request:?}");
    }
    // A real id says which account and names, whatever the properties say.
    let other = json!({"MemberAccountId": "999988887777", "RoleName": "R", "PolicyName": "P"});
    let goal = goal_of(&delete(MEMBERS_ID, other)).unwrap();
    assert_eq!(goal.member_role().unwrap().id.to_string(), MEMBERS_ID);
}

#[test]
fn a_drift_check_desires_what_an_update_without_change_does() {
    let properties = json!({"MemberAccountId": "444455556666", "ExternalId": "given"});
    let desired = of_drift_check(&properties, &own(), &resource()).unwrap();
    let of_update = desired_of(&update(MEMBERS_ID, properties.clone(), properties));
    assert_eq!(format!("{desired:?}"), format!("{of_update:?}"));
    assert!(of_drift_check(&json!({"MemberAccountId": "111122223333"}), &own(), &resource()).is_err());
}
