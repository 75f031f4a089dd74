//! `orchestera permissions`: the least IAM policy for each command. Tests run each command with exactly that policy.

use crate::Verdict;
use crate::arguments::{Format, Permissions, PermissionsOf, Printing};
use crate::member::READS;
use crate::output;
use custom_resource::Result;
use serde_json::{Value, json};

/// What every command calls first. The alias is a courtesy: without `iam:ListAccountAliases` it is not shown.
const SESSION: [&str; 1] = ["iam:ListAccountAliases"];

/// Reading the role and the policy of this account.
const ROLE: [&str; 9] = [
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListEntitiesForPolicy",
    "iam:ListInstanceProfilesForRole",
    "iam:ListPolicyVersions",
    "iam:ListRolePolicies",
];

/// Reading the stack.
const STACK: [&str; 2] = ["cloudformation:DescribeStackResource", "cloudformation:DescribeStacks"];

/// Runs the command.
///
/// # Errors
/// If it cannot be written.
pub fn run(printing: &Printing, options: &Permissions) -> Result<Verdict> {
    let policy = policy(options.command);
    let text = match printing.output {
        Format::Ndjson => format!("{policy}\n"),
        // A policy is JSON in every format.
        Format::Table | Format::Csv | Format::Json => format!("{policy:#}\n"),
    };
    output::write(printing, &text)?;
    Ok(Verdict::Good)
}

/// The least policy for a command.
pub fn policy(command: PermissionsOf) -> Value {
    let mut actions: Vec<&str> = SESSION.to_vec();
    match command {
        PermissionsOf::Plan => actions.extend([&ROLE[..], &STACK].concat()),
        PermissionsOf::Verify => actions.extend([&ROLE[..], &STACK, &["iam:SimulatePrincipalPolicy"]].concat()),
        PermissionsOf::Preflight => actions.extend(
            [
                &ROLE[..],
                &STACK,
                &["iam:GetAccountSummary", "iam:SimulatePrincipalPolicy", "organizations:DescribeOrganization"],
            ]
            .concat(),
        ),
        PermissionsOf::PreflightOrganization => actions.extend(ORGANIZATION),
        PermissionsOf::Status => actions.extend([&READS[..], &LISTS].concat()),
        PermissionsOf::Console => actions.extend(["cloudformation:DescribeStacks", "organizations:ListAccounts"]),
        PermissionsOf::AwsConfig => actions.extend(["cloudformation:DescribeStacks"]),
    }
    actions.sort_unstable();
    actions.dedup();
    let mut statements = vec![json!({ "Sid": "Read", "Effect": "Allow", "Action": actions, "Resource": "*" })];
    if matches!(command, PermissionsOf::Status | PermissionsOf::Plan) {
        // Each session that the command opens can read only.
        statements.push(json!({
            "Sid": "OpenReadOnlySessions",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": "arn:*:iam::*:role/OrganizationAccountAccessRole",
        }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Listing accounts.
const LISTS: [&str; 4] = [
    "cloudformation:ListStackInstances",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListOrganizationalUnitsForParent",
];

/// What the organization function reads before it creates anything.
const ORGANIZATION: [&str; 0] = [];
