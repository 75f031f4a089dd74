//! The command line's arguments. Names and meanings are those of the AWS CLI where it has the same.

use crate::stack::ORGANIZATION_STACK;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
What would stop the stack in this account:
  orchestera preflight
What creating or updating the stack would do here:
  orchestera plan
Whether the role is correct:
  orchestera verify
Every account of the organization, as a spreadsheet:
  orchestera status --output csv --output-file accounts.csv
The profiles that it would write:
  orchestera aws-config --dry-run

It never changes anything in AWS. The platform is Orchestera's AWS account 017059471480, which assumes the role in your \
accounts. Exit codes: 0 if all is well; 1 if the command worked and found something to correct; 2 if the arguments are \
wrong or the command failed; 130 after Ctrl-C.";

/// Shows what Orchestera Access will do in your AWS accounts, and what exists. It only reads.
#[derive(Clone, Debug, Parser)]
#[command(name = "orchestera", version, after_help = EXAMPLES, max_term_width = 120)]
pub struct Arguments {
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub printing: Printing,
    #[command(subcommand)]
    pub command: Command,
}

/// With which credentials, and where.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Credentials, as in the AWS CLI")]
pub struct Connection {
    /// The profile of your AWS configuration. AWS_PROFILE does the same
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The Region of the stacks. AWS_REGION does the same. The default is that of the profile, or us-east-1
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Your MFA device. The command asks for its code on the terminal, and gets a session from STS
    #[arg(long, global = true, value_name = "ARN")]
    pub mfa_serial: Option<String>,
    /// Log each call to AWS with its request id on standard error
    #[arg(long, global = true)]
    pub debug: bool,
}

/// What is printed, and how.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub struct Printing {
    /// The format on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
    /// Write the output into this file, whole or not at all. An existing file is replaced
    #[arg(long, global = true, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Print no progress and no notes on standard error
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// A format of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// Comma-separated values, for spreadsheets
    Csv,
    /// One JSON document
    Json,
    /// One JSON document a line
    Ndjson,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Says what will fail before it does, and what to do about it
    Preflight(Preflight),
    /// Says what creating, updating or deleting the stack would do in this account
    Plan(Plan),
    /// Says whether the role of this account is correct, who may assume it, and what it may do
    Verify(Verify),
    /// Shows every account of the organization: ready, or why not. csv and json also have the role ARN and external ID
    Status(Status),
    /// Writes profiles for the accounts into your AWS configuration
    AwsConfig(AwsConfig),
    /// Prints the link that switches the console into an account
    Console(Console),
    /// Prints the least IAM policy for a command
    Permissions(Permissions),
    /// Prints the completion script of a shell
    Completions(Completions),
    /// Writes the manual pages into a folder
    #[command(hide = true)]
    Man(Man),
}

/// The stack in this account.
#[derive(Args, Clone, Debug)]
pub struct StackName {
    /// The name or the ARN of the stack
    #[arg(long, default_value = "orchestera-access", value_name = "NAME")]
    pub stack_name: String,
}

const PREFLIGHT_EXAMPLES: &str = "\
Examples:
  orchestera preflight
  orchestera preflight --set Guardrail=On
  orchestera preflight --organization --set AccountEmail=spark@example.com";

/// `orchestera preflight`.
#[derive(Args, Clone, Debug)]
#[command(after_help = PREFLIGHT_EXAMPLES)]
pub struct Preflight {
    /// Check the management account, for the stack of docs/organization.md
    #[arg(long)]
    pub organization: bool,
    /// A parameter of the stack. Give it as often as you need
    #[arg(long, value_name = "Parameter=Value")]
    pub set: Vec<String>,
    /// The name of the stack. The default is orchestera-access, or orchestera-organization
    #[arg(long, value_name = "NAME")]
    pub stack_name: Option<String>,
}

const PLAN_EXAMPLES: &str = "\
Examples:
  orchestera plan
  orchestera plan --set PolicyEdition=2026-02-06
  orchestera plan --delete
  orchestera plan --show-parameters";

/// `orchestera plan`.
#[derive(Args, Clone, Debug)]
#[command(after_help = PLAN_EXAMPLES)]
pub struct Plan {
    /// A parameter of the stack. The others keep their values, or have the template's defaults
    #[arg(long, value_name = "Parameter=Value")]
    pub set: Vec<String>,
    /// What deleting the stack would do
    #[arg(long)]
    pub delete: bool,
    /// Print the template's parameters with their defaults, and end
    #[arg(long)]
    pub show_parameters: bool,
    #[command(flatten)]
    pub stack: StackName,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  orchestera verify
  orchestera verify --profile orchestera-spark --output json";

/// `orchestera verify`.
#[derive(Args, Clone, Debug)]
#[command(after_help = VERIFY_EXAMPLES)]
pub struct Verify {
    /// The name of the role
    #[arg(long, default_value = "OrchesteraAccessRole", value_name = "NAME")]
    pub role_name: String,
    /// The name of the policy
    #[arg(long, default_value = "OrchesteraAccessPolicy", value_name = "NAME")]
    pub policy_name: String,
    /// Do not ask the policy simulator what the role may do
    #[arg(long)]
    pub no_simulation: bool,
    #[command(flatten)]
    pub stack: StackName,
}

const STATUS_EXAMPLES: &str = "\
Examples:
  orchestera status
  orchestera status --output csv --output-file accounts.csv
  orchestera status --organizational-unit ou-abcd-11112222
  orchestera status --stack-set orchestera-access --call-as DELEGATED_ADMIN
  orchestera status --accounts 111122223333,444455556666
  orchestera status --accounts @accounts.txt --role AWSControlTowerExecution --role audit
  orchestera status --profile-pattern 'audit-{account}'";

/// `orchestera status`.
#[derive(Args, Clone, Debug)]
#[command(after_help = STATUS_EXAMPLES)]
pub struct Status {
    /// Only the accounts of this organizational unit, and of the units in it
    #[arg(long, value_name = "ID", conflicts_with_all = ["stack_set", "accounts"])]
    pub organizational_unit: Option<String>,
    /// Only the accounts of this StackSet's instances
    #[arg(long, value_name = "NAME", conflicts_with = "accounts")]
    pub stack_set: Option<String>,
    /// Read the StackSet as the management account or as a delegated administrator
    #[arg(long, value_enum, default_value_t = CallAs::Self_, requires = "stack_set", value_name = "WHO")]
    pub call_as: CallAs,
    /// Only these accounts: ids separated by commas, or @FILE with one id a line
    #[arg(long, value_name = "IDS")]
    pub accounts: Option<String>,
    /// The role to assume in each account. Several are tried in order
    #[arg(long, default_value = "OrganizationAccountAccessRole", value_name = "NAME")]
    pub role: Vec<String>,
    /// The external ID that these roles require
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// The name of the sessions, which CloudTrail shows
    #[arg(long, default_value = "orchestera-status", value_name = "NAME")]
    pub role_session_name: String,
    /// A profile for each account instead of a role: {account} stands for the id, {name} for the account's name
    #[arg(long, value_name = "PATTERN", conflicts_with = "role")]
    pub profile_pattern: Option<String>,
    /// How many accounts to read at once
    #[arg(long, default_value_t = 32, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub concurrency: u16,
    /// The time limit for each account, in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=900))]
    pub account_timeout: u16,
    #[command(flatten)]
    pub stack: StackName,
}

/// `CallAs` of CloudFormation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CallAs {
    /// The management account
    #[value(name = "SELF")]
    Self_,
    /// A delegated administrator
    #[value(name = "DELEGATED_ADMIN")]
    DelegatedAdmin,
}

const AWS_CONFIG_EXAMPLES: &str = "\
Examples:
  orchestera aws-config --dry-run
  orchestera aws-config
  orchestera aws-config --sso-start-url https://example.awsapps.com/start
  orchestera aws-config --permission-set ReadOnlyAccess
  orchestera aws-config --profile-prefix acme --profile-region eu-central-1
  orchestera aws-config --check

The profiles stand between two marker lines in ~/.aws/config, or in the file of
AWS_CONFIG_FILE. Everything else in the file stays as it is. To remove the profiles,
delete the lines between the markers.";

/// `orchestera aws-config`.
#[derive(Args, Clone, Debug)]
#[command(after_help = AWS_CONFIG_EXAMPLES)]
pub struct AwsConfig {
    /// The address where people sign in, if Identity Center has a subdomain of your own. No API returns it
    #[arg(long, value_name = "URL")]
    pub sso_start_url: Option<String>,
    /// The permission set of the profiles. The default is that of the stack
    #[arg(long, value_name = "NAME")]
    pub permission_set: Option<String>,
    /// The prefix of the profile names
    #[arg(long, default_value = "orchestera", value_name = "PREFIX")]
    pub profile_prefix: String,
    /// The Region of the profiles. The default is us-east-1, or the Region that a profile has already
    #[arg(long, value_name = "REGION")]
    pub profile_region: Option<String>,
    /// The name or the ARN of the stack in the management account
    #[arg(long, default_value = ORGANIZATION_STACK, value_name = "NAME")]
    pub stack_name: String,
    /// Print what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Check the identity of each profile with AWS, and write nothing
    #[arg(
        long,
        conflicts_with_all = ["dry_run", "sso_start_url", "permission_set", "profile_region", "stack_name"]
    )]
    pub check: bool,
}

const CONSOLE_EXAMPLES: &str = "\
Examples:
  orchestera console
  orchestera console 111122223333
  orchestera console orchestera-spark --role OrganizationAccountAccessRole";

/// `orchestera console`.
#[derive(Args, Clone, Debug)]
#[command(after_help = CONSOLE_EXAMPLES)]
pub struct Console {
    /// The id or the name of the account. Without it, the accounts of the stack orchestera-organization
    #[arg(value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The role to switch to
    #[arg(long, default_value = "OrganizationAccountAccessRole", value_name = "NAME")]
    pub role: String,
}

const PERMISSIONS_EXAMPLES: &str = "\
Examples:
  orchestera permissions status
  orchestera permissions verify --output-file policy.json";

/// `orchestera permissions`.
#[derive(Args, Clone, Debug)]
#[command(after_help = PERMISSIONS_EXAMPLES)]
pub struct Permissions {
    /// The command
    #[arg(value_enum, value_name = "COMMAND")]
    pub command: PermissionsOf,
}

/// A command that calls AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PermissionsOf {
    Preflight,
    /// `preflight --organization`
    PreflightOrganization,
    Plan,
    Verify,
    Status,
    Console,
    AwsConfig,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
In bash, for this session:
  source <(orchestera completions bash)
In zsh, for this session, after compinit:
  source <(orchestera completions zsh)";

/// `orchestera completions`.
#[derive(Args, Clone, Debug)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

/// `orchestera man`.
#[derive(Args, Clone, Debug)]
pub struct Man {
    /// The folder
    pub folder: PathBuf,
}
