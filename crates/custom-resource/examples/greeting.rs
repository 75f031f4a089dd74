//! A whole custom resource. `Custom::Greeting` has the property `Name` and the attribute `Text`.
//!
//! ```yaml
//! Greeting:
//!   Type: Custom::Greeting
//!   Properties: {ServiceToken: !GetAtt Function.Arn, ServiceTimeout: 420, Name: World}
//! Outputs:
//!   Text: {Value: !GetAtt Greeting.Text}
//! ```

use custom_resource::{Attributes, Context, CustomResource, Error, Outcome, Request, Result, Unfinished};
use serde_json::Value;

/// The resource.
pub struct Greeting;

impl CustomResource for Greeting {
    async fn handle(&self, request: &Request, context: &Context<'_>) -> std::result::Result<Outcome, Unfinished> {
        let outcome = outcome(request, &context.address.logical_id);
        Ok(outcome.unwrap_or_else(|error| Outcome::failed(context.address, error)))
    }
}

/// A Create chooses the physical id. Everything after it keeps the id, or CloudFormation would delete the old one.
fn outcome(request: &Request, logical_id: &str) -> Result<Outcome> {
    let (physical_id, attributes) = match request {
        Request::Create { properties } => (format!("greeting/{logical_id}"), greet(properties)?),
        Request::Update { physical_id, properties, .. } => (physical_id.clone(), greet(properties)?),
        // Nothing was created. A resource that creates something deletes it here, whatever its properties are.
        Request::Delete { physical_id, .. } => (physical_id.clone(), Attributes::new()),
    };
    Ok(Outcome::Success { physical_id, attributes, note: String::new() })
}

fn greet(properties: &Value) -> Result<Attributes> {
    match properties["Name"].as_str().filter(|name| !name.trim().is_empty()) {
        Some(name) => Ok([("Text", format!("Hello, {name}!").into())].into()),
        None => Err(Error::refused("Name must be a text that is not blank. Set it in the template, then retry.")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), lambda_runtime::Error> {
    custom_resource::run(Greeting).await
}
