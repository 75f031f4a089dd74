"""What stays when a stack is deleted, changed or given up."""

import pytest
from saying import NO_FUNCTION, said

from orchestera_local.stack import Stack

HANDLE = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
# What becomes of it: when the stack is deleted, when an update takes it out, when what created it is rolled back.
POLICIES = [("Retain", True, True, True), ("RetainExceptOnCreate", True, True, False), ("Delete", False, False, False)]


@pytest.fixture
def stack(account):
    return Stack(account)


def template(policy, **more):
    parameter = {
        "Type": "AWS::SSM::Parameter",
        "DeletionPolicy": policy,
        "Properties": {"Name": "said", "Type": "String", "Value": "hello"},
    }
    return {"Resources": HANDLE | {"Said": parameter, **more}}


FAILURE = {"Type": "Custom::Failure", "DependsOn": "Said", "Properties": {"ServiceToken": NO_FUNCTION}}


@pytest.mark.parametrize("policy, deleted, taken_out, rolled_back", POLICIES)
def test_a_policy_says_what_stays(account, stack, policy, deleted, taken_out, rolled_back):
    stack.deploy(template(policy))
    assert stack.delete() == "DELETE_COMPLETE"
    assert bool(said(account)) == deleted


@pytest.mark.parametrize("policy, deleted, taken_out, rolled_back", POLICIES)
def test_a_policy_says_what_an_update_leaves(account, stack, policy, deleted, taken_out, rolled_back):
    stack.deploy(template(policy))
    assert stack.update({"Resources": HANDLE}) == "UPDATE_COMPLETE"
    assert bool(said(account)) == taken_out


@pytest.mark.parametrize("policy, deleted, taken_out, rolled_back", POLICIES)
def test_a_policy_says_what_a_rolled_back_creation_leaves(account, stack, policy, deleted, taken_out, rolled_back):
    assert stack.create(template(policy, Failure=FAILURE)) == "ROLLBACK_COMPLETE"
    assert bool(said(account)) == rolled_back


@pytest.mark.parametrize("policy, deleted, taken_out, rolled_back", POLICIES)
def test_a_policy_says_what_a_rolled_back_update_leaves_of_what_it_created(
    account, stack, policy, deleted, taken_out, rolled_back
):
    stack.deploy({"Resources": HANDLE})
    assert stack.update(template(policy, Failure=FAILURE)) == "UPDATE_ROLLBACK_COMPLETE"
    assert bool(said(account)) == rolled_back


@pytest.mark.parametrize("policy, deleted, taken_out, rolled_back", POLICIES)
def test_a_rolled_back_update_leaves_what_was_there_before(account, stack, policy, deleted, taken_out, rolled_back):
    stack.deploy(template(policy))
    assert stack.update(template(policy, Failure=FAILURE)) == "UPDATE_ROLLBACK_COMPLETE"
    assert said(account) == "hello"


def test_what_an_update_takes_out_is_deleted_in_the_cleanup_and_the_events_say_so(account, stack):
    stack.deploy(template("Delete"))
    seen = len(stack.events())
    stack.deploy({"Resources": HANDLE})
    events = [(event["LogicalResourceId"], event["ResourceStatus"]) for event in stack.events()[seen:]]
    cleanup = events.index((stack.name, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
    assert events[cleanup + 1 :] == [
        ("Said", "DELETE_IN_PROGRESS"),
        ("Said", "DELETE_COMPLETE"),
        (stack.name, "UPDATE_COMPLETE"),
    ]
