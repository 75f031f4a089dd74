"""Lists page by page.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html
"""

import json

from ..pages import page
from .answers import done, invalid

LISTS = {
    "ListRoots": "Roots",
    "ListAccounts": "Accounts",
    "ListAccountsForParent": "Accounts",
    "ListParents": "Parents",
    "ListOrganizationalUnitsForParent": "OrganizationalUnits",
    "ListCreateAccountStatus": "CreateAccountStatuses",
    "ListPolicies": "Policies",
    "ListPoliciesForTarget": "Policies",
    "ListTargetsForPolicy": "Targets",
    "ListTagsForResource": "Tags",
    "ListHandshakesForOrganization": "Handshakes",
    "ListAWSServiceAccessForOrganization": "EnabledServicePrincipals",
    "ListDelegatedAdministrators": "DelegatedAdministrators",
    "ListDelegatedServicesForAccount": "DelegatedServices",
}
MOST = 20


def paged(action, handle):
    if action not in LISTS:
        return handle
    name = LISTS[action]

    def repaired(payload):
        wanted = payload.get("MaxResults", MOST)
        if not 1 <= wanted <= MOST:
            return invalid("MIN_VALUE_EXCEEDED" if wanted < 1 else "MAX_VALUE_EXCEEDED")
        answer = handle(payload)
        if answer[0] != 200:
            return answer
        try:
            entries, token = page(action, json.loads(answer[2])[name], wanted, payload.get("NextToken"))
        except ValueError:
            return invalid("INVALID_NEXT_TOKEN")
        return done(200, {name: entries} | ({"NextToken": token} if token else {}))

    return repaired
