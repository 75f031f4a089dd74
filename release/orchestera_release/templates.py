"""The templates that are published, made from the ones that are written: template.yaml, templates/ and policies/.

They keep the comments of their sources, because they are read by whoever has to approve them.
"""

import copy
import io
import json
from pathlib import Path

import boto3
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, TaggedScalar
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from orchestera_release import product
from orchestera_release.command_line import parser
from orchestera_release.product import CODE, FLAT, REGIONS, ROOT, key, url

SAM = ROOT / "template.yaml"
FUNCTION = "AccessFunction"
VERSION_OF_THE_CODE = "AccessFunctionCode"
# What an account of an organisation cannot be told together with all others.
ONLY_FOR_ONE_ACCOUNT = {"ExternalId", "MemberAccountId", "MemberRoleName"}
# What CloudFormation takes as the body of a request.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LONGEST = 51200


def read(path):
    """A template with its comments and short forms (`!Ref`), to be changed and written again."""
    return _yaml().load(path.read_text())


def text(template):
    """As YAML. Raises `ValueError` if it is too long to be passed as a body."""
    out = io.StringIO()
    _yaml().dump(template, out)
    # What precedes the first key is about how the source is filled in.
    content = out.getvalue()
    content = content[content.index("AWSTemplateFormatVersion") :]
    if len(content.encode()) > LONGEST:
        raise ValueError(f"the template has {len(content.encode())} bytes; CloudFormation takes {LONGEST}")
    return content


def published(bucket_prefix, code_sha256):
    """Each of them by the name under which it is published."""
    return {
        product.FLAT: flat(bucket_prefix, code_sha256),
        product.NATIVE: native(),
        product.STACK_SET: stack_set(bucket_prefix),
    }


def flat(bucket_prefix, code_sha256):
    """template.yaml with SAM's transform applied, and the code from the bucket of the stack's region.

    The code is pinned: Lambda refuses to make a version of a function whose code has another hash than it is told, and
    nothing that needs the function begins before. `code_sha256` is in base64.
    https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html#lambda-PublishVersion-request-CodeSha256
    """
    template = read(SAM)
    del template["Transform"]
    resources = template["Resources"]
    at = list(resources).index(FUNCTION)
    behind = _last(resources.pop(FUNCTION))
    of_the_function = transformed(bucket_prefix)
    of_the_function[VERSION_OF_THE_CODE] = {
        "Type": "AWS::Lambda::Version",
        "Properties": {
            "FunctionName": {"Ref": FUNCTION},
            "Description": "Made only of the code that was published with this template.",
            "CodeSha256": code_sha256,
        },
    }
    for offset, (name, resource) in enumerate(of_the_function.items()):
        resources.insert(at + offset, name, _block(resource))
    # What stands between the function and the next resource is kept by ruamel.yaml with the last part of the function.
    here, part = _last(resources[VERSION_OF_THE_CODE])
    here.ca.items[part] = behind[0].ca.items.get(behind[1])
    # No rights, no schedule and no event for code that is another.
    for name in ("FunctionPolicy", "DriftSchedule"):
        resources[name].insert(1, "DependsOn", VERSION_OF_THE_CODE)
    resources["Access"]["DependsOn"].append(VERSION_OF_THE_CODE)
    return template


def transformed(bucket_prefix):
    """The resources that SAM's transform makes of the function, by their logical ids, which are frozen."""
    template = yaml_parse(SAM.read_text())
    written = set(template["Resources"]) - {FUNCTION}
    template["Resources"][FUNCTION]["Properties"]["CodeUri"] = {
        "Bucket": {"Fn::Sub": f"{bucket_prefix}-${{AWS::Region}}"},
        "Key": key(CODE),
    }
    session = boto3.Session(region_name=REGIONS[0])
    resources = Translator({}, Parser(), boto_session=session).translate(template, {})["Resources"]
    made = {name: resources[name] for name in sorted(resources.keys() - written)}
    for name, resource in made.items():
        # How `sam build` builds, and who transformed: neither is so any more.
        for part in ("BuildMethod", "BuildProperties"):
            resource.get("Metadata", {}).pop(part, None)
        if name != FUNCTION:
            resource.pop("Metadata", None)
        resource["Properties"].pop("Tags", None)
        resource["Properties"].pop("DestinationConfig", None)
    return made


def native():
    """templates/native.yaml, filled in."""
    template, sam = read(ROOT / "templates/native.yaml"), read(SAM)
    _take_parameters(template, sam, list(template["Parameters"]))
    for part in ("Rules", "Conditions"):
        for name, value in template[part].items():
            template[part][name] = value or sam[part][name]
    for name, output in template["Outputs"].items():
        output.insert(0, "Description", sam["Outputs"][name]["Description"])
    resources = template["Resources"]
    for resource, part, document in [
        ("AccessPolicy", "PolicyDocument", _of_the_edition(template)),
        ("AccessRole", "AssumeRolePolicyDocument", _trust()),
    ]:
        properties = resources[resource]["Properties"]
        properties.ca.items.pop(part, None)
        properties[part] = document
    return template


def stack_set(bucket_prefix):
    """templates/stack-set.yaml, filled in. What it passes on has the same names and rules as in template.yaml."""
    template, sam = read(ROOT / "templates/stack-set.yaml"), read(SAM)
    passed_on = [name for name in sam["Parameters"] if name not in ONLY_FOR_ONE_ACCOUNT]
    _take_parameters(template, sam, passed_on)
    properties = template["Resources"]["AccessStackSet"]["Properties"]
    properties["TemplateURL"] = url(bucket_prefix, REGIONS[0], FLAT)
    properties["Parameters"] = _block([{"ParameterKey": name, "ParameterValue": {"Ref": name}} for name in passed_on])
    for name, rule in copy.deepcopy(sam["Rules"]).items():
        rule["Assertions"] = [one for one in rule["Assertions"] if not _refers(one["Assert"], ONLY_FOR_ONE_ACCOUNT)]
        if rule["Assertions"]:
            template["Rules"][name] = rule
    return template


def _take_parameters(template, sam, names):
    """Each as template.yaml has it, but for what the template itself says of it; `null` takes a part away."""
    interface, from_ = (one["Metadata"]["AWS::CloudFormation::Interface"] for one in (template, sam))
    own = template["Parameters"]
    for name in names:
        parameter = copy.deepcopy(sam["Parameters"][name])
        for part, value in (own.get(name) or {}).items():
            parameter[part] = value
            if value is None:
                del parameter[part]
        own[name] = parameter
        interface["ParameterLabels"].setdefault(name, from_["ParameterLabels"][name])
    groups = interface.setdefault("ParameterGroups", [])
    for group in from_["ParameterGroups"]:
        taken = [name for name in group["Parameters"] if name in names]
        if taken:
            groups.append(CommentedMap(Label=group["Label"], Parameters=_block(taken)))


def _of_the_edition(template):
    """The document of the edition that is chosen; for all but the oldest a condition is added."""
    oldest, *others = template["Parameters"]["PolicyEdition"]["AllowedValues"]
    document = _block(_json(f"{oldest}.json"))
    for edition in others:
        condition = f"IsEdition{edition.replace('-', '')}"
        template["Conditions"][condition] = _block({"Fn::Equals": [{"Ref": "PolicyEdition"}, edition]})
        document = CommentedMap({"Fn::If": [condition, _block(_json(f"{edition}.json")), document]})
    return document


def _trust():
    """The trust, its placeholders filled in by CloudFormation; when suspended, with a Deny beside it."""
    trust = _json("trust.json")
    (statement,) = trust["Statement"]
    statement["Principal"]["AWS"] = {"Fn::Sub": statement["Principal"]["AWS"]}
    condition = statement["Condition"]["StringEquals"]
    condition["sts:ExternalId"] = {"Fn::Sub": condition["sts:ExternalId"]}
    (denied,) = _json("trust-suspended.json")["Statement"]
    trust["Statement"].append({"Fn::If": ["IsSuspended", denied, {"Ref": "AWS::NoValue"}]})
    return _block(trust)


def _json(name):
    return json.loads((ROOT / "policies" / name).read_text())


def _last(node):
    """The innermost mapping at the end of a node, and its last key."""
    key = list(node)[-1]
    return _last(node[key]) if isinstance(node[key], CommentedMap) else (node, key)


def _refers(value, names):
    if isinstance(value, TaggedScalar):
        return value.value in names
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_refers(part, names) for part in parts)


def _block(value):
    """A plain value in YAML's block style, its intrinsic functions written out."""
    plain = YAML(typ="safe", pure=True)
    plain.default_flow_style, plain.width = False, 1000
    plain.sort_base_mapping_type_on_output = False
    out = io.StringIO()
    # By way of JSON, because the transform leaves types that YAML has names for.
    plain.dump(json.loads(json.dumps(value)), out)
    return _yaml().load(out.getvalue())


def _yaml():
    yaml = YAML()
    yaml.preserve_quotes = True
    # Lines stay as they were broken.
    yaml.width = 1000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def main(arguments=None):
    options = parser("orchestera_release.templates", __doc__, "target/templates")
    options.add_argument(
        "folder", type=Path, help="where they are written, for `make check`: the code is not pinned yet"
    )
    folder = options.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    not_built = product.code_sha256(b"")
    for name, template in published(product.BUCKET_PREFIX, not_built).items():
        (folder / name).write_text(text(template))


if __name__ == "__main__":
    main()
