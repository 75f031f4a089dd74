"""What CloudFormation does around a custom resource: the event, the answer's rules, the Delete after a failed Create.

Request and response: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import threading
from dataclasses import dataclass, field

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.custom_resource as custom_resource
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.stacks as stacks
import ministack.services.lambda_svc as lambda_service
from ministack.core.responses import new_uuid, now_iso

from . import asynchronous_invocations, clock

RESPONSE_PATH = "/_ministack/cfn-response/"
LONGEST_RESPONSE = 4096
LONGEST_PHYSICAL_ID = 1024
# In seconds. The longest is the default:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
SHORTEST_WAIT, LONGEST_WAIT = 1, 3600


@dataclass
class Awaited:
    """An event whose answer is awaited."""

    event: dict
    answered: threading.Event = field(default_factory=threading.Event)
    answer: dict | None = None
    problem: str = ""


_awaited: dict[str, Awaited] = {}
# Whose answer nobody reads any more. Its URL is good for hours, and S3 goes on taking what is put there.
_no_longer_awaited: set[str] = set()


def repair(app):
    """Replaces how MiniStack invokes a custom resource; returns `app` with the answers taken before it sees them."""
    custom_resource.invoke_custom_resource = invoke
    stacks._roll_back_operation = _completing_the_rollback(stacks._roll_back_operation)
    # RollbackStack calls it by this name.
    handlers._roll_back_operation = stacks._roll_back_operation
    stacks._delete_resource = _keeping_what_is_needed(stacks._delete_resource)
    handlers._delete_stack_async = _keeping_dependencies(stacks._delete_stack_async)

    async def with_answers(scope, receive, send):
        if scope["type"] == "http" and scope["method"] == "PUT" and scope["path"].startswith(RESPONSE_PATH):
            await _take_answer(scope, receive, send)
        else:
            await app(scope, receive, send)

    return with_answers


def invoke(request_type, logical_id, props, stack_name, stack_id, resource_type, physical_id=None, old_props=None):
    """Sends one event to the function and waits for its answer; the signature is MiniStack's.

    Returns the physical id and the attributes. Raises when the answer is FAILED, is not acceptable, or does not come
    within `ServiceTimeout`, and when the wait is cancelled.
    """
    timeout = float(props.get("ServiceTimeout", LONGEST_WAIT))
    if not SHORTEST_WAIT <= timeout <= LONGEST_WAIT:
        raise ValueError(f"ServiceTimeout must be from {SHORTEST_WAIT} to {LONGEST_WAIT}.")
    wire = custom_resource._normalise_resource_properties
    token = new_uuid()
    event = {
        "RequestType": request_type,
        # At the top level too, and not only among the properties.
        "ServiceToken": props.get("ServiceToken", ""),
        "ResponseURL": custom_resource._response_url(token),
        "StackId": stack_id,
        "RequestId": new_uuid(),
        "ResourceType": resource_type,
        "LogicalResourceId": logical_id,
        "ResourceProperties": wire(props),
    }
    if physical_id is not None:
        event["PhysicalResourceId"] = physical_id
    if old_props is not None:
        event["OldResourceProperties"] = wire(old_props)

    awaited = _awaited[token] = Awaited(event)
    try:
        return _answer_of(awaited, clock.shortened(timeout))
    except (RuntimeError, TimeoutError):
        if request_type == "Create":
            _keep_failed_create(awaited, props, stack_name)
        raise
    finally:
        del _awaited[token]
        _no_longer_awaited.add(token)


def cancel(stack_id):
    """Ends the wait for the resources of that stack that are being created or updated. Their functions run on: nobody
    tells them (cloudformation-coverage-roadmap issue 1730).
    """
    for awaited in list(_awaited.values()):
        operation = {"Create": "creation", "Update": "update"}.get(awaited.event["RequestType"])
        if awaited.event["StackId"] == stack_id and operation and not awaited.answered.is_set():
            awaited.problem = f"Resource {operation} cancelled"
            awaited.answered.set()


def _answer_of(awaited, seconds):
    event = awaited.event
    function, _, _ = lambda_service._get_func_record_for_ref(event["ServiceToken"])
    if function is None:
        raise ValueError(f"Custom resource ServiceToken {event['ServiceToken']!r} not found.")
    # The wait ends when it ends, whether or not the function has.
    asynchronous_invocations.invoke(event["ServiceToken"], event)
    if not awaited.answered.wait(seconds):
        raise TimeoutError(
            f"CloudFormation did not receive a response from your Custom Resource (RequestId: {event['RequestId']})"
        )
    if awaited.problem:
        raise RuntimeError(awaited.problem)
    if awaited.answer["Status"] == "FAILED":
        raise RuntimeError(
            f"Received response status [FAILED] from custom resource. Message returned: {awaited.answer['Reason']} "
            f"(RequestId: {event['RequestId']})"
        )
    return awaited.answer["PhysicalResourceId"], awaited.answer.get("Data") or {}


async def _take_answer(scope, receive, send):
    """The presigned URL: S3 takes the body if its signature matches, and CloudFormation reads it from there."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    token = scope["path"].removeprefix(RESPONSE_PATH)
    awaited = _awaited.get(token)
    if any(name.lower() == b"content-type" and value for name, value in scope["headers"]):
        # The signature covers the Content-Type, which is blank (binxio/cfn-secret-provider issue 3).
        status, text = 403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
    elif token in _no_longer_awaited or (awaited and awaited.answered.is_set()):
        status, text = 200, b""
    elif awaited is None:
        status, text = 403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    else:
        status, text = 200, b""
        awaited.problem, awaited.answer = _read_answer(body, awaited.event)
        awaited.answered.set()
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


def _read_answer(body, event):
    """The problem that CloudFormation has with an answer, blank for none, and the answer."""
    if len(body) > LONGEST_RESPONSE:
        return "Response object is too long.", None
    try:
        answer = json.loads(body)
    except ValueError:
        return "Invalid response object: not JSON.", None
    if not isinstance(answer, dict) or answer.get("Status") not in ("SUCCESS", "FAILED"):
        return "Invalid response object: Status must be SUCCESS or FAILED.", None
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        if answer.get(name) != event[name]:
            return f"Invalid response object: Value of property {name} does not match the request.", None
    physical_id = answer.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not 1 <= len(physical_id.encode()) <= LONGEST_PHYSICAL_ID:
        return "Invalid PhysicalResourceId", None
    if answer["Status"] == "FAILED" and not (isinstance(answer.get("Reason"), str) and answer["Reason"].strip()):
        return "Invalid response object: Reason is required when the status is FAILED.", None
    return "", answer


def _keep_failed_create(awaited, props, stack_name):
    """Under the id that it answered with; without one, under one that CloudFormation makes up (aws-cdk PR 36951)."""
    event, answer = awaited.event, awaited.answer or {}
    made_up = f"{stack_name}-{event['LogicalResourceId']}-{new_uuid().replace('-', '')[:12].upper()}"
    physical_id = answer.get("PhysicalResourceId") or made_up
    keep_failed_create(stack_name, event["LogicalResourceId"], event["ResourceType"], physical_id, props)


def keep_failed_create(stack_name, logical_id, resource_type, physical_id, props):
    """A resource whose Create failed stays a resource of the stack, and is deleted with it or by the rollback."""
    cloudformation._stacks[stack_name].setdefault("_resources", {})[logical_id] = {
        "PhysicalResourceId": physical_id,
        "ResourceType": resource_type,
        "ResourceStatus": "CREATE_FAILED",
        "LogicalResourceId": logical_id,
        "Properties": props,
        "Attributes": {},
        "Timestamp": now_iso(),
    }


def _completing_the_rollback(roll_back):
    """A rollback that deletes a failed Create too, and that forgets nothing which it could not delete."""

    async def repaired(stack_name, stack_id, stack, operation, *others, **named):
        resources = stack.setdefault("_resources", {})
        failed = operation.get("failed_logical_id")
        if resources.get(failed, {}).get("ResourceStatus") == "CREATE_FAILED":
            operation["created"].append(failed)
        before, stack["_kept"] = dict(resources), {}
        await roll_back(stack_name, stack_id, stack, operation, *others, **named)
        kept = stack.pop("_kept")
        events = cloudformation._stack_events[stack_id]
        # What was kept was passed over, but not without a word.
        events[:] = [event for event in events if event["ResourceType"]]
        for logical_id in stack.get("_rollback_failed", {}):
            if logical_id in before:
                kept[logical_id] = before[logical_id] | {"ResourceStatus": "DELETE_FAILED"}
        stack["_resources"].update(kept)

    return repaired


def _keeping_what_is_needed(delete_resource):
    def repaired(resource_type, physical_id, properties, stack_name=None, logical_id=None):
        # What was kept is passed over.
        if not resource_type:
            return
        try:
            delete_resource(resource_type, physical_id, properties, stack_name, logical_id)
        except Exception:
            _keep_dependencies(cloudformation._stacks[stack_name], logical_id)
            raise

    return repaired


def _keep_dependencies(stack, logical_id):
    """What a resource needs that could not be deleted stays, its function among it, so that the stack's deletion can be
    tried again. Only the first time: at the next, it goes too (cloudformation-coverage-roadmap issue 852).
    """
    if stack.get("_kept") != {}:
        return
    resources = stack["_resources"]
    needed = stacks._with_dependencies([logical_id], stack["_template"]["Resources"], set(resources)) - {logical_id}
    # What is not among the resources is passed over.
    stack["_kept"] = {name: resources.pop(name) for name in needed if name in resources}


def _keeping_dependencies(delete_stack):
    async def repaired(stack_name, *others, **named):
        stack = cloudformation._stacks[stack_name]
        if not any(resource.get("ResourceStatus") == "DELETE_FAILED" for resource in stack["_resources"].values()):
            stack["_kept"] = {}
        await delete_stack(stack_name, *others, **named)
        stack["_resources"].update(stack.pop("_kept", {}))

    return repaired
