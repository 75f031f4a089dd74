//! A management account with the rules of Organizations, IAM and CloudFormation, as far as the function sees them.
//!
//! It is stateful: a creation takes its time, an email address belongs to one account only, a new organization is
//! finalized first. `tests/moto.rs` compares it with an emulator that others wrote.

use super::contacts::Contacts;
use custom_resource::error::FailedCall;
use custom_resource::{Error, Result};
use orchestera_organization::management_account::aws::kind_of;
use orchestera_organization::management_account::{
    AccountCreation, AccountDescription, AccountPlan, AccountState, CreationProgress, NewAccount,
    OrganizationDescription, PasswordPolicy, RootUser, STACK_ID, StackSet, Tags,
};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

pub mod identity_center;
mod management_account;

use identity_center::IdentityCenterWorld;

pub const OWN: &str = "111122223333";
pub const OWN_EMAIL: &str = "management@example.com";
pub const ORGANIZATION: &str = "o-exampleorgid";
pub const ROOT: &str = "r-exam";
pub const UNIT: &str = "ou-exam-11112222";

/// What a call does in place of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This code, and nothing took effect.
    Code(&'static str),
    /// The work is done, and the answer is lost.
    AnswerLost,
    /// No answer comes until the SDK gives up, and nothing took effect.
    Hangs,
    /// The process ends before the call is made, or after it took effect.
    Killed { after: bool },
}

/// An account, and what `ListAccounts` does not show of it.
#[derive(Clone, Debug)]
pub struct Account {
    pub description: AccountDescription,
    pub tags: Tags,
    pub parent: String,
    /// From when on it is listed.
    pub listed: Instant,
    /// From when on it is ACTIVE, if it is PENDING_ACTIVATION now.
    pub active: Instant,
}

#[derive(Clone, Debug)]
pub struct Creation {
    pub status: AccountCreation,
    pub request: NewAccount,
    pub ends: Instant,
    /// The `FailureReason` that it will end with.
    pub fails: Option<String>,
}

/// Everything that exists.
#[derive(Clone, Debug)]
pub struct World {
    pub organization: Option<OrganizationDescription>,
    pub finalized: Instant,
    pub accounts: Vec<Account>,
    pub creations: Vec<Creation>,
    /// Email addresses of accounts in other organizations.
    pub elsewhere: BTreeSet<String>,
    pub quota: usize,
    pub open_invitations: usize,
    pub plan: AccountPlan,
    pub groups: BTreeMap<String, Vec<String>>,
    pub users: BTreeSet<String>,
    pub roles: BTreeSet<String>,
    pub root_user: RootUser,
    pub password_policy: Option<PasswordPolicy>,
    /// Service principals with trusted access.
    pub trusted_services: BTreeSet<String>,
    pub identity_center: IdentityCenterWorld,
    pub stack_sets: Vec<StackSet>,
    /// Organizational units and their parents.
    pub units: BTreeMap<String, String>,
    pub policies: BTreeMap<String, Vec<String>>,
    pub delegated_administrators: Vec<String>,
    pub contacts: Contacts,
    /// By stack and logical id.
    pub resources: BTreeMap<(String, String), (String, Instant)>,
    pub physical_ids: BTreeMap<(String, String), String>,
    pub stack_status: String,
    /// How long the next creation takes.
    pub creation_takes: Duration,
    /// With which `FailureReason` the next creation ends.
    pub creation_fails: Option<String>,
    /// How long after its creation an account is listed, and then becomes ACTIVE.
    pub listing_takes: Duration,
    pub activation_takes: Duration,
    /// How long a new organization is finalized.
    pub finalizing_takes: Duration,
}

/// Something that somebody else does.
pub type Change = fn(&mut World);

/// The management account.
pub struct FakeManagementAccount {
    pub world: RefCell<World>,
    /// Every operation that was called, in order.
    pub calls: RefCell<Vec<&'static str>>,
    /// The fault of the calls with these numbers, from 0.
    pub faults: RefCell<BTreeMap<usize, Fault>>,
    /// An operation that is always refused with this code.
    pub always: RefCell<BTreeMap<&'static str, &'static str>>,
    /// What happens behind the function's back before the call with this number.
    pub meanwhile: RefCell<Option<(usize, Change)>>,
    /// What must never happen, and did.
    pub violations: RefCell<Vec<String>>,
    origin: (Instant, SystemTime),
    next_id: Cell<u64>,
}

tokio::task_local! {
    /// Tells an invocation that its process was killed.
    pub static KILLED: Rc<Notify>;
}

/// The SDK's limit for one call with all its attempts, as the framework configures it.
const SDK_GIVES_UP: Duration = Duration::from_secs(20);

/// How long ago a stack may have given up at most when something is created for it: the state was read a moment before.
const A_MOMENT: Duration = Duration::from_millis(150);

pub fn failed(operation: &'static str, code: &str) -> Error {
    let (code, message) = (code.to_owned(), "AWS's own words".to_owned());
    let server_error = ["ServiceException", "InternalServerException"].contains(&code.as_str());
    Error::call(kind_of(&code, server_error), FailedCall { operation, code, message, request_id: String::new() })
}

impl FakeManagementAccount {
    /// An account that is in no organization.
    pub fn alone() -> Self {
        let now = Instant::now();
        let world = World {
            organization: None,
            finalized: now,
            accounts: Vec::new(),
            creations: Vec::new(),
            elsewhere: BTreeSet::new(),
            quota: 10,
            open_invitations: 0,
            plan: AccountPlan::Paid,
            groups: BTreeMap::new(),
            users: BTreeSet::new(),
            roles: BTreeSet::new(),
            root_user: RootUser { has_mfa: true, has_access_keys: false, has_password: None },
            password_policy: None,
            trusted_services: BTreeSet::new(),
            identity_center: IdentityCenterWorld::default(),
            stack_sets: Vec::new(),
            units: BTreeMap::new(),
            policies: BTreeMap::new(),
            delegated_administrators: Vec::new(),
            contacts: Contacts::new(),
            resources: BTreeMap::new(),
            physical_ids: BTreeMap::new(),
            stack_status: String::new(),
            creation_takes: Duration::from_secs(90),
            creation_fails: None,
            listing_takes: Duration::ZERO,
            activation_takes: Duration::ZERO,
            finalizing_takes: Duration::ZERO,
        };
        Self {
            world: RefCell::new(world),
            calls: RefCell::default(),
            faults: RefCell::default(),
            always: RefCell::default(),
            meanwhile: RefCell::default(),
            violations: RefCell::default(),
            origin: (now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
            next_id: Cell::new(0),
        }
    }

    /// The management account of an organization.
    pub fn managing() -> Self {
        let fake = Self::alone();
        fake.world.borrow_mut().organize(Instant::now());
        fake
    }

    pub fn time_of(&self, instant: Instant) -> SystemTime {
        self.origin.1 + instant.saturating_duration_since(self.origin.0)
    }

    /// The calls that were made of these operations.
    pub fn count(&self, operation: &str) -> usize {
        self.calls.borrow().iter().filter(|call| **call == operation).count()
    }

    pub fn writes(&self) -> Vec<&'static str> {
        let writes = [
            "CreateOrganization",
            "CreateAccount",
            "MoveAccount",
            "UntagResource",
            "PutAlternateContact",
            "DeleteAlternateContact",
        ];
        self.calls.borrow().iter().filter(|call| writes.contains(call)).copied().collect()
    }

    /// One call: its latency, its fault, its work.
    pub async fn call<T>(&self, operation: &'static str, work: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        let number = self.calls.borrow().len();
        self.calls.borrow_mut().push(operation);
        let meanwhile = *self.meanwhile.borrow();
        if let Some((at, change)) = meanwhile
            && at == number
        {
            change(&mut self.world.borrow_mut());
        }
        sleep(Duration::from_millis(100)).await;
        if let Some(code) = self.always.borrow().get(operation) {
            return Err(failed(operation, code));
        }
        let fault = self.faults.borrow().get(&number).copied();
        match fault {
            Some(Fault::Code(code)) => return Err(failed(operation, code)),
            Some(Fault::Hangs) => {
                sleep(SDK_GIVES_UP).await;
                return Err(failed(operation, ""));
            }
            Some(Fault::Killed { after: false }) => self.die().await,
            Some(Fault::Killed { after: true } | Fault::AnswerLost) | None => {}
        }
        let result = self.done(work);
        match fault {
            Some(Fault::AnswerLost) => Err(failed(operation, "")),
            Some(Fault::Killed { .. }) => self.die().await,
            _ => result,
        }
    }

    /// The work, in the world as it is now.
    fn done<T>(&self, work: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        let now = Instant::now();
        let mut world = self.world.borrow_mut();
        world.advance(now, self.time_of(now), || self.id());
        work(&mut world)
    }

    async fn die<T>(&self) -> T {
        KILLED.with(|killed| killed.notify_one());
        std::future::pending().await
    }

    /// Remembers if something is created although no stack waits for it.
    fn expect_a_stack_that_waits(&self, operation: &str, stack_id: Option<&str>) {
        self.expect_a_stack_in(operation, stack_id, &["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"]);
    }

    /// The same for any status of a resource.
    pub fn expect_a_stack_in(&self, operation: &str, stack_id: Option<&str>, statuses: &[&str]) {
        let world = self.world.borrow();
        let waits = world.resources.iter().any(|((stack, _), (status, since))| {
            stack_id.is_none_or(|id| id == stack) && (statuses.contains(&&**status) || since.elapsed() <= A_MOMENT)
        });
        if !waits {
            self.violations.borrow_mut().push(format!("{operation} although the stack gave up: {:?}", world.resources));
        }
    }

    fn id(&self) -> u64 {
        self.next_id.set(self.next_id.get() + 1);
        self.next_id.get()
    }
}

impl World {
    /// Makes the account the management account of a new organization.
    pub fn organize(&mut self, now: Instant) {
        self.organization = Some(OrganizationDescription {
            id: ORGANIZATION.into(),
            management_account_id: OWN.into(),
            management_account_email: OWN_EMAIL.into(),
            feature_set: "ALL".into(),
        });
        self.finalized = now + self.finalizing_takes;
        self.add(OWN, "Management", OWN_EMAIL, AccountState::Active, now);
    }

    /// An account that somebody created before.
    pub fn add(&mut self, id: &str, name: &str, email: &str, state: AccountState, now: Instant) -> &mut Account {
        let arn = format!("arn:aws:organizations::{OWN}:account/{ORGANIZATION}/{id}");
        let description = AccountDescription { id: id.into(), arn, name: name.into(), email: email.into(), state };
        let account = Account { description, tags: Tags::new(), parent: ROOT.into(), listed: now, active: now };
        self.accounts.push(account);
        self.accounts.last_mut().expect("it was just added")
    }

    pub fn account(&mut self, id: &str) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.description.id == id)
    }

    /// Ends the creations whose time has come, and activates accounts.
    fn advance(&mut self, now: Instant, time: SystemTime, mut id: impl FnMut() -> u64) {
        let mut born = Vec::new();
        for creation in &mut self.creations {
            if creation.status.progress != CreationProgress::InProgress || creation.ends > now {
                continue;
            }
            let request = &creation.request;
            let exists = self
                .accounts
                .iter()
                .map(|account| &account.description.email)
                .chain(&self.elsewhere)
                .chain(born.iter().map(|(_, new): &(String, NewAccount)| &new.email))
                .any(|email| email.eq_ignore_ascii_case(&request.email));
            creation.status.progress = match &creation.fails {
                Some(reason) => CreationProgress::Failed { reason: reason.clone() },
                None if exists => CreationProgress::Failed { reason: "EMAIL_ALREADY_EXISTS".into() },
                None => {
                    let account_id = format!("{:012}", 200_000_000_000 + id());
                    born.push((account_id.clone(), request.clone()));
                    CreationProgress::Succeeded { account_id, completed: time }
                }
            };
        }
        for (account_id, new) in born {
            let (listed, active) = (now + self.listing_takes, now + self.listing_takes + self.activation_takes);
            let state = if active > now { AccountState::PendingActivation } else { AccountState::Active };
            let account = self.add(&account_id, &new.name, &new.email, state, now);
            (account.listed, account.active) = (listed, active);
            account.tags.insert(STACK_ID.into(), new.stack_id);
        }
        for account in &mut self.accounts {
            if account.description.state == AccountState::PendingActivation && account.active <= now {
                account.description.state = AccountState::Active;
            }
        }
    }

    fn require_organization(&self, operation: &'static str) -> Result<()> {
        match &self.organization {
            Some(organization) if organization.management_account_id == OWN => Ok(()),
            Some(_) => Err(failed(operation, "AccessDeniedException")),
            None => Err(failed(operation, "AWSOrganizationsNotInUseException")),
        }
    }
}
