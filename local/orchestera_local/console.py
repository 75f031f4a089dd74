"""An IAM user in the console: signed in with a password, and with a code if there is an MFA device."""

import json
import urllib.error
import urllib.request

from orchestera_local.aws import Account


class SignInRefused(Exception):
    """It has the code from `embedded_aws/people/sign_in.py`, because the console itself has only sentences.

    AuthenticationFailed, MfaCodeRequired, PasswordResetRequired; with a new password AccessDenied and
    PasswordPolicyViolation.
    """

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


def sign_in(account, user_name, password, mfa_code=None):
    """Returns the account, seen by this user in the console.

    The session carries `aws:MultiFactorAuthPresent`, which is true if a code was asked for. Raises SignInRefused.
    """
    return _sign_in(account, user_name=user_name, password=password, mfa_code=mfa_code)


def sign_in_with_new_password(account, user_name, password, new_password, mfa_code=None):
    """The same, and changes the password at the sign-in, as the console does if the password must be changed."""
    return _sign_in(account, user_name=user_name, password=password, new_password=new_password, mfa_code=mfa_code)


def _sign_in(account, **said):
    request = urllib.request.Request(
        f"{account.endpoint}/_orchestera/sign-in/{account.id}",
        data=json.dumps({name: value for name, value in said.items() if value is not None}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return of_credentials(account, json.load(answer))
    except urllib.error.HTTPError as error:
        refusal = json.load(error)
        raise SignInRefused(refusal["code"], refusal["message"]) from None


def of_credentials(account, credentials):
    """The account, seen with these credentials. They are in the form that STS returns."""
    names = {
        "aws_access_key_id": "AccessKeyId",
        "aws_secret_access_key": "SecretAccessKey",
        "aws_session_token": "SessionToken",
    }
    return Account(account.endpoint, account.id, {name: credentials[key] for name, key in names.items()})
