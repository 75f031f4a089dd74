"""A boundary of the customer's own, by its ARN or by its name, which accounts of an organisation share."""

import json

import pytest
from test_member_account import DOOR, open_door
from under_test import NOTHING, Access, left

from orchestera_local.stack import Stack
from orchestera_release import product

DENY_KEYS = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def boundary(account, name, document=DENY_KEYS, path="/"):
    created = account.client("iam").create_policy(PolicyName=name, Path=path, PolicyDocument=json.dumps(document))
    return created["Policy"]["Arn"]


def of(account, role):
    found = account.client("iam").get_role(RoleName=role)["Role"]
    return found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")


@pytest.mark.parametrize("path", ["/", "/company/"])
def test_a_boundary_given_by_its_name_goes_on_the_role_and_comes_off_again(account, stack, access, template, path):
    arn = boundary(account, "Boundary", path=path)
    stack.deploy(template, PermissionsBoundaryName=f"{path}Boundary"[1:])
    assert of(account, access.role_name) == arn
    stack.deploy(template, PermissionsBoundaryArn=arn)
    assert of(account, access.role_name) == arn
    stack.deploy(template)
    assert of(account, access.role_name) is None
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING | {"policies": ["Boundary"]}


def test_the_functions_own_roles_take_one_by_its_name_too(account, stack, template):
    arn = boundary(account, "Limit", ALLOW_ALL)
    for given in ({"FunctionPermissionsBoundaryName": "Limit"}, {"FunctionPermissionsBoundaryArn": arn}):
        stack.deploy(template, **given)
        assert [of(account, stack.resource(role)) for role in ("FunctionRole", "DriftScheduleRole")] == [arn, arn]
    stack.deploy(template)
    assert of(account, stack.resource("FunctionRole")) is None


def test_in_a_member_account_the_name_is_that_of_a_policy_there(aws, account, stack, template):
    member = aws.account(f"4{account.id[1:]}")
    open_door(member, account)
    arn = boundary(member, "Boundary")
    stack.deploy(template, MemberAccountId=member.id, PermissionsBoundaryName="Boundary")
    assert of(member, Access(member).role_name) == arn
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(member) == NOTHING | {"roles": [DOOR], "policies": ["Boundary"]}


def test_the_template_without_a_function_takes_the_name_too(account, access, dist):
    arn = boundary(account, "Boundary")
    stack = Stack(account, capabilities=["CAPABILITY_NAMED_IAM"])
    given = {"ExternalId": "dummy-external-id", "PermissionsBoundaryName": "Boundary"}
    stack.deploy((dist / product.NATIVE).read_text(), **given)
    assert of(account, access.role_name) == arn
