//! Reading everything that the checks before the stack's work need. Nothing here writes.

use super::properties::{AdminGroup, Properties};
use crate::account::observe::{CONTROL_TOWER_ROLE, stack_sets};
use crate::account::properties::{Identity, Properties as AccountProperties};
use crate::management_account::{
    AccountCreation, AccountDescription, AccountPlan, ManagementAccount, OrganizationDescription, RootUser,
};
use custom_resource::{Kind, Result};

/// The group of administrators.
pub const ADMIN_GROUP_NAME: &str = "orchestera-admin-group";
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
    /// Read only where there is no organization.
    pub plan: Option<AccountPlan>,
    /// Read only where this account manages the organization.
    pub members: Option<Members>,
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
    pub stack_sets: Vec<String>,
    pub delegated_administrators: Vec<String>,
    /// The service control policies on the way from the root to the account, or to where it will be.
    pub service_control_policies: Vec<String>,
}

/// Reads what exists. `is_last` says that a call that is denied or not answered is not tried again: what it would tell is a
/// warning's worth.
///
/// # Errors
/// Those of DescribeOrganization, ListRoots and ListAccounts, without a sentence: nothing can be decided without them.
/// Of the other calls those that may pass, so that the whole is read again, unless `is_last`.
pub async fn observe<M: ManagementAccount>(
    account: &M,
    properties: &Properties,
    own: &str,
    is_last: bool,
) -> Result<Observed> {
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
    match &observed.organization {
        None => observed.plan = readable(unreadable, account.plan().await)?,
        Some(organization) if organization.management_account_id == own => {
            observed.members = Some(members(account, properties, unreadable).await?);
        }
        Some(_) => {}
    }
    observed.unreadable = std::mem::take(&mut unreadable.operations);
    Ok(observed)
}

/// The reads that told nothing.
struct Unreadable {
    operations: Vec<&'static str>,
    /// Whether a call without an answer is one of them, in place of an error.
    is_last: bool,
}

async fn members<M: ManagementAccount>(
    account: &M,
    properties: &Properties,
    unreadable: &mut Unreadable,
) -> Result<Members> {
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
    if !properties.has_access_stack() {
        return Ok(members);
    }
    let spark = account_properties(properties);
    let id = members.account(&spark.identity).map(|account| account.id.clone());
    let sets = stack_sets(account, id.as_deref(), &spark).await;
    members.stack_sets = readable(unreadable, sets)?.unwrap_or_default();
    let mut target =
        id.or_else(|| properties.organizational_unit_id.clone()).unwrap_or_else(|| members.root_id.clone());
    loop {
        let documents = readable(unreadable, account.service_control_policies(&target).await)?;
        members.service_control_policies.extend(documents.unwrap_or_default());
        if target.starts_with("r-") {
            return Ok(members);
        }
        match readable(unreadable, account.parent(&target).await)?.flatten() {
            Some(parent) => target = parent,
            None => return Ok(members),
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

/// The account for Spark, as its own resource will look for it.
fn account_properties(properties: &Properties) -> AccountProperties {
    let identity = match (&properties.account_email, &properties.account_id) {
        (Some(email), _) => Identity::Email(email.clone()),
        (None, id) => Identity::Id(id.clone().unwrap_or_default()),
    };
    AccountProperties {
        identity,
        name: properties.account_name.clone(),
        role_name: properties.member_role_name.clone(),
        organizational_unit_id: properties.organizational_unit_id.clone(),
        has_access_stack: properties.has_access_stack(),
    }
}

/// A read that never works here becomes a warning. One that may pass, and a right that may not have arrived yet, is tried
/// again first.
fn readable<T>(unreadable: &mut Unreadable, result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if unreadable.is_last || matches!(error.kind(), Kind::Refused | Kind::Gone) => {
            tracing::info!(cause = error.cause(), "a check was left out");
            unreadable.operations.extend(error.failed_call().map(|call| call.operation));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
