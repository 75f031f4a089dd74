//! The promise, checked on any bytes: an answer that CloudFormation accepts, or an error where there is nobody to answer.
//!
//! The fuzz target, its corpus and the generated events all ask here. Each event is played to an empty account and to one in
//! which its resource has been made, and in both twice, because Lambda may repeat it. Time is paused.

use super::fake_iam::{ACCOUNT, FakeIam, World, policy_arn, tags};
use super::fake_sts::FakeSts;
use custom_resource::event::{Address, Envelope};
use custom_resource::function::{Invocation, outcome};
use custom_resource::response::body;
use custom_resource::{Budget, Error, Kind, Outcome, Request};
use orchestera_access::account::{Account, PLATFORM_ACCOUNT_ID};
use orchestera_access::drift_check::Check;
use orchestera_access::handler::decide;
use orchestera_access::iam::Write;
use orchestera_access::member::MemberRole;
use orchestera_access::policy::EDITIONS;
use orchestera_access::trust;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// In bytes.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>
const LONGEST_BODY: usize = 4096;
/// The identifiers of an event, as JSON, are at most so long when CloudFormation has sent it: a StackId with a name of 128
/// characters, a RequestId of 36, a LogicalResourceId of 255 and a PhysicalResourceId of 1024, each in quotes.
const LONGEST_IDS: usize = 240 + 36 + 255 + 1024 + 8;
/// What stays of a Reason that there is no room for, as JSON.
const LEAST_REASON: usize = 2 * 40 + '…'.len_utf8();
/// From so many bytes on, an event is about time.
const LONG: usize = 100_000;
/// The property that meets the customer's own tags.
const TAGS: &[u8] = b"\"Tags\"";
/// The number of attributes for `Fn::GetAtt`.
const ATTRIBUTES: usize = 14;

/// How the promise was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// Answered, with this status in the empty account.
    Answered(&'static str),
    /// An error, because the payload names nobody to answer.
    NobodyToAnswer,
    /// A schedule's, which gets no answer.
    DriftCheck,
}

/// Plays the payload of an invocation.
///
/// # Panics
/// When the promise is broken.
pub fn keep(payload: &[u8]) -> Kept {
    // As the runtime does it. What it cannot decode never reaches the function, and Lambda delivers nothing but JSON.
    let Ok(raw) = serde_json::from_slice::<Box<RawValue>>(payload) else { return Kept::NobodyToAnswer };
    let event = Event::read(&raw);
    let envelope = match Envelope::open(&raw) {
        Ok(envelope) => envelope,
        Err(error) => return event.nobody_to_answer(&error),
    };
    if !matches!(Check::read(&envelope), Ok(None)) {
        assert!(event.text("ResponseURL").is_none(), "a ResponseURL is there, and it was taken for a drift check");
        return Kept::DriftCheck;
    }
    let address = match envelope.address() {
        Ok(address) => address,
        Err(error) => return event.nobody_to_answer(&error),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let made = FakeIam::default();
        let create = create_of(&address);
        play(&made, &Envelope::open(&create).unwrap(), &address).await;
        event.play_twice(&made, &envelope, &address).await;
        if payload.len() < LONG && payload.windows(TAGS.len()).any(|part| part == TAGS) {
            event.leaves_the_customers_tags(&envelope, &address).await;
        }
        Kept::Answered(event.play_twice(&FakeIam::default(), &envelope, &address).await)
    })
}

/// The Create, with every property at its default, of the resource that the event is about.
fn create_of(address: &Address) -> Box<RawValue> {
    let event = json!({
        "RequestType": "Create", "ResponseURL": address.url.expose().to_string(), "StackId": address.stack_id,
        "RequestId": "request-0", "LogicalResourceId": address.logical_id,
        "ResourceType": "Custom::OrchesteraAccess", "ResourceProperties": {},
    });
    to_raw_value(&event).unwrap()
}

/// A role and a policy as the guide has them created by hand, with a tag of the customer.
fn follow_the_guide(world: &mut World) {
    let (role_name, policy_name) = ("OrchesteraAccessRole".to_owned(), "OrchesteraAccessPolicy".to_owned());
    let own = Account { partition: "aws".into(), id: ACCOUNT.into() };
    let (tags, document) = (tags([("Team", "data")]), EDITIONS[0].document());
    for write in [
        Write::CreatePolicy { policy_name: policy_name.clone(), document, tags: tags.clone() },
        Write::CreateRole {
            role_name: role_name.clone(),
            trust: trust::document(&own, PLATFORM_ACCOUNT_ID, None),
            max_session_duration: 3600,
            permissions_boundary: None,
            tags,
        },
        Write::AttachRolePolicy { role_name: role_name.clone(), policy_arn: policy_arn(&policy_name) },
    ] {
        world.write(&write).unwrap();
    }
    world.role_mut(&role_name).unwrap().description = "Created by hand".into();
}

async fn play(iam: &FakeIam, envelope: &Envelope<'_>, address: &Address) -> Outcome {
    let start = Instant::now();
    // The account of the fake, unless the event names another, so that a member account can be entered too.
    let own = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:access");
    let function_arn = address.service_token.clone().unwrap_or(own);
    let invocation = Invocation { function_arn, deadline: start + Duration::from_secs(60) };
    let budget = Budget::new(start, invocation.deadline);
    let connect = async |member_role: Option<&MemberRole>| {
        let account = match member_role {
            Some(role) => {
                role.assume(&FakeSts::default(), &budget).await?;
                role.account.clone()
            }
            None => Account::of_function(&invocation.function_arn, None)?,
        };
        match account.id == ACCOUNT && account.partition == "aws" {
            false => Err(Error::refused("There is no such account in this test.")),
            true => Ok(iam),
        }
    };
    let work = async |request: &Request| Ok(decide(request, address, &invocation, budget, connect).await);
    let outcome = outcome(envelope, address, budget, work).await.expect("an outcome");
    // Timers go by whole milliseconds.
    assert!(Instant::now() <= budget.answer_by + Duration::from_millis(1), "answered after {:?}", start.elapsed());
    outcome
}

/// The fields of the event, each undecoded, so that nothing in one can spoil another.
struct Event(BTreeMap<String, Box<RawValue>>);

impl Event {
    fn read(payload: &RawValue) -> Self {
        Self(serde_json::from_str(payload.get()).unwrap_or_default())
    }

    fn text(&self, field: &str) -> Option<String> {
        serde_json::from_str(self.0.get(field)?.get()).ok()
    }

    fn nobody_to_answer(&self, error: &Error) -> Kept {
        assert!(!error.reason().trim().is_empty());
        let url = self.text("ResponseURL").unwrap_or_default();
        assert!(!url.starts_with("https://bucket.s3.amazonaws.com/"), "it could have been answered");
        self.holds_no_secret(&format!("{error} {error:?}"));
        Kept::NobodyToAnswer
    }

    /// Path and query of the ResponseURL are a credential, unless they are too short to be told from other text, or the sender
    /// has written them elsewhere in the event too.
    fn holds_no_secret(&self, text: &str) {
        let url = self.text("ResponseURL").unwrap_or_default();
        // What cannot be decoded is not repeated either.
        let rest = self.0.iter().filter(|(field, _)| *field != "ResponseURL");
        let rest: String =
            rest.filter_map(|(_, raw)| serde_json::from_str(raw.get()).ok()).map(|rest| texts(&rest)).collect();
        let path_and_query = url.splitn(4, '/').nth(3).unwrap_or_default();
        for part in path_and_query.split(['?', '&', '=']).filter(|part| part.len() >= 16 && !rest.contains(part)) {
            assert!(!text.contains(part), "a part of the ResponseURL is shown: {text}");
        }
    }

    async fn play_twice(&self, iam: &FakeIam, envelope: &Envelope<'_>, address: &Address) -> &'static str {
        let first = play(iam, envelope, address).await;
        self.check(address, &first);
        let world = iam.world();
        let again = play(iam, envelope, address).await;
        self.check(address, &again);
        if first.status() == "SUCCESS" {
            assert_eq!((again.status(), again.physical_id()), ("SUCCESS", first.physical_id()), "{}", again.reason());
            assert_eq!(iam.world(), world, "the same event again changed something");
        }
        first.status()
    }

    /// What was created by hand from the guide has tags before it is adopted. It has them to the letter after the event.
    async fn leaves_the_customers_tags(&self, envelope: &Envelope<'_>, address: &Address) {
        let adopted = FakeIam::default();
        adopted.by_hand(follow_the_guide);
        let before = adopted.world();
        let create = create_of(address);
        play(&adopted, &Envelope::open(&create).unwrap(), address).await;
        self.play_twice(&adopted, envelope, address).await;
        let after = adopted.world();
        let roles = before.roles.iter().map(|(name, was)| (&was.tags, after.roles.get(name).map(|is| &is.tags)));
        let policies = before.policies.iter().map(|(arn, was)| (&was.tags, after.policies.get(arn).map(|is| &is.tags)));
        for (was, is) in roles.chain(policies) {
            let is = is.expect("what was adopted is there");
            let is_kept = |(key, value): (&String, &String)| is.get(key) == Some(value);
            assert!(was.iter().all(is_kept), "the customer's tags {was:?} are now {is:?}");
        }
    }

    fn check(&self, address: &Address, outcome: &Outcome) {
        if let Outcome::Failed { error, .. } = outcome {
            assert_ne!(error.kind(), Kind::Bug, "{}", error.reason());
        }
        let bytes = body(address, outcome);
        let answer: Map<String, Value> = serde_json::from_slice(&bytes).expect("a JSON object");
        let text = |field: &str| answer.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("no {field}"));
        let (status, reason, id) = (text("Status"), text("Reason"), text("PhysicalResourceId"));

        for field in ["StackId", "RequestId", "LogicalResourceId"] {
            // Blank if the event has something else than a text there.
            assert_eq!(text(field), self.text(field).unwrap_or_default(), "{field} is not repeated to the letter");
        }
        let kind = self.text("RequestType").unwrap_or_default();
        let carried = self.text("PhysicalResourceId").filter(|id| !id.is_empty());
        let keeps = kind == "Delete" || (kind == "Update" && status == "FAILED");
        match carried {
            Some(carried) if keeps => assert_eq!(id, carried, "{kind} {status}"),
            // A blank one is the sender's own.
            carried => assert!(!id.trim().is_empty() || carried.as_deref() == Some(id), "no PhysicalResourceId"),
        }
        assert!(kind != "Create" || (status == "FAILED") == id.starts_with("failed/"), "{status} under {id}");

        assert!(!reason.contains(char::is_control), "{reason:?}");
        let mut fields = 6;
        match status {
            "SUCCESS" if kind == "Delete" => {}
            "SUCCESS" => {
                fields += 1;
                let data = answer["Data"].as_object().expect("Data is a map");
                assert_eq!(data.len(), ATTRIBUTES, "{data:?}");
                let printable = |value: &Value| value.as_str().is_some_and(|text| !text.contains(char::is_control));
                assert!(data.values().all(printable), "{data:?}");
                assert_eq!(data["Verified"], "true");
            }
            "FAILED" => assert!(!reason.trim().is_empty(), "FAILED without a Reason"),
            other => panic!("Status {other}"),
        }
        assert_eq!(answer.len(), fields, "{:?}", answer.keys());

        let ids = [text("StackId"), text("RequestId"), text("LogicalResourceId"), id];
        let ids: usize = ids.map(|id| Value::from(id).to_string().len()).iter().sum();
        let reason_as_json = Value::from(reason).to_string().len() - 2;
        assert!(
            bytes.len() <= LONGEST_BODY || (ids > LONGEST_IDS && reason_as_json <= LEAST_REASON),
            "{} bytes, {ids} of them identifiers, {reason_as_json} of Reason",
            bytes.len()
        );
        self.holds_no_secret(&format!("{reason}\n{}", texts(answer.get("Data").unwrap_or(&Value::Null))));
    }
}

/// Every text in it, without the control characters, as a Reason would repeat it.
fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().filter(|c| !c.is_control()).chain(['\n']).collect(),
        Value::Array(list) => list.iter().map(texts).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| texts(&Value::from(name.as_str())) + &texts(value)).collect()
        }
        _ => String::new(),
    }
}
