//! STS: who calls, and a session in another account.

use crate::account::{self, Account, ENTRANCE};
use crate::answer::Refused;
use crate::request::Call;
use crate::xml::{element, elements};
use hyper::StatusCode;

pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// `accounts` is how many accounts there are.
///
/// # Errors
/// What STS would refuse.
pub fn answer(call: &Call, accounts: u32) -> Result<String, Refused> {
    match &*call.operation {
        "GetCallerIdentity" => Ok(caller_identity(&Account::new(call.account))),
        "AssumeRole" => assume_role(call, accounts),
        other => Err(Refused::not_served(other)),
    }
}

fn caller_identity(account: &Account) -> String {
    let mut xml = String::new();
    let arn = account.iam_arn("user", "platform-engineer");
    elements(&mut xml, &[("Arn", &arn), ("UserId", "AIDADUMMYDUMMYDUMMY00"), ("Account", &account.id)]);
    xml
}

fn assume_role(call: &Call, accounts: u32) -> Result<String, Refused> {
    let arn = call.parameter("RoleArn").unwrap_or_default();
    let session = call.parameter("RoleSessionName").unwrap_or_default();
    let denied = || {
        let caller = Account::new(call.account).iam_arn("user", "platform-engineer");
        let message = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}");
        Refused::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    };
    let number = arn.split(':').nth(4).and_then(account::number).filter(|number| *number < accounts);
    let member = Account::new(number.ok_or_else(denied)?);
    if !member.state.lets_in() || *arn != member.iam_arn("role", ENTRANCE) || call.account != 0 {
        return Err(denied());
    }
    let mut xml = String::from("<Credentials>");
    elements(
        &mut xml,
        &[
            ("AccessKeyId", &account::access_key("ASIA", &member.id)),
            ("SecretAccessKey", "dummy-secret"),
            ("SessionToken", "dummy-session-token"),
            ("Expiration", "2099-01-01T00:00:00Z"),
        ],
    );
    xml.push_str("</Credentials><AssumedRoleUser>");
    element(&mut xml, "AssumedRoleId", &format!("AROADUMMYDUMMYDUMMY00:{session}"));
    element(&mut xml, "Arn", &format!("arn:aws:sts::{}:assumed-role/{ENTRANCE}/{session}", member.id));
    xml.push_str("</AssumedRoleUser>");
    Ok(xml)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn assume(number: u32, role: &str) -> Result<String, Refused> {
        let arn = Account::new(number).iam_arn("role", role);
        let body = format!("Action=AssumeRole&RoleSessionName=s&RoleArn={arn}");
        let call = Call { service: "sts", operation: Cow::Borrowed("AssumeRole"), account: 0, body: body.as_bytes() };
        answer(&call, 10)
    }

    #[test]
    fn a_session_is_of_the_account_whose_role_was_assumed() {
        assert!(assume(1, ENTRANCE).unwrap().contains("<AccessKeyId>ASIADUMM200000000001</AccessKeyId>"));
    }

    #[test]
    fn only_the_role_of_the_organization_can_be_assumed_and_not_where_it_is_denied() {
        for (number, role) in [(0, ENTRANCE), (1, "Admin"), (6, ENTRANCE), (10, ENTRANCE)] {
            let refused = assume(number, role).unwrap_err();
            assert_eq!((refused.code, refused.status.as_u16()), ("AccessDenied", 403), "{number} {role}");
        }
    }
}
