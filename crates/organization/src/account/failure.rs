//! Sentences about why an account could not be created: AWS's own word, and what to do.
//!
//! AWS's lists are open. A word that this release does not know is repeated as it is.
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccountStatus.html>

use crate::management_account::NewAccount;
use custom_resource::error::FailedCall;
use custom_resource::{Error, Kind};

/// The email address has an account already: here, or at anybody else's.
pub const EMAIL_ALREADY_EXISTS: &str = "EMAIL_ALREADY_EXISTS";

/// What to do about a `FailureReason` of a creation, or about the `Reason` of a violated constraint. Both lists share
/// words.
fn advice(word: &str) -> &'static str {
    match word {
        "ACCOUNT_LIMIT_EXCEEDED" | "ACCOUNT_NUMBER_LIMIT_EXCEEDED" => {
            "The organization has as many accounts as its quota allows. Closed accounts and open invitations count. Ask for \
             more in Service Quotas (AWS Organizations, Default maximum number of accounts), then retry."
        }
        "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED" | "CONCURRENT_ACCOUNT_MODIFICATION" => {
            "Other accounts are being created. Retry in a few minutes."
        }
        "INVALID_EMAIL" | "INVALID_EMAIL_ADDRESS_TARGET" => {
            "AWS does not accept the email address. Give another one, then retry."
        }
        "INVALID_ADDRESS"
        | "MASTER_ACCOUNT_MISSING_CONTACT_INFO"
        | "MASTER_ACCOUNT_ADDRESS_DOES_NOT_MATCH_MARKETPLACE" => {
            "The contact information of the management account is incomplete. Complete it under Account in the console, then \
             retry."
        }
        "INVALID_PAYMENT_INSTRUMENT"
        | "MISSING_PAYMENT_INSTRUMENT"
        | "MASTER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED"
        | "PAYMENT_INSTRUMENT_REQUIRED" => {
            "The management account has no valid payment method. Add one under Billing, Payment preferences, then retry."
        }
        "ACCOUNT_CANNOT_LEAVE_WITHOUT_PHONE_VERIFICATION" | "PHONE_VERIFICATION_REQUIRED" => {
            "The phone number of the management account is not verified. Verify it under Account in the console, then retry."
        }
        "EMAIL_VERIFICATION_CODE_EXPIRED" | "EMAIL_VERIFICATION_REQUIRED" => {
            "The email address of the management account is not verified. Ask for a new verification email under AWS \
             Organizations in the console, open its link, then retry."
        }
        "MISSING_BUSINESS_VALIDATION"
        | "PENDING_BUSINESS_VALIDATION"
        | "FAILED_BUSINESS_VALIDATION"
        | "UNKNOWN_BUSINESS_VALIDATION"
        | "INVALID_IDENTITY_FOR_BUSINESS_VALIDATION" => {
            "AWS has to validate the business or the identity of the management account first. Finish that with AWS Support, \
             then retry."
        }
        "ValidationException" => "AWS does not accept a value of it. Correct that, then retry.",
        "INTERNAL_FAILURE" => "AWS had a problem of its own. Retry; if it happens again, contact AWS Support.",
        "ACCOUNT_CREATION_NOT_COMPLETE" | "WAIT_PERIOD_ACTIVE" => {
            "AWS has not finished setting up the management account. Retry in an hour; new accounts can take a day."
        }
        _ => {
            "Look up this code in the API reference of AWS Organizations (CreateAccount), or contact AWS Support. \
             Then retry."
        }
    }
}

/// The error for a creation that failed.
pub fn of_creation(failure_reason: &str, email: &str) -> Error {
    let word = if failure_reason.is_empty() { "no reason" } else { failure_reason };
    Error::refused(format!(
        "AWS could not create the account with {email} ({word}). No account was created. {}",
        advice(failure_reason)
    ))
}

/// The error for a call of CreateAccount that was refused.
pub fn of_create_account(error: Error, new: &NewAccount) -> Error {
    of_call(error, &format!("The account '{}' ({}) could not be created", new.name, new.email))
}

/// The error for a call of CreateOrganization that was refused.
pub fn of_create_organization(error: Error) -> Error {
    of_call(error, "The organization could not be created")
}

/// The rights that an operation needs. AWS does not say which of them is missing.
fn rights(operation: &str) -> String {
    let further = match operation {
        "PutAlternateContact" => return format!("account:{operation}"),
        "CreateAccount" => " with organizations:TagResource",
        "CreateOrganization" => " with iam:CreateServiceLinkedRole",
        _ => "",
    };
    format!("organizations:{operation}{further}")
}

/// The sentence for a write of Organizations that failed. `what` says what could not be done.
pub fn of_call(error: Error, what: &str) -> Error {
    let Some(FailedCall { operation, code, message, .. }) = error.failed_call().cloned() else { return error };
    let words = message.trim().trim_end_matches('.').to_owned();
    let sentence = match error.kind() {
        _ if let Some(unresolved) = error.unresolved() => format!("{what}: {unresolved}"),
        Kind::Denied => format!(
            "{what}: the function's role is not allowed to call {} ({words}). Check that no permissions boundary and \
             no service control policy denies it, then retry.",
            rights(operation)
        ),
        Kind::Unavailable | Kind::OutOfTime => format!(
            "{what}: {operation} got no usable answer{}. It is not known whether it took effect. Retry the stack \
             operation, which continues from the existing state.",
            if code.is_empty() { String::new() } else { format!(" ({code})") }
        ),
        Kind::LookAgain | Kind::Gone => format!(
            "{what}: {operation} returned {code} ({words}) until the function ran out of time. Something else is \
             changing the organization. Retry when that is done."
        ),
        Kind::Refused | Kind::Bug => format!("{what} ({code}: {words}). {}", advice(&code)),
    };
    error.because(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_does_not_exist_yet_is_repeated_and_says_what_to_do() {
        let reason = of_creation("QUANTUM_VALIDATION_PENDING", "a@example.com").reason();
        assert!(reason.contains("(QUANTUM_VALIDATION_PENDING)") && reason.contains("AWS Support"), "{reason}");
        assert!(of_creation("", "a@example.com").reason().contains("(no reason)"));
    }
}
