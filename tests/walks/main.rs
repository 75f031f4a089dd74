//! Random walks: two stacks that want the same names, people and the grantee who change things by hand, faults, kills and
//! repeats, against a small model of what should exist.
//!
//! 10,000 steps, the same in every run; `WALK_STEPS` asks for more, `WALK_SEED` for others. A walk that fails is shrunk to the
//! shortest one that does, and printed.

mod by_hand;
#[path = "../common/mod.rs"]
mod common;
mod customer_tags;
mod model;
mod object;
mod step;

use model::Model;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;
use std::io::Write as _;
use step::Step;
use tokio::runtime::Builder;

const LONGEST_WALK: usize = 30;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

#[test]
fn a_random_walk_never_hangs_never_orphans_and_never_touches_what_is_not_ours() {
    let wanted = number("WALK_STEPS").unwrap_or(10_000);
    let seed = number("WALK_SEED").unwrap_or(0);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    // The walks are the same every time: there is nothing to remember beside the source.
    // A walk has half of the longest on average; one in twenty more, because the average is not met exactly.
    let walks = u32::try_from(wanted * 21 / 20).unwrap() / (LONGEST_WALK as u32 / 2) + 1;
    let config = Config { cases: walks, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let (played, events, sure) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let walked = TestRunner::new_with_rng(config, rng).run(&step::walks(LONGEST_WALK), |walk| {
        // Time stands still unless nothing else is to do.
        let clock = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let model = clock.block_on(walk_along(&walk))?;
        played.set(played.get() + walk.len());
        events.set(events.get() + model.events);
        sure.set(sure.get() + model.sure);
        Ok(())
    });
    let (played, events, sure) = (played.get(), events.get(), sure.get());
    writeln!(std::io::stderr(), "{played} steps, {events} events, of which {sure} had to succeed").unwrap();
    if let Err(error) = walked {
        panic!("{error}");
    }
    assert!(played as u64 >= wanted, "{played} steps");
    assert!(sure * 3 > events, "the model excuses too much: {sure} of {events} had to succeed");
}

/// One walk, and at its end the stacks are deleted.
async fn walk_along(walk: &[Step]) -> Result<Model, TestCaseError> {
    let mut model = Model::new();
    for step in walk {
        model.take(step).await?;
    }
    model.end().await?;
    Ok(model)
}
