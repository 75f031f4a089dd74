"""A SAM template made flat: the transform applied, the code from the publisher's bucket and pinned by its hash."""

from dataclasses import dataclass
from pathlib import Path

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from orchestera_release import product
from orchestera_release.product import REGIONS, ROOT, key
from orchestera_release.template_text import block, last, read


@dataclass(frozen=True)
class Sam:
    """A template that SAM deploys, with one function."""

    file: Path
    # The function's logical id, which is frozen.
    function: str
    # The function's zip.
    code: str
    # What must not begin for code that is another: rights, schedules, events.
    waiting: tuple

    @property
    def version_of_the_code(self):
        """The logical id of the resource that pins the code."""
        return f"{self.function}Code"


ACCESS = Sam(ROOT / "template.yaml", "AccessFunction", product.CODE, ("FunctionPolicy", "DriftSchedule", "Access"))
ORGANIZATION = Sam(
    ROOT / "organization.yaml",
    "OrganizationFunction",
    product.ORGANIZATION_CODE,
    (
        "OrganizationFunctionPolicy",
        "BillingContactPolicy",
        "OperationsContactPolicy",
        "SecurityContactPolicy",
        "Organization",
    ),
)


def flat(sam, bucket_prefix, code):
    """The template with SAM's transform applied, and the code from the bucket of the stack's region.

    The code is pinned: Lambda refuses to make a version of a function whose code has another hash than it is told, and
    nothing that needs the function begins before. `code` is the content of the zip.
    https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html#lambda-PublishVersion-request-CodeSha256
    """
    template = read(sam.file)
    del template["Transform"]
    resources = template["Resources"]
    at = list(resources).index(sam.function)
    behind = last(resources.pop(sam.function))
    of_the_function = transformed(sam, bucket_prefix)
    of_the_function[sam.version_of_the_code] = {
        "Type": "AWS::Lambda::Version",
        "Properties": {
            "FunctionName": {"Ref": sam.function},
            "Description": "Made only of the code that was published with this template.",
            "CodeSha256": product.code_sha256(code),
        },
    }
    for offset, (name, resource) in enumerate(of_the_function.items()):
        resources.insert(at + offset, name, block(resource))
    # What stands between the function and the next resource is kept by ruamel.yaml with the last part of the function.
    here, part = last(resources[sam.version_of_the_code])
    here.ca.items[part] = behind[0].ca.items.get(behind[1])
    for name in sam.waiting:
        if "DependsOn" in resources[name]:
            resources[name]["DependsOn"].append(sam.version_of_the_code)
        else:
            resources[name].insert(1, "DependsOn", sam.version_of_the_code)
    return template


def transformed(sam, bucket_prefix):
    """The resources that SAM's transform makes of the function, by their logical ids, which are frozen."""
    template = yaml_parse(sam.file.read_text())
    written = set(template["Resources"]) - {sam.function}
    template["Resources"][sam.function]["Properties"]["CodeUri"] = {
        "Bucket": {"Fn::Sub": f"{bucket_prefix}-${{AWS::Region}}"},
        "Key": key(sam.code),
    }
    session = boto3.Session(region_name=REGIONS[0])
    resources = Translator({}, Parser(), boto_session=session).translate(template, {})["Resources"]
    made = {name: resources[name] for name in sorted(resources.keys() - written)}
    for name, resource in made.items():
        # How `sam build` builds, and who transformed: neither is so any more.
        for part in ("BuildMethod", "BuildProperties"):
            resource.get("Metadata", {}).pop(part, None)
        if name != sam.function:
            resource.pop("Metadata", None)
        resource["Properties"].pop("Tags", None)
        resource["Properties"].pop("DestinationConfig", None)
    return made
