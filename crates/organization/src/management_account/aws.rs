//! The adapter to the real services: SDK calls in, plain values and kinds of error out.
//!
//! It decides one thing only: which [`Kind`] an AWS error code is. It writes no sentence for the customer.

use super::{
    AccountCreation, AccountDescription, AccountPlan, AccountState, CreationProgress, ManagementAccount, NewAccount,
    OrganizationDescription, PasswordPolicy, RootUser, STACK_ID, StackResource, StackSet, Tags,
};
use aws_sdk_cloudformation::types::StackSetStatus;
use aws_sdk_freetier::types::AccountPlanType;
use aws_sdk_iam::types::SummaryKeyType;
use aws_sdk_organizations::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_organizations::operation::RequestId;
use aws_sdk_organizations::operation::create_account::CreateAccountError;
use aws_sdk_organizations::operation::create_organization::CreateOrganizationError;
use aws_sdk_organizations::types::{
    Account, CreateAccountState, CreateAccountStatus, HandshakeState, OrganizationFeatureSet, PolicyType, Tag,
};
use aws_smithy_async::future::pagination_stream::PaginationStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::SdkConfig;
use custom_resource::call::{self, malformed};
use custom_resource::error::FailedCall;
use custom_resource::{Error, Kind, Result};
use std::time::SystemTime;

mod contacts;
mod identity_center;

/// The quota of accounts in an organization.
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>
const ACCOUNT_QUOTA: (&str, &str) = ("organizations", "L-29A0C5DF");

/// The management account, as the function's own role sees it.
#[derive(Clone, Debug)]
pub struct AwsManagementAccount {
    organizations: aws_sdk_organizations::Client,
    iam: aws_sdk_iam::Client,
    cloudformation: aws_sdk_cloudformation::Client,
    quotas: aws_sdk_servicequotas::Client,
    free_tier: aws_sdk_freetier::Client,
    identity_center: aws_sdk_ssoadmin::Client,
    identity_store: aws_sdk_identitystore::Client,
    contacts: aws_sdk_account::Client,
}

impl AwsManagementAccount {
    pub fn new(configuration: &SdkConfig) -> Self {
        Self {
            organizations: aws_sdk_organizations::Client::new(configuration),
            iam: aws_sdk_iam::Client::new(configuration),
            cloudformation: aws_sdk_cloudformation::Client::new(configuration),
            quotas: aws_sdk_servicequotas::Client::new(configuration),
            free_tier: aws_sdk_freetier::Client::new(configuration),
            identity_center: aws_sdk_ssoadmin::Client::new(configuration),
            identity_store: aws_sdk_identitystore::Client::new(configuration),
            contacts: aws_sdk_account::Client::new(configuration),
        }
    }
}

impl ManagementAccount for AwsManagementAccount {
    async fn organization(&self) -> Result<Option<OrganizationDescription>> {
        let answer = self.organizations.describe_organization().send().await.map_err(failed("DescribeOrganization"));
        let Some(answer) = if_there(answer)? else { return Ok(None) };
        let organization = answer.organization.ok_or_else(|| malformed("DescribeOrganization", "no organization"))?;
        Ok(Some(OrganizationDescription {
            id: organization.id.unwrap_or_default(),
            management_account_id: organization.master_account_id.unwrap_or_default(),
            management_account_email: organization.master_account_email.unwrap_or_default(),
            feature_set: organization.feature_set.map(|set| set.as_str().to_owned()).unwrap_or_default(),
        }))
    }

    async fn root(&self) -> Result<String> {
        let pages = self.organizations.list_roots().into_paginator().send();
        let roots = all(pages, "ListRoots", |page| page.roots).await?;
        roots.into_iter().find_map(|root| root.id).ok_or_else(|| malformed("ListRoots", "no root"))
    }

    async fn accounts(&self) -> Result<Vec<AccountDescription>> {
        let pages = self.organizations.list_accounts().into_paginator().send();
        Ok(all(pages, "ListAccounts", |page| page.accounts).await?.into_iter().map(description).collect())
    }

    async fn account_tags(&self, account_id: &str) -> Result<Tags> {
        let call = self.organizations.list_tags_for_resource().resource_id(account_id);
        let tags = all(call.into_paginator().send(), "ListTagsForResource", |page| page.tags).await?;
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn parent(&self, child_id: &str) -> Result<Option<String>> {
        let pages = self.organizations.list_parents().child_id(child_id).into_paginator().send();
        let parents = if_there(all(pages, "ListParents", |page| page.parents).await)?.unwrap_or_default();
        Ok(parents.into_iter().find_map(|parent| parent.id))
    }

    async fn account_creations(&self) -> Result<Vec<AccountCreation>> {
        let states = [CreateAccountState::InProgress, CreateAccountState::Succeeded];
        let call = self.organizations.list_create_account_status().set_states(Some(states.to_vec()));
        let pages = call.into_paginator().send();
        let statuses = all(pages, "ListCreateAccountStatus", |page| page.create_account_statuses).await?;
        Ok(statuses.into_iter().map(creation).collect())
    }

    async fn account_creation(&self, creation_id: &str) -> Result<AccountCreation> {
        let call = self.organizations.describe_create_account_status().create_account_request_id(creation_id);
        let answer = call.send().await.map_err(failed("DescribeCreateAccountStatus"))?;
        let status = answer.create_account_status;
        status.map(creation).ok_or_else(|| malformed("DescribeCreateAccountStatus", "no status"))
    }

    async fn open_invitations(&self) -> Result<usize> {
        let pages = self.organizations.list_handshakes_for_organization().into_paginator().send();
        let handshakes = all(pages, "ListHandshakesForOrganization", |page| page.handshakes).await?;
        let is_open = |state: &HandshakeState| matches!(state, HandshakeState::Open | HandshakeState::Requested);
        Ok(handshakes.iter().filter(|handshake| handshake.state.as_ref().is_some_and(is_open)).count())
    }

    async fn service_control_policies(&self, target_id: &str) -> Result<Vec<String>> {
        let call = self.organizations.list_policies_for_target().target_id(target_id);
        let pages = call.filter(PolicyType::ServiceControlPolicy).into_paginator().send();
        let mut documents = Vec::new();
        for policy in all(pages, "ListPoliciesForTarget", |page| page.policies).await? {
            let policy_id = policy.id.unwrap_or_default();
            let answer = self.organizations.describe_policy().policy_id(policy_id).send().await;
            let policy = answer.map_err(failed("DescribePolicy"))?.policy;
            documents.extend(policy.and_then(|policy| policy.content));
        }
        Ok(documents)
    }

    async fn delegated_administrators(&self, service_principal: &str) -> Result<Vec<String>> {
        let call = self.organizations.list_delegated_administrators().service_principal(service_principal);
        let pages = call.into_paginator().send();
        let all = all(pages, "ListDelegatedAdministrators", |page| page.delegated_administrators).await?;
        Ok(all.into_iter().filter_map(|administrator| administrator.id).collect())
    }

    async fn trusted_services(&self) -> Result<Vec<String>> {
        let pages = self.organizations.list_aws_service_access_for_organization().into_paginator().send();
        let all = all(pages, "ListAWSServiceAccessForOrganization", |page| page.enabled_service_principals).await?;
        Ok(all.into_iter().filter_map(|service| service.service_principal).collect())
    }

    async fn account_quota(&self) -> Result<usize> {
        let (service, quota) = ACCOUNT_QUOTA;
        let answer = self.quotas.get_service_quota().service_code(service).quota_code(quota).send().await;
        let value = answer.map_err(failed("GetServiceQuota"))?.quota.and_then(|quota| quota.value);
        // Quotas are small whole numbers in a floating-point field.
        value.map(|value| value as usize).ok_or_else(|| malformed("GetServiceQuota", "no value"))
    }

    async fn plan(&self) -> Result<AccountPlan> {
        let answer = self.free_tier.get_account_plan_state().send().await.map_err(failed("GetAccountPlanState"));
        let answer = match answer {
            // An account from before there were plans.
            Err(error) if error.is("ResourceNotFoundException") => return Ok(AccountPlan::Paid),
            answer => answer?,
        };
        match answer.account_plan_type {
            AccountPlanType::Free => Ok(AccountPlan::Free),
            AccountPlanType::Paid => Ok(AccountPlan::Paid),
            _ => Err(malformed("GetAccountPlanState", "a plan that this release does not know")),
        }
    }

    async fn group_members(&self, group_name: &str) -> Result<Option<Vec<String>>> {
        let mut pages = self.iam.get_group().group_name(group_name).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            match if_there(page.map_err(failed("GetGroup")))? {
                Some(page) => names.extend(page.users.into_iter().map(|user| user.user_name)),
                None => return Ok(None),
            }
        }
        Ok(Some(names))
    }

    async fn has_user(&self, user_name: &str) -> Result<bool> {
        let answer = self.iam.get_user().user_name(user_name).send().await;
        Ok(if_there(answer.map_err(failed("GetUser")))?.is_some())
    }

    async fn has_role(&self, role_name: &str) -> Result<bool> {
        let answer = self.iam.get_role().role_name(role_name).send().await;
        Ok(if_there(answer.map_err(failed("GetRole")))?.is_some())
    }

    async fn root_user(&self) -> Result<RootUser> {
        let answer = self.iam.get_account_summary().send().await.map_err(failed("GetAccountSummary"))?;
        let summary = answer.summary_map.unwrap_or_default();
        let value = |key| summary.get(&key).map(|value| *value != 0);
        Ok(RootUser {
            has_mfa: value(SummaryKeyType::AccountMfaEnabled).unwrap_or_default(),
            has_access_keys: value(SummaryKeyType::AccountAccessKeysPresent).unwrap_or_default(),
            has_password: value(SummaryKeyType::AccountPasswordPresent),
        })
    }

    async fn password_policy(&self) -> Result<Option<PasswordPolicy>> {
        let answer = self.iam.get_account_password_policy().send().await;
        let answer = if_there(answer.map_err(failed("GetAccountPasswordPolicy")))?;
        let policy = answer.and_then(|answer| answer.password_policy);
        Ok(policy.map(|policy| PasswordPolicy { minimum_length: policy.minimum_password_length.unwrap_or_default() }))
    }

    async fn automatic_stack_sets(&self, prefix: &str) -> Result<Vec<StackSet>> {
        let call = self.cloudformation.list_stack_sets().status(StackSetStatus::Active);
        let mut stack_sets = Vec::new();
        for summary in all(call.into_paginator().send(), "ListStackSets", |page| page.summaries).await? {
            let deploys = summary.auto_deployment.and_then(|deployment| deployment.enabled).unwrap_or_default();
            let Some(name) = summary.stack_set_name.filter(|name| deploys && name.starts_with(prefix)) else {
                continue;
            };
            let answer = self.cloudformation.describe_stack_set().stack_set_name(&name).send().await;
            let stack_set = answer.map_err(failed("DescribeStackSet"))?.stack_set;
            let units = stack_set.and_then(|stack_set| stack_set.organizational_unit_ids).unwrap_or_default();
            stack_sets.push(StackSet { name, organizational_unit_ids: units });
        }
        Ok(stack_sets)
    }

    async fn stack_resource(&self, stack_id: &str, logical_id: &str) -> Result<Option<StackResource>> {
        let call = self.cloudformation.describe_stack_resource().stack_name(stack_id);
        let answer = call.logical_resource_id(logical_id).send().await.map_err(failed("DescribeStackResource"));
        let detail = match answer {
            Ok(answer) => answer.stack_resource_detail,
            // CloudFormation has no other code for a stack or a resource that is not there.
            Err(error) if error.is("ValidationError") => None,
            Err(error) => return Err(error),
        };
        let Some(detail) = detail else { return Ok(None) };
        let updated = detail.last_updated_timestamp.and_then(|time| SystemTime::try_from(time).ok());
        let (Some(status), Some(last_updated)) = (detail.resource_status, updated) else {
            return Err(malformed("DescribeStackResource", "no status or no time"));
        };
        let physical_id = detail.physical_resource_id.unwrap_or_default();
        Ok(Some(StackResource { status: status.as_str().to_owned(), physical_id, last_updated }))
    }

    async fn stack_status(&self, stack_id: &str) -> Result<String> {
        let answer = self.cloudformation.describe_stacks().stack_name(stack_id).send().await;
        let answer = answer.map_err(failed("DescribeStacks"))?;
        let status = answer.stacks().first().and_then(|stack| stack.stack_status());
        Ok(status.map(|status| status.as_str().to_owned()).unwrap_or_default())
    }

    async fn create_organization(&self) -> Result<()> {
        let answer = self.organizations.create_organization().feature_set(OrganizationFeatureSet::All).send().await;
        answer.map(drop).map_err(|error| {
            let reason = match error.as_service_error() {
                Some(CreateOrganizationError::ConstraintViolationException(violation)) => {
                    violation.reason.as_ref().map(|reason| reason.as_str().to_owned())
                }
                _ => None,
            };
            with_reason(failed("CreateOrganization")(error), reason)
        })
    }

    async fn create_account(&self, account: &NewAccount) -> Result<AccountCreation> {
        let tag = Tag::builder().key(STACK_ID).value(&account.stack_id).build();
        let tag = tag.map_err(|error| Error::new(Kind::Bug, format!("The tag cannot be written: {error}.")))?;
        let call = self.organizations.create_account().email(&account.email).account_name(&account.name);
        let answer = call.role_name(&account.role_name).tags(tag).send().await.map_err(|error| {
            let reason = match error.as_service_error() {
                Some(CreateAccountError::ConstraintViolationException(violation)) => {
                    violation.reason.as_ref().map(|reason| reason.as_str().to_owned())
                }
                Some(CreateAccountError::InvalidInputException(invalid)) => {
                    invalid.reason.as_ref().map(|reason| reason.as_str().to_owned())
                }
                _ => None,
            };
            with_reason(failed("CreateAccount")(error), reason)
        })?;
        answer.create_account_status.map(creation).ok_or_else(|| malformed("CreateAccount", "no status"))
    }

    async fn move_account(&self, account_id: &str, from: &str, to: &str) -> Result<()> {
        let call = self.organizations.move_account().account_id(account_id);
        let answer = call.source_parent_id(from).destination_parent_id(to).send().await;
        answer.map(drop).map_err(failed("MoveAccount"))
    }

    async fn untag_account(&self, account_id: &str) -> Result<()> {
        let call = self.organizations.untag_resource().resource_id(account_id).tag_keys(STACK_ID);
        call.send().await.map(drop).map_err(failed("UntagResource"))
    }
}

/// What is in all pages. A page can be blank although others follow.
async fn all<P, I, E>(
    mut pages: PaginationStream<std::result::Result<P, SdkError<E, HttpResponse>>>,
    operation: &'static str,
    items: impl Fn(P) -> Option<Vec<I>>,
) -> Result<Vec<I>>
where
    SdkError<E, HttpResponse>: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        all.extend(items(page.map_err(failed(operation))?).unwrap_or_default());
    }
    Ok(all)
}

/// Turns `Gone` into `None`.
fn if_there<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == Kind::Gone => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed<E>(operation: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> Error
where
    SdkError<E, HttpResponse>: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    call::failed(operation, kind_of)
}

/// The same error, with the `Reason` that AWS gives beside the code in place of the code. The code of every violated
/// constraint is the same, and says nothing.
fn with_reason(error: Error, reason: Option<String>) -> Error {
    match (reason, error.failed_call()) {
        (Some(code), Some(call)) => Error::call(error.kind(), FailedCall { code, ..call.clone() }),
        _ => error,
    }
}

/// The kind of an AWS error code. The codes are those that Organizations, IAM, CloudFormation and Identity Center document for
/// these operations, and those of all services.
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html#API_CreateAccount_Errors>
pub fn kind_of(code: &str, server_error: bool) -> Kind {
    match code {
        "AWSOrganizationsNotInUseException"
        | "AccountNotFoundException"
        | "ChildNotFoundException"
        | "CreateAccountStatusNotFoundException"
        | "DestinationParentNotFoundException"
        | "NoSuchEntity"
        | "ParentNotFoundException"
        | "ResourceNotFoundException"
        | "SourceParentNotFoundException"
        | "TargetNotFoundException" => Kind::Gone,
        "AlreadyInOrganizationException"
        | "ConcurrentModificationException"
        | "ConflictException"
        | "DuplicateAccountException"
        | "FinalizingOrganizationException" => Kind::LookAgain,
        // Of CreateOrganization: the right to its service-linked role is missing, or has not arrived yet.
        "AccessDeniedForDependencyException" => Kind::Denied,
        "ServiceException" => Kind::Unavailable,
        _ => call::kind_of(code, server_error),
    }
}

fn description(account: Account) -> AccountDescription {
    // `Status` is what an older answer has in place of `State`.
    let status = account.status.map(|status| status.as_str().to_owned());
    let state = account.state.map(|state| state.as_str().to_owned()).or(status).unwrap_or_default();
    AccountDescription {
        id: account.id.unwrap_or_default(),
        arn: account.arn.unwrap_or_default(),
        name: account.name.unwrap_or_default(),
        email: account.email.unwrap_or_default(),
        state: match state.as_str() {
            "PENDING_ACTIVATION" => AccountState::PendingActivation,
            "ACTIVE" => AccountState::Active,
            "SUSPENDED" => AccountState::Suspended,
            "PENDING_CLOSURE" => AccountState::PendingClosure,
            "CLOSED" => AccountState::Closed,
            _ => AccountState::Other(state),
        },
    }
}

fn creation(status: CreateAccountStatus) -> AccountCreation {
    let progress = match status.state {
        Some(CreateAccountState::Succeeded) => CreationProgress::Succeeded {
            account_id: status.account_id.unwrap_or_default(),
            completed: status
                .completed_timestamp
                .and_then(|time| SystemTime::try_from(time).ok())
                .unwrap_or(SystemTime::UNIX_EPOCH),
        },
        Some(CreateAccountState::Failed) => CreationProgress::Failed {
            reason: status.failure_reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
        },
        _ => CreationProgress::InProgress,
    };
    AccountCreation {
        id: status.id.unwrap_or_default(),
        account_name: status.account_name.unwrap_or_default(),
        progress,
    }
}
