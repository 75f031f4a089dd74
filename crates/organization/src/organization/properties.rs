//! The properties of `Custom::OrchesteraOrganization`: every choice of the stack, so that all of them can be checked
//! before anything is created.

use super::contacts::{self, Choices};
use crate::account::properties::{
    ACCOUNT_NAME, ACCOUNT_NAME_RULE, EMAIL_RULE, Identity, Properties as AccountProperties, ROLE_NAME, ROLE_NAME_RULE,
    UNIT_RULE, is_account_name, is_email, is_role_name, is_unit,
};
use crate::identity_center::properties::{
    PERMISSION_SET_NAME, PERMISSION_SET_NAME_RULE, PERMISSION_SETS, PRINCIPAL_RULE, PermissionSetChoice,
    Properties as IdentityCenterProperties, is_permission_set_name, is_principal, principal_of,
};
use custom_resource::Result;
use custom_resource::function_arn::is_account_id;
use custom_resource::properties::Reader;
use serde_json::Value;

/// What happens to the group of administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminGroup {
    /// The stack creates it. It must not exist.
    Make,
    /// It exists.
    Use,
    None,
}

const ADMIN_GROUPS: [(&str, AdminGroup); 3] =
    [("Make", AdminGroup::Make), ("Use", AdminGroup::Use), ("None", AdminGroup::None)];

/// How people sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// As IAM users.
    Users,
    IdentityCenter,
}

const SIGN_INS: [(&str, SignIn); 2] = [("Users", SignIn::Users), ("IdentityCenter", SignIn::IdentityCenter)];

const SWITCHES: [(&str, bool); 2] = [("On", true), ("Off", false)];

const ACCOUNT_NAME_PREFIX_RULE: &str = "1 to 39 printable ASCII characters, not only spaces";

/// What follows the prefix in the names of the accounts.
const DEVELOPMENT_SUFFIX: &str = "-dev";
const PRODUCTION_SUFFIX: &str = "-production";

/// The accounts that `AccessIn` can name.
const SPARK: &str = "Spark";
const DEVELOPMENT: &str = "Development";
const PRODUCTION: &str = "Production";

/// The choices of the stack. All are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    pub account_email: Option<String>,
    pub account_id: Option<String>,
    pub account_name: String,
    pub development_account_email: Option<String>,
    pub production_account_email: Option<String>,
    pub account_name_prefix: String,
    pub member_role_name: String,
    pub organizational_unit_id: Option<String>,
    pub admin_group: AdminGroup,
    pub admin_user_names: Vec<String>,
    pub sign_in: SignIn,
    /// Such as `group:Administrators`. Set if people sign in with Identity Center.
    pub identity_center_principal: Option<String>,
    pub permission_set: PermissionSetChoice,
    pub permission_set_name: String,
    pub has_break_glass_user: bool,
    pub has_bootstrap_role: bool,
    /// Which accounts get the access stack: `Spark`, `Development`, `Production`, or `None`. Blank is `Spark`.
    pub access_in: Vec<String>,
    pub accepts_paid_plan: bool,
    pub contacts: Choices,
}

/// An account that gets the access stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessChoice {
    /// As `AccessIn` has it.
    pub label: &'static str,
    /// The account, as its own resource will look for it.
    pub account: AccountProperties,
}

/// An account that the stack finds or creates by its email address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChoice<'a> {
    /// The parameter with the email address.
    pub parameter: &'static str,
    pub email: &'a str,
    pub name: String,
}

impl Properties {
    /// Reads and validates `ResourceProperties`.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused), with every problem in its reason.
    pub fn parse(properties: &Value) -> Result<Self> {
        let mut read = Reader::new(properties);
        let parsed = Self {
            account_email: read.optional("AccountEmail", is_email, EMAIL_RULE),
            account_id: read.optional("AccountId", is_account_id, "an account id of 12 digits, as text"),
            account_name: read.valid("AccountName", ACCOUNT_NAME, is_account_name, ACCOUNT_NAME_RULE),
            development_account_email: read.optional("DevelopmentAccountEmail", is_email, EMAIL_RULE),
            production_account_email: read.optional("ProductionAccountEmail", is_email, EMAIL_RULE),
            account_name_prefix: read.valid(
                "AccountNamePrefix",
                "orchestera",
                is_account_name_prefix,
                ACCOUNT_NAME_PREFIX_RULE,
            ),
            member_role_name: read.valid("MemberRoleName", ROLE_NAME, is_role_name, ROLE_NAME_RULE),
            organizational_unit_id: read.optional("OrganizationalUnitId", is_unit, UNIT_RULE),
            admin_group: read.choice("AdminGroup", AdminGroup::Make, &ADMIN_GROUPS),
            admin_user_names: read.texts("AdminUserNames"),
            sign_in: read.choice("SignIn", SignIn::Users, &SIGN_INS),
            identity_center_principal: read.optional("IdentityCenterPrincipal", is_principal, PRINCIPAL_RULE),
            permission_set: read.choice("PermissionSet", PermissionSetChoice::Make, &PERMISSION_SETS),
            permission_set_name: read.valid(
                "PermissionSetName",
                PERMISSION_SET_NAME,
                is_permission_set_name,
                PERMISSION_SET_NAME_RULE,
            ),
            has_break_glass_user: read.choice("BreakGlassUser", false, &SWITCHES),
            has_bootstrap_role: read.choice("BootstrapRole", false, &SWITCHES),
            access_in: read.texts("AccessIn"),
            accepts_paid_plan: read.boolean("AcceptPaidPlan", false),
            contacts: contacts::choices(&mut read),
        };
        if parsed.account_email.is_some() == parsed.account_id.is_some() {
            read.problem("exactly one of AccountEmail and AccountId must be set".to_owned());
        }
        if parsed.account_id.is_some() && parsed.organizational_unit_id.is_some() {
            read.problem(
                "OrganizationalUnitId is only for an account that is created: leave it or AccountId blank".to_owned(),
            );
        }
        parsed.check_sign_in(&mut read);
        parsed.check_access(&mut read);
        // A CommaDelimitedList that is blank is a list of one blank text. Anywhere else a blank name is a slip, and IAM
        // would refuse it after the organization was created.
        let has_blank =
            |list: &[Value]| list.iter().any(|name| name.as_str().is_some_and(|name| name.trim().is_empty()));
        if read.value("AdminUserNames").as_array().is_some_and(|list| list.len() > 1 && has_blank(list)) {
            read.problem(
                "AdminUserNames has a blank name: separate the names with one comma and no space, such as ann,bob"
                    .to_owned(),
            );
        }
        if let Some(user) = parsed.admin_user_names.iter().find(|name| !is_role_name(name)) {
            read.problem(format!("AdminUserNames must be names of IAM users, not '{user}'"));
        }
        let emails: Vec<_> = parsed.accounts().iter().map(|account| account.email.to_lowercase()).collect();
        if (1..emails.len()).any(|i| emails[..i].contains(&emails[i])) {
            read.problem("the email addresses of the accounts must differ".to_owned());
        }
        read.finish(parsed)
    }

    /// The accounts that are given by their email address.
    pub fn accounts(&self) -> Vec<AccountChoice<'_>> {
        let prefix = &self.account_name_prefix;
        [
            ("AccountEmail", &self.account_email, self.account_name.clone()),
            ("DevelopmentAccountEmail", &self.development_account_email, format!("{prefix}{DEVELOPMENT_SUFFIX}")),
            ("ProductionAccountEmail", &self.production_account_email, format!("{prefix}{PRODUCTION_SUFFIX}")),
        ]
        .into_iter()
        .filter_map(|(parameter, email, name)| Some(AccountChoice { parameter, email: email.as_deref()?, name }))
        .collect()
    }

    fn check_sign_in(&self, read: &mut Reader<'_>) {
        if self.sign_in == SignIn::IdentityCenter && self.identity_center_principal.is_none() {
            read.problem(
                "IdentityCenterPrincipal must be set, because SignIn is IdentityCenter: the user or group that signs in"
                    .to_owned(),
            );
        }
    }

    fn check_access(&self, read: &mut Reader<'_>) {
        let names = ["None", SPARK, DEVELOPMENT, PRODUCTION];
        let is_none = |name: &String| name == "None";
        if self.access_in.iter().any(|name| !names.contains(&&**name))
            || (self.access_in.len() > 1 && self.access_in.iter().any(is_none))
        {
            read.problem("AccessIn must be None, or names among Spark, Development and Production".to_owned());
        }
        for (label, parameter, email) in [
            (DEVELOPMENT, "DevelopmentAccountEmail", &self.development_account_email),
            (PRODUCTION, "ProductionAccountEmail", &self.production_account_email),
        ] {
            if self.access_in.iter().any(|name| name == label) && email.is_none() {
                read.problem(format!("AccessIn has {label}, which needs {parameter}"));
            }
        }
    }

    /// The accounts that get the access stack.
    pub fn access(&self) -> Vec<AccessChoice> {
        let prefix = &self.account_name_prefix;
        let spark = match (&self.account_email, &self.account_id) {
            (Some(email), _) => Some(Identity::Email(email.clone())),
            (None, id) => id.clone().map(Identity::Id),
        };
        let by_email = |email: &Option<String>| email.clone().map(Identity::Email);
        [
            (SPARK, spark, self.account_name.clone()),
            (DEVELOPMENT, by_email(&self.development_account_email), format!("{prefix}{DEVELOPMENT_SUFFIX}")),
            (PRODUCTION, by_email(&self.production_account_email), format!("{prefix}{PRODUCTION_SUFFIX}")),
        ]
        .into_iter()
        .filter(|(label, ..)| match self.access_in.is_empty() {
            true => *label == SPARK,
            false => self.access_in.iter().any(|name| name == label),
        })
        .filter_map(|(label, identity, name)| {
            let account = AccountProperties {
                identity: identity?,
                name,
                role_name: self.member_role_name.clone(),
                organizational_unit_id: self.organizational_unit_id.clone(),
                has_access_stack: true,
            };
            Some(AccessChoice { label, account })
        })
        .collect()
    }

    /// The accounts that get the access stack and did not before.
    pub fn new_access(&self, old: Option<&Self>) -> Vec<AccessChoice> {
        let before = old.map(Self::access).unwrap_or_default();
        let is_new = |choice: &AccessChoice| {
            !before.iter().any(|one| one.label == choice.label && one.account.identity == choice.account.identity)
        };
        self.access().into_iter().filter(is_new).collect()
    }

    /// What the finder of Identity Center will look for. `None` if nobody signs in with it.
    pub fn identity_center(&self) -> Option<IdentityCenterProperties> {
        if self.sign_in != SignIn::IdentityCenter {
            return None;
        }
        let id = self.account_id.clone().map(Identity::Id);
        let emails = self.accounts().into_iter().map(|choice| Identity::Email(choice.email.to_owned()));
        Some(IdentityCenterProperties {
            principal: principal_of(self.identity_center_principal.as_deref()?)?,
            permission_set: self.permission_set,
            permission_set_name: self.permission_set_name.clone(),
            accounts: emails.chain(id).collect(),
        })
    }

    /// The same, unless an Update changes nothing of it.
    pub fn new_identity_center(&self, old: Option<&Self>) -> Option<IdentityCenterProperties> {
        let before = old.and_then(Self::identity_center);
        self.identity_center().filter(|properties| Some(properties) != before.as_ref())
    }

    /// Whether a choice is newly made: at a Create, and at an Update that changes it.
    pub fn is_new<T: PartialEq>(&self, old: Option<&Self>, choice: impl Fn(&Self) -> &T) -> bool {
        old.is_none_or(|old| choice(old) != choice(self))
    }

    /// Whether a switch is newly on.
    pub fn is_newly_on(&self, old: Option<&Self>, switch: impl Fn(&Self) -> bool) -> bool {
        switch(self) && !old.is_some_and(&switch)
    }
}

/// A name of an account also with the longest suffix.
fn is_account_name_prefix(text: &str) -> bool {
    is_account_name(text) && is_account_name(&format!("{text}{PRODUCTION_SUFFIX}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with_prefix(prefix: &str) -> Result<Properties> {
        Properties::parse(&json!({
            "AccountEmail": "spark@example.com",
            "DevelopmentAccountEmail": "dev@example.com",
            "ProductionAccountEmail": "production@example.com",
            "AccountNamePrefix": prefix,
        }))
    }

    #[test]
    fn a_prefix_leaves_room_for_the_suffix_in_the_50_characters_of_an_account_name() {
        let properties = with_prefix(&"x".repeat(39)).unwrap();
        let names: Vec<_> = properties.accounts().into_iter().map(|account| account.name).collect();
        assert_eq!(names[2], format!("{}-production", "x".repeat(39)));
        assert_eq!(names[2].len(), 50);
        assert!(names.iter().all(|name| is_account_name(name)), "{names:?}");
        for prefix in ["x".repeat(40), " ".to_owned(), "ü".to_owned()] {
            let reason = with_prefix(&prefix).expect_err("it is not valid").reason();
            assert!(reason.contains("AccountNamePrefix must be 1 to 39 printable ASCII characters"), "{reason}");
        }
        assert_eq!(with_prefix("").unwrap().account_name_prefix, "orchestera");
    }
}
