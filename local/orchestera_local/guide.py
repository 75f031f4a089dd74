"""What the guide has a customer make by hand, in the console: a policy, and a role that carries it."""

import json

from orchestera_local import orchestera_platform, permissions

ROLE, POLICY = "OrchesteraAccessRole", "OrchesteraAccessPolicy"


def trust(external_id=None, principal=f"arn:aws:iam::{orchestera_platform.PLATFORM}:root"):
    """The trust policy; without an external id as the console writes it."""
    condition = {"StringEquals": {"sts:ExternalId": external_id}} if external_id else {}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": principal},
                "Action": "sts:AssumeRole",
                "Condition": condition,
            }
        ],
    }


def follow(account, edition="2025-09-29", trust_policy=None, **role):
    """Makes them as the customer does. Returns the role's ARN."""
    iam = account.client("iam")
    policy = iam.create_policy(PolicyName=POLICY, PolicyDocument=json.dumps(permissions.edition(edition)))["Policy"]
    made = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust_policy or trust()), **role)["Role"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy["Arn"])
    return made["Arn"]


def everything(account):
    """All there is to say about the two, as a value to compare; numbers that IAM never gives twice are left out."""
    iam = account.client("iam")
    arn = f"arn:aws:iam::{account.id}:policy/{POLICY}"
    role, policy = iam.get_role(RoleName=ROLE)["Role"], iam.get_policy(PolicyArn=arn)["Policy"]
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    documents = {
        version["VersionId"]: iam.get_policy_version(PolicyArn=arn, VersionId=version["VersionId"])["PolicyVersion"][
            "Document"
        ]
        for version in versions
    }
    inline = iam.list_role_policies(RoleName=ROLE)["PolicyNames"]
    return {
        "role": {key: value for key, value in role.items() if key not in ("RoleLastUsed", "Tags")},
        "role's tags": sorted(role.get("Tags", []), key=lambda tag: tag["Key"]),
        "attached": iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"],
        "inline": {
            name: iam.get_role_policy(RoleName=ROLE, PolicyName=name)["PolicyDocument"] for name in sorted(inline)
        },
        "policy": {key: policy[key] for key in ("PolicyId", "Arn", "DefaultVersionId", "AttachmentCount")},
        "policy's tags": sorted(policy.get("Tags", []), key=lambda tag: tag["Key"]),
        "versions": documents,
    }
