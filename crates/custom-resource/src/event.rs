//! The event that CloudFormation sends.
//!
//! An event is read in two steps. The *address* comes first: where to send the response, and the three identifiers that
//! the response repeats. It is extracted from anything that is a JSON object, because without it nobody can be told
//! anything. Then the whole event is decoded as `aws_lambda_events` defines it. If that fails, the failure itself has
//! an address.

use crate::error::{Error, Result};
use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest;
use reqwest::Url;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// Where the response goes. It is a presigned URL: anyone who has it can respond in our name. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(Url);

impl ResponseUrl {
    /// Accepts `https`. Accepts `http` on loopback only, where tests and emulators listen.
    ///
    /// # Errors
    /// [`Refused`](crate::Kind::Refused), without the URL in it.
    pub fn new(text: &str) -> Result<Self> {
        let refused = |why| Err(Error::refused(format!("The ResponseURL was not used, because {why}.")));
        let Ok(url) = Url::parse(text) else { return refused("it is not a URL") };
        let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback => Ok(Self(url)),
            _ => refused("it is not https"),
        }
    }

    /// The URL itself, to send the response.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// Scheme, host and port. They are no secret.
    pub fn origin(&self) -> Option<Url> {
        Url::parse(&self.0.origin().ascii_serialization()).ok()
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseUrl(hidden)")
    }
}

/// What every response needs, whatever else is wrong with the event. Texts are blank if the event lacks them.
#[derive(Clone, Debug)]
pub struct Address {
    pub url: ResponseUrl,
    pub stack_id: String,
    pub request_id: String,
    pub logical_id: String,
    /// `ResourceType`, such as `Custom::Greeting`.
    pub resource_type: String,
    /// `PhysicalResourceId`, if the event has one. Always `None` for a Create: an id in a Create would be another
    /// resource's, and CloudFormation deletes the id that a failed Create responds with.
    pub physical_id: Option<String>,
    /// `ServiceToken`: the ARN of the function that the template names.
    pub service_token: Option<String>,
}

/// What CloudFormation requests. Properties are as CloudFormation sent them; [`Value::Null`] if they could not be read.
#[derive(Clone, Debug)]
pub enum Request {
    Create { properties: Value },
    Update { physical_id: String, properties: Value, old_properties: Value },
    Delete { physical_id: String, properties: Value },
}

impl Request {
    /// `RequestType`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "Create",
            Self::Update { .. } => "Update",
            Self::Delete { .. } => "Delete",
        }
    }
}

/// The payload of an invocation, split into its top-level fields. Each is still undecoded, so that nothing in one can
/// make another unreadable.
pub struct Envelope<'a> {
    payload: &'a RawValue,
    fields: HashMap<String, &'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// Splits the payload of an invocation.
    ///
    /// # Errors
    /// [`Refused`](crate::Kind::Refused) if it is not a JSON object: then there is nobody to respond to.
    pub fn open(payload: &'a RawValue) -> Result<Self> {
        // Not the decoder's own words: they may quote the payload, and the payload may contain the ResponseURL.
        let fields = serde_json::from_str(payload.get()).map_err(|_| not_from_cloudformation())?;
        Ok(Self { payload, fields })
    }

    /// Whether CloudFormation sent it and waits for a response.
    pub fn is_from_cloudformation(&self) -> bool {
        self.fields.contains_key("ResponseURL")
    }

    /// A top-level field, undecoded.
    pub fn field(&self, name: &str) -> Option<&'a RawValue> {
        self.fields.get(name).copied()
    }

    /// Where to send the response.
    ///
    /// # Errors
    /// [`Refused`](crate::Kind::Refused) if there is no usable `ResponseURL`.
    pub fn address(&self) -> Result<Address> {
        let url = self.text("ResponseURL").ok_or_else(not_from_cloudformation)?;
        let is_create = self.text("RequestType").as_deref() == Some("Create");
        Ok(Address {
            url: ResponseUrl::new(&url)?,
            stack_id: self.text("StackId").unwrap_or_default(),
            request_id: self.text("RequestId").unwrap_or_default(),
            logical_id: self.text("LogicalResourceId").unwrap_or_default(),
            resource_type: self.text("ResourceType").unwrap_or_default(),
            physical_id: self.text("PhysicalResourceId").filter(|id| !is_create && !id.is_empty()),
            service_token: self.text("ServiceToken"),
        })
    }

    /// What CloudFormation requests. A Delete needs its physical id only: a resource must be removable, whatever else
    /// of the event is unreadable.
    ///
    /// # Errors
    /// [`Refused`](crate::Kind::Refused) if the event is not what CloudFormation sends. The error names the fields.
    pub fn request(&self) -> Result<Request> {
        let request_type = self.text("RequestType");
        let physical_id = self.text("PhysicalResourceId").filter(|id| !id.is_empty());
        match (request_type.as_deref(), physical_id) {
            (Some("Delete"), Some(physical_id)) => {
                let properties = self.field("ResourceProperties").map(RawValue::get);
                let properties = properties.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
                return Ok(Request::Delete { physical_id, properties });
            }
            (Some("Update" | "Delete"), None) => {
                return Err(Error::refused(
                    "The event has no PhysicalResourceId; it does not come from CloudFormation.",
                ));
            }
            (Some("Create" | "Update"), _) => {}
            _ => {
                return Err(Error::refused(
                    "The event's RequestType is not Create, Update or Delete; it does not come from CloudFormation.",
                ));
            }
        }
        match serde_json::from_str(self.payload.get()) {
            Ok(CloudFormationCustomResourceRequest::Create(create)) => {
                Ok(Request::Create { properties: create.resource_properties })
            }
            Ok(CloudFormationCustomResourceRequest::Update(update)) => Ok(Request::Update {
                physical_id: update.physical_resource_id,
                properties: update.resource_properties,
                old_properties: update.old_resource_properties,
            }),
            _ => Err(self.undecodable()),
        }
    }

    /// Which fields the decoder cannot have taken. Not its own words: they may quote a value.
    fn undecodable(&self) -> Error {
        let is_update = self.text("RequestType").as_deref() == Some("Update");
        let texts = ["StackId", "RequestId", "LogicalResourceId", "ResourceType"];
        let texts = texts.into_iter().filter(|name| self.text(name).is_none());
        let token = self.field("ServiceToken").filter(|raw| serde_json::from_str::<Option<String>>(raw.get()).is_err());
        let maps = ["ResourceProperties", "OldResourceProperties"].into_iter().take(if is_update { 2 } else { 1 });
        let maps =
            maps.filter(|name| self.field(name).is_none_or(|raw| serde_json::from_str::<Value>(raw.get()).is_err()));
        let fields: Vec<_> = texts.chain(token.map(|_| "ServiceToken")).chain(maps).collect();
        let fields = match fields.is_empty() {
            true => "a field that appears twice, or the properties".to_owned(),
            false => fields.join(", "),
        };
        Error::refused(format!(
            "The event cannot be decoded. Fields that are missing, have the wrong type, or are nested too deeply: \
             {fields}. Check the resource's properties in the template. If they are correct, the event was not sent \
             by CloudFormation."
        ))
    }

    fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.field(name)?.get()).ok()
    }
}

fn not_from_cloudformation() -> Error {
    Error::refused(
        "The event has no ResponseURL, so no response can be sent. This function serves a CloudFormation custom \
         resource. Invoke it through a stack.",
    )
}
