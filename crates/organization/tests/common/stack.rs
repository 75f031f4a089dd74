//! A stack that sends events to the function, as CloudFormation and Lambda do.

use super::fake::{FakeManagementAccount, KILLED, OWN};
use super::runbook::assert_explained;
use custom_resource::event::Envelope;
use custom_resource::function::{Clients, Invocation, outcome};
use custom_resource::response::body;
use custom_resource::{Budget, Context, Outcome, Request, Unfinished};
use orchestera_organization::environment::Environment;
use orchestera_organization::handler::{ACCOUNT, CONTACT, IDENTITY_CENTER, ORGANIZATION, decide};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

pub const STACK: &str =
    "arn:aws:cloudformation:us-east-1:111122223333:stack/organization/5b0a1c2d-0000-1111-2222-333344445555";
pub const EMAIL: &str = "spark@example.com";
pub const NAME: &str = "Orchestera Sparklith";
/// The contact that the stack's parameter `SecurityContact` has.
pub const SECURITY_CONTACT: &str = "Ann Example; Head of Security; security@example.com; +1 555 010 0199";

/// The function's `Timeout`, and the waits of Lambda before it repeats an event.
const TIMEOUT: Duration = Duration::from_secs(900);
const PAUSES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
const EVENT_AGE: Duration = Duration::from_secs(2600);
/// CloudFormation's own limit, the resource's `ServiceTimeout`.
pub const SERVICE_TIMEOUT: Duration = Duration::from_secs(3600);

/// A stack.
#[derive(Clone, Debug)]
pub struct Stack {
    pub id: String,
    /// The email address that the template put into the function's environment.
    pub email: String,
    /// The security contact that the template put there.
    pub contact: String,
}

impl Default for Stack {
    fn default() -> Self {
        Self { id: STACK.into(), email: EMAIL.into(), contact: SECURITY_CONTACT.into() }
    }
}

/// The response, as CloudFormation reads it.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: String,
    pub reason: String,
    pub physical_id: String,
    pub data: Value,
    /// From the event to the response.
    pub took: Duration,
}

impl Response {
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.status, "SUCCESS", "{}", self.reason);
        self
    }

    #[track_caller]
    pub fn failed(self, parts: &[&str]) -> Self {
        assert_eq!(self.status, "FAILED", "{self:?}");
        for part in parts {
            assert!(self.reason.contains(part), "'{part}' is not in: {}", self.reason);
        }
        self
    }
}

pub fn account_properties() -> Value {
    json!({ "Email": EMAIL, "AccountName": NAME, "HasAccessStack": "true" })
}

pub fn organization_properties() -> Value {
    json!({ "AccountEmail": EMAIL, "AccountName": NAME, "AdminGroup": "Make", "AdminUserNames": [""] })
}

pub fn identity_center_properties() -> Value {
    json!({ "Principal": "group:Administrators", "PermissionSet": "Make", "AccountEmail": EMAIL })
}

pub fn contact_properties() -> Value {
    json!({ "AccountId": "", "AccountOwnership": "", "Kind": "SECURITY", "Contact": SECURITY_CONTACT })
}

/// The resource's logical id in the template.
fn logical_id(resource_type: &str) -> &'static str {
    match resource_type {
        ORGANIZATION => "Organization",
        IDENTITY_CENTER => "IdentityCenter",
        CONTACT => "ManagementSecurityContact",
        _ => "SparkAccount",
    }
}

impl Stack {
    pub fn environment(&self) -> Environment {
        let emails = [("SparkAccount".to_owned(), self.email.clone())].into();
        let contacts = [("SECURITY".to_owned(), self.contact.clone())].into();
        Environment { stack_id: self.id.clone(), emails, contacts }
    }

    /// An event with what every event has.
    pub fn event(&self, mut event: Value, resource_type: &str) -> Value {
        for (field, value) in [
            ("ServiceToken", format!("arn:aws:lambda:us-east-1:{OWN}:function:organization")),
            ("ResponseURL", "https://bucket.s3.amazonaws.com/response?X-Amz-Signature=dummy".to_owned()),
            ("StackId", self.id.clone()),
            ("RequestId", "request-1".to_owned()),
            ("ResourceType", resource_type.to_owned()),
            ("LogicalResourceId", logical_id(resource_type).to_owned()),
        ] {
            if event[field].is_null() {
                event[field] = value.into();
            }
        }
        event
    }

    /// One invocation of the function.
    pub async fn invoke(&self, account: &FakeManagementAccount, payload: &RawValue) -> Result<Outcome, Unfinished> {
        let start = Instant::now();
        let function_arn = format!("arn:aws:lambda:us-east-1:{OWN}:function:organization");
        let invocation = Invocation { function_arn, deadline: start + TIMEOUT };
        let envelope = Envelope::open(payload).unwrap();
        let address = envelope.address().unwrap();
        let (budget, clients) = (Budget::new(start, invocation.deadline), Clients::default());
        let context = Context { address: &address, invocation: &invocation, budget, clients: &clients };
        let now = account.time_of(start);
        let environment = self.environment();
        let work = async |request: &Request| decide(request, &context, account, &environment, now).await;
        let outcome = outcome(&envelope, &address, budget, work).await;
        assert!(Instant::now() <= budget.answer_by + Duration::from_millis(1), "answered after {:?}", start.elapsed());
        outcome
    }

    /// One invocation, whose process may be killed: then `None`.
    pub async fn invoke_until_killed(
        &self,
        account: &FakeManagementAccount,
        payload: &RawValue,
    ) -> Option<Result<Outcome, Unfinished>> {
        let killed = Rc::new(Notify::new());
        tokio::select! {
            invoked = KILLED.scope(killed.clone(), self.invoke(account, payload)) => Some(invoked),
            () = killed.notified() => None,
        }
    }

    /// Sends an event, and repeats it as Lambda does. `None` if no response came.
    pub async fn send(&self, account: &FakeManagementAccount, event: Value) -> Option<Response> {
        self.send_raw(account, &to_raw_value(&event).unwrap()).await
    }

    /// The same, with any payload.
    pub async fn send_raw(&self, account: &FakeManagementAccount, payload: &RawValue) -> Option<Response> {
        let start = Instant::now();
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            match self.invoke_until_killed(account, payload).await {
                Some(Ok(outcome)) => return Some(self.response(payload, &outcome, start.elapsed())),
                Some(Err(Unfinished { waits_for })) => assert!(!waits_for.is_empty()),
                None => {}
            }
            let pause = pause?;
            sleep(pause).await;
            if start.elapsed() > EVENT_AGE {
                return None;
            }
        }
        None
    }

    fn response(&self, payload: &RawValue, outcome: &Outcome, took: Duration) -> Response {
        let address = Envelope::open(payload).unwrap().address().unwrap();
        let response: Value = serde_json::from_slice(&body(&address, outcome)).unwrap();
        let text = |field: &str| response[field].as_str().unwrap_or_default().to_owned();
        let data = response["Data"].clone();
        let (status, reason, physical_id) = (text("Status"), text("Reason"), text("PhysicalResourceId"));
        assert!(!physical_id.is_empty(), "{response}");
        assert!(status == "SUCCESS" || !reason.trim().is_empty(), "{response}");
        assert_explained(&reason);
        assert_explained(data["Warnings"].as_str().unwrap_or_default());
        Response { status, reason, physical_id, data, took }
    }

    /// What CloudFormation says of a resource from now on.
    pub fn set(&self, account: &FakeManagementAccount, resource_type: &str, status: &str) {
        let key = (self.id.clone(), logical_id(resource_type).to_owned());
        account.world.borrow_mut().resources.insert(key, (status.to_owned(), Instant::now()));
    }

    /// A Create as CloudFormation sends it, with its state. No response in time is FAILED.
    pub async fn create(&self, account: &FakeManagementAccount, resource_type: &str, properties: Value) -> Response {
        self.set(account, resource_type, "CREATE_IN_PROGRESS");
        let event = self.event(json!({ "RequestType": "Create", "ResourceProperties": properties }), resource_type);
        let start = Instant::now();
        let response = timeout(SERVICE_TIMEOUT, self.send(account, event)).await.ok().flatten();
        let response = response.unwrap_or_else(|| Response {
            status: "FAILED".into(),
            reason: "no response".into(),
            physical_id: "organization-SparkAccount-1ABCDEFGHIJKL".into(),
            data: Value::Null,
            took: start.elapsed(),
        });
        let done = if response.status == "SUCCESS" { "CREATE_COMPLETE" } else { "CREATE_FAILED" };
        self.set(account, resource_type, done);
        response
    }

    pub async fn create_account(&self, account: &FakeManagementAccount) -> Response {
        self.create(account, ACCOUNT, account_properties()).await
    }

    pub async fn create_organization(&self, account: &FakeManagementAccount) -> Response {
        self.create(account, ORGANIZATION, organization_properties()).await
    }

    pub async fn update(
        &self,
        account: &FakeManagementAccount,
        resource_type: &str,
        physical_id: &str,
        (old, new): (&Value, &Value),
    ) -> Response {
        self.set(account, resource_type, "UPDATE_IN_PROGRESS");
        let event = json!({
            "RequestType": "Update", "PhysicalResourceId": physical_id, "ResourceProperties": new, "OldResourceProperties": old,
        });
        let response = self.send(account, self.event(event, resource_type)).await.expect("a response");
        let done = if response.status == "SUCCESS" { "UPDATE_COMPLETE" } else { "UPDATE_FAILED" };
        self.set(account, resource_type, done);
        response
    }

    pub async fn delete(&self, account: &FakeManagementAccount, resource_type: &str, physical_id: &str) -> Response {
        let properties = match resource_type {
            ACCOUNT => account_properties(),
            CONTACT => contact_properties(),
            IDENTITY_CENTER => identity_center_properties(),
            _ => organization_properties(),
        };
        self.delete_with(account, resource_type, physical_id, properties).await
    }

    /// The same with other properties.
    pub async fn delete_with(
        &self,
        account: &FakeManagementAccount,
        resource_type: &str,
        physical_id: &str,
        properties: Value,
    ) -> Response {
        self.set(account, resource_type, "DELETE_IN_PROGRESS");
        let key = (self.id.clone(), logical_id(resource_type).to_owned());
        account.world.borrow_mut().physical_ids.insert(key, physical_id.to_owned());
        let event =
            json!({ "RequestType": "Delete", "PhysicalResourceId": physical_id, "ResourceProperties": properties });
        let response = self.send(account, self.event(event, resource_type)).await.expect("a response");
        self.set(account, resource_type, "DELETE_COMPLETE");
        response
    }
}
