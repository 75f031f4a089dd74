//! The exact IAM calls: what goes over the wire for each read and write, and what becomes of each answer.

mod common;

use common::fake_iam::{FakeIam, World, policy_arn, tags};
use common::http_server::{HttpServer, Reply};
use common::iam_endpoint::{Form, answer, form, serve};
use common::sdk::iam_at;
use custom_resource::{Kind, Result};
use orchestera_access::iam::aws::AwsIam;
use orchestera_access::iam::{Iam, PolicyUser, Tags, Write};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn trust() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
}

fn document() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]})
}

fn create_role(tags: Tags) -> Write {
    Write::CreateRole {
        role_name: "R".into(),
        trust: trust(),
        max_session_duration: 7200,
        permissions_boundary: Some("arn:aws:iam::aws:policy/ReadOnlyAccess".into()),
        tags,
    }
}

fn create_policy() -> Write {
    Write::CreatePolicy { policy_name: "P".into(), document: document(), tags: tags([("b", "2")]) }
}

/// Fields as they are written in a test.
fn fields(pairs: &[(&str, &str)]) -> Form {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .chain([("Version".into(), "2010-05-08".into())])
        .collect()
}

/// A fake with everything in it that a write may be about.
fn furnished() -> Arc<FakeIam> {
    let fake = FakeIam::default();
    fake.by_hand(|world| {
        world.write(&create_role(Tags::new())).unwrap();
        world.write(&create_policy()).unwrap();
        world.write(&Write::CreatePolicyVersion { policy_arn: policy_arn("P"), document: document() }).unwrap();
        let role = world.role_mut("R").unwrap();
        role.inline.insert("inline".into(), document());
        role.tags = tags([("k", "v")]);
    });
    Arc::new(fake)
}

#[tokio::test]
async fn each_write_is_one_call_with_exactly_these_parameters() {
    let (trust_text, document_text, arn) = (trust().to_string(), document().to_string(), policy_arn("P"));
    let role_name = || "R".to_owned();
    let fake = FakeIam::default();
    fake.by_hand(|world| {
        world.write(&Write::CreatePolicy { policy_name: "B".into(), document: document(), tags: Tags::new() }).unwrap()
    });
    let fake = Arc::new(fake);
    let server = serve(fake.clone(), 100);
    let iam = iam_at(&server.url("")).await;
    let calls = [
        (
            create_role(tags([("a", "1"), ("b", "2")])),
            fields(&[
                ("Action", "CreateRole"),
                ("RoleName", "R"),
                ("AssumeRolePolicyDocument", &trust_text),
                ("MaxSessionDuration", "7200"),
                ("PermissionsBoundary", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
                ("Description", "Assumed by the Orchestera platform to run Apache Spark on EKS in this account"),
                ("Tags.member.1.Key", "a"),
                ("Tags.member.1.Value", "1"),
                ("Tags.member.2.Key", "b"),
                ("Tags.member.2.Value", "2"),
            ]),
        ),
        (
            create_policy(),
            fields(&[
                ("Action", "CreatePolicy"),
                ("PolicyName", "P"),
                ("PolicyDocument", &document_text),
                ("Description", "What the Orchestera platform may do in this account to run Apache Spark on EKS"),
                ("Tags.member.1.Key", "b"),
                ("Tags.member.1.Value", "2"),
            ]),
        ),
        (
            Write::AttachRolePolicy { role_name: role_name(), policy_arn: arn.clone() },
            fields(&[("Action", "AttachRolePolicy"), ("RoleName", "R"), ("PolicyArn", &arn)]),
        ),
        (
            Write::UpdateAssumeRolePolicy { role_name: role_name(), trust: trust() },
            fields(&[("Action", "UpdateAssumeRolePolicy"), ("RoleName", "R"), ("PolicyDocument", &trust_text)]),
        ),
        (
            Write::UpdateRole { role_name: role_name(), max_session_duration: 3600, description: None },
            fields(&[("Action", "UpdateRole"), ("RoleName", "R"), ("MaxSessionDuration", "3600")]),
        ),
        (
            Write::PutRolePermissionsBoundary { role_name: role_name(), policy_arn: policy_arn("B") },
            fields(&[
                ("Action", "PutRolePermissionsBoundary"),
                ("RoleName", "R"),
                ("PermissionsBoundary", &policy_arn("B")),
            ]),
        ),
        (
            Write::DeleteRolePermissionsBoundary { role_name: role_name() },
            fields(&[("Action", "DeleteRolePermissionsBoundary"), ("RoleName", "R")]),
        ),
        (
            Write::TagRole { role_name: role_name(), tags: tags([("c", "3")]) },
            fields(&[
                ("Action", "TagRole"),
                ("RoleName", "R"),
                ("Tags.member.1.Key", "c"),
                ("Tags.member.1.Value", "3"),
            ]),
        ),
        (
            Write::UntagRole { role_name: role_name(), keys: vec!["a".into(), "b".into()] },
            fields(&[("Action", "UntagRole"), ("RoleName", "R"), ("TagKeys.member.1", "a"), ("TagKeys.member.2", "b")]),
        ),
        (
            Write::CreatePolicyVersion { policy_arn: arn.clone(), document: document() },
            fields(&[
                ("Action", "CreatePolicyVersion"),
                ("PolicyArn", &arn),
                ("PolicyDocument", &document_text),
                ("SetAsDefault", "true"),
            ]),
        ),
        (
            Write::SetDefaultPolicyVersion { policy_arn: arn.clone(), version_id: "v2".into() },
            fields(&[("Action", "SetDefaultPolicyVersion"), ("PolicyArn", &arn), ("VersionId", "v2")]),
        ),
        (
            Write::DeletePolicyVersion { policy_arn: arn.clone(), version_id: "v1".into() },
            fields(&[("Action", "DeletePolicyVersion"), ("PolicyArn", &arn), ("VersionId", "v1")]),
        ),
        (
            Write::TagPolicy { policy_arn: arn.clone(), tags: tags([("c", "")]) },
            fields(&[
                ("Action", "TagPolicy"),
                ("PolicyArn", &arn),
                ("Tags.member.1.Key", "c"),
                ("Tags.member.1.Value", ""),
            ]),
        ),
        (
            Write::UntagPolicy { policy_arn: arn.clone(), keys: vec!["c".into()] },
            fields(&[("Action", "UntagPolicy"), ("PolicyArn", &arn), ("TagKeys.member.1", "c")]),
        ),
        (
            Write::DetachRolePolicy { role_name: role_name(), policy_arn: arn.clone() },
            fields(&[("Action", "DetachRolePolicy"), ("RoleName", "R"), ("PolicyArn", &arn)]),
        ),
        (Write::DeletePolicy { policy_arn: arn.clone() }, fields(&[("Action", "DeletePolicy"), ("PolicyArn", &arn)])),
    ];
    for (write, expected) in &calls {
        let before = server.requests().len();
        iam.write(write).await.unwrap_or_else(|error| panic!("{write}: {error}"));
        let requests = server.requests();
        assert_eq!(requests.len(), before + 1, "{write}");
        assert_eq!(form(&requests[before]), *expected, "{write}");
    }
    let last = [
        (
            Write::PutRolePolicy { role_name: role_name(), policy_name: "inline".into(), document: document() },
            fields(&[
                ("Action", "PutRolePolicy"),
                ("RoleName", "R"),
                ("PolicyName", "inline"),
                ("PolicyDocument", &document_text),
            ]),
        ),
        (
            Write::DeleteRolePolicy { role_name: role_name(), policy_name: "inline".into() },
            fields(&[("Action", "DeleteRolePolicy"), ("RoleName", "R"), ("PolicyName", "inline")]),
        ),
        (Write::DeleteRole { role_name: role_name() }, fields(&[("Action", "DeleteRole"), ("RoleName", "R")])),
    ];
    for (write, expected) in &last {
        iam.write(write).await.unwrap();
        assert_eq!(form(server.requests().last().unwrap()), *expected, "{write}");
    }
    let left: World = fake.world();
    assert!(left.roles.is_empty() && left.policies.len() == 1, "every write arrived as it was meant");
}

#[tokio::test]
async fn a_role_without_boundary_is_asked_for_without_one() {
    let server = serve(Arc::new(FakeIam::default()), 100);
    let Write::CreateRole { role_name, trust, max_session_duration, tags, .. } = create_role(Tags::new()) else {
        unreachable!()
    };
    let write = Write::CreateRole { role_name, trust, max_session_duration, permissions_boundary: None, tags };
    iam_at(&server.url("")).await.write(&write).await.unwrap();
    assert!(!form(&server.requests()[0]).contains_key("PermissionsBoundary"));
}

#[tokio::test]
async fn requests_are_signed_for_iam() {
    let server = serve(furnished(), 100);
    iam_at(&server.url("")).await.role("R").await.unwrap();
    let requests = server.requests();
    let authorization = requests[0].header("authorization").unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIADUMMYDUMMYDUMMY0/"), "{authorization}");
    assert!(authorization.contains("/us-east-1/iam/aws4_request"), "{authorization}");
}

#[tokio::test]
async fn what_is_read_is_what_is_there() {
    let fake = furnished();
    let server = serve(fake.clone(), 100);
    let iam = iam_at(&server.url("")).await;
    assert_eq!(iam.role("R").await.unwrap(), fake.role("R").await.unwrap());
    assert_eq!(iam.policy(&policy_arn("P")).await.unwrap(), fake.policy(&policy_arn("P")).await.unwrap());
    assert_eq!(iam.policy_document(&policy_arn("P"), "v2").await.unwrap(), document());
    assert_eq!(iam.inline_policy("R", "inline").await.unwrap(), document());
    assert_eq!(iam.role("Missing").await.unwrap(), None);
    assert_eq!(iam.policy(&policy_arn("Missing")).await.unwrap(), None);
    for gone in [
        iam.inline_policies("Missing").await.map(drop),
        iam.inline_policy("R", "missing").await.map(drop),
        iam.policy_document(&policy_arn("P"), "v9").await.map(drop),
    ] {
        assert_eq!(gone.unwrap_err().kind(), Kind::Gone);
    }
}

#[tokio::test]
async fn every_list_is_read_to_its_last_page() {
    let fake = furnished();
    fake.by_hand(|world| {
        let role = world.role_mut("R").unwrap();
        role.attached = (0..5).map(|n| format!("arn:aws:iam::aws:policy/a{n}")).collect();
        role.inline = (0..5).map(|n| (format!("i{n}"), document())).collect();
        role.instance_profiles = (0..5).map(|n| format!("p{n}")).collect();
        let policy = world.policies.get_mut(&policy_arn("P")).unwrap();
        policy.versions = (1..=5).map(|n| (n, document())).collect();
        let users = [PolicyUser::User("u".into()), PolicyUser::Group("g".into()), PolicyUser::User("v".into())];
        world.principals.extend(users.map(|user| (policy_arn("P"), user)));
        world.role_mut("R").unwrap().attached.insert(policy_arn("P"));
    });
    let server = serve(fake.clone(), 2);
    let iam = iam_at(&server.url("")).await;
    let arn = policy_arn("P");
    assert_eq!(iam.attached_policies("R").await.unwrap(), fake.attached_policies("R").await.unwrap());
    assert_eq!(iam.inline_policies("R").await.unwrap(), fake.inline_policies("R").await.unwrap());
    assert_eq!(iam.instance_profiles("R").await.unwrap(), fake.instance_profiles("R").await.unwrap());
    assert_eq!(iam.policy_versions(&arn).await.unwrap(), fake.policy_versions(&arn).await.unwrap());
    let mut users = iam.policy_users(&arn).await.unwrap();
    let mut expected = fake.policy_users(&arn).await.unwrap();
    users.sort();
    expected.sort();
    assert_eq!(users, expected);
    assert_eq!(server.requests().len(), 3 + 3 + 3 + 3 + 2, "pages of two");
}

/// What becomes of an answer that is always the same.
async fn told(reply: fn() -> Reply) -> (Result<()>, usize) {
    let server = HttpServer::start(move |_| reply());
    let result = iam_at(&server.url("")).await.write(&Write::DeleteRole { role_name: "R".into() }).await;
    (result, server.requests().len())
}

fn refusal(status: u16, code: &str) -> Reply {
    let xml = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>AWS says so.</Message></Error><RequestId>req-7</RequestId></ErrorResponse>"
    );
    Reply::With(status, vec![("x-amzn-requestid", "req-7".to_owned())], xml.into_bytes())
}

#[tokio::test]
async fn each_error_code_has_its_kind_and_final_ones_are_asked_once() {
    type Case = (fn() -> Reply, Kind);
    let cases: [Case; 8] = [
        (|| refusal(404, "NoSuchEntity"), Kind::Gone),
        (|| refusal(409, "EntityAlreadyExists"), Kind::LookAgain),
        (|| refusal(409, "DeleteConflict"), Kind::LookAgain),
        (|| refusal(409, "ConcurrentModification"), Kind::LookAgain),
        (|| refusal(403, "AccessDenied"), Kind::Denied),
        (|| refusal(409, "LimitExceeded"), Kind::Refused),
        (|| refusal(400, "MalformedPolicyDocument"), Kind::Refused),
        (|| refusal(403, "InvalidClientTokenId"), Kind::Denied),
    ];
    for (reply, kind) in cases {
        let (result, requests) = told(reply).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), requests), (kind, 1), "{error}");
        let call = error.failed_call().unwrap();
        assert_eq!(
            (call.operation, call.message.as_str(), call.request_id.as_str()),
            ("DeleteRole", "AWS says so.", "req-7")
        );
    }
}

/// An IAM that misbehaves for its first calls.
async fn after(misbehave: fn() -> Reply, calls: usize) -> (Result<()>, usize) {
    let (fake, served) = (furnished(), AtomicUsize::new(0));
    let server = HttpServer::start(move |request| {
        if served.fetch_add(1, Ordering::SeqCst) < calls { misbehave() } else { answer(&fake, &form(request), 100) }
    });
    let iam: AwsIam = iam_at(&server.url("")).await;
    let result =
        iam.write(&Write::UpdateRole { role_name: "R".into(), max_session_duration: 3600, description: None }).await;
    (result, server.requests().len())
}

#[tokio::test]
async fn throttling_server_errors_and_broken_connections_are_tried_again() {
    let (throttled, unavailable, closed, reset) = tokio::join!(
        after(|| refusal(400, "Throttling"), 2),
        after(|| refusal(503, "ServiceUnavailable"), 2),
        after(|| Reply::Close, 1),
        after(|| Reply::Reset, 1),
    );
    for (result, requests) in [throttled, unavailable] {
        result.unwrap();
        assert_eq!(requests, 3);
    }
    for (result, requests) in [closed, reset] {
        result.unwrap();
        assert!(requests >= 2);
    }
}

#[tokio::test]
async fn half_of_an_answer_is_no_answer() {
    let fake = furnished();
    fake.by_hand(|world| world.role_mut("R").unwrap().tags = tags([("orchestera:stack-id", "ours")]));
    let served = AtomicUsize::new(0);
    let whole = fake.clone();
    // What is cut off would be read as a role without tags, which is somebody else's.
    let server = HttpServer::start(move |request| match answer(&whole, &form(request), 100) {
        Reply::With(_, _, body) if served.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Cut(body),
        reply => reply,
    });
    let role = iam_at(&server.url("")).await.role("R").await.unwrap().unwrap();
    assert_eq!(role.tags, tags([("orchestera:stack-id", "ours")]));
    assert_eq!(server.requests().len(), 2, "asked again");
}

#[tokio::test]
async fn an_answer_that_is_not_iams_leaves_it_unknown_whether_it_happened() {
    let (result, _) = told(|| Reply::With(418, Vec::new(), b"teapot".to_vec())).await;
    assert_eq!(result.unwrap_err().kind(), Kind::Unavailable);
    let server = HttpServer::start(|_| Reply::With(200, Vec::new(), b"<html>".to_vec()));
    assert_eq!(iam_at(&server.url("")).await.role("R").await.unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
async fn throttling_without_end_is_unavailable_after_six_attempts() {
    let (result, requests) = told(|| refusal(400, "Throttling")).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), requests), (Kind::Unavailable, 6));
    assert_eq!(error.failed_call().unwrap().code, "Throttling");
}
