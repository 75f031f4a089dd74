//! A fault at every call of every kind of event, and a process that is killed before and after each call. Whatever
//! happens, the stack gets a response in time, and what then exists is what the contract allows.

#![expect(clippy::print_stdout, reason = "how many cases there were is a part of the result")]

#[path = "../common/mod.rs"]
mod common;
mod scene;

use common::fake::{Change, FakeManagementAccount, Fault};
use common::stack::{Response, SERVICE_TIMEOUT, Stack, account_properties};
use orchestera_organization::handler::ACCOUNT;
use scene::{SCENES, Scene};
use serde_json::json;
use serde_json::value::to_raw_value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Every code that the services of these calls can refuse with, and what is no refusal.
const FAULTS: [Fault; 14] = [
    Fault::Code("ConcurrentModificationException"),
    Fault::Code("TooManyRequestsException"),
    Fault::Code("FinalizingOrganizationException"),
    Fault::Code("ServiceException"),
    Fault::Code("AccessDeniedException"),
    Fault::Code("UnrecognizedClientException"),
    Fault::Code("RequestExpired"),
    Fault::Code("ResourceNotFoundException"),
    Fault::Code("ThrottlingException"),
    Fault::Code("InvalidInputException"),
    Fault::Code("SomethingThatDoesNotExistYet"),
    Fault::Code(""),
    Fault::AnswerLost,
    Fault::Hangs,
];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// The calls of a scene without a fault.
fn calls(scene: Scene) -> usize {
    runtime().block_on(async {
        let fake = scene.world();
        scene.play(&Stack::default(), &fake).await.succeeded();
        fake.calls.borrow().len()
    })
}

#[test]
fn every_fault_at_every_call_ends_in_a_response_and_the_next_attempt_succeeds() {
    let mut cases = 0;
    for scene in SCENES {
        for number in 0..calls(scene) {
            for fault in FAULTS {
                cases += 1;
                runtime().block_on(one_fault(scene, number, fault));
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 1000, "{cases}");
}

async fn one_fault(scene: Scene, number: usize, fault: Fault) {
    let what = format!("{scene:?}, call {number}, {fault:?}");
    let (stack, fake) = (Stack::default(), scene.world());
    fake.faults.borrow_mut().insert(number, fault);
    let response = scene.play(&stack, &fake).await;
    assert_ne!(response.reason, "no response", "{what}");
    assert!(response.took < SERVICE_TIMEOUT, "{what}: {:?}", response.took);
    scene.check(&fake, &what);
    if scene.is_delete() {
        assert_eq!(response.status, "SUCCESS", "{what}: {}", response.reason);
    }
    // What may pass has passed. A right that is missing may arrive while the invocation is new.
    let passes = match fault {
        Fault::Code("InvalidInputException" | "SomethingThatDoesNotExistYet") => false,
        Fault::Code("AccessDeniedException" | "UnrecognizedClientException") => response.took.as_secs() < 20,
        // Of GetAccountPlanState it would be an answer of its own: no plan is left on a guess.
        Fault::Code("ResourceNotFoundException") => scene != Scene::CreateOrganization,
        _ => true,
    };
    if passes {
        assert_eq!(response.status, "SUCCESS", "{what}: {}", response.reason);
    } else if response.status == "FAILED" {
        retry(scene, &stack, &fake, &response, &what).await;
    }
}

/// The rollback of a Create that failed, and the same stack again.
async fn retry(scene: Scene, stack: &Stack, fake: &FakeManagementAccount, response: &Response, what: &str) {
    fake.faults.borrow_mut().clear();
    if scene.is_create() {
        stack.delete(fake, scene.resource_type(), &response.physical_id).await.succeeded();
        sleep(Duration::from_secs(600)).await;
    }
    let again = scene.play(stack, fake).await;
    assert_eq!(again.status, "SUCCESS", "{what}, again: {}", again.reason);
    scene.check(fake, what);
}

/// What happens after the process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Lambda repeats the event.
    Retry,
    /// CloudFormation gives up, rolls back, and the stack is created again.
    Rollback,
    /// Another copy of the event is running already.
    SecondCopy,
}

#[test]
fn a_process_that_is_killed_before_or_after_any_call_leaves_what_the_next_one_completes() {
    let mut cases = 0;
    for scene in SCENES {
        for number in 0..calls(scene) {
            for after in [false, true] {
                for then in [Then::Retry, Then::Rollback, Then::SecondCopy] {
                    cases += 1;
                    runtime().block_on(one_kill(scene, number, after, then));
                }
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 500, "{cases}");
}

async fn one_kill(scene: Scene, number: usize, after: bool, then: Then) {
    let what = format!("{scene:?}, killed at call {number}, after: {after}, {then:?}");
    let (stack, fake) = (Stack::default(), scene.world());
    fake.faults.borrow_mut().insert(number, Fault::Killed { after });
    match then {
        Then::Retry => drop(scene.play(&stack, &fake).await.succeeded()),
        Then::SecondCopy if scene == Scene::CreateAccount => {
            stack.set(&fake, ACCOUNT, "CREATE_IN_PROGRESS");
            let event = json!({ "RequestType": "Create", "ResourceProperties": account_properties() });
            let event = stack.event(event, ACCOUNT);
            let (one, other) = tokio::join!(stack.send(&fake, event.clone()), stack.send(&fake, event.clone()));
            let (one, other) = (one.expect(&what).succeeded(), other.expect(&what).succeeded());
            assert_eq!(one.physical_id, other.physical_id, "{what}");
        }
        // One copy after the other: the second finds what the first did.
        Then::SecondCopy => {
            scene.play(&stack, &fake).await.succeeded();
            scene.play(&stack, &fake).await.succeeded();
        }
        Then::Rollback if scene.is_create() => {
            stack.set(&fake, scene.resource_type(), "CREATE_IN_PROGRESS");
            let event = json!({ "RequestType": "Create", "ResourceProperties": scene.properties() });
            let event = stack.event(event, scene.resource_type());
            assert!(
                stack.invoke_until_killed(&fake, &to_raw_value(&event).unwrap()).await.is_none(),
                "{what}: it was not killed"
            );
            stack.delete(&fake, scene.resource_type(), "made-up-by-cloudformation").await.succeeded();
            // Lambda repeats the event although nobody waits for it any more.
            let late = stack.send(&fake, event).await;
            let writes = fake.writes().len();
            assert!(late.is_none_or(|late| late.status == "FAILED" || fake.writes().len() == writes), "{what}");
            scene.check(&fake, &what);
            sleep(Duration::from_secs(60)).await;
            scene.play(&stack, &fake).await.succeeded();
        }
        Then::Rollback => drop(scene.play(&stack, &fake).await.succeeded()),
    }
    scene.check(&fake, &what);
}

#[test]
fn what_is_never_allowed_ends_in_a_reason_that_names_the_call() {
    let scenes = [
        Scene::CreateOrganization,
        Scene::CheckPeople,
        Scene::FindIdentityCenter,
        Scene::CreateAccount,
        Scene::CreateAndMoveAccount,
        Scene::SetContact,
        Scene::SetContactOfMember,
    ];
    for scene in scenes {
        let operations = runtime().block_on(async {
            let fake = scene.world();
            scene.play(&Stack::default(), &fake).await.succeeded();
            let mut calls = fake.calls.borrow().clone();
            // What is read after the write tells nobody what was not checked before.
            if let Some(write) = calls.iter().position(|call| fake.writes().contains(call)) {
                calls.truncate(write + 1);
            }
            calls.sort_unstable();
            calls.dedup();
            calls
        });
        for operation in operations {
            runtime().block_on(async {
                let fake = scene.world();
                fake.always.borrow_mut().insert(operation, "AccessDeniedException");
                let response = scene.play(&Stack::default(), &fake).await;
                let named = format!("{}{}", response.reason, response.data["Warnings"]);
                let is_optional = ["GetServiceQuota", "ListHandshakesForOrganization"].contains(&operation);
                assert!(named.contains(operation) || is_optional, "{scene:?}, {operation}: {response:?}");
                assert!(response.took < Duration::from_secs(120), "{scene:?}, {operation}: {:?}", response.took);
                scene.check(&fake, operation);
            });
        }
    }
}

#[test]
fn the_generator_sees_an_account_that_is_created_after_its_stack_gave_up() {
    // The same events, in a world where the stack gives up right before each call: nothing is created then.
    for number in 0..calls(Scene::CreateAccount) {
        runtime().block_on(async {
            let (stack, fake) = (Stack::default(), Scene::CreateAccount.world());
            let gives_up: Change = |world| {
                for (status, since) in world.resources.values_mut() {
                    (*status, *since) = ("DELETE_IN_PROGRESS".into(), Instant::now());
                }
            };
            *fake.meanwhile.borrow_mut() = Some((number, gives_up));
            stack.set(&fake, ACCOUNT, "CREATE_IN_PROGRESS");
            let event = json!({ "RequestType": "Create", "ResourceProperties": account_properties() });
            stack.send(&fake, stack.event(event, ACCOUNT)).await;
            Scene::CreateAccount.check(&fake, &format!("given up before call {number}"));
        });
    }
}
