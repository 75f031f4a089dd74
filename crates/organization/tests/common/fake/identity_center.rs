//! IAM Identity Center with the rules that the function sees: instances by region, an identity store by instance,
//! permission sets with tags, assignments.

use super::{FakeManagementAccount, OWN, World, failed};
use custom_resource::Result;
use orchestera_organization::management_account::identity_center::{
    IDENTITY_CENTER_SERVICE, IdentityCenter, Instance, PermissionSet, Principal, PrincipalType, REGION,
};
use std::collections::BTreeMap;

pub const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-7223b8a1c2d3e4f5";
pub const IDENTITY_STORE: &str = "d-9067123456";
pub const SET: &str = "arn:aws:sso:::permissionSet/ssoins-7223b8a1c2d3e4f5/ps-1234567890abcdef";
pub const GROUP_ID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
pub const USER_ID: &str = "0a1b2c3d-7dec-11d0-a765-00a0c91e6bf6";

/// What exists of Identity Center.
#[derive(Clone, Debug, Default)]
pub struct IdentityCenterWorld {
    /// With the region of each.
    pub instances: Vec<(String, Instance)>,
    /// Ids of users by `userName`, of groups by `displayName`.
    pub users: BTreeMap<String, String>,
    pub groups: BTreeMap<String, String>,
    /// By name.
    pub permission_sets: BTreeMap<String, PermissionSet>,
    /// Permission set, account, principal.
    pub assignments: Vec<(String, String, String)>,
}

/// An instance that this account owns.
pub fn instance() -> Instance {
    Instance {
        arn: INSTANCE.into(),
        identity_store_id: IDENTITY_STORE.into(),
        owner_account_id: OWN.into(),
        status: "ACTIVE".into(),
        primary_region: String::new(),
    }
}

impl World {
    /// Enables Identity Center as the console does, with the group `Administrators` and the user `ann`.
    pub fn enable_identity_center(&mut self) {
        self.trusted_services.insert(IDENTITY_CENTER_SERVICE.into());
        self.identity_center.instances = vec![(REGION.into(), instance())];
        self.identity_center.groups.insert("Administrators".into(), GROUP_ID.into());
        self.identity_center.users.insert("ann".into(), USER_ID.into());
    }

    /// A permission set that somebody created. A blank tag is none.
    pub fn add_permission_set(&mut self, name: &str, stack_id: &str) {
        let tag = ("orchestera:stack-id".to_owned(), stack_id.to_owned());
        let tags = Some(tag).filter(|_| !stack_id.is_empty()).into_iter().collect();
        self.identity_center.permission_sets.insert(name.into(), PermissionSet { arn: SET.into(), tags });
    }

    pub fn assign(&mut self, account_id: &str, principal_id: &str) {
        self.identity_center.assignments.push((SET.into(), account_id.into(), principal_id.into()));
    }

    fn require_instance(&self, operation: &'static str, arn: &str) -> Result<()> {
        match self.identity_center.instances.iter().any(|(region, instance)| region == REGION && instance.arn == arn) {
            true => Ok(()),
            false => Err(failed(operation, "ResourceNotFoundException")),
        }
    }
}

impl IdentityCenter for FakeManagementAccount {
    async fn instances(&self) -> Result<Vec<Instance>> {
        self.call("ListInstances", |world| {
            let here = world.identity_center.instances.iter().filter(|(region, _)| region == REGION);
            Ok(here.map(|(_, instance)| instance.clone()).collect())
        })
        .await
    }

    async fn regions_with_instance(&self) -> Result<Vec<String>> {
        let regions = self
            .call("ListInstances", |world| {
                let others = world.identity_center.instances.iter().filter(|(region, _)| region != REGION);
                Ok(others.map(|(region, _)| region.clone()).collect())
            })
            .await;
        // A region that does not answer counts as one without.
        Ok(regions.unwrap_or_default())
    }

    async fn principal_id(&self, identity_store_id: &str, principal: &Principal) -> Result<Option<String>> {
        let operation = match principal.principal_type {
            PrincipalType::User => "GetUserId",
            PrincipalType::Group => "GetGroupId",
        };
        self.call(operation, |world| {
            let center = &world.identity_center;
            if !center.instances.iter().any(|(_, instance)| instance.identity_store_id == identity_store_id) {
                return Ok(None);
            }
            let names = match principal.principal_type {
                PrincipalType::User => &center.users,
                PrincipalType::Group => &center.groups,
            };
            Ok(names.get(&principal.name).cloned())
        })
        .await
    }

    async fn permission_set(&self, instance_arn: &str, name: &str) -> Result<Option<PermissionSet>> {
        self.call("ListPermissionSets", |world| world.require_instance("ListPermissionSets", instance_arn)).await?;
        let sets = self.world.borrow().identity_center.permission_sets.clone();
        for (other, set) in sets {
            self.call("DescribePermissionSet", |_| Ok(())).await?;
            if other == name {
                self.call("ListTagsForResource", |_| Ok(())).await?;
                return Ok(Some(set));
            }
        }
        Ok(None)
    }

    async fn assigned_principals(
        &self,
        instance_arn: &str,
        permission_set_arn: &str,
        account_id: &str,
    ) -> Result<Vec<String>> {
        self.call("ListAccountAssignments", |world| {
            world.require_instance("ListAccountAssignments", instance_arn)?;
            let assignments = &world.identity_center.assignments;
            let here =
                assignments.iter().filter(|(set, account, _)| set == permission_set_arn && account == account_id);
            Ok(here.map(|(_, _, principal)| principal.clone()).collect())
        })
        .await
    }
}
