//! The seam to AWS: what this function reads and writes in the management account, and nothing else.
//!
//! Everything is in the services' own terms. [`aws`] is the adapter to the real services. The tests have a stateful fake
//! with their rules, and decorators that fail on demand.

use contacts::AlternateContacts;
use custom_resource::Result;
use identity_center::IdentityCenter;
use std::fmt;
use std::time::SystemTime;

pub mod aws;
pub mod contacts;
pub mod identity_center;
mod tags;

pub use tags::{STACK_ID, Tags};

/// An organization, as `DescribeOrganization` shows it to each of its accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationDescription {
    /// Such as `o-exampleorgid`.
    pub id: String,
    /// 12 digits.
    pub management_account_id: String,
    pub management_account_email: String,
    /// `FeatureSet`: `ALL` or `CONSOLIDATED_BILLING`.
    pub feature_set: String,
}

/// An account of the organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDescription {
    /// 12 digits.
    pub id: String,
    pub arn: String,
    pub name: String,
    pub email: String,
    pub state: AccountState,
}

/// `Account.State`. <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountState {
    PendingActivation,
    Active,
    Suspended,
    PendingClosure,
    Closed,
    /// A state that this release does not know.
    Other(String),
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PendingActivation => "PENDING_ACTIVATION",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
            Self::Closed => "CLOSED",
            Self::Other(state) => state,
        })
    }
}

/// What `CreateAccount` is to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    pub email: String,
    pub name: String,
    /// The role in the new account that trusts the management account.
    pub role_name: String,
    /// For the tag [`STACK_ID`].
    pub stack_id: String,
}

/// A creation of an account, as its status shows it. It shows neither the email address nor who requested it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCreation {
    /// Such as `car-examplecreateaccountrequestid111`.
    pub id: String,
    pub account_name: String,
    pub progress: CreationProgress,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreationProgress {
    InProgress,
    Succeeded {
        account_id: String,
        completed: SystemTime,
    },
    /// `FailureReason`, an open list.
    Failed {
        reason: String,
    },
}

/// What CloudFormation says of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackResource {
    /// `ResourceStatus`, such as `CREATE_IN_PROGRESS`.
    pub status: String,
    /// Blank if CloudFormation does not know it yet.
    pub physical_id: String,
    pub last_updated: SystemTime,
}

/// `GetAccountPlanState`: which plan of AWS this account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountPlan {
    Free,
    Paid,
}

/// What `GetAccountSummary` says of the root user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootUser {
    pub has_mfa: bool,
    pub has_access_keys: bool,
    /// `None` if AWS does not say.
    pub has_password: Option<bool>,
}

/// `GetAccountPasswordPolicy`: what it demands of a password that is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    pub minimum_length: i32,
}

/// A StackSet that deploys by itself to accounts that join its organizational units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackSet {
    pub name: String,
    /// Ids of organizational units or of the root.
    pub organizational_unit_ids: Vec<String>,
}

/// The management account, and the organization seen from it.
///
/// If the object of a read does not exist, the result is `None` where it is an `Option`, and an error of kind
/// [`Gone`](custom_resource::Kind::Gone) otherwise. Lists are complete: the implementation reads all pages, blank ones
/// too. Reads may be older than the writes before them.
///
/// Errors carry a kind and the failed call, not yet a sentence for the customer.
#[expect(async_fn_in_trait, reason = "the runtime has one thread: no future needs to be Send")]
pub trait ManagementAccount: AlternateContacts + IdentityCenter {
    /// `DescribeOrganization`; `None` if this account is in no organization.
    async fn organization(&self) -> Result<Option<OrganizationDescription>>;
    /// `ListRoots`: the id of the root, such as `r-exam`.
    async fn root(&self) -> Result<String>;
    /// `ListAccounts`: in every state.
    async fn accounts(&self) -> Result<Vec<AccountDescription>>;
    /// `ListTagsForResource` of an account.
    async fn account_tags(&self, account_id: &str) -> Result<Tags>;
    /// `ListParents` of an account or an organizational unit. `None` if there is no such child.
    async fn parent(&self, child_id: &str) -> Result<Option<String>>;
    /// `ListCreateAccountStatus`: the creations in progress, and those that succeeded.
    async fn account_creations(&self) -> Result<Vec<AccountCreation>>;
    /// `DescribeCreateAccountStatus`.
    async fn account_creation(&self, creation_id: &str) -> Result<AccountCreation>;
    /// `ListHandshakesForOrganization`: how many invitations to accounts are open. They count as accounts.
    async fn open_invitations(&self) -> Result<usize>;
    /// `ListPoliciesForTarget` and `DescribePolicy`: the documents of the service control policies that are attached to
    /// a root, an organizational unit or an account.
    async fn service_control_policies(&self, target_id: &str) -> Result<Vec<String>>;
    /// `ListDelegatedAdministrators` of a service: ids of accounts.
    async fn delegated_administrators(&self, service_principal: &str) -> Result<Vec<String>>;
    /// `ListAWSServiceAccessForOrganization`: the principals of the services that have trusted access.
    async fn trusted_services(&self) -> Result<Vec<String>>;
    /// `GetServiceQuota`: how many accounts the organization may have.
    async fn account_quota(&self) -> Result<usize>;
    /// `GetAccountPlanState`.
    async fn plan(&self) -> Result<AccountPlan>;

    /// `GetGroup`: the names of its members. `None` if there is no such group.
    async fn group_members(&self, group_name: &str) -> Result<Option<Vec<String>>>;
    /// `GetUser`: whether there is an IAM user of that name.
    async fn has_user(&self, user_name: &str) -> Result<bool>;
    /// `GetRole`: whether there is a role of that name, whatever its path.
    async fn has_role(&self, role_name: &str) -> Result<bool>;
    /// `GetAccountSummary`.
    async fn root_user(&self) -> Result<RootUser>;
    /// `GetAccountPasswordPolicy`. `None` if the account has none of its own.
    async fn password_policy(&self) -> Result<Option<PasswordPolicy>>;

    /// `ListStackSets` and `DescribeStackSet`: those whose name begins with `prefix` and that deploy by themselves.
    async fn automatic_stack_sets(&self, prefix: &str) -> Result<Vec<StackSet>>;
    /// `DescribeStackResource`. `None` if the stack or the resource is not there.
    async fn stack_resource(&self, stack_id: &str, logical_id: &str) -> Result<Option<StackResource>>;
    /// `DescribeStacks`: the `StackStatus`, such as `UPDATE_ROLLBACK_IN_PROGRESS`.
    async fn stack_status(&self, stack_id: &str) -> Result<String>;

    /// `CreateOrganization` with all features.
    async fn create_organization(&self) -> Result<()>;
    /// `CreateAccount`: begins the creation.
    async fn create_account(&self, account: &NewAccount) -> Result<AccountCreation>;
    /// `MoveAccount`.
    async fn move_account(&self, account_id: &str, from: &str, to: &str) -> Result<()>;
    /// `UntagResource` of the tag [`STACK_ID`] on an account.
    async fn untag_account(&self, account_id: &str) -> Result<()>;
}
