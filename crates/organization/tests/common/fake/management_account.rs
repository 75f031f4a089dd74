//! What each call of Organizations, IAM, CloudFormation, Service Quotas and Free Tier does in the world.

use super::{Creation, FakeManagementAccount, ROOT, failed};
use custom_resource::Result;
use orchestera_organization::management_account::{
    AccountCreation, AccountDescription, AccountPlan, CreationProgress, ManagementAccount, NewAccount,
    OrganizationDescription, PasswordPolicy, RootUser, STACK_ID, StackResource, StackSet, Tags,
};
use tokio::time::Instant;

impl ManagementAccount for FakeManagementAccount {
    async fn organization(&self) -> Result<Option<OrganizationDescription>> {
        self.call("DescribeOrganization", |world| Ok(world.organization.clone())).await
    }

    async fn root(&self) -> Result<String> {
        self.call("ListRoots", |world| world.require_organization("ListRoots").map(|()| ROOT.to_owned())).await
    }

    async fn accounts(&self) -> Result<Vec<AccountDescription>> {
        self.call("ListAccounts", |world| {
            world.require_organization("ListAccounts")?;
            let now = Instant::now();
            let listed = world.accounts.iter().filter(|account| account.listed <= now);
            Ok(listed.map(|account| account.description.clone()).collect())
        })
        .await
    }

    async fn account_tags(&self, account_id: &str) -> Result<Tags> {
        self.call("ListTagsForResource", |world| {
            world.require_organization("ListTagsForResource")?;
            let account = world.account(account_id);
            account
                .map(|account| account.tags.clone())
                .ok_or_else(|| failed("ListTagsForResource", "TargetNotFoundException"))
        })
        .await
    }

    async fn parent(&self, child_id: &str) -> Result<Option<String>> {
        self.call("ListParents", |world| {
            world.require_organization("ListParents")?;
            let unit = world.units.get(child_id).cloned();
            Ok(unit.or_else(|| world.account(child_id).map(|account| account.parent.clone())))
        })
        .await
    }

    async fn account_creations(&self) -> Result<Vec<AccountCreation>> {
        self.call("ListCreateAccountStatus", |world| {
            world.require_organization("ListCreateAccountStatus")?;
            let failed = |creation: &&Creation| matches!(creation.status.progress, CreationProgress::Failed { .. });
            Ok(world.creations.iter().filter(|one| !failed(one)).map(|creation| creation.status.clone()).collect())
        })
        .await
    }

    async fn account_creation(&self, creation_id: &str) -> Result<AccountCreation> {
        self.call("DescribeCreateAccountStatus", |world| {
            let creation = world.creations.iter().find(|creation| creation.status.id == creation_id);
            let missing = || failed("DescribeCreateAccountStatus", "CreateAccountStatusNotFoundException");
            creation.map(|creation| creation.status.clone()).ok_or_else(missing)
        })
        .await
    }

    async fn open_invitations(&self) -> Result<usize> {
        self.call("ListHandshakesForOrganization", |world| Ok(world.open_invitations)).await
    }

    async fn service_control_policies(&self, target_id: &str) -> Result<Vec<String>> {
        self.call("ListPoliciesForTarget", |world| Ok(world.policies.get(target_id).cloned().unwrap_or_default())).await
    }

    async fn delegated_administrators(&self, _: &str) -> Result<Vec<String>> {
        self.call("ListDelegatedAdministrators", |world| Ok(world.delegated_administrators.clone())).await
    }

    async fn trusted_services(&self) -> Result<Vec<String>> {
        self.call("ListAWSServiceAccessForOrganization", |world| {
            world.require_organization("ListAWSServiceAccessForOrganization")?;
            Ok(world.trusted_services.iter().cloned().collect())
        })
        .await
    }

    async fn account_quota(&self) -> Result<usize> {
        self.call("GetServiceQuota", |world| Ok(world.quota)).await
    }

    async fn plan(&self) -> Result<AccountPlan> {
        self.call("GetAccountPlanState", |world| Ok(world.plan)).await
    }

    async fn group_members(&self, group_name: &str) -> Result<Option<Vec<String>>> {
        self.call("GetGroup", |world| Ok(world.groups.get(group_name).cloned())).await
    }

    async fn has_user(&self, user_name: &str) -> Result<bool> {
        self.call("GetUser", |world| Ok(world.users.contains(user_name))).await
    }

    async fn has_role(&self, role_name: &str) -> Result<bool> {
        self.call("GetRole", |world| Ok(world.roles.contains(role_name))).await
    }

    async fn root_user(&self) -> Result<RootUser> {
        self.call("GetAccountSummary", |world| Ok(world.root_user)).await
    }

    async fn password_policy(&self) -> Result<Option<PasswordPolicy>> {
        self.call("GetAccountPasswordPolicy", |world| Ok(world.password_policy)).await
    }

    async fn automatic_stack_sets(&self, prefix: &str) -> Result<Vec<StackSet>> {
        self.call("ListStackSets", |world| {
            Ok(world.stack_sets.iter().filter(|set| set.name.starts_with(prefix)).cloned().collect())
        })
        .await
    }

    async fn stack_resource(&self, stack_id: &str, logical_id: &str) -> Result<Option<StackResource>> {
        let resource = self
            .call("DescribeStackResource", |world| {
                let key = (stack_id.to_owned(), logical_id.to_owned());
                let physical_id = world.physical_ids.get(&key).cloned().unwrap_or_default();
                Ok(world.resources.get(&key).cloned().map(|resource| (resource, physical_id)))
            })
            .await?;
        Ok(resource.map(|((status, updated), physical_id)| StackResource {
            status,
            physical_id,
            last_updated: self.time_of(updated),
        }))
    }

    async fn stack_status(&self, _: &str) -> Result<String> {
        self.call("DescribeStacks", |world| Ok(world.stack_status.clone())).await
    }

    async fn create_organization(&self) -> Result<()> {
        self.expect_a_stack_that_waits("CreateOrganization", None);
        self.call("CreateOrganization", |world| {
            if world.organization.is_some() {
                return Err(failed("CreateOrganization", "AlreadyInOrganizationException"));
            }
            world.organize(Instant::now());
            Ok(())
        })
        .await
    }

    async fn create_account(&self, account: &NewAccount) -> Result<AccountCreation> {
        self.expect_a_stack_that_waits("CreateAccount", Some(&account.stack_id));
        let id = format!("car-{:032}", self.id());
        self.call("CreateAccount", |world| {
            world.require_organization("CreateAccount")?;
            let now = Instant::now();
            if now < world.finalized {
                return Err(failed("CreateAccount", "FinalizingOrganizationException"));
            }
            let in_progress = |creation: &&Creation| creation.status.progress == CreationProgress::InProgress;
            let creations = world.creations.iter().filter(in_progress).count();
            if world.accounts.len() + world.open_invitations + creations >= world.quota {
                return Err(failed("CreateAccount", "ACCOUNT_NUMBER_LIMIT_EXCEEDED"));
            }
            let status =
                AccountCreation { id, account_name: account.name.clone(), progress: CreationProgress::InProgress };
            world.creations.push(Creation {
                status: status.clone(),
                request: account.clone(),
                ends: now + world.creation_takes,
                fails: world.creation_fails.take(),
            });
            Ok(status)
        })
        .await
    }

    async fn move_account(&self, account_id: &str, from: &str, to: &str) -> Result<()> {
        self.call("MoveAccount", |world| {
            if to != ROOT && !world.units.contains_key(to) {
                return Err(failed("MoveAccount", "DestinationParentNotFoundException"));
            }
            let account = world.account(account_id).ok_or_else(|| failed("MoveAccount", "AccountNotFoundException"))?;
            match account.parent {
                ref parent if parent == to => Err(failed("MoveAccount", "DuplicateAccountException")),
                ref parent if parent != from => Err(failed("MoveAccount", "SourceParentNotFoundException")),
                _ => {
                    account.parent = to.to_owned();
                    Ok(())
                }
            }
        })
        .await
    }

    async fn untag_account(&self, account_id: &str) -> Result<()> {
        self.call("UntagResource", |world| {
            let account = world.account(account_id);
            let account = account.ok_or_else(|| failed("UntagResource", "TargetNotFoundException"))?;
            account.tags.remove(STACK_ID);
            Ok(())
        })
        .await
    }
}
