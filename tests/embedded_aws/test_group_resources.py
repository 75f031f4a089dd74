"""Groups of IAM and their members: in templates, and what IAM says."""

import json

import boto3
import pytest
from moto import mock_aws
from playing import ALL
from saying import code_of

from orchestera_local import mfa_device
from orchestera_local.stack import Stack

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
DOCUMENT = {"Version": "2012-10-17", "Statement": [ALL]}


@pytest.fixture
def stack(account):
    return Stack(account, capabilities=("CAPABILITY_NAMED_IAM",))


@pytest.fixture
def iam(account):
    return account.client("iam")


def template(users=(), policies=(ADMINISTRATOR,), **group):
    properties = {"ManagedPolicyArns": list(policies), **group}
    resources = {"Group": {"Type": "AWS::IAM::Group", "Properties": properties}}
    if users:
        resources["Members"] = {
            "Type": "AWS::IAM::UserToGroupAddition",
            "Properties": {"GroupName": {"Ref": "Group"}, "Users": list(users)},
        }
    outputs = {"Name": {"Value": {"Ref": "Group"}}, "Arn": {"Value": {"Fn::GetAtt": ["Group", "Arn"]}}}
    return {"Resources": resources, "Outputs": outputs}


def members(iam, group):
    return sorted(user["UserName"] for user in iam.get_group(GroupName=group)["Users"])


def attached(iam, group):
    policies = iam.list_attached_group_policies(GroupName=group)["AttachedPolicies"]
    return sorted(policy["PolicyArn"] for policy in policies)


def test_a_group_is_made_changed_and_deleted(account, stack, iam):
    outputs = stack.deploy(template(Policies=[{"PolicyName": "it", "PolicyDocument": DOCUMENT}]))
    name = outputs["Name"]
    assert outputs["Arn"] == f"arn:aws:iam::{account.id}:group/{name}"
    assert attached(iam, name) == [ADMINISTRATOR]
    assert iam.get_group_policy(GroupName=name, PolicyName="it")["PolicyDocument"] == DOCUMENT
    assert stack.deploy(template(policies=[READ_ONLY]))["Name"] == name
    assert attached(iam, name) == [READ_ONLY]
    assert not iam.list_group_policies(GroupName=name)["PolicyNames"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert code_of(iam.get_group, GroupName=name) == "NoSuchEntity"


def test_a_group_of_another_name_takes_its_place(stack, iam):
    stack.deploy(template(GroupName="before"))
    stack.deploy(template(GroupName="after"))
    assert [group["GroupName"] for group in iam.list_groups()["Groups"]] == ["after"]


def test_a_group_that_is_there_is_not_taken_over(stack, iam):
    iam.create_group(GroupName="mine")
    assert stack.create(template(GroupName="mine")) == "ROLLBACK_COMPLETE"
    assert "already exists" in " ".join(stack.reasons())
    assert members(iam, "mine") == [] == attached(iam, "mine")


def test_a_group_with_a_policy_that_does_not_exist_is_not_made(stack, iam):
    assert stack.create(template(policies=["arn:aws:iam::aws:policy/None"])) == "ROLLBACK_COMPLETE"
    assert not iam.list_groups()["Groups"]


def test_members_come_and_go(stack, iam):
    for name in ("ann", "bob", "eve"):
        iam.create_user(UserName=name)
    name = stack.deploy(template(["ann", "bob"]))["Name"]
    assert members(iam, name) == ["ann", "bob"]
    stack.deploy(template(["bob", "eve"]))
    assert members(iam, name) == ["bob", "eve"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert len(iam.list_users()["Users"]) == 3


def test_the_deletion_of_members_takes_out_who_was_one_before(stack, iam):
    iam.create_user(UserName="ann")
    iam.create_group(GroupName="mine")
    iam.add_user_to_group(GroupName="mine", UserName="ann")
    addition = {"Type": "AWS::IAM::UserToGroupAddition", "Properties": {"GroupName": "mine", "Users": ["ann"]}}
    stack.deploy({"Resources": {"Members": addition}})
    assert stack.delete() == "DELETE_COMPLETE"
    assert members(iam, "mine") == []


def test_a_member_who_does_not_exist_fails_the_stack_and_nobody_is_added(stack, iam):
    iam.create_user(UserName="ann")
    iam.create_group(GroupName="mine")
    addition = {"Type": "AWS::IAM::UserToGroupAddition", "Properties": {"GroupName": "mine", "Users": ["ann", "bob"]}}
    assert stack.create({"Resources": {"Members": addition}}) == "ROLLBACK_COMPLETE"
    assert "bob" in " ".join(stack.reasons())
    assert members(iam, "mine") == []


@pytest.mark.parametrize("what", ["member", "policy", "inline policy"])
def test_a_group_that_somebody_gave_something_is_not_deleted(stack, iam, what):
    name = stack.deploy(template())["Name"]
    if what == "member":
        iam.create_user(UserName="ann")
        iam.add_user_to_group(GroupName=name, UserName="ann")
    elif what == "policy":
        iam.attach_group_policy(GroupName=name, PolicyArn=READ_ONLY)
    else:
        iam.put_group_policy(GroupName=name, PolicyName="it", PolicyDocument=json.dumps(DOCUMENT))
    assert code_of(iam.delete_group, GroupName=name) == "DeleteConflict"
    assert stack.delete() == "DELETE_FAILED"
    assert "Cannot delete entity" in " ".join(stack.reasons())
    iam.remove_user_from_group(GroupName=name, UserName="ann") if what == "member" else None
    iam.detach_group_policy(GroupName=name, PolicyArn=READ_ONLY) if what == "policy" else None
    iam.delete_group_policy(GroupName=name, PolicyName="it") if what == "inline policy" else None
    assert stack.delete() == "DELETE_COMPLETE"


def test_what_a_group_that_is_not_deleted_needs_stays_for_the_first_time(stack, iam):
    wanted = template()
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": DOCUMENT}}
    wanted["Resources"]["Policy"] = policy
    wanted["Resources"]["Group"]["Properties"]["ManagedPolicyArns"] = [{"Ref": "Policy"}]
    name = stack.deploy(wanted)["Name"]
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName=name, UserName="ann")
    arn = stack.resource("Policy")
    assert stack.delete() == "DELETE_FAILED"
    assert iam.get_policy(PolicyArn=arn)


def test_a_name_of_a_group_has_to_be_acknowledged(account):
    stack = Stack(account, capabilities=("CAPABILITY_IAM",))
    request = stack._request(template(GroupName="mine"), {})
    assert code_of(stack.cloudformation.create_stack, **request) == "InsufficientCapabilitiesException"


@pytest.mark.parametrize("what", ["group", "inline policy", "login profile", "MFA device"])
def test_a_user_who_has_something_is_not_deleted(account, iam, what):
    iam.create_user(UserName="ann")
    if what == "group":
        iam.create_group(GroupName="mine")
        iam.add_user_to_group(GroupName="mine", UserName="ann")
    elif what == "inline policy":
        iam.put_user_policy(UserName="ann", PolicyName="it", PolicyDocument=json.dumps(DOCUMENT))
    elif what == "login profile":
        iam.create_login_profile(UserName="ann", Password="A-dummy-Passw0rd")
    else:
        mfa_device.enroll(account, "ann")
    assert code_of(iam.delete_user, UserName="ann") == "DeleteConflict"


@mock_aws
def test_the_responses_have_the_shape_of_motos(iam):
    def shapes(iam):
        made = iam.create_group(GroupName="mine")["Group"]
        iam.create_user(UserName="ann")
        added = iam.add_user_to_group(GroupName="mine", UserName="ann")
        got = iam.get_group(GroupName="mine")
        codes = [
            code_of(iam.create_group, GroupName="mine"),
            code_of(iam.add_user_to_group, GroupName="mine", UserName="bob"),
            code_of(iam.get_group, GroupName="other"),
            code_of(iam.delete_group, GroupName="other"),
        ]
        return codes, [set(one) for one in (made, added, got, got["Group"])]

    (codes, ours), (motos_codes, motos) = shapes(iam), shapes(boto3.client("iam", region_name="us-east-1"))
    assert codes == motos_codes
    # moto leaves IsTruncated out.
    assert all(those <= these <= those | {"IsTruncated"} for those, these in zip(motos, ours, strict=True))
