//! Every check that is possible by reading, before anything is created. What would certainly fail is a refusal, and all
//! refusals make one Reason. The rest is a warning.

use super::observe::{ADMIN_GROUP_NAME, Members, Observed};
use super::properties::{AccountChoice, AdminGroup, Properties};
use crate::account::properties::Identity;
use crate::account::reason;
use crate::management_account::{
    AccountCreation, AccountPlan, AccountState, CreationProgress, OrganizationDescription,
};
use custom_resource::Error;
use serde_json::Value;
use std::fmt;
use wildmatch::WildMatch;

/// What the access stack does in the member account first. A service control policy that denies one of them makes it
/// fail.
const ACCESS_ACTIONS: [&str; 3] = ["iam:CreateRole", "iam:CreatePolicy", "iam:AttachRolePolicy"];

/// The result of the checks: whole sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub refusals: Vec<String>,
    pub warnings: Vec<String>,
}

impl fmt::Display for Findings {
    /// A line for each finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusals.iter().try_for_each(|sentence| writeln!(f, "refused: {sentence}"))?;
        self.warnings.iter().try_for_each(|sentence| writeln!(f, "warning: {sentence}"))
    }
}

impl Findings {
    fn refuse(&mut self, sentence: impl Into<String>) {
        self.refusals.push(sentence.into());
    }

    fn warn(&mut self, sentence: impl Into<String>) {
        self.warnings.push(sentence.into());
    }

    /// The one Reason with every refusal; `None` if there is none.
    pub fn refusal(&self) -> Option<Error> {
        match &self.refusals[..] {
            [] => None,
            [one] => Some(Error::refused(one.clone())),
            several => {
                let list: Vec<_> = several.iter().enumerate().map(|(i, text)| format!("({}) {text}", i + 1)).collect();
                let list = list.join(" ");
                Some(Error::refused(format!("Nothing was created. {} things stand in the way. {list}", several.len())))
            }
        }
    }
}

/// Checks every choice. With `old`, only what an Update newly turns on.
pub fn check(properties: &Properties, old: Option<&Properties>, observed: &Observed, own: &str) -> Findings {
    let mut findings = Findings::default();
    match (&observed.organization, &observed.members) {
        (Some(organization), _) if organization.management_account_id != own => {
            findings.refuse(reason::is_member(own, organization).reason());
            return findings;
        }
        (Some(organization), Some(members)) => {
            organization_that_exists(&mut findings, organization);
            accounts(&mut findings, properties, old, organization, members);
            place(&mut findings, properties, old, members);
        }
        _ => organization_to_create(&mut findings, properties, observed),
    }
    people(&mut findings, properties, old, observed);
    root_user(&mut findings, observed);
    if !observed.unreadable.is_empty() {
        let mut operations = observed.unreadable.clone();
        operations.dedup();
        findings.warn(format!("Not checked, because it could not be read: {}.", operations.join(", ")));
    }
    findings
}

fn organization_to_create(findings: &mut Findings, properties: &Properties, observed: &Observed) {
    if properties.account_id.is_some() {
        findings.refuse(
            "This account is in no organization, so that AccountId names no account of it. Leave AccountId blank and give \
             AccountEmail, or create the organization and invite the account first.",
        );
    }
    if properties.organizational_unit_id.is_some() {
        findings.refuse(
            "This account is in no organization, so that there is no organizational unit. Leave OrganizationalUnitId blank.",
        );
    }
    match observed.plan {
        Some(AccountPlan::Free) if !properties.accepts_paid_plan => findings.refuse(
            "This account is on AWS's free plan, and leaves it when it creates an organization. What is used is then paid \
             for. Set AcceptPaidPlan to \"true\" if you want that.",
        ),
        Some(AccountPlan::Free) => findings.warn("This account leaves AWS's free plan with its organization."),
        // What cannot be undone is not done on a guess.
        None if !properties.accepts_paid_plan => findings.refuse(
            "AWS did not say whether this account is on its free plan (GetAccountPlanState). An account leaves that plan when \
             it creates an organization. Look under Billing in the console. If it is on no free plan, or may leave it, set \
             AcceptPaidPlan to \"true\".",
        ),
        Some(AccountPlan::Paid) | None => {}
    }
    findings.warn(
        "A new organization may have a lower quota of accounts, and AWS may need up to an hour before it can have any.",
    );
}

fn organization_that_exists(findings: &mut Findings, organization: &OrganizationDescription) {
    if organization.feature_set != "ALL" {
        findings.warn(
            "The organization has consolidated billing only. To enable all features, open AWS Organizations in the console, \
             then Settings.",
        );
    }
}

fn accounts(
    findings: &mut Findings,
    properties: &Properties,
    old: Option<&Properties>,
    organization: &OrganizationDescription,
    members: &Members,
) {
    let management = &organization.management_account_id;
    if let Some(id) = properties.account_id.as_ref().filter(|_| is_new(old, |old| &old.account_id, properties)) {
        match members.account(&Identity::Id(id.clone())) {
            _ if id == management => {
                findings.refuse(reason::is_management_account(&format!("AccountId {id}"), management).reason());
            }
            None => findings.refuse(reason::is_not_in_the_organization(id).reason()),
            Some(account) if account.state != AccountState::Active => {
                findings.refuse(reason::is_not_active(account).reason());
            }
            Some(_) => {}
        }
    }
    let mut to_create = 0;
    for choice in properties.accounts() {
        let was_given = old.is_some_and(|old| old.accounts().iter().any(|before| before.email == choice.email));
        if !was_given {
            to_create += usize::from(account(findings, &choice, organization, members));
        }
    }
    if to_create == 0 {
        return;
    }
    if members.has_control_tower == Some(true) {
        findings.refuse(reason::has_control_tower().reason());
    }
    let invitations = members.open_invitations.unwrap_or_default();
    let room = |quota: &usize| members.accounts.len() + invitations + to_create > *quota;
    match members.quota {
        Some(quota) if room(&quota) => {
            findings.refuse(reason::has_no_room(quota, members.accounts.len(), invitations).reason());
        }
        _ => {}
    }
}

/// Checks one account. Whether it is to be created.
fn account(
    findings: &mut Findings,
    choice: &AccountChoice<'_>,
    organization: &OrganizationDescription,
    members: &Members,
) -> bool {
    let AccountChoice { parameter, email, name } = choice;
    if organization.management_account_email.eq_ignore_ascii_case(email) {
        let what = format!("The email address {email} in {parameter}");
        findings.refuse(reason::is_management_account(&what, &organization.management_account_id).reason());
        return false;
    }
    let Some(account) = members.account(&Identity::Email((*email).to_owned())) else {
        let is_creating = |creation: &AccountCreation| {
            creation.account_name == *name && creation.progress == CreationProgress::InProgress
        };
        if members.creations.iter().any(is_creating) {
            findings.warn(format!(
                "An account with the name '{name}' is being created already. The stack waits for it before it creates one."
            ));
        }
        return true;
    };
    match account.state {
        AccountState::Active | AccountState::PendingActivation if account.name == *name => {
            findings.warn(format!(
                "Account {} ('{name}') exists already, and is used as it is. Nothing of it is changed.",
                account.id
            ));
        }
        AccountState::Active | AccountState::PendingActivation => {
            findings.refuse(reason::has_another_name(account, email, name).reason());
        }
        _ => findings.refuse(reason::is_not_active(account).reason()),
    }
    false
}

/// Checks the place of the account in the organization.
fn place(findings: &mut Findings, properties: &Properties, old: Option<&Properties>, members: &Members) {
    if let Some(unit) = &properties.organizational_unit_id
        && members.has_organizational_unit == Some(false)
        && is_new(old, |old| &old.organizational_unit_id, properties)
    {
        findings.refuse(format!(
            "There is no organizational unit {unit}. Copy its id from AWS Organizations in the console, or leave \
             OrganizationalUnitId blank."
        ));
    }
    if !properties.has_access_stack() || old.is_some_and(Properties::has_access_stack) {
        return;
    }
    if !members.stack_sets.is_empty() {
        findings.refuse(reason::has_stack_sets(&members.stack_sets, "for Spark").reason());
    }
    if !members.delegated_administrators.is_empty() {
        findings.warn(format!(
            "StackSets of {} (delegated administrator) cannot be read here. If one deploys Orchestera Access to the same \
             account, take the account out of it.",
            members.delegated_administrators.join(", ")
        ));
    }
    let denied = |action: &&str| members.service_control_policies.iter().any(|policy| may_deny(policy, action));
    let denied: Vec<_> = ACCESS_ACTIONS.into_iter().filter(denied).collect();
    if !denied.is_empty() {
        findings.warn(format!(
            "A service control policy may deny {} in the member account. If the access stack fails, look there.",
            denied.join(", ")
        ));
    }
}

/// Whether a service control policy has a Deny for the action. Its conditions and resources are not evaluated.
fn may_deny(document: &str, action: &str) -> bool {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let matches = |patterns: &Value| {
        texts(patterns).iter().any(|text| WildMatch::new(&text.to_lowercase()).matches(&action.to_lowercase()))
    };
    list(&document["Statement"]).iter().filter(|statement| statement["Effect"] == "Deny").any(|statement| {
        match (statement.get("Action"), statement.get("NotAction")) {
            (Some(actions), _) => matches(actions),
            (None, Some(actions)) => !matches(actions),
            (None, None) => false,
        }
    })
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).into_iter().filter_map(Value::as_str).collect()
}

/// Checks the group and its users.
fn people(findings: &mut Findings, properties: &Properties, old: Option<&Properties>, observed: &Observed) {
    let is_new_group = is_new(old, |old| &old.admin_group, properties);
    match (properties.admin_group, &observed.group) {
        (AdminGroup::Make, Some(Some(_))) if is_new_group => findings.refuse(format!(
            "The group {ADMIN_GROUP_NAME} exists already. Set AdminGroup to \"Use\", and leave out of AdminUserNames who is in \
             the group already; or set AdminGroup to \"None\"."
        )),
        (AdminGroup::Use, Some(None)) if is_new_group => findings.refuse(format!(
            "There is no group {ADMIN_GROUP_NAME}. Set AdminGroup to \"Make\" to have it created, or to \"None\"."
        )),
        _ => {}
    }
    if let (AdminGroup::Use, Some(Some(members))) = (properties.admin_group, &observed.group)
        && is_new_group
        && members.is_empty()
        && properties.admin_user_names.is_empty()
    {
        findings.refuse(format!(
            "The group {ADMIN_GROUP_NAME} has no users, so that nobody could enter the member account. Name at least one IAM \
             user in AdminUserNames."
        ));
    }
    let was_given = |name: &&String| old.is_some_and(|old| old.admin_user_names.contains(name));
    let missing: Vec<_> = observed.missing_users.iter().filter(|name| !was_given(name)).cloned().collect();
    if !missing.is_empty() {
        findings.refuse(format!(
            "There is no IAM user {} in this account. Correct AdminUserNames, or create the user first.",
            missing.join(", ")
        ));
    }
    // CloudFormation takes out of the group whoever it was told to put in: at the rollback of a Create, and at an Update
    // without the name. Somebody would be locked out.
    let members = observed.group.as_ref().and_then(Option::as_ref);
    let in_group = |name: &&String| members.is_some_and(|members| members.contains(name));
    let names = properties.admin_user_names.iter().filter(|name| !was_given(name));
    let already: Vec<_> = names.filter(in_group).cloned().collect();
    if properties.admin_group == AdminGroup::Use && !already.is_empty() {
        findings.refuse(format!(
            "{} is in the group {ADMIN_GROUP_NAME} already. Leave that name out of AdminUserNames: otherwise a rollback of \
             this stack would take it out of the group.",
            already.join(", ")
        ));
    }
}

fn root_user(findings: &mut Findings, observed: &Observed) {
    let Some(root) = observed.root_user else { return };
    if !root.has_mfa {
        findings.warn("The root user of this account has no MFA. Sign in as root and assign a device.");
    }
    if root.has_access_keys {
        findings.warn("The root user of this account has access keys. Sign in as root and delete them.");
    }
}

/// Whether a choice is newly made: at a Create, and at an Update that changes it.
fn is_new<T: PartialEq>(old: Option<&Properties>, choice: impl Fn(&Properties) -> &T, properties: &Properties) -> bool {
    old.is_none_or(|old| choice(old) != choice(properties))
}
