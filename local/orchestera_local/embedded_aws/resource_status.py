"""What CloudFormation says of a resource while something is done to it, and once it is gone.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResource.html
"""

import contextvars

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.stacks as stacks

from . import clock

UPDATED = ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

_shown: contextvars.ContextVar[str] = contextvars.ContextVar("shown", default="")


def repair():
    """MiniStack shows a resource from when it is complete, and as complete until it is gone."""
    stacks._add_event = _created_by_an_update(stacks._add_event)
    stacks._delete_resource = _said_in_the_cleanup(stacks._delete_resource)
    resolve = handlers._resolve_stack
    handlers._resolve_stack = lambda name: _as_its_events_say(resolve(name), name) if _shown.get() else resolve(name)
    for action in ("DescribeStackResource", "DescribeStackResources", "ListStackResources"):
        handlers._ACTION_HANDLERS[action] = _by_its_events(action, handlers._ACTION_HANDLERS[action])


def _created_by_an_update(add_event):
    """What an update makes is created, and not updated.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    """

    def repaired(stack_id, stack_name, logical_id, resource_type, status, *others, **named):
        if status.startswith("UPDATE_") and logical_id != stack_name:
            before = [
                event["ResourceStatus"]
                for event in cloudformation._stack_events.get(stack_id, [])
                if event["LogicalResourceId"] == logical_id
            ][-1:]
            begins = status == "UPDATE_IN_PROGRESS" and before in ([], ["DELETE_COMPLETE"], ["DELETE_SKIPPED"])
            if begins or (status != "UPDATE_IN_PROGRESS" and before == ["CREATE_IN_PROGRESS"]):
                status = status.replace("UPDATE_", "CREATE_")
        add_event(stack_id, stack_name, logical_id, resource_type, status, *others, **named)

    return repaired


def _said_in_the_cleanup(delete):
    """What an update no longer wants is deleted at its end, in a state of the stack's own, and the events say it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    """

    def repaired(resource_type, physical_id, properties, stack_name=None, logical_id=None):
        stack = cloudformation._stacks.get(stack_name) or {}
        shown = stack.get("_resources", {}).get(logical_id, {})
        # What an update has replaced is no longer shown under this logical id.
        if stack.get("StackStatus") not in UPDATED or shown.get("PhysicalResourceId") != physical_id:
            return delete(resource_type, physical_id, properties, stack_name, logical_id)

        def say(name, of_type, status, id_):
            stacks._add_event(stack["StackId"], stack_name, name, of_type, status, physical_id=id_)

        if stack["StackStatus"] != UPDATED[-1]:
            stack["StackStatus"] = UPDATED[-1]
            say(stack_name, "AWS::CloudFormation::Stack", UPDATED[-1], stack["StackId"])
        say(logical_id, resource_type, "DELETE_IN_PROGRESS", physical_id)
        deleted = delete(resource_type, physical_id, properties, stack_name, logical_id)
        say(logical_id, resource_type, "DELETE_COMPLETE", physical_id)
        return deleted

    return repaired


def _by_its_events(action, describe):
    def repaired(parameters):
        shown = _shown.set(action)
        try:
            return describe(parameters)
        finally:
            _shown.reset(shown)

    return repaired


def _as_its_events_say(stack, name):
    """The stack with its resources in the state of the last event of each.

    One that is deleted is shown to whoever asks for it by name, and is in no list. By its id, a stack is known when it
    has been deleted and another has its name.
    """
    events = cloudformation._stack_events.get(stack["StackId"] if stack else name)
    if not events:
        return stack
    stack = stack or {"StackId": name, "StackName": events[0]["StackName"]}
    resources = {}
    for event in events:
        logical_id = event["LogicalResourceId"]
        if event["PhysicalResourceId"] == stack["StackId"]:
            continue
        before = resources.get(logical_id) or stack.get("_resources", {}).get(logical_id, {})
        resources[logical_id] = before | {
            "PhysicalResourceId": event["PhysicalResourceId"] or before.get("PhysicalResourceId", ""),
            "ResourceType": event["ResourceType"],
            "ResourceStatus": event["ResourceStatus"],
            "ResourceStatusReason": event["ResourceStatusReason"],
            "Timestamp": clock.as_seen_from_now(event["Timestamp"]),
        }
    if _shown.get() != "DescribeStackResource":
        resources = {
            logical_id: resource
            for logical_id, resource in resources.items()
            if resource["ResourceStatus"] not in ("DELETE_COMPLETE", "DELETE_SKIPPED")
        }
    return stack | {"_resources": resources}
