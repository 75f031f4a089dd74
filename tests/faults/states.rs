//! What an event can find.

use crate::common::assume::OIDC;
use crate::common::by_hand::{self, DELETED, in_the_trust, role, some_document};
use crate::common::fake_iam::{ACCOUNT, World, policy_arn, tags};
use crate::common::stack::POLICY;
use crate::common::stack::ROLE;
use orchestera_access::iam::{Tags, Write};
use serde_json::{Value, json};

/// The account of a function that works in another one.
pub const MANAGEMENT: &str = "222233334444";

/// How a state comes to be, from an account that holds only neighbours.
pub enum Before {
    /// Nothing of ours; something may be there already. What a Create wants.
    Untouched(fn(&mut World), Value),
    /// Our stack's Create, from something, and what happened to it since.
    Created(fn(&mut World), Value, fn(&mut World)),
}

impl Before {
    /// What is there before our stack is, and the stack's properties.
    pub fn beginning(&self) -> (fn(&mut World), &Value) {
        match self {
            Self::Untouched(furnish, properties) | Self::Created(furnish, properties, _) => (*furnish, properties),
        }
    }
}

/// The guide's pair, none of it as we would make it.
fn guides(world: &mut World) {
    by_hand::guides(world);
    role(world).max_session_duration = 7200;
    world.policies.get_mut(&policy_arn(POLICY)).unwrap().versions = vec![(1, some_document("ec2:*"))];
}

/// Things in the account that have nothing to do with us.
pub fn neighbours(world: &mut World) {
    let (role_name, policy_name) = ("Theirs".to_owned(), "Theirs".to_owned());
    for write in [
        Write::CreatePolicy { policy_name, document: some_document("s3:*"), tags: Tags::new() },
        Write::CreateRole {
            role_name: role_name.clone(),
            trust: some_trust(),
            max_session_duration: 3600,
            permissions_boundary: Some(policy_arn("Theirs")),
            tags: Tags::new(),
        },
        Write::AttachRolePolicy { role_name, policy_arn: policy_arn("Theirs") },
    ] {
        world.write(&write).unwrap();
    }
}

pub fn some_trust() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
}

fn nothing(_: &mut World) {}

/// The properties have an external id since the role was adopted, which is not in force.
pub const GIVEN: &str = "adopted, an external id given at Create";

pub fn states() -> Vec<(&'static str, Before)> {
    vec![
        ("nothing", Before::Untouched(nothing, json!({}))),
        ("the guide's", Before::Untouched(guides, json!({}))),
        (
            "the guide's policy alone",
            Before::Untouched(
                |world| {
                    guides(world);
                    world.roles.remove(&ROLE.to_lowercase());
                },
                json!({}),
            ),
        ),
        (
            "a foreign role",
            Before::Untouched(
                |world| {
                    guides(world);
                    role(world).trust = some_trust();
                },
                json!({}),
            ),
        ),
        (
            "another stack's",
            Before::Untouched(
                |world| {
                    guides(world);
                    role(world).tags =
                        tags([("orchestera:stack-id", "arn:of:another"), ("orchestera:logical-id", "Access")]);
                },
                json!({}),
            ),
        ),
        ("ours", Before::Created(nothing, json!({}), nothing)),
        ("ours, suspended", Before::Created(nothing, json!({"AccessState": "Suspended"}), nothing)),
        ("ours, detached", Before::Created(nothing, json!({}), |world| role(world).attached.clear())),
        ("ours, without tags on the role", Before::Created(nothing, json!({}), |world| role(world).tags.clear())),
        (
            "ours, without tags on the role, only an identity provider in its trust",
            Before::Created(nothing, json!({}), |world| {
                role(world).tags.clear();
                role(world).trust["Statement"] = json!([]);
                in_the_trust(world, json!({"Federated": OIDC}), "sts:AssumeRoleWithWebIdentity");
            }),
        ),
        (
            "ours, without tags on the role, a deleted principal in its trust",
            Before::Created(nothing, json!({}), |world| {
                role(world).tags.clear();
                in_the_trust(world, json!({"AWS": DELETED}), "sts:AssumeRole");
            }),
        ),
        (
            "ours, without external id, a deleted principal in its trust",
            Before::Created(nothing, json!({}), |world| {
                let policies = world.policies.values_mut().map(|policy| &mut policy.tags);
                for tags in world.roles.values_mut().map(|role| &mut role.tags).chain(policies) {
                    tags.remove("orchestera:external-id");
                }
                in_the_trust(world, json!({"AWS": DELETED}), "sts:AssumeRole");
            }),
        ),
        (
            "ours, five versions",
            Before::Created(nothing, json!({}), |world| {
                for _ in 0..4 {
                    let document = some_document("sqs:*");
                    world.write(&Write::CreatePolicyVersion { policy_arn: policy_arn(POLICY), document }).unwrap();
                }
            }),
        ),
        (
            "ours, with something foreign on it",
            Before::Created(nothing, json!({}), |world| {
                role(world).attached.insert(policy_arn("Theirs"));
                role(world).inline.insert("theirs".into(), some_document("s3:*"));
            }),
        ),
        (
            "only our role",
            Before::Created(nothing, json!({}), |world| {
                role(world).attached.clear();
                world.policies.remove(&policy_arn(POLICY));
            }),
        ),
        (
            "only our policy",
            Before::Created(nothing, json!({}), |world| {
                world.roles.remove(&ROLE.to_lowercase());
            }),
        ),
        ("adopted", Before::Created(guides, json!({}), nothing)),
        ("adopted, with a tag of the properties", Before::Created(guides, json!({"Tags": "Owner=me"}), nothing)),
        (
            "adopted, with a tag that the properties will have",
            Before::Created(
                |world| {
                    guides(world);
                    let policies = world.policies.values_mut().map(|policy| &mut policy.tags);
                    for tags in world.roles.values_mut().map(|role| &mut role.tags).chain(policies) {
                        tags.insert("owner".into(), "me".into());
                    }
                },
                json!({}),
                nothing,
            ),
        ),
        (GIVEN, Before::Created(guides, json!({"ExternalId": "given"}), nothing)),
        ("nothing, in a member account", Before::Untouched(nothing, in_member_account())),
        ("ours, in a member account", Before::Created(nothing, in_member_account(), nothing)),
    ]
}

fn in_member_account() -> Value {
    json!({"MemberAccountId": ACCOUNT})
}
