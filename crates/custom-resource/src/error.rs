//! The one error type.
//!
//! Every event ends in a response. An error is therefore never the end: a caller reacts to it, and at last it becomes a
//! sentence that a customer must be able to act on. Three decisions follow.
//!
//! * **A [`Kind`] says what the caller must do**, not what went wrong. The adapters of the SDK map AWS error *codes* to
//!   kinds, never message text. Callers match on kinds and nothing else.
//! * **Two messages, kept apart.** [`Error::reason`] is the sentence for the customer. It is written where the
//!   customer's next action is known, never by an adapter of the SDK. [`Error::cause`] is for the log: the operation,
//!   AWS's code and message, the request id.
//! * **Inner layers know nothing of CloudFormation.** `FAILED`, and the limits of a Reason, belong to `response`.

use crate::resolver::Unresolved;
use std::fmt;

/// What the one who gets the error must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Give up and say so: a person has to change a property or something in the account first.
    Refused,
    /// What the call was about is not there. A deletion is done then; anything else looks again.
    Gone,
    /// The state is not what it was when it was observed: read it again and make a new plan.
    LookAgain,
    /// A right is missing. In the first seconds of a new role it may only not have arrived yet: wait, then give up.
    Denied,
    /// No clear answer (throttled, server error, network). The call may have taken effect: look again, a few times.
    Unavailable,
    /// The time that the invocation may use has ended: answer now, the next event carries on.
    OutOfTime,
    /// A defect of this program.
    Bug,
}

/// A failed call to AWS, as the log wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCall {
    /// The API operation, such as `CreateRole`.
    pub operation: &'static str,
    /// AWS's error code, such as `NoSuchEntity`; blank when there was no answer.
    pub code: String,
    /// AWS's own words, or the network's. For people; never matched on.
    pub message: String,
    /// AWS's id of the request; blank when there was no answer.
    pub request_id: String,
}

impl FailedCall {
    fn code_or_none(&self) -> &str {
        if self.code.is_empty() { "no answer" } else { &self.code }
    }
}

impl fmt::Display for FailedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.operation, self.code_or_none(), self.message)?;
        if !self.request_id.is_empty() {
            write!(f, " (request {})", self.request_id)?;
        }
        Ok(())
    }
}

/// An error: what to do about it, the sentence for the customer, the cause for the log.
#[derive(Clone, Debug)]
pub struct Error {
    kind: Kind,
    reason: String,
    /// Boxed, because every result would be as large.
    call: Option<Box<FailedCall>>,
    unresolved_name: Option<String>,
}

impl Error {
    /// An error whose `reason` is complete: one or more sentences that say what failed and what to do.
    pub fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), call: None, unresolved_name: None }
    }

    /// Short for the commonest kind.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::new(Kind::Refused, reason)
    }

    /// A failed call to AWS. Its sentence is still to be written, by [`Error::because`].
    pub fn call(kind: Kind, call: FailedCall) -> Self {
        Self { kind, reason: String::new(), call: Some(Box::new(call)), unresolved_name: None }
    }

    /// The same failed call. `cause` is what the library that made it says, which tells whether the name of the
    /// endpoint could not be resolved.
    pub fn caused_by(self, cause: &(dyn std::error::Error + 'static)) -> Self {
        Self { unresolved_name: Unresolved::among(cause).map(|unresolved| unresolved.name.clone()), ..self }
    }

    /// The same error with the sentence for the customer.
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// The same error with another sentence behind its own.
    pub fn and(mut self, sentence: &str) -> Self {
        self.reason = format!("{} {sentence}", self.reason()).trim().to_owned();
        self
    }

    /// The same error, to be treated as another kind.
    pub fn treated_as(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// What to do.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The AWS call that failed, if it was one.
    pub fn failed_call(&self) -> Option<&FailedCall> {
        self.call.as_deref()
    }

    /// Whether nothing was asked of AWS, because there was no time left for an answer.
    pub fn is_without_time(&self) -> bool {
        self.kind() == Kind::OutOfTime && self.call.is_none()
    }

    /// Whether AWS refused with this code.
    pub fn is(&self, code: &str) -> bool {
        self.call.as_ref().is_some_and(|call| call.code == code)
    }

    /// What to say of a call whose endpoint's name could not be resolved, and what to do. `None` for any other error.
    pub fn unresolved(&self) -> Option<String> {
        let name = self.unresolved_name.as_ref()?;
        Some(format!(
            "the name {name} could not be resolved. Retry the stack operation. If it fails again and the function is in a \
             VPC, check that the DNS servers of the VPC answer for this name, and that VPC endpoints have private DNS."
        ))
    }

    /// The sentence for the customer. Never blank.
    pub fn reason(&self) -> String {
        match &self.call {
            _ if !self.reason.is_empty() => self.reason.clone(),
            Some(call) if let Some(unresolved) = self.unresolved() => {
                format!("{} failed: {unresolved}", call.operation)
            }
            Some(call) => format!("{} failed ({}). Retry the stack operation.", call.operation, call.code_or_none()),
            None => {
                "An error occurred that this function does not know. Retry the stack operation. The function's log \
                 has the details."
                    .to_owned()
            }
        }
    }

    /// The cause for the log: the failed call with AWS's words and request id. Blank when the reason says it all.
    pub fn cause(&self) -> String {
        self.call.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason())?;
        match self.cause() {
            cause if cause.is_empty() => Ok(()),
            cause => write!(f, " [{cause}]"),
        }
    }
}

impl std::error::Error for Error {}

/// What most of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Another library's error with its causes, for the log: the outermost alone often says only that something failed.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
