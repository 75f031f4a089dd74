//! Whatever comes, there is one response that CloudFormation accepts, or an error where there is nobody to respond to.

#[path = "../../../tests/common/generated_event.rs"]
mod generated_event;
#[allow(dead_code, reason = "its main function is for Lambda")]
#[path = "../examples/greeting.rs"]
mod greeting;

use custom_resource::event::Envelope;
use custom_resource::function::{Clients, Invocation, outcome};
use custom_resource::response::body;
use custom_resource::{Budget, Context, CustomResource, Kind, Outcome, Request};
use generated_event::{ID, STACK_ID, URL, events};
use greeting::Greeting;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use serde_json::value::RawValue;
use std::cell::Cell;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// The status of the response; `None` if there is nobody to respond to.
fn play(payload: &[u8]) -> Option<&'static str> {
    let raw = serde_json::from_slice::<Box<RawValue>>(payload).ok()?;
    let envelope = Envelope::open(&raw).ok()?;
    let text = |field: &str| envelope.field(field).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let Ok(address) = envelope.address() else {
        assert_ne!(text("ResponseURL").as_deref(), Some(URL), "there was somebody to respond to");
        return None;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let outcome = runtime.block_on(async {
        let deadline = Instant::now() + Duration::from_secs(60);
        let invocation = Invocation { function_arn: String::new(), deadline };
        let (budget, clients) = (Budget::new(Instant::now(), deadline), Clients::default());
        let context = Context { address: &address, invocation: &invocation, budget, clients: &clients };
        outcome(&envelope, &address, budget, async |request: &Request| Greeting.handle(request, &context).await).await
    });
    let outcome = outcome.expect("a greeting waits for nothing");
    if let Outcome::Failed { error, .. } = &outcome {
        assert_ne!(error.kind(), Kind::Bug, "{}", error.reason());
    }
    let bytes = body(&address, &outcome);
    let response: Value = serde_json::from_slice(&bytes).expect("JSON");
    let of = |field: &str| response[field].as_str().unwrap_or_else(|| panic!("no {field} in {response}"));
    for field in ["StackId", "RequestId", "LogicalResourceId"] {
        assert_eq!(of(field), text(field).unwrap_or_default(), "{field} is repeated to the letter");
    }
    let (kind, id) = (text("RequestType").unwrap_or_default(), text("PhysicalResourceId").filter(|id| !id.is_empty()));
    match id {
        Some(id) if kind != "Create" => assert_eq!(of("PhysicalResourceId"), id),
        _ => assert!(!of("PhysicalResourceId").trim().is_empty()),
    }
    // A Delete that can be read is carried out, whatever else cannot.
    if kind == "Delete" && text("PhysicalResourceId").is_some_and(|id| !id.is_empty()) {
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    }
    assert!(!of("Reason").contains(char::is_control) && !of("Reason").contains("0123456789abcdef"), "{response}");
    assert!(outcome.status() == "SUCCESS" || !of("Reason").trim().is_empty());
    let ids = ["StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId"];
    let ids: usize = ids.map(|field| Value::from(of(field)).to_string().len()).iter().sum();
    assert!(bytes.len() <= 4096 || ids > 1500, "{} bytes", bytes.len());
    Some(outcome.status())
}

#[test]
fn every_event_of_the_corpus_is_responded_to_or_names_nobody() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["fuzz/corpus/event", "events"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let played = folders.into_iter().flatten().flatten().map(|file| play(&std::fs::read(file.path()).unwrap()));
    let played: Vec<_> = played.collect();
    for how in [Some("SUCCESS"), Some("FAILED"), None] {
        assert!(played.contains(&how), "{how:?} is not among them");
    }
}

#[test]
fn every_generated_event_is_responded_to_or_names_nobody() {
    let config = Config { cases: 3000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let seen = [Cell::new(0), Cell::new(0), Cell::new(0)];
    let ran = runner.run(&events(), |event| {
        let how = match play(event.as_bytes()) {
            Some("SUCCESS") => 0,
            Some(_) => 1,
            None => 2,
        };
        seen[how].set(seen[how].get() + 1);
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(seen.iter().all(|count| count.get() > 100), "hardly ever: {seen:?}");
}

#[test]
fn a_delete_is_carried_out_although_its_properties_cannot_be_read() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let event = format!(
        r#"{{"RequestType": "Delete", "ResponseURL": "{URL}", "StackId": "{STACK_ID}", "PhysicalResourceId": "{ID}",
        "ResourceProperties": {deep}}}"#
    );
    assert_eq!(play(event.as_bytes()), Some("SUCCESS"));
    assert_eq!(play(event.replace("Delete", "Update").as_bytes()), Some("FAILED"));
}
