"""The role by which the management account gets into an account that it created.

It may come later than the account:
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access-cross-account-role.html
"""

import json
import time
import urllib.parse

import ministack.app
import ministack.services.iam as iam
import ministack.services.organizations as organizations
import ministack.services.sts as sts
from ministack.core.responses import get_region, request_scope

from . import accounts
from .membership import management_account_of

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

# When it is made, in which account, its name, and whom it trusts.
_to_be_made: list[tuple] = []


def repair():
    handlers = ministack.app.SERVICE_HANDLERS
    handlers["sts"] = _into_active_accounts(handlers["sts"])


def make_later(at, account, name, management):
    _to_be_made.append((at, account, name, management))
    settle()


def settle():
    """Those are made whose time has come. Called before each request, whoever makes it."""
    now = time.time()
    for entry in [entry for entry in _to_be_made if entry[0] <= now]:
        _to_be_made.remove(entry)
        _, account, name, management = entry
        principal = {"AWS": f"arn:aws:iam::{management}:root"}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        with request_scope(account, get_region()):
            iam._create_role({"RoleName": name, "AssumeRolePolicyDocument": trust})
            iam._attach_role_policy({"RoleName": name, "PolicyArn": ADMINISTRATOR})


def _into_active_accounts(handle):
    """In an account that is not active, or not any more, no role can be assumed."""

    async def repaired(method, path, headers, body, parameters):
        request = urllib.parse.parse_qs(body.decode())
        role = request.get("RoleArn", [""])[0]
        if request.get("Action") == ["AssumeRole"] and role.count(":") == 5:
            account = role.split(":")[4]
            management = management_account_of(account)
            record = management and organizations._accounts.get_scoped(management, None, account)
            if accounts.state_of(record) != "ACTIVE":
                message = f"User is not authorized to perform: sts:AssumeRole on resource: {role}"
                return sts._error(403, "AccessDenied", message, ns="sts")
        return await handle(method, path, headers, body, parameters)

    return repaired
