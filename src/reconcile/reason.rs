//! Sentences for the customer about failed calls: what failed, on which name, in which account, and what to do.
//!
//! They are written here and not in the adapter, because the adapter does not know what the call was for.

use crate::account::Account;
use crate::iam::Write;
use crate::physical_id::PhysicalId;
use custom_resource::call::has_unknown_credentials;
use custom_resource::error::{Error, FailedCall, Kind};

/// The longest quotation of AWS's own words in a sentence, in characters.
const LONGEST_QUOTE: usize = 600;

/// The sentence for a failed read.
pub fn of_read(error: &Error, account: &Account, id: &PhysicalId) -> String {
    let Some(call) = error.failed_call() else { return error.reason() };
    let what = format!("Reading {} and {} in account {} failed", id.role_name, id.policy_name, account.id);
    match error.kind() {
        _ if let Some(unresolved) = error.unresolved() => format!("{what}: {unresolved}"),
        Kind::Denied if has_unknown_credentials(error) => unknown_credentials(call, &what),
        Kind::Denied => denied(call, &what),
        Kind::Unavailable => {
            format!("{what}: IAM gave no usable answer to {}{}. Retry the stack operation.", call.operation, code(call))
        }
        _ => format!(
            "{what}: {}{} said: {}. Correct that, then retry the stack operation.",
            call.operation,
            code(call),
            quoted(call)
        ),
    }
}

/// The sentence for a failed write.
pub fn of_write(error: &Error, account: &Account, write: &Write) -> String {
    let Some(call) = error.failed_call() else { return error.reason() };
    let what = format!("{} on {} in account {} failed", write.operation(), write.object(), account.id);
    match (error.kind(), write) {
        // An attempt before the last may have arrived.
        _ if let Some(unresolved) = error.unresolved() => format!("{what}: {unresolved}"),
        (Kind::Denied, _) if has_unknown_credentials(error) => unknown_credentials(call, &what),
        (Kind::Denied, _) => denied(call, &what),
        (Kind::Unavailable, _) => format!(
            "{what}: IAM gave no usable answer{}, so it is not known whether it took effect. Retry the stack \
             operation, which continues from the existing state.",
            code(call)
        ),
        (Kind::Gone, Write::CreateRole { permissions_boundary: Some(arn), .. })
        | (Kind::Gone, Write::PutRolePermissionsBoundary { policy_arn: arn, .. }) => format!(
            "{what}: the permissions boundary {arn} does not exist or cannot be attached. Check PermissionsBoundaryArn: it \
             must be a managed policy of this account or of AWS."
        ),
        (Kind::Gone, _) => format!(
            "{what}: IAM says that it does not exist, although it existed a moment ago. Somebody else may be changing \
             it. Retry the stack operation."
        ),
        (Kind::LookAgain, Write::CreateRole { .. } | Write::CreatePolicy { .. })
            if call.code == "EntityAlreadyExists" =>
        {
            format!(
                "{what}: IAM says that the name already exists, but finds nothing with exactly this name. Look for \
                 one that has a path, or a name that differs only in upper and lower case, and delete it."
            )
        }
        (Kind::LookAgain, _) => format!(
            "{what}: somebody else is changing it at the same time ({}: {}). Retry the stack operation when that is done.",
            call.code,
            quoted(call)
        ),
        _ if call.code == "LimitExceeded" => format!(
            "{what}: a quota of the account is used up ({}). Remove what is not needed, or ask AWS for a higher quota, \
             then retry.",
            quoted(call)
        ),
        _ => format!("{what}{}: {}. Correct that, then retry the stack operation.", code(call), quoted(call)),
    }
}

fn unknown_credentials(call: &FailedCall, what: &str) -> String {
    format!(
        "{what}: IAM does not know the credentials of the function's role or session ({}: {}). It knows new ones within \
         seconds. Retry the stack operation.",
        call.code,
        quoted(call)
    )
}

fn denied(call: &FailedCall, what: &str) -> String {
    format!(
        "{what}: the function's role is not allowed to call iam:{} ({}). Check that the role's policy still allows \
         that action, and that no permissions boundary or service control policy denies it, then retry.",
        call.operation,
        quoted(call)
    )
}

fn code(call: &FailedCall) -> String {
    if call.code.is_empty() { String::new() } else { format!(" ({})", call.code) }
}

/// AWS's own words, without a full stop at the end.
fn quoted(call: &FailedCall) -> String {
    let words: String = call.message.chars().take(LONGEST_QUOTE).collect();
    words.trim().trim_end_matches('.').to_owned()
}
