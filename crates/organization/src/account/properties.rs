//! The properties of `Custom::OrchesteraAccount`, typed and validated.

use custom_resource::function_arn::is_account_id;
use custom_resource::properties::Reader;
use custom_resource::{Error, Result};
use serde_json::Value;

/// The name of an account that is created.
pub const ACCOUNT_NAME: &str = "Orchestera Sparklith";
/// The role that AWS Organizations creates in an account that it creates.
pub const ROLE_NAME: &str = "OrganizationAccountAccessRole";

pub const EMAIL_RULE: &str = "an email address of 6 to 64 characters";
pub const ACCOUNT_NAME_RULE: &str = "1 to 50 printable ASCII characters, not only spaces";
pub const ROLE_NAME_RULE: &str = "a role name, 1 to 64 characters of A-Z a-z 0-9 _+=,.@-";
pub const UNIT_RULE: &str = "the id of an organizational unit, such as ou-abcd-11112222";

/// How the account is identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By its email address; created if the organization has none with it.
    Email(String),
    /// By its id. It must exist.
    Id(String),
}

/// The properties of a Create or an Update. All are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    pub identity: Identity,
    /// The name of the account if it is created, and of the account with that email address.
    pub name: String,
    /// The role in the account that trusts the management account.
    pub role_name: String,
    /// Where an account that is created is moved to; `None` for the root.
    pub organizational_unit_id: Option<String>,
    /// Whether the stack puts role and policy into this account.
    pub has_access_stack: bool,
}

impl Properties {
    /// Reads and validates `ResourceProperties`.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused), with every problem in its reason.
    pub fn parse(properties: &Value) -> Result<Self> {
        let mut read = Reader::new(properties);
        let email = read.optional("Email", is_email, EMAIL_RULE);
        let id = read.optional("AccountId", is_account_id, "an account id of 12 digits, as text");
        let unit = read.optional("OrganizationalUnitId", is_unit, UNIT_RULE);
        if id.is_some() && unit.is_some() {
            read.problem(
                "OrganizationalUnitId is only for an account that is created: leave it or AccountId blank".to_owned(),
            );
        }
        let identity = match (email, id) {
            (Some(email), None) => Some(Identity::Email(email)),
            (None, Some(id)) => Some(Identity::Id(id)),
            _ => {
                read.problem("exactly one of Email and AccountId must be set".to_owned());
                None
            }
        };
        let name = read.valid("AccountName", ACCOUNT_NAME, is_account_name, ACCOUNT_NAME_RULE);
        let role_name = read.valid("RoleName", ROLE_NAME, is_role_name, ROLE_NAME_RULE);
        let has_access_stack = read.boolean("HasAccessStack", true);
        let parsed =
            identity.map(|identity| Self { identity, name, role_name, organizational_unit_id: unit, has_access_stack });
        read.finish(parsed)?.ok_or_else(|| Error::refused("Set Email or AccountId, then retry."))
    }
}

/// 6 to 64 characters, with one `@` and a dot behind it.
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    (6..=64).contains(&text.len())
        && !local.is_empty()
        && text.bytes().all(|b| b.is_ascii_graphic())
        && !domain.contains('@')
        && domain.split('.').count() > 1
        && domain.split('.').all(|label| !label.is_empty())
}

/// 1 to 50 printable ASCII characters.
pub fn is_account_name(text: &str) -> bool {
    (1..=50).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b)) && !text.trim().is_empty()
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>
pub fn is_role_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html>
pub fn is_unit(text: &str) -> bool {
    let is_part = |part: &str, least: usize| {
        (least..=32).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    match text.split('-').collect::<Vec<_>>()[..] {
        ["ou", root, unit] => is_part(root, 4) && is_part(unit, 8),
        _ => false,
    }
}
