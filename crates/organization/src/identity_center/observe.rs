//! Reading what there is in Identity Center: no more calls than the check needs. Nothing here writes.

use super::properties::{PermissionSetChoice, Properties};
use crate::account::properties::Identity;
use crate::management_account::identity_center::{IDENTITY_CENTER_SERVICE, Instance, PermissionSet};
use crate::management_account::{AccountDescription, ManagementAccount, OrganizationDescription, STACK_ID};
use custom_resource::Result;

/// What exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Whether the organization has all features, without which nothing can be trusted.
    pub has_all_features: bool,
    /// In the region of the stack.
    pub instances: Vec<Instance>,
    /// Whether the organization trusts Identity Center, which is so as soon as it has an instance of its own.
    pub has_trusted_access: bool,
    /// Other regions with an instance. Read only if there is none here, and the organization has one.
    pub other_regions: Vec<String>,
    pub principal_id: Option<String>,
    pub permission_set: Option<PermissionSet>,
    /// The accounts of the properties that exist.
    pub accounts: Vec<AccountDescription>,
    /// Ids of accounts in which the principal has the permission set. Read only if the stack would use that set.
    pub assigned: Vec<String>,
}

impl Observed {
    /// The organization's instance; `None` if it cannot be used.
    ///
    /// An account can have created an instance before it had an organization. Such an account instance has the same
    /// owner, but the organization does not trust Identity Center.
    pub fn instance(&self, own: &str) -> Option<&Instance> {
        let is_own = |instance: &&Instance| instance.owner_account_id == own;
        self.instances.iter().find(is_own).filter(|instance| self.has_trusted_access && instance.is_usable())
    }
}

/// Reads what exists. `organization` is the one that this account manages, and `accounts` are in it.
///
/// # Errors
/// Those of the calls, without a sentence.
pub async fn observe<M: ManagementAccount>(
    account: &M,
    properties: &Properties,
    organization: &OrganizationDescription,
    stack_id: &str,
    accounts: &[AccountDescription],
) -> Result<Observed> {
    if organization.feature_set != "ALL" {
        return Ok(Observed::default());
    }
    let own = &*organization.management_account_id;
    let mut observed = Observed {
        has_all_features: true,
        instances: account.instances().await?,
        has_trusted_access: account.trusted_services().await?.iter().any(|name| name == IDENTITY_CENTER_SERVICE),
        accounts: accounts.iter().filter(|one| properties.accounts.iter().any(|id| is_of(one, id))).cloned().collect(),
        ..Observed::default()
    };
    if observed.instances.is_empty() && observed.has_trusted_access {
        observed.other_regions = account.regions_with_instance().await?;
    }
    let Some(instance) = observed.instance(own).cloned() else { return Ok(observed) };
    observed.principal_id = account.principal_id(&instance.identity_store_id, &properties.principal).await?;
    observed.permission_set = account.permission_set(&instance.arn, &properties.permission_set_name).await?;
    let (Some(principal_id), Some(set)) = (&observed.principal_id, &observed.permission_set) else {
        return Ok(observed);
    };
    // Anybody else's set is refused, whoever it is assigned to.
    if properties.permission_set == PermissionSetChoice::Make && !is_of_stack(set, stack_id) {
        return Ok(observed);
    }
    let targets = std::iter::once(own).chain(observed.accounts.iter().map(|account| &*account.id));
    let mut assigned = Vec::new();
    for target in targets {
        if account.assigned_principals(&instance.arn, &set.arn, target).await?.contains(principal_id) {
            assigned.push(target.to_owned());
        }
    }
    observed.assigned = assigned;
    Ok(observed)
}

/// Whether the account is the one that is identified.
pub fn is_of(account: &AccountDescription, identity: &Identity) -> bool {
    match identity {
        Identity::Email(email) => account.email.eq_ignore_ascii_case(email),
        Identity::Id(id) => account.id == *id,
    }
}

/// Whether the stack created the permission set.
pub fn is_of_stack(set: &PermissionSet, stack_id: &str) -> bool {
    set.tags.get(STACK_ID).is_some_and(|id| id == stack_id)
}
