//! What an event asks for: the desired state, or the removal.
//!
//! [`goal`] is a pure function, and the one place that reads the raw properties. It needs neither IAM nor Lambda.

use crate::account::Account;
use crate::member::{MemberRole, Patience};
use crate::ownership::Resource;
use crate::physical_id::PhysicalId;
use crate::properties::{DeleteProperties, OldProperties, OnDelete, Properties};
use crate::reconcile::desired::{Change, DesiredState};
use crate::reconcile::removal::{Removal, RemovalMode};
use custom_resource::function_arn::is_account_id;
use custom_resource::response::is_of_failed_create;
use custom_resource::{Error, Request, Result};
use serde_json::Value;

/// What an event asks for.
#[derive(Clone, Debug)]
pub enum Goal {
    /// A Create or an Update.
    Converge(Box<DesiredState>),
    /// A Delete.
    Remove(Box<Removal>),
    /// The Delete after a Create that was refused before it could create anything.
    Nothing,
}

impl Goal {
    /// The role to assume; `None` in the function's own account.
    pub fn member_role(&self) -> Option<&MemberRole> {
        match self {
            Self::Converge(desired) => desired.member_role.as_ref(),
            Self::Remove(removal) => removal.member_role.as_ref(),
            Self::Nothing => None,
        }
    }

    /// Whether it is the Delete of a Create that failed.
    pub fn is_left_from_failed_create(&self) -> bool {
        match self {
            Self::Converge(_) => false,
            Self::Remove(removal) => matches!(removal.mode, RemovalMode::LeftFromFailedCreate { .. }),
            Self::Nothing => true,
        }
    }
}

/// What `request` asks of a function in the account `own`, on behalf of `resource`. `random` is the external id of a
/// Create, if no object has one: at least 128 random bits, in hex.
///
/// # Errors
/// [`Refused`](custom_resource::Kind::Refused): properties that are not valid, `MemberAccountId` with the function's own
/// account, and an Update that changes what is set at Create. A Delete is never refused.
pub fn goal(request: &Request, own: &Account, resource: &Resource, random: &str) -> Result<Goal> {
    let create = || Change::Create { external_id: random.to_owned() };
    let desired = match request {
        Request::Create { properties } => desired(own, resource, Properties::parse(properties)?, create())?,
        Request::Update { physical_id, properties, old_properties } => {
            let properties = Properties::parse(properties)?;
            match PhysicalId::parse(physical_id) {
                Some(present) => {
                    refuse_change(&present, &id(own, &properties))?;
                    let old_properties = OldProperties::read(old_properties);
                    desired(own, resource, properties, Change::Update { old_properties })?
                }
                // The id of a failed Create, or one that CloudFormation made up, names no role and no policy. The
                // resource owns nothing yet, so that the rules of Create hold, with the names in the new properties.
                // The response keeps the id: a new one would bring a Delete of the old, which goes by the names in its
                // properties, and those are the names of what has just been created. Nothing is removed under other
                // names: a Create that fails removes what it created, and CloudFormation deletes a resource without a
                // stable state upon the next stack operation.
                // <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html>
                None => desired(own, resource, properties, create())?,
            }
        }
        Request::Delete { physical_id, properties } => {
            let properties = DeleteProperties::read(properties);
            return Ok(removal(own, resource, physical_id, properties)
                .map_or(Goal::Nothing, |removal| Goal::Remove(Box::new(removal))));
        }
    };
    Ok(Goal::Converge(Box::new(desired)))
}

/// What a drift check compares with: the same as an Update that changes nothing.
///
/// # Errors
/// [`Refused`](custom_resource::Kind::Refused): properties that are not valid, and `MemberAccountId` with the function's
/// own account.
pub fn of_drift_check(properties: &Value, own: &Account, resource: &Resource) -> Result<DesiredState> {
    let properties = Properties::parse(properties)?;
    let old_properties = OldProperties::from(&properties);
    desired(own, resource, properties, Change::Update { old_properties })
}

fn desired(own: &Account, resource: &Resource, properties: Properties, change: Change) -> Result<DesiredState> {
    if properties.member_account_id.as_ref() == Some(&own.id) {
        return Err(Error::refused(format!(
            "MemberAccountId is {}, the account that this stack is in. Leave it blank to use this account. Set it \
             only for another account of your organization.",
            own.id
        )));
    }
    let id = id(own, &properties);
    let patience = match change {
        Change::Create { .. } => Patience::RoleAppears,
        Change::Update { .. } => Patience::RightsArrive,
    };
    let (account, member_role) = access(own, &id, &properties.member_role_name, patience);
    Ok(DesiredState { account, member_role, resource: resource.clone(), id, properties, change })
}

/// The physical id of a resource with these properties.
fn id(own: &Account, properties: &Properties) -> PhysicalId {
    let account_id = properties.member_account_id.as_ref().unwrap_or(&own.id);
    account(own, account_id).physical_id(&properties.role_name, &properties.policy_name)
}

/// An account in the partition of the function's own.
fn account(own: &Account, account_id: &str) -> Account {
    Account { id: account_id.to_owned(), ..own.clone() }
}

/// The account of the physical id, and the role to assume in it unless it is the function's own.
fn access(own: &Account, id: &PhysicalId, role_name: &str, patience: Patience) -> (Account, Option<MemberRole>) {
    let account = account(own, &id.account_id);
    let member_role = (account != *own).then(|| MemberRole {
        account: account.clone(),
        name: role_name.to_owned(),
        id: id.clone(),
        patience,
    });
    (account, member_role)
}

/// Refuses an Update whose properties name another account, role or policy than its physical id.
///
/// The physical id is compared, and never `OldResourceProperties`. CloudFormation rolls this Update back with the
/// properties exchanged. Then the properties name what the id names, and the rollback succeeds.
fn refuse_change(present: &PhysicalId, desired: &PhysicalId) -> Result<()> {
    let changed: Vec<_> = [
        ("MemberAccountId", &present.account_id, &desired.account_id),
        ("RoleName", &present.role_name, &desired.role_name),
        ("PolicyName", &present.policy_name, &desired.policy_name),
    ]
    .into_iter()
    .filter(|(_, present, desired)| present != desired)
    .map(|(property, present, desired)| format!("{property} from {present} to {desired}"))
    .collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!(
        "An update cannot change {}. Nothing was changed. Keep the present value, or delete this stack and create it again \
         with the new one.",
        changed.join(" and "),
    )))
}

/// A Delete with a real id removes what the id names. A Delete after a failed Create removes what the Create's
/// properties name. `None` if no Create can have created anything.
fn removal(own: &Account, resource: &Resource, physical_id: &str, properties: DeleteProperties) -> Option<Removal> {
    let (id, mode) = match PhysicalId::parse(physical_id) {
        Some(id) => {
            let mode = match properties.on_delete {
                OnDelete::Retain => RemovalMode::Retain,
                OnDelete::DeleteCreated => RemovalMode::Delete { all: false },
                OnDelete::DeleteAll => RemovalMode::Delete { all: true },
            };
            (id, mode)
        }
        None => {
            let account_id = match properties.member_account_id {
                None => own.id.clone(),
                Some(member) if is_account_id(&member) && member != own.id => member,
                // A Create with the function's own account, or with something else than an account, was refused.
                Some(_) => return None,
            };
            // So was a Create with names that IAM does not allow.
            let (role_name, policy_name) = (properties.role_name?, properties.policy_name?);
            let may_be_running = !is_of_failed_create(physical_id);
            let id = account(own, &account_id).physical_id(&role_name, &policy_name);
            (id, RemovalMode::LeftFromFailedCreate { may_be_running })
        }
    };
    let (account, member_role) = access(own, &id, &properties.member_role_name, Patience::RightsArrive);
    Some(Removal { account, member_role, resource: resource.clone(), id, mode, tags: properties.tags })
}

#[cfg(test)]
mod tests;
