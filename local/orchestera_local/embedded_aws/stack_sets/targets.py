"""Which accounts a request is about.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeploymentTargets.html
"""

from ..organizations import membership
from .model import Instance
from .wire import Refused


def accounts_of(stack_set, request, action):
    """The accounts that a request is for, each with the unit by which it was reached."""
    targets = request.get("DeploymentTargets") or {}
    accounts = request.get("Accounts") or targets.get("Accounts") or []
    if not stack_set.is_service_managed:
        if not accounts or targets.get("OrganizationalUnitIds"):
            raise Refused("ValidationError", "Accounts, and no OrganizationalUnitIds, are for SELF_MANAGED stack sets")
        return dict.fromkeys(accounts)
    if request.get("Accounts"):
        raise Refused("ValidationError", "StackSets with SERVICE_MANAGED permission model take DeploymentTargets")
    units = targets.get("OrganizationalUnitIds") or []
    if not units and (action != "UPDATE" or not accounts):
        raise Refused("ValidationError", "OrganizationalUnitIds should be specified in SERVICE_MANAGED mode")
    return _filtered(stack_set, units, accounts, _filter(targets, accounts, action))


def instances_of(stack_set, request, action):
    """The instances that a request to update or delete is for."""
    accounts = accounts_of(stack_set, request, action)
    return [
        instance
        for instance in stack_set.instances.values()
        if instance.account in accounts and instance.region in request["Regions"]
    ]


def new_instances(stack_set, request):
    """Those that a request to create is for; one that is there already stays what it is."""
    return [
        stack_set.instances.get((account, region)) or Instance(account, region, unit)
        for region in request["Regions"]
        for account, unit in accounts_of(stack_set, request, "CREATE").items()
    ]


def _filter(targets, accounts, action):
    kind = targets.get("AccountFilterType") or ("UNION" if accounts else "NONE")
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-cloudformation-stackset-deploymenttargets.html
    if kind == "UNION" and action != "UPDATE":
        raise Refused("ValidationError", f"AccountFilterType UNION is not supported for {action} operations")
    if (kind == "NONE") == bool(accounts):
        raise Refused("ValidationError", f"AccountFilterType {kind} and Accounts {accounts} do not go together")
    return kind


def _filtered(stack_set, units, accounts, kind):
    management = stack_set.administrator
    if unknown := [unit for unit in units if not membership.has_unit(management, unit)]:
        raise Refused("ValidationError", f"Organizational units {unknown} are not in this organization")
    reached = {}
    # The management account is in the root, but never a target.
    for account in membership.members(management):
        above = membership.units_above(management, account)
        if account != management and (unit := next((unit for unit in units if unit in above), None)):
            reached[account] = unit
    # Who has left a unit unnoticed, without automatic deployment, is still updated and deleted through it.
    for instance in stack_set.instances.values():
        if instance.unit in units:
            reached.setdefault(instance.account, instance.unit)
    if kind == "INTERSECTION":
        return {account: unit for account, unit in reached.items() if account in accounts}
    if kind == "DIFFERENCE":
        return {account: unit for account, unit in reached.items() if account not in accounts}
    if kind == "UNION":
        return dict.fromkeys(accounts) | reached
    return reached
