//! `Custom::OrchesteraAccount`: a member account, found or created. Observe → plan → apply, until nothing is left.

use crate::environment::Environment;
use crate::management_account::{
    AccountCreation, AccountState, CreationProgress, ManagementAccount, NewAccount, STACK_ID, StackResource,
};
use crate::wait::{Clock, Wait, Waited, is_rolling_back, own_resource, retry};
use custom_resource::{Address, Error, Kind, Result, Unfinished};
use observe::{Attempt, observe, stack_sets};
use plan::{Done, Next, Ownership, Stack, WaitFor, managed, next};
use properties::{Identity, Properties};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

pub mod attributes;
pub mod failure;
pub mod observe;
pub mod plan;
pub mod properties;
pub mod reason;

/// How long a Delete after a failed Create looks for a creation that is still in progress. A Create that is still
/// polling reads its own resource in this time, and sees that it must create nothing more.
const CREATE_NOTICES: Duration = Duration::from_secs(15);
/// The pause between two looks of a Delete.
const DELETE_PAUSE: Duration = Duration::from_secs(3);

/// The code by which Organizations says that a new organization cannot have accounts yet.
const FINALIZING: &str = "FinalizingOrganizationException";

/// One event about an account.
#[derive(Debug)]
pub struct Event<'a, M> {
    pub account: &'a M,
    pub address: &'a Address,
    pub environment: &'a Environment,
    /// The id of the function's own account.
    pub own: &'a str,
    pub clock: Clock,
}

/// The creation that this invocation requested.
struct Requested {
    creation: AccountCreation,
    ended: Option<Instant>,
}

impl<M: ManagementAccount> Event<'_, M> {
    /// Finds or creates the account, and waits until it is ACTIVE.
    ///
    /// # Errors
    /// [`Unfinished`] if AWS takes longer than this invocation, and Lambda repeats the event.
    pub async fn create(&self, properties: &Properties) -> std::result::Result<Result<Done>, Unfinished> {
        let mut wait = Wait::new(&self.clock);
        let mut requested = None;
        let mut resource = None;
        // What is waited for, and the error if that is the last word. A look for which there was no time changes neither.
        let mut waits_for = "an answer".to_owned();
        let mut at_last = reason::of_read(Error::new(Kind::OutOfTime, ""));
        loop {
            let attempt = self.attempt(properties, &mut requested, &mut resource);
            match timeout_at(self.clock.budget.calls_end, attempt).await {
                Ok(Ok(Next::Done(done))) => return Ok(Ok(done)),
                Ok(Ok(Next::Wait(wait))) => (waits_for, at_last) = (wait.to_string(), wait.ended()),
                Ok(Ok(next)) => {
                    (waits_for, at_last) = (next.to_string(), reason::of_read(Error::new(Kind::OutOfTime, "")));
                }
                Ok(Err(error)) if wait.may_pass(&error) => {
                    tracing::info!(cause = error.cause(), kind = ?error.kind(), "trying again");
                    waits_for = error.cause();
                    at_last = if error.is(FINALIZING) { reason::is_being_finalized() } else { error };
                }
                Ok(Err(error)) if !error.is_without_time() => return Ok(Err(error)),
                Ok(Err(_)) | Err(_) => {}
            }
            match wait.pause(resource.as_ref()).await {
                Waited::Again => {}
                Waited::NextInvocation => return Err(Unfinished { waits_for }),
                Waited::Ended => return Ok(Err(at_last)),
            }
        }
    }

    /// Observes, plans, and sends the next step. Errors have a sentence.
    async fn attempt(
        &self,
        properties: &Properties,
        requested: &mut Option<Requested>,
        resource: &mut Option<StackResource>,
    ) -> Result<Next> {
        *resource = Some(self.own_resource().await?);
        let attempt = self.refresh(requested).await.map_err(reason::of_read)?;
        // Nothing else can change what is waited for, and calls of Organizations are limited.
        if let Some(Attempt { creation, .. }) = &attempt
            && creation.progress == CreationProgress::InProgress
        {
            return Ok(Next::Wait(WaitFor::Creation { name: creation.account_name.clone() }));
        }
        let observed = observe(self.account, properties, attempt).await.map_err(reason::of_read)?;
        let stack = Stack { id: &self.address.stack_id, account_id: self.own, now: self.clock.now() };
        let next = next(properties, &observed, stack)?;
        tracing::info!(%next, "planned");
        match &next {
            Next::CreateAccount(new) => {
                let creation = self.create_account(new).await?;
                let name = creation.account_name.clone();
                *requested = Some(Requested { creation, ended: None });
                Ok(Next::Wait(WaitFor::Creation { name }))
            }
            Next::MoveAccount { account_id, from, to } => {
                self.move_account(account_id, from, to).await?;
                Ok(next)
            }
            Next::Done(_) | Next::Wait(_) => Ok(next),
        }
    }

    /// The last look at the event's own resource before a write.
    async fn own_resource(&self) -> Result<StackResource> {
        let resource = own_resource(self.account, self.address, &self.clock.budget).await;
        resource.map_err(reason::of_read)
    }

    async fn create_account(&self, new: &NewAccount) -> Result<AccountCreation> {
        self.environment.refuse_other_accounts(self.address, &new.email)?;
        self.own_resource().await?;
        self.clock.refuse_late_writes()?;
        let created = self.account.create_account(new).await;
        created.map_err(|error| failure::of_create_account(error, new))
    }

    async fn move_account(&self, account_id: &str, from: &str, to: &str) -> Result<()> {
        self.own_resource().await?;
        self.clock.refuse_late_writes()?;
        match self.account.move_account(account_id, from, to).await {
            Err(error) if error.is("DestinationParentNotFoundException") => Err(Error::refused(format!(
                "Account {account_id} could not be moved, because there is no organizational unit {to}. The account stays \
                 in {from}. Correct OrganizationalUnitId, then retry."
            ))),
            moved => moved
                .map_err(|error| failure::of_call(error, &format!("Account {account_id} could not be moved to {to}"))),
        }
    }

    /// How the creation that this invocation requested is going.
    async fn refresh(&self, requested: &mut Option<Requested>) -> Result<Option<Attempt>> {
        let Some(requested) = requested else { return Ok(None) };
        if requested.creation.progress == CreationProgress::InProgress {
            requested.creation = self.account.account_creation(&requested.creation.id).await?;
            if requested.creation.progress != CreationProgress::InProgress {
                requested.ended = Some(Instant::now());
            }
        }
        let since_its_end = requested.ended.map(|ended| ended.elapsed()).unwrap_or_default();
        Ok(Some(Attempt { creation: requested.creation.clone(), since_its_end }))
    }

    /// Checks that the account is still what the properties say, and moves it if its organizational unit was changed.
    /// Nothing else is ever written.
    ///
    /// # Errors
    /// Those of the calls, and what the contract refuses. All with a sentence. During a rollback nothing is refused:
    /// an Update that was refused has changed nothing.
    pub async fn update(
        &self,
        id: &str,
        properties: &Properties,
        old: Option<&Properties>,
    ) -> Result<(Done, Vec<String>)> {
        // No stack waits long for an Update that has nothing to wait for: there is no further invocation.
        match retry(&self.clock, async || self.updated(id, properties, old).await).await {
            Ok(done) => Ok((done, Vec::new())),
            Err(error) if error.kind() == Kind::Refused && is_rolling_back(self.account, self.address).await => {
                Ok((self.present(id).await?, vec![error.reason()]))
            }
            Err(error) => Err(error),
        }
    }

    async fn updated(&self, id: &str, properties: &Properties, old: Option<&Properties>) -> Result<Done> {
        let organization = self.account.organization().await.map_err(reason::of_read)?;
        managed(organization.as_ref(), self.own)?;
        let accounts = self.account.accounts().await.map_err(reason::of_read)?;
        let present = accounts.into_iter().find(|account| account.id == id);
        let present = present.ok_or_else(|| reason::is_not_in_the_organization(id))?;
        refuse_changes(&present.id, &present.email, &present.name, properties, old)?;
        if present.state != AccountState::Active {
            return Err(reason::is_not_active(&present));
        }
        let tags = self.account.account_tags(id).await.map_err(reason::of_read)?;
        let is_ours = tags.get(STACK_ID) == Some(&self.address.stack_id);
        let ownership = if is_ours { Ownership::Created } else { Ownership::Found };
        if properties.has_access_stack && old.is_some_and(|old| !old.has_access_stack) {
            let names = stack_sets(self.account, Some(id), properties).await.map_err(reason::of_read)?;
            plan::refuse_stack_sets(&names, id)?;
        }
        let unit = properties.organizational_unit_id.as_ref();
        let is_new_unit = old.is_some_and(|old| old.organizational_unit_id.as_ref() != unit);
        if let Some(to) = unit.filter(|_| is_ours && is_new_unit) {
            let from = self.account.parent(id).await.map_err(reason::of_read)?.unwrap_or_default();
            if from != *to {
                self.move_account(id, &from, to).await?;
            }
        }
        Ok(Done { account: present, ownership })
    }

    /// The account as it is, whatever the properties say.
    async fn present(&self, id: &str) -> Result<Done> {
        let accounts = self.account.accounts().await.map_err(reason::of_read)?;
        let account = accounts.into_iter().find(|account| account.id == id);
        let account = account.ok_or_else(|| reason::is_not_in_the_organization(id))?;
        let tags = self.account.account_tags(id).await.map_err(reason::of_read)?;
        let is_ours = tags.get(STACK_ID) == Some(&self.address.stack_id);
        Ok(Done { account, ownership: if is_ours { Ownership::Created } else { Ownership::Found } })
    }

    /// Removes our tag from the account, if it is ours. Closes nothing, and never fails. The note says what was kept.
    pub async fn delete(&self, id: &str) -> String {
        let kept = reason::is_kept(id);
        let mut wait = Wait::new(&self.clock);
        loop {
            let untagged = timeout_at(self.clock.budget.calls_end, self.untag(id)).await;
            let error = match untagged {
                Ok(Ok(())) => return kept,
                Ok(Err(error)) if error.kind() == Kind::Gone => {
                    return format!("Account {id} is no longer in this organization.");
                }
                Ok(Err(error)) => error,
                Err(_) => Error::new(Kind::OutOfTime, ""),
            };
            tracing::info!(cause = error.cause(), kind = ?error.kind(), "the tag could not be removed");
            if !wait.may_pass(&error) || !matches!(wait.pause(None).await, Waited::Again) {
                return format!("{kept} The tag {STACK_ID} could not be removed from it. It does no harm.");
            }
        }
    }

    async fn untag(&self, id: &str) -> Result<()> {
        match self.account.account_tags(id).await?.get(STACK_ID) == Some(&self.address.stack_id) {
            true => self.account.untag_account(id).await,
            false => Ok(()),
        }
    }

    /// Looks for an account that a failed Create may still be creating, for the note. Never fails.
    pub async fn delete_after_failed_create(&self, name: &str) -> String {
        let end = Instant::now() + CREATE_NOTICES;
        while Instant::now() < end && self.clock.budget.may_write_after(DELETE_PAUSE) {
            let creations = timeout_at(self.clock.budget.calls_end, self.account.account_creations()).await;
            let is_creating = |creation: &AccountCreation| {
                creation.account_name == name && creation.progress == CreationProgress::InProgress
            };
            if creations.is_ok_and(|creations| creations.is_ok_and(|all| all.iter().any(is_creating))) {
                return format!(
                    "An account '{name}' is still being created. It will stay in the organization. Create the stack again \
                     with the same values to find it, or close it by hand."
                );
            }
            sleep(DELETE_PAUSE).await;
        }
        String::new()
    }
}

/// Refuses an Update that asks for another account, or for another name or role than the account has.
///
/// A property that was not changed is never refused: somebody may have changed the account by hand.
fn refuse_changes(id: &str, email: &str, name: &str, properties: &Properties, old: Option<&Properties>) -> Result<()> {
    let mut changes = Vec::new();
    if old.is_none_or(|old| old.identity != properties.identity) {
        match &properties.identity {
            Identity::Email(new) if !new.eq_ignore_ascii_case(email) => {
                changes.push(format!("the email address from {email} to {new}"));
            }
            Identity::Id(new) if new != id => changes.push(format!("AccountId from {id} to {new}")),
            _ => {}
        }
    }
    if let Some(old) = old.filter(|old| old.name != properties.name && properties.name != name) {
        changes.push(format!("AccountName from '{}' to '{}'", old.name, properties.name));
    }
    if let Some(old) = old.filter(|old| old.role_name != properties.role_name) {
        changes.push(format!("MemberRoleName from {} to {}", old.role_name, properties.role_name));
    }
    if changes.is_empty() { Ok(()) } else { Err(reason::cannot_change(&changes)) }
}
