"""Roles, users and managed policies of a template, and a secret that is generated for one of them."""

import json
import re

import pytest
from playing import ALL, TRUST
from saying import code_of

from orchestera_local.stack import Stack

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
DOCUMENT = {"Version": "2012-10-17", "Statement": [ALL]}


@pytest.fixture
def stack(account):
    return Stack(account, capabilities=("CAPABILITY_NAMED_IAM",))


@pytest.fixture
def iam(account):
    return account.client("iam")


def of_type(kind, **properties):
    return {"Resources": {"It": {"Type": f"AWS::IAM::{kind}", "Properties": properties}}}


def test_a_role_that_is_there_is_not_taken_over(stack, iam):
    before = iam.create_role(RoleName="Mine", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    wanted = of_type("Role", RoleName="mine", AssumeRolePolicyDocument=TRUST)
    assert stack.create(wanted) == "ROLLBACK_COMPLETE"
    assert "already exists" in " ".join(stack.reasons())
    assert iam.get_role(RoleName="Mine")["Role"]["RoleId"] == before["RoleId"]


def test_a_role_with_a_policy_that_does_not_exist_is_not_made(stack, iam):
    missing = "arn:aws:iam::aws:policy/None"
    wanted = of_type("Role", RoleName="mine", AssumeRolePolicyDocument=TRUST, ManagedPolicyArns=[missing])
    assert stack.create(wanted) == "ROLLBACK_COMPLETE"
    assert code_of(iam.get_role, RoleName="mine") == "NoSuchEntity"


def test_a_role_that_somebody_gave_a_policy_is_not_deleted(stack, iam):
    inline = [{"PolicyName": "it", "PolicyDocument": DOCUMENT}]
    stack.deploy(
        of_type(
            "Role",
            RoleName="mine",
            AssumeRolePolicyDocument=TRUST,
            Policies=inline,
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"],
        )
    )
    iam.attach_role_policy(RoleName="mine", PolicyArn=READ_ONLY)
    assert stack.delete() == "DELETE_FAILED"
    iam.detach_role_policy(RoleName="mine", PolicyArn=READ_ONLY)
    assert stack.delete() == "DELETE_COMPLETE"
    assert code_of(iam.get_role, RoleName="mine") == "NoSuchEntity"


def test_a_managed_policy_is_attached_to_groups(account, stack, iam):
    iam.create_group(GroupName="mine")
    stack.deploy(of_type("ManagedPolicy", PolicyDocument=DOCUMENT, Groups=["mine"]))
    (policy,) = iam.list_attached_group_policies(GroupName="mine")["AttachedPolicies"]
    assert policy["PolicyArn"] == stack.resource("It")
    # Who is a member may do what it says.
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="mine", UserName="ann")
    assert stack.delete() == "DELETE_COMPLETE"
    assert not iam.list_attached_group_policies(GroupName="mine")["AttachedPolicies"]


def test_a_managed_policy_for_a_group_that_is_not_there_fails_the_stack(stack, iam):
    wanted = of_type("ManagedPolicy", ManagedPolicyName="mine", PolicyDocument=DOCUMENT, Groups=["none"])
    assert stack.create(wanted) == "ROLLBACK_COMPLETE"
    assert "none cannot be found" in " ".join(stack.reasons())
    assert not iam.list_policies(Scope="Local")["Policies"]


def test_a_managed_policy_that_is_there_is_not_taken_over(account, stack, iam):
    arn = iam.create_policy(PolicyName="mine", PolicyDocument=json.dumps(DOCUMENT))["Policy"]["Arn"]
    before = iam.get_policy(PolicyArn=arn)["Policy"]["PolicyId"]
    assert stack.create(of_type("ManagedPolicy", ManagedPolicyName="mine", PolicyDocument=DOCUMENT)) == (
        "ROLLBACK_COMPLETE"
    )
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PolicyId"] == before


def test_a_managed_policy_that_somebody_attached_is_not_deleted(stack, iam):
    stack.deploy(of_type("ManagedPolicy", PolicyDocument=DOCUMENT))
    arn = stack.resource("It")
    iam.create_group(GroupName="mine")
    iam.attach_group_policy(GroupName="mine", PolicyArn=arn)
    assert stack.delete() == "DELETE_FAILED"
    iam.detach_group_policy(GroupName="mine", PolicyArn=arn)
    assert stack.delete() == "DELETE_COMPLETE"


def with_a_secret(**rules):
    generated = {"SecretStringTemplate": '{"username": "ann"}', "GenerateStringKey": "password", **rules}
    password = {"Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString:password}}"}
    return {
        "Resources": {
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": generated}},
            "User": {
                "Type": "AWS::IAM::User",
                "DeletionPolicy": "RetainExceptOnCreate",
                "Properties": {
                    "UserName": "ann",
                    "LoginProfile": {"Password": password, "PasswordResetRequired": True},
                },
            },
            "Said": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "said", "Type": "String", "Value": password},
            },
        },
        "Outputs": {"Secret": {"Value": {"Ref": "Secret"}}},
    }


def test_a_user_signs_in_with_a_secret_that_is_generated(account, stack, iam):
    arn = stack.deploy(with_a_secret())["Secret"]
    assert arn.startswith(f"arn:aws:secretsmanager:us-east-1:{account.id}:secret:")
    secrets = account.client("secretsmanager")
    secret = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert secret["username"] == "ann" and len(secret["password"]) == 32
    assert account.client("ssm").get_parameter(Name="said")["Parameter"]["Value"] == secret["password"]
    assert iam.get_login_profile(UserName="ann")["LoginProfile"]["PasswordResetRequired"]
    assert secret["password"] not in json.dumps(stack.events(), default=str)
    # Another value for the same rules would lock the user out.
    stack.update(with_a_secret() | {"Description": "changed"})
    assert json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"]) == secret
    assert stack.delete() == "DELETE_COMPLETE"
    assert code_of(secrets.get_secret_value, SecretId=arn) == "ResourceNotFoundException"
    assert iam.get_user(UserName="ann")


@pytest.mark.parametrize("attempt", range(8))
def test_a_generated_secret_obeys_its_rules(account, stack, attempt):
    wanted = with_a_secret(
        PasswordLength="4", ExcludeCharacters="abc", ExcludeUppercase="false", ExcludePunctuation="true"
    )
    # For a password of a user it is too short.
    del wanted["Resources"]["User"]
    arn = stack.deploy(wanted)["Secret"]
    secret = account.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    password = json.loads(secret)["password"]
    # Of each class that is not excluded there is one, and of four characters that is not so by chance.
    assert re.fullmatch(r"[d-zA-Z0-9]{4}", password)
    assert all(re.search(one, password) for one in ("[d-z]", "[A-Z]", "[0-9]"))


def test_a_name_that_is_made_up_is_not_that_of_a_resource_that_another_stack_left(account, stack, iam):
    wanted = of_type("ManagedPolicy", PolicyDocument=DOCUMENT)
    wanted["Resources"]["It"]["DeletionPolicy"] = "Retain"
    stack.deploy(wanted)
    left = stack.resource("It")
    stack.update(wanted | {"Description": "changed"})
    assert stack.resource("It") == left
    assert stack.delete() == "DELETE_COMPLETE"
    another = Stack(account, capabilities=stack.capabilities)
    another.deploy(wanted)
    assert another.resource("It") != left
    assert len(iam.list_policies(Scope="Local")["Policies"]) == 2
