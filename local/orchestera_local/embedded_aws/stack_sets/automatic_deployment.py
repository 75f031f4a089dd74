"""Accounts that join a unit get the stacks of its StackSets, and those that leave lose them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-manage-auto-deployment.html
"""

from . import api, operations
from .model import Instance, Operation


def account_moved(management, account, before, after):
    """An observer of the organisation."""
    for stack_set in list(api.stack_sets):
        mine = stack_set.administrator == management and stack_set.status == "ACTIVE" and account != management
        if mine and stack_set.auto_deployment.get("Enabled"):
            _follow(stack_set, account, before, after)


def _follow(stack_set, account, before, after):
    """With the parameters of the StackSet, not the overrides of those that are there; filters of accounts that a
    deployment had are not looked at either.
    """
    had, has = _reached(stack_set, before), _reached(stack_set, after)
    going = {key for operation in stack_set.under_way() if operation.action == "DELETE" for key in operation.results}
    there = stack_set.instances.keys() - going
    joining = [
        Instance(account, region, unit)
        for region, unit in has.items()
        if region not in had and (account, region) not in there
    ]
    leaving = [i for i in stack_set.instances.values() if i.account == account and i.region not in has]
    if leaving:
        retain = stack_set.auto_deployment.get("RetainStacksOnAccountRemoval", False)
        operations.start(stack_set, Operation("DELETE", leaving, retain=retain))
    if joining:
        operations.start(stack_set, Operation("CREATE", joining))


def _reached(stack_set, units):
    """The regions that a deployment to one of the units reaches, each with that unit."""
    return {region: unit for unit, regions in stack_set.deployed_to.items() if unit in units for region in regions}
