"""Whether the templates pin what runs: a function's zip by its hash, a nested template by the key in its URL."""

from samcli.yamlhelper import yaml_parse

from orchestera_release import flat, product
from orchestera_release.product import FLAT, ORGANIZATION, pinned_name

# Which template has which function, by their published names.
FUNCTIONS = {FLAT: flat.ACCESS, ORGANIZATION: flat.ORGANIZATION}


def problems(contents):
    """What is not pinned, a sentence for each. `contents` are the artefacts of a version, by name."""
    for name, sam in FUNCTIONS.items():
        resources = yaml_parse(contents[name].decode())["Resources"]
        pinned = resources[sam.version_of_the_code]["Properties"]["CodeSha256"]
        if pinned != product.code_sha256(contents[sam.code]):
            yield f"{name} pins another {sam.code} than the one beside it."
        for logical_id, resource in resources.items():
            if resource["Type"] == "AWS::CloudFormation::Stack":
                address = resource["Properties"]["TemplateURL"]
                if not str(address).endswith(f"/{product.key(pinned_name(FLAT, contents[FLAT]))}"):
                    yield f"{logical_id} of {name} nests another {FLAT} than the one beside it: {address}."
