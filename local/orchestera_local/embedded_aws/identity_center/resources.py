"""`AWS::SSO::PermissionSet` and `AWS::SSO::Assignment`.

What they ask, in which order, and how they fail is that of
https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-sso
"""

import json
import time

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudformation.stacks as stacks

from ..json_services import Refused
from . import assignments, permission_sets
from .requests import checked

PERMISSION_SET, ASSIGNMENT = "AWS::SSO::PermissionSet", "AWS::SSO::Assignment"
# In the order in which `Ref` has them.
OF_AN_ASSIGNMENT = ("InstanceArn", "TargetId", "TargetType", "PermissionSetArn", "PrincipalType", "PrincipalId")
CODES = {"ResourceNotFoundException": "NotFound", "ValidationException": "InvalidRequest"}
# Seconds between two looks at a change that is under way.
PAUSE = 0.05

_operations = checked("sso-admin", permission_sets.OPERATIONS | assignments.OPERATIONS)


def repair():
    provisioners._RESOURCE_HANDLERS |= {
        PERMISSION_SET: {"create": _create_set, "update": _update_set, "delete": _delete_set},
        ASSIGNMENT: {"create": _create_assignment, "delete": _delete_assignment},
    }
    provisioners._REPLACING_PROPERTIES[PERMISSION_SET] = ("InstanceArn", "Name")
    provisioners._REPLACING_PROPERTIES[ASSIGNMENT] = OF_AN_ASSIGNMENT
    # It waits for the change to end.
    _add("_runs_on_worker_thread", ASSIGNMENT)
    # One that failed has changed something that a rollback has to change back.
    _add("_sends_back_failed_update", PERMISSION_SET)


def _add(name, resource_type):
    """To the types of which that is said."""
    holds = getattr(stacks, name)
    setattr(stacks, name, lambda one: one == resource_type or holds(one))


class Failed(RuntimeError):
    """In the form in which CloudFormation shows it."""

    def __init__(self, message, code):
        super().__init__(f'Resource handler returned message: "{message}" (HandlerErrorCode: {code})')
        self.code = code


def _call(operation, request, codes=CODES):
    try:
        return _operations[operation](request)
    except Refused as refused:
        message = f"{refused} (Service: SsoAdmin, Status Code: 400)"
        raise Failed(message, codes.get(refused.code, "GeneralServiceException")) from refused


def _all_of(operation, key, request):
    """The entries of all pages."""
    answer = _call(operation, request)
    entries = answer[key]
    while "NextToken" in answer:
        answer = _call(operation, request | {"NextToken": answer["NextToken"]})
        entries += answer[key]
    return entries


def _named(properties, *names):
    return {name: properties[name] for name in names if properties.get(name) is not None}


def _create_set(logical_id, properties, stack_name):
    request = _named(properties, "Name", "InstanceArn", "Description", "SessionDuration", "Tags")
    request |= {"RelayState": properties["RelayStateType"]} if properties.get("RelayStateType") else {}
    # Whatever the conflict is, it is called this.
    codes = CODES | {"ConflictException": "AlreadyExists"}
    arn = _call("CreatePermissionSet", request, codes)["PermissionSet"]["PermissionSetArn"]
    one = {"InstanceArn": properties["InstanceArn"], "PermissionSetArn": arn}
    try:
        _bring_policies_to(one, properties)
    except Failed:
        _call("DeletePermissionSet", one)
        raise
    return f"{properties['InstanceArn']}|{arn}", {"PermissionSetArn": arn}


def _update_set(physical_id, old, new, stack_name):
    one = _set(physical_id)
    request = one | _named(new, "Description", "SessionDuration")
    request |= {"RelayState": new["RelayStateType"]} if new.get("RelayStateType") else {}
    _call("UpdatePermissionSet", request)
    _bring_tags_to(one, new)
    _bring_policies_to(one, new)
    begun = _call("ProvisionPermissionSet", one | {"TargetType": "ALL_PROVISIONED_ACCOUNTS"})
    request_id = begun["PermissionSetProvisioningStatus"]["RequestId"]
    status = _call(
        "DescribePermissionSetProvisioningStatus",
        {"InstanceArn": one["InstanceArn"], "ProvisionPermissionSetRequestId": request_id},
    )["PermissionSetProvisioningStatus"]
    if status["Status"] == "FAILED":
        raise Failed(f"Request {request_id} failed due to: {status['FailureReason']}", "GeneralServiceException")
    return physical_id, {"PermissionSetArn": one["PermissionSetArn"]}


def _bring_tags_to(one, properties):
    resource = {"InstanceArn": one["InstanceArn"], "ResourceArn": one["PermissionSetArn"]}
    before = {tag["Key"]: tag["Value"] for tag in _all_of("ListTagsForResource", "Tags", resource)}
    wanted = {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []}
    if gone := [key for key in before if key not in wanted]:
        _call("UntagResource", resource | {"TagKeys": gone})
    if tags := [{"Key": key, "Value": value} for key, value in wanted.items() if before.get(key) != value]:
        _call("TagResource", resource | {"Tags": tags})


def _bring_policies_to(one, properties):
    """What is attached and not in the template is detached, whoever attached it."""
    attached = _all_of("ListManagedPoliciesInPermissionSet", "AttachedManagedPolicies", one)
    before, wanted = [policy["Arn"] for policy in attached], list(properties.get("ManagedPolicies") or [])
    for arn in [arn for arn in before if arn not in wanted]:
        _call("DetachManagedPolicyFromPermissionSet", one | {"ManagedPolicyArn": arn})
    for arn in [arn for arn in wanted if arn not in before]:
        _call("AttachManagedPolicyToPermissionSet", one | {"ManagedPolicyArn": arn})
    document = properties.get("InlinePolicy")
    if document:
        text = document if isinstance(document, str) else json.dumps(document)
        _call("PutInlinePolicyToPermissionSet", one | {"InlinePolicy": text})
    else:
        _call("DeleteInlinePolicyFromPermissionSet", one)


def _set(physical_id):
    instance, _, arn = physical_id.partition("|")
    return {"InstanceArn": instance, "PermissionSetArn": arn}


def _delete_set(physical_id, properties):
    try:
        _call("DeletePermissionSet", _set(physical_id), CODES | {"ConflictException": "ResourceConflict"})
    except Failed as failed:
        # What is gone need not be deleted.
        if failed.code != "NotFound":
            raise


def _exists(assignment):
    request = {
        "InstanceArn": assignment["InstanceArn"],
        "AccountId": assignment["TargetId"],
        "PermissionSetArn": assignment["PermissionSetArn"],
    }
    return any(
        all(one[name] == assignment[name] for name in ("PrincipalType", "PrincipalId"))
        for one in _all_of("ListAccountAssignments", "AccountAssignments", request)
    )


def _create_assignment(logical_id, properties, stack_name):
    assignment = _named(properties, *OF_AN_ASSIGNMENT)
    if _exists(assignment):
        identifier = "Assignment already exists. Can't process creation."
        raise Failed(f"Resource of type '{ASSIGNMENT}' with identifier '{identifier}' already exists.", "AlreadyExists")
    begun = _call("CreateAccountAssignment", assignment)["AccountAssignmentCreationStatus"]
    _ended(assignment, begun["RequestId"], "Creation")
    return "|".join(assignment[name] for name in OF_AN_ASSIGNMENT), {}


def _delete_assignment(physical_id, properties):
    assignment = dict(zip(OF_AN_ASSIGNMENT, physical_id.split("|"), strict=True))
    try:
        if not _exists(assignment):
            return
    except Failed as failed:
        if failed.code == "NotFound":
            return
        raise
    begun = _call("DeleteAccountAssignment", assignment)["AccountAssignmentDeletionStatus"]
    _ended(assignment, begun["RequestId"], "Deletion")


def _ended(assignment, request_id, what):
    """Waits for it. Raises when it failed."""
    request = {"InstanceArn": assignment["InstanceArn"], f"AccountAssignment{what}RequestId": request_id}
    while True:
        status = _call(f"DescribeAccountAssignment{what}Status", request)[f"AccountAssignment{what}Status"]
        if status["Status"] == "FAILED":
            reason = f"Request {request_id} failed due to: {status['FailureReason']}"
            raise Failed(f"Error occurred during operation '{reason}'.", "GeneralServiceException")
        if status["Status"] == "SUCCEEDED":
            return
        time.sleep(PAUSE)
