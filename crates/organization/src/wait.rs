//! Waiting for something that AWS does: a pause that grows, the resource's own state, and the end of the wait.

use crate::account::reason;
use crate::management_account::{ManagementAccount, StackResource};
use custom_resource::{Address, Budget, Error, Kind, Result};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep, timeout_at};

/// The first pause. Each further pause is half as long again.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The calls of Organizations are limited for the whole organization.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long after the resource's event began the function may end without a response. Lambda repeats the event twice,
/// a minute and then two minutes after a failed attempt of at most 900 seconds. The third attempt begins before 1980 s
/// and has to respond.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
const LAST_ATTEMPT_BEGINS: Duration = Duration::from_secs(1900);

/// How long a missing right is waited for: the rights of a new role arrive within seconds.
const RIGHTS_ARRIVE: Duration = Duration::from_secs(30);

/// The time of one invocation.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub budget: Budget,
    /// The time of day at `budget.start`.
    pub start: SystemTime,
}

impl Clock {
    /// The time of day.
    pub fn now(&self) -> SystemTime {
        self.start + self.budget.start.elapsed()
    }

    /// No write begins when its answer could no longer be awaited.
    ///
    /// # Errors
    /// [`OutOfTime`](Kind::OutOfTime), with a sentence.
    pub fn refuse_late_writes(&self) -> Result<()> {
        if self.budget.may_write() { Ok(()) } else { Err(reason::of_read(Error::new(Kind::OutOfTime, ""))) }
    }
}

/// How a wait goes on.
#[derive(Debug)]
pub enum Waited {
    /// Look again.
    Again,
    /// This invocation has no time left, and Lambda repeats the event.
    NextInvocation,
    /// Nothing more will be tried.
    Ended,
}

/// The pauses of one event.
#[derive(Debug)]
pub struct Wait<'a> {
    clock: &'a Clock,
    pause: Duration,
}

impl<'a> Wait<'a> {
    pub fn new(clock: &'a Clock) -> Self {
        Self { clock, pause: FIRST_PAUSE }
    }

    /// Pauses for something that takes its time. `resource` is what CloudFormation said last of the event's resource.
    pub async fn pause(&mut self, resource: Option<&StackResource>) -> Waited {
        let left = self.clock.budget.writes_end.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            // However long the pause has become, the last look comes at the end of the invocation.
            sleep(self.pause.min(left)).await;
            self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
            return Waited::Again;
        }
        let has_attempts_left = resource.is_some_and(|resource| {
            // A clock that is behind CloudFormation's counts as no time.
            self.clock.now().duration_since(resource.last_updated).unwrap_or_default() < LAST_ATTEMPT_BEGINS
        });
        if has_attempts_left { Waited::NextInvocation } else { Waited::Ended }
    }

    /// Whether trying again after this error may help.
    pub fn may_pass(&self, error: &Error) -> bool {
        match error.kind() {
            Kind::Gone | Kind::LookAgain | Kind::Unavailable => true,
            Kind::Denied => Instant::now() < self.clock.budget.start + RIGHTS_ARRIVE,
            Kind::Refused | Kind::OutOfTime | Kind::Bug => false,
        }
    }
}

/// What CloudFormation says of the event's own resource.
///
/// A rollback's Delete may have been answered while an earlier invocation is still waiting, and Lambda may repeat an
/// event that nobody waits for any more. Only the resource itself tells.
///
/// # Errors
/// [`Refused`](Kind::Refused) if the stack no longer waits for the event. Those of the call.
pub async fn own_resource<M: ManagementAccount>(
    account: &M,
    address: &Address,
    budget: &Budget,
) -> Result<StackResource> {
    own_resource_in(account, address, budget, &["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"]).await
}

/// The same before something is deleted, whether with the whole stack, in a rollback, or in the cleanup of an Update.
///
/// # Errors
/// [`Refused`](Kind::Refused) if the stack is not deleting the resource with the event's physical id. Those of the
/// call.
pub async fn own_resource_being_deleted<M: ManagementAccount>(
    account: &M,
    address: &Address,
    budget: &Budget,
) -> Result<()> {
    let resource = own_resource_in(account, address, budget, &["DELETE_IN_PROGRESS"]).await?;
    let named = address.physical_id.as_deref().unwrap_or_default();
    if resource.physical_id.is_empty() || resource.physical_id == named {
        return Ok(());
    }
    Err(Error::refused(format!(
        "The stack is deleting {}, and the event names {named}. Nothing was done.",
        resource.physical_id
    )))
}

async fn own_resource_in<M: ManagementAccount>(
    account: &M,
    address: &Address,
    budget: &Budget,
    statuses: &[&str],
) -> Result<StackResource> {
    let read = account.stack_resource(&address.stack_id, &address.logical_id);
    let resource = match timeout_at(budget.calls_end, read).await {
        Ok(resource) => resource?,
        Err(_) => return Err(Error::new(Kind::OutOfTime, "")),
    };
    match resource {
        Some(resource) if statuses.contains(&resource.status.as_str()) => Ok(resource),
        resource => Err(Error::refused(format!(
            "The stack no longer waits for {}, which is {}. Nothing more was done.",
            address.logical_id,
            resource.map_or_else(|| "gone".to_owned(), |resource| resource.status),
        ))),
    }
}

/// Whether the stack is being rolled back. If it cannot be read, it is not.
pub async fn is_rolling_back<M: ManagementAccount>(account: &M, address: &Address) -> bool {
    let status = account.stack_status(&address.stack_id).await;
    status.is_ok_and(|status| status.contains("ROLLBACK_IN_PROGRESS"))
}

/// Repeats the work while its error may pass and this invocation has time.
///
/// # Errors
/// Those of the work. Where the time ended, the error for which it was tried again.
pub async fn retry<T>(clock: &Clock, mut work: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut wait = Wait::new(clock);
    // An attempt for which there was no time says nothing of its own.
    let mut cause = None;
    loop {
        let done = timeout_at(clock.budget.calls_end, work()).await;
        match done.unwrap_or_else(|_| Err(reason::of_read(Error::new(Kind::OutOfTime, "")))) {
            Err(error) if wait.may_pass(&error) => {
                tracing::info!(cause = error.cause(), kind = ?error.kind(), "trying again");
                if !matches!(wait.pause(None).await, Waited::Again) {
                    return Err(error);
                }
                cause = Some(error);
            }
            Err(error) if error.is_without_time() => return Err(cause.unwrap_or(error)),
            done => return done,
        }
    }
}
