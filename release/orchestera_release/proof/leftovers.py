"""What of a proof is in the account, and the commands that delete it."""

import contextlib
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from orchestera_release.proof.caller import code_of

STACK = "orchestera-access-proof"
ROLE, POLICY = "OrchesteraAccessRole", "OrchesteraAccessPolicy"


@dataclass(frozen=True)
class Leftover:
    kind: str
    name: str
    # Each is a command of the AWS CLI. All are needed, in this order.
    commands: tuple

    def __str__(self):
        return f"{self.kind} {self.name}"


def look(caller, names=(), on_error=None):
    """Everything in the account that is named as a proof names it, and role and policy, whoever created them.

    `names` are those that CloudFormation gave to the resources of the stack, as far as they are known. `on_error` gets
    the error of each look that fails, so that the others are made. Without it, the first one is raised.
    """
    found = []
    for kind in (_stacks, _roles, _policies, _functions, _schedules, _log_groups, _buckets):
        try:
            found += kind(caller, names)
        except Exception as error:
            if on_error is None:
                raise
            on_error(error)
    return found


def bucket_prefix(account):
    """With something random and the region behind it, the name of the proof's bucket."""
    return f"orchestera-proof-{account}-"


def stack(caller, name=STACK):
    wait = caller.command("cloudformation", "wait", "stack-delete-complete", "--stack-name", name)
    return Leftover("stack", name, (caller.command("cloudformation", "delete-stack", "--stack-name", name), wait))


def bucket(caller, name):
    return Leftover("bucket", name, (caller.command("s3", "rb", f"s3://{name}", "--force"),))


def role(caller, name=ROLE):
    attached, inline = [], []
    # Without an answer, the role's own command is right all the same: IAM says what has to go before.
    with contextlib.suppress(ClientError, BotoCoreError):
        attached = caller.every("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        inline = caller.every("iam", "list_role_policies", "PolicyNames", RoleName=name)
    commands = [
        caller.command("iam", "detach-role-policy", "--role-name", name, "--policy-arn", one["PolicyArn"])
        for one in attached
    ]
    commands += [
        caller.command("iam", "delete-role-policy", "--role-name", name, "--policy-name", one) for one in inline
    ]
    return Leftover("role", name, (*commands, caller.command("iam", "delete-role", "--role-name", name)))


def policy(caller, name=POLICY):
    arn = f"arn:{caller.partition}:iam::{caller.account}:policy/{name}"
    versions = []
    with contextlib.suppress(ClientError, BotoCoreError):
        versions = caller.every("iam", "list_policy_versions", "Versions", PolicyArn=arn)
    commands = [
        caller.command("iam", "delete-policy-version", "--policy-arn", arn, "--version-id", one["VersionId"])
        for one in versions
        if not one["IsDefaultVersion"]
    ]
    return Leftover("policy", name, (*commands, caller.command("iam", "delete-policy", "--policy-arn", arn)))


def _stacks(caller, names):
    try:
        (found,) = caller.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    except ClientError as error:
        # So CloudFormation says that there is none. It has no code of its own for that.
        if code_of(error) == "ValidationError":
            return []
        raise
    return [] if found["StackStatus"] == "DELETE_COMPLETE" else [stack(caller)]


def _roles(caller, names):
    roles = caller.every("iam", "list_roles", "Roles")
    return [role(caller, name) for name in _of_the_proof(roles, "RoleName", {ROLE, *names})]


def _policies(caller, names):
    policies = caller.every("iam", "list_policies", "Policies", Scope="Local")
    return [policy(caller, name) for name in _of_the_proof(policies, "PolicyName", {POLICY, *names})]


def _functions(caller, names):
    functions = _of_the_proof(caller.every("lambda", "list_functions", "Functions"), "FunctionName", names)
    return [
        Leftover("function", name, (caller.command("lambda", "delete-function", "--function-name", name),))
        for name in functions
    ]


def _schedules(caller, names):
    schedules = _of_the_proof(caller.every("scheduler", "list_schedules", "Schedules"), "Name", names)
    return [
        Leftover("schedule", name, (caller.command("scheduler", "delete-schedule", "--name", name),))
        for name in schedules
    ]


def _log_groups(caller, names):
    groups = _of_the_proof(caller.every("logs", "describe_log_groups", "logGroups"), "logGroupName", names)
    return [
        Leftover("log group", name, (caller.command("logs", "delete-log-group", "--log-group-name", name),))
        for name in groups
    ]


def _buckets(caller, names):
    buckets = [one["Name"] for one in caller.client("s3").list_buckets()["Buckets"]]
    return [bucket(caller, name) for name in buckets if name.startswith(bucket_prefix(caller.account))]


def _of_the_proof(listed, key, names):
    """The names of those that the stack created, or that Lambda created for its function."""
    prefixes = (f"{STACK}-", f"/aws/lambda/{STACK}-")
    return [one[key] for one in listed if one[key] in names or one[key].startswith(prefixes)]
