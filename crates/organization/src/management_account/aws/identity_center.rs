//! The adapter to IAM Identity Center and its identity store.

use super::{AwsManagementAccount, all, failed, if_there};
use crate::management_account::identity_center::{
    IdentityCenter, Instance, PermissionSet, Principal, PrincipalType, REGION,
};
use aws_sdk_identitystore::types::{AlternateIdentifier, UniqueAttribute};
use aws_sdk_ssoadmin::config::Region;
use aws_sdk_ssoadmin::types::InstanceMetadata;
use aws_smithy_types::Document;
use custom_resource::call::malformed;
use custom_resource::{Error, Kind, Result};
use tokio::task::JoinSet;

/// The regions that every account has without asking for them.
/// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>
const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

impl IdentityCenter for AwsManagementAccount {
    async fn instances(&self) -> Result<Vec<Instance>> {
        instances(&self.identity_center).await
    }

    async fn regions_with_instance(&self) -> Result<Vec<String>> {
        let mut looks = JoinSet::new();
        for region in REGIONS.into_iter().filter(|region| *region != REGION) {
            let configuration = self.identity_center.config().to_builder().region(Region::from_static(region)).build();
            let client = aws_sdk_ssoadmin::Client::from_conf(configuration);
            looks.spawn(async move { (region, instances(&client).await) });
        }
        let mut regions = Vec::new();
        while let Some(look) = looks.join_next().await {
            if let Ok((region, Ok(instances))) = look
                && !instances.is_empty()
            {
                regions.push(region.to_owned());
            }
        }
        regions.sort_unstable();
        Ok(regions)
    }

    async fn principal_id(&self, identity_store_id: &str, principal: &Principal) -> Result<Option<String>> {
        let attribute = |path: &str| {
            let attribute = UniqueAttribute::builder().attribute_path(path);
            let attribute = attribute.attribute_value(Document::String(principal.name.clone())).build();
            attribute
                .map(AlternateIdentifier::UniqueAttribute)
                .map_err(|error| Error::new(Kind::Bug, format!("The user or group cannot be looked for: {error}.")))
        };
        match principal.principal_type {
            PrincipalType::User => {
                let call = self.identity_store.get_user_id().identity_store_id(identity_store_id);
                let answer = call.alternate_identifier(attribute("userName")?).send().await;
                Ok(if_there(answer.map_err(failed("GetUserId")))?.map(|answer| answer.user_id))
            }
            PrincipalType::Group => {
                let call = self.identity_store.get_group_id().identity_store_id(identity_store_id);
                let answer = call.alternate_identifier(attribute("displayName")?).send().await;
                Ok(if_there(answer.map_err(failed("GetGroupId")))?.map(|answer| answer.group_id))
            }
        }
    }

    async fn permission_set(&self, instance_arn: &str, name: &str) -> Result<Option<PermissionSet>> {
        let pages = self.identity_center.list_permission_sets().instance_arn(instance_arn).into_paginator().send();
        for arn in all(pages, "ListPermissionSets", |page| page.permission_sets).await? {
            let call = self.identity_center.describe_permission_set().instance_arn(instance_arn);
            let answer = call.permission_set_arn(&arn).send().await.map_err(failed("DescribePermissionSet"));
            // It may have been deleted since.
            let set = if_there(answer)?.and_then(|answer| answer.permission_set);
            if set.is_none_or(|set| set.name.as_deref() != Some(name)) {
                continue;
            }
            let call = self.identity_center.list_tags_for_resource().instance_arn(instance_arn).resource_arn(&arn);
            let tags = all(call.into_paginator().send(), "ListTagsForResource", |page| page.tags).await?;
            return Ok(Some(PermissionSet { arn, tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect() }));
        }
        Ok(None)
    }

    async fn assigned_principals(
        &self,
        instance_arn: &str,
        permission_set_arn: &str,
        account_id: &str,
    ) -> Result<Vec<String>> {
        let call = self.identity_center.list_account_assignments().instance_arn(instance_arn);
        let call = call.permission_set_arn(permission_set_arn).account_id(account_id);
        let pages = call.into_paginator().send();
        let assignments = if_there(all(pages, "ListAccountAssignments", |page| page.account_assignments).await)?;
        Ok(assignments.unwrap_or_default().into_iter().filter_map(|one| one.principal_id).collect())
    }
}

async fn instances(client: &aws_sdk_ssoadmin::Client) -> Result<Vec<Instance>> {
    let pages = client.list_instances().into_paginator().send();
    all(pages, "ListInstances", |page| page.instances).await?.into_iter().map(instance).collect()
}

fn instance(metadata: InstanceMetadata) -> Result<Instance> {
    let (Some(arn), Some(identity_store_id)) = (metadata.instance_arn, metadata.identity_store_id) else {
        return Err(malformed("ListInstances", "no ARN or no identity store"));
    };
    Ok(Instance {
        arn,
        identity_store_id,
        owner_account_id: metadata.owner_account_id.unwrap_or_default(),
        status: metadata.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        primary_region: metadata.primary_region.unwrap_or_default(),
    })
}
