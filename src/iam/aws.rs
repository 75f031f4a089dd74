//! The adapter to the real IAM: SDK calls in, plain values and kinds of error out.
//!
//! It decides two things only: which [`Kind`] an AWS error code is, and how documents travel (URL-encoded when read).
//! It writes no sentence for the customer.

use crate::iam::{
    AttachedPolicy, Iam, Operation, POLICY_DESCRIPTION, PolicyDescription, PolicyUser, PolicyVersion, ROLE_DESCRIPTION,
    RoleDescription, Tags, Write, kind_of,
};
use aws_sdk_iam::Client;
use aws_sdk_iam::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::operation::RequestId;
use aws_sdk_iam::types::Tag;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::SdkConfig;
use custom_resource::call::{self, malformed};
use custom_resource::error::{Error, Kind, Result};
use custom_resource::sdk::endpoint_url;
use reqwest::Url;
use serde_json::Value;

/// IAM as the holder of some credentials sees it.
#[derive(Clone, Debug)]
pub struct AwsIam(Client);

impl AwsIam {
    pub fn new(configuration: &SdkConfig) -> Self {
        Self(Client::new(configuration))
    }
}

/// Where calls to IAM go: one place for each partition, as the SDK knows. `None` if it does not, which the calls will
/// tell.
pub async fn endpoint(configuration: &SdkConfig) -> Option<Url> {
    let region = configuration.region()?.to_string();
    let params = Params::builder()
        .region(region)
        .use_fips(configuration.use_fips().unwrap_or_default())
        .use_dual_stack(configuration.use_dual_stack().unwrap_or_default())
        .set_endpoint(endpoint_url(configuration, "IAM"));
    let params = params.build().ok()?;
    DefaultResolver::new().resolve_endpoint(&params).await.ok()?.url().parse().ok()
}

/// Turns `Gone` into `None`.
fn if_there<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == Kind::Gone => Ok(None),
        Err(error) => Err(error),
    }
}

impl Iam for AwsIam {
    async fn role(&self, role_name: &str) -> Result<Option<RoleDescription>> {
        let answer = self.0.get_role().role_name(role_name).send().await;
        let Some(answer) = if_there(answer.map_err(failed(Operation::GetRole.name())))? else { return Ok(None) };
        let role = answer.role.ok_or_else(|| malformed(Operation::GetRole.name(), "no role"))?;
        Ok(Some(RoleDescription {
            description: role.description().unwrap_or_default().to_owned(),
            trust: decoded(role.assume_role_policy_document()),
            // IAM's default, which it may leave out.
            max_session_duration: role.max_session_duration().unwrap_or(3600),
            permissions_boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            tags: read_tags(role.tags.unwrap_or_default()),
            arn: role.arn,
        }))
    }

    async fn attached_policies(&self, role_name: &str) -> Result<Vec<AttachedPolicy>> {
        let mut pages = self.0.list_attached_role_policies().role_name(role_name).into_paginator().items().send();
        let mut policies = Vec::new();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(failed(Operation::ListAttachedRolePolicies.name()))?;
            policies.push(AttachedPolicy { arn: policy.policy_arn.unwrap_or_default() });
        }
        Ok(policies)
    }

    async fn inline_policies(&self, role_name: &str) -> Result<Vec<String>> {
        let pages = self.0.list_role_policies().role_name(role_name).into_paginator().items().send();
        pages.collect::<std::result::Result<_, _>>().await.map_err(failed(Operation::ListRolePolicies.name()))
    }

    async fn inline_policy(&self, role_name: &str, policy_name: &str) -> Result<Value> {
        let answer = self.0.get_role_policy().role_name(role_name).policy_name(policy_name).send().await;
        Ok(decoded(Some(&answer.map_err(failed(Operation::GetRolePolicy.name()))?.policy_document)))
    }

    async fn instance_profiles(&self, role_name: &str) -> Result<Vec<String>> {
        let mut pages = self.0.list_instance_profiles_for_role().role_name(role_name).into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(profile) = pages.next().await {
            names.push(profile.map_err(failed(Operation::ListInstanceProfilesForRole.name()))?.instance_profile_name);
        }
        Ok(names)
    }

    async fn policy(&self, policy_arn: &str) -> Result<Option<PolicyDescription>> {
        let answer = self.0.get_policy().policy_arn(policy_arn).send().await;
        let Some(answer) = if_there(answer.map_err(failed(Operation::GetPolicy.name())))? else { return Ok(None) };
        let policy = answer.policy.ok_or_else(|| malformed(Operation::GetPolicy.name(), "no policy"))?;
        Ok(Some(PolicyDescription {
            arn: policy.arn.unwrap_or_else(|| policy_arn.to_owned()),
            default_version_id: policy.default_version_id.unwrap_or_default(),
            description: policy.description.unwrap_or_default(),
            tags: read_tags(policy.tags.unwrap_or_default()),
        }))
    }

    async fn policy_versions(&self, policy_arn: &str) -> Result<Vec<PolicyVersion>> {
        let mut pages = self.0.list_policy_versions().policy_arn(policy_arn).into_paginator().items().send();
        let mut versions = Vec::new();
        while let Some(version) = pages.next().await {
            let version = version.map_err(failed(Operation::ListPolicyVersions.name()))?;
            let (id, is_default) = (version.version_id.unwrap_or_default(), version.is_default_version);
            versions.push(PolicyVersion { id, is_default });
        }
        Ok(versions)
    }

    async fn policy_document(&self, policy_arn: &str, version_id: &str) -> Result<Value> {
        let answer = self.0.get_policy_version().policy_arn(policy_arn).version_id(version_id).send().await;
        let version = answer.map_err(failed(Operation::GetPolicyVersion.name()))?.policy_version;
        Ok(decoded(version.as_ref().and_then(|version| version.document())))
    }

    async fn policy_users(&self, policy_arn: &str) -> Result<Vec<PolicyUser>> {
        let mut pages = self.0.list_entities_for_policy().policy_arn(policy_arn).into_paginator().send();
        let mut users = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(Operation::ListEntitiesForPolicy.name()))?;
            users.extend(page.policy_roles().iter().filter_map(|r| r.role_name()).map(|n| PolicyUser::Role(n.into())));
            users.extend(page.policy_users().iter().filter_map(|u| u.user_name()).map(|n| PolicyUser::User(n.into())));
            users.extend(
                page.policy_groups().iter().filter_map(|g| g.group_name()).map(|n| PolicyUser::Group(n.into())),
            );
        }
        Ok(users)
    }

    async fn write(&self, write: &Write) -> Result<()> {
        let iam = &self.0;
        let operation = write.operation();
        match write {
            Write::CreateRole { role_name, trust, max_session_duration, permissions_boundary, tags } => done(
                operation,
                iam.create_role()
                    .role_name(role_name)
                    .description(ROLE_DESCRIPTION)
                    .assume_role_policy_document(trust.to_string())
                    .max_session_duration(*max_session_duration)
                    .set_permissions_boundary(permissions_boundary.clone())
                    .set_tags(Some(sdk_tags(tags)?))
                    .send()
                    .await,
            ),
            Write::UpdateAssumeRolePolicy { role_name, trust } => done(
                operation,
                iam.update_assume_role_policy().role_name(role_name).policy_document(trust.to_string()).send().await,
            ),
            Write::UpdateRole { role_name, max_session_duration, description } => {
                let call = iam.update_role().role_name(role_name).max_session_duration(*max_session_duration);
                done(operation, call.set_description(description.clone()).send().await)
            }
            Write::PutRolePermissionsBoundary { role_name, policy_arn } => done(
                operation,
                iam.put_role_permissions_boundary().role_name(role_name).permissions_boundary(policy_arn).send().await,
            ),
            Write::DeleteRolePermissionsBoundary { role_name } => {
                done(operation, iam.delete_role_permissions_boundary().role_name(role_name).send().await)
            }
            Write::TagRole { role_name, tags } => {
                done(operation, iam.tag_role().role_name(role_name).set_tags(Some(sdk_tags(tags)?)).send().await)
            }
            Write::UntagRole { role_name, keys } => {
                done(operation, iam.untag_role().role_name(role_name).set_tag_keys(Some(keys.clone())).send().await)
            }
            Write::AttachRolePolicy { role_name, policy_arn } => {
                done(operation, iam.attach_role_policy().role_name(role_name).policy_arn(policy_arn).send().await)
            }
            Write::DetachRolePolicy { role_name, policy_arn } => {
                done(operation, iam.detach_role_policy().role_name(role_name).policy_arn(policy_arn).send().await)
            }
            Write::PutRolePolicy { role_name, policy_name, document } => {
                let call = iam.put_role_policy().role_name(role_name).policy_name(policy_name);
                done(operation, call.policy_document(document.to_string()).send().await)
            }
            Write::DeleteRolePolicy { role_name, policy_name } => {
                done(operation, iam.delete_role_policy().role_name(role_name).policy_name(policy_name).send().await)
            }
            Write::DeleteRole { role_name } => done(operation, iam.delete_role().role_name(role_name).send().await),
            Write::CreatePolicy { policy_name, document, tags } => done(
                operation,
                iam.create_policy()
                    .policy_name(policy_name)
                    .description(POLICY_DESCRIPTION)
                    .policy_document(document.to_string())
                    .set_tags(Some(sdk_tags(tags)?))
                    .send()
                    .await,
            ),
            Write::CreatePolicyVersion { policy_arn, document } => done(
                operation,
                iam.create_policy_version()
                    .policy_arn(policy_arn)
                    .policy_document(document.to_string())
                    .set_as_default(true)
                    .send()
                    .await,
            ),
            Write::SetDefaultPolicyVersion { policy_arn, version_id } => {
                let call = iam.set_default_policy_version().policy_arn(policy_arn).version_id(version_id);
                done(operation, call.send().await)
            }
            Write::DeletePolicyVersion { policy_arn, version_id } => {
                done(operation, iam.delete_policy_version().policy_arn(policy_arn).version_id(version_id).send().await)
            }
            Write::TagPolicy { policy_arn, tags } => {
                done(operation, iam.tag_policy().policy_arn(policy_arn).set_tags(Some(sdk_tags(tags)?)).send().await)
            }
            Write::UntagPolicy { policy_arn, keys } => {
                done(operation, iam.untag_policy().policy_arn(policy_arn).set_tag_keys(Some(keys.clone())).send().await)
            }
            Write::DeletePolicy { policy_arn } => {
                done(operation, iam.delete_policy().policy_arn(policy_arn).send().await)
            }
        }
    }
}

fn done<T, E>(operation: Operation, result: std::result::Result<T, SdkError<E, HttpResponse>>) -> Result<()>
where
    SdkError<E, HttpResponse>: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    result.map(drop).map_err(failed(operation.name()))
}

/// An SDK error as ours.
pub(crate) fn failed<E>(operation: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> Error
where
    SdkError<E, HttpResponse>: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    call::failed(operation, kind_of)
}

/// IAM answers documents URL-encoded (RFC 3986).
fn decoded(document: Option<&str>) -> Value {
    let text = percent_encoding::percent_decode_str(document.unwrap_or_default()).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or_default()
}

fn read_tags(tags: Vec<Tag>) -> Tags {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: std::result::Result<_, _> = tags.iter().map(tag).collect();
    tags.map_err(|error| Error::new(Kind::Bug, format!("A tag cannot be written: {error}. Check Tags, then retry.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_iam::operation::get_role::GetRoleError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_types::region::Region;
    use custom_resource::resolver::Unresolved;
    use std::io;

    #[test]
    fn a_name_that_is_not_resolved_is_told_by_its_type_and_may_be_tried_again() {
        let failed = |cause| failed::<GetRoleError>("GetRole")(SdkError::dispatch_failure(ConnectorError::io(cause)));
        let error = failed(Unresolved::new("iam.amazonaws.com", io::Error::other("SERVFAIL")).into());
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(error.unresolved().unwrap().contains("the name iam.amazonaws.com could not be resolved"), "{error}");
        let other = failed("the name iam.amazonaws.com could not be resolved".into());
        assert_eq!((other.kind(), other.unresolved()), (Kind::Unavailable, None));
    }

    #[tokio::test]
    async fn connections_are_opened_to_the_endpoint_that_the_calls_use() {
        for (region, use_fips, url) in [
            ("eu-central-1", false, "https://iam.amazonaws.com/"),
            ("us-gov-west-1", false, "https://iam.us-gov.amazonaws.com/"),
            ("us-east-1", true, "https://iam-fips.amazonaws.com/"),
        ] {
            let configuration = SdkConfig::builder().region(Region::new(region)).use_fips(use_fips).build();
            assert_eq!(endpoint(&configuration).await.unwrap().as_str(), url);
        }
        assert_eq!(endpoint(&SdkConfig::builder().build()).await, None);
    }
}
