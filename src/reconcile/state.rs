//! The observed state: what IAM said of one role and one policy, as plain values.

use crate::iam::{AttachedPolicy, PolicyDescription, PolicyUser, PolicyVersion, RoleDescription, Tags};
use crate::ownership::TAGS_SHA256;
use serde_json::Value;
use std::collections::BTreeMap;

/// The role and the policy under one pair of names, as IAM described them at one moment. `None` is what does not exist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub role: Option<Role>,
    pub policy: Option<Policy>,
}

/// A role and its policies.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub about: RoleDescription,
    pub attached: Vec<AttachedPolicy>,
    /// Names of the inline policies, without the one that suspends the role.
    pub inline: Vec<String>,
    /// The document of the inline policy that suspends the role.
    pub suspension: Option<Value>,
    /// Names of the instance profiles that contain the role. Empty unless read with
    /// [`ReadScope::Removal`](super::observe::ReadScope).
    pub instance_profiles: Vec<String>,
}

/// A managed policy with its versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub about: PolicyDescription,
    pub versions: Vec<PolicyVersion>,
    /// The document of the default version. [`Value::Null`] if a removal does not need it.
    pub document: Value,
    /// Documents of the other versions by version id. Read by the removal of an adopted policy only, which has to tell
    /// this product's versions from those that existed before.
    pub other_documents: BTreeMap<String, Value>,
    /// Who uses the policy. Read by a removal and by a Create, and for a policy without an owner's tag: a policy that
    /// nobody else uses can be adopted.
    pub users: Vec<PolicyUser>,
}

impl State {
    pub fn role_tags(&self) -> Option<&Tags> {
        self.role.as_ref().map(|role| &role.about.tags)
    }

    pub fn policy_tags(&self) -> Option<&Tags> {
        self.policy.as_ref().map(|policy| &policy.about.tags)
    }

    /// The digest of the customer's tags that the properties have put on the object with these tags. If the object has
    /// lost it, the other object has it.
    pub fn tags_digest<'a>(&'a self, tags: &'a Tags) -> Option<&'a String> {
        let all = [Some(tags), self.role_tags(), self.policy_tags()];
        all.into_iter().flatten().find_map(|tags| tags.get(TAGS_SHA256))
    }
}

impl Policy {
    /// The id of the oldest version among those that `may` be deleted.
    pub fn oldest_version(&self, may: impl Fn(&PolicyVersion) -> bool) -> Option<String> {
        self.versions.iter().filter(|version| may(version)).min_by_key(|version| version.number()).map(|v| v.id.clone())
    }
}

impl Role {
    /// The policies that others gave the role: ARNs of managed policies, and inline policies as `inline:name`.
    pub fn foreign_policies(&self, policy_arn: &str) -> Vec<String> {
        let managed = self.attached.iter().map(|policy| policy.arn.clone()).filter(|arn| arn != policy_arn);
        managed.chain(self.inline.iter().map(|name| format!("inline:{name}"))).collect()
    }

    pub fn has_attached(&self, policy_arn: &str) -> bool {
        self.attached.iter().any(|policy| policy.arn == policy_arn)
    }
}
