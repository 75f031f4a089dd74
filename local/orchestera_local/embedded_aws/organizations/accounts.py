"""The state of an account, and what changes it: moving and closing.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_account_state.html
"""

import time

import ministack.services.organizations as organizations
from ministack.core.responses import get_account_id

from .. import settings
from .answers import done, refused
from .membership import has_unit, with_the_observers_told

# `Status` knows three of the five.
STATUS = {"ACTIVE": "ACTIVE", "PENDING_CLOSURE": "PENDING_CLOSURE"}
# In place of the time from which an account is active: as long as its creation has not succeeded.
NOT_YET = float("inf")


def actions(_):
    organizations._public_account = _public
    return {"MoveAccount": with_the_observers_told(_move), "CloseAccount": _close}


def state_of(account):
    """Of a record of MiniStack, or of none: an account outside of all organizations is in order."""
    if not account:
        return "ACTIVE"
    if by_hand := settings.of(account["Id"]).account_state:
        return by_hand
    now = time.time()
    if (closed_at := account.get("_ClosedAt")) is not None:
        return "CLOSED" if now >= closed_at else "PENDING_CLOSURE"
    return "ACTIVE" if now >= account.get("_ActiveAt", 0) else "PENDING_ACTIVATION"


def email_addresses():
    """Of all accounts, in lower case: no address belongs to two of them."""
    return {_public(account)["Email"].lower() for account in list(organizations._accounts._data.values())}


def _public(account):
    shown = {name: value for name, value in account.items() if not name.startswith("_")}
    given, state = settings.of(account["Id"]), state_of(account)
    shown |= {"State": state, "Status": STATUS.get(state, "SUSPENDED")}
    shown |= {"Email": given.email_address} if given.email_address else {}
    shown |= {"Name": given.account_name} if given.account_name else {}
    if not settings.of(get_account_id()).shows_account_status:
        del shown["Status"]
    return shown


def _move(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_MoveAccount.html"""
    management, account = get_account_id(), organizations._accounts.get(payload["AccountId"])
    source, destination = payload["SourceParentId"], payload["DestinationParentId"]
    if account is None:
        return refused("AccountNotFoundException", "We can't find an account with that AccountId.")
    if not has_unit(management, source) or account["_ParentId"] != source:
        return refused("SourceParentNotFoundException", "We can't find a source root or OU with that ParentId.")
    if not has_unit(management, destination):
        message = "We can't find the destination container with that ParentId."
        return refused("DestinationParentNotFoundException", message)
    if source == destination:
        return refused("DuplicateAccountException", "That account is already present in the specified destination.")
    account["_ParentId"] = destination
    return done(200, {})


def _close(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CloseAccount.html"""
    management, account = get_account_id(), organizations._accounts.get(payload["AccountId"])
    if account is None:
        return refused("AccountNotFoundException", "We can't find an account with that AccountId.")
    if account["Id"] == management:
        reason = "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"
        return refused("ConstraintViolationException", "You cannot close the management account.", reason)
    state = state_of(account)
    if state == "PENDING_CLOSURE":
        return refused("ConflictException", "The account is being closed.")
    if state == "CLOSED":
        return refused("AccountAlreadyClosedException", "The account is already closed.")
    account["_ClosedAt"] = time.time() + settings.of(management).account_closure_seconds
    return done(200, {})
