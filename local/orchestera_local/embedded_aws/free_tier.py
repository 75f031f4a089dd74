"""On which plan an account is.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_freetier_GetAccountPlanState.html
"""

import datetime

from ministack.core.responses import get_account_id

from . import json_services, settings

# What a free plan begins with.
CREDITS = 100.0
DURATION = datetime.timedelta(days=183)


def repair():
    json_services.add("freetier", "freetier", "AWSFreeTierService", {"GetAccountPlanState": _get_account_plan_state})


def _get_account_plan_state(_):
    account = get_account_id()
    given = settings.of(account)
    state = {
        "accountId": account,
        "accountPlanType": given.account_plan,
        "accountPlanStatus": given.account_plan_status,
        "accountPlanRemainingCredits": {"amount": CREDITS, "unit": "USD"},
    }
    if given.account_plan == "FREE":
        # Text, as the service's model says, and not the number that JSON services usually send.
        state["accountPlanExpirationDate"] = (datetime.datetime.now(datetime.UTC) + DURATION).isoformat()
    return state
