//! What you, and the function that you deploy, may do: by IAM's policy simulator, which also knows service control
//! policies.

use super::check::Check;
use crate::session::Session;
use crate::template::Parameters;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{EvaluationResult, PolicyEvaluationDecisionType};
use custom_resource::Result;
use custom_resource::call::{failed, kind_of};
use orchestera_access::iam::Operation;

/// What CloudFormation does with your permissions.
const DEPLOYER: [&str; 13] = [
    "cloudformation:CreateStack",
    "cloudformation:DescribeStacks",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:GetRole",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "lambda:CreateFunction",
    "lambda:InvokeFunction",
    "lambda:PutFunctionEventInvokeConfig",
    "logs:CreateLogGroup",
    "logs:PutRetentionPolicy",
    "s3:GetObject",
];
/// What else it does with them for these parameters.
fn optional(parameters: &Parameters) -> impl Iterator<Item = &'static str> {
    let actions = [
        ("scheduler:CreateSchedule", parameters["DriftCheck"] != "Off"),
        ("iam:CreatePolicy", parameters["Guardrail"] == "On"),
        ("iam:TagRole", !parameters["Tags"].is_empty()),
        ("cloudwatch:PutMetricAlarm", !parameters["AlarmTopicArn"].is_empty()),
    ];
    actions.into_iter().filter(|(_, is_needed)| *is_needed).map(|(action, _)| action)
}

const YOURS: &str = "your permissions";
const SERVICE_CONTROL: &str = "service control";

/// Asks the simulator, for a stack with these parameters.
pub async fn checks(session: &Session, parameters: &Parameters) -> Vec<Check> {
    if session.caller.is_root() {
        return vec![Check::warning(
            YOURS,
            "You are the root user, which no IAM policy limits. Sign in as an administrator for daily work.",
        )];
    }
    let client = Client::new(&session.configuration);
    let source = match source(&client, &session.caller.arn).await {
        Ok(source) => source,
        Err(sentence) => return vec![Check::warning(YOURS, sentence)],
    };
    let mut actions: Vec<String> = DEPLOYER.iter().map(|action| (*action).to_owned()).collect();
    actions.extend(optional(parameters).map(str::to_owned));
    let of_function = Operation::ALL.iter().map(|operation| format!("iam:{operation}"));
    let all: Vec<_> = actions.iter().cloned().chain(of_function.filter(|action| !actions.contains(action))).collect();
    match simulate(&client, &source, all).await {
        Ok(results) => judge(&results, &actions),
        Err(error) => {
            let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
            vec![Check::warning(
                YOURS,
                format!(
                    "Not checked: you may not call iam:SimulatePrincipalPolicy ({code}). If a permission is missing, \
                     the stack's events will show it."
                ),
            )]
        }
    }
}

/// The IAM user or role behind the caller, which the simulator wants. A session's ARN lacks the path of its role.
async fn source(client: &Client, arn: &str) -> std::result::Result<String, String> {
    let Some(session) = arn.split(":assumed-role/").nth(1) else { return Ok(arn.to_owned()) };
    let role = session.split('/').next().unwrap_or_default();
    let answer = client.get_role().role_name(role).send().await.map_err(failed("GetRole", kind_of));
    match answer {
        Ok(answer) => {
            answer.role.map(|role| role.arn).ok_or_else(|| "Not checked: IAM did not show your role.".to_owned())
        }
        Err(_) => Err(format!(
            "Not checked: you may not read your own role {role}. If a permission is missing, the \
             stack's events will show it."
        )),
    }
}

async fn simulate(client: &Client, source: &str, actions: Vec<String>) -> Result<Vec<EvaluationResult>> {
    let call = client.simulate_principal_policy().policy_source_arn(source).set_action_names(Some(actions));
    let mut pages = call.into_paginator().items().send();
    let mut results = Vec::new();
    while let Some(result) = pages.next().await {
        results.push(result.map_err(failed("SimulatePrincipalPolicy", kind_of))?);
    }
    Ok(results)
}

fn judge(results: &[EvaluationResult], yours: &[String]) -> Vec<Check> {
    let mut denied = Vec::new();
    let mut by_organization = Vec::new();
    for result in results {
        let action = result.eval_action_name.as_str();
        let detail = result.organizations_decision_detail.as_ref();
        if detail.is_some_and(|detail| !detail.allowed_by_organizations) {
            by_organization.push(action);
        } else if result.eval_decision != PolicyEvaluationDecisionType::Allowed && yours.iter().any(|one| one == action)
        {
            denied.push(action);
        }
    }
    let mut checks = Vec::new();
    if !by_organization.is_empty() {
        checks.push(Check::failure(
            SERVICE_CONTROL,
            format!(
                "A service control policy of the organization denies {}. Ask who manages the organization to allow it in this \
                 account.",
                by_organization.join(", ")
            ),
        ));
    }
    checks.push(match denied.is_empty() {
        true => Check::fine(YOURS, "You may deploy the stack, as far as the policy simulator knows."),
        false => Check::failure(
            YOURS,
            format!(
                "You may not call {}. Deploy the stack as an administrator, or add these permissions.",
                denied.join(", ")
            ),
        ),
    });
    checks
}
