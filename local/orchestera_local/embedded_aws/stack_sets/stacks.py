"""The stack of an instance: an ordinary one of MiniStack's CloudFormation, in the instance's account and region."""

import asyncio

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.helpers as helpers
import ministack.services.iam as iam
from ministack.core import iam_evaluator, responses
from ministack.core.responses import new_uuid

from .wire import refusal

# Seconds between two looks at a stack.
PAUSE = 0.02
ADMINISTRATION_ROLE = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION_ROLE = "AWSCloudFormationStackSetExecutionRole"


class Failed(Exception):
    """Its text is the reason that the stack gives."""


class Template(str):
    """Of a StackSet, which may have come from S3 and is not held to the size of one in a request."""


def repair():
    problem_of = helpers._template_body_problem
    helpers._template_body_problem = lambda body: None if isinstance(body, Template) else problem_of(body)


async def deploy(stack_set, instance):
    """Creates or updates the stack. A create that fails leaves a stack that is deleted, with its events:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-troubleshooting.html
    """
    _enter(stack_set, instance)
    if _is_there(instance):
        if _ask(
            handlers._update_stack, _request(stack_set, instance, instance.stack_id), "No updates are to be performed"
        ):
            await _ended(instance, "UPDATE_COMPLETE")
    else:
        name = f"StackSet-{stack_set.name}-{new_uuid()}"
        _ask(handlers._create_stack, _request(stack_set, instance, name) | {"OnFailure": ["DELETE"]})
        instance.stack_id = cloudformation._stacks[name]["StackId"]
        await _ended(instance, "CREATE_COMPLETE")


async def remove(stack_set, instance):
    _enter(stack_set, instance)
    if _is_there(instance):
        _ask(handlers._delete_stack, {"StackName": [instance.stack_id]})
        await _ended(instance, "DELETE_COMPLETE")


def _enter(stack_set, instance):
    """From here on as that account, in that region."""
    if not stack_set.is_service_managed:
        _check_roles(stack_set, instance)
    responses._request_account_id.set(instance.account)
    responses._request_region.set(instance.region)


def _is_there(instance):
    stack = handlers._resolve_stack(instance.stack_id)
    return bool(stack) and stack["StackStatus"] != "DELETE_COMPLETE"


def _request(stack_set, instance, name):
    request = {"StackName": [name], "TemplateBody": [Template(stack_set.settings["TemplateBody"])]}
    lists = {
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in stack_set.parameters_of(instance).items()
        ],
        "Tags": stack_set.settings.get("Tags") or [],
    }
    for kind, members in lists.items():
        for number, member in enumerate(members, 1):
            request |= {f"{kind}.member.{number}.{name}": [value] for name, value in member.items()}
    for number, capability in enumerate(stack_set.settings.get("Capabilities") or [], 1):
        request[f"Capabilities.member.{number}"] = [capability]
    return request


def _ask(handle, request, harmless=None):
    """Whether the call was accepted; False if it was refused with those harmless words. Raises if with others."""
    message = refusal(handle(request))
    if message and not (harmless and harmless in message):
        raise Failed(message)
    return not message


async def _ended(instance, wanted):
    stack = handlers._resolve_stack(instance.stack_id)
    asked = len(cloudformation._stack_events[instance.stack_id])
    # A deletion that has only been asked for shows in nothing yet.
    while stack["StackStatus"].endswith("IN_PROGRESS") or (
        stack["StackStatus"] != wanted and len(cloudformation._stack_events[instance.stack_id]) == asked
    ):
        await asyncio.sleep(PAUSE)
    if stack["StackStatus"] != wanted:
        raise Failed(_reason(instance, asked) or f"The stack is {stack['StackStatus']}.")


def _reason(instance, asked):
    """Of the first resource that failed in this operation, in the form in which StackSets show it; the documents do not
    quote it.
    """
    for event in cloudformation._stack_events[instance.stack_id][asked:]:
        if event["ResourceStatus"].endswith("FAILED") and event["ResourceStatusReason"]:
            return (
                f"ResourceLogicalId:{event['LogicalResourceId']}, ResourceType:{event['ResourceType']}, "
                f"ResourceStatusReason:{event['ResourceStatusReason']}."
            )
    return ""


def _check_roles(stack_set, instance):
    """The one of the administrator must be let into the other by both sides. What the stack then makes is not judged by
    its rights: MiniStack's CloudFormation has all.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html
    """
    arn = stack_set.settings.get("AdministrationRoleARN") or (
        f"arn:aws:iam::{stack_set.administrator}:role/{ADMINISTRATION_ROLE}"
    )
    administration = arn.split("/")[-1]
    if not iam._roles.get_scoped(stack_set.administrator, None, administration):
        raise Failed(
            f"Account {stack_set.administrator} should have '{administration}' role with trust relationship to "
            "CloudFormation service."
        )
    name = stack_set.settings.get("ExecutionRoleName") or EXECUTION_ROLE
    role = iam._roles.get_scoped(instance.account, None, name)
    context = iam_evaluator.EvalContext(
        principal_arn=arn,
        principal_type="AssumedRole",
        principal_account=stack_set.administrator,
        action="sts:AssumeRole",
        resource_arn=f"arn:aws:iam::{instance.account}:role/{name}",
        region=instance.region,
    )
    rights = iam_evaluator._gather_role_policies(administration, stack_set.administrator)
    if (
        not role
        or not iam_evaluator.evaluate_trust_policy(role["AssumeRolePolicyDocument"], arn, context)
        or iam_evaluator.evaluate(context, rights).decision != "Allow"
    ):
        raise Failed(
            f"Account {instance.account} should have '{name}' role with trust relationship to Role '{administration}'."
        )
