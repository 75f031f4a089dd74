//! The adapter to AWS Account Management.

use super::{AwsManagementAccount, failed, if_there};
use crate::management_account::contacts::{AlternateContacts, Contact, ContactKind};
use aws_sdk_account::types::AlternateContactType;
use custom_resource::Result;
use custom_resource::call::malformed;

impl AlternateContacts for AwsManagementAccount {
    async fn contact(&self, kind: ContactKind, account_id: Option<&str>) -> Result<Option<Contact>> {
        let call = self.contacts.get_alternate_contact().alternate_contact_type(type_of(kind));
        let answer = call.set_account_id(account_id.map(str::to_owned)).send().await;
        let Some(answer) = if_there(answer.map_err(failed("GetAlternateContact")))? else { return Ok(None) };
        let contact = answer.alternate_contact.ok_or_else(|| malformed("GetAlternateContact", "no contact"))?;
        Ok(Some(Contact {
            name: contact.name.unwrap_or_default(),
            title: contact.title.unwrap_or_default(),
            email: contact.email_address.unwrap_or_default(),
            phone: contact.phone_number.unwrap_or_default(),
        }))
    }

    async fn put_contact(&self, kind: ContactKind, account_id: Option<&str>, contact: &Contact) -> Result<()> {
        let call = self.contacts.put_alternate_contact().alternate_contact_type(type_of(kind));
        let call = call.name(&contact.name).title(&contact.title);
        let call = call.email_address(&contact.email).phone_number(&contact.phone);
        let answer = call.set_account_id(account_id.map(str::to_owned)).send().await;
        answer.map(drop).map_err(failed("PutAlternateContact"))
    }

    async fn delete_contact(&self, kind: ContactKind, account_id: Option<&str>) -> Result<()> {
        let call = self.contacts.delete_alternate_contact().alternate_contact_type(type_of(kind));
        let answer = call.set_account_id(account_id.map(str::to_owned)).send().await;
        answer.map(drop).map_err(failed("DeleteAlternateContact"))
    }
}

fn type_of(kind: ContactKind) -> AlternateContactType {
    match kind {
        ContactKind::Billing => AlternateContactType::Billing,
        ContactKind::Operations => AlternateContactType::Operations,
        ContactKind::Security => AlternateContactType::Security,
    }
}
