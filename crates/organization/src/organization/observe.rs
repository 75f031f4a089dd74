//! Reading everything that the checks before the stack's work need. Nothing here writes.

use super::contacts;
use super::properties::{AccessChoice, AdminGroup, Properties};
use super::unreadable::{Unreadable, readable};
use crate::account::observe::{CONTROL_TOWER_ROLE, stack_sets};
use crate::account::properties::Identity;
use crate::identity_center::observe::{self as identity_center, Observed as IdentityCenter};
use crate::management_account::{
    AccountCreation, AccountDescription, AccountPlan, ManagementAccount, OrganizationDescription, PasswordPolicy,
    RootUser,
};
use custom_resource::Result;

/// The group of administrators.
pub const ADMIN_GROUP_NAME: &str = "orchestera-admin-group";
/// The user for emergencies.
pub const BREAK_GLASS_USER: &str = "Administrator";
/// The role with which tools begin.
pub const BOOTSTRAP_ROLE: &str = "mgmt-org-admin";
/// The service whose delegated administrators can have StackSets that the management account does not list.
const STACK_SETS_SERVICE: &str = "member.org.stacksets.cloudformation.amazonaws.com";

/// What exists. A value is `None` if it could not be read; [`Observed::unreadable`] has the operation then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// `None` if this account is in no organization.
    pub organization: Option<OrganizationDescription>,
    /// The operations that were not allowed, or not answered.
    pub unreadable: Vec<&'static str>,
    pub root_user: Option<RootUser>,
    /// The names of the group's members. `Some(None)` if there is no such group.
    pub group: Option<Option<Vec<String>>>,
    /// Of the users whose names are given.
    pub missing_users: Vec<String>,
    /// Read only if the user is to be created.
    pub break_glass: Option<BreakGlass>,
    /// Read only if the role is to be created.
    pub has_bootstrap_role: Option<bool>,
    /// Read only if people are to sign in with it.
    pub identity_center: Option<IdentityCenter>,
    /// Read only where there is no organization.
    pub plan: Option<AccountPlan>,
    /// Read only where this account manages the organization.
    pub members: Option<Members>,
    pub contacts: contacts::Observed,
}

/// What the creation of the user for emergencies depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BreakGlass {
    pub has_user: Option<bool>,
    /// `Some(None)` if the account has no policy of its own.
    pub password_policy: Option<Option<PasswordPolicy>>,
}

/// What can prevent the access stack in one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// As `AccessIn` has it.
    pub label: &'static str,
    pub stack_sets: Vec<String>,
    /// The service control policies on the way from the root to the account, or to where it will be.
    pub service_control_policies: Vec<String>,
}

/// What the management account sees of its organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    pub root_id: String,
    /// In every state.
    pub accounts: Vec<AccountDescription>,
    pub creations: Vec<AccountCreation>,
    pub open_invitations: Option<usize>,
    pub quota: Option<usize>,
    pub has_control_tower: Option<bool>,
    /// `Some(false)` if there is no such organizational unit.
    pub has_organizational_unit: Option<bool>,
    pub delegated_administrators: Vec<String>,
    /// Of the accounts that newly get the access stack.
    pub access: Vec<Access>,
}

/// What is asked for, by whom.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub properties: &'a Properties,
    /// At an Update: nothing is read of what was chosen before, unless the answer needs it.
    pub old: Option<&'a Properties>,
    /// The id of this account.
    pub own: &'a str,
    pub stack_id: &'a str,
}

/// Reads what exists. `is_last` says that a call that is denied or not answered is not tried again: what it would tell is a
/// warning's worth.
///
/// # Errors
/// Those of DescribeOrganization, ListRoots and ListAccounts, without a sentence: nothing can be decided without them.
/// Of the other calls those that may pass, so that the whole is read again, unless `is_last`.
pub async fn observe<M: ManagementAccount>(account: &M, asked: Asked<'_>, is_last: bool) -> Result<Observed> {
    let Asked { properties, old, own, .. } = asked;
    let mut observed = Observed { organization: account.organization().await?, ..Observed::default() };
    let unreadable = &mut Unreadable { operations: Vec::new(), is_last };
    observed.root_user = readable(unreadable, account.root_user().await)?;
    if properties.admin_group != AdminGroup::None {
        observed.group = readable(unreadable, account.group_members(ADMIN_GROUP_NAME).await)?;
    }
    for name in &properties.admin_user_names {
        if readable(unreadable, account.has_user(name).await)? == Some(false) {
            observed.missing_users.push(name.clone());
        }
    }
    if properties.is_newly_on(old, |choices| choices.has_break_glass_user) {
        observed.break_glass = Some(BreakGlass {
            has_user: readable(unreadable, account.has_user(BREAK_GLASS_USER).await)?,
            password_policy: readable(unreadable, account.password_policy().await)?,
        });
    }
    if properties.is_newly_on(old, |choices| choices.has_bootstrap_role) {
        observed.has_bootstrap_role = readable(unreadable, account.has_role(BOOTSTRAP_ROLE).await)?;
    }
    match &observed.organization {
        None => observed.plan = readable(unreadable, account.plan().await)?,
        Some(organization) if organization.management_account_id == own => {
            observed.members = Some(members(account, asked, unreadable).await?);
        }
        Some(_) => {}
    }
    observed.identity_center = identity_center(account, asked, &observed, unreadable).await?;
    let has_organization = observed.organization.is_some();
    observed.contacts = contacts::observe(account, &asked.properties.contacts, has_organization, unreadable).await?;
    observed.unreadable = std::mem::take(&mut unreadable.operations);
    Ok(observed)
}

/// What there is in Identity Center. Without an organization, whether an account instance will be in its way.
async fn identity_center<M: ManagementAccount>(
    account: &M,
    asked: Asked<'_>,
    observed: &Observed,
    unreadable: &mut Unreadable,
) -> Result<Option<IdentityCenter>> {
    let Some(wanted) = asked.properties.new_identity_center(asked.old) else { return Ok(None) };
    match (&observed.organization, &observed.members) {
        (None, _) => {
            let instances = readable(unreadable, account.instances().await)?.unwrap_or_default();
            Ok(Some(IdentityCenter { instances, ..IdentityCenter::default() }))
        }
        (Some(organization), Some(members)) => {
            let (stack_id, accounts) = (asked.stack_id, &members.accounts);
            let read = identity_center::observe(account, &wanted, organization, stack_id, accounts).await;
            readable(unreadable, read)
        }
        (Some(_), None) => Ok(None),
    }
}

async fn members<M: ManagementAccount>(account: &M, asked: Asked<'_>, unreadable: &mut Unreadable) -> Result<Members> {
    let properties = asked.properties;
    let mut members = Members {
        root_id: account.root().await?,
        accounts: account.accounts().await?,
        creations: readable(unreadable, account.account_creations().await)?.unwrap_or_default(),
        open_invitations: readable(unreadable, account.open_invitations().await)?,
        quota: readable(unreadable, account.account_quota().await)?,
        has_control_tower: readable(unreadable, account.has_role(CONTROL_TOWER_ROLE).await)?,
        delegated_administrators: readable(unreadable, account.delegated_administrators(STACK_SETS_SERVICE).await)?
            .unwrap_or_default(),
        ..Members::default()
    };
    if let Some(unit) = &properties.organizational_unit_id {
        let parent = readable(unreadable, account.parent(unit).await)?;
        members.has_organizational_unit = parent.map(|parent| parent.is_some());
    }
    for choice in properties.new_access(asked.old) {
        let access = access(account, &choice, &members, unreadable).await?;
        members.access.push(access);
    }
    Ok(members)
}

/// What can prevent the access stack in the account.
async fn access<M: ManagementAccount>(
    account: &M,
    choice: &AccessChoice,
    members: &Members,
    unreadable: &mut Unreadable,
) -> Result<Access> {
    let id = members.account(&choice.account.identity).map(|account| account.id.clone());
    let sets = stack_sets(account, id.as_deref(), &choice.account).await;
    let stack_sets = readable(unreadable, sets)?.unwrap_or_default();
    let mut access = Access { label: choice.label, stack_sets, service_control_policies: Vec::new() };
    let unit = choice.account.organizational_unit_id.clone();
    let mut target = id.or(unit).unwrap_or_else(|| members.root_id.clone());
    loop {
        let documents = readable(unreadable, account.service_control_policies(&target).await)?;
        access.service_control_policies.extend(documents.unwrap_or_default());
        if target.starts_with("r-") {
            return Ok(access);
        }
        match readable(unreadable, account.parent(&target).await)?.flatten() {
            Some(parent) => target = parent,
            None => return Ok(access),
        }
    }
}

impl Members {
    pub fn account(&self, identity: &Identity) -> Option<&AccountDescription> {
        self.accounts.iter().find(|account| match identity {
            Identity::Email(email) => account.email.eq_ignore_ascii_case(email),
            Identity::Id(id) => account.id == *id,
        })
    }
}
