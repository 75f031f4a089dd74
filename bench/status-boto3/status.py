"""`orchestera status` with boto3: the same reads of each account, the same rows, as many accounts at once as asked for.

Written as well as boto3 allows: the models of the services are read once, and not for each account's session. Within an
account, calls follow each other, because a session of boto3 belongs to one thread.

    python status.py --policies ../../policies --concurrency 32
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

ROLE, POLICY = "OrchesteraAccessRole", "OrchesteraAccessPolicy"
ENTRANCE = "OrganizationAccountAccessRole"
PLATFORM = "017059471480"
STACK_ID, SUSPENSION = "orchestera:stack-id", "OrchesteraSuspended"
READS = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetPolicy"]
READS += ["iam:ListPolicyVersions", "iam:GetPolicyVersion", "cloudformation:DescribeStacks"]
SESSION_POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": READS, "Resource": "*"}]}
)
# Ten attempts: whatever is throttled gets through.
SETTINGS = {"retries": {"mode": "standard", "max_attempts": 10}}


class Account:
    """The clients of one account."""

    def __init__(self, credentials, loader):
        core = botocore.session.Session()
        core.register_component("data_loader", loader)
        core.set_credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
        self.session = boto3.Session(botocore_session=core)
        self.iam = self.session.client("iam", config=Config(**SETTINGS))

    def role(self):
        """The role with its lists, or `None`."""
        try:
            role = self.iam.get_role(RoleName=ROLE)["Role"]
        except self.iam.exceptions.NoSuchEntityException:
            return None
        attached = self.iam.get_paginator("list_attached_role_policies").paginate(RoleName=ROLE)
        role["attached"] = [policy["PolicyArn"] for page in attached for policy in page["AttachedPolicies"]]
        inline = self.iam.get_paginator("list_role_policies").paginate(RoleName=ROLE)
        role["inline"] = [name for page in inline for name in page["PolicyNames"]]
        role["suspension"] = None
        if SUSPENSION in role["inline"]:
            role["suspension"] = self.iam.get_role_policy(RoleName=ROLE, PolicyName=SUSPENSION)["PolicyDocument"]
        return role

    def policy(self, arn):
        """The policy with the document of its default version, or `None`."""
        try:
            policy = self.iam.get_policy(PolicyArn=arn)["Policy"]
        except self.iam.exceptions.NoSuchEntityException:
            return None
        versions = self.iam.get_paginator("list_policy_versions").paginate(PolicyArn=arn)
        policy["versions"] = [version for page in versions for version in page["Versions"]]
        version = self.iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        policy["document"] = version["Document"]
        return policy

    def stack(self, stack_id):
        cloudformation = self.session.client("cloudformation", config=Config(**SETTINGS))
        return cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]


def tags(thing):
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


def external_id(trust):
    """What the trust policy asks for."""
    asked = (statement.get("Condition", {}).get("StringEquals", {}) for statement in trust["Statement"])
    return next((condition["sts:ExternalId"] for condition in asked if "sts:ExternalId" in condition), None)


def wanted_trust(role, parameters):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{PLATFORM}:root"},
        "Action": "sts:AssumeRole",
    }
    if parameters["RequireExternalId"] == "true":
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": tags(role)["orchestera:external-id"]}}
    return statement


def is_suspended(role):
    return any(statement.get("Sid") == SUSPENSION for statement in role["AssumeRolePolicyDocument"]["Statement"])


def has_drifted(role, policy, stack, editions):
    """Whether role or policy differ from what the stack's parameters ask for."""
    parameters = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    suspended = parameters["AccessState"] == "Suspended"
    others = [s for s in role["AssumeRolePolicyDocument"]["Statement"] if s.get("Sid") != SUSPENSION]
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return (
        policy is None
        or others != [wanted_trust(role, parameters)]
        or is_suspended(role) != suspended
        or role["MaxSessionDuration"] != int(parameters["MaxSessionDuration"])
        or boundary != (outputs.get("GuardrailArn") or parameters["PermissionsBoundaryArn"])
        or role["attached"] != ([] if suspended else [policy["Arn"]])
        or role["inline"] != ([SUSPENSION] if suspended else [])
        or policy["document"] != editions[parameters["PolicyEdition"]]
        or tags(policy) != tags(role)
    )


def state(role, policy, stack, editions):
    """The word for what was read."""
    if role is None and policy is None:
        return "missing"
    if role is None or stack is None:
        return "foreign"
    if "FAILED" in stack["StackStatus"]:
        return "stack failed"
    if has_drifted(role, policy, stack, editions):
        return "drifted"
    return "suspended" if is_suspended(role) else "ready"


def row(account, word, role=None):
    return {
        "account": account["Id"],
        "name": account["Name"],
        "state": word,
        "role_arn": role and role["Arn"],
        "external_id": role and external_id(role["AssumeRolePolicyDocument"]),
    }


class Organization:
    """The caller's own session, and what the sessions of all accounts share."""

    def __init__(self, concurrency, editions):
        self.editions = editions
        core = botocore.session.get_session()
        self.loader = core.get_component("data_loader")
        session = boto3.Session(botocore_session=core)
        self.own = session.get_credentials().get_frozen_credentials()
        settings = Config(max_pool_connections=concurrency, **SETTINGS)
        self.sts = session.client("sts", config=settings)
        self.organizations = session.client("organizations", config=settings)
        self.management = self.organizations.describe_organization()["Organization"]["MasterAccountId"]

    def accounts(self):
        for page in self.organizations.get_paginator("list_accounts").paginate():
            yield from page["Accounts"]

    def credentials(self, account):
        if account["Id"] == self.management:
            own = self.own
            return {"AccessKeyId": own.access_key, "SecretAccessKey": own.secret_key, "SessionToken": own.token}
        arn = f"arn:aws:iam::{account['Id']}:role/{ENTRANCE}"
        return self.sts.assume_role(RoleArn=arn, RoleSessionName="status", Policy=SESSION_POLICY)["Credentials"]

    def row(self, account):
        try:
            reader = Account(self.credentials(account), self.loader)
        except ClientError:
            return row(account, "no way in")
        role = reader.role()
        policy = reader.policy(f"arn:aws:iam::{account['Id']}:policy/{POLICY}")
        stack_id = role and tags(role).get(STACK_ID)
        stack = reader.stack(stack_id) if stack_id else None
        return row(account, state(role, policy, stack, self.editions), role)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=Path, required=True)
    parser.add_argument("--concurrency", type=int, default=1)
    given = parser.parse_args()
    editions = {file.stem: json.loads(file.read_text()) for file in given.policies.glob("20*.json")}
    organization = Organization(given.concurrency, editions)
    with ThreadPoolExecutor(given.concurrency) as pool:
        rows = list(pool.map(organization.row, organization.accounts()))
    json.dump({"accounts": rows}, sys.stdout)


if __name__ == "__main__":
    main()
