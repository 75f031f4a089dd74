//! The properties of `Custom::OrchesteraOrganization`: every choice of the stack, so that all of them can be checked
//! before anything is created.

use crate::account::properties::{
    ACCOUNT_NAME, ACCOUNT_NAME_RULE, EMAIL_RULE, ROLE_NAME, ROLE_NAME_RULE, UNIT_RULE, is_account_name, is_email,
    is_role_name, is_unit,
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
    /// Which accounts get the access stack: `Spark`, `Development`, `Production`, or `None`.
    pub access_in: Vec<String>,
    pub accepts_paid_plan: bool,
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
            account_name_prefix: read.valid("AccountNamePrefix", "orchestera", is_account_name, ACCOUNT_NAME_RULE),
            member_role_name: read.valid("MemberRoleName", ROLE_NAME, is_role_name, ROLE_NAME_RULE),
            organizational_unit_id: read.optional("OrganizationalUnitId", is_unit, UNIT_RULE),
            admin_group: read.choice("AdminGroup", AdminGroup::Make, &ADMIN_GROUPS),
            admin_user_names: read.texts("AdminUserNames"),
            access_in: read.texts("AccessIn"),
            accepts_paid_plan: read.boolean("AcceptPaidPlan", false),
        };
        if parsed.account_email.is_some() == parsed.account_id.is_some() {
            read.problem("exactly one of AccountEmail and AccountId must be set".to_owned());
        }
        if parsed.account_id.is_some() && parsed.organizational_unit_id.is_some() {
            read.problem(
                "OrganizationalUnitId is only for an account that is created: leave it or AccountId blank".to_owned(),
            );
        }
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
            ("DevelopmentAccountEmail", &self.development_account_email, format!("{prefix}-dev")),
            ("ProductionAccountEmail", &self.production_account_email, format!("{prefix}-production")),
        ]
        .into_iter()
        .filter_map(|(parameter, email, name)| Some(AccountChoice { parameter, email: email.as_deref()?, name }))
        .collect()
    }

    /// Whether the account for Spark gets the access stack.
    pub fn has_access_stack(&self) -> bool {
        self.access_in.is_empty() || self.access_in.iter().any(|account| account == "Spark")
    }
}
