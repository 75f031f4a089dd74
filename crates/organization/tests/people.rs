//! How people sign in: every check of `Custom::OrchesteraOrganization` about it, before anything is created.

mod common;

use common::fake::identity_center::{GROUP_ID, INSTANCE, instance};
use common::fake::{FakeManagementAccount, OWN, ROOT};
use common::stack::{EMAIL, NAME, Response, STACK, Stack, organization_properties};
use orchestera_organization::handler::ORGANIZATION;
use orchestera_organization::management_account::{AccountState, PasswordPolicy, RootUser, StackSet};
use serde_json::{Value, json};
use tokio::time::Instant;

const ID: &str = "o-exampleorgid";
const GROUP: &str = "orchestera-admin-group";
const SPARK: &str = "444455556666";
const DEVELOPMENT: &str = "555566667777";
const CONSOLE: &str = "https://console.aws.amazon.com/singlesignon/home?region=us-east-1";

fn with(changes: Value) -> Value {
    let mut properties = organization_properties();
    for (name, value) in changes.as_object().unwrap() {
        properties[name] = value.clone();
    }
    properties
}

fn with_identity_center(changes: Value) -> Value {
    let mut properties = with(changes);
    properties["SignIn"] = "IdentityCenter".into();
    properties["IdentityCenterPrincipal"] = "group:Administrators".into();
    properties
}

fn enabled() -> FakeManagementAccount {
    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().enable_identity_center();
    fake
}

async fn create(fake: &FakeManagementAccount, properties: &Value) -> Response {
    let response = Stack::default().create(fake, ORGANIZATION, properties.clone()).await;
    assert!(fake.writes().is_empty(), "{:?}", fake.writes());
    response
}

async fn update(fake: &FakeManagementAccount, old: &Value, new: &Value) -> Response {
    let response = Stack::default().update(fake, ORGANIZATION, ID, (old, new)).await;
    assert!(fake.writes().is_empty(), "{:?}", fake.writes());
    response
}

/// Refused at a Create, and at an Update that newly chooses it, but not if it was chosen before, nor in a rollback.
async fn refused_if_new(fake: &FakeManagementAccount, properties: &Value, parts: &[&str]) {
    create(fake, properties).await.failed(parts);
    update(fake, &organization_properties(), properties).await.failed(parts);
    update(fake, properties, properties).await.succeeded();
    fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_IN_PROGRESS".into();
    let response = update(fake, &organization_properties(), properties).await.succeeded();
    assert!(warnings(&response).contains(parts[0]), "{}", response.data);
    fake.world.borrow_mut().stack_status = String::new();
}

fn warnings(response: &Response) -> &str {
    response.data["Warnings"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn sign_in_with_identity_center_is_checked_as_the_finder_checks_it_before_anything_is_created() {
    let properties = with_identity_center(json!({}));
    let fake = FakeManagementAccount::managing();
    refused_if_new(&fake, &properties, &["not enabled", CONSOLE]).await;
    let fake = enabled();
    create(&fake, &properties).await.succeeded();
    let mut nobody = properties.clone();
    nobody["IdentityCenterPrincipal"] = "user:nobody".into();
    refused_if_new(&fake, &nobody, &["user 'nobody'"]).await;
    let uses = with_identity_center(json!({ "PermissionSet": "Use" }));
    refused_if_new(&fake, &uses, &["no permission set AdministratorAccess"]).await;
    fake.world.borrow_mut().add_permission_set("AdministratorAccess", "");
    refused_if_new(&fake, &properties, &["permission set AdministratorAccess already"]).await;
    create(&fake, &with_identity_center(json!({ "PermissionSetName": "Another" }))).await.succeeded();
    fake.world.borrow_mut().assign(OWN, GROUP_ID);
    refused_if_new(&fake, &uses, &["already", OWN]).await;
    fake.world.borrow_mut().trusted_services.clear();
    refused_if_new(&fake, &uses, &["account instance", INSTANCE]).await;
}

#[tokio::test(start_paused = true)]
async fn without_an_organization_the_way_to_identity_center_is_said_and_no_organization_is_created() {
    let fake = FakeManagementAccount::alone();
    let properties = with_identity_center(json!({}));
    let response = create(&fake, &properties).await;
    response.failed(&["SignIn = \"Users\"", CONSOLE, "update the stack", "SignIn = \"IdentityCenter\""]);
    fake.world.borrow_mut().identity_center.instances = vec![("us-east-1".into(), instance())];
    create(&fake, &properties).await.failed(&["2 problems", "account instance", INSTANCE]);
}

#[tokio::test(start_paused = true)]
async fn an_update_of_sign_in_checks_only_the_assignments_that_it_newly_chooses() {
    let fake = enabled();
    {
        let mut world = fake.world.borrow_mut();
        world.add_permission_set("AdministratorAccess", STACK);
        world.add(SPARK, NAME, EMAIL, AccountState::Active, Instant::now());
        world.add(DEVELOPMENT, "orchestera-dev", "dev@example.com", AccountState::Active, Instant::now());
        for account in [OWN, SPARK, DEVELOPMENT] {
            world.assign(account, GROUP_ID);
        }
    }
    let old = with_identity_center(json!({}));
    let reads = fake.count("ListInstances");
    update(&fake, &old, &old).await.succeeded();
    assert_eq!(fake.count("ListInstances"), reads, "nothing is read of what does not change");
    let new = with_identity_center(json!({ "DevelopmentAccountEmail": "dev@example.com" }));
    let response = update(&fake, &old, &new).await.failed(&[DEVELOPMENT, "already"]);
    assert!(!response.reason.contains(SPARK) && !response.reason.contains(OWN), "{}", response.reason);
    // Away from Identity Center, nothing of it is read.
    update(&fake, &old, &organization_properties()).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn the_rights_to_assign_the_management_account_are_named_before_anything_is_created() {
    let (fake, properties) = (enabled(), with_identity_center(json!({})));
    let response = create(&fake, &properties).await.succeeded();
    let parts = ["role/aws-reserved/sso.amazonaws.com/*", "iam:AttachRolePolicy", "CreateRole", "service role"];
    assert!(parts.iter().all(|part| warnings(&response).contains(part)), "{}", response.data);
    assert_eq!(warnings(&update(&fake, &properties, &properties).await.succeeded()), "");
    let response = update(&fake, &organization_properties(), &properties).await.succeeded();
    assert!(warnings(&response).contains(parts[0]), "{}", response.data);
    assert_eq!(warnings(&create(&fake, &organization_properties()).await.succeeded()), "");
}

#[tokio::test(start_paused = true)]
async fn identity_center_that_cannot_be_read_is_left_out_with_a_warning() {
    for operation in ["ListInstances", "ListAWSServiceAccessForOrganization", "GetGroupId", "ListPermissionSets"] {
        let fake = enabled();
        fake.always.borrow_mut().insert(operation, "AccessDeniedException");
        let response = create(&fake, &with_identity_center(json!({}))).await.succeeded();
        assert!(warnings(&response).contains(operation), "{}", response.data);
    }
}

#[tokio::test(start_paused = true)]
async fn a_principal_has_to_be_given_for_sign_in_with_identity_center() {
    let fake = enabled();
    create(&fake, &with(json!({ "SignIn": "IdentityCenter" }))).await.failed(&["IdentityCenterPrincipal must be set"]);
    let unclear = with(json!({ "SignIn": "IdentityCenter", "IdentityCenterPrincipal": "role:Administrators" }));
    create(&fake, &unclear).await.failed(&["user:name or group:name"]);
    assert!(fake.calls.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn consolidated_billing_only_is_refused_with_identity_center() {
    let fake = enabled();
    fake.world.borrow_mut().organization.as_mut().unwrap().feature_set = "CONSOLIDATED_BILLING".into();
    refused_if_new(&fake, &with_identity_center(json!({})), &["needs an organization with all features"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_administrator_or_a_bootstrap_role_that_exists_is_refused_if_the_stack_would_newly_create_it() {
    let fake = FakeManagementAccount::managing();
    let (user, role) = (with(json!({ "BreakGlassUser": "On" })), with(json!({ "BootstrapRole": "On" })));
    create(&fake, &user).await.succeeded();
    create(&fake, &role).await.succeeded();
    fake.world.borrow_mut().users.insert("Administrator".into());
    fake.world.borrow_mut().roles.insert("mgmt-org-admin".into());
    refused_if_new(&fake, &user, &["IAM user Administrator", "BreakGlassUser"]).await;
    refused_if_new(&fake, &role, &["role mgmt-org-admin", "BootstrapRole"]).await;
    create(&fake, &organization_properties()).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn a_password_policy_that_the_generated_password_breaks_is_refused() {
    let fake = FakeManagementAccount::managing();
    let properties = with(json!({ "BreakGlassUser": "On" }));
    fake.world.borrow_mut().password_policy = Some(PasswordPolicy { minimum_length: 32 });
    create(&fake, &properties).await.succeeded();
    fake.world.borrow_mut().password_policy = Some(PasswordPolicy { minimum_length: 33 });
    refused_if_new(&fake, &properties, &["requires 33 characters", "BreakGlassUser"]).await;
    create(&fake, &organization_properties()).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn a_group_without_users_is_no_obstacle_if_people_can_sign_in_another_way() {
    let fake = enabled();
    fake.world.borrow_mut().groups.insert(GROUP.into(), Vec::new());
    create(&fake, &with(json!({ "AdminGroup": "Use" }))).await.failed(&["has no users"]);
    create(&fake, &with(json!({ "AdminGroup": "Use", "BreakGlassUser": "On" }))).await.succeeded();
    create(&fake, &with_identity_center(json!({ "AdminGroup": "Use" }))).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn a_password_of_the_root_user_is_a_warning_where_aws_tells() {
    for (has_password, is_said) in [(None, false), (Some(false), false), (Some(true), true)] {
        let fake = FakeManagementAccount::managing();
        fake.world.borrow_mut().root_user = RootUser { has_mfa: true, has_access_keys: false, has_password };
        let response = create(&fake, &organization_properties()).await.succeeded();
        assert_eq!(warnings(&response).contains("has a password"), is_said, "{}", response.data);
    }
}

#[tokio::test(start_paused = true)]
async fn every_account_that_gets_the_access_stack_is_checked_for_stack_sets_and_policies() {
    let fake = FakeManagementAccount::managing();
    let emails = json!({ "DevelopmentAccountEmail": "dev@example.com", "ProductionAccountEmail": "prod@example.com" });
    let access_in = |names: Value| {
        let mut properties = with(emails.clone());
        properties["AccessIn"] = names;
        properties
    };
    {
        let mut world = fake.world.borrow_mut();
        world.units.insert("ou-exam-22223333".into(), ROOT.into());
        let account = world.add(DEVELOPMENT, "orchestera-dev", "dev@example.com", AccountState::Active, Instant::now());
        account.parent = "ou-exam-22223333".into();
        let set =
            |unit: &str| StackSet { name: "orchestera-access-dev".into(), organizational_unit_ids: vec![unit.into()] };
        world.stack_sets.push(set("ou-exam-22223333"));
        let denies = json!({ "Statement": { "Effect": "Deny", "Action": "iam:*", "Resource": "*" } });
        world.policies.insert(DEVELOPMENT.into(), vec![denies.to_string()]);
    }
    create(&fake, &access_in(json!(["Spark", "Production"]))).await.succeeded();
    let both = access_in(json!("Spark,Development"));
    create(&fake, &both).await.failed(&["orchestera-access-dev", "for Development"]);
    update(&fake, &access_in(json!("Spark")), &both).await.failed(&["for Development"]);
    update(&fake, &both, &both).await.succeeded();
    fake.world.borrow_mut().stack_sets.clear();
    let response = create(&fake, &both).await.succeeded();
    assert!(warnings(&response).contains("iam:CreateRole, iam:CreatePolicy"), "{}", response.data);
    assert!(warnings(&response).contains("in the account for Development"), "{}", response.data);
    assert!(!warnings(&response).contains("in the account for Spark"), "{}", response.data);
}

#[tokio::test(start_paused = true)]
async fn access_can_be_given_only_to_accounts_that_the_stack_has() {
    let fake = FakeManagementAccount::managing();
    let access_in = |names: Value| with(json!({ "AccessIn": names }));
    create(&fake, &access_in(json!(["Development"])))
        .await
        .failed(&["AccessIn has Development", "DevelopmentAccountEmail"]);
    create(&fake, &access_in(json!(["Production"]))).await.failed(&["ProductionAccountEmail"]);
    for names in [json!("spark"), json!(["None", "Spark"])] {
        create(&fake, &access_in(names)).await.failed(&["AccessIn must be None, or names among"]);
    }
    for names in [json!(""), json!(["None"]), json!("Spark")] {
        create(&fake, &access_in(names)).await.succeeded();
    }
}
