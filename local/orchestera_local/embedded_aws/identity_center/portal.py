"""How a user signs in to an account: in place of the access portal, whose API asks a browser for a password.

    PUT /_orchestera/sign-in    {"user": "ann", "account": "111122223333", "permission_set": "AdministratorAccess"}

It answers with credentials of the role, or with 403 if the user has no such assignment. The account may belong to an
organization that has an instance, and the user is one of that instance. No function of the product calls this.
https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
"""

import json
import time

import ministack.services.iam as iam
import ministack.services.organizations as organizations
import ministack.services.sts as sts

from ..json_over_http import answer, body_of
from ..organizations import accounts
from . import assignments, instances, permission_sets, provisioning
from .identity_store import USER, by_attribute

PATH = "/_orchestera/sign-in"


def serve(app):
    """Returns `app` with the portal beside it."""

    async def with_the_portal(scope, receive, send):
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "PUT":
            await _answer(receive, send)
        else:
            await app(scope, receive, send)

    return with_the_portal


async def _answer(receive, send):
    credentials = _credentials(**json.loads(await body_of(receive)))
    await answer(send, 200 if credentials else 403, credentials or {"message": "No access"})


def _credentials(user, account, permission_set):
    """None for who has no access."""
    instance = instances.of_organization(account)
    if not instance:
        return None
    by_name = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": user}}
    identifier = by_attribute(instance.store.users, USER, by_name)
    record = organizations._accounts.get_scoped(instance.owner, None, account)
    if identifier is None or accounts.state_of(record) != "ACTIVE":
        return None
    for assignment in assignments.of_principal(instance, assignments.USER, identifier):
        found = instance.permission_sets[assignment.permission_set]
        if (assignment.account, found.name) == (account, permission_set):
            return _session(instance.store.users[identifier]["UserName"], found, account)
    return None


def _session(user, permission_set, account):
    name = provisioning.role_name(permission_set, account)
    role = iam._roles.get_scoped(account, None, name)
    key, secret, token = sts._gen_session_access_key(), sts._gen_secret(), sts._gen_session_token()
    seconds = permission_sets.seconds(permission_set.session_duration)
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{user}",
            "UserId": f"{role['RoleId']}:{user}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": time.time() + seconds,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
            "SourceAccessKeyId": "",
            "SourcePrincipalArn": role["Arn"],
            "SessionTags": [],
            "SessionPolicies": None,
        },
    )
    return {"AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token, "Seconds": seconds}
