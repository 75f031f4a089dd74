//! One event, one answer: what is not about the state of IAM.

use crate::common::fake_iam::{ACCOUNT, FakeIam, World};
use crate::common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use crate::common::opened;
use crate::common::stack::{ID, Stack};
use custom_resource::function::{Invocation, outcome};
use custom_resource::{Budget, Error, Kind, Outcome, Request};
use orchestera_access::handler::decide;
use orchestera_access::iam::Iam;
use orchestera_access::member::MemberRole;
use serde_json::json;
use std::cell::Cell;
use std::ops::Deref;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_is_answered() {
    for operation in ["GetRole", "ListPolicyVersions", "CreateRole", "AttachRolePolicy"] {
        let iam = FakeIam::default();
        let faulty = FaultyIam::new(&iam).on(operation, 1, Fault::Panic);
        let answer = Stack::new(&faulty).create(json!({})).await.failed().with_id("failed/Access/request-1");
        let answer = answer.saying(&["a defect", "request id request-1"]);
        assert!(!answer.reason.contains("as the test says"), "the words of a panic are for the log");
        // The same event again converges.
        Stack::new(&iam).create(json!({})).await.succeeded();
    }
    let iam = FakeIam::default();
    Stack::new(&iam).create(json!({})).await.succeeded();
    let faulty = FaultyIam::new(&iam).on("DeleteRole", 1, Fault::Panic);
    Stack::new(&faulty).delete(ID, json!({})).await.failed().with_id(ID);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_answered_before_the_deadline_and_named() {
    for operation in ["CreateRole", "CreatePolicy", "AttachRolePolicy"] {
        let iam = FakeIam::default();
        let faulty = FaultyIam::new(&iam).on(operation, FOR_EVER, Fault::Hang);
        let answer = Stack::new(&faulty).create(json!({})).await.failed();
        let answer = answer.saying(&[operation, "not known whether it took effect", ACCOUNT]);
        assert!((40..50).contains(&answer.took.as_secs()), "{operation}: {:?}", answer.took);
    }
    let iam = FakeIam::default();
    let faulty = FaultyIam::new(&iam).on("GetPolicy", FOR_EVER, Fault::Hang);
    Stack::new(&faulty)
        .create(json!({}))
        .await
        .failed()
        .saying(&["Reading OrchesteraAccess", "did not finish in time"]);
}

#[tokio::test(start_paused = true)]
async fn no_write_begins_when_the_time_for_writes_is_over() {
    let iam = FakeIam::default();
    let slow = FaultyIam::new(&iam).on("GetRole", 1, Fault::Slow(Duration::from_secs(44)));
    let answer = Stack::new(&slow).create(json!({})).await.failed();
    answer.saying(&[
        "function ran out of time before CreatePolicy on OrchesteraAccessPolicy and CreateRole on OrchesteraAccessRole",
    ]);
    assert!(iam.writes().is_empty());

    let slow = FaultyIam::new(&iam).on("CreateRole", 1, Fault::Slow(Duration::from_secs(44)));
    let answer = Stack::new(&slow).create(json!({})).await.failed();
    let answer = answer.saying(&["function ran out of time before AttachRolePolicy", "What was done before stays"]);
    assert!(!answer.reason.contains("Removing"), "{}", answer.reason);
    assert_eq!(iam.writes().len(), 2, "nothing was begun that could not end, not even a clean-up");
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_awaited_before_the_answer() {
    let iam = FakeIam::default();
    let faulty = FaultyIam::new(&iam).on("CreatePolicy", 1, Fault::Refuse("MalformedPolicyDocument")).on(
        "CreateRole",
        1,
        Fault::Slow(Duration::from_secs(3)),
    );
    let answer =
        Stack::new(&faulty).create(json!({})).await.failed().saying(&["CreatePolicy", "MalformedPolicyDocument"]);
    assert!(answer.took >= Duration::from_secs(3));
    assert_eq!(iam.world(), World::default(), "the role was made, and removed");
}

#[tokio::test(start_paused = true)]
async fn of_two_failures_at_once_the_one_that_a_person_must_mend_decides() {
    let iam = FakeIam::default();
    let faulty = FaultyIam::new(&iam).on("CreatePolicy", FOR_EVER, Fault::Refuse("LimitExceeded")).on(
        "CreateRole",
        FOR_EVER,
        Fault::Refuse("ConcurrentModification"),
    );
    let answer = Stack::new(&faulty).create(json!({})).await.failed().saying(&["CreatePolicy", "quota"]);
    assert_eq!(answer.took, Duration::ZERO, "waiting could not help");
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_is_answered_at_once() {
    let iam = FakeIam::default();
    let hung = FaultyIam::new(&iam).on("GetRole", FOR_EVER, Fault::Hang);
    let stack = Stack { timeout: Duration::ZERO, ..Stack::new(&hung) };
    assert_eq!(stack.create(json!({})).await.failed().took, Duration::ZERO);
    assert!(iam.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn throttling_for_ever_is_answered_in_time() {
    for operation in ["GetRole", "CreateRole"] {
        let iam = FakeIam::default();
        let faulty = FaultyIam::new(&iam).on(operation, FOR_EVER, Fault::Refuse("Throttling"));
        let answer =
            Stack::new(&faulty).create(json!({})).await.failed().saying(&["Throttling", "Retry the stack operation"]);
        assert!(answer.took < Duration::from_secs(48), "{:?}", answer.took);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_without_an_answer_are_tried_again() {
    for operation in ["GetRole", "CreateRole", "AttachRolePolicy"] {
        let iam = FakeIam::default();
        let faulty = FaultyIam::new(&iam).on(operation, 2, Fault::Unheard);
        Stack::new(&faulty).create(json!({})).await.succeeded();
        let iam = FakeIam::default();
        let faulty = FaultyIam::new(&iam).on(operation, 3, Fault::Unheard);
        Stack::new(&faulty).create(json!({})).await.failed();
    }
}

async fn decide_with(event: serde_json::Value, function_arn: &str, client: Result<(), Error>) -> Outcome {
    let mut event = event;
    event["ResponseURL"] = json!("https://bucket.s3.amazonaws.com/x");
    event["RequestId"] = json!("request-1");
    event["LogicalResourceId"] = json!("Access");
    event["ResourceType"] = json!("Custom::OrchesteraAccess");
    event["StackId"] = json!("arn:aws:cloudformation:us-east-1:111122223333:stack/access/1");
    if event.get("ResourceProperties").is_none() {
        event["ResourceProperties"] = json!({});
    }
    let start = Instant::now();
    let invocation = Invocation { function_arn: function_arn.to_owned(), deadline: start + Duration::from_secs(60) };
    outcome_with(&event, &invocation, async |_: Option<&MemberRole>| {
        client.clone().map(|()| Box::new(FakeIam::default()))
    })
    .await
}

async fn outcome_with<I: Iam, D: Deref<Target = I>>(
    event: &serde_json::Value,
    invocation: &Invocation,
    connect: impl AsyncFn(Option<&MemberRole>) -> Result<D, Error>,
) -> Outcome {
    let envelope = opened(event);
    let address = envelope.address().unwrap();
    let budget = Budget::new(Instant::now(), invocation.deadline);
    let work = async |request: &Request| Ok(decide(request, &address, invocation, budget, connect).await);
    outcome(&envelope, &address, budget, work).await.expect("an outcome")
}

const FUNCTION: &str = "arn:aws:lambda:us-east-1:111122223333:function:f";

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_be_built_is_answered() {
    let broken = || Err(Error::new(Kind::Bug, "The HTTP client cannot be built: no randomness."));
    let create = decide_with(json!({"RequestType": "Create"}), FUNCTION, broken()).await;
    assert_eq!((create.status(), create.physical_id()), ("FAILED", "failed/Access/request-1"));
    assert!(create.reason().contains("no randomness"));
    let delete = decide_with(json!({"RequestType": "Delete", "PhysicalResourceId": ID}), FUNCTION, broken()).await;
    assert_eq!((delete.status(), delete.physical_id()), ("FAILED", ID));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_decoded_is_answered_with_the_id_that_it_carries() {
    for (event, id) in [
        (json!({"RequestType": "Frobnicate"}), "failed/Access/request-1"),
        (json!({}), "failed/Access/request-1"),
        (json!({"RequestType": ["Create"], "PhysicalResourceId": ID}), ID),
        (json!({"RequestType": "Delete"}), "failed/Access/request-1"),
    ] {
        let outcome = decide_with(event.clone(), FUNCTION, Ok(())).await;
        assert_eq!((outcome.status(), outcome.physical_id()), ("FAILED", id), "{event}");
        assert!(outcome.reason().contains("CloudFormation"), "{}", outcome.reason());
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_never_answers_an_id_that_it_was_sent() {
    let event = json!({"RequestType": "Create", "PhysicalResourceId": ID, "ResourceProperties": {"OnDelete": "x"}});
    assert_eq!(decide_with(event, FUNCTION, Ok(())).await.physical_id(), "failed/Access/request-1");
    let too_deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let event = json!({"RequestType": "Create", "PhysicalResourceId": ID, "ResourceProperties": too_deep});
    let outcome = decide_with(event, FUNCTION, Ok(())).await;
    assert_eq!(outcome.physical_id(), "failed/Access/request-1");
    assert!(outcome.reason().contains("cannot be decoded"), "{}", outcome.reason());
}

#[tokio::test(start_paused = true)]
async fn a_function_arn_that_tells_no_account_is_answered() {
    let outcome = decide_with(json!({"RequestType": "Create"}), "here", Ok(())).await;
    assert!(outcome.status() == "FAILED" && outcome.reason().contains("'here'"), "{}", outcome.reason());
}

#[tokio::test(start_paused = true)]
async fn clients_that_take_for_ever_to_build_are_answered_in_time() {
    let event = json!({
        "RequestType": "Delete", "PhysicalResourceId": ID, "ResponseURL": "https://bucket.s3.amazonaws.com/x",
    });
    let start = Instant::now();
    let invocation = Invocation { function_arn: FUNCTION.to_owned(), deadline: start + Duration::from_secs(60) };
    let never = async |_: Option<&MemberRole>| -> Result<Box<FakeIam>, Error> { std::future::pending().await };
    let outcome = outcome_with(&event, &invocation, never).await;
    assert!(outcome.status() == "FAILED" && outcome.reason().contains("function ran out of time"));
    assert_eq!(start.elapsed().as_secs(), 48);
}

/// A Create in a member account whose first `unknown` sessions IAM never learns of; the outcome, and how many there were.
async fn create_by_sessions(unknown: usize) -> (Outcome, usize) {
    let world = FakeIam::default();
    let never = FaultyIam::new(&world).on("GetRole", FOR_EVER, Fault::Refuse("InvalidClientTokenId"));
    let known = FaultyIam::new(&world);
    let sessions = Cell::new(0);
    let event = json!({
        "RequestType": "Create", "ResponseURL": "https://bucket.s3.amazonaws.com/x", "RequestId": "r",
        "LogicalResourceId": "Access", "ResourceType": "Custom::OrchesteraAccess", "StackId": "arn:of:the:stack",
        "ResourceProperties": {"MemberAccountId": "111122223333"},
    });
    let start = Instant::now();
    let function_arn = "arn:aws:lambda:us-east-1:222233334444:function:f".to_owned();
    let invocation = Invocation { function_arn, deadline: start + Duration::from_secs(60) };
    let connect = async |role: Option<&MemberRole>| {
        assert!(role.is_some());
        sessions.set(sessions.get() + 1);
        Ok(if sessions.get() <= unknown { &never } else { &known })
    };
    (outcome_with(&event, &invocation, connect).await, sessions.get())
}

#[tokio::test(start_paused = true)]
async fn a_session_that_iam_never_learns_of_is_replaced_by_another() {
    for unknown in [1, 2] {
        let (outcome, sessions) = create_by_sessions(unknown).await;
        assert_eq!((outcome.status(), sessions), ("SUCCESS", unknown + 1), "{}", outcome.reason());
    }
    let (outcome, sessions) = create_by_sessions(99).await;
    assert_eq!((outcome.status(), sessions), ("FAILED", 3));
    assert!(outcome.reason().contains("IAM does not know the credentials"), "{}", outcome.reason());
}

#[tokio::test(start_paused = true)]
async fn credentials_that_iam_does_not_know_yet_are_waited_for_and_a_late_signature_is_repeated() {
    for (code, times) in [
        ("InvalidClientTokenId", 4),
        ("UnrecognizedClientException", 4),
        ("SignatureDoesNotMatch", 1),
        ("RequestExpired", 1),
        ("RequestTimeTooSkewed", 1),
        ("SlowDown", 1),
        ("PriorRequestNotComplete", 1),
        ("RequestTimeout", 1),
    ] {
        for operation in ["GetRole", "CreateRole", "AttachRolePolicy", "ListPolicyVersions"] {
            let iam = FakeIam::default();
            let faulty = FaultyIam::new(&iam).on(operation, times, Fault::Refuse(code));
            Stack::new(&faulty).create(json!({})).await.succeeded();
        }
        let iam = FakeIam::default();
        let faulty = FaultyIam::new(&iam).on("CreatePolicy", FOR_EVER, Fault::Refuse(code));
        let answer = Stack::new(&faulty).create(json!({})).await.failed().saying(&[code]);
        assert!(answer.took.as_secs() < 20, "{code}: {:?}", answer.took);
        assert_eq!(iam.world(), World::default(), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_signature_is_written_anew_once_for_each_code() {
    let codes = ["SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"];
    let iam = FakeIam::default();
    let each = codes.iter().fold(FaultyIam::new(&iam), |iam, code| iam.on("CreateRole", 1, Fault::Refuse(code)));
    Stack::new(&each).create(json!({})).await.succeeded();
    let called = |iam: &FaultyIam<'_>| iam.called.borrow().iter().filter(|it| **it == "CreateRole").count();
    assert_eq!(called(&each), codes.len() + 1);
    for code in codes {
        let iam = FakeIam::default();
        let wrong = FaultyIam::new(&iam).on("CreateRole", FOR_EVER, Fault::Refuse(code));
        Stack::new(&wrong).create(json!({})).await.failed().saying(&[code]);
        assert_eq!((called(&wrong), iam.world()), (2, World::default()), "{code}");
    }
}
