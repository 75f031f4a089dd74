"""The three ways to make the role, each by a template that is published: its parameters, and the link to it."""

import json
import re
from dataclasses import dataclass

from samcli.yamlhelper import yaml_parse

from orchestera_release import link, product, rules
from orchestera_release.product import Refused

ACKNOWLEDGEMENTS = {
    "CAPABILITY_IAM": "I acknowledge that AWS CloudFormation might create IAM resources.",
    "CAPABILITY_NAMED_IAM": "I acknowledge that AWS CloudFormation might create IAM resources with custom names.",
}
# By which a name of one's own is given to what IAM holds.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html#using-iam-capabilities
NAMES = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}


@dataclass(frozen=True)
class Parameter:
    """A parameter as the console shows it."""

    name: str
    label: str
    description: str
    default: str | None
    values: tuple
    low: int | None
    high: int | None
    pattern: str | None
    # What to say of a value that is not allowed.
    problem: str
    # A link may fill it in; otherwise it is entered in the console.
    is_presettable: bool


class Choice:
    """One of them. `id` is its place on the page, `kind` what `make link` calls it."""

    def __init__(self, id, kind, title, folder, prefix):
        self.id, self.kind, self.title = id, kind, title
        self.file = link.TEMPLATES[kind]
        self.template = yaml_parse((folder / self.file).read_text())
        self.region = product.REGIONS[0]
        self.url = product.url(prefix, self.region, self.file)
        self.stack_name = link.STACK_NAMES[kind]
        self.link = link.quick_create(kind, prefix=prefix)
        self.groups = list(_groups(self.template))
        self.parameters = [parameter for _, parameters in self.groups for parameter in parameters]
        self.rules = json.dumps(rules.for_the_page(self.template, self.region))
        self.capability = _capability(self.template["Resources"].values())
        self.acknowledgement = ACKNOWLEDGEMENTS[self.capability]
        self.outputs = {
            name: " ".join(str(output.get("Description", "")).split())
            for name, output in self.template["Outputs"].items()
        }


def all_choices(folder, prefix):
    """From the artefacts of a version. The first is the one for most."""
    return [
        Choice("one-account", "flat", "One account", folder, prefix),
        Choice("many-accounts", "stack-set", "Many accounts", folder, prefix),
        Choice("no-function", "native", "No function", folder, prefix),
    ]


def _groups(template):
    """As the console groups them: pairs of a heading and parameters. What is in no group comes last, as there."""
    interface, parameters = template["Metadata"]["AWS::CloudFormation::Interface"], template["Parameters"]
    labels, presettable = interface["ParameterLabels"], link.presettable(template)
    grouped = [(group["Label"]["default"], group["Parameters"]) for group in interface["ParameterGroups"]]
    rest = [name for name in parameters if not any(name in names for _, names in grouped)]
    for heading, names in grouped + ([("Other parameters", rest)] if rest else []):
        yield heading, [_parameter(name, parameters[name], labels[name]["default"], presettable) for name in names]


def _parameter(name, parameter, label, presettable):
    default, pattern = parameter.get("Default"), parameter.get("AllowedPattern")
    low, high = parameter.get("MinValue"), parameter.get("MaxValue")
    if name in presettable and "AllowedValues" not in parameter and parameter["Type"] != "Number":
        _refuse_unless_words(name, pattern)
    return Parameter(
        name,
        label,
        " ".join(parameter["Description"].split()),
        None if default is None else str(default),
        tuple(map(str, parameter.get("AllowedValues", ()))),
        low,
        high,
        pattern,
        f"{label}: {parameter.get('ConstraintDescription', f'a whole number from {low} to {high}.')}",
        name in presettable,
    )


def _refuse_unless_words(name, pattern):
    """What is typed goes into commands without being quoted for a shell."""
    special = [one for one in map(chr, range(128)) if not one.isalnum() and one not in "_+=,.@/-:"]
    if not pattern or any(re.fullmatch(pattern, f"a{one}a") for one in special):
        raise Refused(f"{name} may hold what a shell reads as its own. launch.js has to quote it first.")


def _capability(resources):
    """What CloudFormation wants acknowledged: of what it makes itself, and of what a StackSet passes on."""
    named = any(NAMES.get(resource["Type"]) in resource.get("Properties", {}) for resource in resources)
    return "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
