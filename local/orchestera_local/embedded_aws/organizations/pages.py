"""Lists page by page. A page may be empty and still not be the last one: only NextToken says which one is.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html
"""

import base64
import json

from ministack.core.responses import get_account_id

from .. import settings
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
    """The token is where the next page begins, and how many empty ones have come before it."""
    if action not in LISTS:
        return handle
    name = LISTS[action]

    def repaired(payload):
        given, wanted = settings.of(get_account_id()), payload.get("MaxResults", MOST)
        if not 1 <= wanted <= MOST:
            return invalid("MIN_VALUE_EXCEEDED" if wanted < 1 else "MAX_VALUE_EXCEEDED")
        start, empty = 0, 0
        if "NextToken" in payload:
            try:
                of, start, empty = json.loads(base64.b64decode(payload["NextToken"]))
            except ValueError:
                of = None
            if of != action:
                return invalid("INVALID_NEXT_TOKEN")
        answer = handle(payload)
        if answer[0] != 200:
            return answer
        entries, token = json.loads(answer[2])[name], None
        if empty < given.empty_pages:
            page, token = [], [action, start, empty + 1]
        else:
            end = start + min(wanted, given.page_size)
            page = entries[start:end]
            if end < len(entries):
                token = [action, end, 0]
        more = {"NextToken": base64.b64encode(json.dumps(token).encode()).decode()} if token else {}
        return done(200, {name: page} | more)

    return repaired
