//! The account that a function is in, read from its ARN.

use crate::error::{Error, Result};

/// 12 digits. A loop, because the platform's account is checked by the compiler and the function is `const`.
pub const fn is_account_id(text: &str) -> bool {
    let mut digits = 0;
    while digits < text.len() && text.as_bytes()[digits].is_ascii_digit() {
        digits += 1;
    }
    digits == text.len() && digits == 12
}

/// Partition and account id of the function, read from the ARN under which Lambda invoked it. A function and its role are
/// always in one account, so that no call to STS is needed. An emulator may not give such an ARN (cargo-lambda gives
/// `function-arn`). Then they are read from the event's `ServiceToken`, which is the function's ARN too.
///
/// # Errors
/// [`Refused`](crate::Kind::Refused) when neither is a function's ARN.
pub fn partition_and_account(invoked_arn: &str, service_token: Option<&str>) -> Result<(String, String)> {
    let arns = [Some(invoked_arn), service_token];
    arns.into_iter().flatten().find_map(parts).ok_or_else(|| {
        Error::refused(format!(
            "The function cannot find out its account: it was invoked as '{invoked_arn}', which is not the ARN of a \
             Lambda function, and neither is the ServiceToken. Set the ServiceToken to the function's own ARN."
        ))
    })
}

fn parts(arn: &str) -> Option<(String, String)> {
    match arn.split(':').collect::<Vec<_>>()[..] {
        ["arn", partition, "lambda", _, id, "function", _, ..] if is_account_id(id) && !partition.is_empty() => {
            Some((partition.to_owned(), id.to_owned()))
        }
        _ => None,
    }
}
