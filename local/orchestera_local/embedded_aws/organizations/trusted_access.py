"""Which services have trusted access to an organization, and which accounts administer them."""

import time

import ministack.services.organizations as organizations
from ministack.core.responses import get_account_id

from .answers import done, refused
from .membership import members

# By management account: since when a service has it; and since when an account administers a service.
_trusted: dict[str, dict] = {}
_delegated: dict[str, dict] = {}


def actions(_):
    return {
        "EnableAWSServiceAccess": _enable_service_access,
        "DisableAWSServiceAccess": _disable_service_access,
        "ListAWSServiceAccessForOrganization": _list_service_access,
        "RegisterDelegatedAdministrator": _register_delegated_administrator,
        "DeregisterDelegatedAdministrator": _deregister_delegated_administrator,
        "ListDelegatedAdministrators": _list_delegated_administrators,
        "ListDelegatedServicesForAccount": _list_delegated_services,
    }


def trust(management, service):
    _trusted.setdefault(management, {}).setdefault(service, time.time())


def distrust(management, service):
    _trusted.get(management, {}).pop(service, None)


def is_trusted(management, service):
    return service in _trusted.get(management, {})


def is_delegated(management, account, service=None):
    """Whether it administers that service; without one, any."""
    entries = _delegated.get(management, {})
    return any(administrator == account and service in (None, of) for administrator, of in entries)


def forget(management, account):
    """An account that has left."""
    entries = _delegated.get(management, {})
    _delegated[management] = {entry: since for entry, since in entries.items() if entry[0] != account}


def _without_all_features():
    """A refusal, or None. Services are not even listed, as hashicorp/terraform-provider-aws quotes AWS:

    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/organizations/organization.go
    """
    if organizations._orgs["self"]["FeatureSet"] == "ALL":
        return None
    reason = "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE"
    return refused("ConstraintViolationException", "The organization does not have all features enabled.", reason)


def _enable_service_access(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAWSServiceAccess.html"""
    if problem := _without_all_features():
        return problem
    trust(get_account_id(), payload["ServicePrincipal"])
    return done(200, {})


def _disable_service_access(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DisableAWSServiceAccess.html"""
    distrust(get_account_id(), payload["ServicePrincipal"])
    return done(200, {})


def _list_service_access(_):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAWSServiceAccessForOrganization.html"""
    if problem := _without_all_features():
        return problem
    trusted = _trusted.get(get_account_id(), {})
    services = [{"ServicePrincipal": service, "DateEnabled": since} for service, since in trusted.items()]
    return done(200, {"EnabledServicePrincipals": services})


def _register_delegated_administrator(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_RegisterDelegatedAdministrator.html"""
    management, account, service = get_account_id(), payload["AccountId"], payload["ServicePrincipal"]
    if account == management:
        reason = "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR"
        return refused("ConstraintViolationException", "You cannot register the management account.", reason)
    if account not in members(management):
        return refused("AccountNotFoundException", f"We can't find an account with the AccountId {account}")
    if not is_trusted(management, service):
        reason = "SERVICE_ACCESS_NOT_ENABLED"
        return refused("ConstraintViolationException", f"Enable trusted access for {service} first.", reason)
    if is_delegated(management, account, service):
        return refused("AccountAlreadyRegisteredException", "The account is a delegated administrator already.")
    _delegated.setdefault(management, {})[account, service] = time.time()
    return done(200, {})


def _deregister_delegated_administrator(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeregisterDelegatedAdministrator.html"""
    entry = (payload["AccountId"], payload["ServicePrincipal"])
    if _delegated.get(get_account_id(), {}).pop(entry, None) is None:
        return refused("AccountNotRegisteredException", "The account is no delegated administrator of that service.")
    return done(200, {})


def _list_delegated_administrators(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListDelegatedAdministrators.html"""
    service, since = payload.get("ServicePrincipal"), {}
    for (account, of), when in _delegated.get(get_account_id(), {}).items():
        if service in (None, of):
            since[account] = min(when, since.get(account, when))
    accounts = [
        organizations._public_account(organizations._accounts[account]) | {"DelegationEnabledDate": when}
        for account, when in sorted(since.items())
    ]
    return done(200, {"DelegatedAdministrators": accounts})


def _list_delegated_services(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListDelegatedServicesForAccount.html"""
    management, account = get_account_id(), payload["AccountId"]
    if account not in members(management):
        return refused("AccountNotFoundException", f"We can't find an account with the AccountId {account}")
    if not is_delegated(management, account):
        return refused("AccountNotRegisteredException", "The account is no delegated administrator.")
    services = [
        {"ServicePrincipal": service, "DelegationEnabledDate": since}
        for (of, service), since in _delegated[management].items()
        if of == account
    ]
    return done(200, {"DelegatedServices": services})
