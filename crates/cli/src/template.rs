//! The parameters of `template.yaml`, and the properties of the custom resource that they become.
//!
//! Tests compare the table with the template, and the properties with what CloudFormation sends.

use custom_resource::{Error, Result};
use orchestera_access::account::Account;
use regex::Regex;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The values of all parameters, by name.
pub type Parameters = BTreeMap<String, String>;

/// A parameter of the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub default: &'static str,
    pub allowed: Allowed,
    /// The property of the custom resource that has the same value. `None` if the parameter is about other resources,
    /// or if [`properties`] works it out.
    pub property: Option<&'static str>,
}

/// Which values a parameter may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `AllowedValues`.
    Values(&'static [&'static str]),
    /// `MinValue` and `MaxValue`.
    Numbers(i64, i64),
    /// `AllowedPattern`, and `ConstraintDescription`.
    Pattern(&'static str, &'static str),
}

const POLICY_ARN: Allowed = Allowed::Pattern(
    r"^$|^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/([!#-\[\]-~]{1,511}/)?[A-Za-z0-9_+=,.@-]{1,128}$",
    "Give the ARN of a managed policy, such as arn:aws:iam::111122223333:policy/Boundary, or leave it blank.",
);
const POLICY_NAME: Allowed = Allowed::Pattern(
    "^$|^[A-Za-z0-9_+=,.@-][A-Za-z0-9_+=,.@/-]{0,511}$",
    "Give the name of a managed policy, such as Boundary or path/Boundary, or leave it blank.",
);
const BOOLEAN: Allowed = Allowed::Values(&["true", "false"]);
const RETENTION: [&str; 22] = [
    "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827",
    "2192", "2557", "2922", "3288", "3653",
];

/// Every parameter, in the template's order.
pub const PARAMETERS: [Parameter; 19] = [
    of_resource("PolicyEdition", "2025-09-29", Allowed::Values(&["2025-09-29", "2026-02-06"])),
    of_resource("MaxSessionDuration", "3600", Allowed::Numbers(3600, 43200)),
    other("PermissionsBoundaryArn", "", POLICY_ARN),
    other("PermissionsBoundaryName", "", POLICY_NAME),
    other("Guardrail", "Off", Allowed::Values(&["On", "Off"])),
    of_resource("AccessState", "Active", Allowed::Values(&["Active", "Suspended"])),
    of_resource("RequireExternalId", "true", BOOLEAN),
    of_resource(
        "ExternalId",
        "",
        Allowed::Pattern(
            "^$|^[A-Za-z0-9+=,.@:/_-]{2,1224}$",
            "Give 2 to 1224 characters of A-Z a-z 0-9 + = , . @ : / _ - or leave it blank.",
        ),
    ),
    of_resource("OnExisting", "Adopt", Allowed::Values(&["Adopt", "Fail"])),
    of_resource("OnDelete", "DeleteCreated", Allowed::Values(&["DeleteCreated", "DeleteAll", "Retain"])),
    other("DriftCheck", "Report", Allowed::Values(&["Off", "Report", "Repair"])),
    of_resource(
        "MemberAccountId",
        "",
        Allowed::Pattern("^$|^[0-9]{12}$", "Give the 12 digits of an account, or leave it blank."),
    ),
    of_resource(
        "MemberRoleName",
        "OrganizationAccountAccessRole",
        Allowed::Pattern("^[A-Za-z0-9_+=,.@-]{1,64}$", "Give the name of a role, without a path."),
    ),
    other("NewAccount", "false", BOOLEAN),
    other("LogRetentionInDays", "90", Allowed::Values(&RETENTION)),
    other("FunctionPermissionsBoundaryArn", "", POLICY_ARN),
    other("FunctionPermissionsBoundaryName", "", POLICY_NAME),
    of_resource(
        "Tags",
        "",
        Allowed::Pattern(
            r"^$|^[^\x00-\x20!-*,;-?\[-^`{-\x7f]+( +[^\x00-\x20!-*,;-?\[-^`{-\x7f]+)*(=([^\x00-\x20!-*,;-?\[-^`{-\x7f]+( +[^\x00-\x20!-*,;-?\[-^`{-\x7f]+)*)?){1,3}(,[^\x00-\x20!-*,;-?\[-^`{-\x7f]+( +[^\x00-\x20!-*,;-?\[-^`{-\x7f]+)*(=([^\x00-\x20!-*,;-?\[-^`{-\x7f]+( +[^\x00-\x20!-*,;-?\[-^`{-\x7f]+)*)?){1,3}){0,4}$",
            "Give at most five tags such as Team=Data,CostCenter=1234, or leave it blank. Key and value have letters, \
             digits, blanks and _.:/+-@. No blank is beside a comma or an equals sign. A value has at most two equals \
             signs.",
        ),
    ),
    other(
        "AlarmTopicArn",
        "",
        Allowed::Pattern(
            "^$|^arn:aws[a-z-]*:sns:us-east-1:[0-9]{12}:[A-Za-z0-9_-]{1,256}$",
            "Give the ARN of an SNS topic in us-east-1, such as arn:aws:sns:us-east-1:111122223333:Alarms, or leave it \
             blank.",
        ),
    ),
];

const fn of_resource(name: &'static str, default: &'static str, allowed: Allowed) -> Parameter {
    Parameter { name, default, allowed, property: Some(name) }
}

const fn other(name: &'static str, default: &'static str, allowed: Allowed) -> Parameter {
    Parameter { name, default, allowed, property: None }
}

/// The Regions that the platform serves: the rule `ServedRegion`.
pub const SERVED_REGIONS: [&str; 1] = ["us-east-1"];

/// A rule of the template: its name, when it is broken, and its `AssertDescription`.
pub struct Rule {
    pub name: &'static str,
    pub is_broken: fn(&Parameters) -> bool,
    pub sentence: &'static str,
}

/// Every rule about parameters. Another is about the Region.
pub const RULES: [Rule; 5] = [
    Rule {
        name: "ExternalIdIsUsed",
        is_broken: |it| it["RequireExternalId"] == "false" && !it["ExternalId"].is_empty(),
        sentence: "An external ID is given, but RequireExternalId is \"false\", so it would not be asked for. Set \
                   RequireExternalId to \"true\", or leave ExternalId blank.",
    },
    Rule {
        name: "OneBoundary",
        is_broken: |it| {
            it["Guardrail"] == "On"
                && !(it["PermissionsBoundaryArn"].is_empty() && it["PermissionsBoundaryName"].is_empty())
        },
        sentence: "A role has one boundary. Set Guardrail to \"Off\" to use yours, or leave PermissionsBoundaryArn and \
                   PermissionsBoundaryName blank.",
    },
    Rule {
        name: "OneBoundary",
        is_broken: |it| it["Guardrail"] == "On" && !it["MemberAccountId"].is_empty(),
        sentence: "This stack creates the boundary in its own account, and a role in another account cannot use it. Create \
                   the stack in that account, or create a boundary there and set PermissionsBoundaryArn.",
    },
    Rule {
        name: "BoundaryGivenOnce",
        is_broken: |it| !it["PermissionsBoundaryArn"].is_empty() && !it["PermissionsBoundaryName"].is_empty(),
        sentence: "A role has one boundary. Leave PermissionsBoundaryArn blank, or PermissionsBoundaryName.",
    },
    Rule {
        name: "FunctionBoundaryGivenOnce",
        is_broken: |it| {
            !it["FunctionPermissionsBoundaryArn"].is_empty() && !it["FunctionPermissionsBoundaryName"].is_empty()
        },
        sentence: "A role has one boundary. Leave FunctionPermissionsBoundaryArn blank, or FunctionPermissionsBoundaryName.",
    },
];

/// Every parameter with the value that `given` has for it, or with its default.
pub fn with_defaults(given: &Parameters) -> Parameters {
    let value =
        |parameter: &Parameter| given.get(parameter.name).cloned().unwrap_or_else(|| parameter.default.to_owned());
    PARAMETERS.iter().map(|parameter| (parameter.name.to_owned(), value(parameter))).collect()
}

/// Reads the options `--set Parameter=Value`. The value begins after the first `=`.
///
/// # Errors
/// With every option that has no `=`.
pub fn read(options: &[String]) -> Result<Parameters> {
    let mut parameters = Parameters::new();
    let mut problems = Vec::new();
    for option in options {
        match option.split_once('=') {
            Some((name, value)) => drop(parameters.insert(name.trim().to_owned(), value.to_owned())),
            None => problems.push(format!("--set {option} has no '='. Write --set Parameter=Value.")),
        }
    }
    refuse(problems).map(|()| parameters)
}

/// Checks the values, and the template's rules, as CloudFormation does.
///
/// # Errors
/// With every problem. The value of `ExternalId` is not repeated.
pub fn check(given: &Parameters, region: &str) -> Result<()> {
    let known = |name: &String| PARAMETERS.iter().any(|parameter| parameter.name == name);
    let mut problems: Vec<_> = given
        .keys()
        .filter(|name| !known(name))
        .map(|name| format!("The template has no parameter {name}. See them with: orchestera plan --show-parameters."))
        .collect();
    problems.extend(PARAMETERS.iter().filter_map(|parameter| parameter.problem(given.get(parameter.name)?)));
    let all = with_defaults(given);
    problems.extend(RULES.iter().filter(|rule| (rule.is_broken)(&all)).map(|rule| rule.sentence.to_owned()));
    if !SERVED_REGIONS.contains(&region) {
        problems.push(format!(
            "The Region is {region}, and the Orchestera platform serves {} only. Add --region {}.",
            SERVED_REGIONS.join(", "),
            SERVED_REGIONS[0]
        ));
    }
    refuse(problems)
}

fn refuse(problems: Vec<String>) -> Result<()> {
    if problems.is_empty() { Ok(()) } else { Err(Error::refused(problems.join(" "))) }
}

impl Parameter {
    /// Why the value is not allowed.
    fn problem(&self, value: &str) -> Option<String> {
        let (is_allowed, rule) = match self.allowed {
            Allowed::Values(values) => (values.contains(&value), format!("one of {}", values.join(", "))),
            Allowed::Numbers(least, most) => {
                let is_between = value.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number));
                (is_between, format!("a number from {least} to {most}"))
            }
            Allowed::Pattern(pattern, description) => {
                let is_match = Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(value));
                return (!is_match).then(|| format!("{}: {description}", self.name));
            }
        };
        (!is_allowed).then(|| format!("{} must be {rule}, not '{value}'.", self.name))
    }
}

/// The properties that CloudFormation sends to the custom resource. `guardrail_arn` is that of the boundary that the
/// stack creates.
pub fn properties(parameters: &Parameters, own: &Account, guardrail_arn: &str) -> Value {
    let mut properties: Map<_, _> = PARAMETERS
        .iter()
        .filter_map(|parameter| Some((parameter.property?.to_owned(), json!(parameters[parameter.name]))))
        .collect();
    let (guardrail, name) = (&parameters["Guardrail"], &parameters["PermissionsBoundaryName"]);
    let boundary = if guardrail == "On" {
        guardrail_arn.to_owned()
    } else if name.is_empty() {
        parameters["PermissionsBoundaryArn"].clone()
    } else {
        let member = &parameters["MemberAccountId"];
        let id = if member.is_empty() { &own.id } else { member };
        Account { id: id.clone(), ..own.clone() }.policy_arn(name)
    };
    properties.insert("PermissionsBoundaryArn".to_owned(), json!(boundary));
    Value::Object(properties)
}

/// The ARN of a stack that does not exist yet. The last part is a placeholder.
pub fn placeholder_stack_id(own: &Account, region: &str, stack_name: &str) -> String {
    format!("arn:{}:cloudformation:{region}:{}:stack/{stack_name}/ID-OF-THE-STACK", own.partition, own.id)
}

/// The ARN of a boundary that does not exist yet.
pub fn placeholder_guardrail_arn(own: &Account) -> String {
    own.policy_arn("orchestera-guardrail/ID-OF-THE-STACK/GuardrailBoundary")
}

/// The path of every boundary that a stack creates.
pub const GUARDRAIL_PATH: &str = ":policy/orchestera-guardrail/";
