//! Every call, every fault: each kind of event, in each state that it can find, with each fault at each of its calls.
//!
//! Generated, not written one by one. After each case: an acceptable answer in time; what CloudFormation does next leaves
//! nothing of ours behind and nothing of others changed; the same event again converges. A case that fails prints its name;
//! `FAULT_CASE="<name>" cargo test --test faults` plays it alone.

mod common;

use common::by_hand::{self, role, some_document};
use common::fake_iam::{FakeIam, Role, World, policy_arn, tags};
use common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use common::stack::{Answer, ID, POLICY, ROLE, Stack};
use orchestera_access::iam::{Iam, Tags, Write};
use orchestera_access::policy::Edition;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

const MADE_UP: &str = "access-Access-1ABCDEFGHIJK";
/// More than any event makes.
const MOST_CALLS: usize = 500;
/// The time for the answer, and a moment.
const LONGEST: Duration = Duration::from_secs(49);

/// The guide's pair, none of it as we would make it.
fn guides(world: &mut World) {
    by_hand::guides(world);
    role(world).max_session_duration = 7200;
    world.policies.get_mut(&policy_arn(POLICY)).unwrap().versions = vec![(1, some_document("ec2:*"))];
}

/// Things in the account that have nothing to do with us.
fn neighbours(world: &mut World) {
    let (role_name, policy_name) = ("Theirs".to_owned(), "Theirs".to_owned());
    for write in [
        Write::CreatePolicy { policy_name, document: some_document("s3:*"), tags: Tags::new() },
        Write::CreateRole {
            role_name: role_name.clone(),
            trust: some_trust(),
            max_session_duration: 3600,
            permissions_boundary: Some(policy_arn("Theirs")),
            tags: Tags::new(),
        },
        Write::AttachRolePolicy { role_name, policy_arn: policy_arn("Theirs") },
    ] {
        world.write(&write).unwrap();
    }
}

fn some_trust() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
}

/// How a state comes to be, from an account that holds only neighbours.
enum Before {
    /// Nothing of ours; something may be there already.
    Untouched(fn(&mut World)),
    /// Our stack's Create, from something, and what happened to it since.
    Created(fn(&mut World), Value, fn(&mut World)),
}

fn nothing(_: &mut World) {}

fn states() -> Vec<(&'static str, Before)> {
    vec![
        ("nothing", Before::Untouched(nothing)),
        ("the guide's", Before::Untouched(guides)),
        (
            "a foreign role",
            Before::Untouched(|world| {
                guides(world);
                role(world).trust = some_trust();
            }),
        ),
        (
            "another stack's",
            Before::Untouched(|world| {
                guides(world);
                role(world).tags =
                    tags([("orchestera:stack-id", "arn:of:another"), ("orchestera:logical-id", "Access")]);
            }),
        ),
        ("ours", Before::Created(nothing, json!({}), nothing)),
        ("ours, suspended", Before::Created(nothing, json!({"AccessState": "Suspended"}), nothing)),
        ("ours, detached", Before::Created(nothing, json!({}), |world| role(world).attached.clear())),
        ("ours, without tags on the role", Before::Created(nothing, json!({}), |world| role(world).tags.clear())),
        (
            "ours, five versions",
            Before::Created(nothing, json!({}), |world| {
                for _ in 0..4 {
                    let document = some_document("sqs:*");
                    world.write(&Write::CreatePolicyVersion { policy_arn: policy_arn(POLICY), document }).unwrap();
                }
            }),
        ),
        (
            "ours, with something foreign on it",
            Before::Created(nothing, json!({}), |world| {
                role(world).attached.insert(policy_arn("Theirs"));
                role(world).inline.insert("theirs".into(), some_document("s3:*"));
            }),
        ),
        (
            "only our role",
            Before::Created(nothing, json!({}), |world| {
                role(world).attached.clear();
                world.policies.remove(&policy_arn(POLICY));
            }),
        ),
        (
            "only our policy",
            Before::Created(nothing, json!({}), |world| {
                world.roles.remove(&ROLE.to_lowercase());
            }),
        ),
        ("adopted", Before::Created(guides, json!({}), nothing)),
    ]
}

/// An event, and what CloudFormation sends if it fails: to whatever comes of it, at last a Delete of what is left.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Create,
    Update,
    Edition,
    Suspend,
    Rename,
    Delete,
    DeleteOfAFailedCreate,
    DeleteOfAMadeUpId,
}

const EVENTS: [Event; 8] = [
    Event::Create,
    Event::Update,
    Event::Edition,
    Event::Suspend,
    Event::Rename,
    Event::Delete,
    Event::DeleteOfAFailedCreate,
    Event::DeleteOfAMadeUpId,
];

impl Event {
    /// Whether CloudFormation can send it: an Update needs a resource, a Create must have none.
    fn can_meet(self, before: &Before) -> bool {
        let is_of_a_resource =
            matches!(self, Self::Update | Self::Edition | Self::Suspend | Self::Rename | Self::Delete);
        is_of_a_resource == matches!(before, Before::Created(..))
    }

    fn properties(self, old: &Value) -> Value {
        let mut properties = old.clone();
        match self {
            Self::Edition => properties["PolicyEdition"] = "2026-02-06".into(),
            Self::Suspend => properties["AccessState"] = "Suspended".into(),
            Self::Rename => {
                properties["RoleName"] = "NewRole".into();
                properties["PolicyName"] = "NewPolicy".into();
            }
            _ => {}
        }
        properties
    }

    async fn send(self, iam: &impl Iam, old: &Value) -> Answer {
        let (stack, properties) = (Stack::new(iam), self.properties(old));
        match self {
            Self::Create => stack.create(properties).await,
            Self::Update | Self::Edition | Self::Suspend | Self::Rename => {
                stack.update(ID, properties, old.clone()).await
            }
            Self::Delete => stack.delete(ID, properties).await,
            Self::DeleteOfAFailedCreate => stack.delete("failed/Access/request-1", properties).await,
            Self::DeleteOfAMadeUpId => stack.delete(MADE_UP, properties).await,
        }
    }

    /// What CloudFormation does after this answer, until the stack is gone. No faults any more.
    async fn end(self, iam: &FakeIam, old: &Value, answer: &Answer) {
        let (stack, new) = (Stack::new(iam), self.properties(old));
        match self {
            Self::Create => gone(stack.delete(&answer.id, new).await, &stack, &answer.id, old).await,
            Self::Update | Self::Edition | Self::Suspend | Self::Rename => {
                let succeeded = answer.status == "SUCCESS";
                if succeeded && answer.id != ID {
                    gone(stack.delete(ID, old.clone()).await, &stack, ID, old).await;
                }
                if !succeeded {
                    // The rollback; it may fail for what failed before, and the stack is deleted all the same.
                    stack.update(&answer.id, old.clone(), new.clone()).await;
                }
                if succeeded && self == Self::Suspend {
                    // What was adopted and is suspended stays shut when its stack goes; here it is to be as before.
                    stack.update(ID, old.clone(), new.clone()).await.succeeded();
                }
                let last = if succeeded { &new } else { old };
                let id = if succeeded { &answer.id } else { ID };
                gone(stack.delete(id, last.clone()).await, &stack, id, last).await;
            }
            Self::Delete | Self::DeleteOfAFailedCreate | Self::DeleteOfAMadeUpId => {
                gone(self.send(iam, old).await, &stack, &answer.id, old).await;
            }
        }
    }
}

/// A Delete that shut a role without our tags fails once, and succeeds then. What it leaves is shut, and for a person to
/// delete.
async fn gone(answer: Answer, stack: &Stack<'_, FakeIam>, id: &str, properties: &Value) {
    if answer.status == "FAILED" {
        assert!(answer.reason.contains("It was shut"), "{}", answer.reason);
        stack.delete(id, properties.clone()).await.succeeded();
    }
    stack.iam.by_hand(|world| {
        let is_shut = |role: &Role| role.trust["Statement"][1]["Effect"] == "Deny" && role.attached.is_empty();
        if world.role(ROLE).is_some_and(is_shut) {
            world.roles.remove(&ROLE.to_lowercase());
            world.policies.remove(&policy_arn(POLICY));
        }
    });
}

/// What goes wrong.
struct Kind {
    name: &'static str,
    times: usize,
    /// Whether the event gets over it by itself.
    passes: bool,
    new: fn() -> Fault,
}

const fn kind(name: &'static str, times: usize, passes: bool, new: fn() -> Fault) -> Kind {
    Kind { name, times, passes, new }
}

const FAULTS: [Kind; 16] = [
    kind("throttled once", 1, true, || Fault::Refuse("Throttling")),
    kind("throttled for ever", FOR_EVER, false, || Fault::Refuse("Throttling")),
    kind("no answer once, without effect", 1, true, || Fault::Unheard),
    kind("no answer once, with effect", 1, true, || Fault::AnswerLost),
    kind("no answer for ever", FOR_EVER, false, || Fault::Unheard),
    kind("denied for a moment", 3, true, || Fault::Refuse("AccessDenied")),
    kind("denied for ever", FOR_EVER, false, || Fault::Refuse("AccessDenied")),
    kind("a quota", 1, false, || Fault::Refuse("LimitExceeded")),
    kind("already there", 1, true, || Fault::Refuse("EntityAlreadyExists")),
    kind("not there", 1, true, || Fault::Refuse("NoSuchEntity")),
    kind("changed at the same time", 1, true, || Fault::Refuse("ConcurrentModification")),
    kind("in the way", 1, true, || Fault::Refuse("DeleteConflict")),
    kind("a code that nobody knows", 1, false, || Fault::Refuse("Surprise")),
    kind("hangs", 1, false, || Fault::Hang),
    kind("slow", 1, true, || Fault::Slow(Duration::from_secs(3))),
    kind("a defect", 1, false, || Fault::Panic),
];

/// A world to compare: without what no two lives have in common.
fn comparable(world: &World) -> World {
    let mut world = world.clone().without_generated();
    for role in world.roles.values_mut() {
        // The generated external id, which is also what the trust asks for.
        if let Some(id) = role.trust.pointer_mut("/Statement/0/Condition/StringEquals/sts:ExternalId") {
            *id = "generated".into();
        }
    }
    for policy in world.policies.values_mut() {
        // Numbers of versions depend on how often one was made.
        policy.made = 0;
        let document = policy.document().clone();
        if policy.versions.iter().any(|(_, one)| Edition::named("2025-09-29").is_some_and(|e| e.document() == *one)) {
            policy.versions = vec![(0, document)];
            policy.default = 0;
        }
    }
    world
}

/// An event in a state, and what comes of it when nothing goes wrong.
struct Scene {
    event: Event,
    properties: Value,
    /// What is there before our stack is.
    others: World,
    before: World,
    /// The answer to the event and to the same event again, and what is there then. They differ where a role without our
    /// tags is shut, which is FAILED, and the rest goes at the next.
    statuses: [String; 2],
    worlds: [World; 2],
}

impl Scene {
    async fn of(event: Event, before: &Before) -> Self {
        let (furnish, properties) = match before {
            Before::Untouched(furnish) => (furnish, json!({})),
            Before::Created(furnish, properties, _) => (furnish, properties.clone()),
        };
        let iam = FakeIam::default();
        iam.by_hand(neighbours);
        iam.by_hand(furnish);
        let others = iam.world();
        if let Before::Created(_, _, since) = before {
            Stack::new(&iam).create(properties.clone()).await.succeeded();
            iam.by_hand(since);
        }
        let before = iam.world();
        let first = event.send(&iam, &properties).await;
        let after = iam.world();
        let second = event.send(&iam, &properties).await;
        let worlds = [comparable(&after), comparable(&iam.world())];
        Self { event, properties, others, before, statuses: [first.status, second.status], worlds }
    }

    /// Plays it with the fault at the call. `false` if there is no such call.
    async fn play(&self, name: &str, position: usize, fault: &Kind) -> bool {
        let (event, properties) = (self.event, &self.properties);
        let iam = FakeIam::of(self.before.clone());
        let faulty = FaultyIam::new(&iam).from(position, fault.times, (fault.new)());
        let answer = event.send(&faulty, properties).await;
        if faulty.called.borrow().len() <= position {
            return false;
        }
        assert!(answer.took <= LONGEST, "{name}: {:?}", answer.took);
        assert!(answer.status == "SUCCESS" || !answer.reason.trim().is_empty(), "{name}: FAILED without a Reason");
        // Rights are waited for in the first seconds only, and this event goes on for longer.
        let is_late = event == Event::DeleteOfAMadeUpId && fault.name == "denied for a moment";
        if fault.passes && !is_late {
            assert_eq!(answer.status, self.statuses[0], "{name}: {}", answer.reason);
        }
        let came_of_it = iam.world();

        // What CloudFormation does next leaves the others, untouched.
        event.end(&iam, properties, &answer).await;
        self.check_the_others(name, &iam.world());

        // The same event again, as Lambda repeats it.
        let iam = FakeIam::of(came_of_it);
        let again = event.send(&iam, properties).await;
        assert!(self.statuses.contains(&again.status), "{name}, again: {}", again.reason);
        let world = comparable(&iam.world());
        assert!(self.worlds.contains(&world), "{name}, again: {world:?}\n    instead of {:?}", self.worlds[0]);
        event.end(&iam, properties, &again).await;
        self.check_the_others(name, &iam.world());
        true
    }

    #[track_caller]
    fn check_the_others(&self, name: &str, world: &World) {
        let left = world.unnumbered_like(&self.others);
        assert_eq!(left, self.others, "{name}: what is left when the stack is gone");
    }
}

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

/// Every case of one event, or the one that is asked for.
fn play_all(event: Event, only: Option<&str>) -> Tally {
    let mut tally = Tally::default();
    for (state, before) in states().iter().filter(|(_, before)| event.can_meet(before)) {
        let scene = clock().block_on(Scene::of(event, before));
        for fault in &FAULTS {
            for position in 0..MOST_CALLS {
                let name = format!("{event:?}, {state}, call {position}, {}", fault.name);
                if only.is_some_and(|only| only != name) {
                    continue;
                }
                let case = AssertUnwindSafe(|| clock().block_on(scene.play(&name, position, fault)));
                match catch_unwind(case) {
                    Ok(true) => *tally.counts.entry(fault.name).or_default() += 1,
                    Ok(false) => break,
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
    let tallies: Vec<_> = std::thread::scope(|scope| {
        let threads = EVENTS.map(|event| scope.spawn(move || play_all(event, case)));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
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
