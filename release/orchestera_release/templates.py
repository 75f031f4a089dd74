"""Writes the published templates from their sources: template.yaml, organization.yaml, templates/ and policies/.

They keep the comments of their sources, for the reviewers who have to approve them.
"""

import copy
import json
from pathlib import Path

from ruamel.yaml.comments import CommentedMap, TaggedScalar

from orchestera_release import flat, product
from orchestera_release.command_line import parser
from orchestera_release.product import FLAT, REGIONS, ROOT, pinned_name, url
from orchestera_release.template_text import LONGEST_IN_BUCKET, block, read, text

SAM = flat.ACCESS.file
# Parameters that cannot have one value for all accounts of an organization.
ONLY_FOR_ONE_ACCOUNT = {"ExternalId", "MemberAccountId", "MemberRoleName", "NewAccount"}
# Of the function that is not built yet, for checks of the templates alone.
NOT_BUILT = dict.fromkeys(product.CODES, b"")


def published(bucket_prefix, codes=NOT_BUILT):
    """Each of them by the name under which it is published. `codes` are the functions' zips by their names."""
    access = flat.flat(flat.ACCESS, bucket_prefix, codes[product.CODE])
    return {
        FLAT: access,
        product.NATIVE: native(),
        product.STACK_SET: stack_set(bucket_prefix),
        product.ORGANIZATION: organization(bucket_prefix, codes[product.ORGANIZATION_CODE], text(access).encode()),
    }


def content(name, template):
    """The text of a published template. The one for the management account is too long for a body, so CloudFormation
    reads it from a bucket.
    """
    return text(template, LONGEST_IN_BUCKET if name == product.ORGANIZATION else None)


def organization(bucket_prefix, code, access):
    """organization.yaml, made flat. What it nests is the template `access`, pinned by the key in its URL."""
    template = flat.flat(flat.ORGANIZATION, bucket_prefix, code)
    for nested in template["Resources"].values():
        if nested["Type"] == "AWS::CloudFormation::Stack":
            nested["Properties"]["TemplateURL"] = url(bucket_prefix, REGIONS[0], pinned_name(FLAT, access))
            # About the file that is in the place of the URL.
            del nested["Metadata"]
    return template


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
    properties["Parameters"] = block([{"ParameterKey": name, "ParameterValue": {"Ref": name}} for name in passed_on])
    for name, rule in copy.deepcopy(sam["Rules"]).items():
        rule["Assertions"] = [one for one in rule["Assertions"] if not _refers(one["Assert"], ONLY_FOR_ONE_ACCOUNT)]
        if rule["Assertions"]:
            template["Rules"][name] = rule
    return template


def _take_parameters(template, sam, names):
    """Each as template.yaml has it, but for what the template itself says of it; `null` removes a part."""
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
            groups.append(CommentedMap(Label=group["Label"], Parameters=block(taken)))


def _of_the_edition(template):
    """The document of the edition that is chosen; for all but the oldest a condition is added."""
    oldest, *others = template["Parameters"]["PolicyEdition"]["AllowedValues"]
    document = block(_json(f"{oldest}.json"))
    for edition in others:
        condition = f"IsEdition{edition.replace('-', '')}"
        template["Conditions"][condition] = block({"Fn::Equals": [{"Ref": "PolicyEdition"}, edition]})
        document = CommentedMap({"Fn::If": [condition, block(_json(f"{edition}.json")), document]})
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
    return block(trust)


def _json(name):
    return json.loads((ROOT / "policies" / name).read_text())


def _refers(value, names):
    if isinstance(value, TaggedScalar):
        return value.value in names
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_refers(part, names) for part in parts)


def main(arguments=None):
    options = parser("orchestera_release.templates", __doc__, "target/templates")
    options.add_argument("folder", type=Path, help="where to write them, for `make check`: the code is not pinned yet")
    options.add_argument("--only", metavar="NAME", help=f"this one alone, such as {product.NATIVE}")
    chosen = options.parse_args(arguments)
    templates = published(product.BUCKET_PREFIX)
    if chosen.only and chosen.only not in templates:
        options.error(f"There is no template {chosen.only}. The names are: {', '.join(templates)}")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name, template in templates.items():
        if chosen.only in (None, name):
            (chosen.folder / name).write_text(content(name, template))


if __name__ == "__main__":
    main()
