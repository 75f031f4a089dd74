"""Which account has an instance, of which kind and in which region.

An instance of the organization belongs to the management account; one of an account has users and no permission sets.
https://docs.aws.amazon.com/singlesignon/latest/userguide/identity-center-instances.html
"""

from ministack.core.responses import get_account_id, get_region

from .. import settings
from ..json_services import Refused
from ..organizations import membership, trusted_access
from . import provisioning
from .model import ACCOUNT, ORGANIZATION, Instance
from .requests import listed

SERVICE = "sso.amazonaws.com"

# By owner: an account has at most one, in whatever region.
_instances: dict[str, Instance] = {}


def all_of_them():
    return list(_instances.values())


def settle():
    """What is set of the accounts has been done. Called before each request, whoever makes it."""
    for account, given in settings.of_all():
        wanted, instance = _wanted(account, given.identity_center), _instances.get(account)
        if instance and (instance.kind, instance.region) != (wanted, given.identity_center_region):
            _remove(instance)
            instance = None
        if wanted and not instance:
            _instances[account] = Instance(account, wanted, given.identity_center_region)
            if wanted == ORGANIZATION:
                # Whoever enables it enables this too:
                # https://docs.aws.amazon.com/organizations/latest/userguide/services-that-can-integrate-sso.html
                trusted_access.trust(account, SERVICE)


def _wanted(account, kind):
    """The instance of an organization is there as soon as the organization is: only its management account has one."""
    if kind != ORGANIZATION:
        return kind
    organization = membership.organization_of(account)
    is_management = membership.management_account_of(account) == account
    return kind if is_management and organization["FeatureSet"] == "ALL" else ""


def _remove(instance):
    for permission_set in instance.permission_sets.values():
        for account in list(permission_set.provisioned):
            provisioning.remove(permission_set, account)
    del _instances[instance.owner]


def of_organization(account):
    """The instance of the organization that the account belongs to, or None."""
    instance = _instances.get(membership.management_account_of(account))
    return instance if instance and instance.kind == ORGANIZATION else None


def administered(request):
    """The instance that a request names, if the account that is asking administers it, and asks in its region.

    Whoever does not is denied, also if there is no such instance: cartography issue 1415, terraform-provider-aws issue
    26807 (the region), CreateInstance's reference (of an instance that is gone).
    """
    arn = request.get("InstanceArn")
    for instance in all_of_them():
        if arn == instance.arn and instance.region == get_region() and is_administrator(instance, get_account_id()):
            return instance
    raise Refused("AccessDeniedException", f"You do not have sufficient access to the instance {arn}.")


def of_accounts(request):
    """The same, if it gives access to accounts: what an account's instance answers is from cartography issue 1999."""
    instance = administered(request)
    if instance.kind != ORGANIZATION:
        raise Refused("ValidationException", "The operation is not supported for this Identity Center instance")
    return instance


def is_administrator(instance, account):
    delegated = instance.kind == ORGANIZATION and trusted_access.is_delegated(instance.owner, account, SERVICE)
    return account == instance.owner or delegated


def _list_instances(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListInstances.html

    A member sees the organization's too, and can do nothing with it: cloud-copilot/iam-collect issue 54.
    """
    account = get_account_id()
    visible = dict.fromkeys([_instances.get(account), of_organization(account)])
    found = [_public(one) for one in visible if one and one.region == get_region()]
    return listed("ListInstances", "Instances", found, request)


def _public(instance):
    shown = {
        "InstanceArn": instance.arn,
        "IdentityStoreId": instance.store.id,
        "OwnerAccountId": instance.owner,
        "CreatedDate": instance.created,
        "Status": "ACTIVE",
    }
    return shown | ({"Name": instance.name} if instance.name else {})


def _describe_instance(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DescribeInstance.html"""
    instance = administered(request)
    return _public(instance) | {"PermissionSetsEnabled": instance.kind == ORGANIZATION}


def _create_instance(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateInstance.html

    What each is refused with is not written there.
    """
    account = get_account_id()
    if membership.management_account_of(account) == account:
        raise Refused("ValidationException", "The management account enables Identity Center in its console.")
    if account in _instances:
        raise Refused("ConflictException", "The account has an instance of IAM Identity Center already.")
    settings.change(account, identity_center=ACCOUNT, identity_center_region=get_region())
    settle()
    instance = _instances[account]
    instance.name = request.get("Name", "")
    instance.tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}
    return {"InstanceArn": instance.arn}


def _delete_instance(request):
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DeleteInstance.html"""
    instance = administered(request)
    if instance.kind == ORGANIZATION:
        raise Refused("ValidationException", "The instance of an organization is deleted in the console.")
    settings.change(instance.owner, identity_center="")
    settle()
    return {}


OPERATIONS = {
    "CreateInstance": _create_instance,
    "DeleteInstance": _delete_instance,
    "DescribeInstance": _describe_instance,
    "ListInstances": _list_instances,
}
