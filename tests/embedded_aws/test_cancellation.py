"""A stack that is given up, and what a function sees of its own resource while it still polls."""

import json
import sys
import time
import unittest.mock

import boto3
import pytest
from moto import mock_aws
from playing import ALL, becomes_true, events, function, kept, thing, types
from saying import WAIT, code_of

from orchestera_local.stack import Stack

HANDLE = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
# Half seconds: longer than a test needs until it gives the stack up.
LONG = 40


@pytest.fixture
def stack(account):
    return Stack(account)


@pytest.fixture
def polling(account):
    """A resource whose function looks at it for a while on that type of request."""
    arn = function(account)

    def polling(request_type="Create", polls=LONG, timeout=300, **properties):
        return {"Thing": thing(account, arn, {request_type: {"poll": polls}}, timeout, **properties)}

    return polling


def begin(call, stack, resources, /):
    request = stack._request({"Resources": HANDLE | resources}, {})
    stack.id = call(**request)["StackId"]


def seen(account, by="Create"):
    return [one["Seen"] for one in kept(account, "Seen") if one["By"] == by]


def sees(account, status, by="Create"):
    """Whether a function that polls on that request sees its resource in that state."""
    return becomes_true(lambda: status in seen(account, by))


def of(stack, logical_id, key="ResourceStatus"):
    return [event.get(key) for event in stack.events() if event["LogicalResourceId"] == logical_id]


def status(stack, logical_id="Thing"):
    resource = stack.cloudformation.describe_stack_resource(StackName=stack.id, LogicalResourceId=logical_id)
    return resource["StackResourceDetail"]["ResourceStatus"]


def test_a_resource_is_in_progress_while_its_function_works(account, stack, polling):
    resources = polling("Create", 3)
    assert stack.create({"Resources": resources}) == "CREATE_COMPLETE"
    assert seen(account) == ["CREATE_IN_PROGRESS"] * 3
    assert status(stack) == "CREATE_COMPLETE"
    assert stack.update({"Resources": polling("Update", 2, Changed="yes")}) == "UPDATE_COMPLETE"
    assert seen(account, "Update") == ["UPDATE_IN_PROGRESS"] * 2
    assert stack.update({"Resources": polling("Delete", 2, Changed="yes")}) == "UPDATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"
    assert seen(account, "Delete") == ["DELETE_IN_PROGRESS"] * 2
    assert status(stack) == "DELETE_COMPLETE"


def test_what_is_in_progress_has_an_id_as_soon_as_it_answered_one_and_the_time_of_its_last_change(
    account, stack, polling
):
    before = time.time()
    begin(stack.cloudformation.create_stack, stack, polling())
    assert sees(account, "CREATE_IN_PROGRESS")
    cloudformation = stack.cloudformation
    detail = cloudformation.describe_stack_resource(StackName=stack.id, LogicalResourceId="Thing")[
        "StackResourceDetail"
    ]
    assert before - 1 <= detail["LastUpdatedTimestamp"].timestamp() <= time.time()
    assert not detail.get("PhysicalResourceId")
    (listed,) = [
        one
        for one in cloudformation.list_stack_resources(StackName=stack.id)["StackResourceSummaries"]
        if one["LogicalResourceId"] == "Thing"
    ]
    assert listed["ResourceStatus"] == "CREATE_IN_PROGRESS"
    stack.delete()
    stack = Stack(account, "another")
    stack.deploy({"Resources": polling("none")})
    begin(stack.cloudformation.update_stack, stack, polling("Update", Changed="yes"))
    assert sees(account, "UPDATE_IN_PROGRESS", "Update")
    detail = cloudformation.describe_stack_resource(StackName=stack.id, LogicalResourceId="Thing")
    assert detail["StackResourceDetail"]["PhysicalResourceId"] == "made"
    stack.cloudformation.cancel_update_stack(StackName=stack.id)
    stack._watch()


def test_a_function_sees_that_its_stack_has_stopped_waiting(account, stack, polling):
    begin(stack.cloudformation.create_stack, stack, polling(timeout=10))
    assert stack._watch() == "ROLLBACK_COMPLETE"
    assert types(account) == ["Create", "Delete"]
    assert sees(account, "DELETE_COMPLETE")
    assert "CREATE_IN_PROGRESS" not in seen(account)[seen(account).index("DELETE_COMPLETE") :]


def test_a_deletion_during_the_create_sends_the_delete_while_the_create_still_runs(account, stack, polling):
    later = {"Later": {"Type": "AWS::SQS::Queue", "DependsOn": "Thing"}}
    begin(stack.cloudformation.create_stack, stack, polling() | later)
    assert sees(account, "CREATE_IN_PROGRESS")
    assert stack.delete() == "DELETE_COMPLETE"
    create, delete = events(account)
    assert delete["RequestType"] == "Delete" and delete["PhysicalResourceId"].startswith("orchestera-access-Thing-")
    assert of(stack, "Thing") == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert "Resource creation cancelled" in of(stack, "Thing", "ResourceStatusReason")
    assert not of(stack, "Later")
    assert sees(account, "DELETE_COMPLETE")


def test_by_its_id_a_deleted_stack_is_known_when_another_has_its_name(account, stack, polling):
    begin(stack.cloudformation.create_stack, stack, polling())
    assert sees(account, "CREATE_IN_PROGRESS")
    stack.delete()
    another = Stack(account)
    another.deploy({"Resources": HANDLE})
    assert status(stack) == "DELETE_COMPLETE"
    seen_until_now = len(seen(account))
    assert becomes_true(lambda: len(seen(account)) > seen_until_now)
    assert seen(account)[-1] == "DELETE_COMPLETE"


def test_a_cancelled_update_sends_the_delete_while_the_create_still_runs(account, stack, polling):
    stack.deploy({"Resources": HANDLE})
    begin(stack.cloudformation.update_stack, stack, polling())
    assert sees(account, "CREATE_IN_PROGRESS")
    stack.cloudformation.cancel_update_stack(StackName=stack.id)
    assert stack._watch() == "UPDATE_ROLLBACK_COMPLETE"
    assert types(account) == ["Create", "Delete"]
    assert of(stack, "Thing") == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert "User Initiated" in of(stack, stack.name, "ResourceStatusReason")
    assert sees(account, "DELETE_COMPLETE")


def test_a_cancelled_update_of_a_resource_takes_it_back(account, stack, polling):
    stack.deploy({"Resources": HANDLE | polling("none")})
    begin(stack.cloudformation.update_stack, stack, polling("Update", Changed="yes"))
    assert sees(account, "UPDATE_IN_PROGRESS", "Update")
    stack.cloudformation.cancel_update_stack(StackName=stack.id)
    assert stack._watch() == "UPDATE_ROLLBACK_COMPLETE"
    assert types(account) == ["Create", "Update", "Update"]
    _, there, back = events(account)
    assert there["ResourceProperties"] == back["OldResourceProperties"]
    assert "Resource update cancelled" in of(stack, "Thing", "ResourceStatusReason")


def test_a_wait_condition_ends_with_its_stack(stack):
    begin(stack.cloudformation.create_stack, stack, {"Wait": WAIT})
    assert becomes_true(lambda: of(stack, "Wait"))
    started = time.monotonic()
    assert stack.delete() == "DELETE_COMPLETE"
    assert time.monotonic() - started < 60
    assert "Resource creation cancelled" in of(stack, "Wait", "ResourceStatusReason")


def test_a_stack_that_is_being_updated_is_not_deleted(account, stack, polling):
    stack.deploy({"Resources": HANDLE})
    begin(stack.cloudformation.update_stack, stack, {"Wait": WAIT})
    assert code_of(stack.cloudformation.delete_stack, StackName=stack.id) == "ValidationError"
    stack.cloudformation.cancel_update_stack(StackName=stack.id)
    assert stack._watch() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_function_may_read_its_own_stack_and_no_other(account, stack):
    own = {
        "Effect": "Allow",
        "Action": "cloudformation:DescribeStackResource",
        "Resource": f"arn:aws:cloudformation:us-east-1:{account.id}:stack/orchestera-access/*",
    }
    arn = function(account, statements=[ALL | {"Action": "s3:*"}, own])
    resources = {"Thing": thing(account, arn, {"Create": {"poll": 1}})}
    assert stack.create({"Resources": resources}) == "CREATE_COMPLETE"
    assert Stack(account, "another").create({"Resources": resources}) == "CREATE_COMPLETE"
    assert seen(account) == ["CREATE_IN_PROGRESS", "AccessDenied"]


@mock_aws
def test_the_responses_have_the_shape_of_motos(monkeypatch, stack):
    # moto's CloudFormation imports its API Gateway, whose dependency is not installed: nothing here needs it.
    for module in ("", ".validation", ".validation.exceptions"):
        monkeypatch.setitem(sys.modules, f"openapi_spec_validator{module}", unittest.mock.MagicMock())
    template = {"Resources": {"Said": {"Type": "AWS::SQS::Queue"}}}
    stack.deploy(template)

    def keys(cloudformation, name):
        asked = {"StackName": name, "LogicalResourceId": "Said"}
        one = cloudformation.describe_stack_resource(**asked)["StackResourceDetail"]
        (several,) = cloudformation.describe_stack_resources(**asked)["StackResources"]
        (listed,) = cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]
        return [set(found) for found in (one, several, listed)]

    moto = boto3.client("cloudformation", region_name="us-east-1")
    moto.create_stack(StackName=stack.name, TemplateBody=json.dumps(template))
    ours = keys(stack.cloudformation, stack.id)
    # A reason is there for a failure only, and in moto never.
    assert all(
        those - {"ResourceStatusReason"} <= these for those, these in zip(keys(moto, stack.name), ours, strict=True)
    )
