//! `orchestera plan`: what creating, updating or deleting the stack would do in this account.
//!
//! The access function itself runs, on an IAM that keeps the writes. What it would answer is what the command says.

use crate::arguments::{Connection, Plan as Options, Printing};
use crate::assessment::known_parameters;
use crate::member::{Entry, in_region};
use crate::output;
use crate::session::{self, Session};
use crate::stack::{LOGICAL_ID, MASKED, Stack, Stacks};
use crate::template::{self, PARAMETERS, Parameters};
use crate::verdict::Verdict;
use aws_config::SdkConfig;
use custom_resource::{Budget, Error, Request, Result};
use orchestera_access::account::Account;
use orchestera_access::iam::aws::AwsIam;
use orchestera_access::ownership::Resource;
use orchestera_access::physical_id::PhysicalId;
use orchestera_access::reconcile::observe::{Expected, ReadScope, observe};
use orchestera_access::reconcile::state::State;
use serde_json::{Value, json};
use tokio::time::Instant;

mod outcome;
mod report;

pub use outcome::{Asked, Outcome, PLACEHOLDER_EXTERNAL_ID, outcome};
use outcome::{TIME, cannot_read};
pub use report::{Report, alarms};

/// Runs the command.
///
/// # Errors
/// If the parameters are wrong, or something cannot be read.
pub async fn run(connection: &Connection, printing: &Printing, options: &Options) -> Result<Verdict> {
    if options.show_parameters {
        return show_parameters(printing);
    }
    let set = template::read(&options.set)?;
    let session = session::open(connection, printing).await?;
    let report = plan(&session, options, &set).await?;
    report.print(printing)?;
    Ok(Verdict::of(report.succeeds))
}

/// What the function would do in the account of the session.
///
/// # Errors
/// If the parameters are wrong, the stack can do nothing now, or something cannot be read.
pub async fn plan(session: &Session, options: &Options, set: &Parameters) -> Result<Report> {
    let own = &session.caller.account;
    let region = session.configuration.region().map(ToString::to_string).unwrap_or_default();
    template::check(set, &region)?;
    let stacks = Stacks::new(&session.configuration);
    let stack = stacks.find(&options.stack.stack_name).await.map_err(|error| {
        let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
        error.because(format!(
            "The stack {} cannot be read ({code}). Add the permissions of: orchestera permissions plan",
            options.stack.stack_name
        ))
    })?;
    let stack = stack.filter(|stack| !matches!(stack.status.as_str(), "DELETE_COMPLETE" | "REVIEW_IN_PROGRESS"));
    let Some(stack) = stack else {
        if options.delete {
            return Err(Error::refused(format!(
                "There is no stack {} in account {} and Region {region}. Give its name with --stack-name, or another --region.",
                options.stack.stack_name, own.id
            )));
        }
        let parameters = template::with_defaults(set);
        let properties = template::properties(&parameters, own, &template::placeholder_guardrail_arn(own));
        let stack_id = template::placeholder_stack_id(own, &region, &options.stack.stack_name);
        let asked = asked(Request::Create { properties }, own, stack_id);
        return report(session, asked, &options.stack.stack_name, &parameters, Vec::new()).await;
    };
    refuse_impossible(&stack, options.delete)?;
    let physical_id = stacks.physical_id(&stack.id).await?.unwrap_or_default();
    let iam = AwsIam::new(&in_member(session, &template::with_defaults(&stack.parameters)).await?);
    let observed = state(&iam, &physical_id, own).await?;
    let old = known_parameters(&stack, &observed);
    let guardrail = stack.outputs.get("GuardrailArn").cloned();
    let guardrail = guardrail.unwrap_or_else(|| template::placeholder_guardrail_arn(own));
    let old_properties = template::properties(&old, own, &guardrail);
    let mut notes = Vec::new();
    if options.delete {
        let request = Request::Delete { physical_id, properties: old_properties };
        return report(session, asked(request, own, stack.id.clone()), &stack.name, &old, notes).await;
    }
    if stack.parameters.get("ExternalId").is_some_and(|id| id == MASKED) && !set.contains_key("ExternalId") {
        notes.push("CloudFormation masks ExternalId. Its present value is kept.".to_owned());
    }
    let mut new = old.clone();
    new.extend(set.clone());
    template::check(&new, &region)?;
    let properties = template::properties(&new, own, &guardrail);
    if properties == old_properties && stack.release() == env!("CARGO_PKG_VERSION") {
        notes.push(
            "Nothing of the role's resource changes with these parameters. CloudFormation sends no update then, and drift \
             stays."
                .to_owned(),
        );
    }
    let request = Request::Update { physical_id, properties, old_properties };
    report(session, asked(request, own, stack.id.clone()), &stack.name, &new, notes).await
}

fn asked(request: Request, own: &Account, stack_id: String) -> Asked {
    Asked { request, own: own.clone(), resource: Resource { stack_id, logical_id: LOGICAL_ID.to_owned() } }
}

/// What CloudFormation would refuse before it asks the function.
fn refuse_impossible(stack: &Stack, is_delete: bool) -> Result<()> {
    let Stack { name, status, .. } = stack;
    if stack.is_in_progress() {
        return Err(Error::refused(format!(
            "The stack {name} is {status}. Wait until it has ended, then run the command again."
        )));
    }
    if !is_delete && (stack.is_failed_create() || status == "DELETE_FAILED") {
        return Err(Error::refused(format!(
            "The stack {name} is {status}. It can only be deleted: see orchestera plan --delete. Then create it again."
        )));
    }
    if !is_delete && status == "UPDATE_ROLLBACK_FAILED" {
        return Err(Error::refused(format!(
            "The stack {name} is {status}. Continue its rollback first: aws cloudformation continue-update-rollback --stack-name \
             {name}"
        )));
    }
    Ok(())
}

async fn state(iam: &AwsIam, physical_id: &str, own: &Account) -> Result<State> {
    let Some(id) = PhysicalId::parse(physical_id) else { return Ok(State::default()) };
    let account = Account { id: id.account_id.clone(), ..own.clone() };
    let now = Instant::now();
    let budget = Budget::new(now, now + TIME);
    observe(iam, &account, &budget, &id, ReadScope::Convergence, &Expected::first_version())
        .await
        .map_err(|error| cannot_read(error, &account))
}

/// The configuration with which the role is read: of the account, or of its member account.
async fn in_member(session: &Session, parameters: &Parameters) -> Result<SdkConfig> {
    let member = &parameters["MemberAccountId"];
    if member.is_empty() || *member == session.caller.account.id {
        return Ok(session.configuration.clone());
    }
    let role = parameters["MemberRoleName"].clone();
    let entry = Entry { roles: vec![role.clone()], external_id: None, session_name: "orchestera-plan".to_owned() };
    // STS in this Region is always active.
    let sts = aws_sdk_sts::Client::new(&in_region(&session.configuration, session::DEFAULT_REGION));
    entry.assume(session, &sts, member).await.map_err(|error| {
        let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
        error.because(format!(
            "The role {role} in account {member} cannot be assumed ({code}), so the result is unknown. The function \
             may have the permission that you lack. Check the account, the role and your permissions."
        ))
    })
}

async fn report(
    session: &Session,
    asked: Asked,
    stack_name: &str,
    parameters: &Parameters,
    notes: Vec<String>,
) -> Result<Report> {
    let iam = AwsIam::new(&in_member(session, parameters).await?);
    let outcome = outcome(&asked, &iam, PLACEHOLDER_EXTERNAL_ID).await?;
    Ok(Report::new(&asked, stack_name, outcome, &iam, notes).await.with_alarms(&parameters["AlarmTopicArn"]))
}

fn show_parameters(printing: &Printing) -> Result<Verdict> {
    // For programs and for people: a pattern is a sentence there.
    let allowed = |parameter: &template::Parameter| match parameter.allowed {
        template::Allowed::Values(values) => [values.join(" "), values.join(" ")],
        template::Allowed::Numbers(least, most) => [format!("{least} to {most}"), format!("{least} to {most}")],
        template::Allowed::Pattern(pattern, description) => [pattern.to_owned(), description.to_owned()],
    };
    let row = |parameter: &template::Parameter| -> Vec<Value> {
        let [allowed, rule] = allowed(parameter);
        vec![json!(parameter.name), json!(parameter.default), json!(allowed), json!(parameter.property), json!(rule)]
    };
    let columns = ["parameter", "default", "allowed", "property", "rule"];
    let rows = PARAMETERS.iter().map(row).collect();
    let shown = ["parameter", "default", "rule"];
    output::rows(
        printing,
        &output::Rows { columns: &columns, rows, about: serde_json::Map::default(), name: "parameters", shown: &shown },
    )?;
    Ok(Verdict::Good)
}
