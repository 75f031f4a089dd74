"""IAM users who are people: their passwords, their MFA devices, and what their sessions carry of both.

    callers.py       calls to IAM that name no user
    passwords.py     login profiles, ChangePassword, the account's password policy
    mfa_devices.py   virtual MFA devices with real codes
    mfa_context.py   which requests carry `aws:MultiFactorAuthPresent`, and AssumeRole and GetSessionToken with a code
    sign_in.py       no repair: the console's sign-in, which has no API

MiniStack keeps no password and checks neither password nor code. Every session of its is one without MFA.
"""

from . import callers, mfa_context, mfa_devices, passwords, sign_in


def repair(app):
    """Returns `app` with the console's sign-in beside it."""
    callers.repair()
    mfa_devices.repair()
    passwords.repair()
    mfa_context.repair()
    return sign_in.serve(app)
