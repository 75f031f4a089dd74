//! IAM: the reads of one role and one policy.

use crate::account::{Account, POLICY_NAME, ROLE_NAME, State};
use crate::answer::Refused;
use crate::policies::{self, POLICY_DESCRIPTION, ROLE_DESCRIPTION, SUSPENSION};
use crate::request::Call;
use crate::xml::{element, elements, list};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

pub const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const CREATED: &str = "2026-01-01T00:00:00Z";
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Documents that are the same in many accounts, encoded once.
#[derive(Debug)]
pub struct Documents {
    edition_2025: String,
    edition_2026: String,
    suspension: String,
}

impl Documents {
    pub fn encoded() -> Self {
        Self {
            edition_2025: encoded(&policies::edition(State::Ready)),
            edition_2026: encoded(&policies::edition(State::NewEdition)),
            suspension: encoded(&policies::suspension()),
        }
    }
}

/// IAM returns documents URL-encoded, after RFC 3986.
fn encoded(document: &Value) -> String {
    utf8_percent_encode(&document.to_string(), UNRESERVED).to_string()
}

/// # Errors
/// What IAM would refuse.
pub fn answer(call: &Call, documents: &Documents) -> Result<String, Refused> {
    let account = Account::new(call.account);
    let mut xml = String::with_capacity(4096);
    match &*call.operation {
        "ListAccountAliases" => {
            let alias = (call.account == 0).then_some("example-management");
            list(&mut xml, "AccountAliases", alias, |xml, alias| xml.push_str(alias));
            all(&mut xml);
        }
        "GetRole" => role(&mut xml, asked_role(call, &account)?),
        "ListAttachedRolePolicies" => {
            let arns = attached(asked_role(call, &account)?);
            list(&mut xml, "AttachedPolicies", arns, |xml, arn| {
                let name = arn.rsplit('/').next().unwrap_or_default();
                elements(xml, &[("PolicyName", name), ("PolicyArn", &arn)]);
            });
            all(&mut xml);
        }
        "ListRolePolicies" => {
            let name = has_suspension(asked_role(call, &account)?).then_some(SUSPENSION);
            list(&mut xml, "PolicyNames", name, |xml, name| xml.push_str(name));
            all(&mut xml);
        }
        "GetRolePolicy" => {
            let name = call.parameter("PolicyName").unwrap_or_default();
            if !has_suspension(asked_role(call, &account)?) || name != SUSPENSION {
                return Err(Refused::no_such_entity(format!("The role policy with name {name} cannot be found.")));
            }
            let document = &documents.suspension;
            elements(&mut xml, &[("RoleName", ROLE_NAME), ("PolicyName", SUSPENSION), ("PolicyDocument", document)]);
        }
        "GetPolicy" => policy(&mut xml, asked_policy(call, &account)?),
        "ListPolicyVersions" => {
            asked_policy(call, &account)?;
            list(&mut xml, "Versions", [()], |xml, ()| version(xml, None));
            all(&mut xml);
        }
        "GetPolicyVersion" => {
            let state = asked_policy(call, &account)?.state;
            if call.parameter("VersionId").as_deref() != Some("v1") {
                return Err(Refused::no_such_entity("Policy version does not exist."));
            }
            let is_new = state == State::NewEdition;
            xml.push_str("<PolicyVersion>");
            version(&mut xml, Some(if is_new { &documents.edition_2026 } else { &documents.edition_2025 }));
            xml.push_str("</PolicyVersion>");
        }
        other => return Err(Refused::not_served(other)),
    }
    Ok(xml)
}

fn all(xml: &mut String) {
    element(xml, "IsTruncated", "false");
}

fn asked_role<'a>(call: &Call, account: &'a Account) -> Result<&'a Account, Refused> {
    let name = call.parameter("RoleName").unwrap_or_default();
    let is_there = account.state.has_role() && name == ROLE_NAME;
    let message = || format!("The role with name {name} cannot be found.");
    is_there.then_some(account).ok_or_else(|| Refused::no_such_entity(message()))
}

fn asked_policy<'a>(call: &Call, account: &'a Account) -> Result<&'a Account, Refused> {
    let arn = call.parameter("PolicyArn").unwrap_or_default();
    let is_there = account.state.has_stack() && arn == account.policy_arn();
    let message = || format!("Policy {arn} was not found.");
    is_there.then_some(account).ok_or_else(|| Refused::no_such_entity(message()))
}

fn has_suspension(account: &Account) -> bool {
    account.state == State::Suspended
}

fn attached(account: &Account) -> Vec<String> {
    let administrator = || "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
    match account.state {
        State::Suspended => Vec::new(),
        State::Foreign => vec![administrator()],
        State::PolicyAttached => vec![account.policy_arn(), administrator()],
        _ => vec![account.policy_arn()],
    }
}

fn role(xml: &mut String, account: &Account) {
    let description = if account.state == State::Foreign { "Somebody's own" } else { ROLE_DESCRIPTION };
    xml.push_str("<Role>");
    elements(
        xml,
        &[
            ("Path", "/"),
            ("RoleName", ROLE_NAME),
            ("RoleId", "AROADUMMYDUMMYDUMMY00"),
            ("Arn", &account.role_arn()),
            ("CreateDate", CREATED),
            ("AssumeRolePolicyDocument", &encoded(&policies::trust(account))),
            ("Description", description),
            ("MaxSessionDuration", if account.state == State::SessionEdited { "43200" } else { "3600" }),
        ],
    );
    if account.state == State::Guarded {
        let arn = account.guardrail_arn();
        xml.push_str("<PermissionsBoundary>");
        elements(xml, &[("PermissionsBoundaryType", "Policy"), ("PermissionsBoundaryArn", &arn)]);
        xml.push_str("</PermissionsBoundary>");
    }
    tags(xml, account);
    xml.push_str("</Role>");
}

fn policy(xml: &mut String, account: &Account) {
    xml.push_str("<Policy>");
    elements(
        xml,
        &[
            ("PolicyName", POLICY_NAME),
            ("PolicyId", "ANPADUMMYDUMMYDUMMY00"),
            ("Arn", &account.policy_arn()),
            ("Path", "/"),
            ("DefaultVersionId", "v1"),
            ("AttachmentCount", if has_suspension(account) { "0" } else { "1" }),
            ("PermissionsBoundaryUsageCount", "0"),
            ("IsAttachable", "true"),
            ("Description", POLICY_DESCRIPTION),
            ("CreateDate", CREATED),
            ("UpdateDate", CREATED),
        ],
    );
    tags(xml, account);
    xml.push_str("</Policy>");
}

fn version(xml: &mut String, document: Option<&str>) {
    if let Some(document) = document {
        element(xml, "Document", document);
    }
    elements(xml, &[("VersionId", "v1"), ("IsDefaultVersion", "true"), ("CreateDate", CREATED)]);
}

fn tags(xml: &mut String, account: &Account) {
    list(xml, "Tags", policies::tags(account), |xml, (key, value)| elements(xml, &[("Key", key), ("Value", &value)]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn asked(number: u32, operation: &str, parameters: &str) -> Result<String, Refused> {
        let body = format!("Action={operation}&{parameters}");
        let call = Call { service: "iam", operation: Cow::Borrowed(operation), account: number, body: body.as_bytes() };
        answer(&call, &Documents::encoded())
    }

    const ROLE: &str = "RoleName=OrchesteraAccessRole";

    #[test]
    fn documents_are_url_encoded() {
        let xml = asked(1, "GetRole", ROLE).unwrap();
        assert!(xml.contains("<AssumeRolePolicyDocument>%7B%22Statement%22%3A%5B%7B"), "{xml}");
    }

    #[test]
    fn a_suspended_role_has_its_deny_and_no_policy() {
        assert!(asked(4, "ListRolePolicies", ROLE).unwrap().contains(SUSPENSION));
        assert!(!asked(4, "ListAttachedRolePolicies", ROLE).unwrap().contains(POLICY_NAME));
        assert!(asked(4, "GetRolePolicy", &format!("{ROLE}&PolicyName={SUSPENSION}")).is_ok());
        assert!(asked(1, "GetRolePolicy", &format!("{ROLE}&PolicyName={SUSPENSION}")).is_err());
    }

    #[test]
    fn what_is_not_there_cannot_be_found_and_neither_can_what_is_another_accounts() {
        let policy = |number: u32| format!("PolicyArn={}", Account::new(number).policy_arn());
        for (number, operation, parameters) in [
            (2, "GetRole", ROLE.to_owned()),
            (1, "GetRole", "RoleName=Other".to_owned()),
            (3, "GetPolicy", policy(3)),
            (1, "GetPolicy", policy(7)),
            (1, "GetPolicyVersion", format!("{}&VersionId=v2", policy(1))),
        ] {
            let refused = asked(number, operation, &parameters).unwrap_err();
            assert_eq!((refused.code, refused.status.as_u16()), ("NoSuchEntity", 404), "{operation} {parameters}");
        }
        assert!(asked(3, "GetRole", ROLE).is_ok() && asked(1, "GetPolicy", &policy(1)).is_ok());
    }

    #[test]
    fn an_operation_that_is_not_served_is_named() {
        assert!(asked(1, "DeleteRole", ROLE).unwrap_err().message.contains("DeleteRole"));
    }
}
