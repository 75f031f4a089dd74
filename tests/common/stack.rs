//! A stack with one `Custom::OrchesteraAccess`, as CloudFormation drives it: events in, answers out. Delivery is left
//! out (`crates/custom-resource/tests/` has it), so that time can be paused.

use super::fake_iam::ACCOUNT;
use super::fake_sts::FakeSts;
use super::runbook;
use custom_resource::event::Envelope;
use custom_resource::function::{Invocation, outcome};
use custom_resource::{Budget, Request, response};
use orchestera_access::handler::decide;
use orchestera_access::iam::Iam;
use orchestera_access::member::MemberRole;
use orchestera_access::sts::Sts;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

pub const ROLE: &str = "OrchesteraAccessRole";
pub const POLICY: &str = "OrchesteraAccessPolicy";
/// The physical id under the default names.
pub const ID: &str = "111122223333/OrchesteraAccessRole/OrchesteraAccessPolicy";

/// The answer, as CloudFormation reads it.
#[derive(Debug)]
pub struct Answer {
    pub status: String,
    pub reason: String,
    pub id: String,
    pub data: Value,
    /// How long the event was worked on.
    pub took: Duration,
}

impl Answer {
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.status, "SUCCESS", "{}", self.reason);
        self
    }

    #[track_caller]
    pub fn failed(self) -> Self {
        assert_eq!(self.status, "FAILED", "{:?}", self.data);
        assert!(!self.reason.trim().is_empty());
        self
    }

    /// The reason holds each of these.
    #[track_caller]
    pub fn saying(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.reason.contains(word), "'{word}' is missing in: {}", self.reason);
        }
        self
    }

    #[track_caller]
    pub fn with_id(self, id: &str) -> Self {
        assert_eq!(self.id, id);
        self
    }

    pub fn get(&self, attribute: &str) -> &str {
        self.data[attribute].as_str().unwrap_or_else(|| panic!("no attribute {attribute} in {}", self.data))
    }
}

pub struct Stack<'a, I, S = FakeSts> {
    pub iam: &'a I,
    pub stack_id: String,
    pub timeout: Duration,
    /// The account that the function is in; the IAM is that of [`ACCOUNT`].
    pub function_account: String,
    /// The way into another account.
    pub sts: Option<&'a S>,
}

impl<'a, I: Iam> Stack<'a, I> {
    pub fn new(iam: &'a I) -> Self {
        Self::named(iam, "access")
    }

    pub fn named(iam: &'a I, name: &str) -> Self {
        let stack_id =
            format!("arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/{name}/0a1b2c3d-1111-2222-3333-444455556666");
        Self { iam, stack_id, timeout: Duration::from_secs(60), function_account: ACCOUNT.to_owned(), sts: None }
    }

    /// The same stack in the account `function_account`, from which `sts` leads into that of the IAM.
    pub fn entering_by<S: Sts>(self, sts: &'a S, function_account: &str) -> Stack<'a, I, S> {
        let Self { iam, stack_id, timeout, .. } = self;
        Stack { iam, stack_id, timeout, function_account: function_account.to_owned(), sts: Some(sts) }
    }
}

impl<I: Iam, S: Sts> Stack<'_, I, S> {
    pub async fn create(&self, properties: Value) -> Answer {
        self.send(json!({"RequestType": "Create", "ResourceProperties": properties})).await
    }

    /// What an Update of the names left under release 0.4.0, before the Delete of the old id: what has the new names
    /// carries the new id. A Create under the new names leaves the same, because the tags already say that this
    /// resource owns what it finds.
    pub async fn renamed_by_release_0_4_0(&self, properties: Value) -> Answer {
        self.create(properties).await.succeeded()
    }

    pub async fn update(&self, id: &str, properties: Value, old: Value) -> Answer {
        self.send(json!({
            "RequestType": "Update", "PhysicalResourceId": id,
            "ResourceProperties": properties, "OldResourceProperties": old,
        }))
        .await
    }

    pub async fn delete(&self, id: &str, properties: Value) -> Answer {
        self.send(json!({"RequestType": "Delete", "PhysicalResourceId": id, "ResourceProperties": properties})).await
    }

    /// An event with the fields given, and what every event has beside them.
    pub fn event(&self, mut event: Value, url: &str) -> Value {
        for (field, value) in [
            ("ServiceToken", format!("arn:aws:lambda:us-east-1:{}:function:access", self.function_account)),
            ("ResponseURL", url.to_owned()),
            ("StackId", self.stack_id.clone()),
            ("RequestId", "request-1".to_owned()),
            ("ResourceType", "Custom::OrchesteraAccess".to_owned()),
            ("LogicalResourceId", "Access".to_owned()),
        ] {
            event[field] = value.into();
        }
        event
    }

    /// Sends such an event.
    pub async fn send(&self, event: Value) -> Answer {
        let event = self.event(event, "https://bucket.s3.amazonaws.com/answer?X-Amz-Signature=dummy");
        let start = Instant::now();
        let invocation = Invocation {
            function_arn: format!("arn:aws:lambda:us-east-1:{}:function:access", self.function_account),
            deadline: start + self.timeout,
        };
        let payload = to_raw_value(&event).unwrap();
        let envelope = Envelope::open(&payload).unwrap();
        let address = envelope.address().unwrap();
        let budget = Budget::new(start, invocation.deadline);
        let connect = async |member_role: Option<&MemberRole>| {
            if let Some(role) = member_role {
                role.assume(self.sts.expect("an STS"), &budget).await?;
            }
            Ok(self.iam)
        };
        let work = async |request: &Request| Ok(decide(request, &address, &invocation, budget, connect).await);
        let outcome = outcome(&envelope, &address, budget, work).await.expect("an outcome");
        let took = start.elapsed();
        let body: Value = serde_json::from_slice(&response::body(&address, &outcome)).unwrap();
        for (field, sent) in
            [("StackId", "StackId"), ("RequestId", "RequestId"), ("LogicalResourceId", "LogicalResourceId")]
        {
            assert_eq!(body[field], event[sent]);
        }
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        runbook::assert_explained(&text("Reason"));
        Answer {
            status: text("Status"),
            reason: text("Reason"),
            id: text("PhysicalResourceId"),
            data: body["Data"].clone(),
            took,
        }
    }
}
