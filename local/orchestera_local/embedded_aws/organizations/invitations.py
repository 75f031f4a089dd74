"""How an account that exists joins an organization, and leaves it."""

import time

import ministack.services.organizations as organizations
from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope

from .. import settings
from . import membership, trusted_access
from .answers import done, refused
from .membership import management_account_of, with_the_observers_told

# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_invites.html
DAYS_UNTIL_EXPIRATION = 15

# By id.
_invitations: dict[str, dict] = {}


def actions(_):
    return {
        "InviteAccountToOrganization": _invite_account,
        "AcceptHandshake": _accept_handshake,
        "CancelHandshake": _cancel_handshake,
        "ListHandshakesForOrganization": _list_handshakes,
        "RemoveAccountFromOrganization": with_the_observers_told(_remove_account),
        "LeaveOrganization": with_the_observers_told(_remove_account),
    }


def open_invitations(management):
    return [one for one in _invitations.values() if one["_Management"] == management and one["State"] == "OPEN"]


def find(identifier):
    return _invitations.get(identifier)


def _public(invitation):
    return {key: value for key, value in invitation.items() if not key.startswith("_")}


def _invite_account(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteAccountToOrganization.html"""
    management, target = get_account_id(), payload["Target"]
    organization = organizations._orgs["self"]
    if target["Type"] == "ACCOUNT" and management_account_of(target["Id"]) == management:
        return refused("DuplicateAccountException", "The account is already a member of your organization.")
    if target["Type"] == "ACCOUNT" and management_account_of(target["Id"]):
        reason = "ALREADY_IN_AN_ORGANIZATION"
        return refused("HandshakeConstraintViolationException", "The account is a member of an organization.", reason)
    if membership.being_finalized():
        return refused("FinalizingOrganizationException", "Your organization is still being initialized.")
    now, identifier = time.time(), f"h-{new_uuid().replace('-', '')[:8]}"
    prefix = organization["Arn"].replace(":organization/", ":handshake/")
    invitation = {
        "Id": identifier,
        "Arn": f"{prefix}/invite/{identifier}",
        "Parties": [
            {"Id": organization["Id"].removeprefix("o-"), "Type": "ORGANIZATION"},
            {"Id": target["Id"], "Type": target["Type"]},
        ],
        "State": "OPEN",
        "RequestedTimestamp": now,
        "ExpirationTimestamp": now + DAYS_UNTIL_EXPIRATION * 24 * 3600,
        "Action": "INVITE",
        "Resources": [
            {"Value": organization["Id"], "Type": "ORGANIZATION"},
            {"Value": target["Id"], "Type": target["Type"]},
        ],
        "_Management": management,
    }
    _invitations[identifier] = invitation
    return done(200, {"Handshake": _public(invitation)})


def _accept_handshake(payload):
    """By the account that was invited; it comes to the root.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_AcceptHandshake.html
    """
    invitation, account = _invitations.get(payload.get("HandshakeId")), get_account_id()
    invited = (account, membership.email_address_of(account))
    if not invitation or invitation["Parties"][1]["Id"] not in invited:
        return refused("HandshakeNotFoundException", "We can't find a handshake with that HandshakeId.")
    if invitation["State"] != "OPEN" or management_account_of(account):
        return refused("InvalidHandshakeTransitionException", "The handshake is not open any more.")

    def join(_):
        invitation["State"] = "ACCEPTED"
        membership.add(account, settings.of(account).account_name or account, "INVITED")
        return done(200, {"Handshake": _public(invitation)})

    with request_scope(invitation["_Management"], get_region()):
        return with_the_observers_told(join)(payload)


def _cancel_handshake(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CancelHandshake.html"""
    invitation = _invitations.get(payload.get("HandshakeId"))
    if not invitation or invitation["_Management"] != get_account_id():
        return refused("HandshakeNotFoundException", "We can't find a handshake with that HandshakeId.")
    if invitation["State"] != "OPEN":
        return refused("InvalidHandshakeTransitionException", "The handshake is not open any more.")
    invitation["State"] = "CANCELED"
    return done(200, {"Handshake": _public(invitation)})


def _list_handshakes(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListHandshakesForOrganization.html"""
    wanted = (payload.get("Filter") or {}).get("ActionType", "INVITE")
    found = [one for one in _invitations.values() if one["_Management"] == get_account_id()]
    return done(200, {"Handshakes": [_public(one) for one in found if one["Action"] == wanted]})


def _remove_account(payload):
    """Of an account, or by the account itself.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_RemoveAccountFromOrganization.html
    https://docs.aws.amazon.com/organizations/latest/APIReference/API_LeaveOrganization.html
    """
    management, account = get_account_id(), payload.get("AccountId")
    if account == management:
        return refused("MasterCannotLeaveOrganizationException", "The management account cannot leave.")
    if organizations._accounts.pop(account, None) is None:
        return refused("AccountNotFoundException", f"We can't find an account with the AccountId {account}")
    organizations._tags.pop(account, None)
    trusted_access.forget(management, account)
    return done(200, {})
