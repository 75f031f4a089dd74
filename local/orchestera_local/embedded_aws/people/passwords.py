"""Passwords of users: kept, checked, and held to the account's password policy.

MiniStack kept none, took any, and had no ChangePassword.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
"""

import hashlib
import hmac
import re
import secrets

import ministack.services.iam as iam

from . import callers

CLASSES = {
    "RequireUppercaseCharacters": r"[A-Z]",
    "RequireLowercaseCharacters": r"[a-z]",
    "RequireNumbers": r"[0-9]",
    "RequireSymbols": r"[!@#$%^&*()_+\-=\[\]{}|']",
}
# Without a policy of the account's own: so many characters, of so many classes, and not the user's name.
LENGTH, OF_CLASSES = 8, 3
# Of a policy that does not say it, and what it may say.
NUMBERS = {"MinimumPasswordLength": (6, 128), "MaxPasswordAge": (1, 1095), "PasswordReusePrevention": (1, 24)}
DEFAULT_LENGTH = 6


def repair():
    handlers = iam._IAM_HANDLERS
    handlers["CreateLoginProfile"] = _keeping_the_password(handlers["CreateLoginProfile"], is_new=True)
    handlers["UpdateLoginProfile"] = _keeping_the_password(handlers["UpdateLoginProfile"], is_new=False)
    handlers["ChangePassword"] = _change_password
    handlers["UpdateAccountPasswordPolicy"] = _as_a_whole(handlers["UpdateAccountPasswordPolicy"])


def is_right(user_name, password):
    kept = iam._login_profiles.get(user_name, {}).get("Passwords", [])
    return bool(kept) and _matches(kept[-1], password)


def must_change(user_name):
    return iam._login_profiles[user_name]["PasswordResetRequired"]


def change(user_name, password):
    """As the user does it. Returns IAM's refusal, or None."""
    refusal = _refusal(user_name, password)
    if refusal is None:
        _keep(user_name, password)
        iam._login_profiles[user_name]["PasswordResetRequired"] = False
    return refusal


def _keeping_the_password(handle, is_new):
    def repaired(parameters):
        name, password = iam._p(parameters, "UserName"), iam._p(parameters, "Password")
        is_due = name in iam._users and (name in iam._login_profiles) is not is_new
        refusal = _refusal(name, password) if is_due and (password or is_new) else None
        answer = refusal or handle(parameters)
        if answer[0] == 200 and password:
            _keep(name, password)
        return answer

    return repaired


def _change_password(parameters):
    name = callers.user_name()
    old, new = iam._p(parameters, "OldPassword"), iam._p(parameters, "NewPassword")
    if not name:
        return iam._error(400, "InvalidUserType", "Only IAM Users can change their own password.", ns="iam")
    if name not in iam._login_profiles:
        return iam._error(404, "NoSuchEntity", f"Login Profile for User {name} cannot be found.", ns="iam")
    if not is_right(name, old):
        # The reference has no code of its own for it.
        return iam._error(403, "AccessDenied", "The old password was incorrect.", ns="iam")
    return change(name, new) or iam._xml(200, "ChangePasswordResponse", "", ns="iam")


def _refusal(user_name, password):
    policy = iam._account_password_policy.get("policy")
    missing = [name for name, pattern in CLASSES.items() if not re.search(pattern, password)]
    if policy:
        remembered = iam._login_profiles.get(user_name, {}).get("Passwords", [])
        reuse = remembered[-policy.get("PasswordReusePrevention", 0) :] if "PasswordReusePrevention" in policy else []
        is_fine = (
            len(password) >= policy["MinimumPasswordLength"]
            and not any(policy.get(name) for name in missing)
            and not any(_matches(kept, password) for kept in reuse)
        )
    else:
        is_fine = len(password) >= LENGTH and len(CLASSES) - len(missing) >= OF_CLASSES and password != user_name
    if is_fine:
        return None
    message = "Password does not conform to the account password policy."
    return iam._error(400, "PasswordPolicyViolation", message, ns="iam")


def _keep(user_name, password):
    salt = secrets.token_hex(8)
    iam._login_profiles[user_name].setdefault("Passwords", []).append((salt, _digest(salt, password)))


def _matches(kept, password):
    salt, digest = kept
    return hmac.compare_digest(digest, _digest(salt, password))


def _digest(salt, password):
    # It only has to keep a dummy out of the log.
    return hashlib.sha256(f"{salt}{password}".encode()).hexdigest()


def _as_a_whole(update):
    """What the request does not say has its default afterwards: MiniStack left it as it was."""

    def repaired(parameters):
        for name, (least, most) in NUMBERS.items():
            value = iam._p(parameters, name)
            if value and not least <= int(value) <= most:
                message = f"Value '{value}' at '{name}' failed to satisfy constraint: {least} to {most}"
                return iam._error(400, "ValidationError", message, ns="iam")
        iam._account_password_policy.pop("policy", None)
        return update({"MinimumPasswordLength": [str(DEFAULT_LENGTH)]} | parameters)

    return repaired
