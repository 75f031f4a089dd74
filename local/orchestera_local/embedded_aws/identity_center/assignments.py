"""Who has a permission set in which account. An assignment is made and removed slowly, and can fail while it is.

https://docs.aws.amazon.com/singlesignon/latest/userguide/assignusers.html
"""

import threading
import time
from dataclasses import dataclass

import ministack.services.organizations as organizations
from ministack.core.responses import get_account_id, new_uuid

from .. import settings
from ..json_services import Refused
from ..organizations import accounts, membership
from . import instances, permission_sets, provisioning
from .requests import listed

USER, GROUP = "USER", "GROUP"
# A stack looks from a thread of its own whether a change has ended.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Assignment:
    account: str
    # Its ARN.
    permission_set: str
    principal_type: str
    principal: str


@dataclass(eq=False)
class Change:
    """An assignment that is being created, or deleted."""

    assignment: Assignment
    creates: bool
    id: str
    begun: float
    ends: float
    failure: str
    status: str = "IN_PROGRESS"

    @property
    def under_way(self):
        return self.status == "IN_PROGRESS"


def settle():
    """Changes have ended whose time has come. Called before each request, whoever makes it."""
    with _one_at_a_time:
        now = time.time()
        for instance in instances.all_of_them():
            for change in [one for one in instance.changes.values() if one.under_way and one.ends <= now]:
                change.failure = change.failure or _carry_out(instance, change)
                change.status = "FAILED" if change.failure else "SUCCEEDED"


def _carry_out(instance, change):
    """Returns why it failed, blank if it did not."""
    assignment = change.assignment
    permission_set = instance.permission_sets[assignment.permission_set]
    if change.creates:
        failure = provisioning.provision(instance, permission_set, assignment.account)
        if not failure and assignment not in instance.assignments:
            instance.assignments.append(assignment)
        return failure
    instance.assignments.remove(assignment)
    if not _has_others(instance, assignment):
        provisioning.remove(permission_set, assignment.account)
    return ""


def _has_others(instance, assignment):
    """Whether somebody else has the same in the same account: the role is one for all of them."""
    return any(
        (one.account, one.permission_set) == (assignment.account, assignment.permission_set) and one != assignment
        for one in instance.assignments
    )


def _asked_for(request):
    instance = instances.of_accounts(request)
    arn, account = request["PermissionSetArn"], request["TargetId"]
    permission_set = permission_sets.find(instance, arn)
    if account == instance.owner != get_account_id():
        # https://docs.aws.amazon.com/singlesignon/latest/userguide/delegated-admin.html
        raise Refused("AccessDeniedException", "A delegated administrator gives no access to the management account.")
    assignment = Assignment(account, arn, request["PrincipalType"], request["PrincipalId"])
    others = [change.assignment for change in instance.changes.values() if change.under_way]
    if any((one.account, one.permission_set) == (account, arn) for one in others):
        raise Refused("ConflictException", "A change of the same permission set in the same account is under way.")
    return instance, permission_set, assignment


def _begin(instance, assignment, creates, failure):
    given, now = settings.of(instance.owner), time.time()
    if given.identity_center_assignment_failures:
        failure = given.identity_center_assignment_failures.pop(0)
    ends = now + given.identity_center_assignment_seconds
    change = Change(assignment, creates, new_uuid(), now, ends, failure)
    instance.changes[change.id] = change
    # What it answers with is said before it is done.
    begun = _public(change)
    settle()
    return begun


def _create(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html

    What is there is created again, and nothing changes.
    """
    instance, permission_set, assignment = _asked_for(request)
    failure = _missing(instance, assignment) or provisioning.refusal(instance, permission_set, assignment.account)
    return {"AccountAssignmentCreationStatus": _begin(instance, assignment, True, failure)}


def _missing(instance, assignment):
    record = organizations._accounts.get_scoped(instance.owner, None, assignment.account)
    if assignment.account not in membership.members(instance.owner) or accounts.state_of(record) != "ACTIVE":
        return f"Received a 404 status error: The account {assignment.account} is not active in the organization."
    store = instance.store
    known = {USER: store.users, GROUP: store.groups}[assignment.principal_type]
    if assignment.principal not in known:
        return f"Received a 404 status error: {assignment.principal_type} {assignment.principal} not found."
    return ""


def _delete(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DeleteAccountAssignment.html"""
    instance, permission_set, assignment = _asked_for(request)
    if assignment not in instance.assignments:
        raise Refused("ResourceNotFoundException", "There is no such assignment.")
    failure = ""
    if not _has_others(instance, assignment):
        failure = provisioning.refusal(instance, permission_set, assignment.account, removed=True)
    return {"AccountAssignmentDeletionStatus": _begin(instance, assignment, False, failure)}


def _public(change):
    assignment = change.assignment
    shown = {
        "Status": change.status,
        "RequestId": change.id,
        "TargetId": assignment.account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": assignment.permission_set,
        "PrincipalType": assignment.principal_type,
        "PrincipalId": assignment.principal,
        "CreatedDate": change.begun,
    }
    return shown | ({"FailureReason": change.failure} if change.status == "FAILED" else {})


def _describe(creates, parameter, key):
    def describe(request):
        # One that waits in a stack asks without a request of its own.
        settle()
        change = instances.of_accounts(request).changes.get(request[parameter])
        if not change or change.creates != creates:
            raise Refused("ResourceNotFoundException", "There is no such request.")
        return {key: _public(change)}

    return describe


def _list(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountAssignments.html"""
    instance = instances.of_accounts(request)
    arn = permission_sets.find(instance, request["PermissionSetArn"]).arn
    found = [one for one in instance.assignments if (one.account, one.permission_set) == (request["AccountId"], arn)]
    return listed("ListAccountAssignments", "AccountAssignments", [_entry(one) for one in found], request)


def _entry(assignment):
    return {
        "AccountId": assignment.account,
        "PermissionSetArn": assignment.permission_set,
        "PrincipalType": assignment.principal_type,
        "PrincipalId": assignment.principal,
    }


def _list_for_principal(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountAssignmentsForPrincipal.html"""
    instance = instances.of_accounts(request)
    if get_account_id() != instance.owner:
        raise Refused("AccessDeniedException", "Only the management account may ask for this.")
    wanted = (request.get("Filter") or {}).get("AccountId")
    found = [
        _entry(one)
        for one in of_principal(instance, request["PrincipalType"], request["PrincipalId"])
        if wanted in (None, one.account)
    ]
    return listed("ListAccountAssignmentsForPrincipal", "AccountAssignments", found, request)


def of_principal(instance, principal_type, principal):
    """Those of a user's groups among them."""
    groups = instance.store.groups_of(principal) if principal_type == USER else []
    principals = [(principal_type, principal), *((GROUP, group) for group in groups)]
    return [one for one in instance.assignments if (one.principal_type, one.principal) in principals]


def _list_accounts(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountsForProvisionedPermissionSet.html"""
    instance = instances.of_accounts(request)
    found = permission_sets.find(instance, request["PermissionSetArn"]).provisioned
    return listed("ListAccountsForProvisionedPermissionSet", "AccountIds", found, request)


def _list_permission_sets(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListPermissionSetsProvisionedToAccount.html"""
    known, account = instances.of_accounts(request).permission_sets.values(), request["AccountId"]
    found = [one.arn for one in known if account in one.provisioned]
    return listed("ListPermissionSetsProvisionedToAccount", "PermissionSets", found, request)


OPERATIONS = {
    "CreateAccountAssignment": _create,
    "DeleteAccountAssignment": _delete,
    "DescribeAccountAssignmentCreationStatus": _describe(
        True, "AccountAssignmentCreationRequestId", "AccountAssignmentCreationStatus"
    ),
    "DescribeAccountAssignmentDeletionStatus": _describe(
        False, "AccountAssignmentDeletionRequestId", "AccountAssignmentDeletionStatus"
    ),
    "ListAccountAssignments": _list,
    "ListAccountAssignmentsForPrincipal": _list_for_principal,
    "ListAccountsForProvisionedPermissionSet": _list_accounts,
    "ListPermissionSetsProvisionedToAccount": _list_permission_sets,
}
