"""Which requests carry `aws:MultiFactorAuthPresent`, and with which value.

Long-term access keys never carry it, temporary credentials do. It is true for a session of the console or of
GetSessionToken for which a code was given. AssumeRole takes a code for the caller's policies and the role's trust
policy: "The temporary credentials returned by AssumeRole do not include MFA information in the context". There the key
is false and not absent, as AWS found when it tried: https://github.com/aws/aws-sdk-java-v2/issues/2554
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent

And `aws:PrincipalArn`, which trust policies ask beside it, is a role's own ARN and not that of its session.
"""

import contextvars
import time
from dataclasses import dataclass

import ministack.app
import ministack.services.iam as iam
import ministack.services.sts as sts
from ministack.core import iam_actions, iam_evaluator

from . import mfa_devices

WITH_A_CODE = ("sts:AssumeRole", "sts:GetSessionToken")
PRESENT, AGE = "aws:multifactorauthpresent", "aws:multifactorauthage"
# In a session of MiniStack: when a code was given for it, and whether it is one of the console.
TIME, CONSOLE = "MultiFactorAuthTime", "Console"


@dataclass
class Claim:
    """What a request says of a device. It is checked once, when its signature has been."""

    serial_number: str
    code: str
    problem: str | None = None

    def is_true(self, user_name):
        if self.problem is None:
            self.problem = self._check(user_name)
        return not self.problem

    def _check(self, user_name):
        if not self.serial_number or not self.code:
            return "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
        device = iam._mfa_devices.get(self.serial_number)
        if not device or not user_name or device["User"] != user_name:
            return "MultiFactorAuthentication failed, unable to validate MFA code."
        step = mfa_devices.accepted_step(device, self.code)
        if step is None:
            return "MultiFactorAuthentication failed with invalid MFA one time pass code."
        mfa_devices.use(device, step)
        return ""


_claim: contextvars.ContextVar[Claim | None] = contextvars.ContextVar("claim", default=None)


def repair():
    iam_evaluator.pin_request_caller = _without_a_claim(iam_evaluator.pin_request_caller)
    iam_actions.request_tag_context = _taking_the_claim(iam_actions.request_tag_context)
    iam_evaluator.enforce = _for_what_the_session_may(iam_evaluator.enforce)
    # It has this by name.
    iam_evaluator._principal_keys = sts._principal_keys = _with_mfa(iam_evaluator._principal_keys)
    iam_evaluator._resolve_condition_key = _with_the_roles_arn(iam_evaluator._resolve_condition_key)
    sts.register_session = _with_the_time(sts.register_session)
    handlers = ministack.app.SERVICE_HANDLERS
    handlers["sts"] = _if_the_claim_is_true(handlers["sts"])


def _without_a_claim(pin_request_caller):
    def repaired(*arguments):
        _claim.set(None)
        return pin_request_caller(*arguments)

    return repaired


def _taking_the_claim(request_tag_context):
    """The one place before the policies where MiniStack has the action and the request."""

    def repaired(service, iam_action, body, parameters):
        if iam_action in WITH_A_CODE:
            serial, code = (iam_actions._query_param(parameters, name) for name in ("SerialNumber", "TokenCode"))
            if serial or code:
                _claim.set(Claim(serial or "", code or ""))
        return request_tag_context(service, iam_action, body, parameters)

    return repaired


def _for_what_the_session_may(enforce):
    """Without a code, credentials of GetSessionToken are none for IAM.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
    """

    def repaired(access_key, iam_action, *others, **named):
        if iam_action not in WITH_A_CODE:
            _claim.set(None)
        refusal = enforce(access_key, iam_action, *others, **named)
        session = sts._sessions.get(access_key) or {}
        is_limited = session.get("PrincipalType") == "User" and not session.get(CONSOLE) and TIME not in session
        if is_limited and iam_action.startswith("iam:") and not isinstance(refusal, iam_evaluator.AuthError):
            message = "The security token included in the request is invalid."
            return iam_evaluator.AuthError("InvalidClientTokenId", message)
        return refusal

    return repaired


def _with_mfa(principal_keys):
    def repaired(credential):
        keys = principal_keys(credential)
        session, claim = sts._sessions.get(credential.access_key_id) or {}, _claim.get()
        if claim and claim.is_true(credential.principal_name):
            keys |= {PRESENT: "true", AGE: "0"}
        elif TIME in session:
            keys |= {PRESENT: "true", AGE: str(int(time.time() - session[TIME]))}
        return keys

    return repaired


def _with_the_roles_arn(resolve_condition_key):
    def repaired(key, context):
        if key.lower() == "aws:principalarn" and context.principal_type == "AssumedRole":
            name = iam_evaluator._role_name_from_assumed_arn(context.principal_arn)
            role = iam._roles.get_scoped(context.principal_account, None, name)
            return role["Arn"] if role else context.principal_arn
        return resolve_condition_key(key, context)

    return repaired


def _with_the_time(register_session):
    def repaired(access_key, session):
        if _claim.get() and session.get("PrincipalType") == "User":
            session[TIME] = time.time()
        return register_session(access_key, session)

    return repaired


def _if_the_claim_is_true(handle):
    async def repaired(method, path, headers, body, parameters):
        _, _, name = iam_evaluator.caller_arn().partition(":user/")
        claim = _claim.get()
        if claim and not claim.is_true(name.rpartition("/")[2]):
            return iam._error(403, "AccessDenied", claim.problem, ns="sts")
        return await handle(method, path, headers, body, parameters)

    return repaired
