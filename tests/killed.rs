//! Killed at any point: the built function under a Runtime API, ended by SIGKILL before and after each of its AWS calls and
//! around the callback. Then what Lambda does (the same event again) and what CloudFormation does (the rollback).
//!
//! A failing case prints its name; `KILLED_CASE="<name>" cargo test --test killed` plays it alone.

mod common;

use common::by_hand::guides;
use common::fake_iam::{FakeIam, World, policy_arn};
use common::http_server::{HttpServer, Reply};
use common::iam_endpoint::{answer, form};
use common::runtime_api::{Ended, Kill, Lambda};
use common::stack::{ID, POLICY, ROLE, Stack};
use orchestera_access::iam::{Tags, Write};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

const MADE_UP: &str = "access-Access-1ABCDEFGHIJK";
/// Cases at once. They wait for most of their time.
const WORKERS: usize = 24;

/// Where the process ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Point {
    Never,
    BeforeCall(usize),
    AfterCall(usize),
    /// The answer has arrived, its acknowledgement has not.
    BeforeAcknowledgement,
    /// The answer was acknowledged, and Lambda has not heard that the function is done.
    AfterAcknowledgement,
    /// Not killed: the call is held up while a Delete comes from elsewhere.
    HeldUpAtCall(usize),
}

/// What CloudFormation asks, from which beginning.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    /// Before the stack is.
    furnish: fn(&mut World),
    /// `None`: the stack does not exist yet.
    old: Option<fn() -> Value>,
    /// `None`: the stack is to go.
    new: Option<fn() -> Value>,
}

fn nothing(_: &mut World) {}

fn edition() -> Value {
    json!({"PolicyEdition": "2026-02-06"})
}

fn suspended() -> Value {
    json!({"AccessState": "Suspended"})
}

fn defaults() -> Value {
    json!({})
}

const SCENARIOS: [Scenario; 7] = [
    Scenario { name: "Create", furnish: nothing, old: None, new: Some(defaults) },
    Scenario { name: "Create that adopts", furnish: guides, old: None, new: Some(defaults) },
    Scenario { name: "Update of the edition", furnish: nothing, old: Some(defaults), new: Some(edition) },
    Scenario { name: "Update to Suspended", furnish: nothing, old: Some(defaults), new: Some(suspended) },
    Scenario { name: "Update to Active", furnish: nothing, old: Some(suspended), new: Some(defaults) },
    Scenario { name: "Delete", furnish: nothing, old: Some(defaults), new: None },
    Scenario { name: "Delete of what was adopted", furnish: guides, old: Some(defaults), new: None },
];

impl Scenario {
    fn event(&self, stack: &Stack<'_, FakeIam>, url: &str) -> String {
        let (old, new) = (self.old.map(|old| old()), self.new.map(|new| new()));
        let event = match (old, new) {
            (None, new) => json!({"RequestType": "Create", "ResourceProperties": new}),
            (Some(old), Some(new)) => json!({"RequestType": "Update", "PhysicalResourceId": ID,
                "ResourceProperties": new, "OldResourceProperties": old}),
            (Some(old), None) => {
                json!({"RequestType": "Delete", "PhysicalResourceId": ID, "ResourceProperties": old})
            }
        };
        stack.event(event, url).to_string()
    }

    /// What CloudFormation sends when it has heard nothing: it takes back what it asked for. A Delete is asked for again.
    fn rollback(&self, stack: &Stack<'_, FakeIam>, url: &str) -> String {
        let (old, new) = (self.old.map(|old| old()), self.new.map(|new| new()));
        let event = match (old, new) {
            (None, new) => {
                json!({"RequestType": "Delete", "PhysicalResourceId": MADE_UP, "ResourceProperties": new})
            }
            (Some(old), Some(new)) => json!({"RequestType": "Update", "PhysicalResourceId": ID,
                "ResourceProperties": old, "OldResourceProperties": new}),
            (Some(old), None) => {
                json!({"RequestType": "Delete", "PhysicalResourceId": ID, "ResourceProperties": old})
            }
        };
        stack.event(event, url).to_string()
    }
}

/// An account with a function in it that can be killed.
struct Stage {
    iam: Arc<FakeIam>,
    endpoint: HttpServer,
    bucket: HttpServer,
    /// Of the function that is to be killed.
    kill: Arc<OnceLock<Kill>>,
    point: Arc<Mutex<Point>>,
    calls: Arc<Mutex<usize>>,
    /// Before the stack was, and before the event.
    others: World,
    before: World,
}

impl Stage {
    fn of(scenario: &Scenario) -> Self {
        let iam = Arc::new(FakeIam::default());
        iam.by_hand(|world| {
            let role = Write::CreateRole {
                role_name: "Theirs".into(),
                trust: json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                    "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}),
                max_session_duration: 3600,
                permissions_boundary: None,
                tags: Tags::new(),
            };
            world.write(&role).unwrap();
        });
        iam.by_hand(scenario.furnish);
        let others = iam.world();
        if let Some(old) = scenario.old {
            in_no_time(Stack::new(&*iam).create(old())).succeeded();
        }
        let before = iam.world();
        let (kill, point) = (Arc::new(OnceLock::<Kill>::new()), Arc::new(Mutex::new(Point::Never)));
        let calls = Arc::<Mutex<usize>>::default();
        let endpoint = {
            let (iam, kill, point, calls) = (iam.clone(), kill.clone(), point.clone(), calls.clone());
            HttpServer::start(move |request| {
                let call = {
                    let mut calls = calls.lock().unwrap();
                    *calls += 1;
                    *calls - 1
                };
                let point = *point.lock().unwrap();
                if point == Point::BeforeCall(call) {
                    kill.get().unwrap().now();
                    return Reply::Close;
                }
                if point == Point::HeldUpAtCall(call) {
                    thread::sleep(Duration::from_secs(4));
                }
                let reply = answer(&iam, &form(request), 100);
                if point == Point::AfterCall(call) {
                    kill.get().unwrap().now();
                    return Reply::Close;
                }
                reply
            })
        };
        let bucket = {
            let (kill, point) = (kill.clone(), point.clone());
            HttpServer::start(move |_| {
                if *point.lock().unwrap() == Point::BeforeAcknowledgement {
                    kill.get().unwrap().now();
                    return Reply::Close;
                }
                Reply::status(200)
            })
        };
        Self { iam, endpoint, bucket, kill, point, calls, others, before }
    }

    fn function(&self) -> Lambda {
        Lambda::with_iam(&self.endpoint.url(""))
    }

    fn stack(&self) -> Stack<'_, FakeIam> {
        Stack::new(&*self.iam)
    }

    fn url(&self) -> String {
        self.bucket.url("/answer?X-Amz-Signature=dummy")
    }

    /// Answers that arrived.
    fn answers(&self) -> Vec<Value> {
        self.bucket.requests().iter().map(|request| serde_json::from_slice(&request.body).expect("JSON")).collect()
    }

    /// Plays the event until it is killed, or done if it never gets there.
    fn play_until(&self, scenario: &Scenario, point: Point) {
        let function = self.function();
        assert!(self.kill.set(function.kill()).is_ok());
        *self.point.lock().unwrap() = point;
        if point == Point::AfterAcknowledgement {
            function.kill_at_its_report();
        }
        function.send(&scenario.event(&self.stack(), &self.url()));
        if point == Point::Never {
            assert!(matches!(function.wait(), Ended::Response), "{}", function.log());
        } else {
            assert!(function.ends_within(Duration::from_secs(20)), "it was not killed: {}", function.log());
        }
        *self.point.lock().unwrap() = Point::Never;
        assert!(self.answers().len() <= 1, "one invocation, one answer");
    }

    /// A new process gets an event, and answers it once.
    fn answered(&self, event: &str) -> Value {
        let function = self.function();
        let before = self.answers().len();
        assert!(matches!(function.invoke(event), Ended::Response), "{}", function.log());
        let answers = self.answers();
        assert_eq!(answers.len(), before + 1, "one invocation, one answer");
        answers[before].clone()
    }

    /// Deletes the stack from where it stands now, in no time; what was there before the stack is there again.
    fn check_that_all_goes(&self, id: &str, properties: Value) {
        in_no_time(self.stack().delete(id, properties)).succeeded();
        assert_eq!(self.iam.world().unnumbered_like(&self.others), self.others, "what is left when the stack is gone");
    }
}

/// With time that stands still unless nothing else is to do.
fn in_no_time<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// What happens after the kill.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    TheSameEvent,
    TheRollback,
    ADeleteMeanwhile,
}

struct Case {
    scenario: Scenario,
    point: Point,
    then: Then,
}

impl Case {
    fn name(&self) -> String {
        format!("{}, {:?}, {:?}", self.scenario.name, self.point, self.then)
    }

    /// `whole` is what the event makes of the account when nobody kills it.
    fn play(&self, whole: &World) {
        let (scenario, stage) = (&self.scenario, Stage::of(&self.scenario));
        if self.then == Then::ADeleteMeanwhile {
            return self.play_both(&stage);
        }
        stage.play_until(scenario, self.point);
        match self.then {
            Then::TheSameEvent => {
                let answer = stage.answered(&scenario.event(&stage.stack(), &stage.url()));
                assert_eq!(answer["Status"], "SUCCESS", "{answer}");
                assert_eq!(stage.iam.world().comparable(), *whole);
                for early in stage.answers() {
                    let ids = (&early["PhysicalResourceId"], &answer["PhysicalResourceId"]);
                    assert_eq!(ids.0, ids.1, "the same event, the same physical id");
                }
                if let Some(new) = scenario.new {
                    assert_eq!(answer["PhysicalResourceId"], ID);
                    // What was adopted and is suspended stays shut; none of these is.
                    stage.check_that_all_goes(ID, new());
                }
            }
            _ => {
                let answer = stage.answered(&scenario.rollback(&stage.stack(), &stage.url()));
                assert_eq!(answer["Status"], "SUCCESS", "{answer}");
                match scenario.old {
                    None => assert_eq!(stage.iam.world().unnumbered_like(&stage.others), stage.others),
                    Some(_) if scenario.new.is_none() => {}
                    Some(old) => {
                        let (now, before) = (stage.iam.world().comparable(), stage.before.comparable());
                        assert_eq!(now.role(ROLE), before.role(ROLE), "as before the update");
                        let arn = policy_arn(POLICY);
                        assert_eq!(now.policy(&arn), before.policy(&arn), "as before the update");
                        assert_eq!(answer["PhysicalResourceId"], ID);
                        stage.check_that_all_goes(ID, old());
                    }
                }
            }
        }
    }

    /// A Create is held up, and its stack is deleted meanwhile: CloudFormation does not know an id yet, and makes one up.
    fn play_both(&self, stage: &Stage) {
        let create = stage.function();
        *stage.point.lock().unwrap() = self.point;
        create.send(&self.scenario.event(&stage.stack(), &stage.url()));
        let Point::HeldUpAtCall(call) = self.point else { unreachable!("the point of these cases") };
        while *stage.calls.lock().unwrap() <= call {
            thread::sleep(Duration::from_millis(5));
        }
        let delete = stage.function();
        delete.send(&self.scenario.rollback(&stage.stack(), &stage.url()));
        assert!(matches!((create.wait(), delete.wait()), (Ended::Response, Ended::Response)));
        let answers = stage.answers();
        let deleted =
            answers.iter().find(|answer| answer["PhysicalResourceId"] == MADE_UP).expect("the Delete's answer");
        assert_eq!((answers.len(), &deleted["Status"]), (2, &"SUCCESS".into()), "{deleted}");
        assert_eq!(stage.iam.world().unnumbered_like(&stage.others), stage.others, "what the two have left");
    }
}

#[test]
fn a_function_that_is_killed_anywhere_leaves_what_the_next_event_can_carry_on_from() {
    let mut cases = VecDeque::new();
    let mut wholes = Vec::new();
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        let stage = Stage::of(scenario);
        stage.play_until(scenario, Point::Never);
        let calls = *stage.calls.lock().unwrap();
        wholes.push(stage.iam.world().comparable());
        let around_the_callback = [Point::BeforeAcknowledgement, Point::AfterAcknowledgement];
        let at_calls = (0..calls).flat_map(|call| [Point::BeforeCall(call), Point::AfterCall(call)]);
        for point in at_calls.chain(around_the_callback) {
            // The rollback of a Delete is a Delete.
            let thens = [Then::TheSameEvent, Then::TheRollback];
            for then in &thens[..if scenario.new.is_some() { 2 } else { 1 }] {
                cases.push_back((number, Case { scenario: *scenario, point, then: *then }));
            }
        }
        if scenario.old.is_none() {
            let held_up = (0..calls).map(Point::HeldUpAtCall);
            let case = |point| (number, Case { scenario: *scenario, point, then: Then::ADeleteMeanwhile });
            cases.extend(held_up.map(case));
        }
    }
    if let Ok(only) = std::env::var("KILLED_CASE") {
        cases.retain(|(_, case)| case.name() == only);
        assert_eq!(cases.len(), 1, "no case of that name");
    }
    let all = cases.len();
    let counted = |then| cases.iter().filter(|(_, case)| case.then == then).count();
    let counts = [Then::TheSameEvent, Then::TheRollback, Then::ADeleteMeanwhile].map(|then| (then, counted(then)));
    let (cases, failed) = (Mutex::new(cases), Mutex::new(Vec::new()));
    std::panic::set_hook(Box::new(|_| {}));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((number, case)) = { cases.lock().unwrap().pop_front() } {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| case.play(&wholes[number]))) {
                        let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                        let line = format!("KILLED_CASE=\"{}\" cargo test --test killed\n    {words}", case.name());
                        failed.lock().unwrap().push(line);
                    }
                }
            });
        }
    });
    let _ = std::panic::take_hook();
    let mut shown = std::io::stderr().lock();
    for (then, count) in counts {
        writeln!(shown, "{count:6} cases: then {then:?}").unwrap();
    }
    writeln!(shown, "{all:6} cases in all").unwrap();
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} cases failed; to play one alone:\n{}", failed.len(), failed.join("\n"));
}
