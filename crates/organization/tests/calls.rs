//! How many calls of AWS an event takes: what a reader of CloudTrail finds, and what the limits of Organizations allow.
//! `crates/organization/README.md` has the table.

mod common;

use common::contacts::{ACCOUNT_MANAGEMENT, contact};
use common::fake::FakeManagementAccount;
use common::fake::OWN;
use common::fake::identity_center::INSTANCE;
use common::stack::{
    EMAIL, NAME, SECURITY_CONTACT, Stack, account_properties, contact_properties, identity_center_properties,
    organization_properties,
};
use orchestera_organization::handler::{ACCOUNT, CONTACT, IDENTITY_CENTER, ORGANIZATION};
use orchestera_organization::management_account::contacts::ContactKind;
use orchestera_organization::management_account::{AccountState, STACK_ID};
use std::time::Duration;
use tokio::time::Instant;

const FOUND: &str = "444455556666";

fn with_account() -> FakeManagementAccount {
    let fake = FakeManagementAccount::managing();
    let stack = Stack::default();
    let mut world = fake.world.borrow_mut();
    let account = world.add(FOUND, NAME, EMAIL, AccountState::Active, Instant::now());
    account.tags.insert(STACK_ID.into(), stack.id);
    drop(world);
    fake
}

#[tokio::test(start_paused = true)]
async fn each_event_takes_the_calls_that_the_table_says() {
    let (stack, mut rows) = (Stack::default(), Vec::new());
    let mut row = |what: &str, fake: &FakeManagementAccount| {
        rows.push(format!("| {what} | {} | {} |", fake.calls.borrow().len(), fake.writes().len()));
    };
    let fake = FakeManagementAccount::alone();
    stack.create_organization(&fake).await.succeeded();
    row("Create of an organization", &fake);
    let fake = FakeManagementAccount::managing();
    stack.create_organization(&fake).await.succeeded();
    row("Create of an organization that exists", &fake);
    let fake = FakeManagementAccount::managing();
    let properties = organization_properties();
    stack.update(&fake, ORGANIZATION, "o-exampleorgid", (&properties, &properties)).await.succeeded();
    row("Update of an organization", &fake);
    let fake = FakeManagementAccount::managing();
    stack.delete(&fake, ORGANIZATION, "o-exampleorgid").await.succeeded();
    row("Delete of an organization", &fake);

    let fake = FakeManagementAccount::managing();
    fake.world.borrow_mut().creation_takes = Duration::from_secs(240);
    stack.create_account(&fake).await.succeeded();
    row("Create of an account, which takes four minutes", &fake);
    let fake = with_account();
    stack.create_account(&fake).await.succeeded();
    row("Create of an account that exists", &fake);
    let fake = with_account();
    let properties = account_properties();
    stack.update(&fake, ACCOUNT, FOUND, (&properties, &properties)).await.succeeded();
    row("Update of an account", &fake);
    let fake = with_account();
    stack.delete(&fake, ACCOUNT, FOUND).await.succeeded();
    row("Delete of an account that this stack created", &fake);

    let fake = with_account();
    fake.world.borrow_mut().enable_identity_center();
    let properties = identity_center_properties();
    stack.create(&fake, IDENTITY_CENTER, properties.clone()).await.succeeded();
    row("Create of a finder of Identity Center", &fake);
    let fake = with_account();
    fake.world.borrow_mut().enable_identity_center();
    fake.world.borrow_mut().add_permission_set("AdministratorAccess", &stack.id);
    stack.update(&fake, IDENTITY_CENTER, INSTANCE, (&properties, &properties)).await.succeeded();
    row("Update of a finder of Identity Center, among one permission set", &fake);
    let fake = FakeManagementAccount::managing();
    stack.delete(&fake, IDENTITY_CENTER, INSTANCE).await.succeeded();
    row("Delete of a finder of Identity Center", &fake);
    let fake = with_account();
    fake.world.borrow_mut().enable_identity_center();
    let mut everything = organization_properties();
    for (name, value) in [
        ("SignIn", "IdentityCenter"),
        ("IdentityCenterPrincipal", "group:Administrators"),
        ("BreakGlassUser", "On"),
        ("BootstrapRole", "On"),
    ] {
        everything[name] = value.into();
    }
    stack.create(&fake, ORGANIZATION, everything).await.succeeded();
    row("Create of an organization that exists, with every choice about people", &fake);
    let set = |fake: &FakeManagementAccount| {
        let key = (OWN.to_owned(), ContactKind::Security);
        fake.world.borrow_mut().contacts.insert(key, contact(SECURITY_CONTACT));
    };
    let made = "111122223333/SECURITY/made";
    let fake = FakeManagementAccount::managing();
    stack.create(&fake, CONTACT, contact_properties()).await.succeeded();
    row("Create of a contact", &fake);
    let fake = with_account();
    fake.world.borrow_mut().trusted_services.insert(ACCOUNT_MANAGEMENT.into());
    let mut properties = contact_properties();
    properties["AccountId"] = FOUND.into();
    properties["AccountOwnership"] = "created".into();
    stack.create(&fake, CONTACT, properties).await.succeeded();
    row("Create of a contact of a member account", &fake);
    let fake = FakeManagementAccount::managing();
    set(&fake);
    stack.create(&fake, CONTACT, contact_properties()).await.succeeded();
    row("Create of a contact that exists", &fake);
    let fake = FakeManagementAccount::managing();
    set(&fake);
    let (mut old, new) = (contact_properties(), contact_properties());
    old["Contact"] = SECURITY_CONTACT.into();
    stack.update(&fake, CONTACT, made, (&old, &new)).await.succeeded();
    row("Update of a contact that did not change", &fake);
    let fake = FakeManagementAccount::managing();
    set(&fake);
    stack.delete(&fake, CONTACT, made).await.succeeded();
    row("Delete of a contact that this stack set", &fake);

    let readme = include_str!("../README.md");
    let missing: Vec<_> = rows.iter().filter(|row| !readme.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "not in the README:\n{}", rows.join("\n"));
    assert_eq!(rows.len(), 17);
}
