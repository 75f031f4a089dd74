//! The same function with every default: what a first version in Rust looks like.

use aws_config::BehaviorVersion;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

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

async fn create(iam: &aws_sdk_iam::Client, properties: &Properties) -> Result<Value, Error> {
    let policy: Value = serde_json::from_str(POLICY)?;
    let external_id = uuid::Uuid::new_v4().simple().to_string();
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::017059471480:root" },
        "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "sts:ExternalId": external_id } },
    }] });
    let (role_name, policy_name) = (&properties.role_name, &properties.policy_name);
    let policy = iam.create_policy().policy_name(policy_name).policy_document(policy.to_string()).send().await?;
    let policy_arn = policy.policy().and_then(|policy| policy.arn()).ok_or("no policy")?;
    let role = iam.create_role().role_name(role_name).assume_role_policy_document(trust.to_string()).send().await?;
    let role_arn = role.role().ok_or("no role")?.arn();
    iam.attach_role_policy().role_name(role_name).policy_arn(policy_arn).send().await?;
    Ok(json!({ "RoleArn": role_arn, "PolicyArn": policy_arn, "ExternalId": external_id }))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let iam = &aws_sdk_iam::Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    let http = &reqwest::Client::new();
    run(service_fn(async |invocation: LambdaEvent<Event>| {
        let event = invocation.payload;
        let mut answer = match create(iam, &event.resource_properties).await {
            Ok(data) => json!({ "Status": "SUCCESS", "PhysicalResourceId": data["RoleArn"], "Data": data }),
            Err(error) => {
                json!({ "Status": "FAILED", "PhysicalResourceId": event.request_id, "Reason": format!("{error:?}") })
            }
        };
        answer["StackId"] = event.stack_id.into();
        answer["RequestId"] = event.request_id.into();
        answer["LogicalResourceId"] = event.logical_resource_id.into();
        http.put(event.response_url).body(answer.to_string()).send().await?.error_for_status()?;
        Ok::<_, Error>(())
    }))
    .await
}
