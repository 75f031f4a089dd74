"""By which resources and tags a call to Identity Center or its identity store is judged.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiamidentitycenter.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentitystore.html
"""

import json

import ministack.services.tagging as tagging
from ministack.core import iam_actions

from ..organizations.authorization import judged_by
from . import instances
from .identity_store import GROUP, USER, by_attribute, store_id

# What names a resource by its ARN, and what names an account.
ARNS = ("InstanceArn", "PermissionSetArn", "ResourceArn")
ACCOUNTS = ("TargetId", "AccountId")
# A list is judged by all that it could show.
ALL = {
    "ListUsers": ["user/*"],
    "ListGroups": ["group/*"],
    "ListGroupMemberships": ["membership/*"],
}


def repair():
    iam_actions.extract_resource_arn = _with_these_resources(iam_actions.extract_resource_arn)
    tagging._RESOURCE_TAG_COLLECTORS["sso"] = _tags


def _with_these_resources(extract_resource_arn):
    def repaired(service, method, path, headers, body, parameters, region, account_id):
        if service not in ("sso", "identitystore"):
            return extract_resource_arn(service, method, path, headers, body, parameters, region, account_id)
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return "*"
        return judged_by(_of_sso(operation, request) if service == "sso" else _of_store(operation, request, account_id))

    return repaired


def _of_sso(operation, request):
    found = [request[name] for name in ARNS if isinstance(request.get(name), str)]
    found += [f"arn:aws:sso:::account/{request[name]}" for name in ACCOUNTS if isinstance(request.get(name), str)]
    if operation == "CreatePermissionSet":
        # The id of what is created is not known yet.
        found.append(f"arn:aws:sso:::permissionSet/{str(request.get('InstanceArn')).rpartition('/')[2]}/*")
    return found


def _of_store(operation, request, account):
    instance = next((one for one in instances.all_of_them() if one.store.id == store_id(request)), None)
    owner = instance.owner if instance else account
    found = [f"arn:aws:identitystore::{owner}:identitystore/{store_id(request)}"]
    resources = list(ALL.get(operation, []))
    member = request.get("MemberId") or {}
    named = {"user": request.get("UserId") or member.get("UserId"), "group": request.get("GroupId")}
    named["membership"] = request.get("MembershipId")
    if operation == "DeleteGroupMembership" and instance:
        membership = instance.store.memberships.get(str(named["membership"]).rpartition("/")[2])
        if membership:
            named |= {"user": membership["MemberId"]["UserId"], "group": membership["GroupId"]}
    alternate = request.get("AlternateIdentifier") or {}
    if operation == "GetUserId":
        named["user"] = (instance and by_attribute(instance.store.users, USER, alternate)) or "*"
    if operation == "GetGroupId":
        named["group"] = (instance and by_attribute(instance.store.groups, GROUP, alternate)) or "*"
    resources += [f"{kind}/{str(identifier).rpartition('/')[2]}" for kind, identifier in named.items() if identifier]
    return found + [f"arn:aws:identitystore:::{resource}" for resource in resources]


def _tags():
    for instance in instances.all_of_them():
        for arn, one in [(instance.arn, instance), *instance.permission_sets.items()]:
            yield arn, [{"Key": key, "Value": value} for key, value in one.tags.items()]
