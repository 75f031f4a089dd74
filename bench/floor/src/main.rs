//! The floor: the least that this job can cost on a machine. No SDK, no async runtime, no retries, no reading back.
//!
//! Both IAM connections are opened and their handshakes done before the first event is asked for, while Lambda lends a
//! whole core; the callback's is opened beside the calls to IAM. What is left is three round trips.

mod connection;
mod iam;

use connection::{Connection, Result};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::{Value, json};
use std::thread;

const POLICY: &str = include_str!("../../../policies/2025-09-29.json");

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    resource_properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    role_name: String,
    policy_name: String,
}

/// Two calls at once, then one more.
fn create(iam: &mut [Connection; 2], properties: &Properties, policy: &str) -> Result<Value> {
    let [first, second] = iam;
    let (role_name, policy_name) = (properties.role_name.as_str(), properties.policy_name.as_str());
    let external_id = external_id()?;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::017059471480:root" },
        "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "sts:ExternalId": external_id } },
    }] })
    .to_string();
    let (made, role) = thread::scope(|scope| {
        let policy = [("PolicyName", policy_name), ("PolicyDocument", policy)];
        let made = scope.spawn(move || iam::call(first, "CreatePolicy", &policy));
        let role = [("RoleName", role_name), ("AssumeRolePolicyDocument", trust.as_str())];
        let role = iam::call(second, "CreateRole", &role);
        (made.join().expect("no panic"), role)
    });
    let (policy_arn, role_arn) = (iam::arn(&made?)?, iam::arn(&role?)?);
    iam::call(second, "AttachRolePolicy", &[("RoleName", role_name), ("PolicyArn", &policy_arn)])?;
    Ok(json!({ "RoleArn": role_arn, "PolicyArn": policy_arn, "ExternalId": external_id }))
}

fn external_id() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "no random numbers")?;
    Ok(connection::hex(&bytes))
}

fn main() -> Result<()> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL")?;
    let tls = connection::tls()?;
    let opened = [(); 2].map(|()| {
        let (endpoint, tls) = (endpoint.clone(), tls.clone());
        thread::spawn(move || Connection::open(&endpoint, &tls))
    });
    let policy = serde_json::from_str::<Value>(POLICY)?.to_string();
    let api = format!("http://{}", std::env::var("AWS_LAMBDA_RUNTIME_API")?);
    let mut runtime = Connection::open(&api, &tls)?;
    let [first, second] = opened.map(|opened| opened.join().expect("no panic"));
    let mut iam = [first?, second?];
    loop {
        let invocation = runtime.exchange("GET", "/2018-06-01/runtime/invocation/next", &[], b"")?;
        let event: Event = serde_json::from_slice(&invocation.body)?;
        let (url, configuration) = (event.response_url.clone(), tls.clone());
        let callback = thread::spawn(move || Connection::open(&url, &configuration));
        let mut answer = match create(&mut iam, &event.resource_properties, &policy) {
            Ok(data) => json!({ "Status": "SUCCESS", "PhysicalResourceId": data["RoleArn"], "Data": data }),
            Err(error) => {
                json!({ "Status": "FAILED", "PhysicalResourceId": event.request_id, "Reason": error.to_string() })
            }
        };
        answer["StackId"] = event.stack_id.into();
        answer["RequestId"] = event.request_id.into();
        answer["LogicalResourceId"] = event.logical_resource_id.into();
        let mut callback = callback.join().expect("no panic")?;
        let path = connection::path(&event.response_url).to_owned();
        callback.exchange("PUT", &path, &[], answer.to_string().as_bytes())?;
        let id = invocation.header("lambda-runtime-aws-request-id").ok_or("no request id")?;
        runtime.exchange("POST", &format!("/2018-06-01/runtime/invocation/{id}/response"), &[], b"null")?;
    }
}
