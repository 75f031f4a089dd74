//! One event, one response, whatever the resource does.

mod common;

use common::http_server::HttpServer;
use custom_resource::event::Envelope;
use custom_resource::function::{Clients, Function, Invocation, OtherContext};
use custom_resource::{Attributes, Context, CustomResource, Error, Kind, Outcome, Request, Result, Unfinished};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const SIGNATURE: &str = "X-Amz-Signature=0123456789abcdef";

/// A resource that misbehaves as its property says.
struct Misbehaving;

impl CustomResource for Misbehaving {
    async fn prepare(&self, _: &Clients) -> Result<()> {
        panic!("while preparing")
    }

    async fn handle(&self, request: &Request, context: &Context<'_>) -> std::result::Result<Outcome, Unfinished> {
        let Request::Create { properties } = request else { panic!("only Creates") };
        match properties["How"].as_str() {
            Some("panics") => panic!("in the middle"),
            Some("hangs") => std::future::pending().await,
            Some("needs clients") => match context.clients.configuration().await {
                Ok(_) => {}
                Err(error) => return Ok(Outcome::failed(context.address, error)),
            },
            Some("waits") => return Err(Unfinished { waits_for: "the other one".into() }),
            _ => sleep(Duration::from_millis(200)).await,
        }
        Ok(Outcome::Success { physical_id: "id".into(), attributes: Attributes::new(), note: String::new() })
    }

    async fn handle_other(&self, envelope: &Envelope<'_>, _: &OtherContext<'_>) -> Result<()> {
        match envelope.field("Schedule").map(RawValue::get) {
            Some("true") => Ok(()),
            _ => Err(Error::new(Kind::Refused, "Not mine.")),
        }
    }
}

fn create(url: &str, how: &str) -> Value {
    json!({
        "RequestType": "Create", "ResponseURL": url, "RequestId": "request-1", "LogicalResourceId": "It",
        "StackId": "arn:of:the:stack", "ResourceType": "Custom::It", "ResourceProperties": {"How": how},
    })
}

async fn invoke(event: &Value, timeout: Duration) -> std::result::Result<(), lambda_runtime::Diagnostic> {
    let function = Function::new(Misbehaving);
    function.prepare().await;
    let function_arn = "arn:aws:lambda:us-east-1:111122223333:function:it".to_owned();
    let invocation = Invocation { function_arn, deadline: Instant::now() + timeout };
    function.handle(&to_raw_value(event).unwrap(), &invocation).await.map_err(Into::into)
}

/// The response to a Create of a resource that does this.
async fn response(how: &str, timeout: Duration) -> Value {
    let bucket = HttpServer::answering(&[200]);
    invoke(&create(&bucket.url(&format!("/response?{SIGNATURE}")), how), timeout).await.unwrap();
    let [request] = &bucket.requests()[..] else { panic!("one event, one response") };
    serde_json::from_slice(&request.body).unwrap()
}

#[tokio::test]
async fn a_success_is_delivered_although_preparing_panicked() {
    let response = response("well", Duration::from_secs(10)).await;
    assert_eq!((&response["Status"], &response["PhysicalResourceId"]), (&"SUCCESS".into(), &"id".into()));
}

#[tokio::test]
async fn a_panic_becomes_failed_with_a_reason() {
    let response = response("panics", Duration::from_secs(10)).await;
    assert_eq!(
        (&response["Status"], &response["PhysicalResourceId"]),
        (&"FAILED".into(), &"failed/It/request-1".into())
    );
    assert!(response["Reason"].as_str().unwrap().contains("has a defect"), "{response}");
}

#[tokio::test]
async fn work_without_end_becomes_failed_before_the_deadline() {
    let start = Instant::now();
    let response = response("hangs", Duration::from_secs(3)).await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(response["Reason"].as_str().unwrap().contains("function ran out of time"), "{response}");
}

#[test]
fn a_configuration_that_is_missing_becomes_failed_within_a_second_and_every_variable_is_named() {
    // In a process of its own, whose environment is blank.
    let played = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "without_an_environment", "--ignored", "--nocapture"])
        .env_clear()
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&played.stdout);
    assert!(played.status.success() && output.contains("1 passed"), "{output}");
}

#[tokio::test]
#[ignore = "played by the test before it"]
async fn without_an_environment() {
    let start = Instant::now();
    let response = response("needs clients", Duration::from_secs(10)).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    let reason = response["Reason"].as_str().unwrap();
    assert!(reason.contains("AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY are missing"), "{reason}");
}

#[tokio::test]
async fn an_event_that_cloudformation_did_not_send_is_the_resources_own() {
    invoke(&json!({"Schedule": true}), Duration::from_secs(3)).await.unwrap();
    let failure = invoke(&json!({}), Duration::from_secs(3)).await.unwrap_err();
    assert_eq!((&*failure.error_type, &*failure.error_message), ("EventNotHandled", "Not mine."));
}

#[tokio::test]
async fn what_is_not_acknowledged_fails_the_invocation_and_shows_nothing_of_the_url() {
    let bucket = HttpServer::answering(&[403]);
    let event = create(&bucket.url(&format!("/response?{SIGNATURE}")), "well");
    let failure = invoke(&event, Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(failure.error_type, "ResponseNotDelivered");
    for secret in ["Signature", "0123456789abcdef", "/response", "127.0.0.1"] {
        assert!(!failure.error_message.contains(secret), "{}", failure.error_message);
    }
    let event = create("http://x.example/?X-Amz-Signature=0123456789abcdef", "well");
    let failure = invoke(&event, Duration::from_secs(3)).await.unwrap_err();
    assert!(!failure.error_message.contains("0123456789abcdef"), "{}", failure.error_message);
}

#[tokio::test]
async fn a_connection_to_the_bucket_is_opened_while_the_resource_works_and_carries_the_response() {
    let bucket = HttpServer::answering(&[200]);
    let event = create(&bucket.url("/response?X-Amz-Signature=dummy"), "well");
    invoke(&event, Duration::from_secs(3)).await.unwrap();
    assert_eq!((bucket.heads(), bucket.requests().len(), bucket.connections()), (1, 1, 1));
}

#[tokio::test]
async fn work_that_waits_for_something_gets_no_response_and_fails_the_invocation_so_that_lambda_repeats_it() {
    let bucket = HttpServer::answering(&[200]);
    let event = create(&bucket.url(&format!("/response?{SIGNATURE}")), "waits");
    let failure = invoke(&event, Duration::from_secs(3)).await.unwrap_err();
    assert_eq!((&*failure.error_type, &*failure.error_message), ("Unfinished", "the other one"));
    assert_eq!(bucket.requests().len(), 0);
}
