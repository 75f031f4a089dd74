//! Every call, every fault: each kind of event, in each state that it can find, with each fault at each of its calls.
//!
//! Generated, not written one by one. After each case: an acceptable answer in time; what CloudFormation does next
//! leaves nothing of ours behind and nothing of others changed; the same event again converges. A case that fails
//! prints its name; `FAULT_CASE="<name>" cargo test --test faults` plays it alone, and every case with a part of a name.
//!
//! The cases over HTTP go through the real SDK client, which is slow to play: only some states have them, and all with
//! `DEEP=1`, which `make -C tests deep` sets.

#[path = "../common/mod.rs"]
mod common;
mod event;
mod kinds;
mod scene;
mod states;

use event::{EVENTS, Event};
use kinds::{HTTP, Kind, MEANWHILE, SEAM};
use scene::{Played, Scene};
use states::states;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::runtime::{Builder, Runtime};

/// More than any event makes.
const MOST_CALLS: usize = 500;
/// The states that are played over HTTP.
const OVER_HTTP: [&str; 4] = ["nothing", "ours", "adopted", "nothing, in a member account"];

/// How many cases of each fault were played, and which failed.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<&'static str, usize>,
    failed: Vec<String>,
}

/// A runtime whose time stands still unless nothing else is to do.
fn clock() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// Every case of one event with these faults, or the one that is asked for.
fn play_all(event: Event, faults: &[Kind], in_states: impl Fn(&str) -> bool, only: Option<&str>) -> Tally {
    let mut tally = Tally::default();
    for (state, before) in states().iter().filter(|(name, before)| event.can_meet(before) && in_states(name)) {
        let scene = clock().block_on(Scene::of(event, before));
        for fault in faults.iter().filter(|fault| event.can_suffer(fault)) {
            for position in 0..MOST_CALLS {
                let name = format!("{event:?}, {state}, call {position}, {}", fault.name);
                if only.is_some_and(|only| !name.contains(only)) {
                    continue;
                }
                let case = AssertUnwindSafe(|| clock().block_on(scene.play(&name, position, fault)));
                match catch_unwind(case) {
                    Ok(Played::Through) => *tally.counts.entry(fault.name).or_default() += 1,
                    Ok(Played::Pointless) => {}
                    Ok(Played::Never) => break,
                    Err(panic) => {
                        let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                        tally.failed.push(format!("FAULT_CASE=\"{name}\" cargo test --test faults\n    {words}"));
                    }
                }
            }
        }
    }
    tally
}

#[test]
fn every_call_of_every_event_in_every_state_survives_every_fault() {
    let only = std::env::var("FAULT_CASE").ok();
    // Panics are one of the faults, and what a case asserts is collected.
    std::panic::set_hook(Box::new(|_| {}));
    let case = only.as_deref();
    let is_deep = std::env::var_os("DEEP").is_some();
    let tallies: Vec<_> = std::thread::scope(|scope| {
        let threads = EVENTS.map(|event| {
            [
                scope.spawn(move || play_all(event, &SEAM, |_| true, case)),
                scope.spawn(move || play_all(event, &MEANWHILE, |_| true, case)),
                scope.spawn(move || play_all(event, &HTTP, |state| is_deep || OVER_HTTP.contains(&state), case)),
            ]
        });
        threads.into_iter().flatten().map(|thread| thread.join().unwrap()).collect()
    });
    let _ = std::panic::take_hook();
    let mut counts = BTreeMap::<&str, usize>::new();
    for (fault, count) in tallies.iter().flat_map(|tally| &tally.counts) {
        *counts.entry(fault).or_default() += count;
    }
    let all: usize = counts.values().sum();
    // Past the test's own capture: the numbers are part of the result.
    let mut shown = std::io::stderr().lock();
    for (fault, count) in &counts {
        writeln!(shown, "{count:6} cases: {fault}").unwrap();
    }
    writeln!(shown, "{all:6} cases in all").unwrap();
    let failed: Vec<_> = tallies.into_iter().flat_map(|tally| tally.failed).collect();
    assert!(failed.is_empty(), "{} cases failed; to play one alone:\n{}", failed.len(), failed.join("\n"));
    assert!(all >= if only.is_some() { 1 } else { 10_000 }, "{all} cases");
}

/// What an Update may not change: in each state it is refused without a call, and its rollback finds what the state's
/// own Update finds.
#[test]
fn an_update_of_a_name_or_of_the_account_changes_nothing_in_any_state_and_its_rollback_does_what_an_update_does() {
    let changes = [
        ("RoleName", "NewRole"),
        ("PolicyName", "NewPolicy"),
        ("RoleName", "orchesteraaccessrole"),
        ("PolicyName", "ORCHESTERAACCESSPOLICY"),
        ("MemberAccountId", "999988887777"),
    ];
    let mut played = 0;
    for (state, before) in states().iter().filter(|(_, before)| Event::Update.can_meet(before)) {
        for (property, value) in changes {
            clock().block_on(async {
                let scene = Scene::of(Event::Update, before).await;
                scene.play_refused(&format!("{property}={value}, {state}"), property, value).await;
            });
            played += 1;
        }
    }
    assert!(played >= 70, "{played} cases");
}
