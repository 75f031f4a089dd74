//! The seam to AWS Account Management: the alternate contacts of an account.

use custom_resource::Result;
use std::fmt;

/// `AlternateContactType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContactKind {
    Billing,
    Operations,
    Security,
}

impl ContactKind {
    pub const ALL: [Self; 3] = [Self::Billing, Self::Operations, Self::Security];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Billing => "BILLING",
            Self::Operations => "OPERATIONS",
            Self::Security => "SECURITY",
        }
    }
}

impl fmt::Display for ContactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An alternate contact. AWS requires all four values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    pub title: String,
    pub email: String,
    pub phone: String,
}

/// Alternate contacts of this account, without `account_id`, and of a member account.
///
/// The management account may not give its own id
/// (<https://docs.aws.amazon.com/accounts/latest/reference/API_GetAlternateContact.html>).
/// A call about a member account is denied, in the same way as without a right, where trusted access for AWS Account
/// Management is off.
///
/// Errors are those of [`ManagementAccount`](super::ManagementAccount).
#[expect(async_fn_in_trait, reason = "the runtime has one thread: no future needs to be Send")]
pub trait AlternateContacts {
    /// `GetAlternateContact`; `None` if there is none of that kind.
    async fn contact(&self, kind: ContactKind, account_id: Option<&str>) -> Result<Option<Contact>>;
    /// `PutAlternateContact`: sets it, or overwrites the one that exists.
    async fn put_contact(&self, kind: ContactKind, account_id: Option<&str>, contact: &Contact) -> Result<()>;
    /// `DeleteAlternateContact`.
    async fn delete_contact(&self, kind: ContactKind, account_id: Option<&str>) -> Result<()>;
}
