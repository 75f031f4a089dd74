"""`AWS::CloudFormation::Stack`: a stack like any other, which belongs to a resource of another one.

MiniStack makes it by a short way of its own: without events of what is deleted, policies of deletion, dynamic
references, transforms and rules, and what a failed one has made stays behind.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html
"""

import asyncio

import ministack.app
import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.provisioners as provisioners
from ministack.core.responses import new_uuid

from . import custom_resources
from .stack_sets.wire import refusal

TYPE = "AWS::CloudFormation::Stack"
# Seconds between two looks at a stack.
PAUSE = 0.02
NO_CHANGE = "No updates are to be performed"


def repair():
    provisioners._RESOURCE_HANDLERS[TYPE] = {
        "create": lambda *arguments: _on_the_loop(_create(*arguments)),
        "update": lambda *arguments: _on_the_loop(_update(*arguments)),
        "delete": lambda *arguments: _on_the_loop(_delete(*arguments)),
    }
    handlers._ACTION_HANDLERS["DescribeStacks"] = _with_its_parent(handlers._ACTION_HANDLERS["DescribeStacks"])


def _with_its_parent(describe_stacks):
    def repaired(parameters):
        status, headers, body = describe_stacks(parameters)
        text = body.decode() if isinstance(body, bytes) else body
        for stack in cloudformation._stacks.values():
            if "ParentId" in stack:
                own = f"<StackId>{stack['StackId']}</StackId>"
                line = f"<ParentId>{stack['ParentId']}</ParentId><RootId>{stack['RootId']}</RootId>"
                text = text.replace(own, own + line)
        return status, headers, text.encode() if isinstance(body, bytes) else text

    return repaired


def _on_the_loop(work):
    """From the thread of a resource, which waits for it."""
    return asyncio.run_coroutine_threadsafe(work, ministack.app._MAIN_LOOP).result()


async def _create(logical_id, properties, parent_name):
    parent = cloudformation._stacks[parent_name]
    # The last part is random, so that nothing of an earlier one is in its way.
    name = f"{parent_name}-{logical_id}-{new_uuid().replace('-', '')[:12].upper()}"
    _ask(handlers._create_stack, _request(name, properties, parent))
    child = cloudformation._stacks[name]
    child |= {"ParentId": parent["StackId"], "RootId": parent.get("RootId", parent["StackId"])}
    try:
        await _ended(child, "CREATE_COMPLETE", "created")
    except RuntimeError:
        # It is there, and is deleted by the rollback.
        custom_resources.keep_failed_create(parent_name, logical_id, TYPE, child["StackId"], properties)
        raise
    return child["StackId"], _attributes(child)


async def _update(stack_id, old, new, parent_name):
    child = handlers._resolve_stack(stack_id)
    message = _ask(
        handlers._update_stack, _request(stack_id, new, cloudformation._stacks[parent_name]), harmless=NO_CHANGE
    )
    if not message:
        await _ended(child, "UPDATE_COMPLETE", "updated")
    return stack_id, _attributes(child)


async def _delete(stack_id, properties):
    child = handlers._resolve_stack(stack_id)
    if not child or child["StackStatus"] == "DELETE_COMPLETE":
        return
    parent = handlers._resolve_stack(child["ParentId"])
    if "ROLLBACK" in parent["StackStatus"]:
        _forget_what_creates_keep(child)
    await handlers._delete_stack_async(child["StackName"], stack_id)
    await _ended(child, "DELETE_COMPLETE", "deleted")


def _forget_what_creates_keep(child):
    """It goes with the operation that made it:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    for resource in child["_template"]["Resources"].values():
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
            resource["DeletionPolicy"] = "Delete"


def _attributes(child):
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in child["Outputs"]}


def _request(name, properties, parent):
    """The parent's acknowledgements are good for what is nested in it."""
    parameters = properties.get("Parameters") or {}
    if any(isinstance(value, list | dict) for value in parameters.values()):
        raise RuntimeError("Value of property Parameters must be an object with String (or simple type) properties")
    request = {"StackName": [name], "TemplateURL": [properties.get("TemplateURL", "")]}
    lists = {
        "Parameters": [{"ParameterKey": key, "ParameterValue": _text(value)} for key, value in parameters.items()],
        "Tags": [tag for tag in properties.get("Tags") or [] if not tag["Key"].startswith("aws:")],
    }
    for kind, members in lists.items():
        for number, member in enumerate(members, 1):
            request |= {f"{kind}.member.{number}.{key}": [value] for key, value in member.items()}
    for number, capability in enumerate(parent.get("Capabilities") or [], 1):
        request[f"Capabilities.member.{number}"] = [capability]
    return request


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ask(handle, request, harmless=None):
    """The harmless refusal, blank if there was none. Raises if there was another."""
    message = refusal(handle(request))
    if message and not (harmless and harmless in message):
        raise RuntimeError(message)
    return message


async def _ended(child, wanted, done):
    while child["StackStatus"].endswith("IN_PROGRESS"):
        await asyncio.sleep(PAUSE)
    if child["StackStatus"] != wanted:
        raise RuntimeError(f"Embedded stack {child['StackId']} was not successfully {done}: {_reason(child)}")


def _reason(child):
    failed = [
        event["LogicalResourceId"]
        for event in cloudformation._stack_events[child["StackId"]]
        if event["ResourceStatus"].endswith("FAILED") and event["LogicalResourceId"] != child["StackName"]
    ]
    verb = "delete" if child["StackStatus"].startswith("DELETE") else "create or update"
    return f"The following resource(s) failed to {verb}: [{', '.join(dict.fromkeys(failed))}]."
