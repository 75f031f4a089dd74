"""Role, trust policy and policy as IAM has them, and as they should be."""

import json
from dataclasses import dataclass

from orchestera_release.product import ROOT
from orchestera_release.proof.leftovers import POLICY, ROLE

POLICIES = ROOT / "policies"
# The oldest first.
EDITIONS = sorted(path.stem for path in POLICIES.glob("[0-9]*.json"))
# The inline policy of a suspended role.
SUSPENDED = "OrchesteraSuspended"


@dataclass(frozen=True)
class Access:
    """As IAM shows them to the account's own people."""

    role_id: str
    trust: dict
    tags: dict
    boundary: str | None
    attached: list
    inline: list
    document: dict


def read(caller):
    iam = caller.client("iam")
    role = iam.get_role(RoleName=ROLE)["Role"]
    arn = f"arn:{caller.partition}:iam::{caller.account}:policy/{POLICY}"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return Access(
        role["RoleId"],
        role["AssumeRolePolicyDocument"],
        {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
        role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        [
            one["PolicyName"]
            for one in caller.every("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=ROLE)
        ],
        caller.every("iam", "list_role_policies", "PolicyNames", RoleName=ROLE),
        iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"],
    )


def edition(name):
    return json.loads((POLICIES / f"{name}.json").read_text())


def trust(partition, external_id, is_suspended=False):
    """The trust policy that the role should have."""
    text = (POLICIES / "trust.json").read_text()
    document = json.loads(text.replace("${AWS::Partition}", partition).replace("${ExternalId}", external_id))
    if is_suspended:
        document["Statement"] += json.loads((POLICIES / "trust-suspended.json").read_text())["Statement"]
    return document


def platform():
    """The account id of the platform, as in the trust policy."""
    (statement,) = json.loads((POLICIES / "trust.json").read_text())["Statement"]
    return statement["Principal"]["AWS"].split(":")[-2]
