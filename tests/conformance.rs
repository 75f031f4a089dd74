//! The fake IAM against an emulator that we did not write, so that it does not drift towards what our code hopes for.
//!
//! One script of calls goes through the real adapter to both: the fake behind its endpoint, and moto. What each call says
//! (the value read, or the code refused) must be the same. Where moto is known to be laxer than AWS, both answers are
//! written down, so that the test also says when moto catches up.

mod common;

use common::fake_iam::{self, FakeIam};
use common::iam_endpoint::serve;
use common::moto::{self, Moto};
use common::sdk::iam_at;
use custom_resource::Result;
use orchestera_access::iam::aws::AwsIam;
use orchestera_access::iam::{Iam, RoleDescription, Tags, Write};
use orchestera_access::trust;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::Arc;

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// One call of the script.
enum Call {
    Write(Write),
    /// Without the description, which moto forgets when `UpdateRole` does not repeat it.
    Role(&'static str),
    Description(&'static str),
    Attached(&'static str),
    Inline(&'static str),
    InlineDocument(&'static str, &'static str),
    Profiles(&'static str),
    Policy(&'static str),
    Versions(&'static str),
    Document(&'static str, &'static str),
    Users(&'static str),
}

fn our_trust() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::017059471480:root"},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "a+b%20c&d=é"}}}]})
}

fn document(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
}

/// Names stand for ARNs; the two accounts differ.
fn arn(name: &str, account: &str) -> String {
    if name.starts_with("arn:") { name.to_owned() } else { format!("arn:aws:iam::{account}:policy/{name}") }
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn create_role(name: &str) -> Write {
    Write::CreateRole {
        role_name: name.into(),
        trust: our_trust(),
        max_session_duration: 3600,
        permissions_boundary: None,
        tags: tags(&[("orchestera:stack-id", "arn:aws:cloudformation:us-east-1:1:stack/s/1"), ("é", "ü n")]),
    }
}

fn create_policy(name: &str) -> Write {
    Write::CreatePolicy { policy_name: name.into(), document: document("ec2:*"), tags: tags(&[("a", "1")]) }
}

fn put_inline(role_name: &str, policy_name: &str) -> Call {
    let (role_name, policy_name) = (role_name.to_owned(), policy_name.to_owned());
    Call::Write(Write::PutRolePolicy { role_name, policy_name, document: document("s3:*") })
}

async fn play(iam: &AwsIam, call: &Call, account: &str) -> String {
    // ARNs of the script carry no account; those in the answers lose theirs.
    let arn = |name: &&'static str| arn(name, account);
    let said = match call {
        Call::Write(write) => show(iam.write(&in_account(write, account)).await),
        Call::Role(name) => show(
            iam.role(name).await.map(|role| role.map(|role| RoleDescription { description: String::new(), ..role })),
        ),
        Call::Description(name) => show(iam.role(name).await.map(|role| role.map(|role| role.description))),
        Call::Attached(name) => show(sorted(iam.attached_policies(name).await)),
        Call::Inline(name) => show(sorted(iam.inline_policies(name).await)),
        Call::InlineDocument(name, policy_name) => show(iam.inline_policy(name, policy_name).await),
        Call::Profiles(name) => show(iam.instance_profiles(name).await),
        Call::Policy(name) => show(iam.policy(&arn(name)).await),
        Call::Versions(name) => show(iam.policy_versions(&arn(name)).await.map(|mut versions| {
            versions.sort_by_key(|version| version.number());
            versions
        })),
        Call::Document(name, version) => show(iam.policy_document(&arn(name), version).await),
        Call::Users(name) => show(sorted(iam.policy_users(&arn(name)).await)),
    };
    said.replace(account, "ACCOUNT")
}

fn sorted<T: Ord>(list: Result<Vec<T>>) -> Result<Vec<T>> {
    list.map(|mut list| {
        list.sort();
        list
    })
}

fn show<T: Debug>(result: Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.failed_call().map_or_else(|| error.to_string(), |call| call.code.clone()),
    }
}

fn in_account(write: &Write, account: &str) -> Write {
    let mut write = write.clone();
    match &mut write {
        Write::PutRolePermissionsBoundary { policy_arn, .. }
        | Write::AttachRolePolicy { policy_arn, .. }
        | Write::DetachRolePolicy { policy_arn, .. }
        | Write::CreatePolicyVersion { policy_arn, .. }
        | Write::SetDefaultPolicyVersion { policy_arn, .. }
        | Write::DeletePolicyVersion { policy_arn, .. }
        | Write::TagPolicy { policy_arn, .. }
        | Write::UntagPolicy { policy_arn, .. }
        | Write::DeletePolicy { policy_arn } => *policy_arn = arn(policy_arn, account),
        Write::CreateRole { permissions_boundary: Some(policy_arn), .. } => *policy_arn = arn(policy_arn, account),
        _ => {}
    }
    write
}

fn update(role_name: &str, max_session_duration: i32) -> Call {
    Call::Write(Write::UpdateRole { role_name: role_name.into(), max_session_duration, description: None })
}

fn attach(role_name: &str, policy: &str) -> Write {
    Write::AttachRolePolicy { role_name: role_name.into(), policy_arn: policy.into() }
}

fn detach(role_name: &str, policy: &str) -> Call {
    Call::Write(Write::DetachRolePolicy { role_name: role_name.into(), policy_arn: policy.into() })
}

fn bound(role_name: &str, policy: &str) -> Call {
    Call::Write(Write::PutRolePermissionsBoundary { role_name: role_name.into(), policy_arn: policy.into() })
}

fn version(policy: &str, action: &str) -> Call {
    Call::Write(Write::CreatePolicyVersion { policy_arn: policy.into(), document: document(action) })
}

fn drop_version(policy: &str, id: &str) -> Call {
    Call::Write(Write::DeletePolicyVersion { policy_arn: policy.into(), version_id: id.into() })
}

fn in_force(policy: &str, id: &str) -> Call {
    Call::Write(Write::SetDefaultPolicyVersion { policy_arn: policy.into(), version_id: id.into() })
}

fn with_trust(trust: Value) -> Call {
    Call::Write(Write::UpdateAssumeRolePolicy { role_name: "R".into(), trust })
}

fn trusting(principal: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})
}

fn policy_of(name: &str, document: Value) -> Call {
    Call::Write(Write::CreatePolicy { policy_name: name.into(), document, tags: Tags::new() })
}

fn tag_role(pairs: &[(&str, &str)]) -> Call {
    Call::Write(Write::TagRole { role_name: "R".into(), tags: tags(pairs) })
}

/// Tags `k<n>`, so many that limits are met.
fn numbered_tags(numbers: std::ops::Range<u32>) -> Write {
    let tags = numbers.map(|n| (format!("k{n}"), String::new())).collect();
    Write::TagRole { role_name: "R".into(), tags }
}

fn delete_role(role_name: &str) -> Call {
    Call::Write(Write::DeleteRole { role_name: role_name.into() })
}

fn delete_policy(policy: &str) -> Call {
    Call::Write(Write::DeletePolicy { policy_arn: policy.into() })
}

/// A life of a role and a policy, with everything that can be refused on the way.
fn script() -> Vec<Call> {
    use Call::{Attached, Description, Document, Inline, Policy, Profiles, Role, Users, Versions, Write as W};
    let statement = |statement: Value| json!({"Version": "2012-10-17", "Statement": [statement]});
    let twice = |statement: Value| json!({"Version": "2012-10-17", "Statement": [statement, statement]});
    vec![
        // Nothing there.
        Role("R"),
        Attached("R"),
        Inline("R"),
        Policy("P"),
        Versions("P"),
        Document("P", "v1"),
        delete_role("R"),
        delete_policy("P"),
        W(attach("R", READ_ONLY)),
        detach("R", READ_ONLY),
        tag_role(&[("a", "1")]),
        W(Write::UntagRole { role_name: "R".into(), keys: vec!["a".into()] }),
        update("R", 3600),
        with_trust(our_trust()),
        version("P", "ec2:*"),
        bound("R", READ_ONLY),
        W(Write::DeleteRolePermissionsBoundary { role_name: "R".into() }),
        W(Write::TagPolicy { policy_arn: "P".into(), tags: tags(&[("a", "1")]) }),
        put_inline("R", "inline"),
        Call::InlineDocument("R", "inline"),
        // Made.
        W(create_role("R")),
        W(create_policy("P")),
        Role("R"),
        Description("R"),
        Policy("P"),
        Versions("P"),
        Document("P", "v1"),
        Document("P", "v2"),
        Profiles("R"),
        Users("P"),
        W(create_role("R")),
        W(create_policy("P")),
        // Attached.
        W(attach("R", "Missing")),
        W(attach("R", "P")),
        W(attach("R", "P")),
        W(attach("R", READ_ONLY)),
        Attached("R"),
        Users("P"),
        delete_role("R"),
        detach("R", READ_ONLY),
        detach("R", READ_ONLY),
        Attached("R"),
        // What a role has.
        update("R", 43200),
        Role("R"),
        bound("R", READ_ONLY),
        Role("R"),
        W(Write::DeleteRolePermissionsBoundary { role_name: "R".into() }),
        Role("R"),
        with_trust(statement(json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}))),
        Role("R"),
        tag_role(&[("a", "1"), ("b", "x y")]),
        Role("R"),
        tag_role(&[("a", "2")]),
        Role("R"),
        W(Write::UntagRole { role_name: "R".into(), keys: vec!["a".into(), "none".into()] }),
        Role("R"),
        tag_role(&[("k", &"v".repeat(257))]),
        tag_role(&[(&"k".repeat(129), "v")]),
        tag_role(&[("k*", "v")]),
        W(numbered_tags(0..51)),
        W(numbered_tags(0..40)),
        Role("R"),
        W(Write::TagPolicy { policy_arn: "P".into(), tags: tags(&[("b", "2")]) }),
        Policy("P"),
        W(Write::UntagPolicy { policy_arn: "P".into(), keys: vec!["a".into()] }),
        Policy("P"),
        // Documents.
        with_trust(json!({"Version": "2012-10-17"})),
        with_trust(statement(json!({"Effect": "Maybe", "Principal": "*", "Action": "sts:AssumeRole"}))),
        with_trust(statement(
            json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}),
        )),
        with_trust(twice(json!({"Sid": "One", "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}))),
        // The Deny that closes a role, and ways in beside the platform's.
        with_trust(trust::with_everybody_denied(&trusting(json!({"AWS": "*"})))),
        Role("R"),
        with_trust(trust::only_the_deny()),
        Role("R"),
        with_trust(statement(json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": "arn:aws:iam::444455556666:oidc-provider/token.example.com"}}))),
        Role("R"),
        policy_of("Bad", json!({"Version": "2012-10-17", "Statement": []})),
        policy_of(
            "Bad",
            json!({"Version": "1999-01-01", "Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*"}]}),
        ),
        policy_of("Bad", statement(json!({"Effect": "Allow", "Resource": "*"}))),
        policy_of("Bad", statement(json!({"Effect": "Allow", "Action": "a:b"}))),
        policy_of("Bad", statement(json!({"Effect": "Allow", "Action": "a:b", "NotAction": "a:c", "Resource": "*"}))),
        // Versions.
        version("P", "eks:*"),
        Versions("P"),
        Policy("P"),
        Document("P", "v2"),
        in_force("P", "v1"),
        Versions("P"),
        in_force("P", "v9"),
        drop_version("P", "v1"),
        in_force("P", "v2"),
        drop_version("P", "v2"),
        drop_version("P", "v9"),
        version("P", "a:3"),
        version("P", "a:4"),
        version("P", "a:5"),
        version("P", "a:6"),
        drop_version("P", "v1"),
        version("P", "a:6"),
        Versions("P"),
        Policy("P"),
        Document("P", "v6"),
        // An inline policy.
        Call::InlineDocument("R", "inline"),
        put_inline("R", "inline"),
        put_inline("R", "inline"),
        Inline("R"),
        Call::InlineDocument("R", "inline"),
        W(Write::DeleteRolePolicy { role_name: "R".into(), policy_name: "inline".into() }),
        Inline("R"),
        // Gone.
        detach("R", "P"),
        drop_version("P", "v2"),
        drop_version("P", "v3"),
        drop_version("P", "v4"),
        drop_version("P", "v5"),
        delete_policy("P"),
        Policy("P"),
        W(Write::DeleteRolePolicy { role_name: "R".into(), policy_name: "none".into() }),
        delete_role("R"),
        Role("R"),
    ]
}

/// Where AWS is stricter than moto: what is done before, the call, what moto says, what AWS and so the fake says.
fn laxities() -> Vec<(Vec<Write>, Call, &'static str, &'static str)> {
    let role = || vec![create_role("R")];
    let pair = || vec![create_role("R"), create_policy("P")];
    let attached = || [pair(), vec![attach("R", "P")]].concat();
    let principal = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Principal": "*"}]});
    let two_versions =
        || vec![create_policy("P"), Write::CreatePolicyVersion { policy_arn: "P".into(), document: document("a:b") }];
    vec![
        (vec![], Call::Profiles("R"), "[]", "NoSuchEntity"),
        (vec![], Call::Users("P"), "[]", "NoSuchEntity"),
        (role(), Call::Write(create_role("r")), "()", "EntityAlreadyExists"),
        (pair(), Call::Write(create_policy("p")), "()", "EntityAlreadyExists"),
        (attached(), delete_policy("P"), "()", "DeleteConflict"),
        (role(), update("R", 43201), "()", "ValidationError"),
        (role(), update("R", 3599), "()", "ValidationError"),
        (role(), bound("R", "Missing"), "()", "NoSuchEntity"),
        (role(), tag_role(&[("k", "a,b")]), "()", "ValidationError"),
        (role(), tag_role(&[("aws:k", "v")]), "()", "ValidationError"),
        ([role(), vec![numbered_tags(0..40)]].concat(), Call::Write(numbered_tags(30..60)), "()", "LimitExceeded"),
        (two_versions(), delete_policy("P"), "()", "DeleteConflict"),
        (vec![], policy_of("P", principal), "()", "MalformedPolicyDocument"),
        (
            role(),
            with_trust(
                json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "NotPrincipal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}),
            ),
            "()",
            "MalformedPolicyDocument",
        ),
        (role(), with_trust(trusting(json!({"AWS": "AROADBQP57FF2AEXAMPLE"}))), "()", "MalformedPolicyDocument"),
        (role(), with_trust(trusting(json!({"AWS": ["*", "AIDACKCEVSQ6C2EXAMPLE"]}))), "()", "MalformedPolicyDocument"),
        (
            role(),
            with_trust(trusting(json!({"AWS": vec![format!("arn:aws:iam::{}:root", moto::ACCOUNT); 60]}))),
            "()",
            "LimitExceeded",
        ),
        (vec![], policy_of("P", document(&format!("s3:{}", "x".repeat(6200)))), "()", "LimitExceeded"),
        (vec![], policy_of(&"p".repeat(129), document("a:b")), "()", "ValidationError"),
        (vec![], policy_of("a b", document("a:b")), "()", "ValidationError"),
    ]
}

#[tokio::test]
async fn the_fake_says_what_an_emulator_says_that_we_did_not_write() {
    let moto = Moto::start();
    let fake = serve(Arc::new(FakeIam::default()), 100);
    let (moto, fake) = (iam_at(&moto.endpoint).await, iam_at(&fake.url("")).await);
    let mut differences = Vec::new();
    for (place, call) in script().iter().enumerate() {
        let (moto, fake) = (play(&moto, call, moto::ACCOUNT).await, play(&fake, call, fake_iam::ACCOUNT).await);
        if moto != fake {
            differences.push(format!("call {place} ({})\n  moto: {moto}\n  fake: {fake}", name(call)));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn where_aws_is_stricter_than_the_emulator_the_fake_is_as_strict_as_aws() {
    let server = Moto::start();
    let moto = iam_at(&server.endpoint).await;
    let mut differences = Vec::new();
    for (before, call, moto_says, aws_says) in laxities() {
        server.reset().await;
        let fake = serve(Arc::new(FakeIam::default()), 100);
        let fake = iam_at(&fake.url("")).await;
        for write in before {
            let call = Call::Write(write);
            assert_eq!(play(&moto, &call, moto::ACCOUNT).await, "()", "{}", name(&call));
            assert_eq!(play(&fake, &call, fake_iam::ACCOUNT).await, "()", "{}", name(&call));
        }
        let said = (play(&moto, &call, moto::ACCOUNT).await, play(&fake, &call, fake_iam::ACCOUNT).await);
        if said != (moto_says.to_owned(), aws_says.to_owned()) {
            differences.push(format!("{}\n  moto: {}\n  fake: {}", name(&call), said.0, said.1));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn name(call: &Call) -> String {
    if let Call::Write(write) = call { write.to_string() } else { "a read".to_owned() }
}
