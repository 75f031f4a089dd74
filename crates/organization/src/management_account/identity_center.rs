//! The seam to IAM Identity Center and its identity store. Reads only: what there is to write is native CloudFormation.

use super::tags::Tags;
use custom_resource::Result;
use std::fmt;

/// The region of the stack, which its template refuses anywhere else. Identity Center manages permission sets in the
/// region of its instance only.
pub const REGION: &str = "us-east-1";

/// The service principal of Identity Center's trusted access to an organization.
/// <https://docs.aws.amazon.com/organizations/latest/userguide/services-that-can-integrate-sso.html>
pub const IDENTITY_CENTER_SERVICE: &str = "sso.amazonaws.com";

/// An instance, as `ListInstances` shows it to this account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    pub arn: String,
    /// Such as `d-1234567890`.
    pub identity_store_id: String,
    pub owner_account_id: String,
    /// `ACTIVE`, `CREATE_IN_PROGRESS`, `CREATE_FAILED`, `DELETE_IN_PROGRESS`; an open list. Blank if AWS does not say.
    pub status: String,
    /// Where it was enabled. An instance can be replicated to further regions, which only read. Blank if AWS does not say.
    pub primary_region: String,
}

impl Instance {
    /// Whether it can be managed in the region of the stack.
    pub fn is_here(&self) -> bool {
        self.primary_region.is_empty() || self.primary_region == REGION
    }

    /// Whether it can be managed now.
    pub fn is_usable(&self) -> bool {
        self.is_here() && ["ACTIVE", ""].contains(&&*self.status)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalType {
    User,
    Group,
}

impl PrincipalType {
    /// As `AWS::SSO::Assignment` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Group => "GROUP",
        }
    }
}

/// Who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub principal_type: PrincipalType,
    /// The `userName` of a user, the `displayName` of a group.
    pub name: String,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.principal_type {
            PrincipalType::User => "user",
            PrincipalType::Group => "group",
        };
        write!(f, "{word} '{}'", self.name)
    }
}

/// A permission set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet {
    pub arn: String,
    pub tags: Tags,
}

/// IAM Identity Center, as the management account sees it.
///
/// The rules are those of [`ManagementAccount`](super::ManagementAccount).
#[expect(async_fn_in_trait, reason = "the runtime has one thread: no future needs to be Send")]
pub trait IdentityCenter {
    /// `ListInstances` in the region of the stack.
    async fn instances(&self) -> Result<Vec<Instance>>;
    /// `ListInstances` in the other regions that every account has: those with an instance. A region that does not answer
    /// counts as one without, because the answer is for a sentence only.
    async fn regions_with_instance(&self) -> Result<Vec<String>>;
    /// `GetUserId` by `userName`, or `GetGroupId` by `displayName`. `None` if there is no such user or group.
    async fn principal_id(&self, identity_store_id: &str, principal: &Principal) -> Result<Option<String>>;
    /// `ListPermissionSets`, and `DescribePermissionSet` until the name is found; then `ListTagsForResource`.
    async fn permission_set(&self, instance_arn: &str, name: &str) -> Result<Option<PermissionSet>>;
    /// `ListAccountAssignments`: the ids of the principals that have the permission set in the account.
    async fn assigned_principals(
        &self,
        instance_arn: &str,
        permission_set_arn: &str,
        account_id: &str,
    ) -> Result<Vec<String>>;
}
