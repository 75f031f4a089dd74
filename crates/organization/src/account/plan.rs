//! The next step towards an account, as a pure function of the properties and what exists.

use super::observe::{Attempt, Details, Observed, Room};
use super::properties::{Identity, Properties};
use super::{failure, reason};
use crate::management_account::{
    AccountDescription, AccountState, CreationProgress, NewAccount, OrganizationDescription, STACK_ID,
};
use custom_resource::{Error, Kind, Result};
use std::fmt;
use std::time::{Duration, SystemTime};

/// How long the list of accounts is read again after EMAIL_ALREADY_EXISTS: another invocation of this event may have
/// created the account a moment ago.
const LIST_CATCHES_UP: Duration = Duration::from_secs(60);
/// How long an account whose creation succeeded may be missing from the list of accounts.
const LIST_LAGS: Duration = Duration::from_secs(300);

/// For whom the step is planned.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a> {
    /// The ARN of the stack.
    pub id: &'a str,
    /// The id of the function's own account.
    pub account_id: &'a str,
    pub now: SystemTime,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The account is as it should be.
    Done(Done),
    Wait(WaitFor),
    CreateAccount(NewAccount),
    MoveAccount {
        account_id: String,
        from: String,
        to: String,
    },
}

/// An account that is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub account: AccountDescription,
    pub ownership: Ownership,
}

/// Who created an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This stack, as the account's tag says.
    Created,
    /// Somebody else. Nothing of it is ever changed.
    Found,
}

impl Ownership {
    /// As the attribute spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Found => "found",
        }
    }
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// The creation of an account with this name, whoever requested it.
    Creation { name: String },
    /// An account whose creation succeeded appears in the list of accounts.
    Listing { account_id: String },
    /// The email address has an account. Another invocation may have created it.
    Owner { email: String },
    /// The account becomes ACTIVE.
    Activation { account_id: String },
}

impl fmt::Display for Next {
    /// One line, for the log and for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(done) => write!(f, "nothing to do: account {} is {}", done.account.id, done.ownership.name()),
            Self::Wait(wait) => write!(f, "wait for {wait}"),
            Self::CreateAccount(new) => write!(f, "CreateAccount {} ({})", new.name, new.email),
            Self::MoveAccount { account_id, from, to } => write!(f, "MoveAccount {account_id} from {from} to {to}"),
        }
    }
}

impl fmt::Display for WaitFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creation { name } => write!(f, "the creation of the account '{name}'"),
            Self::Listing { account_id } => write!(f, "account {account_id} in the organization's list of accounts"),
            Self::Owner { email } => write!(f, "an account with {email} in the organization's list of accounts"),
            Self::Activation { account_id } => write!(f, "account {account_id} to become ACTIVE"),
        }
    }
}

impl WaitFor {
    /// The error when nothing more is waited for.
    pub fn ended(&self) -> Error {
        Error::new(
            Kind::OutOfTime,
            match self {
                Self::Creation { name } => format!(
                    "The account '{name}' is still being created, and no stack can wait longer. Create the stack again with the \
                     same values: the account will be found."
                ),
                Self::Listing { account_id } | Self::Activation { account_id } => format!(
                    "Account {account_id} was created, and is not yet ACTIVE in the organization. Create the stack again with the \
                     same values: the account will be found."
                ),
                Self::Owner { email } => format!(
                    "The function did not find out in time which account has {email}. Create the stack again with the \
                     same values."
                ),
            },
        )
    }
}

/// The next step.
///
/// # Errors
/// [`Refused`](custom_resource::Kind::Refused), with what to do, where the contract refuses what exists.
pub fn next(properties: &Properties, observed: &Observed, stack: Stack<'_>) -> Result<Next> {
    let organization = managed(observed.organization.as_ref(), stack.account_id)?;
    let management = &organization.management_account_id;
    match &properties.identity {
        Identity::Email(email) if organization.management_account_email.eq_ignore_ascii_case(email) => {
            return Err(reason::is_management_account(&format!("The email address {email}"), management));
        }
        Identity::Id(id) if id == management => {
            return Err(reason::is_management_account(&format!("AccountId {id}"), management));
        }
        _ => {}
    }
    if let Some(wait) = creation_in_progress(properties, observed) {
        return Ok(Next::Wait(wait));
    }
    match observed.account(&properties.identity) {
        Some(account) => existing(properties, observed, account, stack),
        None => missing(properties, observed, stack),
    }
}

/// The organization that the function's account manages.
///
/// # Errors
/// [`Refused`](custom_resource::Kind::Refused) if there is none, or if another account manages it.
pub fn managed<'a>(
    organization: Option<&'a OrganizationDescription>,
    own: &str,
) -> Result<&'a OrganizationDescription> {
    match organization {
        Some(organization) if organization.management_account_id == own => Ok(organization),
        Some(organization) => Err(reason::is_member(own, organization)),
        None => Err(reason::is_in_no_organization(own)),
    }
}

fn creation_in_progress(properties: &Properties, observed: &Observed) -> Option<WaitFor> {
    observed.is_creating().then(|| WaitFor::Creation { name: properties.name.clone() })
}

/// An account that exists: of this stack, or somebody else's.
fn existing(
    properties: &Properties,
    observed: &Observed,
    account: &AccountDescription,
    stack: Stack<'_>,
) -> Result<Next> {
    let Details { tags, parent } = observed.details.clone().unwrap_or_default();
    let is_ours = tags.get(STACK_ID).is_some_and(|id| id == stack.id);
    match &account.state {
        AccountState::Active => {}
        AccountState::PendingActivation => {
            return Ok(Next::Wait(WaitFor::Activation { account_id: account.id.clone() }));
        }
        AccountState::Suspended | AccountState::PendingClosure | AccountState::Closed | AccountState::Other(_) => {
            return Err(reason::is_not_active(account));
        }
    }
    if let Identity::Email(email) = &properties.identity
        && !is_ours
        && account.name != properties.name
    {
        return Err(reason::has_another_name(account, email, &properties.name));
    }
    refuse_stack_sets(&observed.stack_sets, &account.id)?;
    match (&properties.organizational_unit_id, parent) {
        (Some(to), Some(from)) if is_ours && *to != from => {
            Ok(Next::MoveAccount { account_id: account.id.clone(), from, to: to.clone() })
        }
        _ => {
            let ownership = if is_ours { Ownership::Created } else { Ownership::Found };
            Ok(Next::Done(Done { account: account.clone(), ownership }))
        }
    }
}

/// No account with that id or email address.
fn missing(properties: &Properties, observed: &Observed, stack: Stack<'_>) -> Result<Next> {
    let email = match &properties.identity {
        Identity::Id(id) => return Err(reason::is_not_in_the_organization(id)),
        Identity::Email(email) => email,
    };
    if let Some(wait) = after_attempt(observed.attempt.as_ref(), email)? {
        return Ok(Next::Wait(wait));
    }
    let appearing = observed.creations.iter().find_map(|creation| match &creation.progress {
        CreationProgress::Succeeded { account_id, completed } => {
            // A clock that is behind counts as no time.
            let age = stack.now.duration_since(*completed).unwrap_or_default();
            let is_listed = observed.accounts.iter().any(|account| account.id == *account_id);
            (!is_listed && age < LIST_LAGS).then(|| account_id.clone())
        }
        _ => None,
    });
    if let Some(account_id) = appearing {
        return Ok(Next::Wait(WaitFor::Listing { account_id }));
    }
    let Room { quota, open_invitations, has_control_tower } = observed.room.clone().unwrap_or_default();
    if has_control_tower {
        return Err(reason::has_control_tower());
    }
    let accounts = observed.accounts.len() + open_invitations;
    if let Some(quota) = quota.filter(|quota| accounts >= *quota) {
        return Err(reason::has_no_room(quota, observed.accounts.len(), open_invitations));
    }
    refuse_stack_sets(&observed.stack_sets, "that will be created")?;
    Ok(Next::CreateAccount(NewAccount {
        email: email.clone(),
        name: properties.name.clone(),
        role_name: properties.role_name.clone(),
        stack_id: stack.id.to_owned(),
    }))
}

/// What follows from the creation that this invocation requested, if it has ended and the account is not listed.
fn after_attempt(attempt: Option<&Attempt>, email: &str) -> Result<Option<WaitFor>> {
    let Some(Attempt { creation, since_its_end }) = attempt else { return Ok(None) };
    match &creation.progress {
        CreationProgress::InProgress => Ok(Some(WaitFor::Creation { name: creation.account_name.clone() })),
        CreationProgress::Succeeded { account_id, .. } => Ok(Some(WaitFor::Listing { account_id: account_id.clone() })),
        CreationProgress::Failed { reason } if reason == failure::EMAIL_ALREADY_EXISTS => {
            match *since_its_end < LIST_CATCHES_UP {
                true => Ok(Some(WaitFor::Owner { email: email.to_owned() })),
                false => Err(reason::email_is_taken(email)),
            }
        }
        CreationProgress::Failed { reason } => Err(failure::of_creation(reason, email)),
    }
}

/// Two stacks cannot own one role.
///
/// # Errors
/// [`Refused`](custom_resource::Kind::Refused) if one of our StackSets deploys to the account by itself.
pub fn refuse_stack_sets(names: &[String], account: &str) -> Result<()> {
    if names.is_empty() { Ok(()) } else { Err(reason::has_stack_sets(names, account)) }
}
