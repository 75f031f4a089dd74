"""Users, groups, and who belongs to which.

https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_Operations.html
"""

from ministack.core.responses import get_account_id, get_region, new_uuid

from ..json_services import Refused
from . import instances
from .requests import listed

USER, GROUP, MEMBERSHIP = "USER", "GROUP", "GROUP_MEMBERSHIP"
# By which attribute nobody else has, in lower case; what it is called in an entry.
UNIQUE = {USER: {"username": "UserName", "emails.value": "Emails"}, GROUP: {"displayname": "DisplayName"}}


def store_id(request):
    """A request may have the ARN as well."""
    return request.get("IdentityStoreId", "").rpartition("/")[2]


def _store(request):
    for instance in instances.all_of_them():
        if instance.store.id == store_id(request) and instance.region == get_region():
            if not instances.is_administrator(instance, get_account_id()):
                raise Refused("AccessDeniedException", "You do not have sufficient access to the identity store.")
            return instance.store
    raise _not_found("IDENTITY_STORE")


def _not_found(kind):
    return Refused("ResourceNotFoundException", f"{kind} not found.", ResourceType=kind)


def _find(request, entries, kind, key):
    """By an id, or an ARN with it."""
    identifier = request[key].rpartition("/")[2]
    if identifier not in entries:
        raise _not_found(kind)
    return entries[identifier]


def _fields(request):
    return {name: value for name, value in request.items() if name not in ("IdentityStoreId", "Extensions")}


def _unique(entries, key, value, kind):
    # Case does not tell two names apart: https://www.rfc-editor.org/rfc/rfc7643#section-4 (caseExact).
    if any(one.get(key, "").lower() == value.lower() for one in entries.values()):
        reason = "UNIQUENESS_CONSTRAINT_VIOLATION"
        raise Refused("ConflictException", f"Duplicate {kind}", Reason=reason)


def _create_user(request):
    store, name = _store(request), request.get("Name") or {}
    given = {
        "userName": request.get("UserName"),
        "displayName": request.get("DisplayName"),
        "name.givenName": name.get("GivenName"),
        "name.familyName": name.get("FamilyName"),
    }
    missing = [attribute for attribute, value in given.items() if not value]
    if missing:
        raise Refused("ValidationException", f"{missing[0]} is a required attribute")
    _unique(store.users, "UserName", request["UserName"], "UserName")
    identifier = new_uuid()
    store.users[identifier] = _fields(request) | {
        "UserId": identifier,
        "UserArn": f"arn:aws:identitystore:::user/{identifier}",
        "IdentityStoreId": store.id,
        "Revision": "1",
    }
    return {key: store.users[identifier][key] for key in ("UserId", "UserArn", "IdentityStoreId")}


def _create_group(request):
    store = _store(request)
    if not request.get("DisplayName"):
        raise Refused("ValidationException", "displayName is a required attribute")
    _unique(store.groups, "DisplayName", request["DisplayName"], "GroupDisplayName")
    identifier = new_uuid()
    store.groups[identifier] = _fields(request) | {
        "GroupId": identifier,
        "GroupArn": f"arn:aws:identitystore:::group/{identifier}",
        "IdentityStoreId": store.id,
        "Revision": "1",
    }
    return {key: store.groups[identifier][key] for key in ("GroupId", "GroupArn", "IdentityStoreId")}


def _describe_user(request):
    return _find(request, _store(request).users, USER, "UserId")


def _describe_group(request):
    return _find(request, _store(request).groups, GROUP, "GroupId")


def by_attribute(entries, kind, alternate):
    """The id of the entry that has that value in an attribute that is unique, or None."""
    attribute = alternate.get("UniqueAttribute") or {}
    key = UNIQUE[kind].get(str(attribute.get("AttributePath")).lower())
    value = str(attribute.get("AttributeValue")).lower()
    for identifier, entry in entries.items():
        values = [one["Value"] for one in entry.get(key, [])] if key == "Emails" else [entry.get(key, "")]
        if value in [one.lower() for one in values]:
            return identifier
    return None


def _id_of(request, entries, kind):
    alternate = request["AlternateIdentifier"]
    path = (alternate.get("UniqueAttribute") or {}).get("AttributePath", "")
    if path.lower() not in UNIQUE[kind]:
        raise Refused("ValidationException", f"The attribute {path} is not a unique attribute")
    identifier = by_attribute(entries, kind, alternate)
    if identifier is None:
        raise _not_found(kind)
    return entries[identifier]


def _get_user_id(request):
    found = _id_of(request, _store(request).users, USER)
    return {key: found[key] for key in ("UserId", "UserArn", "IdentityStoreId")}


def _get_group_id(request):
    found = _id_of(request, _store(request).groups, GROUP)
    return {key: found[key] for key in ("GroupId", "GroupArn", "IdentityStoreId")}


def _matching(entries, filters):
    """Those that have each of the values."""
    return [
        entry
        for entry in entries.values()
        if all(entry.get(one["AttributePath"]) == one["AttributeValue"] for one in filters or [])
    ]


def _list_users(request):
    found = _matching(_store(request).users, request.get("Filters"))
    return listed("ListUsers", "Users", found, request)


def _list_groups(request):
    found = _matching(_store(request).groups, request.get("Filters"))
    return listed("ListGroups", "Groups", found, request)


def _delete_user(request):
    store = _store(request)
    _forget(store, _find(request, store.users, USER, "UserId"), store.users, "UserId")
    return {}


def _delete_group(request):
    store = _store(request)
    _forget(store, _find(request, store.groups, GROUP, "GroupId"), store.groups, "GroupId")
    return {}


def _forget(store, entry, entries, key):
    """With its memberships."""
    identifier = entry[key]
    del entries[identifier]
    for membership, one in list(store.memberships.items()):
        if identifier in (one["GroupId"], one["MemberId"]["UserId"]):
            del store.memberships[membership]


def _create_membership(request):
    store = _store(request)
    group = _find(request, store.groups, GROUP, "GroupId")["GroupId"]
    user = _find(request["MemberId"], store.users, USER, "UserId")["UserId"]
    if group in store.groups_of(user):
        reason = "UNIQUENESS_CONSTRAINT_VIOLATION"
        raise Refused("ConflictException", "Member and group relationship already exists.", Reason=reason)
    identifier = new_uuid()
    store.memberships[identifier] = {
        "IdentityStoreId": store.id,
        "MembershipId": identifier,
        "MembershipArn": f"arn:aws:identitystore:::membership/{identifier}",
        "GroupId": group,
        "MemberId": {"UserId": user},
    }
    return {key: store.memberships[identifier][key] for key in ("MembershipId", "MembershipArn", "IdentityStoreId")}


def _delete_membership(request):
    store = _store(request)
    del store.memberships[_find(request, store.memberships, MEMBERSHIP, "MembershipId")["MembershipId"]]
    return {}


def _list_memberships(request):
    store = _store(request)
    group = _find(request, store.groups, GROUP, "GroupId")["GroupId"]
    found = [one for one in store.memberships.values() if one["GroupId"] == group]
    return listed("ListGroupMemberships", "GroupMemberships", found, request)


OPERATIONS = {
    "CreateGroup": _create_group,
    "CreateGroupMembership": _create_membership,
    "CreateUser": _create_user,
    "DeleteGroup": _delete_group,
    "DeleteGroupMembership": _delete_membership,
    "DeleteUser": _delete_user,
    "DescribeGroup": _describe_group,
    "DescribeUser": _describe_user,
    "GetGroupId": _get_group_id,
    "GetUserId": _get_user_id,
    "ListGroupMemberships": _list_memberships,
    "ListGroups": _list_groups,
    "ListUsers": _list_users,
}
