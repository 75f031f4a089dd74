//! How long an invocation may do what.
//!
//! Lambda ends an invocation at its deadline, and a stack that hears nothing waits. So the time is divided from the
//! end: the last part belongs to the answer alone, before that calls in flight are only awaited, and before that writes
//! may begin. With a function timeout of 60 seconds the parts are those of [`Budget::new`]; a shorter one shrinks them
//! all.

use std::time::Duration;
use tokio::time::Instant;

/// The parts of an invocation's time.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// When the invocation began.
    pub start: Instant,
    /// No write begins after this.
    pub writes_end: Instant,
    /// No call is awaited after this: its outcome stays unknown.
    pub calls_end: Instant,
    /// The answer goes out by now, whatever the work is doing.
    pub answer_by: Instant,
    /// No attempt to deliver it is made after this.
    pub delivery_ends: Instant,
}

impl Budget {
    /// Divides what is left until Lambda's `deadline`.
    pub fn new(start: Instant, deadline: Instant) -> Self {
        let total = deadline.saturating_duration_since(start);
        let before_deadline = |seconds: f64| {
            // The numbers are for a minute; less time is divided alike.
            let share = total.as_secs_f64().min(60.0) / 60.0;
            deadline.checked_sub(Duration::from_secs_f64(seconds * share)).unwrap_or(start).max(start)
        };
        Self {
            start,
            writes_end: before_deadline(17.0),
            calls_end: before_deadline(13.0),
            answer_by: before_deadline(12.0),
            delivery_ends: before_deadline(1.0),
        }
    }

    /// The same time, for work that begins only now.
    pub fn starting_now(self) -> Self {
        Self { start: Instant::now(), ..self }
    }

    /// Whether a write may begin now.
    pub fn may_write(&self) -> bool {
        Instant::now() < self.writes_end
    }

    /// Whether, after waiting so long, a write may still begin.
    pub fn may_write_after(&self, wait: Duration) -> bool {
        Instant::now() + wait < self.writes_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_divided_so_that_the_answer_has_time_for_more_than_one_attempt() {
        let start = Instant::now();
        let budget = Budget::new(start, start + Duration::from_secs(60));
        let seconds = |at: Instant| (at - start).as_secs_f64().round();
        assert_eq!(seconds(budget.writes_end), 43.0);
        assert_eq!(seconds(budget.calls_end), 47.0);
        assert_eq!(seconds(budget.answer_by), 48.0);
        assert_eq!(seconds(budget.delivery_ends), 59.0);
    }

    #[test]
    fn less_time_is_divided_alike_and_more_is_spent_on_the_work() {
        let start = Instant::now();
        let six = Budget::new(start, start + Duration::from_secs(6));
        assert_eq!((six.writes_end - start).as_millis(), 4300);
        assert_eq!((six.delivery_ends - start).as_millis(), 5900);
        let long = Budget::new(start, start + Duration::from_secs(900));
        assert_eq!((long.answer_by - start).as_secs(), 888);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_leaves_no_time_for_anything() {
        let start = Instant::now();
        let budget = Budget::new(start, start - Duration::from_secs(5));
        assert!(!budget.may_write());
        assert_eq!(budget.answer_by, start);
        let budget = Budget::new(start, start + Duration::from_secs(60));
        assert!(budget.may_write() && budget.may_write_after(Duration::from_secs(42)));
        assert!(!budget.may_write_after(Duration::from_secs(43)));
    }
}
