"""`AWS::CloudFormation::StackSet` in a template.

Properties: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html
In which order it does what, and how it words a failure: aws-cloudformation-resource-providers-cloudformation on GitHub,
the provider that AWS published, in `aws-cloudformation-stackset`.
"""

import asyncio

import ministack.app
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudformation.stacks as cloudformation_stacks

from .. import custom_resources
from . import api, targets, wire

TYPE = "AWS::CloudFormation::StackSet"
# What changes only with a replacement, of which there is none here.
FIXED = ("StackSetName", "PermissionModel")
# Beside the properties of the StackSet itself.
OF_ITS_INSTANCES = ("StackInstancesGroup", "OperationPreferences")
IN_EVERY_CALL = ("CallAs", "OperationPreferences")


def repair():
    provisioners._RESOURCE_HANDLERS[TYPE] = {
        "create": lambda logical_id, properties, stack_name: _on_the_loop(_create(logical_id, properties, stack_name)),
        "update": lambda stack_set_id, old, new, stack_name: _on_the_loop(_update(stack_set_id, old, new)),
        "delete": lambda stack_set_id, properties: _on_the_loop(_delete(stack_set_id, properties)),
    }
    # It waits for its operations, and one that failed has changed something that a rollback has to change back.
    for name in ("_runs_on_worker_thread", "_sends_back_failed_update"):
        setattr(cloudformation_stacks, name, _or_a_stack_set(getattr(cloudformation_stacks, name)))


def _or_a_stack_set(holds):
    return lambda resource_type: resource_type == TYPE or holds(resource_type)


def _on_the_loop(work):
    """From the thread of a resource, which waits for it."""
    try:
        return asyncio.run_coroutine_threadsafe(work, ministack.app._MAIN_LOOP).result()
    except wire.Refused as refused:
        raise RuntimeError(f'Resource handler returned message: "{refused} (Service: CloudFormation)"') from refused


async def _create(logical_id, properties, stack_name):
    settings, groups, common = _split(properties)
    stack_set_id = api.create_stack_set(settings)["StackSetId"]
    try:
        for group in groups:
            await _done(api.create_stack_instances, common | group | {"StackSetName": stack_set_id})
    except Exception:
        # It is there, and the rollback deletes it.
        custom_resources.keep_failed_create(stack_name, logical_id, TYPE, stack_set_id, properties)
        raise
    return stack_set_id, {"StackSetId": stack_set_id}


async def _update(stack_set_id, old, new):
    """First the StackSet, then the instances that go, those that come, and those whose parameters change."""
    for name in FIXED:
        if old.get(name) != new.get(name):
            raise RuntimeError(f"A new {name} requires a replacement, which is not built here")
    settings, groups, common = _split(new)
    settings_before, groups_before, _ = _split(old)
    common |= {"StackSetName": stack_set_id}
    if settings != settings_before:
        # What is not given is taken away, and not left as it was as in the API.
        nothing = {"Description": "", "Tags": []}
        await _done(api.update_stack_set, nothing | settings | common)
    gone, come, changed = _differences(api.find(common), _deployments(groups_before), _deployments(groups))
    for group in gone:
        await _done(api.delete_stack_instances, common | group | {"RetainStacks": False})
    for group in come:
        await _done(api.create_stack_instances, common | group)
    for group in changed:
        await _done(api.update_stack_instances, common | group)
    return stack_set_id, {"StackSetId": stack_set_id}


async def _delete(stack_set_id, properties):
    """All instances first, those that joined by themselves among them."""
    _, _, common = _split(properties)
    common |= {"StackSetName": stack_set_id}
    stack_set = api.find(common, missing=None)
    if stack_set is None:
        return
    await asyncio.gather(*(operation.task for operation in stack_set.under_way()))
    regions = sorted({region for _, region in stack_set.instances})
    if regions:
        units = {instance.unit for instance in stack_set.instances.values()}
        whom = (
            {"DeploymentTargets": {"OrganizationalUnitIds": sorted(units)}}
            if stack_set.is_service_managed
            else {"Accounts": sorted({account for account, _ in stack_set.instances})}
        )
        await _done(api.delete_stack_instances, common | whom | {"Regions": regions, "RetainStacks": False})
    api.delete_stack_set(common)


def _split(properties):
    """The request that makes the StackSet, what those for its groups of instances have alone, and what all have."""
    settings = {name: value for name, value in properties.items() if name not in OF_ITS_INSTANCES}
    common = {name: properties[name] for name in IN_EVERY_CALL if name in properties}
    groups = [_conforming("CreateStackInstances", group) for group in properties.get("StackInstancesGroup", [])]
    return wire.conforming("CreateStackSet", settings), groups, _conforming("UpdateStackSet", common)


def _conforming(name, properties):
    """A request for a StackSet whose name is put in later."""
    request = wire.conforming(name, {"StackSetName": "", **properties})
    del request["StackSetName"]
    # awslabs/landing-zone-accelerator-on-aws issue 810: the resource takes no empty list, which the API does.
    for where in (request, request.get("DeploymentTargets", {})):
        for key in ("Regions", "Accounts", "OrganizationalUnitIds"):
            if where.get(key) == []:
                raise wire.Refused("ValidationError", f"{key}: expected minimum item count: 1, found: 0")
    return request


async def _done(act, request):
    """Waits for the end of what is under way, and of the operation that it starts. Raises if too many accounts fail."""
    stack_set = api.find(request)
    for operation in stack_set.under_way():
        await asyncio.wait([operation.task])
    operation = stack_set.operations[act(request)["OperationId"]]
    await operation.task
    if operation.status != "SUCCEEDED":
        # Each reason once, and no account: which ones they were is for ListStackSetOperationResults to say.
        failed = {r["StatusReason"]: None for r in operation.results.values() if r["Status"] == "FAILED"}
        reasons = "".join(f" [{reason}]" for reason in failed)
        raise RuntimeError(
            f'Resource handler returned message: "Stack set operation [{operation.id}] was unexpectedly stopped or '
            f'failed. status reason(s):{reasons}" (HandlerErrorCode: NotStabilized)'
        )


def _deployments(groups):
    """What each unit, or account, is to get in each region: the filter of accounts, and the overrides."""
    found = {}
    for group in groups:
        targeted = dict(group["DeploymentTargets"])
        units = targeted.pop("OrganizationalUnitIds", None)
        for region in group["Regions"]:
            overrides = {"ParameterOverrides": group.get("ParameterOverrides", [])}
            for place in units or targeted["Accounts"]:
                found[place, region] = (targeted if units else {}, overrides)
    return found


def _differences(stack_set, before, wanted):
    """The groups that go, come and change."""
    gone = [_group(stack_set, *key) for key in before.keys() - wanted.keys()]
    come = [_group(stack_set, *key, *wanted[key]) for key in sorted(wanted.keys() - before.keys())]
    changed = []
    for key in sorted(wanted.keys() & before.keys()):
        accounts_before, accounts = (_accounts(stack_set, key[0], found[key][0]) for found in (before, wanted))
        for groups, chosen, overrides in (
            (gone, accounts_before - accounts, {}),
            (come, accounts - accounts_before, wanted[key][1]),
            (changed, accounts & accounts_before if wanted[key][1] != before[key][1] else set(), wanted[key][1]),
        ):
            if chosen:
                only = {"Accounts": sorted(chosen), "AccountFilterType": "INTERSECTION"}
                groups.append(_group(stack_set, *key, only, overrides))
    return gone, come, changed


def _group(stack_set, place, region, accounts=None, overrides=None):
    if stack_set.is_service_managed:
        whom = {"OrganizationalUnitIds": [place], **(accounts or {})}
    else:
        whom = {"Accounts": [place]}
    return {"DeploymentTargets": whom, "Regions": [region], **(overrides or {})}


def _accounts(stack_set, place, accounts):
    if not stack_set.is_service_managed:
        return {place}
    request = {"DeploymentTargets": {"OrganizationalUnitIds": [place], **accounts}}
    return set(targets.accounts_of(stack_set, request, "UPDATE"))
