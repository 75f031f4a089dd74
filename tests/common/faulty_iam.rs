//! A decorator that makes the fake IAM, and the way into its account, fail on demand.

use super::fake_iam::{FakeIam, World, error};
use custom_resource::error::{Error, FailedCall, Kind, Result};
use orchestera_access::iam::{
    AttachedPolicy, Iam, PolicyDescription, PolicyUser, PolicyVersion, RoleDescription, Write,
};
use orchestera_access::sts::{AssumeRole, Sts};
use serde_json::Value;
use std::cell::RefCell;
use std::future::pending;
use std::time::Duration;

/// What goes wrong.
pub enum Fault {
    /// IAM refuses with this code; nothing happened.
    Refuse(&'static str),
    /// The same, with one of these codes. Which one depends on the position.
    RefuseWithOne(&'static [&'static str]),
    /// The same, with each of these codes once.
    RefuseWithEach(&'static [&'static str]),
    /// No answer; nothing happened.
    Unheard,
    /// No answer, although it happened.
    AnswerLost,
    /// Neither an answer nor an end.
    Hang,
    /// The adapter panics.
    Panic,
    /// `GetRole` and `GetPolicy` only: an old read, from before the object was made.
    NotSeen,
    /// It takes this long.
    Slow(Duration),
    /// Somebody else is at work just before; then the call is made.
    Meanwhile(Box<dyn Fn(&mut World)>),
    /// From now on, after each write so many reads are older than it.
    Lag(u32),
}

struct Rule {
    /// Which calls: all of an operation, or the one at a position.
    calls: Calls,
    times: usize,
    fault: Fault,
}

enum Calls {
    Of(&'static str),
    /// Counted from 0, over every operation.
    From(usize),
}

/// A fake whose calls fail by rule.
pub struct FaultyIam<'a> {
    pub fake: &'a FakeIam,
    rules: RefCell<Vec<Rule>>,
    /// The operations that were called, in the order in which they were.
    pub called: RefCell<Vec<&'static str>>,
}

pub const FOR_EVER: usize = usize::MAX;

impl<'a> FaultyIam<'a> {
    pub fn new(fake: &'a FakeIam) -> Self {
        Self { fake, rules: RefCell::default(), called: RefCell::default() }
    }

    /// The next `times` calls of `operation` go wrong.
    pub fn on(self, operation: &'static str, times: usize, fault: Fault) -> Self {
        self.rules.borrow_mut().push(Rule { calls: Calls::Of(operation), times, fault });
        self
    }

    /// The call at `position`, whatever it is, and those after it until it has happened `times` times.
    pub fn from(self, position: usize, times: usize, fault: Fault) -> Self {
        self.rules.borrow_mut().push(Rule { calls: Calls::From(position), times, fault });
        self
    }

    async fn call<T>(&self, operation: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.call_or_unseen(operation, call, None).await
    }

    async fn call_or_unseen<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
        unseen: Option<T>,
    ) -> Result<T> {
        enum Then {
            Call,
            NotSeen,
            Hang,
            Lose,
            Wait(Duration),
            Err(Error),
        }
        let then = {
            let mut rules = self.rules.borrow_mut();
            let position = self.called.borrow().len();
            self.called.borrow_mut().push(operation);
            let is_meant = |calls: &Calls| match calls {
                Calls::Of(one) => *one == operation,
                Calls::From(first) => position >= *first,
            };
            let rule = rules.iter_mut().find(|rule| is_meant(&rule.calls) && rule.times > 0);
            match rule {
                None => Then::Call,
                Some(rule) => {
                    rule.times -= 1;
                    let first = if let Calls::From(first) = rule.calls { first } else { 0 };
                    let refuse = |code| Then::Err(error(operation, (code, "as the test says".to_owned())));
                    match &rule.fault {
                        Fault::RefuseWithOne(codes) => refuse(codes[first % codes.len()]),
                        // As often as there are codes.
                        Fault::RefuseWithEach(codes) => refuse(codes[rule.times % codes.len()]),
                        Fault::Refuse(code) => refuse(code),
                        Fault::Unheard => Then::Err(no_answer(operation)),
                        Fault::AnswerLost => Then::Lose,
                        Fault::NotSeen => Then::NotSeen,
                        Fault::Hang => Then::Hang,
                        Fault::Slow(time) => Then::Wait(*time),
                        Fault::Panic => panic!("as the test says"),
                        Fault::Meanwhile(change) => {
                            self.fake.by_hand(change);
                            Then::Call
                        }
                        Fault::Lag(reads) => {
                            self.fake.lag_by(*reads);
                            Then::Call
                        }
                    }
                }
            }
        };
        match then {
            Then::Call => call.await,
            Then::NotSeen => unseen.ok_or_else(|| no_answer(operation)),
            Then::Hang => pending().await,
            Then::Wait(time) => {
                tokio::time::sleep(time).await;
                call.await
            }
            Then::Lose => {
                call.await?;
                Err(no_answer(operation))
            }
            Then::Err(error) => Err(error),
        }
    }
}

fn no_answer(operation: &'static str) -> Error {
    let (code, message, request_id) = (String::new(), "connection reset".to_owned(), String::new());
    Error::call(Kind::Unavailable, FailedCall { operation, code, message, request_id })
}

impl Iam for FaultyIam<'_> {
    async fn role(&self, role_name: &str) -> Result<Option<RoleDescription>> {
        self.call_or_unseen("GetRole", self.fake.role(role_name), Some(None)).await
    }
    async fn attached_policies(&self, role_name: &str) -> Result<Vec<AttachedPolicy>> {
        self.call("ListAttachedRolePolicies", self.fake.attached_policies(role_name)).await
    }
    async fn inline_policies(&self, role_name: &str) -> Result<Vec<String>> {
        self.call("ListRolePolicies", self.fake.inline_policies(role_name)).await
    }
    async fn inline_policy(&self, role_name: &str, policy_name: &str) -> Result<Value> {
        self.call("GetRolePolicy", self.fake.inline_policy(role_name, policy_name)).await
    }
    async fn instance_profiles(&self, role_name: &str) -> Result<Vec<String>> {
        self.call("ListInstanceProfilesForRole", self.fake.instance_profiles(role_name)).await
    }
    async fn policy(&self, policy_arn: &str) -> Result<Option<PolicyDescription>> {
        self.call_or_unseen("GetPolicy", self.fake.policy(policy_arn), Some(None)).await
    }
    async fn policy_versions(&self, policy_arn: &str) -> Result<Vec<PolicyVersion>> {
        self.call("ListPolicyVersions", self.fake.policy_versions(policy_arn)).await
    }
    async fn policy_document(&self, policy_arn: &str, version_id: &str) -> Result<Value> {
        self.call("GetPolicyVersion", self.fake.policy_document(policy_arn, version_id)).await
    }
    async fn policy_users(&self, policy_arn: &str) -> Result<Vec<PolicyUser>> {
        self.call("ListEntitiesForPolicy", self.fake.policy_users(policy_arn)).await
    }
    async fn write(&self, write: &Write) -> Result<()> {
        self.call(write.operation().name(), self.fake.write(write)).await
    }
}

impl Sts for FaultyIam<'_> {
    type Session = ();

    async fn assume_role(&self, _: &AssumeRole) -> Result<()> {
        self.call("AssumeRole", async { Ok(()) }).await
    }
}
