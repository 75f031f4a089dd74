"""The function's role is as small as it can be: without any one action something fails, and beside them nothing goes.

`make -C tests function-role` runs this file alone and lists the actions. The organization function's role is in
`test_organization_role.py`; `make prove-role` runs both.
"""

import json

import pytest
from under_test import POLICY, ROLE, actions, tags_of, without

from orchestera_local import guide, permissions
from orchestera_local import stack as stacks

DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


ACTIONS = [action for action in actions(stacks.template()) if action.startswith("iam:")]
LOG_ACTIONS = [action for action in actions(stacks.template()) if action.startswith("logs:")]


class Denied(Exception):
    """The stack operation failed; its text is the reasons."""


def live(stack, template, iam):
    """A stack's life in which all happens that the function is there for. Raises `Denied` at the first failure."""

    def ends(status, wanted):
        if status != wanted:
            raise Denied(" ".join(stack.reasons()))

    boundary = iam.create_policy(PolicyName="Boundary", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    theirs = iam.create_policy(PolicyName="Theirs", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    ours = f"arn:aws:iam::{stack.account.id}:policy/{POLICY}"
    ends(stack.create(template, PermissionsBoundaryArn=boundary, OnDelete="DeleteAll"), "CREATE_COMPLETE")
    # Drift of every kind, and five versions.
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=TRUST)
    iam.update_role(RoleName=ROLE, MaxSessionDuration=7200)
    iam.delete_role_permissions_boundary(RoleName=ROLE)
    iam.untag_role(RoleName=ROLE, TagKeys=["orchestera:ownership"])
    iam.untag_policy(PolicyArn=ours, TagKeys=["orchestera:ownership"])
    for _ in range(4):
        iam.create_policy_version(PolicyArn=ours, PolicyDocument=DOCUMENT, SetAsDefault=True)
    # To DeleteAll, which is remembered in a tag, and back, which takes it off.
    ends(stack.update(template, PermissionsBoundaryArn=boundary, OnDelete="DeleteCreated"), "UPDATE_COMPLETE")
    ends(stack.update(template, PermissionsBoundaryArn=boundary, OnDelete="DeleteAll"), "UPDATE_COMPLETE")
    ends(stack.update(template, PermissionsBoundaryArn="", OnDelete="DeleteCreated"), "UPDATE_COMPLETE")
    ends(stack.update(template, AccessState="Suspended"), "UPDATE_COMPLETE")
    ends(stack.update(template, AccessState="Suspended", MaxSessionDuration=7200), "UPDATE_COMPLETE")
    ends(stack.update(template), "UPDATE_COMPLETE")
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=theirs)
    iam.put_role_policy(RoleName=ROLE, PolicyName="inline", PolicyDocument=DOCUMENT)
    ends(stack.delete(), "DELETE_COMPLETE")
    # A pair made by hand, taken over and put back, with another version in force than before.
    guide.follow(stack.account, edition="2026-02-06")
    ends(stack.create(template, PermissionsBoundaryArn=boundary), "CREATE_COMPLETE")
    ends(stack.delete(), "DELETE_COMPLETE")


def test_with_its_role_the_function_does_everything_that_it_is_there_for(stack, template, iam):
    live(stack, template, iam)


@pytest.mark.parametrize("action", ACTIONS)
def test_without_any_one_action_something_fails_and_the_action_is_named(stack, template, iam, action):
    with pytest.raises(Denied, match=f"not allowed to call {action} "):
        live(stack, without(template, action), iam)


@pytest.mark.parametrize("action", LOG_ACTIONS)
def test_without_a_right_to_its_log_the_log_stays_empty(account, stack, template, action):
    logs = account.client("logs")

    def lines():
        (group,) = logs.describe_log_groups()["logGroups"]
        return logs.filter_log_events(logGroupName=group["logGroupName"])["events"]

    # A line is written when the function has ended, a moment after its answer: so there is one more event each time.
    stack.deploy(without(template, action))
    stack.deploy(without(template, action), OnExisting="Fail")
    assert lines() == []
    stack.deploy(template)
    stack.deploy(template, OnExisting="Fail")
    assert lines() != []


@pytest.fixture
def as_function(account, stack, template, iam):
    """Deploys, and returns an IAM client with the function's rights: the emulator lets root assume a service's role."""

    def with_parameters(**parameters):
        stack.deploy(template, **parameters)
        role = iam.get_role(RoleName=stack.resource("FunctionRole"))["Role"]["Arn"]
        return account.assume(role).client("iam")

    return with_parameters


def is_denied(call, **request):
    return not permissions.is_allowed(call, **request)


def test_the_function_reaches_no_other_role_and_no_other_policy(account, iam, as_function):
    function = as_function()
    policy = iam.create_policy(PolicyName="Other", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    iam.create_role(RoleName="Other", AssumeRolePolicyDocument=TRUST)
    other_role, other_policy = {"RoleName": "Other"}, {"PolicyArn": policy}
    for call, request in [
        (function.get_role, other_role),
        (function.create_role, {"RoleName": "New", "AssumeRolePolicyDocument": TRUST}),
        (function.update_assume_role_policy, other_role | {"PolicyDocument": TRUST}),
        (function.update_role, other_role | {"MaxSessionDuration": 7200}),
        (function.tag_role, other_role | {"Tags": [{"Key": "a", "Value": "b"}]}),
        (function.untag_role, other_role | {"TagKeys": ["a"]}),
        (function.attach_role_policy, other_role | {"PolicyArn": f"arn:aws:iam::{account.id}:policy/{POLICY}"}),
        (function.detach_role_policy, other_role | other_policy),
        (function.put_role_policy, other_role | {"PolicyName": "inline", "PolicyDocument": DOCUMENT}),
        (function.delete_role_policy, other_role | {"PolicyName": "inline"}),
        (function.delete_role, other_role),
        (function.delete_role_permissions_boundary, other_role),
        (function.get_policy, other_policy),
        (function.create_policy, {"PolicyName": "New", "PolicyDocument": DOCUMENT}),
        (function.create_policy_version, other_policy | {"PolicyDocument": DOCUMENT}),
        (function.tag_policy, other_policy | {"Tags": [{"Key": "a", "Value": "b"}]}),
        (function.delete_policy, other_policy),
    ]:
        assert is_denied(call, **request), call


def test_the_function_does_nothing_but_what_it_is_there_for_even_to_its_own_role(account, stack, as_function):
    function = as_function()
    assert is_denied(
        function.put_role_permissions_boundary,
        RoleName=ROLE,
        PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess",
    )
    assert is_denied(function.create_user, UserName="somebody")
    role = f"arn:aws:iam::{account.id}:role/{stack.resource('FunctionRole')}"
    for service, call in [
        (
            "sts",
            lambda client: client.assume_role(RoleArn=f"arn:aws:iam::{account.id}:role/{ROLE}", RoleSessionName="it"),
        ),
        ("logs", lambda client: client.create_log_group(logGroupName="another")),
    ]:
        assert is_denied(call, client=account.assume(role).client(service)), service


def test_the_function_attaches_its_own_policy_and_detaches_any(iam, access, as_function):
    function = as_function()
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    function.detach_role_policy(RoleName=ROLE, PolicyArn=access.policy_arn)
    function.attach_role_policy(RoleName=ROLE, PolicyArn=access.policy_arn)
    assert is_denied(function.attach_role_policy, RoleName=ROLE, PolicyArn=administrator)
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=administrator)
    function.detach_role_policy(RoleName=ROLE, PolicyArn=administrator)


def test_where_a_boundary_is_chosen_the_function_sets_that_one_and_removes_none(iam, access, as_function):
    boundary, other = (
        iam.create_policy(PolicyName=name, PolicyDocument=DOCUMENT)["Policy"]["Arn"] for name in ("One", "Two")
    )
    function = as_function(PermissionsBoundaryArn=boundary)
    function.put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=boundary)
    assert is_denied(function.put_role_permissions_boundary, RoleName=ROLE, PermissionsBoundary=other)
    assert is_denied(function.delete_role_permissions_boundary, RoleName=ROLE)
    function.detach_role_policy(RoleName=ROLE, PolicyArn=access.policy_arn)
    function.delete_role(RoleName=ROLE)
    assert is_denied(function.create_role, RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
    assert is_denied(function.create_role, RoleName=ROLE, AssumeRolePolicyDocument=TRUST, PermissionsBoundary=other)
    function.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST, PermissionsBoundary=boundary)


def test_what_another_stack_has_tagged_is_out_of_the_functions_reach(iam, access, as_function):
    function = as_function()
    theirs = [{"Key": "orchestera:stack-id", "Value": "arn:aws:cloudformation:us-east-1:111122223333:stack/another/1"}]
    iam.tag_role(RoleName=ROLE, Tags=theirs)
    iam.tag_policy(PolicyArn=access.policy_arn, Tags=theirs)
    role, policy = {"RoleName": ROLE}, {"PolicyArn": access.policy_arn}
    function.get_role(**role)
    for call, request in [
        (function.update_assume_role_policy, role | {"PolicyDocument": TRUST}),
        (function.update_role, role | {"MaxSessionDuration": 7200}),
        (function.tag_role, role | {"Tags": [{"Key": "a", "Value": "b"}]}),
        (function.untag_role, role | {"TagKeys": ["orchestera:stack-id"]}),
        (function.attach_role_policy, role | policy),
        (function.detach_role_policy, role | policy),
        (function.delete_role_policy, role | {"PolicyName": "inline"}),
        (function.delete_role_permissions_boundary, role),
        (function.delete_role, role),
        (function.create_policy_version, policy | {"PolicyDocument": DOCUMENT}),
        (function.delete_policy_version, policy | {"VersionId": "v1"}),
        (function.tag_policy, policy | {"Tags": [{"Key": "a", "Value": "b"}]}),
        (function.untag_policy, policy | {"TagKeys": ["orchestera:stack-id"]}),
        (function.delete_policy, policy),
    ]:
        assert is_denied(call, **request), call
    # The off switch alone does not depend on tags: its target may change them.
    function.put_role_policy(**role, PolicyName="OrchesteraSuspended", PolicyDocument=DOCUMENT)
    # Without any such tag they are within reach again: somebody may have taken ours off.
    iam.untag_role(**role, TagKeys=["orchestera:stack-id"])
    assert "orchestera:stack-id" not in tags_of(access.role())
    function.update_role(**role, MaxSessionDuration=7200)
