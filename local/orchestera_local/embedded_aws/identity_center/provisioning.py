"""The role that an assignment makes in its account, with what the permission set gives.

https://docs.aws.amazon.com/singlesignon/latest/userguide/identity-center-and-iam-roles.html
"""

import hashlib
import json

import ministack.services.iam as iam
from ministack.core.responses import get_region, request_scope

from .. import iam_types
from . import deployer

PATH = "/aws-reserved/sso.amazonaws.com/"
INLINE = "AwsSSOInlinePolicy"
# The role allows 12 hours, whatever the permission set says; how long a session lasts is Identity Center's doing.
# https://docs.aws.amazon.com/singlesignon/latest/userguide/howtosessionduration.html
LONGEST_SESSION = 12 * 60 * 60

# IAM's own operations, which do not know that the role is protected.
_iam: dict = {}


def repair():
    """After IAM's rules, and before the role is protected."""
    _iam.update(iam._IAM_HANDLERS)


def role_name(permission_set, account):
    digest = hashlib.sha256(f"{permission_set.arn} {account}".encode()).hexdigest()
    return f"AWSReservedSSO_{permission_set.name}_{digest[:16]}"


def role_arn(instance, permission_set, account):
    return f"arn:aws:iam::{account}:role{_path(instance)}{role_name(permission_set, account)}"


def _path(instance):
    """Without the region where it is the first one: fivexl/terraform-aws-sso-elevator issue 21."""
    return PATH + ("" if instance.region == "us-east-1" else f"{instance.region}/")


def _provider_arn(instance, account):
    digest = hashlib.sha256(f"{instance.arn} {account}".encode()).hexdigest()
    return f"arn:aws:iam::{account}:saml-provider/AWSSSO_{digest[:16]}_DO_NOT_DELETE"


def _role(permission_set, account):
    return iam._roles.get_scoped(account, None, role_name(permission_set, account))


def refusal(instance, permission_set, account, removed=False):
    """Why whoever asks may not have the role made, changed or removed, blank if nothing is in the way."""
    if account != instance.owner:
        return ""
    role, inline = _role(permission_set, account), permission_set.inline_policy
    before = (role or {}).get("AttachedPolicies", [])
    wanted = [] if removed else permission_set.managed_policies
    had_inline = INLINE in (role or {}).get("InlinePolicies", {})
    actions = ["GetRole", "ListAttachedRolePolicies", "ListRolePolicies"]
    if removed:
        actions += ["DeleteRole"] if role else []
    else:
        actions += ["UpdateRole", "UpdateRoleDescription"] if role else ["CreateRole"]
    if inline and not removed:
        actions.append("PutRolePolicy")
    elif had_inline:
        actions.append("DeleteRolePolicy")
    needed = [(action, {}) for action in actions]
    needed += [("AttachRolePolicy", {"iam:PolicyARN": arn}) for arn in wanted if arn not in before]
    needed += [("DetachRolePolicy", {"iam:PolicyARN": arn}) for arn in before if arn not in wanted]
    asked = [(action, role_arn(instance, permission_set, account), keys) for action, keys in needed]
    asked.append(("GetSAMLProvider", _provider_arn(instance, account), {}))
    for action, resource, keys in asked:
        if denied := deployer.refusal(f"iam:{action}", resource, keys):
            # As fivexl/terraform-aws-sso-elevator issue 15 quotes it.
            return (
                "Received a 403 status error: Access denied by IAM. Please check your policy, or wait for role "
                f"propagation to complete. IAM Error: {denied}"
            )
    return ""


def provision(instance, permission_set, account):
    """Makes the role, or brings it to what the permission set gives now. Returns why that failed, blank if not."""
    try:
        _bring_up_to_date(instance, permission_set, account)
    except _Refused as refused:
        if account not in permission_set.provisioned:
            _delete_role(role_name(permission_set, account), account)
        return str(refused)
    if account not in permission_set.provisioned:
        permission_set.provisioned.append(account)
    return ""


def _bring_up_to_date(instance, permission_set, account):
    name = role_name(permission_set, account)
    with request_scope(account, get_region()):
        if name not in iam._roles:
            _ask("CreateRole", _new_role(instance, permission_set, account))
        role, policies = iam._roles[name], permission_set.managed_policies
        for arn in [arn for arn in role["AttachedPolicies"] if arn not in policies]:
            _ask("DetachRolePolicy", {"RoleName": name, "PolicyArn": arn})
        for arn in [arn for arn in policies if arn not in role["AttachedPolicies"]]:
            _ask("AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})
        if permission_set.inline_policy:
            document = permission_set.inline_policy
            _ask("PutRolePolicy", {"RoleName": name, "PolicyName": INLINE, "PolicyDocument": document})
        elif INLINE in role["InlinePolicies"]:
            _ask("DeleteRolePolicy", {"RoleName": name, "PolicyName": INLINE})
        role["Description"] = permission_set.description


def _new_role(instance, permission_set, account):
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": _provider_arn(instance, account)},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
        "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    }
    return {
        "RoleName": role_name(permission_set, account),
        "Path": _path(instance),
        "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        "MaxSessionDuration": str(LONGEST_SESSION),
    }


def remove(permission_set, account):
    _delete_role(role_name(permission_set, account), account)
    permission_set.provisioned.remove(account)


def _delete_role(name, account):
    with request_scope(account, get_region()):
        for arn in list(iam._roles[name]["AttachedPolicies"]):
            _ask("DetachRolePolicy", {"RoleName": name, "PolicyArn": arn})
        for policy in list(iam._roles[name]["InlinePolicies"]):
            _ask("DeleteRolePolicy", {"RoleName": name, "PolicyName": policy})
        _ask("DeleteRole", {"RoleName": name})


class _Refused(Exception):
    """By IAM: a policy that it does not take, for one."""


def _ask(action, request):
    status, _, body = _iam[action](request)
    if status >= 400:
        raise _Refused(f"Received a {status} status error: {iam_types.Refused(status, body)}")
