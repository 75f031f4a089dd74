//! What people and the grantee do to role and policy.

use crate::common::assume::OIDC;
use crate::common::by_hand::{some_document, trust_of};
use crate::common::fake_iam::{Role, World, policy_arn, tags};
use crate::step::Change;
use orchestera_access::iam::{Tags, Write};
use orchestera_access::policy::Edition;
use serde_json::{Value, json};

/// Somebody else's, who also uses our policy at times.
pub fn neighbours(world: &mut World) {
    make_policy(world, "Theirs-policy", some_document("s3:*"));
    make_role(world, "Theirs", trust_of("444455556666", None));
    world.role_mut("Theirs").unwrap().attached.insert(policy_arn("Theirs-policy"));
}

/// Does it, if there is something to do it to.
pub fn change(world: &mut World, what: Change, role_name: &str, policy_name: &str) {
    let arn = policy_arn(policy_name);
    match what {
        Change::Guide => {
            if world.role(role_name).is_none() && world.policy(&arn).is_none() {
                make_policy(world, policy_name, Edition::named("2025-09-29").unwrap().document());
                make_role(world, role_name, trust_of("017059471480", None));
                world.role_mut(role_name).unwrap().attached.insert(arn);
            }
        }
        Change::ForeignRole => {
            if world.role(role_name).is_none() {
                make_role(world, role_name, trust_of("444455556666", None));
            }
        }
        Change::ForeignPolicy => {
            if world.policy(&arn).is_none() {
                make_policy(world, policy_name, some_document("sns:*"));
                world.role_mut("Theirs").unwrap().attached.insert(arn);
            }
        }
        Change::DeletePolicy => {
            for role in world.roles.values_mut() {
                role.attached.remove(&arn);
            }
            world.policies.remove(&arn);
        }
        Change::DeleteRole => {
            world.roles.remove(&role_name.to_lowercase());
        }
        Change::UntagPolicy => {
            if let Some(policy) = world.policies.get_mut(&arn) {
                without_ours(&mut policy.tags);
            }
        }
        Change::AddVersion => {
            let document = some_document("*");
            // Refused when there are five already, as IAM does.
            let _ = world.write(&Write::CreatePolicyVersion { policy_arn: arn, document });
        }
        Change::UseThePolicy => {
            if world.policy(&arn).is_some() {
                world.role_mut("Theirs").unwrap().attached.insert(arn);
            }
        }
        Change::StopUsingIt => {
            world.role_mut("Theirs").unwrap().attached.remove(&arn);
        }
        Change::Tag(key, value) => {
            let (role_name, tags) = (role_name.into(), tags([(key, value)]));
            // Refused where there is none.
            let _ = world.write(&Write::TagRole { role_name, tags: tags.clone() });
            let _ = world.write(&Write::TagPolicy { policy_arn: arn, tags });
        }
        Change::UntagRole
        | Change::Detach
        | Change::AttachAnother
        | Change::PutInline
        | Change::OpenTrust
        | Change::WidenTrust
        | Change::NameDeletedPrincipal
        | Change::TrustProvider
        | Change::LengthenSession
        | Change::PutBoundary => {
            let Some(role) = world.role_mut(role_name) else { return };
            match what {
                Change::UntagRole => without_ours(&mut role.tags),
                Change::Detach => drop(role.attached.remove(&arn)),
                Change::AttachAnother => drop(role.attached.insert("arn:aws:iam::aws:policy/ReadOnlyAccess".into())),
                Change::PutInline => drop(role.inline.insert("theirs".into(), some_document("sqs:*"))),
                Change::OpenTrust => role.trust = trust_of("444455556666", None),
                Change::WidenTrust => {
                    role.trust["Statement"][0]["Action"] = json!(["sts:AssumeRole", "sts:TagSession"]);
                }
                Change::NameDeletedPrincipal => {
                    without_ours(&mut role.tags);
                    also(role, json!({"AWS": "AROADBQP57FF2AEXAMPLE"}), "sts:AssumeRole");
                }
                Change::TrustProvider => {
                    without_ours(&mut role.tags);
                    role.trust["Statement"] = json!([]);
                    also(role, json!({"Federated": OIDC}), "sts:AssumeRoleWithWebIdentity");
                }
                Change::LengthenSession => role.max_session_duration = 43200,
                _ => role.permissions_boundary = Some("arn:aws:iam::aws:policy/ReadOnlyAccess".into()),
            }
        }
    }
}

/// One more Allow in the trust policy, as long as it stays short.
fn also(role: &mut Role, principal: Value, action: &str) {
    let statements = role.trust["Statement"].as_array_mut().unwrap();
    if statements.len() < 4 {
        statements.push(json!({"Effect": "Allow", "Principal": principal, "Action": action}));
    }
}

fn make_role(world: &mut World, role_name: &str, trust: Value) {
    let role = Write::CreateRole {
        role_name: role_name.into(),
        trust,
        max_session_duration: 3600,
        permissions_boundary: None,
        tags: tags([("Team", "data")]),
    };
    world.write(&role).unwrap();
    world.role_mut(role_name).unwrap().description = "Made by hand".into();
}

fn make_policy(world: &mut World, policy_name: &str, document: Value) {
    let tags = tags([("owner", "data"), ("TEAM", "other")]);
    let made = Write::CreatePolicy { policy_name: policy_name.into(), document, tags };
    world.write(&made).unwrap();
    world.policies.get_mut(&policy_arn(policy_name)).unwrap().description = "Made by hand".into();
}

fn without_ours(tags: &mut Tags) {
    tags.retain(|key, _| !key.starts_with("orchestera:"));
}

#[test]
fn a_change_to_what_is_not_there_changes_nothing() {
    let mut world = World::default();
    neighbours(&mut world);
    let before = world.clone();
    for what in [
        Change::UntagRole,
        Change::Detach,
        Change::DeletePolicy,
        Change::UseThePolicy,
        Change::AddVersion,
        Change::Tag("team", "data"),
    ] {
        change(&mut world, what, "None", "None");
    }
    assert_eq!(world, before);
}
