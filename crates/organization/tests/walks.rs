//! Random walks over two stacks in one organization: they are created, updated, cancelled and deleted, with faults and
//! kills, while people close, rename and move accounts by hand. The walks are the same in every run; `WALK_SEED` asks
//! for others. A walk that fails is shrunk and printed.

#![expect(clippy::print_stdout, reason = "how many steps there were is a part of the result")]

mod common;

use common::fake::{Account, FakeManagementAccount, Fault, ROOT, UNIT};
use common::stack::{Response, Stack, account_properties, organization_properties};
use orchestera_organization::handler::{ACCOUNT, ORGANIZATION};
use orchestera_organization::management_account::{AccountState, STACK_ID};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::sleep;

const STACKS: [&str; 2] = [
    "arn:aws:cloudformation:us-east-1:111122223333:stack/a/1",
    "arn:aws:cloudformation:us-east-1:111122223333:stack/b/2",
];
const EMAILS: [&str; 3] = ["spark@example.com", "SPARK@example.com", "other@example.com"];
const NAMES: [&str; 2] = ["Orchestera Sparklith", "Another"];
const CODES: [&str; 6] = [
    "ConcurrentModificationException",
    "TooManyRequestsException",
    "FinalizingOrganizationException",
    "AccessDeniedException",
    "SomethingThatDoesNotExistYet",
    "",
];

#[derive(Clone, Debug)]
enum Step {
    Create {
        stack: usize,
        email: usize,
        name: usize,
        unit: bool,
    },
    /// The stack gives up after so many seconds, and its Delete comes while the Create may still be polling.
    CreateAndCancel {
        stack: usize,
        email: usize,
        name: usize,
        after: u64,
    },
    Update {
        stack: usize,
        name: usize,
        unit: bool,
    },
    Delete {
        stack: usize,
    },
    Fault {
        call: usize,
        fault: Fault,
    },
    /// How the next creation goes.
    Creation {
        seconds: u64,
        fails: Option<&'static str>,
    },
    /// Somebody does something by hand with one of the accounts.
    Close {
        account: usize,
    },
    Rename {
        account: usize,
    },
    Move {
        account: usize,
    },
    Untag {
        account: usize,
    },
    Pass {
        seconds: u64,
    },
}

fn steps() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        select(&CODES[..]).prop_map(Fault::Code),
        Just(Fault::AnswerLost),
        Just(Fault::Hangs),
        any::<bool>().prop_map(|after| Fault::Killed { after }),
    ];
    let fails =
        select(&[None, None, None, Some("INTERNAL_FAILURE"), Some("A_NEW_ONE"), Some("EMAIL_ALREADY_EXISTS")][..]);
    prop_oneof![
        4 => (0..2_usize, 0..3_usize, 0..2_usize, any::<bool>())
            .prop_map(|(stack, email, name, unit)| Step::Create { stack, email, name, unit }),
        2 => (0..2_usize, 0..3_usize, 0..2_usize, 0..900_u64)
            .prop_map(|(stack, email, name, after)| Step::CreateAndCancel { stack, email, name, after }),
        2 => (0..2_usize, 0..2_usize, any::<bool>()).prop_map(|(stack, name, unit)| Step::Update { stack, name, unit }),
        2 => (0..2_usize).prop_map(|stack| Step::Delete { stack }),
        3 => (0..40_usize, fault).prop_map(|(call, fault)| Step::Fault { call, fault }),
        2 => (0..3000_u64, fails).prop_map(|(seconds, fails)| Step::Creation { seconds, fails }),
        1 => (0..4_usize).prop_map(|account| Step::Close { account }),
        1 => (0..4_usize).prop_map(|account| Step::Rename { account }),
        1 => (0..4_usize).prop_map(|account| Step::Move { account }),
        1 => (0..4_usize).prop_map(|account| Step::Untag { account }),
        1 => (0..4000_u64).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// What a stack has.
#[derive(Clone, Debug)]
struct Present {
    physical_id: String,
    properties: Value,
}

struct Walk {
    fake: FakeManagementAccount,
    present: [Option<Present>; 2],
    events: usize,
    succeeded: usize,
}

fn properties(email: usize, name: usize, unit: bool) -> Value {
    let mut properties = account_properties();
    properties["Email"] = EMAILS[email].into();
    properties["AccountName"] = NAMES[name].into();
    properties["OrganizationalUnitId"] = if unit { UNIT } else { "" }.into();
    properties
}

fn stack(number: usize, email: usize) -> Stack {
    Stack { id: STACKS[number].into(), email: EMAILS[email].into(), ..Stack::default() }
}

/// What nobody but its stack may change of an account.
fn shown(account: &Account) -> (BTreeMap<String, String>, String, String) {
    (account.tags.clone(), account.parent.clone(), account.description.name.clone())
}

impl Walk {
    fn new() -> Self {
        let fake = FakeManagementAccount::managing();
        fake.world.borrow_mut().units.insert(UNIT.into(), ROOT.into());
        fake.world.borrow_mut().quota = 100;
        Self { fake, present: [None, None], events: 0, succeeded: 0 }
    }

    fn note(&mut self, response: &Response) -> Result<(), TestCaseError> {
        self.events += 1;
        self.succeeded += usize::from(response.status == "SUCCESS");
        prop_assert!(response.took <= common::stack::SERVICE_TIMEOUT, "{response:?}");
        Ok(())
    }

    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let before: BTreeMap<_, _> = {
            let world = self.fake.world.borrow();
            world.accounts.iter().map(|account| (account.description.id.clone(), shown(account))).collect()
        };
        let actor = match *step {
            Step::Create { stack: number, email, name, unit } => {
                self.create(number, email, properties(email, name, unit)).await?;
                Some(number)
            }
            Step::CreateAndCancel { stack: number, email, name, after } => {
                self.cancel(number, email, properties(email, name, false), after).await?;
                Some(number)
            }
            Step::Update { stack: number, name, unit } => {
                self.update(number, name, unit).await?;
                Some(number)
            }
            Step::Delete { stack: number } => {
                self.delete(number).await?;
                Some(number)
            }
            Step::Fault { call, fault } => {
                let number = self.fake.calls.borrow().len() + call;
                self.fake.faults.borrow_mut().insert(number, fault);
                return Ok(());
            }
            Step::Creation { seconds, fails } => {
                let mut world = self.fake.world.borrow_mut();
                world.creation_takes = Duration::from_secs(seconds);
                world.creation_fails = fails.map(str::to_owned);
                return Ok(());
            }
            Step::Close { account } => {
                self.by_hand(account, |account| account.description.state = AccountState::Suspended);
                return Ok(());
            }
            Step::Rename { account } => {
                self.by_hand(account, |account| account.description.name = "Renamed".into());
                return Ok(());
            }
            Step::Move { account } => {
                self.by_hand(account, |account| account.parent = UNIT.into());
                return Ok(());
            }
            Step::Untag { account } => {
                self.by_hand(account, |account| account.tags.clear());
                return Ok(());
            }
            Step::Pass { seconds } => {
                sleep(Duration::from_secs(seconds)).await;
                return Ok(());
            }
        };
        self.check(&before, actor)
    }

    /// With one of the member accounts, if there is any.
    fn by_hand(&self, number: usize, change: impl FnOnce(&mut Account)) {
        let mut world = self.fake.world.borrow_mut();
        let members = world.accounts.len() - 1;
        if members > 0 {
            change(&mut world.accounts[1 + number % members]);
        }
    }

    async fn create(&mut self, number: usize, email: usize, properties: Value) -> Result<(), TestCaseError> {
        if self.present[number].is_some() {
            return Ok(());
        }
        let stack = stack(number, email);
        let response = stack.create(&self.fake, ACCOUNT, properties.clone()).await;
        self.note(&response)?;
        if response.status == "SUCCESS" {
            self.present[number] = Some(Present { physical_id: response.physical_id, properties });
        } else {
            let deleted = stack.delete(&self.fake, ACCOUNT, &response.physical_id).await;
            self.note(&deleted)?;
            prop_assert_eq!(&*deleted.status, "SUCCESS", "a rollback must not fail: {}", deleted.reason);
        }
        Ok(())
    }

    async fn cancel(
        &mut self,
        number: usize,
        email: usize,
        properties: Value,
        after: u64,
    ) -> Result<(), TestCaseError> {
        if self.present[number].is_some() {
            return Ok(());
        }
        let (stack, fake) = (stack(number, email), &self.fake);
        stack.set(fake, ACCOUNT, "CREATE_IN_PROGRESS");
        let event = stack.event(json!({ "RequestType": "Create", "ResourceProperties": properties }), ACCOUNT);
        let deleted = async {
            sleep(Duration::from_secs(after)).await;
            stack.delete(fake, ACCOUNT, "made-up-by-cloudformation").await
        };
        let (_, deleted) = tokio::join!(stack.send(fake, event), deleted);
        self.note(&deleted)?;
        prop_assert_eq!(&*deleted.status, "SUCCESS", "a rollback must not fail: {}", deleted.reason);
        Ok(())
    }

    async fn update(&mut self, number: usize, name: usize, unit: bool) -> Result<(), TestCaseError> {
        let Some(present) = self.present[number].clone() else { return Ok(()) };
        let stack = stack(number, 0);
        let mut new = present.properties.clone();
        new["AccountName"] = NAMES[name].into();
        new["OrganizationalUnitId"] = if unit { UNIT } else { "" }.into();
        let response = stack.update(&self.fake, ACCOUNT, &present.physical_id, (&present.properties, &new)).await;
        self.note(&response)?;
        prop_assert_eq!(&response.physical_id, &present.physical_id, "an Update keeps its id");
        if response.status == "SUCCESS" {
            self.present[number] = Some(Present { properties: new, ..present });
            return Ok(());
        }
        // The rollback, with the properties exchanged. By then the fault has passed.
        self.fake.faults.borrow_mut().clear();
        self.fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_IN_PROGRESS".into();
        let back = stack.update(&self.fake, ACCOUNT, &present.physical_id, (&new, &present.properties)).await;
        self.fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_COMPLETE".into();
        self.note(&back)?;
        prop_assert_eq!(&*back.status, "SUCCESS", "the rollback of an Update must not fail: {}", back.reason);
        Ok(())
    }

    async fn delete(&mut self, number: usize) -> Result<(), TestCaseError> {
        let Some(present) = self.present[number].take() else { return Ok(()) };
        let response = stack(number, 0).delete(&self.fake, ACCOUNT, &present.physical_id).await;
        self.note(&response)?;
        prop_assert_eq!(&*response.status, "SUCCESS", "a Delete must not fail: {}", response.reason);
        Ok(())
    }

    /// What holds after each step of a stack.
    fn check(
        &self,
        before: &BTreeMap<String, (BTreeMap<String, String>, String, String)>,
        actor: Option<usize>,
    ) -> Result<(), TestCaseError> {
        let violations = self.fake.violations.borrow();
        prop_assert!(violations.is_empty(), "{:?}", *violations);
        let world = self.fake.world.borrow();
        let emails: BTreeSet<_> =
            world.accounts.iter().map(|account| account.description.email.to_lowercase()).collect();
        prop_assert_eq!(emails.len(), world.accounts.len(), "two accounts with one email address");
        for account in &world.accounts {
            let Some((tags, parent, name)) = before.get(&account.description.id) else { continue };
            let is_of_actor = actor.is_some_and(|number| tags.get(STACK_ID).is_some_and(|id| id == STACKS[number]));
            let now = shown(account);
            prop_assert!(
                is_of_actor || now == (tags.clone(), parent.clone(), name.clone()),
                "account {} of somebody else was changed: {:?}",
                account.description.id,
                now
            );
        }
        let allowed = ["CreateAccount", "MoveAccount", "UntagResource"];
        prop_assert!(self.fake.writes().iter().all(|write| allowed.contains(write)));
        Ok(())
    }
}

async fn walk(steps: &[Step]) -> Result<(usize, usize), TestCaseError> {
    let mut walk = Walk::new();
    // The organization is there, and finding it changes nothing.
    let found = stack(0, 0).create(&walk.fake, ORGANIZATION, organization_properties()).await;
    prop_assert_eq!(&*found.status, "SUCCESS");
    for step in steps {
        walk.take(step).await?;
    }
    // At last every stack is deleted, and nothing that still runs creates anything.
    walk.fake.faults.borrow_mut().clear();
    for number in [0, 1] {
        walk.delete(number).await?;
    }
    let creations = walk.fake.world.borrow().creations.len();
    sleep(Duration::from_secs(10_000)).await;
    prop_assert_eq!(walk.fake.world.borrow().creations.len(), creations);
    Ok((walk.events, walk.succeeded))
}

#[test]
fn a_random_walk_never_creates_two_accounts_for_one_email_and_never_changes_what_was_found() {
    let seed: u64 = std::env::var("WALK_SEED").map_or(0, |seed| seed.parse().expect("WALK_SEED is a number"));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases: 700, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let (played, events, succeeded) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let walked = TestRunner::new_with_rng(config, rng).run(&vec(steps(), 1..30), |steps| {
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (more, good) = clock.block_on(walk(&steps))?;
        played.set(played.get() + steps.len());
        events.set(events.get() + more);
        succeeded.set(succeeded.get() + good);
        Ok(())
    });
    println!("{} steps, {} events, of which {} succeeded", played.get(), events.get(), succeeded.get());
    if let Err(error) = walked {
        panic!("{error}");
    }
    assert!(
        played.get() >= 10_000 && succeeded.get() * 3 > events.get() * 2,
        "the walks are too short, or nothing works"
    );
}
