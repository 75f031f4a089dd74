//! When trying again is worth it, and for how long.

use custom_resource::call::late_signature;
use custom_resource::{Budget, Error, Kind};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a missing right is waited for: the rights of a new role arrive within seconds.
/// <https://github.com/aws/aws-cdk/issues/37675>
pub const RIGHTS_ARRIVE: Duration = Duration::from_secs(15);
/// How often a call without a clear answer is tried again, beyond the SDK's own attempts.
const MOST_RETRIES: u32 = 2;
/// The same if the name of the endpoint cannot be resolved. The SDK's attempts take up to 20 seconds then. After a third
/// time the invocation could say only that its time ended.
const MOST_RETRIES_UNRESOLVED: u32 = 1;
/// How often a state that has changed since it was read is read again.
const MOST_READS: u32 = 9;
/// The first pause. Each further pause is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_millis(200);
pub const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// How often a call that ended in this error is tried again, if it had no clear answer.
fn most_retries(error: &Error) -> u32 {
    if error.unresolved().is_some() { MOST_RETRIES_UNRESOLVED } else { MOST_RETRIES }
}

/// The calls without a clear answer that were tried again.
#[derive(Default)]
pub struct Unanswered {
    retries: u32,
    late_signatures: Vec<&'static str>,
}

impl Unanswered {
    /// Whether another attempt is worth it. A late signature is written anew by the next attempt, so that each of its codes is
    /// retried once. A clock that stays wrong says the same again.
    pub fn may_retry(&mut self, error: &Error) -> bool {
        match late_signature(error) {
            Some(code) if self.late_signatures.contains(&code) => false,
            Some(code) => {
                self.late_signatures.push(code);
                true
            }
            None => {
                self.retries += 1;
                self.retries <= most_retries(error)
            }
        }
    }
}

/// The attempts of one event.
pub struct Retries<'a> {
    budget: &'a Budget,
    reads: u32,
    unanswered: Unanswered,
    pause: Duration,
}

impl<'a> Retries<'a> {
    pub fn new(budget: &'a Budget) -> Self {
        Self { budget, reads: 0, unanswered: Unanswered::default(), pause: FIRST_PAUSE }
    }

    /// Waits if the error may pass by itself. `false` if trying again does not help or its time has ended.
    pub async fn wait(&mut self, error: &Error) -> bool {
        let worth_it = match error.kind() {
            Kind::Gone | Kind::LookAgain => {
                self.reads += 1;
                self.reads <= MOST_READS
            }
            Kind::Unavailable => self.unanswered.may_retry(error),
            Kind::Denied => Instant::now() + self.pause < self.budget.start + RIGHTS_ARRIVE,
            Kind::Refused | Kind::OutOfTime | Kind::Bug => false,
        };
        if !worth_it || !self.budget.may_write_after(self.pause) {
            return false;
        }
        tracing::info!(cause = error.cause(), kind = ?error.kind(), "trying again");
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}
