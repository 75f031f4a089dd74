"""What a permission set gives: policies, and for how long at a time.

https://docs.aws.amazon.com/singlesignon/latest/userguide/permissionsetsconcept.html
"""

import re
import secrets
import time

import ministack.services.iam as iam
from ministack.core.responses import new_uuid

from ..json_services import Refused
from . import instances, provisioning
from .model import PermissionSet
from .requests import listed

# https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html
MOST_POLICIES = 20
# https://docs.aws.amazon.com/singlesignon/latest/userguide/howtosessionduration.html, in seconds.
SHORTEST, LONGEST = 60 * 60, 12 * 60 * 60
DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def seconds(duration):
    """Of a duration in the form of ISO 8601; 0 if it has another form."""
    found = DURATION.fullmatch(duration)
    days, hours, minutes, rest = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def find(instance, arn):
    if arn not in instance.permission_sets:
        message = f"Could not find PermissionSet with id {arn.rpartition('/')[2]}"
        raise Refused("ResourceNotFoundException", message)
    return instance.permission_sets[arn]


def _asked_for(request):
    instance = instances.of_accounts(request)
    return instance, find(instance, request["PermissionSetArn"])


def _public(permission_set):
    shown = {
        "Name": permission_set.name,
        "PermissionSetArn": permission_set.arn,
        "Description": permission_set.description,
        "CreatedDate": permission_set.created,
        "SessionDuration": permission_set.session_duration,
        "RelayState": permission_set.relay_state,
    }
    return {name: value for name, value in shown.items() if value}


def _create(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html"""
    instance, name = instances.of_accounts(request), request["Name"]
    if any(one.name == name for one in instance.permission_sets.values()):
        raise Refused("ConflictException", f"PermissionSet with name {name} already exists.")
    arn = f"arn:aws:sso:::permissionSet/{instance.id}/ps-{secrets.token_hex(8)}"
    permission_set = PermissionSet(arn, name)
    _change(permission_set, request)
    permission_set.tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}
    instance.permission_sets[arn] = permission_set
    return {"PermissionSet": _public(permission_set)}


def _change(permission_set, request):
    """What a request does not say stays."""
    duration = request.get("SessionDuration", permission_set.session_duration)
    if not SHORTEST <= seconds(duration) <= LONGEST:
        raise Refused("ValidationException", "SessionDuration must be from one hour to twelve.")
    permission_set.session_duration = duration
    permission_set.description = request.get("Description", permission_set.description)
    permission_set.relay_state = request.get("RelayState", permission_set.relay_state)


def _update(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_UpdatePermissionSet.html"""
    _change(_asked_for(request)[1], request)
    return {}


def _describe(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DescribePermissionSet.html"""
    return {"PermissionSet": _public(_asked_for(request)[1])}


def _delete(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DeletePermissionSet.html"""
    instance, permission_set = _asked_for(request)
    under_way = [change.assignment for change in instance.changes.values() if change.under_way]
    if any(one.permission_set == permission_set.arn for one in [*instance.assignments, *under_way]):
        message = f"PermissionSet with id {permission_set.arn.rpartition('/')[2]} has ApplicationProfile associated."
        raise Refused("ConflictException", message)
    del instance.permission_sets[permission_set.arn]
    return {}


def _list(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListPermissionSets.html"""
    instance = instances.of_accounts(request)
    return listed("ListPermissionSets", "PermissionSets", list(instance.permission_sets), request)


def _attach(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_AttachManagedPolicyToPermissionSet.html"""
    policies, arn = _asked_for(request)[1].managed_policies, request["ManagedPolicyArn"]
    if not iam._policy_exists(arn):
        raise Refused("ResourceNotFoundException", f"Policy does not exist with ARN: {arn}")
    if arn in policies:
        raise Refused("ConflictException", "The policy is attached to the permission set already.")
    if len(policies) == MOST_POLICIES:
        raise Refused("ServiceQuotaExceededException", f"A permission set has at most {MOST_POLICIES} policies.")
    policies.append(arn)
    return {}


def _detach(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DetachManagedPolicyFromPermissionSet.html"""
    policies, arn = _asked_for(request)[1].managed_policies, request["ManagedPolicyArn"]
    if arn not in policies:
        raise Refused("ResourceNotFoundException", f"Could not find ManagedPolicy with arn {arn}")
    policies.remove(arn)
    return {}


def _list_managed_policies(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListManagedPoliciesInPermissionSet.html"""
    arns = _asked_for(request)[1].managed_policies
    found = [{"Name": arn.rpartition("/")[2], "Arn": arn} for arn in arns]
    return listed("ListManagedPoliciesInPermissionSet", "AttachedManagedPolicies", found, request)


def _put_inline_policy(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_PutInlinePolicyToPermissionSet.html"""
    _asked_for(request)[1].inline_policy = request["InlinePolicy"]
    return {}


def _get_inline_policy(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_GetInlinePolicyForPermissionSet.html"""
    return {"InlinePolicy": _asked_for(request)[1].inline_policy}


def _delete_inline_policy(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DeleteInlinePolicyFromPermissionSet.html"""
    _asked_for(request)[1].inline_policy = ""
    return {}


# Of what is done at once, by the id of the request.
_provisioned: dict[str, dict] = {}


def _provision(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ProvisionPermissionSet.html"""
    instance, permission_set = _asked_for(request)
    accounts = list(permission_set.provisioned)
    if request["TargetType"] == "AWS_ACCOUNT":
        accounts = [account for account in accounts if account == request.get("TargetId")]
        if not accounts:
            raise Refused("ResourceNotFoundException", "The permission set is not provisioned in that account.")
    reasons = [
        provisioning.refusal(instance, permission_set, account)
        or provisioning.provision(instance, permission_set, account)
        for account in accounts
    ]
    begun = {
        "Status": "IN_PROGRESS",
        "RequestId": new_uuid(),
        "PermissionSetArn": permission_set.arn,
        "CreatedDate": time.time(),
    } | ({"AccountId": request["TargetId"]} if "TargetId" in request else {})
    refused = next(filter(None, reasons), "")
    ended = {"Status": "FAILED", "FailureReason": refused} if refused else {"Status": "SUCCEEDED"}
    _provisioned[begun["RequestId"]] = begun | ended
    return {"PermissionSetProvisioningStatus": begun}


def _describe_provisioning(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DescribePermissionSetProvisioningStatus.html"""
    instances.of_accounts(request)
    status = _provisioned.get(request["ProvisionPermissionSetRequestId"])
    if not status:
        raise Refused("ResourceNotFoundException", "There is no such request.")
    return {"PermissionSetProvisioningStatus": status}


def _tags(request):
    """Of an instance, or of a permission set."""
    arn = request["ResourceArn"]
    for instance in instances.all_of_them():
        if arn == instance.arn or arn in instance.permission_sets:
            instances.administered({"InstanceArn": instance.arn})
            return (instance.permission_sets.get(arn) or instance).tags
    raise Refused("ResourceNotFoundException", f"Could not find the resource {arn}")


def _tag(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_TagResource.html"""
    _tags(request).update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
    return {}


def _untag(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_UntagResource.html"""
    for key in request["TagKeys"]:
        _tags(request).pop(key, None)
    return {}


def _list_tags(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListTagsForResource.html"""
    found = [{"Key": key, "Value": value} for key, value in _tags(request).items()]
    return listed("ListTagsForResource", "Tags", found, request)


OPERATIONS = {
    "AttachManagedPolicyToPermissionSet": _attach,
    "CreatePermissionSet": _create,
    "DeleteInlinePolicyFromPermissionSet": _delete_inline_policy,
    "DeletePermissionSet": _delete,
    "DescribePermissionSet": _describe,
    "DescribePermissionSetProvisioningStatus": _describe_provisioning,
    "DetachManagedPolicyFromPermissionSet": _detach,
    "GetInlinePolicyForPermissionSet": _get_inline_policy,
    "ListManagedPoliciesInPermissionSet": _list_managed_policies,
    "ListPermissionSets": _list,
    "ListTagsForResource": _list_tags,
    "ProvisionPermissionSet": _provision,
    "PutInlinePolicyToPermissionSet": _put_inline_policy,
    "TagResource": _tag,
    "UntagResource": _untag,
    "UpdatePermissionSet": _update,
}
