//! What is found of IAM Identity Center. Nothing is ever written.

mod common;

use common::fake::identity_center::{GROUP_ID, IDENTITY_STORE, INSTANCE, SET, USER_ID, instance};
use common::fake::{FakeManagementAccount, OWN};
use common::stack::{EMAIL, NAME, Response, STACK, Stack, identity_center_properties};
use orchestera_organization::handler::IDENTITY_CENTER;
use orchestera_organization::management_account::identity_center::Instance;
use orchestera_organization::management_account::{AccountState, OrganizationDescription};
use serde_json::{Value, json};
use tokio::time::Instant;

const SPARK: &str = "444455556666";
const DEVELOPMENT: &str = "555566667777";
const CONSOLE: &str = "https://console.aws.amazon.com/singlesignon/home?region=us-east-1";

fn with(changes: Value) -> Value {
    let mut properties = identity_center_properties();
    for (name, value) in changes.as_object().unwrap() {
        properties[name] = value.clone();
    }
    properties
}

/// An organization with Identity Center, and with the account for Spark.
fn enabled() -> FakeManagementAccount {
    let fake = FakeManagementAccount::managing();
    {
        let mut world = fake.world.borrow_mut();
        world.enable_identity_center();
        world.add(SPARK, NAME, EMAIL, AccountState::Active, Instant::now());
        world.add(DEVELOPMENT, "orchestera-dev", "dev@example.com", AccountState::Active, Instant::now());
    }
    fake
}

async fn create(fake: &FakeManagementAccount, properties: Value) -> Response {
    let response = Stack::default().create(fake, IDENTITY_CENTER, properties).await;
    assert!(fake.writes().is_empty(), "{:?}", fake.writes());
    response
}

async fn update(fake: &FakeManagementAccount, old: &Value, new: &Value) -> Response {
    let response = Stack::default().update(fake, IDENTITY_CENTER, INSTANCE, (old, new)).await;
    assert_eq!(response.physical_id, INSTANCE, "another id would bring a Delete");
    assert!(fake.writes().is_empty(), "{:?}", fake.writes());
    response
}

/// The same is refused at a Create and at an Update that changes nothing; the Update's rollback succeeds.
async fn refused_at_both(fake: &FakeManagementAccount, properties: &Value, parts: &[&str]) {
    let response = create(fake, properties.clone()).await.failed(parts);
    assert!(response.physical_id.starts_with("failed/IdentityCenter/"), "{}", response.physical_id);
    update(fake, properties, properties).await.failed(parts);
    fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_IN_PROGRESS".into();
    let response = update(fake, properties, properties).await.succeeded();
    assert!(response.data["Warnings"].as_str().unwrap().contains(parts[0]), "{}", response.data);
    fake.world.borrow_mut().stack_status = String::new();
}

#[tokio::test(start_paused = true)]
async fn instance_and_principal_are_found_and_the_permission_set_is_left_to_the_stack() {
    let response = create(&enabled(), identity_center_properties()).await.succeeded();
    assert_eq!(response.physical_id, INSTANCE);
    for (name, value) in [
        ("InstanceArn", INSTANCE),
        ("IdentityStoreId", IDENTITY_STORE),
        ("PrincipalId", GROUP_ID),
        ("PrincipalType", "GROUP"),
        ("PermissionSetArn", ""),
        ("StartUrl", "https://d-9067123456.awsapps.com/start"),
        ("Warnings", ""),
    ] {
        assert_eq!(response.data[name], value, "{name}");
    }
    assert_eq!(response.data.as_object().unwrap().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn without_an_instance_the_one_click_that_no_api_offers_is_named_with_its_link() {
    let fake = FakeManagementAccount::managing();
    refused_at_both(&fake, &identity_center_properties(), &["not enabled", "Enable", CONSOLE]).await;
    assert_eq!(fake.count("ListInstances"), 3, "other regions are looked at only if the organization has an instance");
}

#[tokio::test(start_paused = true)]
async fn an_account_instance_that_blocks_the_organizations_is_named_with_the_way_out() {
    let fake = enabled();
    fake.world.borrow_mut().trusted_services.clear();
    let parts = ["account instance", INSTANCE, "delete it", "do not delete it", CONSOLE];
    refused_at_both(&fake, &identity_center_properties(), &parts).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_another_account_is_none_of_the_organization() {
    let fake = enabled();
    fake.world.borrow_mut().identity_center.instances[0].1.owner_account_id = SPARK.into();
    refused_at_both(&fake, &identity_center_properties(), &["one of account", SPARK, INSTANCE, CONSOLE]).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_in_another_region_is_named() {
    let fake = enabled();
    fake.world.borrow_mut().identity_center.instances[0].0 = "eu-central-1".into();
    refused_at_both(&fake, &identity_center_properties(), &["enabled in eu-central-1", "SignIn"]).await;
    // It is replicated to this region.
    let replica = Instance { primary_region: "eu-west-1".into(), ..instance() };
    fake.world.borrow_mut().identity_center.instances = vec![("us-east-1".into(), replica)];
    refused_at_both(&fake, &identity_center_properties(), &["enabled in eu-west-1", "SignIn"]).await;
    fake.world.borrow_mut().identity_center.instances[0].1.primary_region = "us-east-1".into();
    create(&fake, identity_center_properties()).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_not_active_is_refused_with_its_status() {
    for status in ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "A_NEW_ONE"] {
        let fake = enabled();
        fake.world.borrow_mut().identity_center.instances[0].1.status = status.into();
        refused_at_both(&fake, &identity_center_properties(), &[status, INSTANCE, "ACTIVE"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_principal_that_is_missing_is_named_as_it_was_looked_for() {
    let fake = enabled();
    for (principal, part) in [("group:Nobody", "group 'Nobody'"), ("user:Administrators", "user 'Administrators'")] {
        let properties = with(json!({ "Principal": principal }));
        refused_at_both(&fake, &properties, &[part, IDENTITY_STORE, "IdentityCenterPrincipal"]).await;
    }
    let response = create(&fake, with(json!({ "Principal": "user:ann" }))).await.succeeded();
    assert_eq!((&response.data["PrincipalId"], &response.data["PrincipalType"]), (&json!(USER_ID), &json!("USER")));
    let response = create(&fake, with(json!({ "Principal": "Administrators" }))).await;
    response.failed(&["user:name or group:name"]);
    create(&fake, with(json!({ "Principal": "" }))).await.failed(&["Principal must be set"]);
}

#[tokio::test(start_paused = true)]
async fn the_permission_set_must_be_as_its_parameter_says() {
    let fake = enabled();
    fake.world.borrow_mut().add_permission_set("AnotherOne", "");
    let uses = with(json!({ "PermissionSet": "Use" }));
    refused_at_both(&fake, &uses, &["no permission set AdministratorAccess", "\"Make\""]).await;
    fake.world.borrow_mut().add_permission_set("AdministratorAccess", "");
    let response = create(&fake, uses).await.succeeded();
    assert_eq!(response.data["PermissionSetArn"], SET);
    for owner in ["", "arn:of:another:stack"] {
        fake.world.borrow_mut().add_permission_set("AdministratorAccess", owner);
        let response = create(&fake, identity_center_properties()).await;
        response.failed(&["permission set AdministratorAccess already", "\"Use\"", "PermissionSetName"]);
    }
    create(&fake, with(json!({ "PermissionSetName": "Orchestera" }))).await.succeeded();
    fake.world.borrow_mut().add_permission_set("AdministratorAccess", STACK);
    let response = create(&fake, identity_center_properties()).await.succeeded();
    assert_eq!(response.data["PermissionSetArn"], SET);
    let response = create(&fake, with(json!({ "PermissionSetName": "more than 32 characters, and blanks" }))).await;
    response.failed(&["PermissionSetName must be 1 to 32"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_may_not_turn_the_stacks_own_permission_set_into_one_that_it_only_uses() {
    let fake = enabled();
    fake.world.borrow_mut().add_permission_set("AdministratorAccess", STACK);
    let (make, uses) = (identity_center_properties(), with(json!({ "PermissionSet": "Use" })));
    update(&fake, &make, &uses).await.failed(&["This stack created", "Keep \"Make\""]);
    update(&fake, &make, &make).await.succeeded();
    update(&fake, &uses, &make).await.succeeded();
    // Somebody took the tag off by hand: an Update that changes nothing of it succeeds.
    fake.world.borrow_mut().add_permission_set("AdministratorAccess", "");
    update(&fake, &make, &make).await.succeeded();
    update(&fake, &uses, &make).await.failed(&["already"]);
}

#[tokio::test(start_paused = true)]
async fn an_assignment_that_exists_is_refused_with_account_permission_set_and_the_way_to_continue() {
    let by_id = with(json!({ "PermissionSet": "Use", "AccountEmail": "", "AccountId": SPARK }));
    let uses = with(json!({ "PermissionSet": "Use" }));
    for (account, properties) in [(OWN, &uses), (SPARK, &uses), (SPARK, &by_id)] {
        let fake = enabled();
        fake.world.borrow_mut().add_permission_set("AdministratorAccess", "");
        create(&fake, properties.clone()).await.succeeded();
        fake.world.borrow_mut().assign(account, USER_ID);
        fake.world.borrow_mut().assign("999988887777", GROUP_ID);
        fake.world.borrow_mut().assign(DEVELOPMENT, GROUP_ID);
        create(&fake, properties.clone()).await.succeeded();
        fake.world.borrow_mut().assign(account, GROUP_ID);
        let parts = [
            account,
            "AdministratorAccess",
            "group 'Administrators'",
            "A rollback of the stack would delete it",
            "delete that assignment first",
            "\"Users\"",
        ];
        create(&fake, properties.clone()).await.failed(&parts);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_takes_the_assignments_that_it_did_not_newly_choose_for_its_own() {
    let fake = enabled();
    fake.world.borrow_mut().add_permission_set("AdministratorAccess", STACK);
    for (account, principal) in [(OWN, GROUP_ID), (SPARK, GROUP_ID), (OWN, USER_ID)] {
        fake.world.borrow_mut().assign(account, principal);
    }
    let old = identity_center_properties();
    update(&fake, &old, &old).await.succeeded();
    // From the email to the id of the same account.
    update(&fake, &old, &with(json!({ "AccountEmail": "", "AccountId": SPARK }))).await.succeeded();
    let more = with(json!({ "DevelopmentAccountEmail": "DEV@example.com" }));
    update(&fake, &old, &more).await.succeeded();
    fake.world.borrow_mut().assign(DEVELOPMENT, GROUP_ID);
    let response = update(&fake, &old, &more).await.failed(&[DEVELOPMENT, "already"]);
    assert!(!response.reason.contains(SPARK) && !response.reason.contains(OWN), "{}", response.reason);
    update(&fake, &more, &more).await.succeeded();
    update(&fake, &old, &with(json!({ "Principal": "user:ann" }))).await.failed(&["user 'ann'", OWN]);
}

#[tokio::test(start_paused = true)]
async fn another_instance_than_before_is_refused_and_its_rollback_succeeds_under_the_old_id() {
    let (fake, properties) = (enabled(), identity_center_properties());
    let other = "arn:aws:sso:::instance/ssoins-0000000000000000";
    fake.world.borrow_mut().identity_center.instances[0].1.arn = other.into();
    let parts = [INSTANCE, other, "SignIn"];
    update(&fake, &properties, &properties).await.failed(&parts);
    fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_IN_PROGRESS".into();
    update(&fake, &properties, &properties).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn the_update_of_a_create_that_failed_takes_the_rules_of_create_and_the_instances_id() {
    let (fake, stack, properties) = (enabled(), Stack::default(), with(json!({ "PermissionSet": "Use" })));
    fake.world.borrow_mut().add_permission_set("AdministratorAccess", "");
    let failed = "failed/IdentityCenter/request-0";
    let response = stack.update(&fake, IDENTITY_CENTER, failed, (&properties, &properties)).await.succeeded();
    assert_eq!(response.physical_id, INSTANCE);
    fake.world.borrow_mut().assign(OWN, GROUP_ID);
    let response = stack.update(&fake, IDENTITY_CENTER, failed, (&properties, &properties)).await;
    assert_eq!(response.failed(&["already"]).physical_id, failed);
}

#[tokio::test(start_paused = true)]
async fn a_delete_of_what_was_found_in_identity_center_succeeds_without_a_call() {
    let fake = FakeManagementAccount::alone();
    for id in [INSTANCE, "failed/IdentityCenter/request-1", "something that CloudFormation made up"] {
        Stack::default().delete(&fake, IDENTITY_CENTER, id).await.succeeded();
    }
    assert!(fake.calls.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn identity_center_needs_an_organization_with_all_features_that_this_account_manages() {
    let alone = FakeManagementAccount::alone();
    create(&alone, identity_center_properties()).await.failed(&["is in no organization"]);
    alone.world.borrow_mut().organization = Some(OrganizationDescription {
        id: "o-someoneelse00".into(),
        management_account_id: "999988887777".into(),
        management_account_email: "boss@example.com".into(),
        feature_set: "ALL".into(),
    });
    create(&alone, identity_center_properties()).await.failed(&["999988887777"]);
    let fake = enabled();
    fake.world.borrow_mut().organization.as_mut().unwrap().feature_set = "CONSOLIDATED_BILLING".into();
    refused_at_both(&fake, &identity_center_properties(), &["consolidated billing only", "Settings"]).await;
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_in_identity_center_is_in_one_reason() {
    let fake = enabled();
    let properties = with(json!({ "Principal": "user:nobody", "PermissionSet": "Use" }));
    create(&fake, properties).await.failed(&["2 problems", "user 'nobody'", "no permission set"]);
}

#[tokio::test(start_paused = true)]
async fn a_right_to_read_that_never_arrives_is_named_after_half_a_minute() {
    let operations = [
        "DescribeOrganization",
        "ListAccounts",
        "ListInstances",
        "ListAWSServiceAccessForOrganization",
        "GetGroupId",
        "ListPermissionSets",
        "DescribePermissionSet",
        "ListTagsForResource",
        "ListAccountAssignments",
    ];
    for operation in operations {
        let fake = enabled();
        fake.world.borrow_mut().add_permission_set("AdministratorAccess", STACK);
        fake.always.borrow_mut().insert(operation, "AccessDeniedException");
        let response = create(&fake, identity_center_properties()).await.failed(&[operation, "role"]);
        assert!((25..60).contains(&response.took.as_secs()), "{operation}: {:?}", response.took);
        let is_of_organizations = ["DescribeOrganization", "ListAccounts"].contains(&operation);
        assert_eq!(response.reason.contains("KMS key"), !is_of_organizations, "{}", response.reason);
    }
}
