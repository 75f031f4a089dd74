//! What no template should send and no sender is kept from: whatever comes, the promise of `tests/common/promise.rs`.

#![expect(clippy::print_stdout, reason = "how many events there were is a part of the result")]

mod common;

use common::generated_event::{ID, STACK_ID, URL, events, tags};
use common::promise::{Kept, keep};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

/// The files of `fuzz/corpus/event/`, with which the fuzz target begins, and of `events/`.
fn corpus() -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["fuzz/corpus/event", "events"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let files = folders.into_iter().flatten().flatten();
    files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())).collect()
}

#[test]
fn every_event_of_the_corpus_is_answered_as_promised() {
    let mut kept = BTreeMap::<_, Vec<_>>::new();
    for (name, payload) in corpus() {
        let how = catch_unwind(|| keep(&payload)).unwrap_or_else(|_| panic!("by {name}, see above"));
        kept.entry(how).or_default().push(name);
    }
    for (how, names) in &kept {
        println!("{how:?}: {} events", names.len());
    }
    assert_eq!(kept.len(), 4, "each way of keeping the promise is seen: {kept:#?}");
}

/// An event with these further fields, which win over its own.
fn event(kind: &str, fields: &str) -> String {
    format!(
        r#"{{"RequestType": "{kind}", "ResponseURL": "{URL}", "StackId": "{STACK_ID}", "RequestId": "request-1",
        "ResourceType": "Custom::OrchesteraAccess", "LogicalResourceId": "Access", "PhysicalResourceId": "{ID}"{fields}}}"#
    )
}

#[test]
fn a_quarter_of_a_megabyte_of_properties_is_answered_as_promised_and_soon() {
    const SIZE: usize = 250_000;
    let list = |entry: fn(usize) -> String| {
        let mut list = String::new();
        for entry in (0..).map(entry) {
            if list.len() + entry.len() > SIZE {
                break;
            }
            list += &entry;
        }
        format!("[{}]", list.trim_end_matches(','))
    };
    let text = |piece: &str| format!("\"{}\"", piece.repeat(SIZE / piece.len()));
    for (property, value) in [
        ("Tags", list(|n| format!(r#"{{"Key":"{n}","Value":""}},"#))),
        ("Tags", list(|n| format!(r#"{{"Key":"\u0000{n}","Value":"\u001b"}},"#))),
        ("Tags", list(|_| "{},".to_owned())),
        ("Tags", text("k=v,")),
        ("Tags", text("a=")),
        ("Tags", text(",")),
        ("RoleName", text("a")),
        ("RoleName", list(|_| "[],".to_owned())),
        ("PolicyName", text(r"\u0001")),
        ("ExternalId", text("😀")),
        ("MaxSessionDuration", "9".repeat(SIZE)),
        ("MaxSessionDuration", format!("0.{}1", "0".repeat(SIZE))),
        ("Unknown", text(r#"\""#)),
        ("Unknown", format!("{}{}", "[".repeat(SIZE / 2), "]".repeat(SIZE / 2))),
    ] {
        let properties = format!(r#"{{"{property}": {value}}}"#);
        for event in [
            event("Create", &format!(r#", "ResourceProperties": {properties}"#)),
            event("Update", &format!(r#", "ResourceProperties": {{}}, "OldResourceProperties": {properties}"#)),
            event("Delete", &format!(r#", "ResourceProperties": {properties}"#)),
        ] {
            let start = Instant::now();
            assert!(matches!(keep(event.as_bytes()), Kept::Answered(_)));
            // Four times, and without optimisation. Work that cannot be interrupted must not take long: a Lambda of 128 MB has
            // a fourteenth of a processor.
            let took = start.elapsed();
            assert!(took < Duration::from_secs(3), "{took:?} for {}… of {property}: {}…", &event[..24], &value[..40]);
        }
    }
}

#[test]
fn generated_tags_leave_those_that_an_adopted_object_has_in_another_spelling() {
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let valid = Cell::new(0);
    let ran = runner.run(&tags(), |tags| {
        let (new, old) = (format!(r#"{{"Tags": {tags}}}"#), r#""OldResourceProperties": {}"#);
        for kind in ["Create", "Update", "Delete"] {
            let how = keep(event(kind, &format!(r#", "ResourceProperties": {new}, {old}"#)).as_bytes());
            valid.set(valid.get() + u32::from(kind == "Create" && how == Kept::Answered("SUCCESS")));
        }
        // The rollback of an Update that was refused.
        let old = format!(r#", "ResourceProperties": {{}}, "OldResourceProperties": {new}"#);
        keep(event("Update", &old).as_bytes());
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    assert!((40..160).contains(&valid.get()), "too few are valid, or too few are not: {} of 200", valid.get());
}

#[test]
fn every_generated_event_is_answered_as_promised() {
    // The same ones each time, so that a change is not blamed for what another day's luck would have found: that is what
    // `make -C fuzz` is for.
    let config = Config { cases: 3000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let kept = RefCell::new(BTreeMap::<Kept, u32>::new());
    let created = Cell::new(0);
    let ran = runner.run(&events(), |event| {
        let how = keep(event.as_bytes());
        let is_create = event.contains(r#""RequestType": "Create""#);
        created.set(created.get() + u32::from(is_create && how == Kept::Answered("SUCCESS")));
        *kept.borrow_mut().entry(how).or_default() += 1;
        Ok(())
    });
    println!("generated events: {:?}, {} Creates that succeeded", kept.borrow(), created.get());
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    for how in [Kept::Answered("SUCCESS"), Kept::Answered("FAILED"), Kept::NobodyToAnswer] {
        assert!(kept.borrow()[&how] > 100, "{how:?} is hardly ever seen: {kept:?}");
    }
    assert!(created.get() > 50, "hardly anything gets as far as IAM: {}", created.get());
}
