"""Users of a template: what of them changes, and when they stay."""

import json

import pytest
from playing import ALL
from saying import NO_FUNCTION, code_of

from orchestera_local import console, mfa_device
from orchestera_local.stack import Stack

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
DOCUMENT = {"Version": "2012-10-17", "Statement": [ALL]}
NEXT = "Another-dummy-1"
FAILURE = {"Type": "Custom::Failure", "DependsOn": "User", "Properties": {"ServiceToken": NO_FUNCTION}}


@pytest.fixture
def stack(account):
    return Stack(account, capabilities=("CAPABILITY_NAMED_IAM",))


@pytest.fixture
def iam(account):
    return account.client("iam")


def template(policy="Delete", **properties):
    """A user with a password of 32 characters that nobody has seen."""
    password = {"Fn::Sub": "{{resolve:secretsmanager:${Secret}}}"}
    wanted = {
        "UserName": "ann",
        "ManagedPolicyArns": [ADMINISTRATOR],
        "Policies": [{"PolicyName": "it", "PolicyDocument": DOCUMENT}],
        "LoginProfile": {"Password": password, "PasswordResetRequired": True},
    }
    secret = {"GenerateSecretString": {"PasswordLength": 32, "RequireEachIncludedType": True}}
    return {
        "Resources": {
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": secret},
            "User": {"Type": "AWS::IAM::User", "DeletionPolicy": policy, "Properties": wanted | properties},
        },
        "Outputs": {"Secret": {"Value": {"Ref": "Secret"}}, "Name": {"Value": {"Ref": "User"}}},
    }


def generated(account, stack):
    secrets = account.client("secretsmanager")
    return secrets.get_secret_value(SecretId=stack.outputs()["Secret"])["SecretString"]


def test_a_user_signs_in_with_the_generated_password_and_changes_it(account, stack):
    stack.deploy(template())
    password = generated(account, stack)
    assert len(password) == 32
    with pytest.raises(console.SignInRefused) as refused:
        console.sign_in(account, "ann", password)
    assert refused.value.code == "PasswordResetRequired"
    console.sign_in_with_new_password(account, "ann", password, NEXT)
    with pytest.raises(console.SignInRefused):
        console.sign_in_with_new_password(account, "ann", password, "A-third-dummy-1")
    assert console.sign_in(account, "ann", NEXT).client("sts").get_caller_identity()["Arn"].endswith(":user/ann")


@pytest.mark.parametrize("is_changed", [False, True], ids=["elsewhere", "in another property"])
def test_an_update_does_not_touch_what_it_does_not_change(account, stack, iam, is_changed):
    stack.deploy(template())
    console.sign_in_with_new_password(account, "ann", generated(account, stack), NEXT)
    device = mfa_device.enroll(account, "ann")
    iam.detach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
    wanted = template(**{"Tags": [{"Key": "one", "Value": "1"}]} if is_changed else {})
    assert stack.update(wanted | {"Description": "changed"}) == "UPDATE_COMPLETE"
    assert console.sign_in(account, "ann", NEXT, device.code())
    assert not iam.get_login_profile(UserName="ann")["LoginProfile"]["PasswordResetRequired"]
    assert iam.list_attached_user_policies(UserName="ann")["AttachedPolicies"] == []


def test_what_an_update_changes_is_changed_in_place(account, stack, iam):
    before = stack.deploy(template()) and iam.get_user(UserName="ann")["User"]["UserId"]
    stack.deploy(template(ManagedPolicyArns=[READ_ONLY], Policies=[]))
    attached = iam.list_attached_user_policies(UserName="ann")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [READ_ONLY]
    assert iam.list_user_policies(UserName="ann")["PolicyNames"] == []
    assert iam.get_user(UserName="ann")["User"]["UserId"] == before


def test_a_user_that_is_there_is_not_taken_over(stack, iam):
    iam.create_user(UserName="ann")
    assert stack.create(template()) == "ROLLBACK_COMPLETE"
    assert "already exists" in " ".join(stack.reasons())
    assert iam.list_attached_user_policies(UserName="ann")["AttachedPolicies"] == []
    assert code_of(iam.get_login_profile, UserName="ann") == "NoSuchEntity"


@pytest.mark.parametrize(
    "properties",
    [
        {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/None"]},
        {"Groups": ["none"]},
        {"LoginProfile": {"Password": "short"}},
    ],
    ids=["policy", "group", "password"],
)
def test_a_user_that_cannot_be_completed_is_not_left(stack, iam, properties):
    assert stack.create(template(**properties)) == "ROLLBACK_COMPLETE"
    assert "(Service: Iam" in " ".join(stack.reasons())
    assert code_of(iam.get_user, UserName="ann") == "NoSuchEntity"


def test_a_deletion_takes_away_what_the_template_gave(stack, iam):
    iam.create_group(GroupName="mine")
    stack.deploy(template(Groups=["mine"]))
    assert stack.delete() == "DELETE_COMPLETE"
    assert code_of(iam.get_user, UserName="ann") == "NoSuchEntity"
    assert iam.get_group(GroupName="mine")["Users"] == []


GIVEN = ["MFA device", "group", "policy", "inline policy", "access key"]


@pytest.mark.parametrize("what", GIVEN)
def test_a_user_to_whom_somebody_gave_something_is_not_deleted(account, stack, iam, what):
    stack.deploy(template())
    if what == "MFA device":
        serial = mfa_device.enroll(account, "ann").serial_number
    elif what == "group":
        iam.create_group(GroupName="mine")
        iam.add_user_to_group(GroupName="mine", UserName="ann")
    elif what == "policy":
        iam.attach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
    elif what == "inline policy":
        iam.put_user_policy(UserName="ann", PolicyName="more", PolicyDocument=json.dumps(DOCUMENT))
    else:
        key = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    assert stack.delete() == "DELETE_FAILED"
    assert "Cannot delete entity" in " ".join(stack.reasons())
    assert iam.get_user(UserName="ann")
    if what == "MFA device":
        iam.deactivate_mfa_device(UserName="ann", SerialNumber=serial)
    elif what == "group":
        iam.remove_user_from_group(GroupName="mine", UserName="ann")
    elif what == "policy":
        iam.detach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
    elif what == "inline policy":
        iam.delete_user_policy(UserName="ann", PolicyName="more")
    else:
        iam.delete_access_key(UserName="ann", AccessKeyId=key)
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_retained_user_survives_the_stack_with_password_device_and_policies(account, stack, iam):
    stack.deploy(template("RetainExceptOnCreate"))
    console.sign_in_with_new_password(account, "ann", generated(account, stack), NEXT)
    device = mfa_device.enroll(account, "ann")
    assert stack.delete() == "DELETE_COMPLETE"
    assert console.sign_in(account, "ann", NEXT, device.code()).client("iam").list_users()
    assert iam.list_user_policies(UserName="ann")["PolicyNames"] == ["it"]


def test_a_retained_user_goes_when_its_creation_is_rolled_back(stack, iam):
    wanted = template("RetainExceptOnCreate")
    wanted["Resources"]["Failure"] = FAILURE
    assert stack.create(wanted) == "ROLLBACK_COMPLETE"
    assert code_of(iam.get_user, UserName="ann") == "NoSuchEntity"
