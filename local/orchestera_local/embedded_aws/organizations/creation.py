"""CreateAccount: it is accepted at once, takes its time, and then succeeds or fails.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html
"""

import random
import re
import time
from dataclasses import dataclass

import ministack.services.organizations as organizations
from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope

from .. import settings
from . import access_role, accounts, invitations, membership, tags
from .answers import done, invalid, refused

# From the model of the API: least and greatest length, pattern, and what is wrong if it does not match.
RULES = {
    "Email": (6, 64, r"[^\s@]+@[^\s@]+\.[^\s@]+", "INVALID_PATTERN"),
    "AccountName": (1, 50, r"[\u0020-\u007E]+", "INVALID_PATTERN"),
    "RoleName": (1, 64, r"[\w+=,.@-]{1,64}", "INVALID_ROLE_NAME"),
}
DEFAULT_ROLE = "OrganizationAccountAccessRole"
STATES = {"IN_PROGRESS", "SUCCEEDED", "FAILED"}


@dataclass
class Creation:
    """One that was accepted."""

    management: str
    status: dict
    account: str
    email: str
    role: str
    tags: list
    polls: int
    ends_at: float
    failure: str | None


# By the id of the request.
_creations: dict[str, Creation] = {}


def actions(_):
    return {
        "CreateAccount": _create_account,
        "DescribeCreateAccountStatus": _describe,
        "ListCreateAccountStatus": _list,
    }


def under_way(management=None):
    return [
        one
        for one in list(_creations.values())
        if one.status["State"] == "IN_PROGRESS" and management in (None, one.management)
    ]


def settle():
    """Whatever has taken long enough is done. Called before each request, whoever makes it."""
    now = time.time()
    for creation in under_way():
        if creation.polls <= 0 and now >= creation.ends_at:
            with request_scope(creation.management, get_region()):
                _end(creation)


def _create_account(payload):
    if problem := _problem(payload):
        return problem
    management, email = get_account_id(), payload["Email"]
    given = settings.of(management)
    if membership.being_finalized():
        return refused("FinalizingOrganizationException", "Your organization is still being initialized.")
    if _count(management) >= given.account_quota:
        reason = "ACCOUNT_NUMBER_LIMIT_EXCEEDED"
        return refused("ConstraintViolationException", "You have exceeded the allowed number of accounts.", reason)
    failure = given.account_creation_failures.pop(0) if given.account_creation_failures else None
    if _is_taken(email):
        failure = "EMAIL_ALREADY_EXISTS"
    now = time.time()
    creation = Creation(
        management=management,
        status={
            "Id": f"car-{new_uuid().replace('-', '')}",
            "AccountName": payload["AccountName"],
            "State": "IN_PROGRESS",
            "RequestedTimestamp": now,
        },
        account=_unused_id(),
        email=email,
        role=payload.get("RoleName") or DEFAULT_ROLE,
        tags=payload.get("Tags") or [],
        polls=given.account_creation_polls,
        ends_at=now + given.account_creation_seconds,
        failure=failure,
    )
    _creations[creation.status["Id"]] = creation
    accepted = done(200, {"CreateAccountStatus": creation.status})
    if given.account_appears_early and not failure:
        _add(creation)
    settle()
    return accepted


def _problem(payload):
    for name, (least, greatest, pattern, reason) in RULES.items():
        value = payload.get(name)
        if value is None and name != "RoleName":
            return invalid("INPUT_REQUIRED", f"{name} is required.")
        if value is None:
            continue
        if not least <= len(value) <= greatest:
            return invalid("MIN_LENGTH_EXCEEDED" if len(value) < least else "MAX_LENGTH_EXCEEDED")
        if not re.fullmatch(pattern, value):
            return invalid(reason)
    return tags.problem([], payload.get("Tags") or [])


def _count(management):
    """Closed accounts and open invitations count too."""
    known = set(membership.members(management))
    coming = [creation for creation in under_way(management) if creation.account not in known and not creation.failure]
    return len(known) + len(coming) + len(invitations.open_invitations(management))


def _is_taken(email):
    """By an account of any organization here or elsewhere, or by one that is being created."""
    taken = accounts.email_addresses() | {membership.email_address_of(get_account_id()).lower()}
    taken |= {creation.email.lower() for creation in under_way() if not creation.failure}
    taken |= {address.lower() for address in settings.of(get_account_id()).taken_email_addresses}
    return email.lower() in taken


def _unused_id():
    while True:
        account = str(random.randrange(4 * 10**11, 10**12))
        if membership.management_account_of(account) is None:
            return account


@membership.with_the_observers_told
def _add(creation):
    membership.add(
        creation.account,
        creation.status["AccountName"],
        "CREATED",
        Email=creation.email,
        _ActiveAt=accounts.NOT_YET,
    )
    if creation.tags:
        organizations._tags[creation.account] = {tag["Key"]: tag["Value"] for tag in creation.tags}


def _end(creation):
    now = time.time()
    creation.status["CompletedTimestamp"] = now
    if creation.failure:
        creation.status |= {"State": "FAILED", "FailureReason": creation.failure}
        return
    if creation.account not in organizations._accounts:
        _add(creation)
    given = settings.of(creation.management)
    active_at = now + given.account_activation_seconds
    organizations._accounts[creation.account]["_ActiveAt"] = active_at
    # Nobody has set a password for the root user of such an account.
    settings.of(creation.account).root_password = False
    access_role.make_later(active_at + given.access_role_seconds, creation.account, creation.role, creation.management)
    creation.status |= {"State": "SUCCEEDED", "AccountId": creation.account}


def _read(creation):
    """As often as the settings say it is read while it is under way."""
    shown = dict(creation.status)
    creation.polls -= 1
    return shown


def _describe(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeCreateAccountStatus.html"""
    creation = _creations.get(payload.get("CreateAccountRequestId"))
    if creation is None or creation.management != get_account_id():
        message = "We can't find an create account request with that CreateAccountRequestId."
        return refused("CreateAccountStatusNotFoundException", message)
    return done(200, {"CreateAccountStatus": _read(creation)})


def _list(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListCreateAccountStatus.html"""
    wanted = set(payload.get("States") or STATES)
    if not wanted <= STATES:
        return invalid("INVALID_ENUM")
    found = [one for one in list(_creations.values()) if one.management == get_account_id()]
    return done(200, {"CreateAccountStatuses": [_read(one) for one in found if one.status["State"] in wanted]})
