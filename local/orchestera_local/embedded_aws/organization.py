"""An organisation with members: MiniStack makes every account that asks the management account of one of its own.

https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html
"""

import time

import ministack.services.organizations as organizations
from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region, new_uuid, request_scope

# What an account that only belongs to an organisation may ask. A delegated administrator may also look around:
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_delegated_admin.html
OPEN_TO_MEMBERS = {"DescribeOrganization", "LeaveOrganization"}
READING = ("Describe", "List")

# By management account. Which services have trusted access, and which accounts administer them.
_trusted: dict[str, set] = {}
_delegated: dict[str, set] = {}
# By id. Who was invited by whom.
_invitations: dict[str, dict] = {}
# Called with the management account, an account, and the units above it before and after. Both are empty outside.
_observers = []


def repair():
    actions = organizations._DISPATCH
    actions |= {
        "DeleteOrganizationalUnit": _if_empty(actions["DeleteOrganizationalUnit"]),
        "CreateAccount": _with_the_observers_told(actions["CreateAccount"]),
        "MoveAccount": _with_the_observers_told(actions["MoveAccount"]),
        "RemoveAccountFromOrganization": _with_the_observers_told(_remove_account),
        "LeaveOrganization": _leave_organization,
        "InviteAccountToOrganization": _invite_account,
        "EnableAWSServiceAccess": _enable_service_access,
        "RegisterDelegatedAdministrator": _register_delegated_administrator,
        "DeregisterDelegatedAdministrator": _deregister_delegated_administrator,
        "ListDelegatedAdministrators": _list_delegated_administrators,
    }
    for action, handle in list(actions.items()):
        actions[action] = _within(action, handle)
    actions |= {"CreateOrganization": _create_organization, "AcceptHandshake": _accept_handshake}
    iam_evaluator._principal_org_id = id_of


def observe(observer):
    _observers.append(observer)


def management_account_of(account):
    """Of the organisation that the account belongs to, or None."""
    for owner, member in list(organizations._accounts._data):
        if member == account:
            return owner
    return None


def id_of(account):
    """Of the organisation that the account belongs to, or None: the condition key `aws:PrincipalOrgID`."""
    management = management_account_of(account)
    return management and organizations._orgs.get_scoped(management, None, "self")["Id"]


def has_unit(management, unit):
    """Whether it is the root or an organisational unit there."""
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


def trust(management, service):
    _trusted.setdefault(management, set()).add(service)


def distrust(management, service):
    _trusted.get(management, set()).discard(service)


def is_trusted(management, service):
    return service in _trusted.get(management, set())


def is_delegated(management, account, service):
    return (account, service) in _delegated.get(management, set())


def _refused(code, message):
    return error_response_json(code, message, 400)


def _within(action, handle):
    """For the management account, and as far as a member may."""

    def repaired(payload):
        account = get_account_id()
        management = management_account_of(account)
        if management is None:
            return _refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        delegated = any(administrator == account for administrator, _ in _delegated.get(management, ()))
        if not (account == management or action in OPEN_TO_MEMBERS or (delegated and action.startswith(READING))):
            return _refused("AccessDeniedException", "You don't have permissions to access this resource.")
        if action == "LeaveOrganization":
            payload = {"AccountId": account}
        with request_scope(management, get_region()):
            return handle(payload)

    return repaired


def _with_the_observers_told(act):
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
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html"""
    if management_account_of(get_account_id()):
        return _refused("AlreadyInOrganizationException", "The AWS account is already a member of an organization.")
    organizations._ensure_org()
    organizations._orgs["self"]["FeatureSet"] = payload.get("FeatureSet", "ALL")
    return organizations._describe_organization(payload)


def _if_empty(delete_unit):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganizationalUnit.html"""

    def repaired(payload):
        unit = payload.get("OrganizationalUnitId")
        children = [*organizations._accounts.values(), *organizations._ous.values()]
        if any(child["_ParentId"] == unit for child in children):
            return _refused("OrganizationalUnitNotEmptyException", "The specified OU is not empty.")
        return delete_unit(payload)

    return repaired


def _invite_account(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteAccountToOrganization.html"""
    account = payload["Target"]["Id"]
    if management_account_of(account):
        return _refused("DuplicateAccountException", "The account is already a member of an organization.")
    invitation = {
        "Id": f"h-{new_uuid().replace('-', '')[:8]}",
        "Parties": [{"Id": get_account_id(), "Type": "ACCOUNT"}, {"Id": account, "Type": "ACCOUNT"}],
        "State": "OPEN",
        "Action": "INVITE",
    }
    _invitations[invitation["Id"]] = invitation
    return organizations._json(200, {"Handshake": invitation})


def _accept_handshake(payload):
    """By the account that was invited; it comes to the root.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_AcceptHandshake.html
    """
    invitation, account = _invitations.get(payload.get("HandshakeId")), get_account_id()
    if not invitation or invitation["Parties"][1]["Id"] != account:
        return _refused("HandshakeNotFoundException", "We can't find a handshake with that HandshakeId.")
    if invitation["State"] != "OPEN" or management_account_of(account):
        return _refused("InvalidHandshakeTransitionException", "The handshake is not open any more.")

    def join(_):
        invitation["State"] = "ACCEPTED"
        organization = organizations._orgs["self"]
        organizations._accounts[account] = {
            "Id": account,
            "Arn": f"{organization['MasterAccountArn'].rsplit('/', 1)[0]}/{account}",
            "Email": f"root+{account}@example.com",
            "Name": account,
            "Status": "ACTIVE",
            "JoinedMethod": "INVITED",
            "JoinedTimestamp": int(time.time()),
            "_ParentId": next(iter(organizations._roots)),
        }
        return organizations._json(200, {"Handshake": invitation})

    with request_scope(invitation["Parties"][0]["Id"], get_region()):
        return _with_the_observers_told(join)(payload)


def _remove_account(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_RemoveAccountFromOrganization.html"""
    management, account = get_account_id(), payload.get("AccountId")
    if account == management:
        return _refused("MasterCannotLeaveOrganizationException", "The management account cannot leave.")
    if organizations._accounts.pop(account, None) is None:
        return _refused("AccountNotFoundException", f"We can't find an account with the AccountId {account}")
    _delegated[management] = {entry for entry in _delegated.get(management, ()) if entry[0] != account}
    return organizations._json(200, {})


def _leave_organization(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_LeaveOrganization.html"""
    return _with_the_observers_told(_remove_account)(payload)


def _enable_service_access(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAWSServiceAccess.html"""
    trust(get_account_id(), payload["ServicePrincipal"])
    return organizations._json(200, {})


def _register_delegated_administrator(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_RegisterDelegatedAdministrator.html"""
    management, account, service = get_account_id(), payload["AccountId"], payload["ServicePrincipal"]
    if account == management:
        return _refused("ConstraintViolationException", "You cannot register the management account.")
    if account not in members(management):
        return _refused("AccountNotFoundException", f"We can't find an account with the AccountId {account}")
    if not is_trusted(management, service):
        return _refused("ConstraintViolationException", f"You must enable trusted access for {service} first.")
    if is_delegated(management, account, service):
        return _refused("AccountAlreadyRegisteredException", "The account is a delegated administrator already.")
    _delegated.setdefault(management, set()).add((account, service))
    return organizations._json(200, {})


def _deregister_delegated_administrator(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeregisterDelegatedAdministrator.html"""
    entry = (payload["AccountId"], payload["ServicePrincipal"])
    if entry not in _delegated.get(get_account_id(), ()):
        return _refused("AccountNotRegisteredException", "The account is no delegated administrator of that service.")
    _delegated[get_account_id()].remove(entry)
    return organizations._json(200, {})


def _list_delegated_administrators(payload):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListDelegatedAdministrators.html"""
    service = payload.get("ServicePrincipal")
    registered = sorted({a for a, of in _delegated.get(get_account_id(), ()) if service in (None, of)})
    accounts = [organizations._public_account(organizations._accounts[account]) for account in registered]
    return organizations._json(200, {"DelegatedAdministrators": accounts})
