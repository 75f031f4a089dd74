//! A role or a policy as a value to compare.

use crate::common::fake_iam::{Policy, Role, World, policy_arn};
use orchestera_access::iam::{POLICY_DESCRIPTION, ROLE_DESCRIPTION, Tags};

/// A role or a policy, to compare.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Role(Role),
    Policy(Policy),
}

impl Object {
    pub fn tags(&self) -> &Tags {
        match self {
            Self::Role(role) => &role.tags,
            Self::Policy(policy) => &policy.tags,
        }
    }

    pub fn is_described_as_ours(&self) -> bool {
        match self {
            Self::Role(role) => role.description == ROLE_DESCRIPTION,
            Self::Policy(policy) => policy.description == POLICY_DESCRIPTION,
        }
    }

    /// Without what cannot be put back: numbers of versions are never used again.
    pub fn comparable(mut self) -> Self {
        if let Self::Policy(policy) = &mut self {
            policy.made = 0;
        }
        self
    }
}

/// The role or the policy of that name. No role has the name of a policy here.
pub fn object(world: &World, name: &str) -> Option<Object> {
    let role = world.role(name).cloned().map(Object::Role);
    role.or_else(|| world.policy(&policy_arn(name)).cloned().map(Object::Policy))
}

pub fn tags_under(world: &World, names: &[String]) -> Vec<Tags> {
    names.iter().filter_map(|name| object(world, name)).map(|object| object.tags().clone()).collect()
}
