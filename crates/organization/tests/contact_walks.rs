//! Random walks over the security contacts of two stacks: of the management account, which both want, and of a member
//! account that the first stack created. Events meet faults, kills and cancellations, forged events come in between,
//! and people set and remove contacts by hand. `WALK_SEED` asks for other walks. A walk that fails is shrunk and
//! printed.

#![expect(clippy::print_stdout, reason = "how many steps there were is a part of the result")]

mod common;

use common::contacts::{ACCOUNT_MANAGEMENT, contact};
use common::fake::{FakeManagementAccount, Fault, OWN};
use common::stack::{NAME, Response, SERVICE_TIMEOUT, Stack, contact_properties};
use orchestera_organization::handler::CONTACT;
use orchestera_organization::management_account::contacts::{Contact, ContactKind};
use orchestera_organization::management_account::{AccountState, STACK_ID};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::cell::Cell;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const STACKS: [&str; 2] = [
    "arn:aws:cloudformation:us-east-1:111122223333:stack/a/1",
    "arn:aws:cloudformation:us-east-1:111122223333:stack/b/2",
];
const ACCOUNTS: [&str; 2] = [OWN, "444455556666"];
const TEXTS: [&str; 3] =
    ["Ann; CISO; ann@example.com; 1", "Bob; CISO; bob@example.com; 2", "Eve; -; eve@example.com; 3"];
const CODES: [&str; 5] = [
    "TooManyRequestsException",
    "InternalServerException",
    "AccessDeniedException",
    "SomethingThatDoesNotExistYet",
    "",
];

#[derive(Clone, Debug)]
enum Step {
    Create {
        stack: usize,
        account: usize,
        text: usize,
    },
    CreateAndCancel {
        stack: usize,
        account: usize,
        text: usize,
        after: u64,
    },
    Update {
        stack: usize,
        text: usize,
    },
    Delete {
        stack: usize,
    },
    /// Somebody who may invoke the function sends an event that the stack did not send.
    Forge {
        stack: usize,
        account: usize,
        text: usize,
        kind: &'static str,
    },
    Fault {
        call: usize,
        fault: Fault,
    },
    SetByHand {
        account: usize,
        text: usize,
    },
    RemoveByHand {
        account: usize,
    },
    TrustedAccess {
        is_on: bool,
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
    prop_oneof![
        4 => (0..2_usize, 0..2_usize, 0..2_usize)
            .prop_map(|(stack, account, text)| Step::Create { stack, account, text }),
        1 => (0..2_usize, 0..2_usize, 0..2_usize, 0..3_u64)
            .prop_map(|(stack, account, text, after)| Step::CreateAndCancel { stack, account, text, after }),
        3 => (0..2_usize, 0..2_usize).prop_map(|(stack, text)| Step::Update { stack, text }),
        3 => (0..2_usize).prop_map(|stack| Step::Delete { stack }),
        2 => (0..2_usize, 0..2_usize, 0..3_usize, select(&["Create", "Update", "Delete"][..]))
            .prop_map(|(stack, account, text, kind)| Step::Forge { stack, account, text, kind }),
        2 => (0..8_usize, fault).prop_map(|(call, fault)| Step::Fault { call, fault }),
        1 => (0..2_usize, 0..3_usize).prop_map(|(account, text)| Step::SetByHand { account, text }),
        1 => (0..2_usize).prop_map(|account| Step::RemoveByHand { account }),
        1 => any::<bool>().prop_map(|is_on| Step::TrustedAccess { is_on }),
        1 => (0..1000_u64).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// What a stack has.
#[derive(Clone, Debug)]
struct Present {
    physical_id: String,
    account: usize,
    text: usize,
}

struct Walk {
    fake: FakeManagementAccount,
    present: [Option<Present>; 2],
    events: usize,
    succeeded: usize,
    writes: usize,
}

fn properties(stack: usize, account: usize, text: usize) -> Value {
    let mut properties = contact_properties();
    if account == 1 {
        properties["AccountId"] = ACCOUNTS[1].into();
        // The second stack did not create the account, and lies about it with one of the texts.
        properties["AccountOwnership"] = if stack == 0 || text == 1 { "created" } else { "found" }.into();
    }
    properties["Contact"] = TEXTS[text].into();
    properties
}

fn stack(number: usize, text: usize) -> Stack {
    Stack { id: STACKS[number].into(), contact: TEXTS[text].into(), ..Stack::default() }
}

impl Walk {
    fn new() -> Self {
        let fake = FakeManagementAccount::managing();
        {
            let mut world = fake.world.borrow_mut();
            let now = Instant::now();
            let member = world.add(ACCOUNTS[1], NAME, "spark@example.com", AccountState::Active, now);
            member.tags.insert(STACK_ID.into(), STACKS[0].into());
            world.trusted_services.insert(ACCOUNT_MANAGEMENT.into());
        }
        Self { fake, present: [None, None], events: 0, succeeded: 0, writes: 0 }
    }

    fn existing(&self, account: usize) -> Option<Contact> {
        self.fake.world.borrow().contacts.get(&(ACCOUNTS[account].to_owned(), ContactKind::Security)).cloned()
    }

    fn note(&mut self, response: &Response) -> Result<(), TestCaseError> {
        self.events += 1;
        self.succeeded += usize::from(response.status == "SUCCESS");
        prop_assert!(response.took <= SERVICE_TIMEOUT, "{response:?}");
        Ok(())
    }

    /// What holds after an event: each contact is as it was, but for the one that the event may change.
    fn check(
        &self,
        before: &[Option<Contact>; 2],
        allowed: Option<(usize, Option<Contact>)>,
    ) -> Result<(), TestCaseError> {
        let violations = self.fake.violations.borrow();
        prop_assert!(violations.is_empty(), "{:?}", *violations);
        for (account, was) in before.iter().enumerate() {
            let is = self.existing(account);
            let may_be = allowed.as_ref().filter(|(number, _)| *number == account).map(|(_, becomes)| becomes);
            prop_assert!(is == *was || may_be == Some(&is), "{}: {was:?} became {is:?}", ACCOUNTS[account]);
        }
        Ok(())
    }

    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let before = [self.existing(0), self.existing(1)];
        match *step {
            Step::Create { stack: number, account, text } if self.present[number].is_none() => {
                let stack = stack(number, text);
                let properties = properties(number, account, text);
                let response = stack.create(&self.fake, CONTACT, properties.clone()).await;
                self.note(&response)?;
                let may_set = before[account].is_none() && (account == 0 || number == 0);
                self.check(&before, may_set.then(|| (account, Some(contact(TEXTS[text])))))?;
                if response.status == "SUCCESS" {
                    let is_made = response.physical_id.ends_with("/made");
                    prop_assert!(!is_made || (may_set && self.existing(account).is_some()), "{response:?}");
                    self.present[number] = Some(Present { physical_id: response.physical_id, account, text });
                } else {
                    let now = [self.existing(0), self.existing(1)];
                    let deleted = stack.delete_with(&self.fake, CONTACT, &response.physical_id, properties).await;
                    self.note(&deleted)?;
                    prop_assert_eq!(&*deleted.status, "SUCCESS", "a rollback must not fail: {}", deleted.reason);
                    self.check(&now, None)?;
                }
            }
            Step::CreateAndCancel { stack: number, account, text, after } if self.present[number].is_none() => {
                let (stack, fake) = (stack(number, text), &self.fake);
                let properties = properties(number, account, text);
                stack.set(fake, CONTACT, "CREATE_IN_PROGRESS");
                let event = json!({ "RequestType": "Create", "ResourceProperties": properties });
                let event = stack.event(event, CONTACT);
                let deleted = async {
                    sleep(Duration::from_millis(after * 120)).await;
                    stack.delete_with(fake, CONTACT, "made-up-by-cloudformation", properties.clone()).await
                };
                let (_, deleted) = tokio::join!(stack.send(fake, event), deleted);
                self.note(&deleted)?;
                prop_assert_eq!(&*deleted.status, "SUCCESS", "a rollback must not fail: {}", deleted.reason);
                let may_set = before[account].is_none() && (account == 0 || number == 0);
                self.check(&before, may_set.then(|| (account, Some(contact(TEXTS[text])))))?;
            }
            Step::Update { stack: number, text } => self.update(number, text, &before).await?,
            Step::Delete { stack: number } => self.delete(number, &before).await?,
            Step::Forge { stack: number, account, text, kind } => {
                let stack = stack(number, 0);
                let id = format!("{}/SECURITY/made", ACCOUNTS[account]);
                let mut properties = properties(number, account, text);
                properties["AccountOwnership"] = "created".into();
                let event = json!({
                    "RequestType": kind, "PhysicalResourceId": id, "ResourceProperties": properties,
                    "OldResourceProperties": properties,
                });
                let response = stack.send(&self.fake, stack.event(event, CONTACT)).await;
                prop_assert!(kind != "Delete" || response.is_none_or(|response| response.status == "SUCCESS"));
                self.check(&before, None)?;
            }
            Step::Fault { call, fault } => {
                let number = self.fake.calls.borrow().len() + call;
                let mut faults = self.fake.faults.borrow_mut();
                if let Fault::Killed { .. } = fault {
                    // Lambda repeats an event twice. Three kills of one event would leave it without a response.
                    faults.retain(|_, other| !matches!(other, Fault::Killed { .. }));
                }
                faults.insert(number, fault);
            }
            Step::SetByHand { account, text } => {
                let key = (ACCOUNTS[account].to_owned(), ContactKind::Security);
                self.fake.world.borrow_mut().contacts.insert(key, contact(TEXTS[text]));
            }
            Step::RemoveByHand { account } => {
                let key = (ACCOUNTS[account].to_owned(), ContactKind::Security);
                self.fake.world.borrow_mut().contacts.remove(&key);
            }
            Step::TrustedAccess { is_on } => {
                let trusted = is_on.then(|| ACCOUNT_MANAGEMENT.to_owned());
                self.fake.world.borrow_mut().trusted_services = trusted.into_iter().collect();
            }
            Step::Pass { seconds } => sleep(Duration::from_secs(seconds)).await,
            Step::Create { .. } | Step::CreateAndCancel { .. } => {}
        }
        Ok(())
    }

    /// What an Update of this stack may make of its contact.
    fn may_become(&self, present: &Present, old: usize, new: usize) -> Option<(usize, Option<Contact>)> {
        let is_free = self.existing(present.account).is_none_or(|existing| existing == contact(TEXTS[old]));
        (present.physical_id.ends_with("/made") && is_free).then(|| (present.account, Some(contact(TEXTS[new]))))
    }

    async fn update(&mut self, number: usize, text: usize, before: &[Option<Contact>; 2]) -> Result<(), TestCaseError> {
        let Some(present) = self.present[number].clone() else { return Ok(()) };
        let of = |text| properties(number, present.account, text);
        let allowed = self.may_become(&present, present.text, text);
        let id = &present.physical_id;
        let response = stack(number, text).update(&self.fake, CONTACT, id, (&of(present.text), &of(text))).await;
        self.note(&response)?;
        prop_assert_eq!(&response.physical_id, id, "an Update keeps its id");
        self.check(before, allowed)?;
        if response.status == "SUCCESS" {
            self.present[number] = Some(Present { text, ..present });
            return Ok(());
        }
        // The rollback, with the properties exchanged, and the environment as before. Even with a fault it must
        // succeed.
        let now = [self.existing(0), self.existing(1)];
        let allowed = self.may_become(&present, text, present.text);
        self.fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_IN_PROGRESS".into();
        self.fake.faults.borrow_mut().retain(|_, fault| !matches!(fault, Fault::Killed { .. }));
        let back = stack(number, present.text).update(&self.fake, CONTACT, id, (&of(text), &of(present.text))).await;
        self.fake.world.borrow_mut().stack_status = "UPDATE_ROLLBACK_COMPLETE".into();
        self.note(&back)?;
        self.check(&now, allowed)
    }

    async fn delete(&mut self, number: usize, before: &[Option<Contact>; 2]) -> Result<(), TestCaseError> {
        let Some(present) = self.present[number].take() else { return Ok(()) };
        let properties = properties(number, present.account, present.text);
        let id = &present.physical_id;
        let response = stack(number, present.text).delete_with(&self.fake, CONTACT, id, properties).await;
        self.note(&response)?;
        prop_assert_eq!(&*response.status, "SUCCESS", "a Delete must not fail: {}", response.reason);
        let is_ours = id.ends_with("/made") && before[present.account] == Some(contact(TEXTS[present.text]));
        self.check(before, is_ours.then_some((present.account, None)))
    }
}

async fn walk(steps: &[Step]) -> Result<Walk, TestCaseError> {
    let mut walk = Walk::new();
    for step in steps {
        walk.take(step).await?;
    }
    walk.writes = walk.fake.writes().len();
    Ok(walk)
}

#[test]
fn a_random_walk_never_changes_or_deletes_a_contact_that_the_stack_did_not_set() {
    let seed: u64 = std::env::var("WALK_SEED").map_or(0, |seed| seed.parse().expect("WALK_SEED is a number"));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases: 700, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let (played, events, succeeded, writes) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let walked = TestRunner::new_with_rng(config, rng).run(&vec(steps(), 1..30), |steps| {
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let walk = clock.block_on(walk(&steps))?;
        played.set(played.get() + steps.len());
        events.set(events.get() + walk.events);
        succeeded.set(succeeded.get() + walk.succeeded);
        writes.set(writes.get() + walk.writes);
        Ok(())
    });
    println!(
        "{} steps, {} events, of which {} succeeded, {} writes",
        played.get(),
        events.get(),
        succeeded.get(),
        writes.get()
    );
    if let Err(error) = walked {
        panic!("{error}");
    }
    assert!(
        played.get() >= 10_000 && succeeded.get() * 3 > events.get() * 2 && writes.get() > 1_000,
        "the walks are too short, or nothing works"
    );
}
