//! Which accounts there are: those of the organization, of an organizational unit, of a StackSet, or of a list.

use crate::arguments::{CallAs, Status};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::CallAs as SdkCallAs;
use custom_resource::call::{failed, kind_of};
use custom_resource::error::Error;
use custom_resource::function_arn::is_account_id;
use custom_resource::{Kind, Result};
use std::collections::BTreeMap;

/// An account, as the list of accounts has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedAccount {
    /// 12 digits.
    pub id: String,
    /// Blank if it is not known.
    pub name: String,
    /// The state in the organization, such as `ACTIVE` or `CLOSED`. Blank if it is not known.
    pub state: String,
    /// What the StackSet says of its instance, if the account has one.
    pub instance: Option<Instance>,
}

/// An instance of a StackSet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Blank if there was never a stack.
    pub stack_id: String,
    /// `CURRENT`, `OUTDATED` or `INOPERABLE`.
    pub status: String,
    /// Such as `FAILED`.
    pub detailed_status: String,
    pub reason: String,
}

impl Instance {
    pub fn has_failed(&self) -> bool {
        matches!(self.detailed_status.as_str(), "FAILED" | "CANCELLED" | "INOPERABLE" | "FAILED_IMPORT")
            || self.status == "INOPERABLE"
    }
}

/// The accounts that the options name, in the order of their ids. None is left out.
///
/// # Errors
/// If the list cannot be read.
pub async fn list(configuration: &SdkConfig, options: &Status) -> Result<Vec<ListedAccount>> {
    let mut accounts = match (&options.accounts, &options.stack_set, &options.organizational_unit) {
        (Some(list), ..) => {
            let ids = given(list)?;
            // Names are a courtesy. Not everybody may read the organization.
            let names = organization(configuration).await.unwrap_or_default();
            ids.into_iter().map(|id| known(&names, id)).collect()
        }
        (None, Some(stack_set), _) => {
            let instances = instances(configuration, stack_set, options.call_as).await?;
            let names = organization(configuration).await.unwrap_or_default();
            instances
                .into_iter()
                .map(|(id, instance)| ListedAccount { instance: Some(instance), ..known(&names, id) })
                .collect()
        }
        (None, None, Some(unit)) => below(configuration, unit).await?,
        (None, None, None) => organization(configuration).await?,
    };
    accounts.sort_by(|a, b| a.id.cmp(&b.id));
    accounts.dedup_by(|a, b| a.id == b.id);
    if accounts.is_empty() {
        // A slip in the id of a unit must not look like success.
        let unit = options.organizational_unit.as_deref().unwrap_or("the organization");
        return Err(Error::refused(format!("There is no account in {unit}. Check the id of the organizational unit.")));
    }
    Ok(accounts)
}

fn known(accounts: &[ListedAccount], id: String) -> ListedAccount {
    let found = accounts.iter().find(|account| account.id == id).cloned();
    found.unwrap_or(ListedAccount { id, ..ListedAccount::default() })
}

/// The ids of `--accounts`.
fn given(list: &str) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut wrong = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.strip_prefix('@') {
            None => ids.push(part.to_owned()),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Error::refused(format!("{path} cannot be read: {error}. Give a file with one account id a line."))
                })?;
                let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
                ids.extend(
                    lines
                        .flat_map(|line| line.split([',', ' ', '\t', '"']))
                        .map(|id| id.trim().to_owned())
                        .filter(|id| !id.is_empty()),
                );
            }
        }
    }
    wrong.extend(ids.iter().filter(|id| !is_account_id(id)).cloned());
    if !wrong.is_empty() {
        return Err(Error::refused(format!("An account id has 12 digits. Correct these: {}.", wrong.join(", "))));
    }
    if ids.is_empty() {
        return Err(Error::refused("--accounts names no account. Give ids separated by commas, or @FILE."));
    }
    Ok(ids)
}

fn of_sdk(account: aws_sdk_organizations::types::Account) -> Option<ListedAccount> {
    let state = account.state.map(|state| state.as_str().to_owned());
    Some(ListedAccount {
        id: account.id?,
        name: account.name.unwrap_or_default(),
        state: state.unwrap_or_default(),
        instance: None,
    })
}

/// Every account of the organization.
///
/// # Errors
/// If they cannot be listed.
pub async fn organization(configuration: &SdkConfig) -> Result<Vec<ListedAccount>> {
    let client = aws_sdk_organizations::Client::new(configuration);
    let mut pages = client.list_accounts().into_paginator().send();
    let mut accounts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed("ListAccounts", kind_of)).map_err(of_organizations)?;
        accounts.extend(page.accounts.unwrap_or_default().into_iter().filter_map(of_sdk));
    }
    Ok(accounts)
}

/// The accounts of a unit and of the units in it.
async fn below(configuration: &SdkConfig, unit: &str) -> Result<Vec<ListedAccount>> {
    let client = aws_sdk_organizations::Client::new(configuration);
    let mut accounts = Vec::new();
    let mut units = vec![unit.to_owned()];
    while let Some(unit) = units.pop() {
        let mut pages = client.list_accounts_for_parent().parent_id(&unit).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("ListAccountsForParent", kind_of)).map_err(of_organizations)?;
            accounts.extend(page.accounts.unwrap_or_default().into_iter().filter_map(of_sdk));
        }
        let mut pages = client.list_organizational_units_for_parent().parent_id(&unit).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("ListOrganizationalUnitsForParent", kind_of)).map_err(of_organizations)?;
            units.extend(page.organizational_units.unwrap_or_default().into_iter().filter_map(|unit| unit.id));
        }
    }
    Ok(accounts)
}

async fn instances(configuration: &SdkConfig, stack_set: &str, call_as: CallAs) -> Result<BTreeMap<String, Instance>> {
    let client = aws_sdk_cloudformation::Client::new(configuration);
    let call_as = match call_as {
        CallAs::Self_ => SdkCallAs::SelfValue,
        CallAs::DelegatedAdmin => SdkCallAs::DelegatedAdmin,
    };
    let mut pages = client.list_stack_instances().stack_set_name(stack_set).call_as(call_as).into_paginator().send();
    let mut instances = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(failed("ListStackInstances", kind_of)).map_err(|error| of_stack_sets(error, stack_set))?;
        for summary in page.summaries.unwrap_or_default() {
            let Some(account) = summary.account else { continue };
            let status = summary.status.map(|status| status.as_str().to_owned());
            let detailed = summary.stack_instance_status.and_then(|status| status.detailed_status);
            let instance = Instance {
                stack_id: summary.stack_id.unwrap_or_default(),
                status: status.unwrap_or_default(),
                detailed_status: detailed.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                reason: summary.status_reason.unwrap_or_default(),
            };
            // Of several Regions, the one that failed counts.
            let kept: &mut Instance = instances.entry(account).or_insert_with(|| instance.clone());
            if !kept.has_failed() && instance.has_failed() {
                *kept = instance;
            }
        }
    }
    if instances.is_empty() {
        return Err(Error::refused(format!(
            "The StackSet {stack_set} has no instance. Check its name, the Region and --call-as."
        )));
    }
    Ok(instances)
}

fn code(error: &Error) -> String {
    error.failed_call().map(|call| format!("{}: {}", call.operation, call.code)).unwrap_or_default()
}

fn of_organizations(error: Error) -> Error {
    let code = code(&error);
    let sentence = match error.kind() {
        _ if error.is("AWSOrganizationsNotInUseException") => {
            "This account is in no organization. Give the accounts with --accounts, or use a profile of the management \
             account."
                .to_owned()
        }
        _ if error.is("ParentNotFoundException") || error.is("InvalidInputException") => {
            format!("There is no such organizational unit ({code}). Its id begins with ou-, that of the root with r-.")
        }
        Kind::Denied => format!(
            "The accounts of the organization cannot be listed ({code}). Use a profile of the management account or of a \
             delegated administrator, give the accounts with --accounts, or add the permissions of: orchestera permissions \
             status"
        ),
        _ => format!("The accounts of the organization cannot be listed ({code}). Retry."),
    };
    error.because(sentence)
}

fn of_stack_sets(error: Error, stack_set: &str) -> Error {
    let code = code(&error);
    let sentence = match error.is("StackSetNotFoundException") {
        true => format!(
            "There is no StackSet {stack_set} here ({code}). Check its name, the Region and the account. As a delegated \
             administrator, add --call-as DELEGATED_ADMIN."
        ),
        false => format!(
            "The instances of the StackSet {stack_set} cannot be listed ({code}). Check --call-as, and add the permissions of: \
             orchestera permissions status"
        ),
    };
    error.because(sentence)
}
