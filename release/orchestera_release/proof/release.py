"""The release that is proved: the files of `make dist`, and the template with the code from the proof's own bucket."""

import json
from dataclasses import dataclass

from samcli.yamlhelper import yaml_parse

from orchestera_release import product, publish
from orchestera_release.product import Refused
from orchestera_release.signature import RELEASE_KEY, is_valid

# Conditions of the template that no parameter of the proof makes true.
NOT_TRUE = ("IsGuarded", "HasAlarms", "HasDriftAlarms")
# What is none of a user's things: settings and versions of the function, and the policies that are part of a role.
PARTS = ("AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Version", "AWS::IAM::Policy", "Custom::OrchesteraAccess")


@dataclass(frozen=True)
class Release:
    """What `make dist` made, checked against its checksums."""

    version: str
    contents: dict
    prefix: str
    commit: str
    is_dirty: bool

    @property
    def code(self):
        return self.contents[product.CODE]

    def checksums(self):
        """Of the files that the proof uses, as SHA256SUMS has them."""
        return {name: product.sha256(self.contents[name]) for name in (product.FLAT, product.CODE, product.SUMS)}

    def signed_by(self):
        """In words: which key signed the checksums."""
        sums, signature, key = (self.contents[name] for name in (product.SUMS, product.SIGNATURE, product.PUBLIC_KEY))
        if not is_valid(sums, signature, key):
            return "no valid signature"
        is_release_key = RELEASE_KEY.is_file() and RELEASE_KEY.read_bytes() == key
        return "the release's key" if is_release_key else "a key of whoever ran `make dist`"

    def template(self, prefix):
        """The flat template, byte for byte, but with another bucket. The checksum of the code in it stays."""
        text = self.contents[product.FLAT].decode()
        published, own = f"{self.prefix}-${{AWS::Region}}", f"{prefix}-${{AWS::Region}}"
        if text.count(published) != 1 or product.code_sha256(self.code) not in text:
            raise Refused(
                f"{product.FLAT} does not name its bucket {published} once, or does not pin {product.CODE}. "
                "Run `make dist` again."
            )
        return text.replace(published, own).encode()

    def resources(self):
        """Logical id and type of each resource that the stack creates and that a user would see in the account."""
        resources = yaml_parse(self.contents[product.FLAT].decode())["Resources"]
        return {
            name: one["Type"]
            for name, one in resources.items()
            if one.get("Condition") not in NOT_TRUE and one["Type"] not in PARTS
        }


def read(folder):
    """Raises `Refused` if the folder is not there or not whole."""
    contents = publish.whole(folder)
    definition = json.loads(contents[product.PROVENANCE])["predicate"]["buildDefinition"]
    (source,) = [one for one in definition["resolvedDependencies"] if one["name"] == "source"]
    return Release(
        definition["externalParameters"]["version"],
        contents,
        definition["externalParameters"]["bucketPrefix"],
        source["digest"]["gitCommit"],
        source["annotations"]["uncommittedChanges"],
    )
