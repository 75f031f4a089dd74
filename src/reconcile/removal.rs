//! What a removal is asked for, and how far it has come.

use crate::account::Account;
use crate::iam::Tags;
use crate::member::MemberRole;
use crate::ownership::Resource;
use crate::physical_id::PhysicalId;
use std::collections::BTreeSet;

/// What is to be removed: the objects that carry this resource's tags under exactly this physical id.
#[derive(Clone, Debug)]
pub struct Removal {
    pub account: Account,
    /// The role to assume in that account; `None` in the function's own account.
    pub member_role: Option<MemberRole>,
    pub resource: Resource,
    pub id: PhysicalId,
    pub mode: RemovalMode,
    /// The customer's tags in the properties. They are removed from an adopted object when it is restored.
    pub tags: Tags,
}

/// How it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalMode {
    /// The Delete of a resource that existed. A role that lost our tags is closed if anybody can still assume it: the
    /// platform may untag, and the grant must not stay in force unnoticed. `all`: adopted objects are deleted too, if
    /// an Update has said so before.
    Delete { all: bool },
    /// The Delete after a failed Create. An object without our tags cannot be that Create's. An adopted object is
    /// always restored. `may_be_running`: CloudFormation made the id up, so that the cancelled Create may still create
    /// something.
    LeftFromFailedCreate { may_be_running: bool },
    /// A Create failed and removes what it created or adopted itself. A role of these that has lost our tags is closed.
    Undo { role: bool, policy: bool },
    /// Everything stays, and only our tags are removed.
    Retain,
}

/// How far a removal has come.
#[derive(Clone, Debug, Default)]
pub struct RemovalProgress {
    /// Whether an adopted object has begun to be restored. A role without our tags has not lost them then.
    pub has_restored: bool,
    /// Whether the policy that an adopted role had before turned out to be deleted, so that it cannot be attached
    /// again.
    pub is_former_policy_gone: bool,
    /// The same of its permissions boundary.
    pub is_former_boundary_gone: bool,
    /// Whether role and policy were both found at once.
    pub found_both: bool,
    /// What was left, changed or restored, as sentences.
    pub notes: BTreeSet<String>,
    /// Why the removal ends in a failure all the same, as a sentence.
    pub refusal: Option<String>,
}

impl Removal {
    pub fn policy_arn(&self) -> String {
        self.account.policy_arn(&self.id.policy_name)
    }

    pub fn role_name(&self) -> String {
        self.id.role_name.clone()
    }

    /// Whether the role may be changed at all.
    pub fn includes_role(&self) -> bool {
        !matches!(self.mode, RemovalMode::Undo { role: false, .. })
    }

    /// The same of the policy.
    pub fn includes_policy(&self) -> bool {
        !matches!(self.mode, RemovalMode::Undo { policy: false, .. })
    }
}
