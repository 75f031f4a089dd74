//! What people make by hand: after the guide, beside it, and instead of it.

use super::fake_iam::{ACCOUNT, FakeIam, Role, World, policy_arn, tags};
use super::stack::{POLICY, ROLE};
use orchestera_access::account::Account;
use orchestera_access::iam::{Tags, Write};
use orchestera_access::policy::Edition;
use orchestera_access::trust;
use serde_json::{Value, json};

pub const PLATFORM: &str = "017059471480";

pub fn trust_of(account: &str, external_id: Option<&str>) -> Value {
    trust::document(&Account { partition: "aws".into(), id: ACCOUNT.into() }, account, external_id)
}

/// A role made in the console after the guide.
pub fn role_by_hand(world: &mut World, tags: Tags) {
    let role = Write::CreateRole {
        role_name: ROLE.into(),
        trust: trust_of(PLATFORM, None),
        max_session_duration: 3600,
        permissions_boundary: None,
        tags,
    };
    world.write(&role).unwrap();
    world.role_mut(ROLE).unwrap().description = "Made by hand".into();
}

/// A role of that name that lets others in too.
pub fn foreign_role(world: &mut World) {
    role_by_hand(world, Tags::new());
    world.role_mut(ROLE).unwrap().trust = trust_of("444455556666", None);
}

/// A policy made in the console.
pub fn policy_by_hand(world: &mut World, name: &str, tags: Tags) {
    let document = Edition::named("2025-09-29").unwrap().document();
    world.write(&Write::CreatePolicy { policy_name: name.into(), document, tags }).unwrap();
    world.policies.get_mut(&policy_arn(name)).unwrap().description = "Made by hand".into();
}

/// Role and policy as the older edition of the guide has them made, attached, without an external id.
pub fn guides(world: &mut World) {
    role_by_hand(world, tags([("Team", "data")]));
    policy_by_hand(world, POLICY, tags([("Team", "data")]));
    attach(world);
}

pub fn attach(world: &mut World) {
    role(world).attached.insert(policy_arn(POLICY));
}

/// The role, which is there.
pub fn role(world: &mut World) -> &mut Role {
    world.role_mut(ROLE).unwrap()
}

/// Another version of the policy, in force or not.
pub fn add_version(world: &mut World, document: Value, in_force: bool) {
    let default = world.policy(&policy_arn(POLICY)).unwrap().default;
    world.write(&Write::CreatePolicyVersion { policy_arn: policy_arn(POLICY), document }).unwrap();
    if !in_force {
        world.policies.get_mut(&policy_arn(POLICY)).unwrap().default = default;
    }
}

/// Allows one action.
pub fn some_document(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
}

/// Everything that adoption can find different from what is wanted.
pub fn guides_with_everything_different(world: &mut World) {
    guides(world);
    policy_by_hand(world, "Boundary", Tags::new());
    let role = role(world);
    role.trust = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Statement1", "Effect": "Allow",
        "Principal": {"AWS": PLATFORM}, "Action": ["sts:AssumeRole"],
        "Condition": {"StringEquals": {"sts:ExternalId": "theirs,with::all@legal+signs"}}}]});
    role.max_session_duration = 43200;
    role.permissions_boundary = Some(policy_arn("Boundary"));
    role.attached.clear();
    role.inline.insert("theirs".into(), some_document("s3:*"));
    add_version(world, some_document("ec2:*"), true);
    add_version(world, some_document("sqs:*"), false);
}

/// As IAM shows a role that has been deleted.
pub const DELETED: &str = "AROADBQP57FF2AEXAMPLE";

/// Another statement in the trust policy of the role.
pub fn in_the_trust(world: &mut World, principal: Value, action: &str) -> bool {
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": action});
    let role = world.role_mut(ROLE);
    role.map(|role| role.trust["Statement"].as_array_mut().unwrap().push(statement)).is_some()
}

/// Puts something into the account.
pub type Furnish = fn(&mut World);

/// An account with that in it.
pub fn furnished(furnish: Furnish) -> FakeIam {
    let iam = FakeIam::default();
    iam.by_hand(furnish);
    iam
}
