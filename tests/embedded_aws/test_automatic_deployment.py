"""Accounts that join and leave the units of a StackSet."""

import copy
import json

import pytest
from saying import AUTOMATIC, TEMPLATE, WAIT, said, signal, within

from orchestera_local.stack_set import StackSet, as_parameters

OFF = {"Enabled": False}
RETAINING = {"Enabled": True, "RetainStacksOnAccountRemoval": True}


@pytest.fixture
def deployed(organization, unit):
    """Makes a StackSet that has been deployed to the unit, with that automatic deployment."""

    def deploy(automatic, **targets):
        stack_set = StackSet(organization.management, "it")
        stack_set.create(TEMPLATE, {"Text": "of the StackSet"}, AutoDeployment=automatic)
        stack_set.deploy(**within(unit, **targets), OperationPreferences={"MaxConcurrentCount": 1})
        return stack_set

    return deploy


def test_an_account_that_joins_gets_the_stack_sets_parameters_and_no_overrides(organization, unit, join, deployed):
    first, stack_set = join(), deployed(AUTOMATIC)
    stack_set.override({"Text": "own"}, **within(unit))
    joining, inner = join(), join(organization.unit("Inner", unit))
    stack_set.settled()
    assert [said(account) for account in (first, joining, inner)] == ["own", "of the StackSet", "of the StackSet"]
    assert stack_set.instances()[inner.id]["OrganizationalUnitId"] == unit
    # One that is made in the organisation stands in the root first, which is no target.
    request = organization.client.create_account(Email="it@example.com", AccountName="it")["CreateAccountStatus"]
    created = organization.client.describe_create_account_status(CreateAccountRequestId=request["Id"])
    stack_set.settled()
    assert created["CreateAccountStatus"]["AccountId"] not in stack_set.instances()


def test_a_unit_may_be_empty_when_it_is_deployed_to(join, deployed):
    stack_set = deployed(AUTOMATIC)
    assert stack_set.settled()[0]["Status"] == "SUCCEEDED" and not stack_set.instances()
    joining = join()
    stack_set.settled()
    assert said(joining) == "of the StackSet"


def test_a_filter_of_accounts_does_not_keep_those_out_that_join_later(join, deployed):
    out = join()
    stack_set = deployed(AUTOMATIC, Accounts=[out.id], AccountFilterType="DIFFERENCE")
    joining = join()
    stack_set.settled()
    assert [said(out), said(joining)] == [None, "of the StackSet"]


@pytest.mark.parametrize("automatic, kept", [(AUTOMATIC, False), (RETAINING, True)])
def test_an_account_that_leaves_loses_the_stack_unless_it_is_to_stay(organization, join, deployed, automatic, kept):
    moving, leaving, staying = join(), join(), join()
    stack_set = deployed(automatic)
    organization.move(moving, organization.root)
    organization.leave(leaving)
    stack_set.settled()
    expected = "of the StackSet" if kept else None
    assert [said(account) for account in (moving, leaving, staying)] == [expected, expected, "of the StackSet"]
    assert list(stack_set.instances()) == [staying.id]


def test_an_account_that_comes_back_before_its_stack_is_gone_gets_another(organization, unit, join, deployed):
    busy, account = join(), join()
    stack_set = deployed(AUTOMATIC)
    before = stack_set.instances()[account.id]["StackId"]
    # One account keeps the operation under way: so long everything else is queued.
    template = copy.deepcopy(TEMPLATE)
    del template["Resources"]["Failure"]
    template["Resources"]["Wait"] = WAIT | {"Condition": "Fails"}
    stack_set.cloudformation.update_stack_set(
        StackSetName="it",
        TemplateBody=json.dumps(template),
        Parameters=as_parameters({"FailsIn": busy.id, "Text": "later"}),
    )
    organization.move(account, organization.root)
    organization.move(account, unit)
    signal(busy, "SUCCESS")
    operations = stack_set.settled()
    assert [operation["Action"] for operation in operations] == ["CREATE", "DELETE", "UPDATE", "CREATE"]
    assert said(account) == "later" and stack_set.instances()[account.id]["StackId"] != before


def test_an_account_that_was_left_out_stays_out_when_it_moves_among_the_units(organization, unit, join, deployed):
    inner, account = organization.unit("Inner", unit), join()
    stack_set = deployed(AUTOMATIC, Accounts=[account.id], AccountFilterType="DIFFERENCE")
    organization.move(account, inner)
    assert len(stack_set.settled()) == 1 and said(account) is None


def test_without_automatic_deployment_nothing_happens_by_itself(organization, unit, join, deployed):
    leaving = join()
    stack_set = deployed(OFF)
    joining = join()
    organization.move(leaving, organization.root)
    assert len(stack_set.settled()) == 1
    assert [said(leaving), said(joining)] == ["of the StackSet", None]
    # Who has left is still removed through the unit.
    stack_set.remove(**within(unit))
    assert said(leaving) is None


def test_a_unit_that_is_no_target_any_more_gives_no_stacks(unit, join, deployed):
    stack_set = deployed(AUTOMATIC)
    stack_set.remove(**within(unit))
    described = stack_set.cloudformation.describe_stack_set(StackSetName="it")["StackSet"]
    assert described["OrganizationalUnitIds"] == []
    joining = join()
    stack_set.settled()
    assert said(joining) is None and not stack_set.instances()
