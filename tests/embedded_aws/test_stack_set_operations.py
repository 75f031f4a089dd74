"""How an operation of a StackSet goes: what fails, what is tolerated, what stops and what waits."""

import json

import pytest
from saying import NO_FUNCTION, TEMPLATE, WAIT, code_of, said, signal, within

from orchestera_local.embedded_aws.stack_sets.operations import limits
from orchestera_local.stack_set import StackSet

FAILING = {"Resources": {"Failure": {"Type": "Custom::Failure", "Properties": {"ServiceToken": NO_FUNCTION}}}}
WAITING = {"Resources": {"Wait": WAIT}}
TOLERATING = {"OperationPreferences": {"FailureToleranceCount": 1, "MaxConcurrentCount": 2}}


@pytest.fixture
def stack_set(organization):
    return StackSet(organization.management, "it")


def statuses(found):
    return [result["Status"] for result in found.values()]


def test_an_account_that_fails_is_rolled_back_and_says_why_while_the_others_go_on(unit, join, stack_set):
    one, two, three = join(), join(), join()
    stack_set.create(TEMPLATE, {"FailsIn": two.id})
    assert stack_set.deploy(**within(unit), **TOLERATING) == "SUCCEEDED"
    assert statuses(stack_set.results()) == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert [said(account) for account in (one, two, three)] == ["hello", None, "hello"]
    instance = stack_set.cloudformation.describe_stack_instance(
        StackSetName="it", StackInstanceAccount=two.id, StackInstanceRegion="us-east-1"
    )["StackInstance"]
    assert (instance["Status"], instance["StackInstanceStatus"]["DetailedStatus"]) == ("OUTDATED", "FAILED")
    reason = "ResourceLogicalId:Failure, ResourceType:Custom::Failure, ResourceStatusReason:"
    assert instance["StatusReason"].startswith(reason) and "function:none" in instance["StatusReason"]
    assert stack_set.results()[two.id]["StatusReason"] == instance["StatusReason"]
    # The stack of a create that failed is deleted; its events are there under its id.
    cloudformation = two.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName=instance["StackId"])["Stacks"]
    assert stack["StackStatus"] == "DELETE_COMPLETE"
    assert cloudformation.describe_stack_events(StackName=instance["StackId"])["StackEvents"]
    # Once the cause is gone, the next update makes another one.
    assert stack_set.update(TEMPLATE, {"FailsIn": ""}) == "SUCCEEDED"
    assert said(two) == "hello" and stack_set.instances()[two.id]["StackId"] != instance["StackId"]


def test_an_operation_stops_when_more_accounts_failed_than_are_tolerated(unit, join, stack_set):
    accounts = [join() for _ in range(4)]
    stack_set.create(TEMPLATE, {"FailsIn": accounts[1].id})
    assert stack_set.deploy(**within(unit)) == "FAILED"
    assert statuses(stack_set.results()) == ["SUCCEEDED", "FAILED", "CANCELLED", "CANCELLED"]
    assert "failure tolerance" in stack_set.results()[accounts[2].id]["StatusReason"]
    assert [said(account) for account in accounts] == ["hello", None, None, None]
    # A region later in the order is not begun.
    both = ["us-east-1", "eu-west-1"]
    order = {"OperationPreferences": {"RegionOrder": both[::-1]}}
    assert stack_set.deploy(both, **within(unit), **order) == "FAILED"
    results = stack_set.cloudformation.list_stack_set_operation_results(
        StackSetName="it", OperationId=stack_set.operation_id
    )["Summaries"]
    assert {r["Status"] for r in results if r["Region"] == "us-east-1"} == {"CANCELLED"}
    assert said(accounts[0], "eu-west-1") == "hello"
    # In parallel both are, and each has a tolerance of its own.
    assert (
        stack_set.deploy(both, **within(unit), OperationPreferences={"RegionConcurrencyType": "PARALLEL"}) == "FAILED"
    )
    results = stack_set.cloudformation.list_stack_set_operation_results(
        StackSetName="it", OperationId=stack_set.operation_id
    )["Summaries"]
    assert {r["Region"] for r in results if r["Status"] == "SUCCEEDED"} == set(both)


@pytest.mark.parametrize(
    "mode, begun", [("SOFT_FAILURE_TOLERANCE", 3), ("STRICT_FAILURE_TOLERANCE", 1)], ids=["soft", "strict"]
)
def test_only_the_soft_mode_works_on_as_many_accounts_at_once_as_it_is_told(unit, join, stack_set, mode, begun):
    # Everyone fails, so that it does not matter who ends first: what was begun at once fails, and nothing else begins.
    for _ in range(4):
        join()
    stack_set.create(FAILING)
    preferences = {"MaxConcurrentCount": 3, "ConcurrencyMode": mode}
    assert stack_set.deploy(**within(unit), OperationPreferences=preferences) == "FAILED"
    assert statuses(stack_set.results()) == ["FAILED"] * begun + ["CANCELLED"] * (4 - begun)


@pytest.mark.parametrize(
    "preferences, accounts, expected",
    [
        ({}, 10, (0, 1)),
        ({"FailureToleranceCount": 3, "MaxConcurrentCount": 4}, 10, (3, 4)),
        ({"FailureTolerancePercentage": 19, "MaxConcurrentPercentage": 39}, 10, (1, 3)),
        ({"FailureTolerancePercentage": 50, "MaxConcurrentPercentage": 5}, 1, (0, 1)),
    ],
)
def test_percentages_are_rounded_down_and_one_account_is_always_worked_on(preferences, accounts, expected):
    assert limits(preferences, accounts) == expected


def test_a_count_and_a_percentage_of_the_same_are_refused(unit, join, stack_set):
    join()
    stack_set.create(TEMPLATE)
    preferences = {"FailureToleranceCount": 1, "FailureTolerancePercentage": 1}
    request = {"StackSetName": "it", "Regions": ["us-east-1"], "OperationPreferences": preferences} | within(unit)
    assert code_of(stack_set.cloudformation.create_stack_instances, **request) == "ValidationError"


def test_an_update_that_fails_is_rolled_back_in_that_account(unit, join, stack_set):
    one = join()
    stack_set.create(TEMPLATE)
    stack_set.deploy(**within(unit))
    assert stack_set.update(TEMPLATE, {"Text": "later", "FailsIn": one.id}) == "FAILED"
    assert said(one) == "hello"
    assert "ResourceLogicalId:Failure" in stack_set.instances()[one.id]["StatusReason"]


def test_a_stack_that_cannot_be_deleted_makes_its_instance_inoperable(unit, join, stack_set):
    one = join()
    stack_set.create(TEMPLATE)
    stack_set.deploy(**within(unit))
    cloudformation, stack_id = one.client("cloudformation"), stack_set.instances()[one.id]["StackId"]
    cloudformation.update_termination_protection(StackName=stack_id, EnableTerminationProtection=True)
    assert stack_set.remove(**within(unit)) == "FAILED"
    instance = stack_set.instances()[one.id]
    assert instance["Status"] == "INOPERABLE" and "TerminationProtection" in instance["StatusReason"]
    assert stack_set.update(TEMPLATE, {"Text": "later"}) == "SUCCEEDED" and said(one) == "hello"
    assert stack_set.remove(retain=True, **within(unit)) == "SUCCEEDED" and not stack_set.instances()


def test_an_operation_beside_another_is_refused(unit, join, stack_set):
    account = join()
    stack_set.create(WAITING)
    request, client = {"StackSetName": "it", "Regions": ["us-east-1"]} | within(unit), stack_set.cloudformation
    client.create_stack_instances(**request)
    assert code_of(client.create_stack_instances, **request) == "OperationInProgressException"
    assert code_of(client.delete_stack_set, StackSetName="it") == "OperationInProgressException"
    signal(account, "SUCCESS")
    assert [o["Status"] for o in stack_set.settled()] == ["SUCCEEDED"]


def test_with_managed_execution_an_operation_waits_for_the_one_before(unit, join, stack_set):
    account = join()
    stack_set.create(WAITING, ManagedExecution={"Active": True})
    client = stack_set.cloudformation
    request = {"StackSetName": "it", "Regions": ["us-east-1"]} | within(unit)
    first = client.create_stack_instances(**request)["OperationId"]
    second = client.update_stack_set(StackSetName="it", TemplateBody=json.dumps(TEMPLATE))["OperationId"]
    operations = client.list_stack_set_operations(StackSetName="it")["Summaries"]
    assert [(o["OperationId"], o["Status"]) for o in operations] == [(second, "QUEUED"), (first, "RUNNING")]
    signal(account, "FAILURE")
    assert [o["Status"] for o in stack_set.settled()] == ["SUCCEEDED", "FAILED"]


def test_an_operation_can_be_stopped(unit, join, stack_set):
    one, two = join(), join()
    stack_set.create(WAITING)
    request = {"StackSetName": "it", "Regions": ["us-east-1"], "OperationPreferences": {"FailureToleranceCount": 1}}
    operation = stack_set.cloudformation.create_stack_instances(**request, **within(unit))["OperationId"]
    stack_set.cloudformation.stop_stack_set_operation(StackSetName="it", OperationId=operation)
    signal(one, "FAILURE")
    assert [o["Status"] for o in stack_set.settled()] == ["STOPPED"]
    assert stack_set.instances()[two.id]["StackInstanceStatus"]["DetailedStatus"] == "CANCELLED"
