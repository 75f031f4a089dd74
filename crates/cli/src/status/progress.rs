//! Progress on standard error, only on a terminal: a bar, the rate, the time left, what takes long, what failed.

use super::row::Row;
use crate::arguments::Printing;
use crate::assessment::State;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An account that takes longer is named.
const SLOW: Duration = Duration::from_secs(5);

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
    pub fn new(printing: &Printing, accounts: usize) -> Self {
        let is_shown = io::stderr().is_terminal() && !printing.quiet;
        let target = if is_shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(accounts as u64), target);
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} accounts, {per_sec}, {eta} left{msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if is_shown {
            bar.enable_steady_tick(Duration::from_millis(500));
        }
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
        self.bar.set_message(running.message());
        self.bar.inc(1);
    }

    /// The bar goes.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Running {
    fn message(&self) -> String {
        let slowest = self.began.iter().min_by_key(|(_, began)| **began).filter(|(_, began)| began.elapsed() > SLOW);
        let slowest = slowest.map(|(id, began)| format!(", {id} takes {} s", began.elapsed().as_secs()));
        let unread = (self.unread > 0).then(|| format!(", {} no way in", self.unread));
        format!("{}{}", unread.unwrap_or_default(), slowest.unwrap_or_default())
    }
}
