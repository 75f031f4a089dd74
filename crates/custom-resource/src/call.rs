//! A failed call to AWS: which [`Kind`] of error it is.
//!
//! Only codes are matched, never messages. A service adds its own codes to those that every service of AWS has.

use crate::error::{Error, FailedCall, Kind, chain};
use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

/// The codes by which AWS says that it does not know some credentials: those of a role or a session that is new.
const UNKNOWN_CREDENTIALS: [&str; 2] = ["InvalidClientTokenId", "UnrecognizedClientException"];

/// The codes by which AWS refuses a signature for its time. After a function was frozen, its clock can be behind for a
/// moment. The next attempt is signed again.
const CLOCK: [&str; 5] = [
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "RequestInTheFuture",
];

/// Whether AWS does not know the credentials of a call.
pub fn has_unknown_credentials(error: &Error) -> bool {
    UNKNOWN_CREDENTIALS.iter().any(|code| error.is(code))
}

/// The code by which AWS refused the signature of a call for its time; `None` for any other error.
pub fn late_signature(error: &Error) -> Option<&'static str> {
    CLOCK.into_iter().find(|code| error.is(code))
}

/// The kind of an error code that every service of AWS has: those of the SDK's own lists of throttling and transient
/// ones, and the common ones. An unknown code is final.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>
pub fn kind_of(code: &str, server_error: bool) -> Kind {
    let is_transient = [THROTTLING_ERRORS, TRANSIENT_ERRORS, &CLOCK].concat().contains(&code);
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Kind::Denied,
        // They become known within seconds, as rights do.
        code if UNKNOWN_CREDENTIALS.contains(&code) => Kind::Denied,
        _ if is_transient => Kind::Unavailable,
        // Without a code, the answer does not come from AWS.
        "" => Kind::Unavailable,
        _ if server_error => Kind::Unavailable,
        _ => Kind::Refused,
    }
}

/// An SDK error as ours. `kind_of` is the service's: it maps a code, and whether the status is a server's error.
pub fn failed<E>(
    operation: &'static str,
    kind_of: impl Fn(&str, bool) -> Kind,
) -> impl Fn(SdkError<E, HttpResponse>) -> Error
where
    SdkError<E, HttpResponse>: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    move |error| {
        let code = error.code().unwrap_or_default().to_owned();
        let kind = match &error {
            SdkError::ServiceError(answer) => kind_of(&code, answer.raw().status().is_server_error()),
            SdkError::ConstructionFailure(_) => Kind::Bug,
            // Timeouts and network errors: the call may have taken effect.
            _ => Kind::Unavailable,
        };
        let message = error.message().map_or_else(|| chain(&error), str::to_owned);
        let request_id = error.request_id().unwrap_or_default().to_owned();
        Error::call(kind, FailedCall { operation, code, message, request_id }).caused_by(&error)
    }
}

/// An answer that lacks what the service always sends.
pub fn malformed(operation: &'static str, lacks: &str) -> Error {
    let message = format!("the answer has {lacks}");
    let call = FailedCall { operation, code: String::new(), message, request_id: String::new() };
    Error::call(Kind::Unavailable, call)
}
