//! The fake IAM behind IAM's own wire protocol: form-encoded requests in, XML out, lists in pages.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html>

use super::fake_iam::FakeIam;
use super::http_server::{HttpServer, Reply, Request};
use custom_resource::{Error, Result};
use futures_util::FutureExt;
use orchestera_access::iam::{Iam, PolicyUser, Tags, Write};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The parameters of a request: `Action`, `RoleName`, `Tags.member.1.Key`, …
pub type Form = BTreeMap<String, String>;

/// Decodes a form-encoded body.
pub fn form(request: &Request) -> Form {
    decoded(request.text())
}

/// The same of the text alone.
pub fn decoded(body: &str) -> Form {
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

/// Serves `fake`, with lists in pages of `page` members.
pub fn serve(fake: Arc<FakeIam>, page: usize) -> HttpServer {
    HttpServer::start(move |request| answer(&fake, &form(request), page))
}

/// Answers one call.
pub fn answer(fake: &FakeIam, form: &Form, page: usize) -> Reply {
    let action = form["Action"].clone();
    // The fake never waits for anything.
    let result = carry_out(fake, &action, form, page).now_or_never().expect("the fake answers at once");
    let xml = match result {
        Ok(result) => format!(
            "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <{action}Result>{result}</{action}Result>\
             <ResponseMetadata><RequestId>fake-request</RequestId></ResponseMetadata></{action}Response>"
        ),
        Err(error) => {
            let call = error.failed_call().expect("a refusal of the fake");
            return refusal(&call.code, &call.message);
        }
    };
    Reply::With(200, vec![("content-type", "text/xml".to_owned())], xml.into_bytes())
}

/// How IAM says no.
pub fn refusal(code: &str, message: &str) -> Reply {
    let status = match code {
        "NoSuchEntity" => 404,
        "EntityAlreadyExists" | "DeleteConflict" | "LimitExceeded" | "ConcurrentModification" => 409,
        "AccessDenied" | "InvalidClientTokenId" | "SignatureDoesNotMatch" => 403,
        "ServiceFailure" => 500,
        "ServiceUnavailable" => 503,
        _ => 400,
    };
    let xml = format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{}</Message></Error><RequestId>fake-request</RequestId></ErrorResponse>",
        escaped(message)
    );
    Reply::With(status, vec![("content-type", "text/xml".to_owned())], xml.into_bytes())
}

async fn carry_out(fake: &FakeIam, action: &str, form: &Form, page: usize) -> Result<String> {
    let name = || form.get("RoleName").cloned().unwrap_or_default();
    let arn = || form.get("PolicyArn").cloned().unwrap_or_default();
    match action {
        // STS at the same address, as in an emulator.
        "AssumeRole" => {
            let arn = form.get("RoleArn").cloned().unwrap_or_default();
            assert!(form.contains_key("Policy"), "{arn} is assumed with a session policy");
            let expiration = "2099-01-01T00:00:00Z";
            let credentials = [
                element("AccessKeyId", "ASIADUMMYDUMMYDUMMY0"),
                element("SecretAccessKey", "dummy-secret"),
                element("SessionToken", "dummy-token"),
                element("Expiration", expiration),
            ];
            Ok(element("Credentials", &credentials.concat()))
        }
        "GetRole" => {
            let role = fake.role(&name()).await?.ok_or_else(|| no_such("role"))?;
            let boundary = role.permissions_boundary.map_or(String::new(), |arn| {
                let boundary = element("PermissionsBoundaryArn", &arn) + &element("PermissionsBoundaryType", "Policy");
                format!("<PermissionsBoundary>{boundary}</PermissionsBoundary>")
            });
            let fields = [
                element("Path", "/"),
                element("RoleName", &name()),
                element("RoleId", "AROAFAKEFAKEFAKEFAKE1"),
                element("Arn", &role.arn),
                element("CreateDate", "2026-01-01T00:00:00Z"),
                element("AssumeRolePolicyDocument", &encoded(&role.trust)),
                element("Description", &role.description),
                element("MaxSessionDuration", &role.max_session_duration.to_string()),
                boundary,
                tag_list(&role.tags),
            ];
            Ok(format!("<Role>{}</Role>", fields.concat()))
        }
        "GetPolicy" => {
            let policy = fake.policy(&arn()).await?.ok_or_else(|| no_such("policy"))?;
            let version = element("DefaultVersionId", &policy.default_version_id);
            let description = element("Description", &policy.description);
            Ok(format!(
                "<Policy>{}{version}{description}{}</Policy>",
                element("Arn", &policy.arn),
                tag_list(&policy.tags)
            ))
        }
        "GetPolicyVersion" => {
            let document = fake.policy_document(&arn(), &form["VersionId"]).await?;
            Ok(format!("<PolicyVersion>{}</PolicyVersion>", element("Document", &encoded(&document))))
        }
        "ListAttachedRolePolicies" => {
            let policies = fake.attached_policies(&name()).await?;
            let members = policies.iter().map(|policy| {
                let policy_name = policy.arn.rsplit('/').next().unwrap_or_default();
                member(&(element("PolicyArn", &policy.arn) + &element("PolicyName", policy_name)))
            });
            Ok(paged("AttachedPolicies", members.collect(), form, page))
        }
        "ListRolePolicies" => {
            let names = fake.inline_policies(&name()).await?;
            Ok(paged("PolicyNames", names.iter().map(|name| member(&escaped(name))).collect(), form, page))
        }
        "GetRolePolicy" => {
            let document = fake.inline_policy(&name(), &form["PolicyName"]).await?;
            let names = element("RoleName", &name()) + &element("PolicyName", &form["PolicyName"]);
            Ok(names + &element("PolicyDocument", &encoded(&document)))
        }
        "ListInstanceProfilesForRole" => {
            let names = fake.instance_profiles(&name()).await?;
            let members = names.iter().map(|name| {
                let fields = [
                    element("Path", "/"),
                    element("InstanceProfileName", name),
                    element("InstanceProfileId", "AIPAFAKEFAKEFAKEFAKE1"),
                    element("Arn", "arn:aws:iam::111122223333:instance-profile/x"),
                    element("CreateDate", "2026-01-01T00:00:00Z"),
                    "<Roles></Roles>".to_owned(),
                ];
                member(&fields.concat())
            });
            Ok(paged("InstanceProfiles", members.collect(), form, page))
        }
        "ListPolicyVersions" => {
            let versions = fake.policy_versions(&arn()).await?;
            let members = versions.iter().map(|version| {
                member(
                    &(element("VersionId", &version.id)
                        + &element("IsDefaultVersion", &version.is_default.to_string())),
                )
            });
            Ok(paged("Versions", members.collect(), form, page))
        }
        "ListEntitiesForPolicy" => {
            let users = fake.policy_users(&arn()).await?;
            let (first, end, more) = page_of(users.len(), form, page);
            let list = |of: &str, key: &str, pick: fn(&PolicyUser) -> Option<&String>| {
                let members = users[first..end].iter().filter_map(pick).map(|name| member(&element(key, name)));
                format!("<{of}>{}</{of}>", members.collect::<String>())
            };
            let roles = list("PolicyRoles", "RoleName", |u| if let PolicyUser::Role(n) = u { Some(n) } else { None });
            let people = list("PolicyUsers", "UserName", |u| if let PolicyUser::User(n) = u { Some(n) } else { None });
            let groups =
                list("PolicyGroups", "GroupName", |u| if let PolicyUser::Group(n) = u { Some(n) } else { None });
            Ok(format!("{roles}{people}{groups}{more}"))
        }
        _ => {
            let write = write(action, form);
            fake.write(&write).await?;
            // The SDK insists on the parts that IAM always sends.
            Ok(match write {
                Write::CreateRole { role_name, .. } => {
                    let fields = [
                        element("Path", "/"),
                        element("RoleName", &role_name),
                        element("RoleId", "AROAFAKEFAKEFAKEFAKE1"),
                        element("Arn", &format!("arn:aws:iam::111122223333:role/{role_name}")),
                        element("CreateDate", "2026-01-01T00:00:00Z"),
                    ];
                    format!("<Role>{}</Role>", fields.concat())
                }
                _ => String::new(),
            })
        }
    }
}

/// The write that a request asks for.
fn write(action: &str, form: &Form) -> Write {
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let document = |name: &str| serde_json::from_str(&text(name)).unwrap_or(Value::Null);
    let (role_name, policy_name, policy_arn) = (text("RoleName"), text("PolicyName"), text("PolicyArn"));
    let max_session_duration = text("MaxSessionDuration").parse().unwrap_or(3600);
    let permissions_boundary = form.get("PermissionsBoundary").cloned();
    match action {
        "CreateRole" => Write::CreateRole {
            role_name,
            trust: document("AssumeRolePolicyDocument"),
            max_session_duration,
            permissions_boundary,
            tags: tags(form),
        },
        "UpdateAssumeRolePolicy" => Write::UpdateAssumeRolePolicy { role_name, trust: document("PolicyDocument") },
        "UpdateRole" => {
            Write::UpdateRole { role_name, max_session_duration, description: form.get("Description").cloned() }
        }
        "PutRolePermissionsBoundary" => {
            Write::PutRolePermissionsBoundary { role_name, policy_arn: permissions_boundary.unwrap_or_default() }
        }
        "DeleteRolePermissionsBoundary" => Write::DeleteRolePermissionsBoundary { role_name },
        "TagRole" => Write::TagRole { role_name, tags: tags(form) },
        "UntagRole" => Write::UntagRole { role_name, keys: members(form, "TagKeys") },
        "AttachRolePolicy" => Write::AttachRolePolicy { role_name, policy_arn },
        "DetachRolePolicy" => Write::DetachRolePolicy { role_name, policy_arn },
        "PutRolePolicy" => Write::PutRolePolicy { role_name, policy_name, document: document("PolicyDocument") },
        "DeleteRolePolicy" => Write::DeleteRolePolicy { role_name, policy_name },
        "DeleteRole" => Write::DeleteRole { role_name },
        "CreatePolicy" => Write::CreatePolicy { policy_name, document: document("PolicyDocument"), tags: tags(form) },
        "CreatePolicyVersion" => {
            assert_eq!(text("SetAsDefault"), "true", "the seam knows no other");
            Write::CreatePolicyVersion { policy_arn, document: document("PolicyDocument") }
        }
        "SetDefaultPolicyVersion" => Write::SetDefaultPolicyVersion { policy_arn, version_id: text("VersionId") },
        "DeletePolicyVersion" => Write::DeletePolicyVersion { policy_arn, version_id: text("VersionId") },
        "TagPolicy" => Write::TagPolicy { policy_arn, tags: tags(form) },
        "UntagPolicy" => Write::UntagPolicy { policy_arn, keys: members(form, "TagKeys") },
        "DeletePolicy" => Write::DeletePolicy { policy_arn },
        other => panic!("the function called {other}, which it must not need"),
    }
}

fn members(form: &Form, list: &str) -> Vec<String> {
    (1..).map_while(|n| form.get(&format!("{list}.member.{n}")).cloned()).collect()
}

fn tags(form: &Form) -> Tags {
    let part = |n: usize, part: &str| form.get(&format!("Tags.member.{n}.{part}")).cloned();
    (1..).map_while(|n| Some((part(n, "Key")?, part(n, "Value")?))).collect()
}

fn no_such(what: &'static str) -> Error {
    super::fake_iam::error("Get", ("NoSuchEntity", format!("The {what} cannot be found.")))
}

fn paged(list: &str, members: Vec<String>, form: &Form, page: usize) -> String {
    let (first, end, more) = page_of(members.len(), form, page);
    format!("<{list}>{}</{list}>{more}", members[first..end].concat())
}

/// Which members the page holds, and what says whether there are more.
fn page_of(all: usize, form: &Form, page: usize) -> (usize, usize, String) {
    let first = form.get("Marker").and_then(|marker| marker.parse().ok()).unwrap_or(0);
    let end = (first + page).min(all);
    let marker = if end < all { element("Marker", &end.to_string()) } else { String::new() };
    (first, end, element("IsTruncated", &(end < all).to_string()) + &marker)
}

fn member(content: &str) -> String {
    format!("<member>{content}</member>")
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

fn tag_list(tags: &Tags) -> String {
    let tags = tags.iter().map(|(key, value)| member(&(element("Key", key) + &element("Value", value))));
    format!("<Tags>{}</Tags>", tags.collect::<String>())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn encoded(document: &Value) -> String {
    utf8_percent_encode(&document.to_string(), NON_ALPHANUMERIC).to_string()
}
