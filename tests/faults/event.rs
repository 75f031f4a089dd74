//! What CloudFormation sends, and what it sends then.

use crate::common::assume::is_open;
use crate::common::drift::check_of;
use crate::common::fake_iam::{ACCOUNT, FakeIam, Role, policy_arn};
use crate::common::faulty_iam::FaultyIam;
use crate::common::stack::{Answer, ID, POLICY, ROLE, Stack};
use crate::kinds::Kind;
use crate::states::{Before, MANAGEMENT};
use orchestera_access::iam::{Iam, POLICY_DESCRIPTION, ROLE_DESCRIPTION, Tags};
use orchestera_access::reconcile::suspension;
use orchestera_access::sts::Sts;
use serde_json::Value;
use tokio::time::Instant;

const MADE_UP: &str = "access-Access-1ABCDEFGHIJK";

/// An event, and what CloudFormation sends if it fails: to whatever comes of it, at last a Delete of what is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    Create,
    Update,
    Edition,
    Suspend,
    /// Another `ExternalId` than before.
    ExternalId,
    /// Other `Tags` than before: the same key in another case, and a new one.
    Tags,
    /// No event of CloudFormation: what the schedule sends.
    Repair,
    Delete,
    DeleteOfAFailedCreate,
    DeleteOfAMadeUpId,
}

pub const EVENTS: [Event; 10] = [
    Event::Create,
    Event::Update,
    Event::Edition,
    Event::Suspend,
    Event::ExternalId,
    Event::Tags,
    Event::Repair,
    Event::Delete,
    Event::DeleteOfAFailedCreate,
    Event::DeleteOfAMadeUpId,
];

impl Event {
    /// Whether CloudFormation can send it: an Update needs a resource, a Create must have none.
    pub fn can_meet(self, before: &Before) -> bool {
        let is_of_a_resource = self.is_update() || matches!(self, Self::Repair | Self::Delete);
        is_of_a_resource == matches!(before, Before::Created(..))
    }

    /// Whether it gives no other external id and suspends nothing: then an adopted role keeps its trust policy.
    pub fn keeps_an_adopted_trust(self) -> bool {
        matches!(self, Self::Update | Self::Edition | Self::Tags | Self::Repair)
    }

    /// Nobody waits for the answer of a drift check: a defect in it is left to Lambda.
    pub fn can_suffer(self, fault: &Kind) -> bool {
        self != Self::Repair || fault.name != "a defect"
    }

    /// Whether CloudFormation sends its rollback when it fails.
    pub fn is_update(self) -> bool {
        matches!(self, Self::Update | Self::Edition | Self::Suspend | Self::ExternalId | Self::Tags)
    }

    fn properties(self, old: &Value) -> Value {
        let mut properties = old.clone();
        match self {
            Self::Edition => properties["PolicyEdition"] = "2026-02-06".into(),
            Self::Suspend => properties["AccessState"] = "Suspended".into(),
            Self::ExternalId => properties["ExternalId"] = "another".into(),
            Self::Tags => properties["Tags"] = "OWNER=me,cost=7".into(),
            _ => {}
        }
        properties
    }

    pub async fn send<S: Sts>(self, iam: &impl Iam, sts: &S, old: &Value) -> Answer {
        let stack = stack(iam, sts, old);
        let properties = self.properties(old);
        match self {
            Self::Create => stack.create(properties).await,
            Self::Update | Self::Edition | Self::Suspend | Self::ExternalId | Self::Tags => {
                stack.update(ID, properties, old.clone()).await
            }
            Self::Repair => {
                let start = Instant::now();
                let (status, reason) = match check_of(&stack, "Repair", properties, "UPDATE_COMPLETE").await {
                    Ok(_) => ("SUCCESS".to_owned(), String::new()),
                    Err(error) => ("FAILED".to_owned(), error.reason()),
                };
                Answer { status, reason, id: ID.to_owned(), data: Value::Null, took: start.elapsed() }
            }
            Self::Delete => stack.delete(ID, properties).await,
            Self::DeleteOfAFailedCreate => stack.delete("failed/Access/request-1", properties).await,
            Self::DeleteOfAMadeUpId => stack.delete(MADE_UP, properties).await,
        }
    }

    /// The rollback of an Update.
    pub async fn roll_back(self, iam: &FakeIam, old: &Value) -> Answer {
        let iam = &FaultyIam::new(iam);
        stack(iam, iam, old).update(ID, old.clone(), self.properties(old)).await
    }

    /// What CloudFormation does after this answer, until the stack is gone. No faults any more.
    pub async fn end(self, iam: &FakeIam, old: &Value, answer: &Answer, may_fail: bool) {
        let (iam, new) = (&FaultyIam::new(iam), self.properties(old));
        let stack = stack(iam, iam, old);
        match self {
            Self::Create => gone(&stack, &answer.id, &new).await,
            Self::Repair => gone(&stack, ID, old).await,
            Self::Update | Self::Edition | Self::Suspend | Self::ExternalId | Self::Tags => {
                assert_eq!(answer.id, ID, "an Update never changes the id");
                let succeeded = answer.status == "SUCCESS";
                if !succeeded {
                    // The rollback. Where somebody meddled, or without any fault, it may fail for the same reason, and the stack is
                    // deleted all the same.
                    let undone = stack.update(&answer.id, old.clone(), new.clone()).await;
                    assert!(may_fail || undone.status == "SUCCESS", "the rollback: {}", undone.reason);
                }
                if succeeded && self == Self::Suspend {
                    // What was adopted and is suspended stays shut when its stack goes; here it is to be as before.
                    stack.update(ID, old.clone(), new.clone()).await;
                }
                gone(&stack, ID, if succeeded { &new } else { old }).await;
            }
            Self::Delete | Self::DeleteOfAFailedCreate | Self::DeleteOfAMadeUpId => {
                self.send(iam, iam, old).await;
                gone(&stack, &answer.id, old).await;
            }
        }
    }
}

/// The stack, in the account that its properties say.
pub fn stack<'a, I: Iam, S: Sts>(iam: &'a I, sts: &'a S, properties: &Value) -> Stack<'a, I, S> {
    let own = Stack::new(iam);
    let account = properties["MemberAccountId"].as_str().map_or(own.function_account.clone(), |_| MANAGEMENT.into());
    own.entering_by(sts, &account)
}

/// Deletes until it is done. The first Delete may fail for one of two reasons: it shut a role without our tags, or others use
/// our policy, who are asked to stop. What is left then is shut, and for a person to delete.
async fn gone(stack: &Stack<'_, FaultyIam<'_>, FaultyIam<'_>>, id: &str, properties: &Value) {
    let answer = stack.delete(id, properties.clone()).await;
    if answer.status == "FAILED" {
        let is_used = answer.reason.contains("is used by role");
        assert!(answer.reason.contains("all access was denied") || is_used, "{}", answer.reason);
        stack.iam.fake.by_hand(|world| {
            let not_ours = |role: &&mut Role| !is_marked(&role.tags);
            for role in world.roles.values_mut().filter(not_ours) {
                role.attached.remove(&policy_arn(POLICY));
            }
        });
        stack.delete(id, properties.clone()).await.succeeded();
    }
    stack.iam.fake.by_hand(|world| {
        let is_closed = |role: &Role| {
            let deny = role.inline.get(suspension::POLICY_NAME);
            !is_open(&role.trust)
                && deny == Some(&suspension::document())
                && !role.attached.contains(&policy_arn(POLICY))
        };
        let is_of_a_resource = id.starts_with(ACCOUNT);
        if let Some(role) = world.role(ROLE).filter(|role| role.description == ROLE_DESCRIPTION && is_of_a_resource) {
            assert!(is_closed(role), "a role of ours survives its stack: {role:?}");
        }
        if world.role(ROLE).is_some_and(is_closed) {
            world.roles.remove(&ROLE.to_lowercase());
            // What was adopted is the customer's.
            world.policies.retain(|arn, policy| *arn != policy_arn(POLICY) || policy.description != POLICY_DESCRIPTION);
        }
    });
}

/// Whether the tags say that a stack owns it.
pub fn is_marked(tags: &Tags) -> bool {
    tags.contains_key("orchestera:stack-id")
}
