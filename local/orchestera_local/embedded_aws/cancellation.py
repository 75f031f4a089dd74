"""What happens to a stack that is given up while something of it is under way: CancelUpdateStack, DeleteStack.

What waits is cancelled, and a rollback or the deletion follows at once; a custom resource's function is not told, and
gets a Delete while it runs (cloudformation-coverage-roadmap issue 1730, with the events of such a stack).
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html
"""

import asyncio

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.helpers as helpers
import ministack.services.cloudformation.stacks as stacks
import ministack.services.cloudformation.wait_conditions as wait_conditions
from ministack.core.responses import new_uuid

from . import custom_resources

# What is under way in which stack, by its id.
_under_way: dict[str, asyncio.Event] = {}


def repair():
    """After the custom resources' own, whose rollback and deletion are taken further here."""
    deploy = _known_while_it_runs(stacks._deploy_stack_async)
    for module in (stacks, handlers, changesets):
        module._deploy_stack_async = deploy
    stacks._roll_back_operation = _left_to_the_deletion(stacks._roll_back_operation)
    handlers._roll_back_operation = _known_while_it_runs(stacks._roll_back_operation)
    stacks._provision_resource = _unless_cancelled(stacks._provision_resource)
    handlers._delete_stack_async = _after_what_is_under_way(_known_while_it_runs(handlers._delete_stack_async))
    stacks._delete_stack_async = handlers._delete_stack_async
    handlers._delete_stack = _cancelling_the_create(handlers._delete_stack)
    handlers._cancel_update_stack = _cancelling_what_waits(handlers._cancel_update_stack)
    handlers._ACTION_HANDLERS |= {
        "DeleteStack": handlers._delete_stack,
        "CancelUpdateStack": handlers._cancel_update_stack,
    }


def _cancelling_what_waits(cancel_update_stack):
    """MiniStack let what was under way come to its end first."""

    def repaired(parameters):
        answer = cancel_update_stack(parameters)
        if answer[0] == 200:
            _cancel(handlers._resolve_stack(helpers._p(parameters, "StackName")))
        return answer

    return repaired


def _cancelling_the_create(delete_stack):
    """MiniStack deleted what there was while the creation went on making more.

    An update has to be cancelled first: aws-solutions-library-samples/guidance-for-clickstream-analytics-on-aws issue
    573, aws-amplify/amplify-backend pull request 2366.
    """

    def repaired(parameters):
        stack = handlers._resolve_stack(helpers._p(parameters, "StackName")) or {"StackStatus": ""}
        status = stack["StackStatus"]
        if status.startswith("UPDATE_") and status.endswith("IN_PROGRESS"):
            message = f"Stack [{stack['StackId']}] cannot be deleted while in status {status}"
            return helpers._error("ValidationError", message)
        if status == "DELETE_IN_PROGRESS":
            return handlers._xml(200, "DeleteStackResponse", "")
        answer = delete_stack(parameters)
        if answer[0] == 200 and status == "CREATE_IN_PROGRESS":
            stack["_deleting"] = True
            _cancel(stack)
        return answer

    return repaired


def _cancel(stack):
    """The stack, and the stacks that are nested in it."""
    stack["_cancelled"] = True
    custom_resources.cancel(stack["StackId"])
    for stack_id, logical_id in list(wait_conditions._waiting):
        if stack_id == stack["StackId"]:
            wait_conditions.signal_resource(stack_id, logical_id, new_uuid(), "FAILURE")
    for other in cloudformation._stacks.values():
        if other.get("ParentId") == stack["StackId"] and other["StackStatus"].endswith("IN_PROGRESS"):
            other["_cancel_requested"] = other["StackStatus"] == "UPDATE_IN_PROGRESS"
            _cancel(other)


def _unless_cancelled(provision):
    """Neither what waits nor what would come next is made."""

    def repaired(resource_type, logical_id, properties, stack_name):
        stack = cloudformation._stacks[stack_name]
        if stack.get("_cancelled"):
            raise RuntimeError("Resource creation cancelled")
        try:
            return provision(resource_type, logical_id, properties, stack_name)
        except Exception as error:
            if stack.get("_cancelled"):
                raise RuntimeError("Resource creation cancelled") from error
            raise

    return repaired


def _known_while_it_runs(operation):
    async def repaired(stack_name, stack_id, *others, **named):
        _under_way[stack_id] = ended = asyncio.Event()
        cloudformation._stacks[stack_name].pop("_cancelled", None)
        try:
            await operation(stack_name, stack_id, *others, **named)
        finally:
            del _under_way[stack_id]
            ended.set()

    return repaired


def _after_what_is_under_way(delete_stack):
    async def repaired(stack_name, stack_id, *others, **named):
        while stack_id in _under_way:
            await _under_way[stack_id].wait()
        await delete_stack(stack_name, stack_id, *others, **named)

    return repaired


def _left_to_the_deletion(roll_back):
    """Of a stack that is being deleted; and the one of a cancelled update says whose wish it is."""

    async def repaired(stack_name, stack_id, stack, operation, *others, **named):
        if stack.get("_deleting"):
            return
        if stack.pop("_cancel_requested", False):
            operation["cancelled"] = True
            stacks.CLIENT_REQUEST_TOKEN.set(stack.pop("_cancel_token", ""))
        await roll_back(stack_name, stack_id, stack, operation, *others, **named)

    return repaired
