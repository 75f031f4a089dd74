"""What a template says of a role, a user or a managed policy, and what IAM says to that.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html
"""

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.iam as iam

from .iam_types import Refused, call, inline_policies, managed_policies

ROLE, POLICY = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"


def repair():
    role = provisioners._RESOURCE_HANDLERS[ROLE]
    for operation, at in [("create", 1), ("update", 2)]:
        role[operation] = _with_its_boundary(role[operation], at)
    provisioners._iam_role_create = role["create"] = _not_over_another_role(role["create"])
    role["delete"] = _delete_role
    policy = provisioners._RESOURCE_HANDLERS[POLICY]
    create = _not_over_another_policy(_of_whom_there_is(policy["create"], 1))
    provisioners._iam_managed_policy_create = policy["create"] = create
    policy["update"] = _of_whom_there_is(policy["update"], 2)
    policy["delete"] = _delete_policy


def _with_its_boundary(handle, at):
    """`at` is where the handler takes the properties that are wanted."""

    def repaired(*arguments, **named):
        name, attributes = handle(*arguments, **named)
        iam._roles[name]["PermissionsBoundary"] = arguments[at].get("PermissionsBoundary")
        return name, attributes

    return repaired


def _not_over_another_role(create):
    """MiniStack put the role in the place of one that had the name, and attached policies that do not exist."""

    def repaired(logical_id, properties, stack_name):
        name = properties.get("RoleName") or provisioners._physical_name(stack_name, logical_id, max_len=64)
        if any(name.lower() == other.lower() for other in iam._roles):
            raise _refused("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
        for arn in managed_policies(properties):
            if not iam._policy_exists(arn):
                raise _refused("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
        return create(logical_id, properties, stack_name)

    return repaired


def _delete_role(name, properties):
    """Takes away what the template gave, and nothing else: with another policy, the role stays."""
    for arn in managed_policies(properties):
        call("DetachRolePolicy", RoleName=name, PolicyArn=arn, missing_is_fine=True)
    for policy in inline_policies(properties):
        call("DeleteRolePolicy", RoleName=name, PolicyName=policy, missing_is_fine=True)
    call("DeleteRole", RoleName=name, missing_is_fine=True)


def _not_over_another_policy(create):
    """MiniStack put the policy in the place of one that had the name."""

    def repaired(logical_id, properties, stack_name):
        name = properties.get("ManagedPolicyName") or provisioners._physical_name(stack_name, logical_id, max_len=128)
        if any(name.lower() == other["PolicyName"].lower() for other in iam._policies.values()):
            message = f"A policy called {name} already exists. Duplicate names are not allowed."
            raise _refused("EntityAlreadyExists", message, 409)
        return create(logical_id, properties, stack_name)

    return repaired


def _of_whom_there_is(handle, at):
    """MiniStack passed over a role, user or group that it did not find."""

    def repaired(*arguments):
        provisioners._iam_policy_require_entities(arguments[at])
        return handle(*arguments)

    return repaired


def _delete_policy(arn, properties):
    """Takes it from those of the template, and from nobody else: attached to another, or a boundary, it stays."""
    provisioners._iam_policy_reconcile_entities(arn, properties, {})
    policy = iam._policies.get(arn)
    for version in [name for name, one in (policy or {}).get("Versions", {}).items() if not one["IsDefaultVersion"]]:
        call("DeletePolicyVersion", PolicyArn=arn, VersionId=version)
    call("DeletePolicy", PolicyArn=arn, missing_is_fine=True)


def _refused(code, message, status):
    return Refused(status, iam._error(status, code, message)[2])
