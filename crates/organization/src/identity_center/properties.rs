//! The properties of `Custom::OrchesteraIdentityCenter`, typed and validated.

use crate::account::properties::{EMAIL_RULE, Identity, is_email};
use crate::management_account::identity_center::{Principal, PrincipalType};
use custom_resource::function_arn::is_account_id;
use custom_resource::properties::Reader;
use custom_resource::{Error, Result};
use serde_json::Value;

/// The permission set that is looked for.
pub const PERMISSION_SET_NAME: &str = "AdministratorAccess";

pub const PRINCIPAL_RULE: &str = "user:name or group:name, such as group:Administrators";
pub const PERMISSION_SET_NAME_RULE: &str = "1 to 32 characters of A-Z a-z 0-9 _+=,.@-";

/// Whether the stack creates the permission set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionSetChoice {
    /// The stack creates it. Nobody else may have one of that name.
    Make,
    /// It exists.
    Use,
}

pub const PERMISSION_SETS: [(&str, PermissionSetChoice); 2] =
    [("Make", PermissionSetChoice::Make), ("Use", PermissionSetChoice::Use)];

/// The properties of a Create or an Update. All are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    pub principal: Principal,
    pub permission_set: PermissionSetChoice,
    pub permission_set_name: String,
    /// The accounts that the principal is assigned to, beside the management account. Not all of them may exist.
    pub accounts: Vec<Identity>,
}

impl Properties {
    /// Reads and validates `ResourceProperties`.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused), with every problem in its reason.
    pub fn parse(properties: &Value) -> Result<Self> {
        let mut read = Reader::new(properties);
        let principal = read.optional("Principal", is_principal, PRINCIPAL_RULE);
        if principal.is_none() {
            read.problem("Principal must be set: the user or group of Identity Center that signs in".to_owned());
        }
        let permission_set = read.choice("PermissionSet", PermissionSetChoice::Make, &PERMISSION_SETS);
        let permission_set_name =
            read.valid("PermissionSetName", PERMISSION_SET_NAME, is_permission_set_name, PERMISSION_SET_NAME_RULE);
        let emails = ["AccountEmail", "DevelopmentAccountEmail", "ProductionAccountEmail"]
            .map(|name| read.optional(name, is_email, EMAIL_RULE).map(Identity::Email));
        let id = read.optional("AccountId", is_account_id, "an account id of 12 digits, as text").map(Identity::Id);
        let principal = principal.as_deref().and_then(principal_of);
        let parsed = principal.map(|principal| Self {
            principal,
            permission_set,
            permission_set_name,
            accounts: emails.into_iter().chain([id]).flatten().collect(),
        });
        read.finish(parsed)?.ok_or_else(|| Error::refused("Set Principal, then retry."))
    }
}

/// The principal of a text such as `group:Administrators`.
pub fn principal_of(text: &str) -> Option<Principal> {
    let (principal_type, name) = match text.split_once(':')? {
        ("user", name) => (PrincipalType::User, name),
        ("group", name) => (PrincipalType::Group, name),
        _ => return None,
    };
    // The longest are names of groups.
    // https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_CreateGroup.html
    let is_name = (1..=1024).contains(&name.chars().count()) && !name.contains(char::is_control);
    (is_name && name.trim() == name).then(|| Principal { principal_type, name: name.to_owned() })
}

pub fn is_principal(text: &str) -> bool {
    principal_of(text).is_some()
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html>
pub fn is_permission_set_name(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}
