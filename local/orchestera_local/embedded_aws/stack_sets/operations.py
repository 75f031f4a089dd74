"""How an operation goes: which accounts at a time, and when it stops.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationPreferences.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/concurrency-mode.html
"""

import asyncio
import contextvars

from . import stacks
from .model import now
from .wire import Refused

# As it is seen in AWS; the documents do not quote it.
CANCELLED = "Cancelled since failure tolerance has exceeded"
STOPPED = "Cancelled since the operation was stopped"


def check(stack_set, operation_id=None):
    """Refuses an operation beside another one.

    With managed execution it is queued, also behind one that has nothing to do with it:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ManagedExecution.html
    """
    managed = (stack_set.settings.get("ManagedExecution") or {}).get("Active")
    if stack_set.under_way() and not managed:
        raise Refused("OperationInProgressException", f"Another Operation on StackSet {stack_set.id} is in progress")
    if operation_id in stack_set.operations:
        raise Refused("OperationIdAlreadyExistsException", f"Operation {operation_id} already exists")


def start(stack_set, operation, at_its_start=lambda: None):
    """Runs it behind those that are under way."""
    before = [other.task for other in stack_set.under_way()]
    if not before:
        operation.status = "RUNNING"
    stack_set.operations[operation.id] = operation
    for instance in operation.instances:
        operation.results[instance.key] = {"Status": "PENDING"}
        if operation.action != "DELETE":
            stack_set.instances[instance.key] = instance
        instance.operation_id = operation.id
    operation.task = asyncio.get_running_loop().create_task(_run(stack_set, operation, before, at_its_start))
    return operation


def stop(operation):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StopStackSetOperation.html"""
    if operation.status not in ("QUEUED", "RUNNING"):
        raise Refused("InvalidOperationException", f"Operation {operation.id} is {operation.status}")
    operation.status = "STOPPING"


async def _run(stack_set, operation, before, at_its_start):
    if before:
        await asyncio.wait(before)
    if operation.status == "QUEUED":
        operation.status = "RUNNING"
    at_its_start()
    by_region = {}
    for instance in operation.instances:
        by_region.setdefault(instance.region, []).append(instance)
    order = operation.preferences.get("RegionOrder", [])
    regions = sorted(by_region, key=lambda region: order.index(region) if region in order else len(order))
    if operation.preferences.get("RegionConcurrencyType") == "PARALLEL":
        kept = all(await asyncio.gather(*(_in_region(stack_set, operation, by_region[r]) for r in regions)))
    else:
        kept = True
        for region in regions:
            # Once the tolerance was exceeded in a region, no other is begun.
            kept = kept and await _in_region(stack_set, operation, by_region[region])
    for instance in operation.instances:
        if operation.results[instance.key]["Status"] == "PENDING":
            _cancel(operation, instance)
    operation.status = "STOPPED" if operation.status == "STOPPING" else "SUCCEEDED" if kept else "FAILED"
    operation.ended = now()


def _cancel(operation, instance):
    reason = STOPPED if operation.status == "STOPPING" else CANCELLED
    operation.results[instance.key] = {"Status": "CANCELLED", "StatusReason": reason}
    instance.detailed_status, instance.reason = "CANCELLED", reason


async def _in_region(stack_set, operation, instances):
    """Whether no more accounts failed than are tolerated."""
    tolerated, most = limits(operation.preferences, len(instances))
    waiting, running, failed = list(instances), set(), 0
    while running or (waiting and failed <= tolerated and operation.status == "RUNNING"):
        at_once = most
        if operation.preferences.get("ConcurrencyMode") != "SOFT_FAILURE_TOLERANCE":
            # Never more at once than could all fail without exceeding the tolerance by more than one.
            at_once = min(most, tolerated + 1 - failed)
        while waiting and failed <= tolerated and operation.status == "RUNNING" and len(running) < at_once:
            # In a context of its own: it goes on as the account that it is about.
            work = _of_one(stack_set, operation, waiting.pop(0))
            running.add(asyncio.get_running_loop().create_task(work, context=contextvars.copy_context()))
        ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        failed += sum(not task.result() for task in ended)
    return failed <= tolerated


def limits(preferences, accounts):
    """How many accounts of a region may fail, and how many are worked on at once."""
    tolerated = preferences.get("FailureToleranceCount")
    if tolerated is None:
        tolerated = accounts * preferences.get("FailureTolerancePercentage", 0) // 100
    most = preferences.get("MaxConcurrentCount")
    if most is None:
        most = accounts * preferences.get("MaxConcurrentPercentage", 0) // 100
    return tolerated, max(most, 1)


async def _of_one(stack_set, operation, instance):
    """Whether the stack of this account is as wanted."""
    operation.results[instance.key] = {"Status": "RUNNING"}
    instance.detailed_status, instance.reason = "RUNNING", ""
    removes = operation.action == "DELETE"
    try:
        if not removes:
            await stacks.deploy(stack_set, instance)
        elif instance.stack_id and not operation.retain:
            await stacks.remove(stack_set, instance)
    # What goes wrong in here is a failure of that account too, and not an operation without end.
    except Exception as failed:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-concepts.html: the status codes.
        instance.status = "INOPERABLE" if removes else "OUTDATED"
        instance.detailed_status = "INOPERABLE" if removes else "FAILED"
        instance.reason = str(failed) if isinstance(failed, stacks.Failed) else repr(failed)
        operation.results[instance.key] = {"Status": "FAILED", "StatusReason": instance.reason}
        return False
    if removes and stack_set.instances.get(instance.key) is instance:
        del stack_set.instances[instance.key]
    instance.status, instance.detailed_status = "CURRENT", "SUCCEEDED"
    operation.results[instance.key] = {"Status": "SUCCEEDED"}
    return True
