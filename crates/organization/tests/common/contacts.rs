//! AWS Account Management, as far as the function sees it: alternate contacts, and who may touch those of which
//! account.

use super::fake::{FakeManagementAccount, OWN, World, failed};
use custom_resource::Result;
use orchestera_organization::management_account::AccountState;
use orchestera_organization::management_account::contacts::{AlternateContacts, Contact, ContactKind};
use std::collections::BTreeMap;

/// The contacts of all accounts.
pub type Contacts = BTreeMap<(String, ContactKind), Contact>;

/// The service that must have trusted access.
pub const ACCOUNT_MANAGEMENT: &str = "account.amazonaws.com";

impl World {
    /// The account that a call is about. AWS denies every other in the same way.
    /// <https://docs.aws.amazon.com/accounts/latest/reference/API_PutAlternateContact.html>
    fn account_of_contact(&self, operation: &'static str, account_id: Option<&str>) -> Result<String> {
        let Some(id) = account_id else { return Ok(OWN.to_owned()) };
        let has_all_features =
            self.organization.as_ref().is_some_and(|one| one.feature_set == "ALL" && one.management_account_id == OWN);
        let is_member = self
            .accounts
            .iter()
            .any(|account| account.description.id == id && account.description.state != AccountState::Closed);
        let is_trusted = self.trusted_services.contains(ACCOUNT_MANAGEMENT);
        match id != OWN && has_all_features && is_trusted && is_member {
            true => Ok(id.to_owned()),
            false => Err(failed(operation, "AccessDeniedException")),
        }
    }
}

impl AlternateContacts for FakeManagementAccount {
    async fn contact(&self, kind: ContactKind, account_id: Option<&str>) -> Result<Option<Contact>> {
        self.call("GetAlternateContact", |world| {
            let account = world.account_of_contact("GetAlternateContact", account_id)?;
            Ok(world.contacts.get(&(account, kind)).cloned())
        })
        .await
    }

    async fn put_contact(&self, kind: ContactKind, account_id: Option<&str>, contact: &Contact) -> Result<()> {
        self.expect_a_stack_in("PutAlternateContact", None, &["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"]);
        self.call("PutAlternateContact", |world| {
            let account = world.account_of_contact("PutAlternateContact", account_id)?;
            world.contacts.insert((account, kind), contact.clone());
            Ok(())
        })
        .await
    }

    async fn delete_contact(&self, kind: ContactKind, account_id: Option<&str>) -> Result<()> {
        self.expect_a_stack_in("DeleteAlternateContact", None, &["DELETE_IN_PROGRESS"]);
        self.call("DeleteAlternateContact", |world| {
            let account = world.account_of_contact("DeleteAlternateContact", account_id)?;
            let deleted = world.contacts.remove(&(account, kind));
            deleted.map(drop).ok_or_else(|| failed("DeleteAlternateContact", "ResourceNotFoundException"))
        })
        .await
    }
}

/// The contact that the text of a parameter says.
pub fn contact(text: &str) -> Contact {
    let parts: Vec<_> = text.split(';').map(|part| part.trim().to_owned()).collect();
    let [name, title, email, phone] = parts.try_into().unwrap();
    Contact { name, title, email, phone }
}
