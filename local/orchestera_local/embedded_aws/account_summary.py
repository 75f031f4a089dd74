"""What IAM's summary of an account says of its root user, and of the quotas of roles and policies.

MiniStack counts the MFA devices of users instead, and does not know of a password or of these quotas.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
"""

import re

import ministack.services.iam as iam
from ministack.core.responses import get_account_id

from . import settings


def repair():
    handlers = iam._IAM_HANDLERS
    handlers["GetAccountSummary"] = _of_the_root_user(handlers["GetAccountSummary"])


def _of_the_root_user(summarize):
    def repaired(parameters):
        status, headers, body = summarize(parameters)
        given = settings.of(get_account_id())
        flags = {
            "AccountMFAEnabled": given.root_mfa,
            "AccountAccessKeysPresent": given.root_access_keys,
            "AccountPasswordPresent": given.root_password,
            "Roles": len(iam._roles.keys()),
            "RolesQuota": given.role_quota,
            "Policies": len(iam._policies.keys()),
            "PoliciesQuota": given.policy_quota,
        }
        text = body.decode()
        for name, value in flags.items():
            text = re.sub(rf"<entry><key>{name}</key><value>\d+</value></entry>", "", text)
            entry = f"<entry><key>{name}</key><value>{int(value)}</value></entry>"
            text = text.replace("</SummaryMap>", f"{entry}</SummaryMap>")
        return status, headers, text.encode()

    return repaired
