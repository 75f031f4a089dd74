//! The checks of one account.

use super::check::Check;
use super::deployer;
use crate::arguments::{Plan, Preflight as Options, StackName};
use crate::plan::{self, Report};
use crate::session::{DEFAULT_REGION, Session};
use crate::template::{self, SERVED_REGIONS};
use aws_sdk_iam::types::SummaryKeyType;
use custom_resource::call::{failed, kind_of};
use custom_resource::{Kind, Result};

/// Roles that the stack creates: of the function, of the schedule, and the one for the platform.
const ROLES: i32 = 3;
/// Policies, with the boundary that `Guardrail` creates.
const POLICIES: i32 = 2;

/// Reads the account and checks it.
///
/// # Errors
/// If the parameters are wrong.
pub async fn checks(session: &Session, options: &Options) -> Result<Vec<Check>> {
    let set = template::read(&options.set)?;
    let region = session.configuration.region().map(ToString::to_string).unwrap_or_default();
    template::check(&set, DEFAULT_REGION)?;
    let is_served = SERVED_REGIONS.contains(&region.as_str());
    let mut checks = Vec::new();
    checks.push(match is_served {
        true => Check::fine("Region", format!("The platform serves {region}.")),
        false => Check::failure(
            "Region",
            format!("The Region is {region}. The platform serves us-east-1: add --region us-east-1."),
        ),
    });
    let all = template::with_defaults(&set);
    checks.push(organization(session, !all["MemberAccountId"].is_empty()).await);
    checks.extend(deployer::checks(session, &all).await);
    checks.push(quotas(session).await);
    checks.push(function_boundary(session, &all).await);
    let stack = StackName { stack_name: options.stack_name.clone().unwrap_or_else(|| "orchestera-access".to_owned()) };
    let options = Plan { set: options.set.clone(), delete: false, show_parameters: false, stack };
    checks.push(match plan::plan(session, &options, &set).await {
        _ if !is_served => {
            Check::warning("role and policy", "Not checked: first choose a Region that the platform serves.")
        }
        Ok(report) => of_plan(&report),
        Err(error) => Check::failure("role and policy", error.reason()),
    });
    checks.retain(|check| !check.sentence.is_empty());
    Ok(checks)
}

fn of_plan(report: &Report) -> Check {
    let subject = "role and policy";
    match report.succeeds {
        true => {
            let (role, policy) = (report.role.word(), report.policy.word());
            Check::fine(subject, format!("With a stack {}: role {role}, policy {policy}.", report.operation))
        }
        false => Check::failure(subject, report.reason.clone()),
    }
}

/// Spark in the management account is not what AWS advises.
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_best-practices_mgmt-acct.html>
async fn organization(session: &Session, is_for_member: bool) -> Check {
    let (subject, own) = ("organization", &session.caller.account.id);
    let client = aws_sdk_organizations::Client::new(&session.configuration);
    let answer = client.describe_organization().send().await.map_err(failed("DescribeOrganization", kind_of));
    match answer {
        Ok(answer) => {
            let management =
                answer.organization.and_then(|organization| organization.master_account_id).unwrap_or_default();
            match management == *own {
                true if is_for_member => {
                    Check::fine(subject, "This is the management account. The role goes into a member account.")
                }
                true => Check::warning(
                    subject,
                    "This is the management account. AWS advises against workloads in it. Switch to a member account, or set \
                     MemberAccountId.",
                ),
                false => {
                    Check::fine(subject, format!("This is a member account. Its management account is {management}."))
                }
            }
        }
        Err(error) if error.is("AWSOrganizationsNotInUseException") => Check::warning(
            subject,
            "This account is in no organization. The stack works here. docs/organization.md creates one.",
        ),
        Err(error) => {
            let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
            Check::warning(subject, format!("Not checked: DescribeOrganization failed ({code})."))
        }
    }
}

async fn quotas(session: &Session) -> Check {
    let subject = "IAM quotas";
    let client = aws_sdk_iam::Client::new(&session.configuration);
    let answer = client.get_account_summary().send().await.map_err(failed("GetAccountSummary", kind_of));
    let summary = match answer {
        Ok(answer) => answer.summary_map.unwrap_or_default(),
        Err(error) => {
            let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
            return Check::warning(subject, format!("Not checked: you may not call iam:GetAccountSummary ({code})."));
        }
    };
    let left = |used: SummaryKeyType, quota: SummaryKeyType| Some(summary.get(&quota)? - summary.get(&used)?);
    let roles = left(SummaryKeyType::Roles, SummaryKeyType::from("RolesQuota"));
    let policies = left(SummaryKeyType::Policies, SummaryKeyType::PoliciesQuota);
    let short: Vec<_> = [("roles", roles, ROLES), ("policies", policies, POLICIES)]
        .into_iter()
        .filter_map(|(what, left, needed)| left.filter(|left| *left < needed).map(|left| format!("{left} {what}")))
        .collect();
    match short.is_empty() {
        true if roles.is_none() || policies.is_none() => {
            Check::warning(subject, "Not checked: iam:GetAccountSummary did not name the quotas.")
        }
        true => Check::fine(subject, format!("There is room for {ROLES} roles and {POLICIES} policies.")),
        false => Check::failure(
            subject,
            format!(
                "There is room for only {}. The stack needs {ROLES} roles and up to {POLICIES} policies. Delete some, or raise the \
                 quota.",
                short.join(" and ")
            ),
        ),
    }
}

/// The boundary of the function's own roles must exist. That of the platform's role is part of the plan.
async fn function_boundary(session: &Session, parameters: &template::Parameters) -> Check {
    let subject = "function's boundary";
    let (arn, name) = (&parameters["FunctionPermissionsBoundaryArn"], &parameters["FunctionPermissionsBoundaryName"]);
    let arn = if name.is_empty() { arn.clone() } else { session.caller.account.policy_arn(name) };
    if arn.is_empty() {
        return Check::fine(subject, String::new());
    }
    let client = aws_sdk_iam::Client::new(&session.configuration);
    let answer = client.get_policy().policy_arn(&arn).send().await;
    match answer.map_err(failed("GetPolicy", orchestera_access::iam::kind_of)) {
        Ok(_) => Check::fine(subject, format!("{arn} exists.")),
        Err(error) if error.kind() == Kind::Gone => Check::failure(
            subject,
            format!("{arn} does not exist. Create it, or give another in FunctionPermissionsBoundaryArn."),
        ),
        Err(error) => {
            let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
            Check::warning(subject, format!("Not checked: you may not read {arn} ({code})."))
        }
    }
}
