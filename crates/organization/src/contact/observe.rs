//! Reading what exists of a contact: no more calls than the next decision needs.

use super::place::Place;
use super::properties::{AccountOwnership, Properties};
use super::reason;
use crate::management_account::contacts::Contact;
use crate::management_account::{ManagementAccount, STACK_ID};
use custom_resource::{Kind, Result};

/// The service whose trusted access lets the management account set contacts of its member accounts.
/// <https://docs.aws.amazon.com/accounts/latest/reference/using-orgs-trusted-access.html>
pub const ACCOUNT_MANAGEMENT: &str = "account.amazonaws.com";

/// What exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// The account's contact of that kind; `None` if it has none.
    Contact(Option<Contact>),
    /// Not read: it could not be set in any case.
    OutOfReach(OutOfReach),
}

/// Why no contact of a member account is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutOfReach {
    /// This stack did not create the account.
    FoundAccount,
    /// Trusted access is off. An organization without all features has none.
    NoTrustedAccess,
}

impl OutOfReach {
    pub fn warning(&self, place: Place<'_>) -> String {
        match self {
            Self::FoundAccount => reason::is_of_found_account(place),
            Self::NoTrustedAccess => reason::has_no_trusted_access(place),
        }
    }

    /// The same, for the end of a Delete.
    pub fn note(&self, place: Place<'_>) -> String {
        match self {
            Self::FoundAccount => reason::stays_in_found_account(place),
            Self::NoTrustedAccess => reason::stays_without_trusted_access(place),
        }
    }
}

/// Reads what exists.
///
/// # Errors
/// Those of the calls, without a sentence.
pub async fn observe<M: ManagementAccount>(account: &M, properties: &Properties, stack_id: &str) -> Result<Observed> {
    if let Some(id) = &properties.account_id {
        if properties.account_ownership == AccountOwnership::Found {
            return Ok(Observed::OutOfReach(OutOfReach::FoundAccount));
        }
        if !account.trusted_services().await?.iter().any(|service| service == ACCOUNT_MANAGEMENT) {
            return Ok(Observed::OutOfReach(OutOfReach::NoTrustedAccess));
        }
        // The property alone is what an event says. The tag is what AWS says.
        let tags = match account.account_tags(id).await {
            Err(error) if error.kind() == Kind::Gone => return Ok(Observed::OutOfReach(OutOfReach::FoundAccount)),
            tags => tags?,
        };
        if tags.get(STACK_ID).map(String::as_str) != Some(stack_id) {
            return Ok(Observed::OutOfReach(OutOfReach::FoundAccount));
        }
    }
    Ok(Observed::Contact(account.contact(properties.kind, properties.account_id.as_deref()).await?))
}
