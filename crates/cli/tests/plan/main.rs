//! The plan beside the function: in each of some two hundred states and events, the plan has the function's writes, one
//! by one, and its answer.
//!
//! Both start from the same state of IAM. The function works on one copy of it, the plan on another. The states are
//! those of the function's own fault tests, and others with what people do by hand.

#![allow(dead_code, unused_imports, reason = "the modules are shared with tests that use more of them")]

#[path = "../../../../tests/common/assume.rs"]
mod assume;
#[path = "../../../../tests/common/by_hand.rs"]
mod by_hand;
mod effective;
#[path = "../../../../tests/common/fake_iam.rs"]
mod fake_iam;
#[path = "../../../../tests/common/fake_sts.rs"]
mod fake_sts;
#[path = "../../../../tests/common/runbook.rs"]
mod runbook;
#[path = "../../../../tests/common/stack.rs"]
mod stack;
#[path = "../../../../tests/faults/states.rs"]
mod states;

/// The paths by which `states` finds the rest.
mod common {
    pub(crate) use super::{assume, by_hand, fake_iam, stack};
}

use by_hand::{in_the_trust, role, some_document};
use custom_resource::{Budget, Request, Result};
use effective::Effective;
use fake_iam::{ACCOUNT, FakeIam, World, policy_arn, tags};
use orchestera_access::account::Account;
use orchestera_access::goal::goal;
use orchestera_access::iam::{Iam, PolicyUser, Tags, Write};
use orchestera_access::ownership::Resource;
use orchestera_access::reconcile::{self, Reached};
use orchestera_cli::dry_run::DryRun;
use orchestera_cli::plan::{Asked, outcome};
use serde_json::{Value, json};
use stack::{ID, POLICY, ROLE};
use states::{Before, MANAGEMENT, neighbours, states};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// What the function would have made at random.
const RANDOM: &str = "0123456789abcdef0123456789abcdef";
const STACK_ID: &str =
    "arn:aws:cloudformation:us-east-1:111122223333:stack/access/0a1b2c3d-1111-2222-3333-444455556666";
const MADE_UP: &str = "access-Access-1ABCDEFGHIJK";

/// What CloudFormation can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Create,
    CreateSuspended,
    CreateOrFail,
    CreateWithABoundaryThatIsMissing,
    CreateWithWrongProperties,
    Update,
    Edition,
    Suspend,
    ExternalId,
    Tags,
    ABoundaryThatIsMissing,
    Boundary,
    AnotherName,
    Delete,
    DeleteAll,
    Retain,
    DeleteOfAFailedCreate,
    DeleteOfAMadeUpId,
}

impl Event {
    const ALL: [Self; 18] = [
        Self::Create,
        Self::CreateSuspended,
        Self::CreateOrFail,
        Self::CreateWithABoundaryThatIsMissing,
        Self::CreateWithWrongProperties,
        Self::Update,
        Self::Edition,
        Self::Suspend,
        Self::ExternalId,
        Self::Tags,
        Self::ABoundaryThatIsMissing,
        Self::Boundary,
        Self::AnotherName,
        Self::Delete,
        Self::DeleteAll,
        Self::Retain,
        Self::DeleteOfAFailedCreate,
        Self::DeleteOfAMadeUpId,
    ];

    fn is_of_a_resource(self) -> bool {
        use Event as E;
        !matches!(
            self,
            E::Create
                | E::CreateSuspended
                | E::CreateOrFail
                | E::CreateWithABoundaryThatIsMissing
                | E::CreateWithWrongProperties
                | E::DeleteOfAFailedCreate
                | E::DeleteOfAMadeUpId
        )
    }

    fn request(self, old: &Value) -> Request {
        use Event as E;
        let mut properties = old.clone();
        let mut set = |name: &str, value: Value| properties[name] = value;
        match self {
            E::CreateSuspended | E::Suspend => set("AccessState", "Suspended".into()),
            E::CreateOrFail => set("OnExisting", "Fail".into()),
            E::CreateWithABoundaryThatIsMissing | E::ABoundaryThatIsMissing => {
                set("PermissionsBoundaryArn", policy_arn("Missing").into());
            }
            E::CreateWithWrongProperties => set("MaxSessionDuration", "1".into()),
            E::Edition => set("PolicyEdition", "2026-02-06".into()),
            E::ExternalId => set("ExternalId", "another".into()),
            E::Tags => set("Tags", "OWNER=me,cost=7".into()),
            E::Boundary => set("PermissionsBoundaryArn", policy_arn("Theirs").into()),
            E::AnotherName => set("RoleName", "Another".into()),
            E::DeleteAll => set("OnDelete", "DeleteAll".into()),
            E::Retain => set("OnDelete", "Retain".into()),
            E::Create | E::Update | E::Delete | E::DeleteOfAFailedCreate | E::DeleteOfAMadeUpId => {}
        }
        match self {
            E::Create
            | E::CreateSuspended
            | E::CreateOrFail
            | E::CreateWithABoundaryThatIsMissing
            | E::CreateWithWrongProperties => Request::Create { properties },
            E::Delete | E::DeleteAll | E::Retain => Request::Delete { physical_id: ID.into(), properties },
            E::DeleteOfAFailedCreate => Request::Delete { physical_id: "failed/Access/request-1".into(), properties },
            E::DeleteOfAMadeUpId => Request::Delete { physical_id: MADE_UP.into(), properties },
            _ => Request::Update { physical_id: ID.into(), properties, old_properties: old.clone() },
        }
    }
}

fn nothing(_: &mut World) {}

/// What people do by hand, beside the states of the fault tests.
fn more_states() -> Vec<(&'static str, Before)> {
    let ours = |since: fn(&mut World)| Before::Created(nothing, json!({}), since);
    vec![
        (
            "ours, tagged by another stack since",
            ours(|world| {
                role(world).tags.insert("orchestera:stack-id".into(), "arn:of:another".into());
            }),
        ),
        (
            "ours, its policy used by a user",
            ours(|world| {
                world.principals.insert((policy_arn(POLICY), PolicyUser::User("ann".into())));
            }),
        ),
        (
            "ours, in an instance profile",
            ours(|world| {
                role(world).instance_profiles.insert("theirs".into());
            }),
        ),
        (
            "ours, open to another account",
            ours(|world| {
                in_the_trust(world, json!({"AWS": "arn:aws:iam::444455556666:root"}), "sts:AssumeRole");
            }),
        ),
        (
            "ours, a longer session and a boundary",
            ours(|world| {
                role(world).max_session_duration = 43200;
                role(world).permissions_boundary = Some(policy_arn("Theirs"));
            }),
        ),
        ("ours, another document", ours(|world| by_hand::add_version(world, some_document("iam:*"), true))),
        (
            "ours, neither has tags",
            ours(|world| {
                role(world).tags.clear();
                world.policies.values_mut().for_each(|policy| policy.tags.clear());
            }),
        ),
        ("everything different", Before::Untouched(by_hand::guides_with_everything_different, json!({}))),
        (
            "adopted, everything different",
            Before::Created(by_hand::guides_with_everything_different, json!({}), nothing),
        ),
        (
            "adopted, its boundary deleted since",
            Before::Created(by_hand::guides_with_everything_different, json!({}), |world| {
                world.policies.remove(&policy_arn("Boundary"));
            }),
        ),
        ("adopted, suspended", Before::Created(by_hand::guides, json!({"AccessState": "Suspended"}), nothing)),
        (
            "a foreign role and a policy that others use",
            Before::Untouched(
                |world| {
                    by_hand::foreign_role(world);
                    by_hand::policy_by_hand(world, POLICY, tags([("Team", "data")]));
                    world.principals.insert((policy_arn(POLICY), PolicyUser::Group("admins".into())));
                },
                json!({}),
            ),
        ),
    ]
}

struct Case {
    name: String,
    event: Event,
    world: World,
    asked: Asked,
}

/// What a function or a plan came to.
struct Came {
    writes: Vec<String>,
    world: World,
    answer: Result<Reached>,
}

fn clock() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

fn asked(event: Event, properties: &Value) -> Asked {
    let id = if properties["MemberAccountId"].is_string() { MANAGEMENT } else { ACCOUNT };
    Asked {
        request: event.request(properties),
        own: Account { partition: "aws".into(), id: id.into() },
        resource: Resource { stack_id: STACK_ID.into(), logical_id: "Access".into() },
    }
}

async fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (state, before) in states().into_iter().chain(more_states()) {
        let (furnish, properties) = before.beginning();
        let iam = FakeIam::default();
        iam.by_hand(neighbours);
        iam.by_hand(furnish);
        let is_of_a_resource = match &before {
            Before::Untouched(..) => false,
            Before::Created(_, _, since) => {
                function(&asked(Event::Create, properties), &iam).await.answer.expect("it is created");
                iam.by_hand(since);
                true
            }
        };
        for event in Event::ALL.into_iter().filter(|event| event.is_of_a_resource() == is_of_a_resource) {
            let name = format!("{event:?}, {state}");
            cases.push(Case { name, event, world: iam.world(), asked: asked(event, properties) });
        }
    }
    cases
}

/// What the function does, on an IAM that obeys IAM's rules.
async fn function(asked: &Asked, iam: &FakeIam) -> Came {
    let effective = Effective::new(iam);
    let answer = match goal(&asked.request, &asked.own, &asked.resource, RANDOM) {
        Err(refusal) => Err(refusal),
        Ok(goal) => {
            let now = Instant::now();
            reconcile::reach(&goal, &effective, Budget::new(now, now + Duration::from_secs(60))).await
        }
    };
    Came { writes: effective.writes.into_inner(), world: iam.world(), answer }
}

/// What the plan says. The world is what its writes make of the state.
async fn plan(asked: &Asked, iam: &FakeIam) -> Came {
    let planned = outcome(asked, iam, RANDOM).await.expect("everything can be read");
    assert!(iam.writes().is_empty(), "a plan writes nothing");
    let mut world = iam.world();
    let writes: Vec<_> = planned.writes.iter().map(ToString::to_string).collect();
    planned.writes.iter().for_each(|write: &Write| drop(world.write(write)));
    Came { writes, world, answer: planned.answer }
}

fn said(answer: &Result<Reached>) -> String {
    match answer {
        Ok(reached) => format!("{} {} {}", json!(reached.attributes), reached.id.is_some(), reached.note),
        Err(error) => format!("{:?}: {}", error.kind(), error.reason()),
    }
}

/// Everything that can be read of the role and the policy.
async fn reads(iam: &impl Iam) -> Vec<String> {
    let arn = policy_arn(POLICY);
    let sorted = |mut texts: Vec<String>| {
        texts.sort();
        texts
    };
    let mut all = vec![format!("{:?}", iam.role(ROLE).await), format!("{:?}", iam.policy(&arn).await)];
    let attached = iam.attached_policies(ROLE).await.unwrap_or_default();
    all.extend(sorted(attached.into_iter().map(|policy| policy.arn).collect()));
    for name in sorted(iam.inline_policies(ROLE).await.unwrap_or_default()) {
        all.push(format!("{name} {:?}", iam.inline_policy(ROLE, &name).await));
    }
    all.extend(sorted(iam.instance_profiles(ROLE).await.unwrap_or_default()));
    for version in iam.policy_versions(&arn).await.unwrap_or_default() {
        all.push(format!("{version:?} {:?}", iam.policy_document(&arn, &version.id).await));
    }
    all.extend(sorted(iam.policy_users(&arn).await.unwrap_or_default().iter().map(ToString::to_string).collect()));
    all
}

#[test]
fn after_the_writes_of_each_plan_every_read_of_the_dry_run_is_that_of_an_iam_with_them() {
    let mut written = 0;
    for Case { name, world, asked, .. } in clock().block_on(cases()) {
        clock().block_on(async {
            let (before, after) = (FakeIam::of(world.clone()), FakeIam::of(world.clone()));
            let account = Account { partition: "aws".into(), id: ACCOUNT.into() };
            let dry_run = DryRun::new(&before, &account);
            for write in outcome(&asked, &FakeIam::of(world), RANDOM).await.unwrap().writes {
                dry_run.write(&write).await.unwrap();
                after.write(&write).await.unwrap();
                assert_eq!(reads(&dry_run).await, reads(&after).await, "{name}, after {write}");
                written += 1;
            }
        });
    }
    assert!(written >= 500, "{written} writes");
}

#[test]
fn the_plan_has_the_functions_writes_one_by_one_and_its_answer_in_every_state() {
    let mut played = BTreeMap::<Event, usize>::new();
    let (mut refused, mut writing_although_refused) = (0, 0);
    for Case { name, event, world, asked } in clock().block_on(cases()) {
        let done = clock().block_on(function(&asked, &FakeIam::of(world.clone())));
        let planned = clock().block_on(plan(&asked, &FakeIam::of(world.clone())));
        assert_eq!(planned.writes, done.writes, "{name}");
        assert_eq!(said(&planned.answer), said(&done.answer), "{name}");
        assert_eq!(planned.world, done.world, "{name}");
        *played.entry(event).or_default() += 1;
        refused += usize::from(done.answer.is_err());
        writing_although_refused += usize::from(done.answer.is_err() && done.world != world);
    }
    let all: usize = played.values().sum();
    eprintln!("{all} cases, {refused} refused, {writing_although_refused} of them with writes: {played:?}");
    assert_eq!(played.len(), Event::ALL.len(), "{played:?}");
    assert!(
        all >= 200 && refused >= 50 && writing_although_refused >= 8,
        "{all}, {refused}, {writing_although_refused}"
    );
}
