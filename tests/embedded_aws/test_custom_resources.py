"""What CloudFormation does around a custom resource, tried with a function that answers as it is told."""

import time

import pytest
from playing import events, function, thing, types

from orchestera_local.stack import Stack

# Seconds for a wait that is to end in vain. The rollback's Delete waits as long and must be answered, and on a busy
# machine a function takes seconds to start.
IN_VAIN = 15


@pytest.fixture
def stack(account):
    """A stack with one custom resource, behind a function that plays."""
    arn = function(account)
    stack = Stack(account)
    stack.template = lambda play, timeout=30: {"Resources": {"Thing": thing(account, arn, play, timeout)}}
    return stack


def there(stack):
    """The logical ids of what the stack has."""
    resources = stack.cloudformation.describe_stack_resources(StackName=stack.id)["StackResources"]
    return [resource["LogicalResourceId"] for resource in resources]


def test_the_event_has_the_service_token_at_its_top(account, stack):
    assert stack.create(stack.template({})) == "CREATE_COMPLETE"
    (event,) = events(account)
    assert (
        event["ServiceToken"]
        == event["ResourceProperties"]["ServiceToken"]
        == stack.template({})["Resources"]["Thing"]["Properties"]["ServiceToken"]
    )


@pytest.mark.parametrize(
    "play, problem",
    [
        ({"answer": {"StackId": "another"}}, "StackId does not match"),
        ({"answer": {"RequestId": "another"}}, "RequestId does not match"),
        ({"answer": {"LogicalResourceId": "another"}}, "LogicalResourceId does not match"),
        ({"answer": {"Data": {"Long": "x" * 4096}}}, "too long"),
        ({"answer": {"PhysicalResourceId": ""}}, "Invalid PhysicalResourceId"),
        ({"without": ["PhysicalResourceId"]}, "Invalid PhysicalResourceId"),
        ({"answer": {"PhysicalResourceId": "x" * 1025}}, "Invalid PhysicalResourceId"),
        ({"answer": {"Status": "FINE"}}, "Status must be"),
        ({"answer": {"Status": "FAILED"}}, "Reason is required"),
        ({"answer": {"Status": "FAILED", "Reason": None}}, "Reason is required"),
        ({"answer": {"Status": "FAILED", "Reason": "because"}}, "because"),
    ],
    ids=[
        "another stack",
        "another request",
        "another resource",
        "too long",
        "blank id",
        "no id",
        "id too long",
        "odd status",
        "no reason",
        "null reason",
        "failed",
    ],
)
def test_an_answer_that_cloudformation_does_not_take_fails_the_resource(stack, play, problem):
    assert stack.create(stack.template({"Create": play})) == "ROLLBACK_COMPLETE"
    assert problem in " ".join(stack.reasons())


@pytest.mark.parametrize(
    "play",
    [
        {"answer": {"Data": {"Long": "x" * 3000}, "Reason": ""}},
        {"answer": {"PhysicalResourceId": "x" * 1024}},
    ],
    ids=["long, but not too long", "the longest physical id"],
)
def test_an_answer_within_the_limits_is_taken(stack, play):
    assert stack.create(stack.template({"Create": play})) == "CREATE_COMPLETE"


def test_an_answer_with_a_content_type_never_arrives(stack):
    play = {"Create": {"content_type": "application/json"}}
    assert stack.create(stack.template(play, timeout=IN_VAIN)) == "ROLLBACK_COMPLETE"
    assert "did not receive a response" in " ".join(stack.reasons())


@pytest.mark.parametrize("timeout", [0, 3601])
def test_a_service_timeout_beyond_its_limits_fails_the_resource(account, stack, timeout):
    assert stack.create(stack.template({}, timeout=timeout)) == "ROLLBACK_COMPLETE"
    assert "ServiceTimeout" in " ".join(stack.reasons())
    assert types(account) == []


def test_a_failed_create_is_followed_by_a_delete_of_the_id_that_it_answered(account, stack):
    play = {"Create": {"answer": {"Status": "FAILED", "Reason": "because", "PhysicalResourceId": "mine"}}}
    assert stack.create(stack.template(play)) == "ROLLBACK_COMPLETE"
    assert [(event["RequestType"], event.get("PhysicalResourceId")) for event in events(account)] == [
        ("Create", None),
        ("Delete", "mine"),
    ]
    assert [event["ResourceStatus"] for event in stack.events() if event["LogicalResourceId"] == "Thing"] == [
        "CREATE_IN_PROGRESS",
        "CREATE_FAILED",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]


def test_a_create_that_nobody_heard_of_is_followed_by_a_delete_with_a_made_up_id_while_it_still_runs(account, stack):
    started = time.monotonic()
    sleep = 3 * IN_VAIN
    assert stack.create(stack.template({"Create": {"sleep": sleep}}, timeout=IN_VAIN)) == "ROLLBACK_COMPLETE"
    assert time.monotonic() - started < sleep
    create, delete = events(account)
    assert delete["RequestType"] == "Delete" and delete["PhysicalResourceId"].startswith("orchestera-access-Thing-")


def test_a_failed_create_that_cannot_be_deleted_fails_the_rollback_and_is_deleted_with_the_stack(account, stack):
    failed = {"answer": {"Status": "FAILED", "Reason": "because", "PhysicalResourceId": "mine"}}
    template = stack.template({"Create": failed, "Delete": failed})
    template["Resources"]["Needed"] = {"Type": "AWS::SQS::Queue"}
    template["Resources"]["Thing"]["DependsOn"] = "Needed"
    assert stack.create(template) == "ROLLBACK_FAILED"
    assert types(account) == ["Create", "Delete"]
    assert sorted(there(stack)) == ["Needed", "Thing"]
    assert all(event["ResourceType"] for event in stack.events())
    stack.delete()
    assert types(account) == ["Create", "Delete", "Delete"]


def test_a_failed_create_in_an_update_is_deleted_too(account, stack):
    empty = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    assert stack.create(empty) == "CREATE_COMPLETE"
    with_thing = stack.template({"Create": {"answer": {"Status": "FAILED", "Reason": "because"}}})
    with_thing["Resources"] |= empty["Resources"]
    assert stack.update(with_thing) == "UPDATE_ROLLBACK_COMPLETE"
    assert types(account) == ["Create", "Delete"]


def test_a_successful_create_is_deleted_once(account, stack):
    assert stack.create(stack.template({})) == "CREATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"
    assert types(account) == ["Create", "Delete"]


def test_what_a_failed_delete_depends_on_stays_for_the_first_time_and_goes_at_the_next(account, stack):
    template = stack.template({"Delete": {"answer": {"Status": "FAILED", "Reason": "because"}}})
    template["Resources"] |= {name: {"Type": "AWS::SQS::Queue"} for name in ("Needed", "Beside")}
    template["Resources"]["Thing"]["DependsOn"] = "Needed"

    assert stack.create(template) == "CREATE_COMPLETE"
    assert stack.delete() == "DELETE_FAILED"
    assert sorted(there(stack)) == ["Needed", "Thing"]
    assert stack.delete() == "DELETE_FAILED"
    assert there(stack) == ["Thing"]
