//! The seam to IAM: what this product reads, what it writes, and nothing else.
//!
//! Reads are methods, because each has its own answer. Writes are values ([`Write`]), because a plan is a list of them
//! that can be printed, compared and tested before one is carried out. Everything is in IAM's own terms.
//!
//! [`aws`] is the adapter to the real service. The tests have a stateful fake with IAM's rules, and decorators that fail
//! on demand.

use crate::error::{Kind, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

pub mod aws;

/// One list makes the type, its names and [`Operation::ALL`].
macro_rules! operations {
    ($($name:ident),+ $(,)?) => {
        /// An IAM operation that this product calls. Its name is also the name of the IAM action.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation {
            $($name),+
        }

        impl Operation {
            /// Every operation that this product calls. The session in a member account is limited to these, and a test
            /// compares them with the function's role in `template.yaml`.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As IAM spells it, such as `GetRole`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),+
                }
            }
        }
    };
}

operations! {
    GetRole,
    GetRolePolicy,
    GetPolicy,
    GetPolicyVersion,
    ListAttachedRolePolicies,
    ListRolePolicies,
    ListInstanceProfilesForRole,
    ListPolicyVersions,
    ListEntitiesForPolicy,
    CreateRole,
    UpdateAssumeRolePolicy,
    UpdateRole,
    PutRolePermissionsBoundary,
    DeleteRolePermissionsBoundary,
    TagRole,
    UntagRole,
    AttachRolePolicy,
    DetachRolePolicy,
    PutRolePolicy,
    DeleteRolePolicy,
    DeleteRole,
    CreatePolicy,
    CreatePolicyVersion,
    SetDefaultPolicyVersion,
    DeletePolicyVersion,
    TagPolicy,
    UntagPolicy,
    DeletePolicy,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// IAM: at most five versions of a managed policy.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const MOST_VERSIONS: usize = 5;

/// Tags by key. IAM holds keys for the same that differ in case only.
pub type Tags = BTreeMap<String, String>;

/// The description of every role that this product creates. Unlike a tag it cannot be taken off by the role's holder under
/// the older edition, and it tells a role that was adopted and handed back from one that lost its tags.
pub const ROLE_DESCRIPTION: &str = "Assumed by the Orchestera platform to run Apache Spark on EKS in this account";
/// The same on every policy that we create.
pub const POLICY_DESCRIPTION: &str = "What the Orchestera platform may do in this account to run Apache Spark on EKS";

/// The description of a role that its stack left behind, which is nobody's then.
pub const RETAINED_DESCRIPTION: &str = "Made for the Orchestera platform by a stack that is gone and left it here";

/// What `GetRole` tells of a role.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleDescription {
    /// With its path, which is `/` for every role that we make.
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

/// What `GetPolicy` tells of a customer managed policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDescription {
    /// With its path, which is `/` for every policy that we make.
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
    /// Whether it is the one in force.
    pub is_default: bool,
}

impl PolicyVersion {
    /// The number in `v12`, by which versions can be put in the order they were made. 0 if there is none.
    pub fn number(&self) -> u32 {
        self.id.trim_start_matches('v').parse().unwrap_or(0)
    }
}

/// Who uses a managed policy, as permissions or as a boundary.
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

/// One call that changes something. Each is one IAM API call of the same name; what it takes is in IAM's terms.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// With everything that must never be missing for a moment: tags, boundary, session.
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
    /// `None` leaves the description as it is.
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
    /// Makes or replaces an *inline* policy.
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
    /// The new version becomes the default with the same call.
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

    /// Whether the call takes something away and nothing else comes after it, so that it is done when what it is about is not
    /// there. Of the others, "not there" may be an old answer, and what follows would seal it: they are looked at again.
    pub fn takes_the_last_away(&self) -> bool {
        matches!(
            self,
            Self::UntagRole { .. } | Self::DeleteRole { .. } | Self::UntagPolicy { .. } | Self::DeletePolicy { .. }
        )
    }
}

impl fmt::Display for Write {
    /// One line for the log and for test failures: the operation, what it is about, and what tells it from its like.
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
/// A read of something that is not there answers `None` where the answer is an `Option`, and an error of kind
/// [`Gone`](crate::error::Kind::Gone) otherwise. Lists are whole: paging is the implementation's business. Reads may be
/// older than the writes before them (IAM is eventually consistent).
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
    /// Carries out one change.
    async fn write(&self, write: &Write) -> Result<()>;
}

/// The kind of an AWS error code. What IAM documents for the operations used here; anything unknown is final.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>
pub fn kind_of(code: &str, server_error: bool) -> Kind {
    match code {
        "NoSuchEntity" => Kind::Gone,
        "EntityAlreadyExists" | "ConcurrentModification" | "DeleteConflict" | "EntityTemporarilyUnmodifiable" => {
            Kind::LookAgain
        }
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Kind::Denied,
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => Kind::Unavailable,
        // No code at all: the answer is not one of IAM's.
        "" => Kind::Unavailable,
        _ if server_error => Kind::Unavailable,
        _ => Kind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::Operation;
    use std::collections::BTreeSet;

    #[test]
    fn the_functions_role_may_do_every_operation_and_nothing_else_in_iam() {
        let template = include_str!("../template.yaml");
        let policy = template.split("\n  FunctionPolicy:\n").nth(1).expect("the policy of the function's role");
        // The next resource is as far to the left.
        let is_next = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
        let lines = policy.lines().take_while(|line| !is_next(line)).map(str::trim);
        let is_action = |line: &&str| line.starts_with("- iam:") || line.starts_with("Action: iam:");
        let granted: Vec<_> = lines.filter(is_action).filter_map(|line| line.split("iam:").nth(1)).collect();
        let granted: BTreeSet<_> = granted.into_iter().collect();
        assert_eq!(granted, Operation::ALL.iter().map(|operation| operation.name()).collect());
    }
}
