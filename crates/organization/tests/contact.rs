//! An alternate contact: every row of the contract's table.

mod common;

use common::contacts::{ACCOUNT_MANAGEMENT, contact};
use common::fake::{Change, FakeManagementAccount, Fault, OWN};
use common::stack::{EMAIL, NAME, Response, SECURITY_CONTACT, STACK, Stack, contact_properties};
use orchestera_organization::handler::CONTACT;
use orchestera_organization::management_account::contacts::{Contact, ContactKind};
use orchestera_organization::management_account::{AccountState, STACK_ID};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const MEMBER: &str = "444455556666";
const MADE: &str = "111122223333/SECURITY/made";
const FOUND: &str = "111122223333/SECURITY/found";
const OTHER_CONTACT: &str = "Bob Example; CISO; bob@example.com; 0";
const STRANGERS: &str = "Eve Example; CISO; eve@example.com; 0";

fn with(changes: Value) -> Value {
    let mut properties = contact_properties();
    for (name, value) in changes.as_object().unwrap() {
        properties[name] = value.clone();
    }
    properties
}

fn set(fake: &FakeManagementAccount, account_id: &str, text: &str) {
    fake.world.borrow_mut().contacts.insert((account_id.into(), ContactKind::Security), contact(text));
}

fn present(fake: &FakeManagementAccount, account_id: &str) -> Option<Contact> {
    fake.world.borrow().contacts.get(&(account_id.to_owned(), ContactKind::Security)).cloned()
}

/// A management account that has this contact.
fn with_contact(text: &str) -> FakeManagementAccount {
    let fake = FakeManagementAccount::managing();
    set(&fake, OWN, text);
    fake
}

/// An organization with an account that this stack created. Trusted access is on.
fn with_member() -> FakeManagementAccount {
    let fake = FakeManagementAccount::managing();
    let mut world = fake.world.borrow_mut();
    let account = world.add(MEMBER, NAME, EMAIL, AccountState::Active, Instant::now());
    account.tags.insert(STACK_ID.into(), STACK.into());
    world.trusted_services.insert(ACCOUNT_MANAGEMENT.into());
    drop(world);
    fake
}

fn of_member() -> Value {
    with(json!({ "AccountId": MEMBER, "AccountOwnership": "created" }))
}

async fn create(fake: &FakeManagementAccount) -> Response {
    Stack::default().create(fake, CONTACT, contact_properties()).await
}

/// An Update from one contact to another, by a stack whose function has been given the new one.
async fn update(fake: &FakeManagementAccount, id: &str, (old, new): (&str, &str)) -> Response {
    let stack = Stack { contact: new.into(), ..Stack::default() };
    let (old, new) = (with(json!({ "Contact": old })), with(json!({ "Contact": new })));
    stack.update(fake, CONTACT, id, (&old, &new)).await
}

#[track_caller]
fn warns(response: &Response, parts: &[&str]) {
    let warnings = response.data["Warnings"].as_str().unwrap();
    for part in parts {
        assert!(warnings.contains(part), "'{part}' is not in: {warnings}");
    }
}

#[track_caller]
fn wrote_nothing(fake: &FakeManagementAccount) {
    assert!(fake.writes().is_empty(), "{:?}", fake.writes());
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_is_not_set_is_set_and_the_physical_id_says_that_this_stack_made_it() {
    let fake = FakeManagementAccount::managing();
    let response = create(&fake).await.succeeded();
    assert_eq!(response.physical_id, MADE);
    assert_eq!(response.data, json!({ "Ownership": "created", "Warnings": "" }));
    assert_eq!(present(&fake, OWN), Some(contact(SECURITY_CONTACT)));
    assert_eq!(*fake.calls.borrow(), ["GetAlternateContact", "DescribeStackResource", "PutAlternateContact"]);
    Stack::default().delete(&fake, CONTACT, MADE).await.succeeded();
    assert_eq!(present(&fake, OWN), None);
}

#[tokio::test(start_paused = true)]
async fn a_contact_of_the_management_account_needs_no_organization() {
    let fake = FakeManagementAccount::alone();
    assert_eq!(create(&fake).await.succeeded().physical_id, MADE);
}

#[tokio::test(start_paused = true)]
async fn the_management_account_never_names_itself_in_a_call() {
    let fake = FakeManagementAccount::managing();
    let properties = with(json!({ "AccountId": OWN, "AccountOwnership": "found" }));
    let response = Stack::default().create(&fake, CONTACT, properties.clone()).await.succeeded();
    assert_eq!(response.physical_id, MADE);
    Stack::default().delete_with(&fake, CONTACT, MADE, properties).await.succeeded();
    assert_eq!(present(&fake, OWN), None);
}

#[tokio::test(start_paused = true)]
async fn the_same_contact_is_found_and_neither_an_update_nor_a_delete_changes_it() {
    let fake = with_contact(SECURITY_CONTACT);
    let response = create(&fake).await.succeeded();
    assert_eq!(response.physical_id, FOUND);
    assert_eq!(response.data, json!({ "Ownership": "found", "Warnings": "" }));
    let updated = update(&fake, FOUND, (SECURITY_CONTACT, OTHER_CONTACT)).await.succeeded();
    assert_eq!((&*updated.physical_id, &updated.data["Ownership"]), (FOUND, &json!("found")));
    warns(&updated, &["was kept", "clear SecurityContact"]);
    let deleted = Stack::default().delete(&fake, CONTACT, FOUND).await.succeeded();
    assert!(deleted.reason.contains("was not set by this stack"), "{}", deleted.reason);
    wrote_nothing(&fake);
    assert_eq!(present(&fake, OWN), Some(contact(SECURITY_CONTACT)));
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_somebody_else_set_is_kept_with_a_warning_and_never_changed_or_deleted() {
    let fake = with_contact(STRANGERS);
    let response = create(&fake).await.succeeded();
    assert_eq!((&*response.physical_id, &response.data["Ownership"]), (FOUND, &json!("found")));
    warns(&response, &["SECURITY contact of account 111122223333", "was kept", "Alternate contacts"]);
    assert!(!response.data["Warnings"].as_str().unwrap().contains("eve@"), "a contact is personal data");
    warns(&update(&fake, FOUND, (SECURITY_CONTACT, OTHER_CONTACT)).await.succeeded(), &["was kept"]);
    Stack::default().delete(&fake, CONTACT, FOUND).await.succeeded();
    wrote_nothing(&fake);
}

#[tokio::test(start_paused = true)]
async fn a_contact_of_another_kind_is_not_in_the_way() {
    let fake = FakeManagementAccount::managing();
    let billing = (OWN.to_owned(), ContactKind::Billing);
    fake.world.borrow_mut().contacts.insert(billing.clone(), contact(STRANGERS));
    assert_eq!(create(&fake).await.succeeded().physical_id, MADE);
    assert_eq!(fake.world.borrow().contacts[&billing], contact(STRANGERS));
}

#[tokio::test(start_paused = true)]
async fn an_update_changes_a_contact_that_is_still_what_the_old_parameter_said() {
    let fake = with_contact(SECURITY_CONTACT);
    let response = update(&fake, MADE, (SECURITY_CONTACT, OTHER_CONTACT)).await.succeeded();
    assert_eq!(response.physical_id, MADE);
    assert_eq!(response.data, json!({ "Ownership": "created", "Warnings": "" }));
    assert_eq!(present(&fake, OWN), Some(contact(OTHER_CONTACT)));
}

#[tokio::test(start_paused = true)]
async fn an_update_sets_a_contact_again_that_somebody_removed() {
    let fake = FakeManagementAccount::managing();
    update(&fake, MADE, (SECURITY_CONTACT, OTHER_CONTACT)).await.succeeded();
    assert_eq!(present(&fake, OWN), Some(contact(OTHER_CONTACT)));
}

#[tokio::test(start_paused = true)]
async fn an_update_writes_nothing_if_the_contact_is_the_new_one_already() {
    let fake = with_contact(OTHER_CONTACT);
    let response = update(&fake, MADE, (SECURITY_CONTACT, OTHER_CONTACT)).await.succeeded();
    assert_eq!(response.data["Ownership"], "created");
    wrote_nothing(&fake);
}

#[tokio::test(start_paused = true)]
async fn an_update_and_a_delete_keep_a_contact_that_somebody_changed_since() {
    let fake = with_contact(STRANGERS);
    let response = update(&fake, MADE, (SECURITY_CONTACT, OTHER_CONTACT)).await.succeeded();
    assert_eq!((&*response.physical_id, &response.data["Ownership"]), (MADE, &json!("found")));
    warns(&response, &["was kept"]);
    let deleted = Stack::default().delete(&fake, CONTACT, MADE).await.succeeded();
    assert!(deleted.reason.contains("no longer the one"), "{}", deleted.reason);
    wrote_nothing(&fake);
    assert_eq!(present(&fake, OWN), Some(contact(STRANGERS)));
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_differs_in_one_value_only_is_another_one() {
    for other in [
        "Ann; Head of Security; security@example.com; +1 555 010 0199",
        "Ann Example; Head; security@example.com; +1 555 010 0199",
        "Ann Example; Head of Security; Security@example.com; +1 555 010 0199",
        "Ann Example; Head of Security; security@example.com; +15550100199",
    ] {
        let fake = with_contact(other);
        assert_eq!(create(&fake).await.succeeded().physical_id, FOUND);
        Stack::default().delete(&fake, CONTACT, MADE).await.succeeded();
        wrote_nothing(&fake);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_of_a_resource_that_found_no_contact_at_its_create_sets_none() {
    let fake = FakeManagementAccount::managing();
    let response = update(&fake, FOUND, (SECURITY_CONTACT, OTHER_CONTACT)).await.succeeded();
    assert_eq!(response.data["Ownership"], "none");
    warns(&response, &["an update does not set it", "clear SecurityContact"]);
    wrote_nothing(&fake);
}

#[tokio::test(start_paused = true)]
async fn an_update_of_a_found_contact_needs_no_call_to_succeed() {
    let fake = with_contact(SECURITY_CONTACT);
    fake.always.borrow_mut().insert("GetAlternateContact", "AccessDeniedException");
    let response = update(&fake, FOUND, (SECURITY_CONTACT, OTHER_CONTACT)).await.succeeded();
    warns(&response, &["stays as it is", "GetAlternateContact was denied"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_to_another_account_or_kind_is_refused_and_its_rollback_changes_nothing() {
    for changes in [json!({ "Kind": "BILLING" }), json!({ "AccountId": MEMBER, "AccountOwnership": "created" })] {
        let fake = with_contact(SECURITY_CONTACT);
        let (stack, old, new) = (Stack::default(), contact_properties(), with(changes));
        let refused = stack.update(&fake, CONTACT, MADE, (&old, &new)).await;
        assert_eq!(refused.failed(&["An update cannot change", "SECURITY"]).physical_id, MADE);
        stack.update(&fake, CONTACT, MADE, (&new, &old)).await.succeeded();
        wrote_nothing(&fake);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_killed_after_its_write_finds_the_contact_and_a_delete_keeps_it() {
    let fake = FakeManagementAccount::managing();
    fake.faults.borrow_mut().insert(2, Fault::Killed { after: true });
    assert_eq!(create(&fake).await.succeeded().physical_id, FOUND);
    Stack::default().delete(&fake, CONTACT, FOUND).await.succeeded();
    assert_eq!(present(&fake, OWN), Some(contact(SECURITY_CONTACT)));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_recognised_by_the_invocation_that_sent_it() {
    let fake = FakeManagementAccount::managing();
    fake.faults.borrow_mut().insert(2, Fault::AnswerLost);
    assert_eq!(create(&fake).await.succeeded().physical_id, MADE);
    assert_eq!(fake.count("PutAlternateContact"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_has_an_id_whose_update_is_a_create_and_whose_delete_does_nothing() {
    let fake = FakeManagementAccount::managing();
    fake.always.borrow_mut().insert("PutAlternateContact", "ValidationException");
    let failed = create(&fake).await.failed(&["could not be set", "ValidationException"]);
    assert_eq!(failed.physical_id, "failed/ManagementSecurityContact/request-1");
    fake.always.borrow_mut().clear();
    let updated = update(&fake, &failed.physical_id, (SECURITY_CONTACT, OTHER_CONTACT)).await.succeeded();
    assert_eq!(updated.physical_id, MADE);
    let before = fake.calls.borrow().len();
    let deleted = Stack::default().delete(&fake, CONTACT, &failed.physical_id).await.succeeded();
    assert_eq!((&*deleted.reason, fake.calls.borrow().len()), ("", before));
    assert_eq!(present(&fake, OWN), Some(contact(OTHER_CONTACT)));
}

#[tokio::test(start_paused = true)]
async fn a_delete_with_an_id_that_cloudformation_made_up_keeps_whatever_contact_there_is() {
    let fake = with_contact(SECURITY_CONTACT);
    let deleted = Stack::default().delete(&fake, CONTACT, "stack-Contact-1ABCDEFGHIJKL").await.succeeded();
    assert!(deleted.reason.contains("it was kept"), "{}", deleted.reason);
    wrote_nothing(&fake);
}

#[tokio::test(start_paused = true)]
async fn a_delete_succeeds_if_the_contact_is_gone_or_its_properties_cannot_be_read() {
    let fake = FakeManagementAccount::managing();
    let deleted = Stack::default().delete(&fake, CONTACT, MADE).await.succeeded();
    assert_eq!(deleted.reason, "");
    let fake = with_contact(SECURITY_CONTACT);
    let properties = json!({ "Kind": "SECURITY", "Contact": "Ann" });
    let deleted = Stack::default().delete_with(&fake, CONTACT, MADE, properties).await.succeeded();
    assert!(deleted.reason.contains("was not deleted"), "{}", deleted.reason);
    let properties = with(json!({ "Kind": "BILLING" }));
    Stack::default().delete_with(&fake, CONTACT, MADE, properties).await.succeeded();
    wrote_nothing(&fake);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_is_denied_or_not_answered_succeeds_and_says_what_may_be_left() {
    for (operation, code) in [
        ("GetAlternateContact", "AccessDeniedException"),
        ("DescribeStackResource", "AccessDenied"),
        ("DeleteAlternateContact", "AccessDeniedException"),
        ("DeleteAlternateContact", "TooManyRequestsException"),
    ] {
        let fake = with_contact(SECURITY_CONTACT);
        fake.always.borrow_mut().insert(operation, code);
        let deleted = Stack::default().delete(&fake, CONTACT, MADE).await.succeeded();
        assert!(deleted.reason.contains("was not deleted") && deleted.reason.contains(operation), "{}", deleted.reason);
        assert!(present(&fake, OWN).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_account_that_this_stack_created_gets_the_contact_where_trusted_access_is_on() {
    let fake = with_member();
    let response = Stack::default().create(&fake, CONTACT, of_member()).await.succeeded();
    assert_eq!(response.physical_id, "444455556666/SECURITY/made");
    assert_eq!((present(&fake, MEMBER), present(&fake, OWN)), (Some(contact(SECURITY_CONTACT)), None));
    Stack::default().delete_with(&fake, CONTACT, &response.physical_id, of_member()).await.succeeded();
    assert_eq!(present(&fake, MEMBER), None);
}

#[tokio::test(start_paused = true)]
async fn where_trusted_access_is_off_the_stack_does_not_fail_and_a_warning_says_how_to_turn_it_on() {
    let fake = with_member();
    fake.world.borrow_mut().trusted_services = ["sso.amazonaws.com".to_owned()].into();
    let response = Stack::default().create(&fake, CONTACT, of_member()).await.succeeded();
    assert_eq!((&*response.physical_id, &response.data["Ownership"]), ("444455556666/SECURITY/found", &json!("none")));
    let turn_on = "aws organizations enable-aws-service-access --service-principal account.amazonaws.com";
    warns(&response, &["no trusted access", turn_on, "clear SecurityContact with an update", "set it again"]);
    // As the warning says: cleared, which deletes the resource, and set again, which creates it.
    fake.world.borrow_mut().trusted_services.insert(ACCOUNT_MANAGEMENT.into());
    Stack::default().delete_with(&fake, CONTACT, &response.physical_id, of_member()).await.succeeded();
    let again = Stack::default().create(&fake, CONTACT, of_member()).await.succeeded();
    assert_eq!(again.physical_id, "444455556666/SECURITY/made");
}

#[tokio::test(start_paused = true)]
async fn a_contact_whose_member_account_went_out_of_reach_is_kept_at_update_and_delete() {
    let made = "444455556666/SECURITY/made";
    for goes_out_of_reach in [
        (|world| world.trusted_services.clear()) as Change,
        |world| world.accounts[1].tags.clear(),
        |world| drop(world.accounts.pop()),
    ] {
        let fake = with_member();
        set(&fake, MEMBER, SECURITY_CONTACT);
        goes_out_of_reach(&mut fake.world.borrow_mut());
        let stack = Stack::default();
        let old = with(json!({ "AccountId": MEMBER, "AccountOwnership": "created", "Contact": OTHER_CONTACT }));
        let response = stack.update(&fake, CONTACT, made, (&old, &of_member())).await.succeeded();
        assert_eq!((&*response.physical_id, &response.data["Ownership"]), (made, &json!("none")));
        warns(&response, &["was not set"]);
        let deleted = stack.delete_with(&fake, CONTACT, made, of_member()).await.succeeded();
        assert!(deleted.reason.contains("was kept"), "{}", deleted.reason);
        wrote_nothing(&fake);
    }
}

#[tokio::test(start_paused = true)]
async fn a_found_account_keeps_its_contacts_as_they_are() {
    for ownership in ["found", ""] {
        let fake = with_member();
        let properties = with(json!({ "AccountId": MEMBER, "AccountOwnership": ownership }));
        let response = Stack::default().create(&fake, CONTACT, properties.clone()).await.succeeded();
        assert_eq!(&*response.physical_id, "444455556666/SECURITY/found");
        warns(&response, &["did not create the account", "AWS Organizations"]);
        set(&fake, MEMBER, SECURITY_CONTACT);
        let made = "444455556666/SECURITY/made";
        Stack::default().update(&fake, CONTACT, made, (&properties, &properties)).await.succeeded();
        Stack::default().delete_with(&fake, CONTACT, made, properties).await.succeeded();
        assert!(fake.calls.borrow().is_empty(), "{:?}", fake.calls.borrow());
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_an_event_calls_created_is_not_touched_without_this_stacks_tag() {
    for tag in [None, Some("arn:of:another:stack")] {
        let fake = with_member();
        {
            let mut world = fake.world.borrow_mut();
            let tags = &mut world.account(MEMBER).unwrap().tags;
            tags.clear();
            tags.extend(tag.map(|tag| (STACK_ID.to_owned(), tag.to_owned())));
        }
        let response = Stack::default().create(&fake, CONTACT, of_member()).await.succeeded();
        warns(&response, &["did not create the account"]);
        wrote_nothing(&fake);
    }
    let fake = with_member();
    let stranger = with(json!({ "AccountId": "999988887777", "AccountOwnership": "created" }));
    warns(&Stack::default().create(&fake, CONTACT, stranger).await.succeeded(), &["did not create the account"]);
    wrote_nothing(&fake);
}

#[tokio::test(start_paused = true)]
async fn a_call_about_a_member_account_that_fails_is_a_warning_and_rolls_nothing_back() {
    for (operation, code) in [
        ("ListAWSServiceAccessForOrganization", "AccessDeniedException"),
        ("ListTagsForResource", "AccessDeniedException"),
        ("GetAlternateContact", "AccessDeniedException"),
        ("PutAlternateContact", "AccessDeniedException"),
        ("PutAlternateContact", "ValidationException"),
        ("PutAlternateContact", "TooManyRequestsException"),
        ("DescribeStackResource", "AccessDenied"),
    ] {
        let fake = with_member();
        fake.always.borrow_mut().insert(operation, code);
        let response = Stack::default().create(&fake, CONTACT, of_member()).await.succeeded();
        let (id, ownership) = (&*response.physical_id, &response.data["Ownership"]);
        assert_eq!((id, ownership), ("444455556666/SECURITY/found", &json!("none")), "{operation}");
        warns(&response, &["It is not certain", operation, "enable-aws-service-access", "clear SecurityContact"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_in_the_management_account_is_waited_for_and_then_named() {
    for operation in ["GetAlternateContact", "PutAlternateContact"] {
        let fake = FakeManagementAccount::managing();
        fake.always.borrow_mut().insert(operation, "AccessDeniedException");
        let response = create(&fake).await.failed(&[operation]);
        assert!((30..60).contains(&response.took.as_secs()), "{operation}: {:?}", response.took);
        let fake = FakeManagementAccount::managing();
        let number = if operation == "PutAlternateContact" { 2 } else { 0 };
        fake.faults.borrow_mut().insert(number, Fault::Code("AccessDeniedException"));
        assert_eq!(create(&fake).await.succeeded().physical_id, MADE);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_template_did_not_send_sets_no_contact() {
    // Of another stack.
    let fake = FakeManagementAccount::managing();
    let other = "arn:of:another:stack".to_owned();
    let waits = ("CREATE_IN_PROGRESS".to_owned(), Instant::now());
    fake.world.borrow_mut().resources.insert((other.clone(), "ManagementSecurityContact".into()), waits);
    let forged = json!({ "RequestType": "Create", "StackId": other, "ResourceProperties": contact_properties() });
    let stack = Stack::default();
    let response = stack.send(&fake, stack.event(forged, CONTACT)).await.unwrap();
    response.failed(&["serves the stack"]);
    // With another contact than the one that the stack gave the function, or of a kind that has none.
    for changes in [json!({ "Contact": STRANGERS }), json!({ "Kind": "BILLING" })] {
        let response = stack.create(&fake, CONTACT, with(changes)).await;
        let reason = response.failed(&["did not give the function", "No contact was set"]).reason;
        assert!(!reason.contains("eve@"), "a contact is personal data: {reason}");
    }
    // While the stack waits for nothing.
    for status in ["CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_IN_PROGRESS", "CREATE_FAILED"] {
        stack.set(&fake, CONTACT, status);
        let event = json!({ "RequestType": "Create", "ResourceProperties": contact_properties() });
        let response = stack.send(&fake, stack.event(event, CONTACT)).await.unwrap();
        response.failed(&["no longer waits", status]);
    }
    wrote_nothing(&fake);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_stack_did_not_send_deletes_no_contact() {
    let fake = with_contact(SECURITY_CONTACT);
    let stack = Stack::default();
    let event = |stack_id: &str| {
        let event = json!({
            "RequestType": "Delete", "StackId": stack_id, "PhysicalResourceId": MADE,
            "ResourceProperties": contact_properties(),
        });
        stack.event(event, CONTACT)
    };
    let logical_id = "ManagementSecurityContact";
    let deletes = ("DELETE_IN_PROGRESS".to_owned(), Instant::now());
    fake.world.borrow_mut().resources.insert(("arn:of:another:stack".into(), logical_id.into()), deletes);
    let response = stack.send(&fake, event("arn:of:another:stack")).await.unwrap().succeeded();
    assert!(response.reason.contains("serves the stack"), "{}", response.reason);
    for status in ["CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "DELETE_COMPLETE"] {
        stack.set(&fake, CONTACT, status);
        let response = stack.send(&fake, event(STACK)).await.unwrap().succeeded();
        assert!(response.reason.contains(status), "{}", response.reason);
    }
    // The stack deletes a resource that found the contact, and the event says that it made it.
    stack.set(&fake, CONTACT, "DELETE_IN_PROGRESS");
    fake.world.borrow_mut().physical_ids.insert((STACK.into(), logical_id.into()), FOUND.into());
    let response = stack.send(&fake, event(STACK)).await.unwrap().succeeded();
    assert!(response.reason.contains(FOUND), "{}", response.reason);
    wrote_nothing(&fake);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_is_cleared_deletes_the_contact_in_the_cleanup_of_the_update() {
    let fake = with_contact(SECURITY_CONTACT);
    fake.world.borrow_mut().stack_status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS".into();
    // The function, which is changed first, has no contact any more.
    let stack = Stack { contact: String::new(), ..Stack::default() };
    stack.delete(&fake, CONTACT, MADE).await.succeeded();
    assert_eq!(present(&fake, OWN), None);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_sets_the_old_contact_again_with_the_environment_that_the_function_has_by_then() {
    let fake = with_contact(OTHER_CONTACT);
    fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_IN_PROGRESS".into();
    let response = update(&fake, MADE, (OTHER_CONTACT, SECURITY_CONTACT)).await.succeeded();
    assert_eq!(response.data, json!({ "Ownership": "created", "Warnings": "" }));
    assert_eq!(present(&fake, OWN), Some(contact(SECURITY_CONTACT)));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_does_not_get_stuck_for_the_sake_of_a_contact() {
    let (old, new) = (contact_properties(), with(json!({ "Contact": OTHER_CONTACT })));
    // The function has still the environment of the Update that failed, or a right is missing.
    let stack = Stack { contact: OTHER_CONTACT.into(), ..Stack::default() };
    for denied in [None, Some("PutAlternateContact")] {
        let fake = with_contact(OTHER_CONTACT);
        fake.always.borrow_mut().extend(denied.map(|operation| (operation, "AccessDeniedException")));
        let stack = if denied.is_some() { Stack::default() } else { stack.clone() };
        stack.update(&fake, CONTACT, MADE, (&new, &old)).await.failed(&[]);
        fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_IN_PROGRESS".into();
        let response = stack.update(&fake, CONTACT, MADE, (&new, &old)).await.succeeded();
        warns(&response, &["stays as it is"]);
        assert_eq!(present(&fake, OWN), Some(contact(OTHER_CONTACT)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_gives_up_at_any_call_gets_no_contact_any_more() {
    for number in 0..2 {
        let fake = FakeManagementAccount::managing();
        let gives_up: Change = |world| {
            for (status, since) in world.resources.values_mut() {
                (*status, *since) = ("DELETE_IN_PROGRESS".into(), Instant::now());
            }
        };
        *fake.meanwhile.borrow_mut() = Some((number, gives_up));
        create(&fake).await.failed(&["no longer waits"]);
        wrote_nothing(&fake);
    }
}

#[tokio::test(start_paused = true)]
async fn no_write_begins_when_its_answer_could_no_longer_be_awaited() {
    let fake = FakeManagementAccount::managing();
    fake.always.borrow_mut().insert("GetAlternateContact", "TooManyRequestsException");
    let recovers = async {
        // The last look comes when no write may begin any more.
        sleep(Duration::from_millis(882_500)).await;
        fake.always.borrow_mut().clear();
    };
    let (response, ()) = tokio::join!(create(&fake), recovers);
    response.failed(&["GetAlternateContact", "TooManyRequestsException"]);
    assert_eq!(fake.calls.borrow().last(), Some(&"DescribeStackResource"));
    wrote_nothing(&fake);
}

#[tokio::test(start_paused = true)]
async fn properties_that_are_not_valid_are_refused_before_any_call_with_every_problem() {
    let fake = FakeManagementAccount::managing();
    let properties = json!({
        "AccountId": "1", "AccountOwnership": "mine", "Kind": "LEGAL",
        "Contact": format!("{}; ; nobody; ext. 12", "x".repeat(65)),
    });
    let response = Stack::default().create(&fake, CONTACT, properties).await;
    response.failed(&["AccountId", "AccountOwnership", "Kind", "name", "title", "email address", "phone number"]);
    let response = Stack::default().create(&fake, CONTACT, with(json!({ "Contact": "Ann Example" }))).await;
    response.failed(&["four parts", "not 1"]);
    let response = Stack::default().create(&fake, CONTACT, json!({})).await;
    response.failed(&["Kind must be set", "Contact must be set"]);
    assert!(fake.calls.borrow().is_empty());
}
