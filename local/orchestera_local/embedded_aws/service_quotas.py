"""How many accounts an organization may have, as Service Quotas tells it.

https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from ministack.core.responses import get_account_id

from . import json_services, settings

SERVICE, QUOTA = "organizations", "L-29A0C5DF"


def repair():
    json_services.add(
        "servicequotas", "service-quotas", "ServiceQuotasV20190624", {"GetServiceQuota": _get_service_quota}
    )


def _get_service_quota(request):
    account = get_account_id()
    if (request.get("ServiceCode"), request.get("QuotaCode")) != (SERVICE, QUOTA):
        raise json_services.Refused("NoSuchResourceException", "The specified resource does not exist.")
    return {
        "Quota": {
            "ServiceCode": SERVICE,
            "ServiceName": "AWS Organizations",
            "QuotaArn": f"arn:aws:servicequotas::{account}:{SERVICE}/{QUOTA}",
            "QuotaCode": QUOTA,
            "QuotaName": "Default maximum number of accounts",
            "Value": float(settings.of(account).account_quota),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": True,
        }
    }
