"""A stack in the management account that makes role and policy in a member account."""

import json

import pytest
from under_test import NOTHING, POLICY, ROLE, Access, left, statements

from orchestera_local import orchestera_platform, permissions

DOOR = "OrganizationAccountAccessRole"
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.fixture
def member(aws, account):
    return aws.account(f"3{account.id[1:]}")


def open_door(member, account, name=DOOR):
    """What AWS Organizations makes in an account that it creates."""
    iam = member.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"}, "Action": "sts:AssumeRole"}
        ],
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def test_role_and_policy_are_made_updated_and_deleted_in_the_member_account(aws, account, member, stack, template):
    open_door(member, account)
    outputs = stack.deploy(template, MemberAccountId=member.id)
    access = Access(member)
    assert outputs["RoleArn"] == f"arn:aws:iam::{member.id}:role/{ROLE}" and outputs["Verified"] == "true"
    assert Access(account).role() is None, "nothing in the stack's own account"
    platform = orchestera_platform.caller(aws)
    assert orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"])
    stack.deploy(template, MemberAccountId=member.id, PolicyEdition="2026-02-06", AccessState="Suspended")
    assert access.document() == permissions.edition("2026-02-06")
    assert orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"]) is None
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(member) == NOTHING | {"roles": [DOOR]} and left(account) == NOTHING


def test_the_function_may_become_that_one_role_and_touch_nothing_in_its_own_account(account, member, stack, template):
    open_door(member, account)
    open_door(member, account, "Another")
    stack.deploy(template, MemberAccountId=member.id)
    name = stack.resource("FunctionRole")
    iam = account.client("iam")
    assert sorted(iam.list_role_policies(RoleName=name)["PolicyNames"]) == [
        "ConvergeOrchesteraAccess",
        "WriteItsLogAndSeeItsStack",
    ]
    function = account.assume(f"arn:aws:iam::{account.id}:role/{name}")
    assert function.assume(f"arn:aws:iam::{member.id}:role/{DOOR}")
    assert not permissions.is_allowed(
        function.client("sts").assume_role, RoleArn=f"arn:aws:iam::{member.id}:role/Another", RoleSessionName="it"
    )
    assert not permissions.is_allowed(function.client("iam").get_role, RoleName=ROLE)


def test_without_the_right_to_become_that_role_nothing_is_entered(account, member, stack, template):
    open_door(member, account)
    (enter,) = [one for one in statements(template) if one["Action"] == "sts:AssumeRole"]
    enter["Action"] = "sts:GetCallerIdentity"
    assert stack.create(template, MemberAccountId=member.id) == "ROLLBACK_COMPLETE"
    assert "could not be assumed" in " ".join(stack.reasons())


def test_without_a_member_account_the_function_may_become_nobody(account, member, stack, template):
    open_door(member, account)
    stack.deploy(template)
    function = account.assume(f"arn:aws:iam::{account.id}:role/{stack.resource('FunctionRole')}")
    door = f"arn:aws:iam::{member.id}:role/{DOOR}"
    assert not permissions.is_allowed(function.client("sts").assume_role, RoleArn=door, RoleSessionName="it")


def test_each_account_that_cannot_be_entered_fails_the_stack_with_what_to_look_at_and_leaves_nothing(
    account, member, stack, template
):
    for name in ("", "Elsewhere"):
        if name:
            open_door(member, member, name)  # A role whose trust does not name the function's account.
        parameters = {"MemberAccountId": member.id} | ({"MemberRoleName": name} if name else {})
        assert stack.create(template, **parameters) == "ROLLBACK_COMPLETE"
        reasons = " ".join(stack.reasons())
        assert f"The role {name or DOOR} in account {member.id} could not be assumed" in reasons
        assert "invited accounts" in reasons and "trust" in reasons and "service control policy" in reasons
        assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_the_stacks_own_account_and_a_change_of_account_are_refused(account, member, stack, template):
    assert stack.create(template, MemberAccountId=account.id) == "ROLLBACK_COMPLETE"
    assert "Leave it blank" in " ".join(stack.reasons())
    assert stack.delete() == "DELETE_COMPLETE"
    stack.id = None
    open_door(member, account)
    before = stack.deploy(template, MemberAccountId=member.id)
    assert stack.update(template) == "UPDATE_ROLLBACK_COMPLETE"
    assert "An update cannot change MemberAccountId" in " ".join(stack.reasons())
    assert stack.outputs() == before and Access(member).attached() == [f"arn:aws:iam::{member.id}:policy/{POLICY}"]
    assert stack.delete() == "DELETE_COMPLETE"
