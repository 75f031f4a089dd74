//! The member account: every row of the contract's table.

mod common;

use common::fake::{FakeManagementAccount, Fault, OWN, OWN_EMAIL, ROOT, UNIT};
use common::stack::{EMAIL, NAME, Stack, account_properties};
use orchestera_organization::handler::ACCOUNT;
use orchestera_organization::management_account::{
    AccountCreation, AccountState, CreationProgress, NewAccount, STACK_ID, StackSet,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);
const FOUND: &str = "444455556666";

fn with(changes: Value) -> Value {
    let mut properties = account_properties();
    for (name, value) in changes.as_object().unwrap() {
        properties[name] = value.clone();
    }
    properties
}

/// An organization that has this account already.
fn with_account(name: &str, email: &str, state: AccountState) -> FakeManagementAccount {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().add(FOUND, name, email, state, Instant::now());
    fake
}

fn tag(fake: &FakeManagementAccount, stack_id: &str) {
    fake.world.borrow_mut().account(FOUND).unwrap().tags.insert(STACK_ID.into(), stack_id.into());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_does_not_exist_is_created_tagged_and_waited_for_until_it_is_active() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().activation_takes = 20 * SECOND;
    let response = Stack::default().create_account(&fake).await.succeeded();
    assert_eq!(fake.writes(), ["CreateAccount"]);
    let world = fake.world.borrow();
    let account = &world.accounts[1];
    assert_eq!(account.description.state, AccountState::Active);
    assert_eq!(account.tags[STACK_ID], Stack::default().id);
    assert_eq!(response.physical_id, account.description.id);
    assert_eq!(response.data["Ownership"], "created");
    for name in ["AccountId", "AccountArn", "AccountName", "Ownership", "RoleName", "SwitchRoleUrl", "Warnings"] {
        assert!(response.data[name].is_string(), "{name} is missing: {}", response.data);
    }
}

#[tokio::test(start_paused = true)]
async fn a_created_account_is_moved_only_if_an_organizational_unit_is_given() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().units.insert(UNIT.into(), ROOT.into());
    let properties = with(json!({ "OrganizationalUnitId": UNIT }));
    Stack::default().create(&fake, ACCOUNT, properties).await.succeeded();
    assert_eq!(fake.writes(), ["CreateAccount", "MoveAccount"]);
    assert_eq!(fake.world.borrow().accounts[1].parent, UNIT);
}

#[tokio::test(start_paused = true)]
async fn an_organizational_unit_that_does_not_exist_is_refused_after_the_account_was_created_and_a_retry_completes_it()
{
    let fake = FakeManagementAccount::managing();
    let properties = with(json!({ "OrganizationalUnitId": UNIT }));
    let stack = Stack::default();
    stack.create(&fake, ACCOUNT, properties.clone()).await.failed(&["no organizational unit", "stays in r-exam"]);
    fake.world.borrow_mut().units.insert(UNIT.into(), ROOT.into());
    let response = stack.create(&fake, ACCOUNT, properties).await.succeeded();
    assert_eq!(response.data["Ownership"], "created");
    assert_eq!(fake.count("CreateAccount"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_account_with_that_email_and_name_is_found_and_nothing_of_it_is_changed() {
    for (email, other_stack) in [(EMAIL, None), ("Spark@Example.com", None), (EMAIL, Some("arn:of:another:stack"))] {
        let fake = with_account(NAME, email, AccountState::Active);
        fake.world.borrow_mut().units.insert(UNIT.into(), ROOT.into());
        if let Some(id) = other_stack {
            tag(&fake, id);
        }
        let properties = with(json!({ "OrganizationalUnitId": UNIT }));
        let response = Stack::default().create(&fake, ACCOUNT, properties).await.succeeded();
        assert_eq!((&*response.physical_id, &response.data["Ownership"]), (FOUND, &json!("found")));
        Stack::default().delete(&fake, ACCOUNT, FOUND).await.succeeded();
        assert!(fake.writes().is_empty(), "{:?}", fake.writes());
        let world = fake.world.borrow();
        assert_eq!(world.accounts[1].tags.get(STACK_ID).map(String::as_str), other_stack);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_of_this_stack_is_completed_whatever_its_name_is_now() {
    let fake = with_account("Renamed by hand", EMAIL, AccountState::Active);
    tag(&fake, &Stack::default().id);
    let response = Stack::default().create_account(&fake).await.succeeded();
    assert_eq!((&*response.physical_id, &response.data["Ownership"]), (FOUND, &json!("created")));
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_pending_activation_is_waited_for() {
    let fake = with_account(NAME, EMAIL, AccountState::PendingActivation);
    fake.world.borrow_mut().account(FOUND).unwrap().active = Instant::now() + 300 * SECOND;
    let response = Stack::default().create_account(&fake).await.succeeded();
    assert!(response.took >= 300 * SECOND && response.took < 330 * SECOND, "{:?}", response.took);
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_account_with_that_email_and_another_name_is_refused_with_both_names_and_the_way_to_continue() {
    let fake = with_account("Somebody's", EMAIL, AccountState::Active);
    Stack::default().create_account(&fake).await.failed(&["'Somebody's'", NAME, FOUND, "AccountId"]);
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_suspended_closing_or_closed_is_refused_at_create_and_update_and_does_not_hold_up_a_delete()
{
    for state in [
        AccountState::Suspended,
        AccountState::PendingClosure,
        AccountState::Closed,
        AccountState::Other("FROZEN".into()),
    ] {
        let fake = with_account(NAME, EMAIL, state.clone());
        let stack = Stack::default();
        stack.create_account(&fake).await.failed(&[FOUND, &state.to_string()]);
        let properties = account_properties();
        let response = stack.update(&fake, ACCOUNT, FOUND, (&properties, &properties)).await;
        response.failed(&[FOUND, &state.to_string()]);
        stack.delete(&fake, ACCOUNT, FOUND).await.succeeded();
        assert!(fake.writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_with_the_same_name_is_waited_for_and_then_judged_by_the_email_of_its_account() {
    for (email, expected) in [(EMAIL, 0), ("other@example.com", 1)] {
        let fake = FakeManagementAccount::managing();
        let new = NewAccount {
            email: email.into(),
            name: NAME.into(),
            role_name: "OrganizationAccountAccessRole".into(),
            stack_id: "arn:of:another:stack".into(),
        };
        fake.world.borrow_mut().creations.push(common::fake::Creation {
            status: AccountCreation {
                id: "car-1".into(),
                account_name: NAME.into(),
                progress: CreationProgress::InProgress,
            },
            request: new,
            ends: Instant::now() + 200 * SECOND,
            fails: None,
        });
        let response = Stack::default().create_account(&fake).await.succeeded();
        assert!(response.took > 200 * SECOND, "{:?}", response.took);
        assert_eq!(fake.count("CreateAccount"), expected, "{email}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_email_of_an_account_elsewhere_is_looked_for_a_minute_and_never_treated_as_found() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().elsewhere.insert("SPARK@example.com".into());
    fake.world.borrow_mut().creation_takes = 30 * SECOND;
    let response = Stack::default().create_account(&fake).await.failed(&[EMAIL, "EMAIL_ALREADY_EXISTS", "elsewhere"]);
    assert!(response.took >= 90 * SECOND && response.took < 125 * SECOND, "{:?}", response.took);
    assert_eq!(fake.count("CreateAccount"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_copy_of_the_event_finds_the_account_of_the_first() {
    let fake = FakeManagementAccount::managing();
    let stack = Stack::default();
    stack.set(&fake, ACCOUNT, "CREATE_IN_PROGRESS");
    let event = stack.event(json!({ "RequestType": "Create", "ResourceProperties": account_properties() }), ACCOUNT);
    let (one, other) = tokio::join!(stack.send(&fake, event.clone()), stack.send(&fake, event.clone()));
    let (one, other) = (one.unwrap().succeeded(), other.unwrap().succeeded());
    assert_eq!(one.physical_id, other.physical_id);
    assert_eq!(fake.world.borrow().accounts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_is_being_finalized_is_waited_for() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().finalized = Instant::now() + 1500 * SECOND;
    let response = Stack::default().create_account(&fake).await.succeeded();
    assert!(response.took > 1500 * SECOND, "{:?}", response.took);
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_is_not_finalized_in_time_is_a_failure_that_says_when_to_come_back() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().finalized = Instant::now() + 4000 * SECOND;
    let response = Stack::default().create_account(&fake).await.failed(&["still finishing", "in an hour", "stays"]);
    assert!(response.took > 1980 * SECOND && response.took < 2880 * SECOND, "{:?}", response.took);
    assert_eq!(fake.world.borrow().accounts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_failure_reason_is_reported_with_awss_word_and_what_to_do_new_ones_too() {
    for reason in [
        "ACCOUNT_LIMIT_EXCEEDED",
        "CONCURRENT_ACCOUNT_MODIFICATION",
        "FAILED_BUSINESS_VALIDATION",
        "GOVCLOUD_ACCOUNT_ALREADY_EXISTS",
        "INTERNAL_FAILURE",
        "INVALID_ADDRESS",
        "INVALID_EMAIL",
        "INVALID_IDENTITY_FOR_BUSINESS_VALIDATION",
        "INVALID_PAYMENT_INSTRUMENT",
        "MISSING_BUSINESS_VALIDATION",
        "MISSING_PAYMENT_INSTRUMENT",
        "PENDING_BUSINESS_VALIDATION",
        "UNKNOWN_BUSINESS_VALIDATION",
        "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED",
        "SOMETHING_THAT_DOES_NOT_EXIST_YET",
    ] {
        let fake = FakeManagementAccount::managing();
        fake.world.borrow_mut().creation_fails = Some(reason.into());
        let response = Stack::default().create_account(&fake).await.failed(&[reason, "No account was created", "etry"]);
        assert!(response.took < 120 * SECOND, "{:?}", response.took);
        assert_eq!(fake.count("CreateAccount"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_of_create_account_is_a_failure_at_once_that_names_what_is_missing() {
    for (code, part) in [
        ("MASTER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED", "payment method"),
        ("MASTER_ACCOUNT_MISSING_CONTACT_INFO", "contact information"),
        ("ACCOUNT_CANNOT_LEAVE_WITHOUT_PHONE_VERIFICATION", "phone number"),
        ("EMAIL_VERIFICATION_CODE_EXPIRED", "email address of the management account"),
        ("SOMETHING_NEW", "AWS Support"),
    ] {
        let fake = FakeManagementAccount::managing();
        fake.always.borrow_mut().insert("CreateAccount", code);
        let response = Stack::default().create_account(&fake).await.failed(&[code, part]);
        assert!(response.took < 10 * SECOND, "{:?}", response.took);
    }
}

#[tokio::test(start_paused = true)]
async fn the_quota_counts_closed_accounts_and_open_invitations_and_is_checked_before_anything_is_created() {
    let fake = with_account("Closed", "closed@example.com", AccountState::Closed);
    fake.world.borrow_mut().quota = 4;
    fake.world.borrow_mut().open_invitations = 2;
    Stack::default().create_account(&fake).await.failed(&["2 accounts", "2 open invitations", "quota is 4"]);
    assert!(fake.writes().is_empty());
    fake.always.borrow_mut().insert("GetServiceQuota", "AccessDeniedException");
    fake.world.borrow_mut().quota = 5;
    Stack::default().create_account(&fake).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn the_management_account_itself_is_refused_by_email_and_by_id_and_its_delete_succeeds() {
    let fake = FakeManagementAccount::managing();
    let stack = Stack { email: OWN_EMAIL.into(), ..Stack::default() };
    let by_email = with(json!({ "Email": "MANAGEMENT@example.com" }));
    stack.create(&fake, ACCOUNT, by_email).await.failed(&["management account", OWN]);
    let by_id = json!({ "AccountId": OWN, "AccountName": NAME });
    stack.create(&fake, ACCOUNT, by_id).await.failed(&["management account", OWN]);
    stack.delete(&fake, ACCOUNT, OWN).await.succeeded();
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_account_given_by_its_id_is_found_whatever_its_name_and_must_be_in_the_organization() {
    let fake = with_account("Somebody's", "else@example.com", AccountState::Active);
    let stack = Stack::default();
    let response = stack.create(&fake, ACCOUNT, json!({ "AccountId": FOUND })).await.succeeded();
    assert_eq!((&*response.physical_id, &response.data["Ownership"]), (FOUND, &json!("found")));
    stack.create(&fake, ACCOUNT, json!({ "AccountId": "999988887777" })).await.failed(&["999988887777", "not in this"]);
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_organization_with_control_tower_gets_no_account_past_its_account_factory() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().roles.insert("AWSControlTowerAdmin".into());
    Stack::default().create_account(&fake).await.failed(&["Account Factory", "AWSControlTowerExecution"]);
    assert!(fake.writes().is_empty());
    fake.world.borrow_mut().add(FOUND, "Enrolled", "x@example.com", AccountState::Active, Instant::now());
    Stack::default().create(&fake, ACCOUNT, json!({ "AccountId": FOUND })).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn a_stack_set_of_ours_that_deploys_by_itself_to_the_accounts_place_is_refused() {
    let unit_of_unit = "ou-exam-33334444";
    for (target, place, is_refused) in [
        (ROOT, ROOT, true),
        (ROOT, unit_of_unit, true),
        (UNIT, unit_of_unit, true),
        (unit_of_unit, UNIT, false),
        (UNIT, ROOT, false),
    ] {
        for exists in [false, true] {
            let fake = FakeManagementAccount::managing();
            {
                let mut world = fake.world.borrow_mut();
                world.units.insert(UNIT.into(), ROOT.into());
                world.units.insert(unit_of_unit.into(), UNIT.into());
                let units = vec![target.to_owned()];
                world.stack_sets.push(StackSet { name: "orchestera-access".into(), organizational_unit_ids: units });
                if exists {
                    world.add(FOUND, NAME, EMAIL, AccountState::Active, Instant::now()).parent = place.into();
                }
            }
            let unit = if place == ROOT || exists { json!({}) } else { json!({ "OrganizationalUnitId": place }) };
            let response = Stack::default().create(&fake, ACCOUNT, with(unit.clone())).await;
            match is_refused {
                true => assert!(response.failed(&["orchestera-access", "AccessIn"]).took < 10 * SECOND),
                false => drop(response.succeeded()),
            }
            let mut without = with(unit);
            without["HasAccessStack"] = "false".into();
            Stack::default().create(&fake, ACCOUNT, without).await.succeeded();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_changes_email_name_or_role_is_refused_and_its_rollback_succeeds() {
    for change in [
        json!({ "Email": "other@example.com" }),
        json!({ "AccountName": "Another" }),
        json!({ "RoleName": "AnotherRole" }),
        json!({ "Email": "", "AccountId": "999988887777" }),
        json!({ "Email": "not an address" }),
    ] {
        let fake = with_account(NAME, EMAIL, AccountState::Active);
        let (stack, old, new) = (Stack::default(), account_properties(), with(change.clone()));
        stack.update(&fake, ACCOUNT, FOUND, (&old, &new)).await.failed(&[]);
        fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_IN_PROGRESS".into();
        let rolled_back = stack.update(&fake, ACCOUNT, FOUND, (&new, &old)).await.succeeded();
        assert_eq!(rolled_back.physical_id, FOUND, "{change}");
        assert!(fake.writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_from_the_email_to_the_id_of_the_same_account_and_back_changes_nothing() {
    let fake = with_account(NAME, EMAIL, AccountState::Active);
    let (stack, by_email, by_id) =
        (Stack::default(), account_properties(), with(json!({ "Email": "", "AccountId": FOUND })));
    assert_eq!(stack.update(&fake, ACCOUNT, FOUND, (&by_email, &by_id)).await.succeeded().physical_id, FOUND);
    assert_eq!(stack.update(&fake, ACCOUNT, FOUND, (&by_id, &by_email)).await.succeeded().physical_id, FOUND);
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_update_that_changes_nothing_succeeds_although_somebody_renamed_the_account_by_hand() {
    let fake = with_account("Renamed", "renamed@example.com", AccountState::Active);
    let properties = account_properties();
    Stack::default().update(&fake, ACCOUNT, FOUND, (&properties, &properties)).await.succeeded();
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_update_of_an_account_that_left_the_organization_fails_and_its_rollback_says_so() {
    let fake = FakeManagementAccount::managing();
    let properties = account_properties();
    let response = Stack::default().update(&fake, ACCOUNT, FOUND, (&properties, &properties)).await;
    response.failed(&[FOUND, "not in this organization"]);
    Stack::default().delete(&fake, ACCOUNT, FOUND).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn an_update_of_a_create_that_failed_creates_the_account_and_the_old_id_is_given_up() {
    let fake = FakeManagementAccount::managing();
    let (stack, properties) = (Stack::default(), account_properties());
    let failed = "failed/SparkAccount/request-0";
    let response = stack.update(&fake, ACCOUNT, failed, (&properties, &properties)).await.succeeded();
    assert_eq!(response.physical_id, fake.world.borrow().accounts[1].description.id);
    stack.delete(&fake, ACCOUNT, failed).await.succeeded();
    assert_eq!(fake.writes(), ["CreateAccount"]);
    assert_eq!(fake.world.borrow().accounts[1].tags[STACK_ID], stack.id);
}

#[tokio::test(start_paused = true)]
async fn a_delete_removes_our_tag_and_nothing_else_and_says_how_to_close_the_account() {
    let fake = with_account(NAME, EMAIL, AccountState::Active);
    tag(&fake, &Stack::default().id);
    fake.world.borrow_mut().account(FOUND).unwrap().tags.insert("team".into(), "data".into());
    let response = Stack::default().delete(&fake, ACCOUNT, FOUND).await.succeeded();
    assert!(response.reason.contains("was kept") && response.reason.contains("To close it"), "{}", response.reason);
    assert_eq!(fake.writes(), ["UntagResource"]);
    let world = fake.world.borrow();
    assert_eq!(world.accounts[1].tags.keys().collect::<Vec<_>>(), ["team"]);
    assert_eq!(world.accounts[1].description.state, AccountState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_delete_succeeds_although_the_tag_cannot_be_removed() {
    let fake = with_account(NAME, EMAIL, AccountState::Active);
    tag(&fake, &Stack::default().id);
    fake.always.borrow_mut().insert("UntagResource", "AccessDeniedException");
    let response = Stack::default().delete(&fake, ACCOUNT, FOUND).await.succeeded();
    assert!(response.reason.contains("could not be removed"), "{}", response.reason);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_cancelled_before_create_account_creates_nothing() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().finalized = Instant::now() + 600 * SECOND;
    let stack = Stack::default();
    stack.set(&fake, ACCOUNT, "CREATE_IN_PROGRESS");
    let event = stack.event(json!({ "RequestType": "Create", "ResourceProperties": account_properties() }), ACCOUNT);
    let cancelled = async {
        sleep(120 * SECOND).await;
        stack.delete(&fake, ACCOUNT, "organization-SparkAccount-1ABCDEFGHIJKL").await.succeeded()
    };
    let (created, deleted) = tokio::join!(stack.send(&fake, event), cancelled);
    created.expect("it ends").failed(&["no longer waits", "DELETE_IN_PROGRESS"]);
    assert!(deleted.took >= 14 * SECOND && deleted.took < 20 * SECOND, "{:?}", deleted.took);
    sleep(4000 * SECOND).await;
    assert_eq!(fake.world.borrow().creations.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_cancelled_while_the_creation_is_under_way_is_found_by_the_next_create() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().creation_takes = 400 * SECOND;
    let stack = Stack::default();
    stack.set(&fake, ACCOUNT, "CREATE_IN_PROGRESS");
    let event = stack.event(json!({ "RequestType": "Create", "ResourceProperties": account_properties() }), ACCOUNT);
    let cancelled = async {
        sleep(120 * SECOND).await;
        stack.delete(&fake, ACCOUNT, "organization-SparkAccount-1ABCDEFGHIJKL").await.succeeded()
    };
    let (created, deleted) = tokio::join!(stack.send(&fake, event), cancelled);
    created.expect("it ends").failed(&["no longer waits"]);
    assert!(deleted.reason.contains("still being created"), "{}", deleted.reason);
    let response = Stack { id: "arn:of:the:next:stack".into(), ..stack }.create_account(&fake).await.succeeded();
    assert_eq!(response.data["Ownership"], "found");
    assert_eq!(fake.world.borrow().accounts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_takes_half_an_hour_is_waited_for_over_three_invocations() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().creation_takes = 2200 * SECOND;
    let response = Stack::default().create_account(&fake).await.succeeded();
    assert!(response.took > 2200 * SECOND && response.took < 2880 * SECOND, "{:?}", response.took);
    assert_eq!(fake.count("CreateAccount"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_takes_an_hour_ends_with_a_response_and_the_account_is_found_by_the_next_create() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().creation_takes = 3500 * SECOND;
    let stack = Stack::default();
    let response = stack.create_account(&fake).await.failed(&["still being created", "Create the stack again"]);
    assert!(response.took < 2880 * SECOND, "{:?}", response.took);
    stack.delete(&fake, ACCOUNT, &response.physical_id).await.succeeded();
    let response = Stack { id: "arn:of:the:next:stack".into(), ..stack }.create_account(&fake).await.succeeded();
    assert_eq!(response.data["Ownership"], "found");
    assert_eq!(fake.count("CreateAccount"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_listed_late_is_not_created_twice() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().listing_takes = 45 * SECOND;
    // The first invocation dies between the creation and the list.
    fake.world.borrow_mut().creation_takes = 10 * SECOND;
    let stack = Stack::default();
    stack.create_account(&fake).await.succeeded();
    assert_eq!(fake.count("CreateAccount"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_create_account_that_is_lost_does_not_create_a_second_account() {
    let calls = {
        let fake = FakeManagementAccount::managing();
        Stack::default().create_account(&fake).await.succeeded();
        fake.calls.into_inner()
    };
    let number = calls.iter().position(|call| *call == "CreateAccount").unwrap();
    let fake = FakeManagementAccount::managing();
    fake.faults.borrow_mut().insert(number, Fault::AnswerLost);
    let response = Stack::default().create_account(&fake).await.succeeded();
    assert_eq!(response.data["Ownership"], "created");
    assert_eq!(fake.world.borrow().accounts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_stack_or_with_another_email_creates_no_account() {
    let fake = FakeManagementAccount::managing();
    let stack = Stack { email: "given@example.com".into(), ..Stack::default() };
    stack.create_account(&fake).await.failed(&["given@example.com", EMAIL]);
    let stack = Stack::default();
    for (field, value, part) in [
        ("StackId", "arn:of:another:stack", "serves the stack"),
        ("LogicalResourceId", "AnotherAccount", "no email address for AnotherAccount"),
    ] {
        let mut event = json!({ "RequestType": "Create", "ResourceProperties": account_properties() });
        event[field] = value.into();
        let event = stack.event(event, ACCOUNT);
        let key = |name: &str| event[name].as_str().unwrap().to_owned();
        let resource = (key("StackId"), key("LogicalResourceId"));
        fake.world.borrow_mut().resources.insert(resource, ("CREATE_IN_PROGRESS".into(), Instant::now()));
        stack.send(&fake, event).await.unwrap().failed(&[part]);
    }
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_resource_that_its_stack_does_not_know_creates_nothing() {
    let fake = FakeManagementAccount::managing();
    let stack = Stack::default();
    let event = stack.event(json!({ "RequestType": "Create", "ResourceProperties": account_properties() }), ACCOUNT);
    for status in [None, Some("CREATE_COMPLETE"), Some("CREATE_FAILED"), Some("DELETE_IN_PROGRESS")] {
        if let Some(status) = status {
            stack.set(&fake, ACCOUNT, status);
        }
        stack.send(&fake, event.clone()).await.unwrap().failed(&["no longer waits", status.unwrap_or("gone")]);
    }
    assert!(fake.writes().is_empty());
}
