//! Answers in AWS's two protocols.

use hyper::StatusCode;
use serde_json::{Value, json};

/// An answer before it is sent.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: String,
}

/// What AWS refuses: a code of its API and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
}

impl Refused {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub fn no_such_entity(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchEntity", message)
    }

    /// Organizations has a code of its own for it.
    /// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>
    pub fn throttled(service: &str) -> Self {
        let code = if service == "organizations" { "TooManyRequestsException" } else { "Throttling" };
        Self::new(StatusCode::BAD_REQUEST, code, "Rate exceeded")
    }

    pub fn not_served(operation: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidAction", format!("fleet-stub does not serve {operation}"))
    }
}

pub fn xml(operation: &str, namespace: &str, result: Result<String, Refused>) -> Answer {
    const ID: &str = "<RequestId>11111111-2222-3333-4444-555555555555</RequestId>";
    let (status, body) = match result {
        Ok(result) => (
            StatusCode::OK,
            format!(
                "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{result}</{operation}Result>\
                 <ResponseMetadata>{ID}</ResponseMetadata></{operation}Response>"
            ),
        ),
        Err(Refused { status, code, message }) => (
            status,
            format!(
                "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{message}</Message></Error>{ID}</ErrorResponse>"
            ),
        ),
    };
    Answer { status, content_type: "text/xml", body }
}

pub fn json(result: Result<Value, Refused>) -> Answer {
    let (status, body) = match result {
        Ok(result) => (StatusCode::OK, result),
        Err(Refused { status, code, message }) => (status, json!({ "__type": code, "Message": message })),
    };
    Answer { status, content_type: "application/x-amz-json-1.1", body: body.to_string() }
}
