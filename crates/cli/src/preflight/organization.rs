//! The checks of the management account: the organization function's own, without a stack.

use super::check::{Check, Severity};
use crate::arguments::Preflight as Options;
use crate::session::Session;
use crate::stack::ORGANIZATION_STACK;
use crate::stack::{Stack, Stacks};
use crate::template::{self, Parameters};
use custom_resource::{Error, Result};
use orchestera_organization::management_account::aws::AwsManagementAccount;
use orchestera_organization::organization::observe::{Asked, observe};
use orchestera_organization::organization::preflight::check;
use orchestera_organization::organization::properties::Properties;
use serde_json::{Map, Value, json};

/// The parameters that are lists, separated by commas.
const LISTS: [&str; 2] = ["AccessIn", "AdminUserNames"];

/// Reads the management account and checks every choice. If the stack exists, only what is newly chosen.
///
/// # Errors
/// If the choices are not valid, or the organization cannot be read.
pub async fn checks(session: &Session, options: &Options) -> Result<Vec<Check>> {
    let name = options.stack_name.as_deref().unwrap_or(ORGANIZATION_STACK);
    let set = template::read(&options.set)?;
    let stack = Stacks::new(&session.configuration).find(name).await.ok().flatten();
    let stack = stack.filter(|stack| {
        stack.status.ends_with("_COMPLETE") && stack.status != "DELETE_COMPLETE" && !stack.has_failed()
    });
    let old = stack.as_ref().and_then(|stack| Properties::parse(&properties(&stack.parameters)).ok());
    let mut parameters = stack.as_ref().map(|stack| stack.parameters.clone()).unwrap_or_default();
    parameters.extend(set);
    let wanted = Properties::parse(&properties(&parameters)).map_err(|error| {
        Error::refused(format!(
            "{} Set each with --set, such as --set AccountEmail=spark@example.com. docs/organization.md lists them.",
            error.reason()
        ))
    })?;
    let account = AwsManagementAccount::new(&session.configuration);
    let stack_id = stack.as_ref().map_or("", |stack: &Stack| stack.id.as_str());
    let asked = Asked { properties: &wanted, old: old.as_ref(), own: &session.caller.account.id, stack_id };
    let observed = observe(&account, asked, true).await.map_err(|error| {
        let call = error.failed_call().map(|call| format!("{}: {}", call.operation, call.code)).unwrap_or_default();
        error.because(format!(
            "The organization cannot be read ({call}). Use a profile of the management account, and add the permissions of: \
             orchestera permissions preflight-organization"
        ))
    })?;
    let findings = check(asked, &observed);
    let mut checks = Vec::new();
    checks.extend(findings.refusals.into_iter().map(|sentence| Check::failure("organization", sentence)));
    checks.extend(findings.warnings.into_iter().map(|sentence| Check::warning("organization", sentence)));
    let accounts = observed.members.as_ref().map_or(0, |members| members.accounts.len());
    checks.push(match &observed.organization {
        Some(organization) => {
            Check::fine("organization", format!("{} exists, with {accounts} accounts.", organization.id))
        }
        None => Check::fine("organization", "This account is in no organization. The stack creates one."),
    });
    checks.sort_by_key(|check| check.severity == Severity::Fine);
    Ok(checks)
}

/// The parameters have the names of the properties.
fn properties(parameters: &Parameters) -> Value {
    let value = |name: &str, value: &str| match LISTS.contains(&name) {
        true => json!(value.split(',').map(str::trim).collect::<Vec<_>>()),
        false => json!(value),
    };
    Value::Object(parameters.iter().map(|(name, text)| (name.clone(), value(name, text))).collect::<Map<_, _>>())
}
