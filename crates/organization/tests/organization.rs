//! The organization, and every check before anything is created.

mod common;

use common::contacts::{ACCOUNT_MANAGEMENT, contact};
use common::fake::{FakeManagementAccount, OWN, OWN_EMAIL, ROOT, UNIT};
use common::stack::{EMAIL, NAME, SECURITY_CONTACT, Stack, organization_properties};
use orchestera_organization::handler::ORGANIZATION;
use orchestera_organization::management_account::contacts::ContactKind;
use orchestera_organization::management_account::{
    AccountPlan, AccountState, OrganizationDescription, RootUser, StackSet,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

const FOUND: &str = "444455556666";
const GROUP: &str = "orchestera-admin-group";

fn with(changes: Value) -> Value {
    let mut properties = organization_properties();
    for (name, value) in changes.as_object().unwrap() {
        properties[name] = value.clone();
    }
    properties
}

/// The warnings of a Create that succeeds.
async fn warnings(fake: &FakeManagementAccount, properties: Value) -> String {
    let response = Stack::default().create(fake, ORGANIZATION, properties).await.succeeded();
    response.data["Warnings"].as_str().unwrap().to_owned()
}

/// A Create that is refused with these parts in its Reason, before anything is written.
async fn refused(fake: &FakeManagementAccount, properties: Value, parts: &[&str]) {
    Stack::default().create(fake, ORGANIZATION, properties).await.failed(parts);
    assert!(fake.writes().is_empty(), "{:?}", fake.writes());
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_does_not_exist_is_created_with_all_features_after_every_check() {
    let fake = FakeManagementAccount::alone();
    let response = Stack::default().create_organization(&fake).await.succeeded();
    assert_eq!(response.physical_id, "o-exampleorgid");
    for (name, value) in [
        ("OrganizationId", "o-exampleorgid"),
        ("RootId", ROOT),
        ("ManagementAccountId", OWN),
        ("FeatureSet", "ALL"),
        ("Ownership", "created"),
    ] {
        assert_eq!(response.data[name], value);
    }
    assert!(response.data["Warnings"].as_str().unwrap().contains("up to an hour"), "{}", response.data);
    let calls = fake.calls.borrow();
    let write = calls.iter().position(|call| *call == "CreateOrganization").unwrap();
    assert_eq!(calls[write - 1], "DescribeStackResource", "its own resource is read last: {calls:?}");
    assert_eq!(fake.writes(), ["CreateOrganization"]);
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_this_account_manages_is_found_and_nothing_is_written() {
    let fake = FakeManagementAccount::managing();
    let response = Stack::default().create_organization(&fake).await.succeeded();
    assert_eq!((&response.data["Ownership"], &response.data["Warnings"]), (&json!("found"), &json!("")));
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_organization_with_consolidated_billing_only_is_found_with_a_warning() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().organization.as_mut().unwrap().feature_set = "CONSOLIDATED_BILLING".into();
    assert!(warnings(&fake, organization_properties()).await.contains("enable all features"));
}

#[tokio::test(start_paused = true)]
async fn a_member_of_another_organization_is_refused_at_create_and_update_with_its_management_account() {
    let fake = FakeManagementAccount::alone();
    fake.world.borrow_mut().organization = Some(OrganizationDescription {
        id: "o-someoneelse00".into(),
        management_account_id: "999988887777".into(),
        management_account_email: "boss@example.com".into(),
        feature_set: "ALL".into(),
    });
    refused(&fake, organization_properties(), &["999988887777", "boss@example.com"]).await;
    let (stack, properties) = (Stack::default(), organization_properties());
    let response = stack.update(&fake, ORGANIZATION, "o-exampleorgid", (&properties, &properties)).await;
    response.failed(&["999988887777"]);
    stack.delete(&fake, ORGANIZATION, "o-exampleorgid").await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn the_free_plan_is_left_only_if_the_parameter_says_so() {
    let fake = FakeManagementAccount::alone();
    fake.world.borrow_mut().plan = AccountPlan::Free;
    refused(&fake, organization_properties(), &["free plan", "AcceptPaidPlan"]).await;
    assert!(warnings(&fake, with(json!({ "AcceptPaidPlan": "true" }))).await.contains("leaves AWS's free plan"));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_cannot_be_read_is_not_left_on_a_guess() {
    for code in ["ValidationException", "AccessDeniedException", "InternalServerException"] {
        let fake = FakeManagementAccount::alone();
        fake.always.borrow_mut().insert("GetAccountPlanState", code);
        refused(&fake, organization_properties(), &["GetAccountPlanState", "AcceptPaidPlan"]).await;
        let warnings = warnings(&fake, with(json!({ "AcceptPaidPlan": "true" }))).await;
        assert!(warnings.contains("GetAccountPlanState"), "{warnings}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_denied_or_not_answered_is_left_out_after_some_seconds_with_a_warning() {
    for operation in ["GetAccountSummary", "GetServiceQuota", "ListStackSets", "ListPoliciesForTarget", "GetGroup"] {
        for code in ["ServiceException", "AccessDeniedException"] {
            let fake = FakeManagementAccount::managing();
            fake.always.borrow_mut().insert(operation, code);
            let response = Stack::default().create_organization(&fake).await.succeeded();
            assert!(response.data["Warnings"].as_str().unwrap().contains(operation), "{}", response.data);
            assert!(response.took < Duration::from_secs(60), "{:?}", response.took);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_payment_contact_or_phone_verification_that_is_missing_is_named_at_once() {
    for (code, part) in [
        ("MASTER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED", "payment method"),
        ("MASTER_ACCOUNT_MISSING_CONTACT_INFO", "contact information"),
        ("PHONE_VERIFICATION_REQUIRED", "phone number"),
    ] {
        let fake = FakeManagementAccount::alone();
        fake.always.borrow_mut().insert("CreateOrganization", code);
        let response = Stack::default().create_organization(&fake).await.failed(&[code, part]);
        assert!(response.took < Duration::from_secs(10), "{:?}", response.took);
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_would_fail_is_in_one_reason() {
    let fake = FakeManagementAccount::managing();
    {
        let mut world = fake.world.borrow_mut();
        world.groups.insert(GROUP.into(), Vec::new());
        world.add(FOUND, "Other", EMAIL, AccountState::Active, Instant::now());
    }
    let properties = with(json!({ "AdminUserNames": ["ann", "bob"], "OrganizationalUnitId": UNIT }));
    let parts = ["4 problems", "(1)", "(4)", "'Other'", GROUP, "ann, bob", UNIT, "Nothing was created"];
    refused(&fake, properties, &parts).await;
}

#[tokio::test(start_paused = true)]
async fn the_group_must_be_as_its_parameter_says() {
    let fake = FakeManagementAccount::managing();
    refused(&fake, with(json!({ "AdminGroup": "Use" })), &["no group", "\"Make\""]).await;
    fake.world.borrow_mut().groups.insert(GROUP.into(), vec!["ann".into()]);
    refused(&fake, organization_properties(), &["exists already", "\"Use\""]).await;
    warnings(&fake, with(json!({ "AdminGroup": "None" }))).await;
    warnings(&fake, with(json!({ "AdminGroup": "Use" }))).await;
    fake.world.borrow_mut().groups.insert(GROUP.into(), Vec::new());
    refused(&fake, with(json!({ "AdminGroup": "Use" })), &["has no users", "AdminUserNames"]).await;
    fake.world.borrow_mut().groups.insert(GROUP.into(), vec!["ann".into()]);
    fake.world.borrow_mut().users.extend(["ann".into(), "bob".into()]);
    warnings(&fake, with(json!({ "AdminGroup": "Use", "AdminUserNames": "bob" }))).await;
    let properties = with(json!({ "AdminGroup": "Use", "AdminUserNames": "bob, ann" }));
    refused(&fake, properties, &["ann is in the group", "remove the user"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_blank_name_among_others_is_refused_before_anything_is_created() {
    let fake = FakeManagementAccount::alone();
    fake.world.borrow_mut().users.extend(["ann".into(), "bob".into()]);
    for names in [json!(["ann", ""]), json!(["", "ann"]), json!(["ann", " ", "bob"]), json!(["", ""])] {
        refused(&fake, with(json!({ "AdminUserNames": names })), &["blank name", "ann,bob"]).await;
    }
    warnings(&fake, with(json!({ "AdminUserNames": [""] }))).await;
}

#[tokio::test(start_paused = true)]
async fn accounts_by_email_are_checked_as_their_own_resources_will_check_them() {
    for (name, state, parts) in [
        ("Other", AccountState::Active, &["'Other'", "AccountId"][..]),
        (NAME, AccountState::Suspended, &["SUSPENDED"]),
        (NAME, AccountState::Closed, &["CLOSED", "90 days"]),
    ] {
        let fake = FakeManagementAccount::managing();
        fake.world.borrow_mut().add(FOUND, name, EMAIL, state, Instant::now());
        refused(&fake, organization_properties(), parts).await;
    }
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().add(FOUND, NAME, EMAIL, AccountState::Active, Instant::now());
    assert!(warnings(&fake, organization_properties()).await.contains("does not change it"));
    refused(&fake, with(json!({ "AccountEmail": OWN_EMAIL })), &["management account", "AccountEmail"]).await;
    let by_id = |id: &str| with(json!({ "AccountEmail": "", "AccountId": id }));
    refused(&fake, by_id("999988887777"), &["not in this organization"]).await;
    refused(&fake, by_id(OWN), &["management account"]).await;
    warnings(&fake, by_id(FOUND)).await;
    let twice = with(json!({ "DevelopmentAccountEmail": "SPARK@example.com" }));
    refused(&fake, twice, &["must differ"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_quota_has_to_have_room_for_every_account_that_will_be_created() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().quota = 3;
    let two = with(json!({ "DevelopmentAccountEmail": "dev@example.com" }));
    warnings(&fake, two.clone()).await;
    fake.world.borrow_mut().open_invitations = 1;
    refused(&fake, two.clone(), &["1 open invitations", "quota is 3"]).await;
    fake.world.borrow_mut().add(FOUND, NAME, EMAIL, AccountState::Active, Instant::now());
    refused(&fake, two, &["2 accounts"]).await;
    warnings(&fake, organization_properties()).await;
}

#[tokio::test(start_paused = true)]
async fn control_tower_stack_sets_and_policies_are_seen_before_anything_is_created() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().roles.insert("AWSControlTowerAdmin".into());
    refused(&fake, organization_properties(), &["Account Factory"]).await;
    fake.world.borrow_mut().roles.clear();
    let units = vec![ROOT.to_owned()];
    let set = StackSet { name: "orchestera-access-all".into(), organizational_unit_ids: units };
    fake.world.borrow_mut().stack_sets.push(set);
    refused(&fake, organization_properties(), &["orchestera-access-all", "AccessIn"]).await;
    warnings(&fake, with(json!({ "AccessIn": ["None"] }))).await;
    fake.world.borrow_mut().stack_sets.clear();
    fake.world.borrow_mut().delegated_administrators.push("777788889999".into());
    assert!(warnings(&fake, organization_properties()).await.contains("777788889999"));
    for (document, is_denied) in [
        (json!({"Statement": {"Effect": "Deny", "Action": "IAM:Create*", "Resource": "*"}}), true),
        (json!({"Statement": [{"Effect": "Deny", "NotAction": ["s3:*"], "Resource": "*"}]}), true),
        (json!({"Statement": [{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}]}), false),
        (json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}), false),
        (json!("no policy"), false),
    ] {
        fake.world.borrow_mut().policies.insert(ROOT.into(), vec![document.to_string()]);
        let warnings = warnings(&fake, organization_properties()).await;
        assert_eq!(warnings.contains("iam:CreateRole"), is_denied, "{document}: {warnings}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_root_user_without_mfa_or_with_access_keys_is_a_warning_and_never_an_action() {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().root_user = RootUser { has_mfa: false, has_access_keys: true, has_password: None };
    let warnings = warnings(&fake, organization_properties()).await;
    assert!(warnings.contains("no MFA") && warnings.contains("access keys"), "{warnings}");
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_update_checks_only_what_it_newly_turns_on() {
    let fake = FakeManagementAccount::managing();
    {
        let mut world = fake.world.borrow_mut();
        world.groups.insert(GROUP.into(), vec!["ann".into()]);
        world.users.insert("ann".into());
        world.add(FOUND, "Renamed by hand", EMAIL, AccountState::Active, Instant::now());
    }
    let (stack, old) = (Stack::default(), with(json!({ "AdminUserNames": ["ann"] })));
    let id = "o-exampleorgid";
    stack.update(&fake, ORGANIZATION, id, (&old, &old)).await.succeeded();
    let new = with(json!({ "AdminUserNames": ["ann", "bob"], "DevelopmentAccountEmail": OWN_EMAIL }));
    let response = stack.update(&fake, ORGANIZATION, id, (&old, &new)).await;
    assert!(!response.reason.contains("ann") && !response.reason.contains("Renamed"), "{}", response.reason);
    response.failed(&["bob", "DevelopmentAccountEmail", "2 problems"]);
    stack.update(&fake, ORGANIZATION, id, (&new, &old)).await.succeeded();
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_update_in_another_organization_than_before_is_refused_and_its_rollback_succeeds() {
    let fake = FakeManagementAccount::managing();
    let (stack, properties) = (Stack::default(), organization_properties());
    let id = "o-anotherorganization";
    stack.update(&fake, ORGANIZATION, id, (&properties, &properties)).await.failed(&[id, "o-exampleorgid"]);
    fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_IN_PROGRESS".into();
    let response = stack.update(&fake, ORGANIZATION, id, (&properties, &properties)).await.succeeded();
    assert_eq!(response.physical_id, id, "another id would bring a Delete");
}

#[tokio::test(start_paused = true)]
async fn a_delete_keeps_the_organization_makes_no_call_and_says_how_to_delete_it() {
    let fake = FakeManagementAccount::managing();
    for id in ["o-exampleorgid", "failed/Organization/request-1", "something that CloudFormation made up"] {
        let response = Stack::default().delete(&fake, ORGANIZATION, id).await.succeeded();
        assert_eq!(response.reason.contains("was kept"), id.starts_with("o-"), "{}", response.reason);
    }
    assert!(fake.calls.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_stack_or_of_a_stack_that_gave_up_creates_no_organization() {
    let fake = FakeManagementAccount::alone();
    let stack = Stack::default();
    let event = json!({ "RequestType": "Create", "ResourceProperties": organization_properties() });
    let mut of_other = event.clone();
    of_other["StackId"] = "arn:of:another:stack".into();
    let response = stack.send(&fake, stack.event(of_other, ORGANIZATION)).await.unwrap();
    response.failed(&["serves the stack"]);
    stack.set(&fake, ORGANIZATION, "ROLLBACK_COMPLETE");
    stack.send(&fake, stack.event(event, ORGANIZATION)).await.unwrap().failed(&["no longer waits"]);
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_resource_of_another_type_is_refused_but_its_delete_succeeds() {
    let fake = FakeManagementAccount::managing();
    let stack = Stack::default();
    let event = json!({ "RequestType": "Create", "ResourceProperties": {} });
    stack.send(&fake, stack.event(event, "Custom::Other")).await.unwrap().failed(&["Custom::Other"]);
    let event = json!({ "RequestType": "Delete", "PhysicalResourceId": "x", "ResourceProperties": {} });
    stack.send(&fake, stack.event(event, "Custom::Other")).await.unwrap().succeeded();
}

#[tokio::test(start_paused = true)]
async fn contacts_that_are_not_valid_are_refused_before_anything_is_created() {
    let contacts = json!({ "BillingContact": "Ann", "OperationsContact": "A; B; nobody; 1", "SecurityContact": ";;;" });
    let parts =
        ["BillingContact", "four parts", "email address in OperationsContact", "phone number in SecurityContact"];
    let fake = FakeManagementAccount::alone();
    refused(&fake, with(contacts), &parts).await;
    assert!(fake.calls.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_somebody_set_is_a_warning_unless_it_is_the_same_or_this_stacks_already() {
    let fake = FakeManagementAccount::managing();
    let mut chosen = with(json!({ "SecurityContact": SECURITY_CONTACT }));
    fake.world.borrow_mut().trusted_services.insert(ACCOUNT_MANAGEMENT.into());
    assert_eq!(warnings(&fake, chosen.clone()).await, "");
    let set = |text: &str| {
        fake.world.borrow_mut().contacts.insert((OWN.into(), ContactKind::Security), contact(text));
    };
    set(SECURITY_CONTACT);
    assert_eq!(warnings(&fake, chosen.clone()).await, "");
    set("Eve; CISO; eve@example.com; 0");
    let warned = warnings(&fake, chosen.clone()).await;
    assert!(warned.contains("SECURITY contact of account 111122223333 was set by somebody else"), "{warned}");
    // An Update of a contact that the stack had before.
    let old = chosen.clone();
    chosen["SecurityContact"] = "Bob; CISO; bob@example.com; 0".into();
    let updated = Stack::default().update(&fake, ORGANIZATION, "o-exampleorgid", (&old, &chosen)).await.succeeded();
    assert_eq!(updated.data["Warnings"], "");
    assert!(fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn contacts_of_accounts_to_create_are_a_warning_where_trusted_access_is_off() {
    let chosen = with(json!({ "SecurityContact": SECURITY_CONTACT }));
    let warned = |fake: FakeManagementAccount, properties: Value| async move {
        warnings(&fake, properties).await.contains("in the management account only")
    };
    assert!(warned(FakeManagementAccount::managing(), chosen.clone()).await);
    assert!(warned(FakeManagementAccount::alone(), chosen.clone()).await);
    assert!(!warned(FakeManagementAccount::managing(), organization_properties()).await);
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().trusted_services.insert(ACCOUNT_MANAGEMENT.into());
    assert!(!warned(fake, chosen.clone()).await);
    // No account would be created.
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().add(FOUND, NAME, EMAIL, AccountState::Active, Instant::now());
    let mut by_id = chosen.clone();
    (by_id["AccountEmail"], by_id["AccountId"]) = ("".into(), FOUND.into());
    assert!(!warned(fake, by_id).await);
}

#[tokio::test(start_paused = true)]
async fn contacts_that_cannot_be_read_are_a_warning() {
    for operation in ["GetAlternateContact", "ListAWSServiceAccessForOrganization"] {
        let fake = FakeManagementAccount::managing();
        fake.always.borrow_mut().insert(operation, "AccessDeniedException");
        let warned = warnings(&fake, with(json!({ "SecurityContact": SECURITY_CONTACT }))).await;
        assert!(warned.contains("Not checked") && warned.contains(operation), "{warned}");
    }
}
