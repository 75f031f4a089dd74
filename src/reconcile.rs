//! Observe → plan → apply, for each kind of event.
//!
//! [`state`] is what is there. [`plan`] and [`departure`] are pure functions from what is wanted (or leaving) and what is
//! there to a list of steps. [`apply`] does the steps. [`settle`] repeats the three until nothing is left to do. This file
//! says what each kind of event wants; `docs/semantics.md` is the same as a table.

pub mod adoption;
pub mod apply;
pub mod attributes;
pub mod claim;
pub mod departure;
pub mod drift;
pub mod external_id;
pub mod plan;
pub mod reason;
mod restoration;
pub mod settle;
pub mod state;
pub mod suspension;
pub mod wanted;

use crate::account::Account;
use crate::budget::Budget;
use crate::error::{Error, Kind, Result};
use crate::iam::{Iam, Write};
use crate::ownership::Resource;
use crate::physical_id::{self, PhysicalId};
use crate::properties::{DeleteProperties, OldProperties, OnDelete, Properties, tags};
use crate::request::{Address, Request};
use crate::response::{Attributes, Outcome};
use apply::Made;
use claim::Claim;
use departure::{Departure, Leaving, Manner};
use external_id::Generated;
use plan::Plan;
use serde_json::Value;
use settle::Settled;
use state::{Expected, Role, Sight, State};
use std::collections::BTreeSet;
use std::time::Duration;
use suspension::Locks;
use tokio::time::{Instant, sleep};
use wanted::Wanted;

/// How long a Delete with an id that CloudFormation made up looks for what a Create that was cancelled may still be making.
/// <https://github.com/aws/aws-cdk/issues/26139>
const LOOK_FOR_CANCELLED_CREATE: Duration = Duration::from_secs(15);

/// Behind the error of an event that was to close the role.
const LOCKS_UNKNOWN: &str = "Which of the kill switch's locks are in place could not be read: look at the role in IAM.";

/// When something to remove was not there: how long until it is looked for once more.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Everything that one event is worked on with. [`place`](crate::member::place) has found the account, and that an id in the
/// event is one of it.
pub struct Reconciler<'a, I> {
    pub iam: &'a I,
    pub account: Account,
    pub resource: Resource,
    pub budget: Budget,
}

impl<I: Iam> Reconciler<'_, I> {
    /// Does what the event asks and says what came of it. Never fails otherwise than by [`Outcome::Failed`].
    pub async fn handle(&self, address: &Address, request: &Request) -> Outcome {
        let done = match request {
            Request::Create { properties } => self.create(properties).await,
            Request::Update { physical_id, properties, old_properties } => {
                self.update(physical_id, properties, old_properties).await
            }
            Request::Delete { physical_id, properties } => self.delete(physical_id, properties).await,
        };
        done.unwrap_or_else(|error| failed(address, error))
    }

    async fn create(&self, properties: &Value) -> Result<Outcome> {
        let wanted = Wanted {
            claim: Claim::ByTags,
            generated: Generated::New(external_id::random()?),
            ..self.wanted(Properties::parse(properties)?, OldProperties::default())
        };
        let made = Made::default();
        match self.converge(&wanted, Expected::Nothing, &made).await {
            Ok(settled) => success(&wanted, &settled, String::new()),
            Err(error) => {
                let left = Leaving {
                    manner: Manner::Undo,
                    role: made.role.get(),
                    policy: made.policy.get(),
                    ..self.remnant(&wanted.id, properties)
                };
                Err(self.after_removing(left, &made, error).await)
            }
        }
    }

    async fn update(&self, carried: &str, properties: &Value, old_properties: &Value) -> Result<Outcome> {
        // The id of a failed Create, or one that CloudFormation made up, names no role and no policy. Nothing is held yet, so
        // that the rules of Create hold, and the names are those of the new properties. The answer keeps the id: a new one
        // would bring a Delete of the old, which goes by the names in its properties, and those are the names of what has just
        // been made. Under other names nothing is looked for: a Create that fails removes what it made, and CloudFormation
        // deletes a resource whose Create failed before it works on the stack again.
        // <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html>
        if PhysicalId::parse(carried).is_none() {
            return Ok(self.create(properties).await?.under(carried));
        }
        // That the resource holds the names is proved by the id, which names the same (`place` has seen to that). So even lost
        // tags are drift.
        let wanted = self.wanted(Properties::parse(properties)?, OldProperties::read(old_properties));
        match self.converge(&wanted, Expected::first_version(), &Made::default()).await {
            Ok(settled) => success(&wanted, &settled, String::new()),
            Err(error) if wanted.is_suspended() => {
                let is_meant = |there: &State, role: &Role| wanted.is_the_platforms(there, role);
                Err(self.and_the_locks(&wanted.id, is_meant, error).await)
            }
            Err(error) => Err(error),
        }
    }

    /// The error of an event that was to close the role, and which locks are in place all the same, as IAM shows them. Nothing
    /// is said of a role that is not meant.
    async fn and_the_locks(&self, id: &PhysicalId, is_meant: impl Fn(&State, &Role) -> bool, error: Error) -> Error {
        let Ok(there) = self.look_once(id, Sight::Convergence).await else { return error.and(LOCKS_UNKNOWN) };
        let locks = |role| Locks::of(role, &id.policy_name, &self.account.policy_arn(&id.policy_name));
        match there.role.as_ref().filter(|role| is_meant(&there, role)).map(locks) {
            Some(locks) => error.and(&locks.to_string()),
            None => error,
        }
    }

    async fn delete(&self, carried: &str, properties: &Value) -> Result<Outcome> {
        let read = DeleteProperties::read(properties);
        let note = match PhysicalId::parse(carried) {
            Some(id) => {
                let manner = match read.on_delete {
                    OnDelete::Retain => Manner::Retain,
                    OnDelete::DeleteCreated => Manner::Delete { all: false },
                    OnDelete::DeleteAll => Manner::Delete { all: true },
                };
                self.remove(&Leaving { manner, ..self.remnant(&id, properties) }).await?
            }
            None => match read.names() {
                Some((role_name, policy_name)) => {
                    let leaving = self.remnant(&self.account.physical_id(role_name, policy_name), properties);
                    let note = self.remove(&leaving).await?;
                    if physical_id::is_of_failed_create(carried) {
                        note
                    } else {
                        self.keep_looking(&leaving, note).await?
                    }
                }
                // No Create can have made anything under names that IAM does not allow.
                None => String::new(),
            },
        };
        Ok(Outcome::Success { physical_id: carried.to_owned(), attributes: Attributes::new(), note })
    }

    /// Removes again and again what a Create that was cancelled, and may still be running, makes.
    async fn keep_looking(&self, leaving: &Leaving, mut note: String) -> Result<String> {
        let until = Instant::now() + LOOK_FOR_CANCELLED_CREATE;
        const PAUSE: Duration = Duration::from_secs(3);
        while Instant::now() < until && self.budget.may_write_after(PAUSE) {
            sleep(PAUSE).await;
            let more = self.remove(leaving).await?;
            if more != note {
                note = format!("{note} {more}").trim().to_owned();
            }
        }
        Ok(note)
    }

    /// What is wanted by an Update in place; the other events change what is different with them.
    fn wanted(&self, properties: Properties, old_properties: OldProperties) -> Wanted {
        Wanted {
            account: self.account.clone(),
            resource: self.resource.clone(),
            id: self.account.physical_id(&properties.role_name, &properties.policy_name),
            properties,
            claim: Claim::ByName,
            old_properties,
            generated: Generated::Kept,
        }
    }

    /// Both objects under an id, as far as they carry it; `properties` are those that it was made with.
    fn remnant(&self, id: &PhysicalId, properties: &Value) -> Leaving {
        Leaving {
            account: self.account.clone(),
            resource: self.resource.clone(),
            id: id.clone(),
            manner: Manner::Remnant,
            role: true,
            policy: true,
            tags: tags(properties),
            has_put_back: false,
            is_policy_gone: false,
            is_boundary_gone: false,
        }
    }

    /// The error, after an attempt to remove what would be left behind. Says so if that fails.
    async fn after_removing(&self, left: Leaving, made: &Made, error: Error) -> Error {
        if !(left.role || left.policy) || error.kind() == Kind::OutOfTime {
            return error;
        }
        match self.remove(&left).await {
            Ok(_) => error,
            Err(also) if also.kind() == Kind::Denied && self.remove_unseen(&left, made).await => error,
            Err(also) => error.and(&format!("Removing what this attempt had made failed as well: {}", also.reason())),
        }
    }

    /// Removes what this invocation created although nothing may be read: writes can be allowed where reads are not. Whether
    /// nothing is left; what it adopted would have to be read to be put back.
    async fn remove_unseen(&self, left: &Leaving, made: &Made) -> bool {
        let (role, policy) = (left.role && made.created_role.get(), left.policy && made.created_policy.get());
        let (role_name, policy_arn) = (left.id.role_name.clone(), self.account.policy_arn(&left.id.policy_name));
        let mut stages = Vec::new();
        if role {
            stages.push(vec![Write::DetachRolePolicy { role_name: role_name.clone(), policy_arn: policy_arn.clone() }]);
            stages.push(vec![Write::DeleteRole { role_name }]);
        }
        if policy {
            stages.push(vec![Write::DeletePolicy { policy_arn }]);
        }
        let removed = apply::apply(self.iam, &self.account, &self.budget, &Plan { stages }, &Made::default()).await;
        removed.is_ok() && (left.role, left.policy) == (role, policy)
    }

    async fn converge(&self, wanted: &Wanted, expected: Expected, made: &Made) -> Result<Settled> {
        self.settle(&wanted.id, (Sight::Convergence, expected), made, |there| plan::plan(wanted, there)).await
    }

    /// Removes what is leaving; what was left or touched beside it comes back as sentences. That one of the
    /// two is not there is believed at the second look only: IAM's reads may be older than what a Create has just made.
    async fn remove(&self, leaving: &Leaving) -> Result<String> {
        let (mut leaving, mut removal) = (leaving.clone(), Removal::default());
        for look in 1..=2 {
            let mut done = self.remove_what_is_seen(&mut leaving, &mut removal).await;
            // What an adopted role had before may have been deleted since: the role is put back without it.
            while let Err(error) = &done {
                let gone = match error.failed_call().map(|call| call.operation) {
                    Some("AttachRolePolicy") => &mut leaving.is_policy_gone,
                    Some("PutRolePermissionsBoundary") => &mut leaving.is_boundary_gone,
                    _ => break,
                };
                if !error.is("NoSuchEntity") || std::mem::replace(gone, true) {
                    break;
                }
                done = self.remove_what_is_seen(&mut leaving, &mut removal).await;
            }
            if let (Err(error), true) = (&done, removal.refusal.is_some()) {
                return Err(self.and_the_locks(&leaving.id, |_, _| true, error.clone()).await);
            }
            done?;
            if removal.seen || look == 2 || !self.budget.may_write_after(SECOND_LOOK) {
                break;
            }
            sleep(SECOND_LOOK).await;
        }
        match removal.refusal {
            Some(refusal) => Err(Error::refused(refusal)),
            None => Ok(removal.notes.into_iter().collect::<Vec<_>>().join(" ")),
        }
    }

    async fn remove_what_is_seen(&self, leaving: &mut Leaving, removal: &mut Removal) -> Result<()> {
        let id = leaving.id.clone();
        self.settle(&id, (Sight::Departure, Expected::first_version()), &Made::default(), |there| {
            removal.seen |= there.role.is_some() && there.policy.is_some();
            let departure = match departure::departure(leaving, there) {
                // The role is shut. The refusal stands, and nothing else happens before a person has read it.
                Ok(Departure { refusal: None, .. }) | Err(_) if removal.refusal.is_some() => return Ok(Plan::default()),
                departure => departure?,
            };
            removal.notes.extend(departure.notes);
            if !leaving.has_put_back {
                removal.notes.extend(departure.left);
            }
            leaving.has_put_back |= departure.puts_back;
            removal.refusal = removal.refusal.take().or(departure.refusal);
            Ok(departure.plan)
        })
        .await
        .map(drop)
    }
}

/// What has come of a removal so far.
#[derive(Default)]
struct Removal {
    /// What was left or touched beside it, as sentences.
    notes: BTreeSet<String>,
    refusal: Option<String>,
    /// Whether both objects were seen at once.
    seen: bool,
}

/// FAILED, with the id that leaves CloudFormation's idea of the resource as it was.
pub fn failed(address: &Address, error: Error) -> Outcome {
    let of_create = || physical_id::of_failed_create(&address.logical_id, &address.request_id);
    Outcome::Failed { physical_id: address.physical_id.clone().unwrap_or_else(of_create), error }
}

fn success(wanted: &Wanted, settled: &Settled, note: String) -> Result<Outcome> {
    let physical_id = wanted.id.to_string();
    Ok(Outcome::Success { physical_id, attributes: attributes::of(wanted, settled)?, note })
}
