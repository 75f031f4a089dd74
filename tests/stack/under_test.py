"""What is under test, and what it leaves in the account: the parts that are no fixtures."""

import copy
import os

from botocore.exceptions import ClientError

from orchestera_local import inventory, permissions
from orchestera_local import stack as stacks

ROLE, POLICY = "OrchesteraAccessRole", "OrchesteraAccessPolicy"
# Before the template that lies here. Stacks of each have to be upgraded for ever.
RELEASES = [
    path
    for path in sorted((stacks.ROOT / "tests/stack/releases").glob("*.yaml"))
    if path.read_text() != (stacks.ROOT / "template.yaml").read_text()
]
NOTHING = {"roles": [], "policies": [], "functions": [], "log groups": [], "stacks": []}


class Access:
    """Role and policy as IAM shows them to the account's own people."""

    def __init__(self, account, role=ROLE, policy=POLICY):
        self.iam = account.client("iam")
        self.role_name, self.policy_arn = role, f"arn:aws:iam::{account.id}:policy/{policy}"

    def role(self):
        return self._read(self.iam.get_role, "Role", RoleName=self.role_name)

    def policy(self):
        return self._read(self.iam.get_policy, "Policy", PolicyArn=self.policy_arn)

    def document(self):
        return self.iam.get_policy_version(PolicyArn=self.policy_arn, VersionId=self.policy()["DefaultVersionId"])[
            "PolicyVersion"
        ]["Document"]

    def attached(self):
        policies = self.iam.list_attached_role_policies(RoleName=self.role_name)["AttachedPolicies"]
        return [policy["PolicyArn"] for policy in policies]

    def all(self):
        """Everything that the product answers for, as a value to compare; None for what is not there."""
        role, policy = self.role(), self.policy()
        return {
            "role": role
            and {
                key: role.get(key)
                for key in ("RoleId", "AssumeRolePolicyDocument", "MaxSessionDuration", "PermissionsBoundary")
            }
            | {"tags": tags_of(role)},
            "attached": role and self.attached(),
            "policy": policy and {"id": policy["PolicyId"], "tags": tags_of(policy), "document": self.document()},
        }

    def _read(self, call, key, **request):
        try:
            return call(**request)[key]
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchEntity"
            return None


def tags_of(entity):
    return {tag["Key"]: tag["Value"] for tag in entity.get("Tags", [])}


def failing_afterwards(template):
    """The template with a resource that fails as soon as Access is there: its function is not."""
    changed = copy.deepcopy(template)
    changed["Resources"]["Afterwards"] = {
        "Type": "Custom::Nothing",
        "DependsOn": "Access",
        "Properties": {"ServiceToken": {"Fn::Sub": "arn:aws:lambda:us-east-1:${AWS::AccountId}:function:none"}},
    }
    return changed


def for_names(template, role, policy):
    """The template for other names. Its function role covers these and the default names."""
    changed = copy.deepcopy(template)
    changed["Resources"]["Access"]["Properties"] |= {"RoleName": role, "PolicyName": policy}
    names = [(ROLE, POLICY), (role, policy)]

    def covering(value):
        if isinstance(value, dict):
            return {
                key: resources(item) if key in ("Resource", "iam:PolicyARN") else covering(item)
                for key, item in value.items()
            }
        return [covering(item) for item in value] if isinstance(value, list) else value

    def resources(value):
        text = value.get("Fn::Sub", "")
        if not text.endswith((ROLE, POLICY)):
            return value
        return [
            {"Fn::Sub": text.replace(ROLE, a_role).replace(POLICY, a_policy)}
            for a_role, a_policy in sorted({(a, "") if ROLE in text else ("", b) for a, b in names})
        ]

    document = changed["Resources"]["FunctionPolicy"]["Properties"]["PolicyDocument"]
    changed["Resources"]["FunctionPolicy"]["Properties"]["PolicyDocument"] = covering(document)
    return changed


def statements(template):
    """Every statement of the function's role, those under a condition of the template included."""

    def chosen(value):
        if isinstance(value, list):
            for one in value:
                yield from chosen(one)
        elif "Fn::If" in value:
            yield from chosen(value["Fn::If"][1:])
        elif value != {"Ref": "AWS::NoValue"}:
            yield value

    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Policy":
            yield from chosen(resource["Properties"]["PolicyDocument"]["Statement"])


def actions(template):
    """Every action that the function's role holds, under whatever condition."""
    return sorted({action for statement in statements(template) for action in permissions.as_list(statement["Action"])})


def without(template, *missing):
    """The template without these actions in the function's role. IAM takes no empty list: a harmless one stays."""
    changed = copy.deepcopy(template)
    for statement in statements(changed):
        kept = [action for action in permissions.as_list(statement["Action"]) if action not in missing]
        statement["Action"] = kept or ["sts:GetCallerIdentity"]
    return changed


def environment(**more):
    """Of a command as a user types it."""
    return (
        os.environ | {"ORCHESTERA_BOOTSTRAP": str(stacks.bootstrap()), "SAM_CLI_TELEMETRY": "0", "NO_COLOR": "1"} | more
    )


def left(account):
    return inventory.of(account)
