"""The console's sign-in of an IAM user, which is no API of AWS and stands beside the server's.

    POST /_orchestera/sign-in/<account>    {"user_name": …, "password": …, "mfa_code": …, "new_password": …}

answers with temporary credentials, as the console has them, or with a code and a message. `console.py` calls it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/console_sign-in-iam-user.html
"""

import json
import time

import ministack.services.iam as iam
import ministack.services.sts as sts
from ministack.core import iam_evaluator
from ministack.core.responses import get_region, request_scope

from ..json_over_http import answer, body_of
from . import mfa_context, mfa_devices, passwords

PATH = "/_orchestera/sign-in/"
# "the IAM user's session expires after 12 hours": https://docs.aws.amazon.com/signin/latest/userguide/how-to-sign-in.html
SECONDS = 12 * 3600


class Refused(Exception):
    """With a code of our own: the console has only sentences."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def serve(app):
    """Returns `app` with the sign-in beside it."""

    async def with_sign_in(scope, receive, send):
        if scope["type"] == "http" and scope["path"].startswith(PATH):
            await _answer(scope, receive, send)
        else:
            await app(scope, receive, send)

    return with_sign_in


async def _answer(scope, receive, send):
    body = await body_of(receive)
    account = scope["path"].removeprefix(PATH)
    try:
        with request_scope(account, get_region()):
            status, said = 200, sign_in(account, **json.loads(body))
    except Refused as refused:
        status, said = 403, {"code": refused.code, "message": str(refused)}
    await answer(send, status, said)


def sign_in(account, user_name, password, mfa_code=None, new_password=None):
    user = iam._users.get(user_name)
    if not user or not passwords.is_right(user_name, password):
        raise Refused("AuthenticationFailed", "Your authentication information is incorrect.")
    devices = mfa_devices.of(user_name)
    if devices and mfa_code is None:
        raise Refused("MfaCodeRequired", "The user has an MFA device: sign in with a code of it.")
    steps = [(device, mfa_devices.accepted_step(device, mfa_code)) for device in devices]
    used = next(((device, step) for device, step in steps if step is not None), None)
    if devices and not used:
        raise Refused("AuthenticationFailed", "Your authentication information is incorrect.")
    if passwords.must_change(user_name) and new_password is None:
        raise Refused("PasswordResetRequired", "The password has to be changed to sign in.")
    if used:
        mfa_devices.use(*used)
    credentials = _session(account, user, with_mfa=bool(used))
    if new_password is not None:
        _change_password(account, user, credentials["AccessKeyId"], new_password)
    return credentials


def _session(account, user, with_mfa):
    key, secret, token = sts._gen_session_access_key(), sts._gen_secret(), sts._gen_session_token()
    session = {
        "Arn": user["Arn"],
        "UserId": user["UserId"],
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": time.time() + SECONDS,
        "AccountId": account,
        "PrincipalType": "User",
        "PrincipalName": user["UserName"],
        "SourcePrincipalArn": user["Arn"],
        mfa_context.CONSOLE: True,
    }
    sts.register_session(key, session | ({mfa_context.TIME: time.time()} if with_mfa else {}))
    return {"AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token}


def _change_password(account, user, access_key, new_password):
    """With the user's own right to it, which a policy that asks for MFA may deny.

    "This example policy does not allow users to reset a password while signing in to the AWS Management Console for
    the first time. […] You can allow this by adding iam:ChangePassword and iam:GetAccountPasswordPolicy":
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html
    """
    principal = iam_evaluator.resolve_principal(access_key, account)
    request = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=account,
        action="iam:ChangePassword",
        resource_arn=user["Arn"],
        region=get_region(),
        principal_keys=principal.keys,
    )
    is_allowed = iam_evaluator.evaluate(request, principal.policies, *principal.limits).decision == "Allow"
    refusal = passwords.change(user["UserName"], new_password) if is_allowed else True
    if not refusal:
        return
    del sts._sessions[access_key]
    if not is_allowed:
        raise Refused("AccessDenied", "The user is not authorized to perform iam:ChangePassword.")
    raise Refused("PasswordPolicyViolation", "The password does not comply with the account's password policy.")
