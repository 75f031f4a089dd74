//! The event that CloudFormation sends, read leniently.
//!
//! An event has two halves that are trusted differently. The *address* (where to answer, and the three ids that the answer
//! repeats) is dug out of anything that is a JSON object, because without it nobody can be told anything. The rest is
//! decoded after that, so that whatever is wrong with it can be answered.

use crate::drift::Check;
use crate::error::{Error, Result};
use crate::ownership::Resource;
use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// What a URL cannot hold as it is, and is encoded as browsers do it, so that an odd one can be answered too.
/// <https://url.spec.whatwg.org/#path-percent-encode-set>
const NEVER_IN_A_URL: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// Where the answer goes. A presigned URL: whoever has it can answer in our name, so that it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(Uri);

impl ResponseUrl {
    /// Accepts `https`, and `http` on loopback only, where the tests and the embedded AWS listen.
    ///
    /// # Errors
    /// [`Refused`](crate::error::Kind::Refused), without the URL in it.
    pub fn new(text: &str) -> Result<Self> {
        let refused = |why| Err(Error::refused(format!("The ResponseURL was not used, because {why}.")));
        let text: String = text.trim_matches(|c: char| c <= ' ').replace(['\t', '\n', '\r'], "");
        let Ok(url) = utf8_percent_encode(&text, NEVER_IN_A_URL).to_string().parse::<Uri>() else {
            return refused("it is not a URL");
        };
        let loopback = matches!(url.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.scheme_str() {
            Some("https") => Ok(Self(url)),
            Some("http") if loopback => Ok(Self(url)),
            _ => refused("it is not https"),
        }
    }

    /// The URL itself, for the one who sends the answer.
    pub fn expose(&self) -> &Uri {
        &self.0
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseUrl(hidden)")
    }
}

/// What every answer needs, whatever else is wrong with the event. Texts are blank where the event lacks them.
#[derive(Clone, Debug)]
pub struct Address {
    pub url: ResponseUrl,
    pub stack_id: String,
    pub request_id: String,
    pub logical_id: String,
    /// `PhysicalResourceId`, if the event carries one. Never of a Create, which has none to carry: one that is there all the
    /// same is another resource's, and CloudFormation would delete what a failed Create answers with.
    pub physical_id: Option<String>,
    /// `ServiceToken`: the ARN that the template names as the one to ask.
    pub service_token: Option<String>,
}

impl Address {
    /// The resource that the event is about.
    pub fn resource(&self) -> Resource {
        Resource { stack_id: self.stack_id.clone(), logical_id: self.logical_id.clone() }
    }
}

/// What is asked.
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

/// An event split into its top-level fields, each still undecoded, so that nothing in one can spoil another.
pub struct Envelope {
    fields: HashMap<String, Box<RawValue>>,
}

impl Envelope {
    /// Splits the payload of an invocation.
    ///
    /// # Errors
    /// [`Refused`](crate::error::Kind::Refused) if it is not a JSON object: then nobody can be answered.
    pub fn open(payload: &RawValue) -> Result<Self> {
        // Not the decoder's own words: they may quote the payload, and the payload may hold the ResponseURL.
        serde_json::from_str(payload.get()).map(|fields| Self { fields }).map_err(|_| not_from_cloudformation())
    }

    /// What a schedule sends instead of an event of CloudFormation; `None` for anything else.
    ///
    /// # Errors
    /// [`Refused`](crate::error::Kind::Refused) if it cannot be decoded.
    pub fn drift_check(&self) -> Result<Option<Check>> {
        let Some(raw) = self.fields.get("DriftCheck").filter(|_| !self.fields.contains_key("ResponseURL")) else {
            return Ok(None);
        };
        serde_json::from_str(raw.get()).map(Some).map_err(|error| {
            Error::refused(format!(
                "DriftCheck cannot be decoded: {error}. Update the stack, which makes its schedule anew."
            ))
        })
    }

    /// Where to answer.
    ///
    /// # Errors
    /// [`Refused`](crate::error::Kind::Refused) if there is no usable `ResponseURL`.
    pub fn address(&self) -> Result<Address> {
        let url = self.text("ResponseURL").ok_or_else(not_from_cloudformation)?;
        let is_create = self.text("RequestType").as_deref() == Some("Create");
        Ok(Address {
            url: ResponseUrl::new(&url)?,
            stack_id: self.text("StackId").unwrap_or_default(),
            request_id: self.text("RequestId").unwrap_or_default(),
            logical_id: self.text("LogicalResourceId").unwrap_or_default(),
            physical_id: self.text("PhysicalResourceId").filter(|id| !is_create && !id.is_empty()),
            service_token: self.text("ServiceToken"),
        })
    }

    /// What is asked.
    ///
    /// # Errors
    /// [`Refused`](crate::error::Kind::Refused) if it cannot be told or decoded.
    pub fn request(&self) -> Result<Request> {
        let physical_id = || {
            let missing =
                || Error::refused("The event has no PhysicalResourceId; it does not come from CloudFormation.");
            self.text("PhysicalResourceId").filter(|id| !id.is_empty()).ok_or_else(missing)
        };
        match self.text("RequestType").as_deref() {
            Some("Create") => Ok(Request::Create { properties: self.properties("ResourceProperties")? }),
            Some("Update") => Ok(Request::Update {
                physical_id: physical_id()?,
                properties: self.properties("ResourceProperties")?,
                // Read for names and tag keys only, each of them leniently.
                old_properties: self.properties("OldResourceProperties").unwrap_or_default(),
            }),
            // A Delete is never refused for its properties.
            Some("Delete") => Ok(Request::Delete {
                physical_id: physical_id()?,
                properties: self.properties("ResourceProperties").unwrap_or_default(),
            }),
            _ => Err(Error::refused(
                "The event's RequestType is none of Create, Update and Delete; it does not come from CloudFormation.",
            )),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.fields.get(name)?.get()).ok()
    }

    /// `null` when the field is missing.
    fn properties(&self, name: &str) -> Result<Value> {
        let Some(raw) = self.fields.get(name) else { return Ok(Value::Null) };
        serde_json::from_str(raw.get()).map_err(|error| {
            // Line and column only: the decoder's words may quote a value.
            let place = format!("line {} column {}", error.line(), error.column());
            Error::refused(format!("{name} cannot be decoded ({place}). Check the properties in the template."))
        })
    }
}

fn not_from_cloudformation() -> Error {
    Error::refused(
        "The event has no ResponseURL, so that there is nobody to answer. This function serves a CloudFormation custom \
         resource: let a stack invoke it, or use an event like those in events/.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(json: &str) -> Envelope {
        Envelope::open(&RawValue::from_string(json.to_owned()).unwrap()).unwrap()
    }

    const ADDRESS: &str = r#""ResponseURL": "https://x.example/?Signature=secret", "StackId": "s", "RequestId": "r", "LogicalResourceId": "l""#;

    #[test]
    fn the_url_is_never_shown() {
        let address = open(&format!("{{{ADDRESS}}}")).address().unwrap();
        assert!(!format!("{address:?}").contains("secret"));
        assert_eq!(address.url.expose(), "https://x.example/?Signature=secret");
        let refused = ResponseUrl::new("http://x.example/?Signature=secret").unwrap_err();
        assert!(!format!("{refused:?} {refused}").contains("secret"));
    }

    #[test]
    fn the_url_is_https_or_on_loopback() {
        for url in ["https://a.s3.amazonaws.com/x?y=z", "http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]:2/"]
        {
            assert!(ResponseUrl::new(url).is_ok(), "{url}");
        }
        for (odd, sent) in [
            ("  https://a.example/b c\n", "https://a.example/b%20c"),
            ("https://a.example/?é=\"{\u{0}}\"", "https://a.example/?%C3%A9=%22%7B%00%7D%22"),
            ("https://a.example/arn%3Aaws%7C1?a=b%2Bc&d=e~f", "https://a.example/arn%3Aaws%7C1?a=b%2Bc&d=e~f"),
        ] {
            assert_eq!(ResponseUrl::new(odd).unwrap().expose(), sent);
        }
        for url in [
            "",
            "x",
            "http://10.0.0.1/x",
            "http://127.0.0.1.evil.example/",
            "ftp://localhost/",
            "http://localhost.evil.example/",
            "file:///etc/passwd",
        ] {
            assert!(ResponseUrl::new(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_address_is_read_from_events_that_are_otherwise_hopeless() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for rest in [
            "".to_owned(),
            r#", "RequestType": 7"#.to_owned(),
            r#", "RequestType": "Create", "ResourceProperties": "x", "ServiceToken": {}"#.to_owned(),
            format!(r#", "RequestType": "Create", "ResourceProperties": {deep}"#),
        ] {
            let envelope = open(&format!("{{{ADDRESS}{rest}}}"));
            let address = envelope.address().unwrap();
            assert_eq!(
                (address.stack_id.as_str(), address.request_id.as_str(), address.logical_id.as_str()),
                ("s", "r", "l")
            );
        }
        let envelope = open(&format!(r#"{{{ADDRESS}, "RequestType": "Create", "ResourceProperties": {deep}}}"#));
        assert!(
            envelope.request().unwrap_err().reason().contains("ResourceProperties cannot be decoded (line 1 column ")
        );
    }

    #[test]
    fn ids_that_are_missing_or_no_text_are_blank() {
        let address = open(r#"{"ResponseURL": "https://x.example/", "StackId": 7, "LogicalResourceId": null}"#)
            .address()
            .unwrap();
        assert_eq!((address.stack_id.as_str(), address.request_id.as_str(), address.logical_id.as_str()), ("", "", ""));
        assert_eq!(address.physical_id, None);
    }

    #[test]
    fn of_two_fields_of_one_name_the_last_counts() {
        let envelope =
            open(&format!(r#"{{"RequestId": "first", {ADDRESS}, "RequestType": "Delete", "RequestType": "Create"}}"#));
        assert_eq!(envelope.address().unwrap().request_id, "r");
        assert_eq!(envelope.request().unwrap().kind(), "Create");
    }

    #[test]
    fn nobody_can_be_answered_without_a_url() {
        for json in ["{}", r#"{"ResponseURL": 7}"#, r#"{"ResponseURL": null}"#] {
            assert!(open(json).address().unwrap_err().reason().contains("no ResponseURL"), "{json}");
        }
        for json in ["[]", "7", "null", "\"x\""] {
            assert!(Envelope::open(&RawValue::from_string(json.to_owned()).unwrap()).is_err(), "{json}");
        }
    }

    #[test]
    fn update_and_delete_need_a_physical_id_and_a_known_type_is_needed() {
        for kind in ["Update", "Delete"] {
            let envelope = open(&format!(r#"{{{ADDRESS}, "RequestType": "{kind}", "PhysicalResourceId": ""}}"#));
            assert!(envelope.request().unwrap_err().reason().contains("no PhysicalResourceId"), "{kind}");
        }
        assert!(
            open(&format!(r#"{{{ADDRESS}, "RequestType": "Read"}}"#))
                .request()
                .unwrap_err()
                .reason()
                .contains("RequestType")
        );
    }

    #[test]
    fn a_delete_is_read_although_its_properties_are_not() {
        let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
        let envelope = open(&format!(
            r#"{{{ADDRESS}, "RequestType": "Delete", "PhysicalResourceId": "p", "ResourceProperties": {deep}}}"#
        ));
        assert!(matches!(envelope.request().unwrap(), Request::Delete { properties: Value::Null, .. }));
    }
}
