//! Progress on standard error, only on a terminal: a bar, the rate, the time left, what takes long, what failed.

use super::row::Row;
use crate::assessment::State;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An account that takes longer is named.
const SLOW: Duration = Duration::from_secs(5);
/// So many of them.
const NAMED: usize = 3;

/// See the module.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    began: BTreeMap<String, Instant>,
    unread: usize,
}

impl Progress {
    /// Of so many accounts. Without a terminal, nothing is shown.
    pub fn new(accounts: usize, is_wanted: bool) -> Self {
        let is_shown = io::stderr().is_terminal() && is_wanted;
        let target = if is_shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(accounts as u64), target);
        // The second line is cut at the width of the terminal.
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} accounts{rate}\n{wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate));
        Self { bar, running: Mutex::default() }
    }

    /// An account is being read.
    pub fn begin(&self, account_id: &str) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.began.insert(account_id.to_owned(), Instant::now());
    }

    /// It has been read.
    pub fn end_of(&self, row: &Row) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.began.remove(&row.account_id);
        running.unread += usize::from(row.state == State::NoWayIn);
        self.bar.set_message(running.message(Instant::now()));
        self.bar.inc(1);
    }

    /// Time has passed.
    pub fn tick(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.bar.set_message(running.message(Instant::now()));
        self.bar.tick();
    }

    /// The bar goes.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Nothing before the first account has been read.
fn rate(state: &ProgressState, text: &mut dyn Write) {
    if state.pos() > 0 {
        let left = HumanDuration(state.eta());
        write!(text, ", {:.1}/s, {left} left", state.per_sec()).unwrap_or_default();
    }
}

impl Running {
    fn message(&self, now: Instant) -> String {
        let unread = (self.unread > 0).then(|| format!("{} could not be read", self.unread));
        let seconds = |began: &Instant| now.saturating_duration_since(*began);
        let mut slow: Vec<_> = self.began.iter().filter(|(_, began)| seconds(began) > SLOW).collect();
        slow.sort_by_key(|(_, began)| **began);
        let slow = slow.into_iter().take(NAMED);
        let slow = slow.map(|(id, began)| format!("{id} takes {} s", seconds(began).as_secs()));
        unread.into_iter().chain(slow).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_named_the_slowest_first_and_so_many_at_most() {
        let now = Instant::now() + Duration::from_secs(60);
        let ago = |seconds| now - Duration::from_secs(seconds);
        let mut running = Running::default();
        assert_eq!(running.message(now), "");
        for (id, seconds) in [("a", 5), ("b", 6), ("c", 20), ("d", 8), ("e", 7)] {
            running.began.insert(id.to_owned(), ago(seconds));
        }
        assert_eq!(running.message(now), "c takes 20 s, d takes 8 s, e takes 7 s");
        running.unread = 2;
        assert_eq!(running.message(now), "2 could not be read, c takes 20 s, d takes 8 s, e takes 7 s");
    }
}
