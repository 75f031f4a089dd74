"""The ways to create the role, each with a template that is published: its parameters, and the link to it."""

import json
from dataclasses import dataclass

from samcli.yamlhelper import yaml_parse

from orchestera_release import link, product, rules

ACKNOWLEDGEMENTS = {
    "CAPABILITY_IAM": "I acknowledge that AWS CloudFormation might create IAM resources.",
    "CAPABILITY_NAMED_IAM": "I acknowledge that AWS CloudFormation might create IAM resources with custom names.",
    "CAPABILITY_AUTO_EXPAND": (
        "I acknowledge that AWS CloudFormation might require the following capability: CAPABILITY_AUTO_EXPAND"
    ),
}
# The property that gives a resource of IAM a name of its own.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html#using-iam-capabilities
NAMES = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::User": "UserName",
}


@dataclass(frozen=True)
class Parameter:
    """A parameter as the console shows it."""

    name: str
    label: str
    description: str
    default: str | None
    values: tuple
    is_number: bool
    is_list: bool
    low: int | None
    high: int | None
    pattern: str | None
    # What to say of a value that is not allowed.
    problem: str
    # A link may preset it. Otherwise you enter it in the console.
    is_presettable: bool


class Choice:
    """One of them. `id` is its place on the page, `kind` is its name for `make link`.

    `link` is None, and so is `url`, if no release is published: then nothing on the page may lead to the buckets.
    """

    def __init__(self, id, kind, title, folder, prefix, has_link):
        self.id, self.kind, self.title = id, kind, title
        self.file = link.TEMPLATES[kind]
        self.template = yaml_parse((folder / self.file).read_text())
        self.region = product.REGIONS[0]
        self.stack_name = link.STACK_NAMES[kind]
        self.link = link.quick_create(kind, prefix=prefix) if has_link else None
        self.url = product.url(prefix, self.region, self.file) if has_link else None
        self.groups = list(_groups(self.template))
        self.parameters = [parameter for _, parameters in self.groups for parameter in parameters]
        self.rules = json.dumps(rules.for_the_page(self.template, self.region, entered=link.NOT_IN_A_LINK))
        self.capabilities = _capabilities(self.template["Resources"].values())
        self.acknowledgements = [ACKNOWLEDGEMENTS[one] for one in self.capabilities]
        self.outputs = {
            name: " ".join(str(output.get("Description", "")).split())
            for name, output in self.template["Outputs"].items()
        }


def all_choices(folder, prefix, has_links=True):
    """From the artefacts of a version. The first is the default."""
    return [
        Choice(id, kind, title, folder, prefix, has_links)
        for id, kind, title in [
            ("one-account", "flat", "One account"),
            ("new-account", "organization", "New account"),
            ("many-accounts", "stack-set", "Many accounts"),
            ("no-function", "native", "No function"),
        ]
    ]


def _groups(template):
    """As the console groups them: pairs of a heading and parameters. What is in no group comes last, as there."""
    interface, parameters = template["Metadata"]["AWS::CloudFormation::Interface"], template["Parameters"]
    labels, presettable = interface["ParameterLabels"], link.presettable(template)
    grouped = [(group["Label"]["default"], group["Parameters"]) for group in interface["ParameterGroups"]]
    rest = [name for name in parameters if not any(name in names for _, names in grouped)]
    for heading, names in grouped + ([("Other parameters", rest)] if rest else []):
        yield heading, [_parameter(name, parameters[name], labels, presettable) for name in names]


def _parameter(name, parameter, labels, presettable):
    """Any parameter: launch.js quotes its value for the commands, whatever you enter."""
    # Without a label the console shows the name.
    label = labels.get(name, {"default": name})["default"]
    default, pattern = parameter.get("Default"), parameter.get("AllowedPattern")
    low, high = parameter.get("MinValue"), parameter.get("MaxValue")
    is_number = parameter["Type"] == "Number"
    constraint = "a whole number" if is_number else f"a value that matches {pattern}"
    if is_number and low is not None and high is not None:
        constraint += f" from {low} to {high}"
    return Parameter(
        name,
        label,
        " ".join(parameter.get("Description", "").split()),
        None if default is None else str(default),
        tuple(map(str, parameter.get("AllowedValues", ()))),
        is_number,
        rules.is_list(parameter),
        low,
        high,
        pattern,
        f"{label}: {parameter.get('ConstraintDescription', f'{constraint}.')}",
        name in presettable,
    )


def _capabilities(resources):
    """The capabilities to acknowledge, for what CloudFormation creates itself and for what a StackSet passes on."""
    named = any(NAMES.get(resource["Type"]) in resource.get("Properties", {}) for resource in resources)
    nests = any(resource["Type"] == "AWS::CloudFormation::Stack" for resource in resources)
    return ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM", *(["CAPABILITY_AUTO_EXPAND"] if nests else [])]
