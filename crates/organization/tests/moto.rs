//! The fake against an emulator that we did not write, so that it does not drift towards what our code hopes for.
//!
//! One script of calls goes through the real adapter to moto, and to the fake. What each call says, the value read or
//! the code refused, must be the same. CloudFormation is not among them: moto's needs a package that is not installed.
//! `make run-organization` plays those calls on the embedded AWS. Where moto is known to be laxer than AWS, both answers are written down, so that
//! the test also says when moto catches up.

mod common;
#[path = "../../../tests/common/moto.rs"]
#[allow(dead_code, reason = "a part of it is for the other tests")]
mod server;

use aws_sdk_iam::config::{Credentials, Region, SharedCredentialsProvider};
use common::contacts::contact;
use common::fake::identity_center::{GROUP_ID, SET};
use common::fake::{FakeManagementAccount, OWN};
use common::stack::{EMAIL, NAME, SECURITY_CONTACT, STACK};
use custom_resource::{Error, Kind, Result};
use orchestera_organization::management_account::aws::AwsManagementAccount;
use orchestera_organization::management_account::contacts::ContactKind;
use orchestera_organization::management_account::identity_center::{IdentityCenter, Principal, PrincipalType};
use orchestera_organization::management_account::{CreationProgress, ManagementAccount, NewAccount};
use server::{ACCOUNT, Moto};
use std::fmt::Debug;

/// What is compared of a result.
fn shown<T: Debug>(result: Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => refused(&error),
    }
}

fn refused(error: &Error) -> String {
    let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
    match error.kind() {
        Kind::Gone => "gone".to_owned(),
        _ => code,
    }
}

/// What each call of the script says, without ids.
async fn script<M: ManagementAccount>(account: &M) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    let mut say = |what: &'static str, result: String| said.push((what, result));
    say("no organization", shown(account.organization().await));
    say("accounts without an organization", shown(account.accounts().await));
    say("CreateOrganization", shown(account.create_organization().await));
    say("CreateOrganization again", shown(account.create_organization().await));
    let organization = account.organization().await.unwrap().expect("it was created");
    say("feature set", organization.feature_set.clone());
    say("id", format!("o-{}", organization.id.starts_with("o-")));
    let root = account.root().await.unwrap();
    say("root", format!("r-{}", root.starts_with("r-")));
    let accounts = account.accounts().await.unwrap();
    say("accounts", format!("{} {}", accounts.len(), accounts[0].state));
    say("its id", format!("{}", accounts[0].id == organization.management_account_id));
    let new = NewAccount {
        email: EMAIL.into(),
        name: NAME.into(),
        role_name: "OrganizationAccountAccessRole".into(),
        stack_id: STACK.into(),
    };
    let creation = account.create_account(&new).await.unwrap();
    say(
        "CreateAccount",
        format!("{} {}", creation.account_name, matches!(creation.progress, CreationProgress::InProgress)),
    );
    // The fake takes its time.
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    let creation = account.account_creation(&creation.id).await.unwrap();
    let CreationProgress::Succeeded { account_id, .. } = creation.progress else { panic!("{creation:?}") };
    say("its status", creation.account_name.clone());
    let accounts = account.accounts().await.unwrap();
    let created = accounts.iter().find(|one| one.id == account_id).expect("it is listed");
    say("the account", format!("{} {} {}", created.name, created.email, created.state));
    say("its tags", shown(account.account_tags(&account_id).await));
    say("its parent", format!("{}", account.parent(&account_id).await.unwrap().as_ref() == Some(&root)));
    let listed = account.account_creations().await.unwrap();
    say("listed creations", format!("{}", listed.iter().filter(|one| one.account_name == NAME).count()));
    say("UntagResource", shown(account.untag_account(&account_id).await));
    say("no tags", shown(account.account_tags(&account_id).await));
    say("UntagResource again", shown(account.untag_account(&account_id).await));
    say("tags of a stranger", shown(account.account_tags("999988887777").await));
    say("a creation of nobody", shown(account.account_creation("car-99999999999999999999999999999999").await));
    say("to nowhere", shown(account.move_account(&account_id, &root, "ou-exam-99999999").await));
    say("a stranger to the root", shown(account.move_account("999988887777", &root, &root).await));
    say("to where it is", shown(account.move_account(&account_id, &root, &root).await));
    say("a group", shown(account.group_members("nobody").await));
    say("a user", shown(account.has_user("nobody").await));
    say("a role", shown(account.has_role("nobody").await));
    say("no password policy", shown(account.password_policy().await));
    contacts(account, &account_id, &mut say).await;
    said
}

/// The same of Identity Center, where the group `Administrators` has the permission set `AdministratorAccess` in the
/// account `own`.
async fn identity_center_script<M: IdentityCenter>(
    account: &M,
    own: &str,
    set: &str,
    group_id: &str,
) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    let mut say = |what: &'static str, result: String| said.push((what, result));
    let instances = account.instances().await.unwrap();
    let instance = instances.first().expect("it is enabled");
    say("instances", format!("{} {} {}", instances.len(), instance.status, instance.owner_account_id == own));
    say("identity store", instance.identity_store_id.split('-').next().unwrap_or_default().to_owned());
    let principal = |principal_type, name: &str| Principal { principal_type, name: name.to_owned() };
    let group = principal(PrincipalType::Group, "Administrators");
    let found = account.principal_id(&instance.identity_store_id, &group).await.unwrap();
    say("the group", format!("{}", found.as_deref() == Some(group_id)));
    for (what, principal_type) in [("no such group", PrincipalType::Group), ("no such user", PrincipalType::User)] {
        let nobody = principal(principal_type, "nobody");
        say(what, shown(account.principal_id(&instance.identity_store_id, &nobody).await));
    }
    let found = account.permission_set(&instance.arn, "AdministratorAccess").await;
    say("the permission set", shown(found.map(|found| found.map(|found| (found.arn == set, found.tags)))));
    say("no such permission set", shown(account.permission_set(&instance.arn, "Another").await));
    let assigned = account.assigned_principals(&instance.arn, set, own).await.unwrap();
    say("the assignment", format!("{}", assigned == [group_id]));
    say("not assigned", shown(account.assigned_principals(&instance.arn, set, "999988887777").await));
    said
}

/// What the console, or a stack, would do first.
async fn set_up_identity_center(configuration: &aws_types::SdkConfig) -> (String, String) {
    let center = aws_sdk_ssoadmin::Client::new(configuration);
    let store = aws_sdk_identitystore::Client::new(configuration);
    let instances = center.list_instances().send().await.unwrap();
    let instance = instances.instances().first().unwrap();
    let (arn, store_id) = (instance.instance_arn().unwrap(), instance.identity_store_id().unwrap());
    let group = store.create_group().identity_store_id(store_id).display_name("Administrators").send().await.unwrap();
    for name in ["Other", "AdministratorAccess"] {
        center.create_permission_set().instance_arn(arn).name(name).session_duration("PT12H").send().await.unwrap();
    }
    let sets = center.list_permission_sets().instance_arn(arn).send().await.unwrap();
    let set = sets.permission_sets().last().unwrap().clone();
    let assignment = center.create_account_assignment().instance_arn(arn).permission_set_arn(&set);
    let assignment = assignment.principal_type(aws_sdk_ssoadmin::types::PrincipalType::Group);
    let assignment = assignment.principal_id(group.group_id()).target_id(ACCOUNT);
    assignment.target_type(aws_sdk_ssoadmin::types::TargetType::AwsAccount).send().await.unwrap();
    (set, group.group_id().to_owned())
}

/// The alternate contacts of this account, of a member, of a stranger, and of this account under its own id.
async fn contacts<M: ManagementAccount>(account: &M, member: &str, say: &mut impl FnMut(&'static str, String)) {
    let (kind, own) = (ContactKind::Security, account.organization().await.unwrap().unwrap().management_account_id);
    let set = contact(SECURITY_CONTACT);
    say("trusted services", shown(account.trusted_services().await));
    say("no contact", shown(account.contact(kind, None).await));
    say("DeleteAlternateContact of none", shown(account.delete_contact(kind, None).await));
    say("PutAlternateContact", shown(account.put_contact(kind, None, &set).await));
    say("the contact", format!("{}", account.contact(kind, None).await.unwrap().as_ref() == Some(&set)));
    say("a contact of another kind", shown(account.contact(ContactKind::Billing, None).await));
    say("DeleteAlternateContact", shown(account.delete_contact(kind, None).await));
    say("no contact again", shown(account.contact(kind, None).await));
    say("a member's contact without trusted access", shown(account.put_contact(kind, Some(member), &set).await));
    say("its own id", shown(account.put_contact(kind, Some(&own), &set).await));
    say("a stranger's contact", shown(account.contact(kind, Some("999988887777")).await));
}

/// Where they differ: what the fake says, what moto says, and why the fake is right.
const KNOWN: &[(&str, &str, &str)] = &[
    // https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html#API_ListAccounts_Errors
    ("accounts without an organization", "gone", "[]"),
    // AWS creates accounts asynchronously.
    ("CreateAccount", "Orchestera Sparklith true", "Orchestera Sparklith false"),
    // https://docs.aws.amazon.com/organizations/latest/APIReference/API_MoveAccount.html#API_MoveAccount_Errors
    ("to where it is", "DuplicateAccountException", "()"),
    // https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-alternate.html
    // The first deletion succeeds, and later ones end in ResourceNotFound.
    ("DeleteAlternateContact of none", "gone", "()"),
    // https://docs.aws.amazon.com/accounts/latest/reference/API_PutAlternateContact.html
    // AccountId needs trusted access, a member of the organization, and never the caller's own account.
    ("a member's contact without trusted access", "AccessDeniedException", "()"),
    ("its own id", "AccessDeniedException", "()"),
    ("a stranger's contact", "AccessDeniedException", "None"),
    // moto does not know ListTagsForResource of Identity Center, and answers without a code.
    ("the permission set", "Some((true, {}))", ""),
];

#[tokio::test]
async fn the_fake_says_what_moto_says_but_for_the_differences_that_are_written_down() {
    let moto = Moto::start();
    let http = custom_resource::http::Client::new().unwrap();
    let credentials = Credentials::new("AKIADUMMYDUMMYDUMMY0", "dummy-secret", None, None, "test");
    let configuration = custom_resource::sdk::settings(&http)
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(&moto.endpoint)
        .load()
        .await;
    let account = AwsManagementAccount::new(&configuration);
    let mut real = script(&account).await;
    let (set, group_id) = set_up_identity_center(&configuration).await;
    real.extend(identity_center_script(&account, ACCOUNT, &set, &group_id).await);
    let fake = FakeManagementAccount::alone();
    fake.world.borrow_mut().creation_takes = std::time::Duration::ZERO;
    let mut ours = script(&fake).await;
    fake.world.borrow_mut().enable_identity_center();
    fake.world.borrow_mut().add_permission_set("AdministratorAccess", "");
    fake.world.borrow_mut().assign(OWN, GROUP_ID);
    ours.extend(identity_center_script(&fake, OWN, SET, GROUP_ID).await);
    let differences: Vec<_> = ours
        .iter()
        .zip(&real)
        .filter(|(ours, real)| ours != real)
        .map(|((what, ours), (_, real))| (*what, ours.as_str(), real.as_str()))
        .collect();
    assert_eq!(differences, KNOWN);
    assert_eq!(ours.len(), real.len());
}
