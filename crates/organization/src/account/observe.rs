//! Reading what exists of an account: no more calls than the next decision needs.

use super::properties::{Identity, Properties};
use crate::management_account::{
    AccountCreation, AccountDescription, CreationProgress, ManagementAccount, OrganizationDescription, StackSet, Tags,
};
use custom_resource::{Kind, Result};
use std::time::Duration;

/// How the names of our StackSets begin.
const STACK_SETS: &str = "orchestera-access";
/// The role of Control Tower in a management account that has a landing zone.
/// <https://docs.aws.amazon.com/controltower/latest/userguide/roles-how.html>
pub const CONTROL_TOWER_ROLE: &str = "AWSControlTowerAdmin";

/// What this invocation has asked Organizations for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub creation: AccountCreation,
    /// How long ago the creation ended, as far as this invocation knows; zero while it is in progress.
    pub since_its_end: Duration,
}

/// What exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// `None` if this account is in no organization.
    pub organization: Option<OrganizationDescription>,
    /// Of this invocation.
    pub attempt: Option<Attempt>,
    /// Creations with the account's name, in progress or completed. Not of this invocation.
    pub creations: Vec<AccountCreation>,
    /// In every state. Blank while a creation is in progress: it is read when that has ended.
    pub accounts: Vec<AccountDescription>,
    /// What else there is about the account, if it is among them.
    pub details: Option<Details>,
    /// What has to be known before an account is created. `None` if it is among them.
    pub room: Option<Room>,
    /// Our StackSets that deploy by themselves to where the account is, or will be. Read only if the account is to get
    /// a stack.
    pub stack_sets: Vec<String>,
}

/// What there is about an account that exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    pub tags: Tags,
    /// The organizational unit or the root that it is in. Read only if the account is to be moved.
    pub parent: Option<String>,
}

/// Whether another account can be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// `None` if it cannot be read.
    pub quota: Option<usize>,
    pub open_invitations: usize,
    pub has_control_tower: bool,
}

impl Observed {
    /// Whether a creation is in progress, so that nothing else needs to be known.
    pub fn is_creating(&self) -> bool {
        let attempt = self.attempt.iter().map(|attempt| &attempt.creation);
        attempt.chain(&self.creations).any(|creation| creation.progress == CreationProgress::InProgress)
    }

    /// The account that the properties are about.
    pub fn account(&self, identity: &Identity) -> Option<&AccountDescription> {
        self.accounts.iter().find(|account| match identity {
            Identity::Email(email) => account.email.eq_ignore_ascii_case(email),
            Identity::Id(id) => account.id == *id,
        })
    }
}

/// Reads what exists. `attempt` is what this invocation has asked for before.
///
/// # Errors
/// Those of the calls, without a sentence.
pub async fn observe<M: ManagementAccount>(
    account: &M,
    properties: &Properties,
    attempt: Option<Attempt>,
) -> Result<Observed> {
    let mut observed = Observed { organization: account.organization().await?, attempt, ..Observed::default() };
    if observed.organization.is_none() {
        return Ok(observed);
    }
    if let Identity::Email(_) = properties.identity {
        let mut creations = account.account_creations().await?;
        let own = observed.attempt.as_ref().map(|attempt| attempt.creation.id.clone());
        creations.retain(|creation| creation.account_name == properties.name && Some(&creation.id) != own.as_ref());
        observed.creations = creations;
        if observed.is_creating() {
            return Ok(observed);
        }
    }
    observed.accounts = account.accounts().await?;
    let found = observed.account(&properties.identity).map(|found| found.id.clone());
    match &found {
        Some(id) => {
            let parent = match &properties.organizational_unit_id {
                Some(_) => account.parent(id).await?,
                None => None,
            };
            observed.details = Some(Details { tags: account.account_tags(id).await?, parent });
        }
        None => {
            observed.room = Some(Room {
                quota: if_readable(account.account_quota().await)?,
                open_invitations: if_readable(account.open_invitations().await)?.unwrap_or_default(),
                has_control_tower: account.has_role(CONTROL_TOWER_ROLE).await?,
            });
        }
    }
    if properties.has_access_stack {
        observed.stack_sets = stack_sets(account, found.as_deref(), properties).await?;
    }
    Ok(observed)
}

/// The names of our StackSets that deploy by themselves to where the account is, or will be.
///
/// # Errors
/// Those of the calls, without a sentence.
pub async fn stack_sets<M: ManagementAccount>(
    account: &M,
    account_id: Option<&str>,
    properties: &Properties,
) -> Result<Vec<String>> {
    let automatic = account.automatic_stack_sets(STACK_SETS).await?;
    if automatic.is_empty() {
        return Ok(Vec::new());
    }
    // From the account, or from where a new one will be, up to the root.
    let mut ancestors = Vec::new();
    let mut child = match (account_id, &properties.organizational_unit_id) {
        (Some(id), None) => id.to_owned(),
        (_, Some(unit)) => {
            ancestors.push(unit.clone());
            unit.clone()
        }
        (None, None) => {
            ancestors.push(account.root().await?);
            return Ok(overlapping(&automatic, &ancestors));
        }
    };
    while let Some(parent) = account.parent(&child).await? {
        ancestors.push(parent.clone());
        child = match parent.starts_with("r-") {
            true => break,
            false => parent,
        };
    }
    Ok(overlapping(&automatic, &ancestors))
}

fn overlapping(stack_sets: &[StackSet], ancestors: &[String]) -> Vec<String> {
    let overlaps = |set: &&StackSet| set.organizational_unit_ids.iter().any(|unit| ancestors.contains(unit));
    stack_sets.iter().filter(overlaps).map(|set| set.name.clone()).collect()
}

/// Turns a read that is not allowed into `None`: what it would tell is a warning's worth.
fn if_readable<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), Kind::Denied | Kind::Refused | Kind::Gone) => Ok(None),
        Err(error) => Err(error),
    }
}
