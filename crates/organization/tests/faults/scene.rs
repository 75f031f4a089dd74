//! What is done, where it begins, and what holds at the end.

use crate::common::contacts::{ACCOUNT_MANAGEMENT, contact};
use crate::common::fake::identity_center::INSTANCE;
use crate::common::fake::{FakeManagementAccount, OWN, ROOT, UNIT};
use crate::common::stack::{
    EMAIL, NAME, Response, SECURITY_CONTACT, STACK, Stack, account_properties, contact_properties,
    identity_center_properties, organization_properties,
};
use orchestera_organization::handler::{ACCOUNT, CONTACT, IDENTITY_CENTER, ORGANIZATION};
use orchestera_organization::management_account::contacts::ContactKind;
use orchestera_organization::management_account::{AccountState, STACK_ID};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

const FOUND: &str = "444455556666";
const MADE_CONTACT: &str = "111122223333/SECURITY/made";
const OLD_CONTACT: &str = "Bob Example; CISO; bob@example.com; 0";
const STRANGERS_CONTACT: &str = "Eve Example; CISO; eve@example.com; 0";

/// What is done, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    CreateOrganization,
    FindOrganization,
    /// With every choice about people.
    CheckPeople,
    FindIdentityCenter,
    UpdateIdentityCenter,
    CreateAccount,
    CreateAndMoveAccount,
    FindAccount,
    UpdateAccount,
    DeleteCreatedAccount,
    DeleteFoundAccount,
    SetContact,
    SetContactOfMember,
    KeepContact,
    UpdateContact,
    DeleteContact,
    DeleteChangedContact,
}

pub const SCENES: [Scene; 17] = [
    Scene::CreateOrganization,
    Scene::FindOrganization,
    Scene::CheckPeople,
    Scene::FindIdentityCenter,
    Scene::UpdateIdentityCenter,
    Scene::CreateAccount,
    Scene::CreateAndMoveAccount,
    Scene::FindAccount,
    Scene::UpdateAccount,
    Scene::DeleteCreatedAccount,
    Scene::DeleteFoundAccount,
    Scene::SetContact,
    Scene::SetContactOfMember,
    Scene::KeepContact,
    Scene::UpdateContact,
    Scene::DeleteContact,
    Scene::DeleteChangedContact,
];

impl Scene {
    pub fn world(self) -> FakeManagementAccount {
        let fake = match self {
            Self::CreateOrganization => FakeManagementAccount::alone(),
            _ => FakeManagementAccount::managing(),
        };
        {
            let mut world = fake.world.borrow_mut();
            world.creation_takes = Duration::from_secs(20);
            world.units.insert(UNIT.into(), ROOT.into());
            if matches!(self, Self::CheckPeople | Self::FindIdentityCenter | Self::UpdateIdentityCenter) {
                world.enable_identity_center();
                world.add_permission_set("AdministratorAccess", STACK);
            }
            let exists = matches!(
                self,
                Self::FindAccount
                    | Self::UpdateAccount
                    | Self::DeleteCreatedAccount
                    | Self::DeleteFoundAccount
                    | Self::SetContactOfMember
            );
            if exists {
                let account = world.add(FOUND, NAME, EMAIL, AccountState::Active, Instant::now());
                let is_ours = matches!(self, Self::DeleteCreatedAccount | Self::SetContactOfMember);
                let owner = if is_ours { STACK } else { "arn:of:another:stack" };
                account.tags.insert(STACK_ID.into(), owner.into());
            }
            world.trusted_services.insert(ACCOUNT_MANAGEMENT.into());
            let existing = match self {
                Self::KeepContact | Self::DeleteChangedContact => Some(STRANGERS_CONTACT),
                Self::UpdateContact => Some(OLD_CONTACT),
                Self::DeleteContact => Some(SECURITY_CONTACT),
                _ => None,
            };
            world.contacts.extend(existing.map(|text| ((OWN.to_owned(), ContactKind::Security), contact(text))));
        }
        fake
    }

    pub fn properties(self) -> Value {
        let mut properties = match self.resource_type() {
            ORGANIZATION => organization_properties(),
            IDENTITY_CENTER => identity_center_properties(),
            CONTACT => contact_properties(),
            _ => account_properties(),
        };
        match self {
            Self::CheckPeople => {
                for (name, value) in [
                    ("SignIn", "IdentityCenter"),
                    ("IdentityCenterPrincipal", "group:Administrators"),
                    ("BreakGlassUser", "On"),
                    ("BootstrapRole", "On"),
                ] {
                    properties[name] = value.into();
                }
            }
            Self::CreateAndMoveAccount => properties["OrganizationalUnitId"] = json!(UNIT),
            Self::SetContactOfMember => {
                properties["AccountId"] = FOUND.into();
                properties["AccountOwnership"] = "created".into();
            }
            _ => {}
        }
        properties
    }

    pub async fn play(self, stack: &Stack, fake: &FakeManagementAccount) -> Response {
        match self {
            _ if self.is_create() => stack.create(fake, self.resource_type(), self.properties()).await,
            Self::UpdateIdentityCenter => {
                let mut new = self.properties();
                new["DevelopmentAccountEmail"] = "dev@example.com".into();
                stack.update(fake, IDENTITY_CENTER, INSTANCE, (&self.properties(), &new)).await
            }
            Self::UpdateAccount => {
                let mut new = account_properties();
                new["HasAccessStack"] = "false".into();
                stack.update(fake, ACCOUNT, FOUND, (&new, &account_properties())).await
            }
            Self::UpdateContact => {
                let mut old = contact_properties();
                old["Contact"] = OLD_CONTACT.into();
                stack.update(fake, CONTACT, MADE_CONTACT, (&old, &contact_properties())).await
            }
            Self::DeleteContact | Self::DeleteChangedContact => stack.delete(fake, CONTACT, MADE_CONTACT).await,
            _ => stack.delete(fake, ACCOUNT, FOUND).await,
        }
    }

    pub fn is_delete(self) -> bool {
        matches!(
            self,
            Self::DeleteCreatedAccount | Self::DeleteFoundAccount | Self::DeleteContact | Self::DeleteChangedContact
        )
    }

    pub fn is_create(self) -> bool {
        !self.is_delete() && !matches!(self, Self::UpdateAccount | Self::UpdateIdentityCenter | Self::UpdateContact)
    }

    pub fn resource_type(self) -> &'static str {
        match self {
            Self::CreateOrganization | Self::FindOrganization | Self::CheckPeople => ORGANIZATION,
            Self::FindIdentityCenter | Self::UpdateIdentityCenter => IDENTITY_CENTER,
            Self::CreateAccount
            | Self::CreateAndMoveAccount
            | Self::FindAccount
            | Self::UpdateAccount
            | Self::DeleteCreatedAccount
            | Self::DeleteFoundAccount => ACCOUNT,
            _ => CONTACT,
        }
    }

    /// What holds at the end, whatever happened.
    pub fn check(self, fake: &FakeManagementAccount, what: &str) {
        assert!(fake.violations.borrow().is_empty(), "{what}: {:?}", fake.violations.borrow());
        let world = fake.world.borrow();
        let with_email = world.accounts.iter().filter(|account| account.description.email == EMAIL).count();
        assert!(with_email <= 1, "{what}: two accounts with one email address");
        let of_stack = world.accounts.iter().filter(|account| account.tags.get(STACK_ID).is_some_and(|id| id == STACK));
        assert!(of_stack.count() <= 1, "{what}: two accounts of one stack");
        if matches!(self, Self::FindAccount | Self::UpdateAccount | Self::DeleteFoundAccount) {
            let found = &world.accounts[1];
            assert_eq!(found.tags[STACK_ID], "arn:of:another:stack", "{what}: a found account was changed");
            assert_eq!((&*found.parent, fake.writes().len()), (ROOT, 0), "{what}");
        }
        if matches!(self, Self::KeepContact | Self::DeleteChangedContact) {
            let kept = &world.contacts[&(OWN.to_owned(), ContactKind::Security)];
            assert_eq!(*kept, contact(STRANGERS_CONTACT), "{what}: somebody else's contact was changed");
        }
        let allowed: &[&str] = match self {
            Self::SetContact | Self::SetContactOfMember | Self::UpdateContact => &["PutAlternateContact"],
            Self::DeleteContact => &["DeleteAlternateContact"],
            Self::CreateOrganization => &["CreateOrganization"],
            Self::CreateAccount => &["CreateAccount", "UntagResource"],
            Self::CreateAndMoveAccount => &["CreateAccount", "MoveAccount", "UntagResource"],
            Self::DeleteCreatedAccount => &["UntagResource"],
            _ => &[],
        };
        assert!(fake.writes().iter().all(|write| allowed.contains(write)), "{what}: {:?}", fake.writes());
    }
}
