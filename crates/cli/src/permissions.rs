//! `orchestera permissions`: the least IAM policy for each command. Tests run each command with exactly that policy, and
//! with each action left out.
//!
//! Roles, policies and stacks are limited by the names that they have by default. Who chose another name writes it into
//! the policy. `arn:*` is every partition.

use crate::arguments::{Format, Permissions, PermissionsOf, Printing};
use crate::output;
use crate::verdict::Verdict;
use custom_resource::Result;
use serde_json::{Value, json};

/// A statement: its name, the actions, and the resources.
#[derive(Clone, Copy, Debug)]
struct Grant(&'static str, &'static [&'static str], &'static [&'static str]);

const ANY: [&str; 1] = ["*"];

/// The role, also with a path. A role with a path is not the stack's, and the command says so.
const ROLE: [&str; 2] = ["arn:*:iam::*:role/OrchesteraAccessRole", "arn:*:iam::*:role/*/OrchesteraAccessRole"];
/// The policy. Its ARN is made of its name, so it never has a path.
const POLICY: [&str; 1] = ["arn:*:iam::*:policy/OrchesteraAccessPolicy"];
/// Also the boundaries that parameters name, and what else is attached to the role.
const POLICIES: [&str; 1] = ["arn:*:iam::*:policy/*"];
/// Also the stacks of a StackSet and those of the organization's stack, whose names contain it.
const STACKS: [&str; 1] = ["arn:*:cloudformation:*:*:stack/*orchestera*/*"];
const ORGANIZATION_STACK: [&str; 1] = ["arn:*:cloudformation:*:*:stack/orchestera-organization/*"];
const STACK_SETS: [&str; 1] = ["arn:*:cloudformation:*:*:stackset/*orchestera*:*"];

/// What every command calls first. The alias is a courtesy: without this permission it is not shown.
const ALIAS: Grant = Grant("ShowTheAlias", &["iam:ListAccountAliases"], &ANY);

/// All that is read of the role, but whether it exists.
const ATTACHED_AND_INLINE: [&str; 3] = ["iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"];
const FIND_THE_ROLE: Grant = Grant("FindTheRole", &["iam:GetRole"], &ROLE);
const READ_THE_ROLE: Grant = Grant("ReadTheRole", &ATTACHED_AND_INLINE, &ROLE);
const OF_A_POLICY: [&str; 4] =
    ["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy", "iam:ListPolicyVersions"];
const READ_THE_POLICY: Grant = Grant("ReadThePolicy", &OF_A_POLICY, &POLICY);
/// Each session that a command opens can read only.
const OPEN_SESSIONS: Grant =
    Grant("OpenReadOnlySessions", &["sts:AssumeRole"], &["arn:*:iam::*:role/OrganizationAccountAccessRole"]);
const READ_THE_STACK: Grant = Grant("ReadTheStack", &["cloudformation:DescribeStacks"], &STACKS);

/// What `plan` reads, and `preflight`, which makes a plan.
const OF_A_PLAN: [Grant; 6] = [
    ALIAS,
    READ_THE_ROLE,
    // A role with a path is refused before that.
    Grant(
        "SeeWhatPreventsADeletion",
        &["iam:ListInstanceProfilesForRole"],
        &["arn:*:iam::*:role/OrchesteraAccessRole"],
    ),
    Grant("ReadThePolicyAndBoundaries", &OF_A_POLICY, &POLICIES),
    Grant("ReadTheStack", &["cloudformation:DescribeStackResource", "cloudformation:DescribeStacks"], &STACKS),
    OPEN_SESSIONS,
];

const VERIFY: [Grant; 6] = [
    ALIAS,
    FIND_THE_ROLE,
    READ_THE_ROLE,
    READ_THE_POLICY,
    READ_THE_STACK,
    Grant("AskThePolicySimulator", &["iam:SimulatePrincipalPolicy"], &ROLE),
];

/// In addition to [`OF_A_PLAN`].
const PREFLIGHT: [Grant; 4] = [
    Grant("FindTheRoleAndYourOwn", &["iam:GetRole"], &["arn:*:iam::*:role/*"]),
    Grant(
        "AskThePolicySimulatorAboutYou",
        &["iam:SimulatePrincipalPolicy"],
        &["arn:*:iam::*:role/*", "arn:*:iam::*:user/*"],
    ),
    Grant("ReadQuotas", &["iam:GetAccountSummary"], &ANY),
    Grant("SeeWhetherThisIsTheManagementAccount", &["organizations:DescribeOrganization"], &ANY),
];

const STATUS: [Grant; 8] = [
    ALIAS,
    // In the account of the caller. In each other account, the role has its own permissions.
    FIND_THE_ROLE,
    READ_THE_ROLE,
    READ_THE_POLICY,
    READ_THE_STACK,
    Grant(
        "ListAccounts",
        &[
            "organizations:ListAccounts",
            "organizations:ListAccountsForParent",
            "organizations:ListOrganizationalUnitsForParent",
        ],
        &ANY,
    ),
    Grant("ListTheInstancesOfTheStackSet", &["cloudformation:ListStackInstances"], &STACK_SETS),
    OPEN_SESSIONS,
];

const CONSOLE: [Grant; 3] = [
    ALIAS,
    Grant("FindTheAccountByItsName", &["organizations:ListAccounts"], &ANY),
    Grant("ReadTheStack", &["cloudformation:DescribeStacks"], &ORGANIZATION_STACK),
];

const AWS_CONFIG: [Grant; 2] = [ALIAS, Grant("ReadTheStack", &["cloudformation:DescribeStacks"], &ANY)];

/// What the organization function reads before it creates anything, as `OrganizationFunctionPolicy` of
/// `organization.yaml` has it.
const PREFLIGHT_ORGANIZATION: [Grant; 11] = [
    ALIAS,
    Grant("ReadTheStack", &["cloudformation:DescribeStacks"], &ORGANIZATION_STACK),
    Grant(
        "ReadTheOrganization",
        &[
            "organizations:DescribeOrganization",
            "organizations:DescribePolicy",
            "organizations:ListAWSServiceAccessForOrganization",
            "organizations:ListAccounts",
            "organizations:ListCreateAccountStatus",
            "organizations:ListDelegatedAdministrators",
            "organizations:ListHandshakesForOrganization",
            "organizations:ListParents",
            "organizations:ListPoliciesForTarget",
            "organizations:ListRoots",
        ],
        &ANY,
    ),
    // None of these can be limited to a resource.
    Grant(
        "ReadPlanQuotaRootUserPasswordPolicyAndStackSets",
        &[
            "cloudformation:ListStackSets",
            "freetier:GetAccountPlanState",
            "iam:GetAccountPasswordPolicy",
            "iam:GetAccountSummary",
            "servicequotas:GetServiceQuota",
            "sso:ListInstances",
        ],
        &ANY,
    ),
    Grant(
        "SeeWhetherTheGroupExists",
        &["iam:GetGroup"],
        &["arn:*:iam::*:group/orchestera-admin-group", "arn:*:iam::*:group/*/orchestera-admin-group"],
    ),
    Grant("SeeWhetherTheUsersExist", &["iam:GetUser"], &["arn:*:iam::*:user/*"]),
    Grant(
        "SeeWhetherControlTowerManagesTheOrganizationAndWhetherTheBootstrapRoleExists",
        &["iam:GetRole"],
        &[
            "arn:*:iam::*:role/mgmt-org-admin",
            "arn:*:iam::*:role/*/mgmt-org-admin",
            "arn:*:iam::*:role/AWSControlTowerAdmin",
            "arn:*:iam::*:role/*/AWSControlTowerAdmin",
        ],
    ),
    Grant(
        "SeeWhereOurStackSetsDeploy",
        &["cloudformation:DescribeStackSet"],
        &["arn:*:cloudformation:*:*:stackset/orchestera-access*"],
    ),
    Grant(
        "ReadIdentityCenter",
        &[
            "sso:DescribePermissionSet",
            "sso:ListAccountAssignments",
            "sso:ListPermissionSets",
            "sso:ListTagsForResource",
        ],
        &["arn:*:sso:::instance/*", "arn:*:sso:::permissionSet/*/*", "arn:*:sso:::account/*"],
    ),
    Grant(
        "FindTheUserOrGroup",
        &["identitystore:GetGroupId", "identitystore:GetUserId"],
        &["arn:*:identitystore::*:identitystore/*", "arn:*:identitystore:::group/*", "arn:*:identitystore:::user/*"],
    ),
    Grant("ReadTheContacts", &["account:GetAlternateContact"], &["arn:*:account::*:account"]),
];

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
    if !printing.quiet {
        output::note(
            "Attach this to the identity that runs the command. Replace the names of roles and stacks if you use others. A \
             session in another account can only read, whatever its role may do.",
        );
    }
    Ok(Verdict::Good)
}

/// The least policy for a command.
pub fn policy(command: PermissionsOf) -> Value {
    let grants = match command {
        PermissionsOf::Plan => [&OF_A_PLAN[..], &[FIND_THE_ROLE]].concat(),
        PermissionsOf::Verify => VERIFY.to_vec(),
        PermissionsOf::Preflight => [&OF_A_PLAN[..], &PREFLIGHT].concat(),
        PermissionsOf::PreflightOrganization => PREFLIGHT_ORGANIZATION.to_vec(),
        PermissionsOf::Status => STATUS.to_vec(),
        PermissionsOf::Console => CONSOLE.to_vec(),
        PermissionsOf::AwsConfig => AWS_CONFIG.to_vec(),
    };
    document(grants)
}

fn document(grants: Vec<Grant>) -> Value {
    let statement = |Grant(name, actions, resources): Grant| json!({ "Sid": name, "Effect": "Allow", "Action": actions, "Resource": resources });
    json!({ "Version": "2012-10-17", "Statement": grants.into_iter().map(statement).collect::<Vec<_>>() })
}
