//! CloudFormation: the stack of an account, and the instances of the StackSet.

use crate::account::{self, Account, State};
use crate::answer::Refused;
use crate::request::Call;
use crate::template::Template;
use crate::xml::{elements, list};
use hyper::StatusCode;

pub const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
const CREATED: &str = "2026-01-01T00:00:00Z";
const STACK_SET: &str = "orchestera-access";
const STACK_SET_ID: &str = "orchestera-access:00000000-0000-4000-8000-000000000000";
/// Of `ListStackInstances`.
const PAGE: u32 = 100;

/// # Errors
/// What CloudFormation would refuse.
pub fn answer(call: &Call, template: &Template, accounts: u32) -> Result<String, Refused> {
    match &*call.operation {
        "DescribeStacks" => describe_stacks(call, template),
        "ListStackInstances" => list_stack_instances(call, accounts),
        other => Err(Refused::not_served(other)),
    }
}

fn describe_stacks(call: &Call, template: &Template) -> Result<String, Refused> {
    let account = Account::new(call.account);
    let asked = call.parameter("StackName").unwrap_or_default();
    if !account.state.has_stack() || (*asked != account.stack_id() && *asked != account.stack_name()) {
        let message = format!("Stack with id {asked} does not exist");
        return Err(Refused::new(StatusCode::BAD_REQUEST, "ValidationError", message));
    }
    let status = if account.state == State::StackFailed { "UPDATE_ROLLBACK_FAILED" } else { "CREATE_COMPLETE" };
    let mut xml = String::with_capacity(4096);
    list(&mut xml, "Stacks", [()], |xml, ()| {
        elements(
            xml,
            &[
                ("StackId", &account.stack_id()),
                ("StackName", &account.stack_name()),
                ("CreationTime", CREATED),
                ("StackStatus", status),
                ("DisableRollback", "false"),
                ("EnableTerminationProtection", "false"),
            ],
        );
        list(xml, "Capabilities", ["CAPABILITY_IAM"], |xml, capability| xml.push_str(capability));
        list(xml, "NotificationARNs", [""; 0], |_, _| {});
        list(xml, "Parameters", template.parameters(&account), |xml, (key, value)| {
            elements(xml, &[("ParameterKey", key), ("ParameterValue", value)]);
        });
        list(xml, "Outputs", template.outputs(&account), |xml, (key, value)| {
            elements(xml, &[("OutputKey", key), ("OutputValue", &value)]);
        });
        list(xml, "Tags", [""; 0], |_, _| {});
        xml.push_str("<DriftInformation><StackDriftStatus>NOT_CHECKED</StackDriftStatus></DriftInformation>");
    });
    Ok(xml)
}

/// Every account in which the StackSet was to create a stack. Where a role was in the way, it could not.
fn list_stack_instances(call: &Call, accounts: u32) -> Result<String, Refused> {
    if call.parameter("StackSetName").as_deref() != Some(STACK_SET) {
        let message = format!("StackSet {} not found", call.parameter("StackSetName").unwrap_or_default());
        return Err(Refused::new(StatusCode::NOT_FOUND, "StackSetNotFoundException", message));
    }
    let from = call.parameter("NextToken").and_then(|token| account::number(&token)).unwrap_or(1);
    let until = (from + PAGE).min(accounts);
    let page = (from..until).map(Account::new).filter(|account| account.state != State::Missing);
    let mut xml = String::with_capacity(32 * 1024);
    list(&mut xml, "Summaries", page, |xml, account| {
        elements(
            xml,
            &[
                ("StackSetId", STACK_SET_ID),
                ("Account", &account.id),
                ("Region", "us-east-1"),
                ("StackId", &account.stack_id()),
                ("Status", if account.state == State::Foreign { "OUTDATED" } else { "CURRENT" }),
                ("OrganizationalUnitId", "ou-abcd-11112222"),
            ],
        );
        xml.push_str("<StackInstanceStatus>");
        elements(xml, &[("DetailedStatus", "SUCCEEDED")]);
        xml.push_str("</StackInstanceStatus>");
    });
    if until < accounts {
        elements(&mut xml, &[("NextToken", &Account::new(until).id)]);
    }
    Ok(xml)
}
