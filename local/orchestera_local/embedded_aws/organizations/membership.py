"""Who belongs to which organization, and where in it."""

import json
import time

import ministack.services.iam as iam
import ministack.services.organizations as organizations
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id

from .. import settings
from .answers import invalid, refused

# By management account: until when an organization is being finalized.
_finalized_at: dict[str, float] = {}
# Called with the management account, an account, and the units above it before and after. Both are empty outside.
_observers = []


def actions(actions):
    iam_evaluator._principal_org_id = id_of
    return {
        "CreateOrganizationalUnit": _with_full_access(actions["CreateOrganizationalUnit"]),
        "DeleteOrganizationalUnit": _if_empty(actions["DeleteOrganizationalUnit"]),
        "CreateOrganization": _create_organization,
    }


def observe(observer):
    _observers.append(observer)


def management_account_of(account):
    """Of the organization that the account belongs to, or None."""
    for owner, member in list(organizations._accounts._data):
        if member == account:
            return owner
    return None


def organization_of(management):
    return organizations._orgs.get_scoped(management, None, "self")


def id_of(account):
    """Of the organization that the account belongs to, or None: the condition key `aws:PrincipalOrgID`."""
    management = management_account_of(account)
    return management and organization_of(management)["Id"]


def has_unit(management, unit):
    """Whether it is the root or an organizational unit there."""
    return any(store.contains_scoped(management, None, unit) for store in (organizations._roots, organizations._ous))


def members(management):
    return [account for owner, account in list(organizations._accounts._data) if owner == management]


def units_above(management, account):
    """The unit that an account is in, the one that this is in, and so on; the root is the last. Empty outside."""
    child, above = organizations._accounts.get_scoped(management, None, account), []
    while child:
        above.append(child["_ParentId"])
        child = organizations._ous.get_scoped(management, None, above[-1])
    return above


def email_address_of(account):
    return settings.of(account).email_address or f"root+{account}@example.com"


def add(account, name, method, **others):
    """To the organization of the management account that is asking; it comes to the root."""
    organization = organizations._orgs["self"]
    organizations._accounts[account] = {
        "Id": account,
        "Arn": f"{organization['MasterAccountArn'].rsplit('/', 1)[0]}/{account}",
        "Email": email_address_of(account),
        "Name": name,
        "Status": "ACTIVE",
        "JoinedMethod": method,
        "JoinedTimestamp": time.time(),
        "_ParentId": next(iter(organizations._roots)),
        **others,
    }
    attach_full_access(account)


def attach_full_access(target):
    """What every root, unit and account of an organization with all features has from the beginning.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    """
    policy = organizations.FULL_ACCESS_POLICY_ID
    organizations._attachments[policy] = [*organizations._attachments.get(policy, []), target]


def being_finalized():
    return time.time() < _finalized_at.get(get_account_id(), 0)


def with_the_observers_told(act):
    """When an account has joined, moved or left."""

    def repaired(payload):
        management = get_account_id()
        before = {account: units_above(management, account) for account in members(management)}
        answer = act(payload)
        after = {account: units_above(management, account) for account in members(management)}
        for account in before | after:
            if before.get(account) != after.get(account):
                for observer in _observers:
                    observer(management, account, before.get(account, []), after.get(account, []))
        return answer

    return repaired


def _create_organization(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html

    It makes the service-linked role of Organizations, and ends a free plan:
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services-using_slrs.html
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/free-tier-plans.html
    """
    account, features = get_account_id(), payload.get("FeatureSet", "ALL")
    if features not in ("ALL", "CONSOLIDATED_BILLING"):
        return invalid("INVALID_ENUM")
    if management_account_of(account):
        return refused("AlreadyInOrganizationException", "The AWS account is already a member of an organization.")
    organizations._ensure_org()
    organization = organizations._orgs["self"]
    organization["FeatureSet"] = features
    organization["MasterAccountEmail"] = organizations._accounts[account]["Email"] = email_address_of(account)
    if features == "CONSOLIDATED_BILLING":
        # Policies need all features.
        organization["AvailablePolicyTypes"] = []
        for root in organizations._roots.values():
            root["PolicyTypes"] = []
    iam._create_service_linked_role({"AWSServiceName": "organizations.amazonaws.com"})
    given = settings.of(account)
    given.account_plan = "PAID"
    _finalized_at[account] = time.time() + given.finalizing_seconds
    return organizations._describe_organization(payload)


def _with_full_access(create_unit):
    def repaired(payload):
        answer = create_unit(payload)
        if answer[0] == 200:
            attach_full_access(json.loads(answer[2])["OrganizationalUnit"]["Id"])
        return answer

    return repaired


def _if_empty(delete_unit):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganizationalUnit.html"""

    def repaired(payload):
        unit = payload.get("OrganizationalUnitId")
        children = [*organizations._accounts.values(), *organizations._ous.values()]
        if any(child["_ParentId"] == unit for child in children):
            return refused("OrganizationalUnitNotEmptyException", "The specified OU is not empty.")
        return delete_unit(payload)

    return repaired
