//! `Custom::OrchesteraContact`: one alternate contact of one account. Observe → plan → apply.
//!
//! A contact that somebody else set is never overwritten and never deleted. What fails in a member account becomes a
//! warning: by then the account exists, and a failure would roll back everything for the sake of a contact.

use crate::account::failure;
use crate::account::reason::of_read;
use crate::environment::Environment;
use crate::management_account::ManagementAccount;
use crate::management_account::contacts::Contact;
use crate::wait::{Clock, is_rolling_back, own_resource, own_resource_being_deleted, retry};
use custom_resource::response::Attribute;
use custom_resource::{Address, Attributes, Error, Kind, Result};
use observe::{Observed, observe};
use physical_id::{Origin, PhysicalId};
use place::Place;
use plan::{Done, Next, Ownership};
use properties::Properties;

pub mod observe;
pub mod physical_id;
pub mod place;
pub mod plan;
pub mod properties;
pub mod reason;

/// One event about a contact.
#[derive(Debug)]
pub struct Event<'a, M> {
    pub account: &'a M,
    pub address: &'a Address,
    pub environment: &'a Environment,
    /// The id of the function's own account.
    pub own: &'a str,
    pub clock: Clock,
}

impl<M: ManagementAccount> Event<'_, M> {
    /// Sets the contact if the account has none of that kind. The physical id says what it found.
    ///
    /// # Errors
    /// What the contract refuses, and those of the calls in the management account. All with a sentence.
    pub async fn create(&self, properties: &Properties) -> Result<(PhysicalId, Done)> {
        let place = self.place(properties);
        let mut was_sent = false;
        let created = retry(&self.clock, async || {
            let observed = self.observed(properties).await?;
            let next = plan::create(place, &properties.contact, &observed, was_sent);
            self.apply(next, properties, &mut was_sent).await
        });
        let done = self.or_warning(properties, created.await)?;
        let origin = if done.ownership == Ownership::Created { Origin::Made } else { Origin::Found };
        Ok((PhysicalId { account_id: place.account_id.to_owned(), kind: place.kind, origin }, done))
    }

    /// Changes the contact, if this resource has set it and nobody has changed it since.
    ///
    /// # Errors
    /// As for [`Event::create`]. During a rollback there is none: it must not get stuck for the sake of a contact.
    pub async fn update(&self, id: &PhysicalId, properties: &Properties, old: Option<&Properties>) -> Result<Done> {
        let place = self.place(properties);
        let old = old.map(|old| &old.contact);
        let updated = retry(&self.clock, async || {
            if (id.account_id.as_str(), id.kind) != (place.account_id, place.kind) {
                return Err(reason::cannot_change(id, place));
            }
            let observed = self.observed(properties).await?;
            let next = plan::update(place, id.origin, &properties.contact, old, &observed);
            // After a Put whose answer was lost, the contact is the new one or still the old one: both are ours.
            self.apply(next, properties, &mut false).await
        });
        match self.or_warning(properties, updated.await) {
            // For such an id nothing is written, so that no call has to succeed.
            Err(error) if id.origin == Origin::Found && is_of_aws(&error) => {
                Ok(Done::not_set(reason::stays(place, &error)))
            }
            Err(error) if is_rolling_back(self.account, self.address).await => {
                Ok(Done::not_set(reason::stays(place, &error)))
            }
            done => done,
        }
    }

    /// Deletes the contact, if this resource has set it and nobody has changed it since. Never fails. The note says
    /// what was kept.
    pub async fn delete(&self, id: &PhysicalId, properties: &Properties) -> String {
        let place = id.place();
        if id.origin == Origin::Found || place != self.place(properties) {
            return reason::is_not_ours(place);
        }
        let deleted = retry(&self.clock, async || {
            self.environment.refuse_other_stacks(self.address)?;
            let observed = self.observed(properties).await?;
            let next = plan::delete(place, &properties.contact, &observed);
            self.apply(next, properties, &mut false).await
        });
        match deleted.await {
            Ok(done) => done.warning.unwrap_or_default(),
            Err(error) => reason::was_not_deleted(place, &error),
        }
    }

    fn place<'p>(&'p self, properties: &'p Properties) -> Place<'p> {
        Place { account_id: properties.account_id.as_deref().unwrap_or(self.own), kind: properties.kind }
    }

    async fn observed(&self, properties: &Properties) -> Result<Observed> {
        observe(self.account, properties, &self.address.stack_id).await.map_err(of_read)
    }

    /// Sends the step. `was_sent` remembers a Put whose answer may be lost.
    async fn apply(&self, next: Next, properties: &Properties, was_sent: &mut bool) -> Result<Done> {
        tracing::info!(%next, "planned");
        match next {
            Next::Done(done) => Ok(done),
            Next::Put(contact) => {
                self.put(properties, &contact, was_sent).await?;
                Ok(Done::created())
            }
            Next::Delete => {
                self.delete_contact(properties).await?;
                Ok(Done { ownership: Ownership::None, warning: None })
            }
        }
    }

    /// Whoever may invoke the function could otherwise name themselves as the security contact. So the template has to
    /// have given the function the same contact, and the stack has to wait for the event.
    ///
    /// The environment is that of the event's properties in both directions of an Update. The resource depends on the
    /// function (its `ServiceToken`), so that CloudFormation changes the function first and then sends the Update. A
    /// rollback keeps that order: first the function gets the old environment, then the Update with the old properties
    /// comes. When a parameter is cleared, the function loses the contact first and the Delete comes with the cleanup:
    /// a Delete does not need the environment's contact.
    async fn put(&self, properties: &Properties, contact: &Contact, was_sent: &mut bool) -> Result<()> {
        self.environment.refuse_other_contacts(self.address, properties.kind.name(), &properties.text)?;
        own_resource(self.account, self.address, &self.clock.budget).await.map_err(of_read)?;
        self.clock.refuse_late_writes()?;
        *was_sent = true;
        let put = self.account.put_contact(properties.kind, properties.account_id.as_deref(), contact).await;
        put.map_err(|error| match properties.account_id {
            // The warning has a beginning of its own.
            Some(_) => of_read(error),
            None => failure::of_call(error, &reason::could_not_be_set(self.place(properties))),
        })
    }

    async fn delete_contact(&self, properties: &Properties) -> Result<()> {
        own_resource_being_deleted(self.account, self.address, &self.clock.budget).await.map_err(of_read)?;
        self.clock.refuse_late_writes()?;
        match self.account.delete_contact(properties.kind, properties.account_id.as_deref()).await {
            Err(error) if error.kind() == Kind::Gone => Ok(()),
            deleted => deleted.map_err(of_read),
        }
    }

    /// Turns the error of a call about a member account into a warning. What is wrong with the event itself, and a
    /// stack that no longer waits, stay errors.
    fn or_warning(&self, properties: &Properties, done: Result<Done>) -> Result<Done> {
        match done {
            Err(error) if properties.account_id.is_some() && is_of_aws(&error) => {
                Ok(Done::not_set(reason::is_out_of_reach(self.place(properties), &error)))
            }
            done => done,
        }
    }
}

/// Whether AWS refused a call or did not answer in time.
fn is_of_aws(error: &Error) -> bool {
    error.failed_call().is_some() || error.kind() == Kind::OutOfTime
}

/// What `Fn::GetAtt` returns. Every attribute is always present.
pub fn attributes(done: Done) -> Attributes {
    let sentences = done.warning.into_iter().collect();
    [
        ("Ownership", done.ownership.name().to_owned().into()),
        ("Warnings", Attribute::Sentences { sentences, left_out: 0 }),
    ]
    .into()
}
