//! The seam to IAM: what this product reads, what it writes, and nothing else.
//!
//! Reads are methods, because each has a result of its own. Writes are values ([`Write`]): a plan is a list of them,
//! and can be printed, compared and tested before a write is sent. Everything is in IAM's own terms.
//!
//! [`aws`] is the adapter to the real service. The tests have a stateful fake with IAM's rules, and decorators that
//! fail on demand.

use custom_resource::{Kind, Result, call};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

pub mod aws;
mod operation;

pub use operation::Operation;

/// IAM: at most five versions of a managed policy.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const MOST_VERSIONS: usize = 5;

/// Tags by key. [`is_same_key`] compares keys.
pub type Tags = BTreeMap<String, String>;

/// Whether IAM treats two keys of tags as the same. Case does not count.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules>
pub fn is_same_key(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Whether a key is among these tags.
pub fn has_key(tags: &Tags, key: &str) -> bool {
    tags.keys().any(|other| is_same_key(other, key))
}

/// The description of every role that this product creates. The platform cannot change it under the older edition, as
/// it can a tag. So it distinguishes a role that was adopted and restored from one that lost its tags.
pub const ROLE_DESCRIPTION: &str = "Assumed by the Orchestera platform to run Apache Spark on EKS in this account";
/// The description of every policy that this product creates.
pub const POLICY_DESCRIPTION: &str = "What the Orchestera platform may do in this account to run Apache Spark on EKS";

/// The description of a role that was retained when its stack was deleted. Nobody owns it then.
pub const RETAINED_DESCRIPTION: &str = "Created for the Orchestera platform by a stack that was deleted and retained \
                                        it";

/// A role, as `GetRole` returns it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleDescription {
    /// With the path, which is `/` for every role that this product creates.
    pub arn: String,
    /// Blank if it has none. At most 1000 characters.
    pub description: String,
    /// The trust policy, decoded. [`Value::Null`] if it is not JSON.
    pub trust: Value,
    /// Seconds.
    pub max_session_duration: i32,
    /// ARN of the policy that is the role's permissions boundary.
    pub permissions_boundary: Option<String>,
    /// At most 50.
    pub tags: Tags,
}

/// A customer managed policy, as `GetPolicy` returns it.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDescription {
    /// With the path, which is `/` for every policy that this product creates.
    pub arn: String,
    /// Such as `v3`.
    pub default_version_id: String,
    /// Blank if it has none. IAM never changes it.
    pub description: String,
    /// At most 50.
    pub tags: Tags,
}

/// A managed policy attached to a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttachedPolicy {
    /// ARN, of a customer's or of AWS's own policy.
    pub arn: String,
}

/// One of the at most five versions of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// `v1`, `v2`, … Numbers are never used again.
    pub id: String,
    /// Whether it is the default version, which is in force.
    pub is_default: bool,
}

impl PolicyVersion {
    /// The number in `v12`. Versions are created in the order of their numbers. 0 if there is none.
    pub fn number(&self) -> u32 {
        self.id.trim_start_matches('v').parse().unwrap_or(0)
    }
}

/// Who uses a managed policy, attached or as a permissions boundary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyUser {
    /// A role's name.
    Role(String),
    /// A user's name.
    User(String),
    /// A group's name.
    Group(String),
}

impl fmt::Display for PolicyUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(name) => write!(f, "role {name}"),
            Self::User(name) => write!(f, "user {name}"),
            Self::Group(name) => write!(f, "group {name}"),
        }
    }
}

/// One call that changes something. Each is the IAM API call of the same name, and its fields are IAM's parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// With everything that the role must have from the beginning: tags, permissions boundary, session duration.
    CreateRole {
        role_name: String,
        trust: Value,
        max_session_duration: i32,
        permissions_boundary: Option<String>,
        tags: Tags,
    },
    UpdateAssumeRolePolicy {
        role_name: String,
        trust: Value,
    },
    /// `None` leaves the description unchanged.
    UpdateRole {
        role_name: String,
        max_session_duration: i32,
        description: Option<String>,
    },
    PutRolePermissionsBoundary {
        role_name: String,
        policy_arn: String,
    },
    DeleteRolePermissionsBoundary {
        role_name: String,
    },
    TagRole {
        role_name: String,
        tags: Tags,
    },
    UntagRole {
        role_name: String,
        keys: Vec<String>,
    },
    AttachRolePolicy {
        role_name: String,
        policy_arn: String,
    },
    DetachRolePolicy {
        role_name: String,
        policy_arn: String,
    },
    /// Creates or replaces an *inline* policy.
    PutRolePolicy {
        role_name: String,
        policy_name: String,
        document: Value,
    },
    /// Deletes an *inline* policy.
    DeleteRolePolicy {
        role_name: String,
        policy_name: String,
    },
    DeleteRole {
        role_name: String,
    },
    CreatePolicy {
        policy_name: String,
        document: Value,
        tags: Tags,
    },
    /// The same call makes the new version the default.
    CreatePolicyVersion {
        policy_arn: String,
        document: Value,
    },
    SetDefaultPolicyVersion {
        policy_arn: String,
        version_id: String,
    },
    DeletePolicyVersion {
        policy_arn: String,
        version_id: String,
    },
    TagPolicy {
        policy_arn: String,
        tags: Tags,
    },
    UntagPolicy {
        policy_arn: String,
        keys: Vec<String>,
    },
    DeletePolicy {
        policy_arn: String,
    },
}

impl Write {
    /// The operation that the call is.
    pub fn operation(&self) -> Operation {
        match self {
            Self::CreateRole { .. } => Operation::CreateRole,
            Self::UpdateAssumeRolePolicy { .. } => Operation::UpdateAssumeRolePolicy,
            Self::UpdateRole { .. } => Operation::UpdateRole,
            Self::PutRolePermissionsBoundary { .. } => Operation::PutRolePermissionsBoundary,
            Self::DeleteRolePermissionsBoundary { .. } => Operation::DeleteRolePermissionsBoundary,
            Self::TagRole { .. } => Operation::TagRole,
            Self::UntagRole { .. } => Operation::UntagRole,
            Self::AttachRolePolicy { .. } => Operation::AttachRolePolicy,
            Self::DetachRolePolicy { .. } => Operation::DetachRolePolicy,
            Self::PutRolePolicy { .. } => Operation::PutRolePolicy,
            Self::DeleteRolePolicy { .. } => Operation::DeleteRolePolicy,
            Self::DeleteRole { .. } => Operation::DeleteRole,
            Self::CreatePolicy { .. } => Operation::CreatePolicy,
            Self::CreatePolicyVersion { .. } => Operation::CreatePolicyVersion,
            Self::SetDefaultPolicyVersion { .. } => Operation::SetDefaultPolicyVersion,
            Self::DeletePolicyVersion { .. } => Operation::DeletePolicyVersion,
            Self::TagPolicy { .. } => Operation::TagPolicy,
            Self::UntagPolicy { .. } => Operation::UntagPolicy,
            Self::DeletePolicy { .. } => Operation::DeletePolicy,
        }
    }

    /// What the call is about: a role's name, or a policy's name or ARN.
    pub fn object(&self) -> &str {
        match self {
            Self::CreateRole { role_name, .. }
            | Self::UpdateAssumeRolePolicy { role_name, .. }
            | Self::UpdateRole { role_name, .. }
            | Self::PutRolePermissionsBoundary { role_name, .. }
            | Self::DeleteRolePermissionsBoundary { role_name }
            | Self::TagRole { role_name, .. }
            | Self::UntagRole { role_name, .. }
            | Self::AttachRolePolicy { role_name, .. }
            | Self::DetachRolePolicy { role_name, .. }
            | Self::PutRolePolicy { role_name, .. }
            | Self::DeleteRolePolicy { role_name, .. }
            | Self::DeleteRole { role_name } => role_name,
            Self::CreatePolicy { policy_name, .. } => policy_name,
            Self::CreatePolicyVersion { policy_arn, .. }
            | Self::SetDefaultPolicyVersion { policy_arn, .. }
            | Self::DeletePolicyVersion { policy_arn, .. }
            | Self::TagPolicy { policy_arn, .. }
            | Self::UntagPolicy { policy_arn, .. }
            | Self::DeletePolicy { policy_arn } => policy_arn,
        }
    }

    /// Whether the call has nothing left to do if its object does not exist: it removes something, and no other step
    /// follows. For the other calls, `NoSuchEntity` may come from an old read, and the steps after them would be wrong:
    /// they are planned again.
    pub fn is_done_without_its_object(&self) -> bool {
        matches!(
            self,
            Self::UntagRole { .. } | Self::DeleteRole { .. } | Self::UntagPolicy { .. } | Self::DeletePolicy { .. }
        )
    }
}

impl fmt::Display for Write {
    /// One line for the log and for failed tests: the operation, its object, and what distinguishes it from similar
    /// calls.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation(), self.object())?;
        match self {
            Self::UpdateRole { max_session_duration, .. } => write!(f, " MaxSessionDuration={max_session_duration}"),
            Self::PutRolePermissionsBoundary { policy_arn, .. }
            | Self::AttachRolePolicy { policy_arn, .. }
            | Self::DetachRolePolicy { policy_arn, .. } => write!(f, " {policy_arn}"),
            Self::PutRolePolicy { policy_name, .. } | Self::DeleteRolePolicy { policy_name, .. } => {
                write!(f, " {policy_name}")
            }
            Self::SetDefaultPolicyVersion { version_id, .. } | Self::DeletePolicyVersion { version_id, .. } => {
                write!(f, " {version_id}")
            }
            Self::TagRole { tags, .. } | Self::TagPolicy { tags, .. } => {
                write!(f, " {}", tags.keys().map(String::as_str).collect::<Vec<_>>().join(","))
            }
            Self::UntagRole { keys, .. } | Self::UntagPolicy { keys, .. } => write!(f, " {}", keys.join(",")),
            _ => Ok(()),
        }
    }
}

/// IAM, in one account.
///
/// If the object of a read does not exist, the result is `None` where it is an `Option`, and an error of kind
/// [`Gone`](custom_resource::Kind::Gone) otherwise. Lists are complete: the implementation reads all pages. Reads may
/// be older than the writes before them, because IAM is eventually consistent.
///
/// Errors carry a kind and the failed call, not yet a sentence for the customer.
#[expect(async_fn_in_trait, reason = "the runtime has one thread: no future needs to be Send")]
pub trait Iam {
    /// `GetRole`.
    async fn role(&self, role_name: &str) -> Result<Option<RoleDescription>>;
    /// `ListAttachedRolePolicies`.
    async fn attached_policies(&self, role_name: &str) -> Result<Vec<AttachedPolicy>>;
    /// `ListRolePolicies`: names of inline policies.
    async fn inline_policies(&self, role_name: &str) -> Result<Vec<String>>;
    /// `GetRolePolicy`: an inline policy's document, decoded. [`Value::Null`] if it is not JSON.
    async fn inline_policy(&self, role_name: &str, policy_name: &str) -> Result<Value>;
    /// `ListInstanceProfilesForRole`: names.
    async fn instance_profiles(&self, role_name: &str) -> Result<Vec<String>>;
    /// `GetPolicy`.
    async fn policy(&self, policy_arn: &str) -> Result<Option<PolicyDescription>>;
    /// `ListPolicyVersions`.
    async fn policy_versions(&self, policy_arn: &str) -> Result<Vec<PolicyVersion>>;
    /// `GetPolicyVersion`: the document, decoded. [`Value::Null`] if it is not JSON.
    async fn policy_document(&self, policy_arn: &str, version_id: &str) -> Result<Value>;
    /// `ListEntitiesForPolicy`.
    async fn policy_users(&self, policy_arn: &str) -> Result<Vec<PolicyUser>>;
    /// Sends one write.
    async fn write(&self, write: &Write) -> Result<()>;
}

/// The kind of an AWS error code. The codes are those that IAM documents for these operations, and those of all services.
pub fn kind_of(code: &str, server_error: bool) -> Kind {
    match code {
        "NoSuchEntity" => Kind::Gone,
        "EntityAlreadyExists" | "ConcurrentModification" | "DeleteConflict" | "EntityTemporarilyUnmodifiable" => {
            Kind::LookAgain
        }
        _ => call::kind_of(code, server_error),
    }
}
