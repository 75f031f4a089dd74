"""AWS::CloudFormation::StackSet in a stack of the management account."""

import copy
import json

import pytest
from saying import AUTOMATIC, TEMPLATE, said

from orchestera_local.stack import Stack
from orchestera_local.stack_set import StackSet, as_parameters


def template(unit, text="hello", accounts=None, overrides=None, regions=("us-east-1",), **properties):
    group = {"DeploymentTargets": {"OrganizationalUnitIds": [unit], **(accounts or {})}, "Regions": list(regions)}
    if overrides:
        group["ParameterOverrides"] = as_parameters(overrides)
    return {
        "Resources": {
            "StackSet": {
                "Type": "AWS::CloudFormation::StackSet",
                "Properties": {
                    "StackSetName": "it",
                    "PermissionModel": "SERVICE_MANAGED",
                    "AutoDeployment": AUTOMATIC,
                    "TemplateBody": json.dumps(TEMPLATE),
                    "Parameters": as_parameters({"Text": text}),
                    "StackInstancesGroup": [group],
                    # As strings, which is what a template's parameters are.
                    "OperationPreferences": {"FailureToleranceCount": "1", "MaxConcurrentCount": "2"},
                    **properties,
                },
            }
        },
        "Outputs": {"Id": {"Value": {"Ref": "StackSet"}}},
    }


@pytest.fixture
def stack(organization):
    return Stack(organization.management)


@pytest.fixture
def stack_set(organization):
    return StackSet(organization.management, "it")


def test_a_stack_makes_changes_and_deletes_the_stack_set_with_its_instances(unit, join, stack, stack_set):
    one, two = join(), join()
    outputs = stack.deploy(template(unit))
    described = stack_set.cloudformation.describe_stack_set(StackSetName=outputs["Id"])["StackSet"]
    assert (described["StackSetName"], described["AutoDeployment"]) == ("it", AUTOMATIC)
    assert [said(one), said(two)] == ["hello", "hello"]
    assert stack.deploy(template(unit, "later")) == outputs and [said(one), said(two)] == ["later", "later"]
    joined = join()
    stack_set.settled()
    assert said(joined) == "later"
    assert stack.delete() == "DELETE_COMPLETE"
    assert [said(account) for account in (one, two, joined)] == [None] * 3
    assert not stack_set.cloudformation.list_stack_sets(Status="ACTIVE")["Summaries"]


def test_an_update_moves_the_instances_to_other_units_accounts_and_regions(organization, unit, join, stack, stack_set):
    other = organization.unit("Other")
    one, two, elsewhere = join(), join(), join(other)
    stack.deploy(template(unit))
    before = stack_set.instances()[one.id]["StackId"]
    without_two = {"Accounts": [two.id], "AccountFilterType": "DIFFERENCE"}
    stack.deploy(template(unit, accounts=without_two, overrides={"Text": "own"}))
    assert [said(one), said(two)] == ["own", None] and stack_set.instances()[one.id]["StackId"] == before
    stack.deploy(template(unit))
    assert [said(one), said(two)] == ["hello", "hello"]
    stack.deploy(template(unit, regions=("us-east-1", "eu-west-1")))
    assert [said(two), said(two, "eu-west-1")] == ["hello", "hello"]
    stack.deploy(template(other))
    assert [said(one), said(two), said(two, "eu-west-1"), said(elsewhere)] == [None, None, None, "hello"]
    assert stack.delete() == "DELETE_COMPLETE" and said(elsewhere) is None


def test_what_is_tolerated_completes_the_stack_and_what_is_not_fails_it_with_the_reason(unit, join, stack, stack_set):
    one, two = join(), join()
    failing = template(unit, Parameters=as_parameters({"FailsIn": two.id}))
    stack.deploy(failing)
    assert [said(one), said(two)] == ["hello", None]
    assert stack_set.instances()[two.id]["Status"] == "OUTDATED"
    assert stack.delete() == "DELETE_COMPLETE"

    # No tolerance: the rollback takes the stack of the other account away again.
    strict = copy.deepcopy(failing)
    strict["Resources"]["StackSet"]["Properties"]["OperationPreferences"] = {"FailureToleranceCount": 0}
    stack.id = None
    assert stack.create(strict) == "ROLLBACK_COMPLETE"
    reasons = " ".join(stack.reasons())
    assert "was unexpectedly stopped or failed. status reason(s): [ResourceLogicalId:Failure" in reasons
    assert "function:none" in reasons
    assert [said(one), said(two)] == [None, None]
    assert not stack_set.cloudformation.list_stack_sets(Status="ACTIVE")["Summaries"]


def test_an_update_that_fails_is_rolled_back_in_every_account(unit, join, stack, stack_set):
    one, two = join(), join()
    stack.deploy(template(unit))
    preferences = {"OperationPreferences": {"FailureToleranceCount": 0}}
    failing = template(unit, Parameters=as_parameters({"FailsIn": two.id, "Text": "later"}), **preferences)
    assert stack.update(failing) == "UPDATE_ROLLBACK_COMPLETE"
    assert [said(one), said(two)] == ["hello", "hello"]
    assert {instance["Status"] for instance in stack_set.instances().values()} == {"CURRENT"}


@pytest.mark.parametrize(
    "properties, words",
    [
        ({"AutoDeployments": AUTOMATIC}, "extraneous key"),
        ({"StackInstancesGroup": [{"Regions": ["us-east-1"], "DeploymentTargets": {"Account": []}}]}, "extraneous key"),
        (
            {"StackInstancesGroup": [{"Regions": ["us-east-1"], "DeploymentTargets": {}}]},
            "OrganizationalUnitIds should",
        ),
        ({"StackInstancesGroup": [{"Regions": [], "DeploymentTargets": {}}]}, "Regions: expected minimum item count"),
        ({"StackInstancesGroup": [{"Regions": ["us-east-1"], "DeploymentTargets": {"Accounts": []}}]}, "minimum item"),
        ({"PermissionModel": "SERVICE-MANAGED"}, "enum"),
        ({"AutoDeployment": {"Enabled": "false", "RetainStacksOnAccountRemoval": "false"}}, "only for AutoDeployment"),
        ({"StackSetName": "it", "CallAs": "DELEGATED_ADMIN"}, "not a delegated administrator"),
    ],
)
def test_a_property_that_is_wrong_fails_the_stack_and_leaves_no_stack_set(unit, stack, stack_set, properties, words):
    assert stack.create(template(unit, **properties)) == "ROLLBACK_COMPLETE"
    assert words in " ".join(stack.reasons())
    assert not stack_set.cloudformation.list_stack_sets(Status="ACTIVE")["Summaries"]


def test_a_delegated_administrator_has_it_in_a_stack_of_its_own(organization, unit, join):
    one, administrator = join(), join()
    organization.delegate(administrator)
    stack = Stack(administrator)
    stack.deploy(template(unit, CallAs="DELEGATED_ADMIN"))
    assert [said(one), said(administrator)] == ["hello", "hello"]
    assert stack.delete() == "DELETE_COMPLETE" and said(one) is None


def test_without_an_organisation_it_fails(account):
    stack = Stack(account)
    assert stack.create(template("ou-0000-00000000")) == "ROLLBACK_COMPLETE"
    assert "You must be the management account" in " ".join(stack.reasons())
