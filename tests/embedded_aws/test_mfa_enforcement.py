"""A user of a template who can do nothing without MFA but change the password and enroll a device, call by call."""

import copy
import json

import pytest
from botocore.exceptions import ClientError
from saying import code_of
from test_user_resources import NEXT, generated, template

from orchestera_local import console, mfa_device, mfa_enforcement
from orchestera_local.stack import Stack

NAME = "ann"
# What makes a device, or somebody else's rights, worthless. It is tried with everything else; here it is written out.
NEVER = ["DeactivateMFADevice", "DeleteVirtualMFADevice", "CreateAccessKey", "DeleteUserPolicy", "UpdateLoginProfile"]


@pytest.fixture
def signed_in(account):
    """Makes the user of a template, with that policy. Returns the first session, in which the password is changed."""

    def signed_in(policy=mfa_enforcement.POLICY):
        stack = Stack(account, capabilities=("CAPABILITY_NAMED_IAM",))
        wanted = template("RetainExceptOnCreate", Policies=[{"PolicyName": "mfa", "PolicyDocument": policy}])
        stack.deploy(wanted)
        return console.sign_in_with_new_password(account, NAME, generated(account, stack), NEXT)

    return signed_in


@pytest.fixture
def bucket(account):
    name = f"mfa-of-{account.id}"
    account.client("s3").create_bucket(Bucket=name)
    return name


def with_exceptions(*exceptions, **condition):
    policy = copy.deepcopy(mfa_enforcement.POLICY)
    policy["Statement"][0]["NotAction"] = list(exceptions)
    policy["Statement"][0]["Condition"] = condition or policy["Statement"][0]["Condition"]
    return policy


def test_without_mfa_a_user_can_only_enroll_it_and_with_it_everything(account, bucket, signed_in):
    session = signed_in()
    assert mfa_enforcement.not_refused(session, bucket) == []
    device = mfa_enforcement.first_steps(session, NAME, NEXT)
    # The session that was there before stays without.
    assert code_of(session.client("s3").list_buckets) == "AccessDenied"
    session = console.sign_in(account, NAME, NEXT, device.code())
    assert mfa_enforcement.refused(session, bucket) == []
    iam = session.client("iam")
    iam.create_user(UserName="bob")
    iam.delete_user(UserName="bob")


def test_nor_can_the_users_access_keys(account, bucket, signed_in):
    signed_in()
    key = account.client("iam").create_access_key(UserName=NAME)["AccessKey"]
    credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    keys = type(account)(account.endpoint, account.id, credentials)
    assert mfa_enforcement.not_refused(keys, bucket, ("iam", "sts", "s3", "lambda", "organizations")) == []
    device = mfa_enforcement.first_steps(keys, NAME, NEXT)
    given = keys.client("sts").get_session_token(SerialNumber=device.serial_number, TokenCode=device.code())
    session = console.of_credentials(account, given["Credentials"])
    assert session.client("s3").list_buckets() and session.client("iam").list_users()


def test_without_mfa_the_exceptions_reach_other_users_unless_a_second_statement_denies_it(account, signed_in):
    account.client("iam").create_user(UserName="bob")
    assert mfa_device.enroll(signed_in(), "bob")
    policy = copy.deepcopy(mfa_enforcement.POLICY)
    policy["Statement"].append(mfa_enforcement.DENY_OTHERS)
    account.client("iam").put_user_policy(UserName=NAME, PolicyName="mfa", PolicyDocument=json.dumps(policy))
    session = console.sign_in(account, NAME, NEXT)
    with pytest.raises(ClientError) as refused:
        mfa_device.enroll(session, "bob", "another")
    assert "iam:EnableMFADevice" in refused.value.response["Error"]["Message"]
    assert mfa_enforcement.first_steps(session, NAME, NEXT)


def test_the_calls_that_would_undo_it_are_among_those_that_are_refused(signed_in, bucket):
    session = signed_in()
    tried = {operation: code for _, operation, code in mfa_enforcement.answers(session, bucket, ["iam"])}
    assert {tried[operation] for operation in NEVER} == {"AccessDenied"}


def test_an_exception_too_many_is_found(signed_in, bucket):
    session = signed_in(with_exceptions(*mfa_enforcement.EXCEPTIONS, "iam:DeactivateMFADevice", "s3:List*"))
    found = [one.split()[0] for one in mfa_enforcement.not_refused(session, bucket, ["iam", "s3"])]
    assert "iam:DeactivateMFADevice" in found and "s3:ListBuckets" in found
    assert "iam:DeleteVirtualMFADevice" not in found


def test_a_condition_that_says_nothing_of_access_keys_is_found(account, signed_in, bucket):
    signed_in(with_exceptions(*mfa_enforcement.EXCEPTIONS, Bool={"aws:MultiFactorAuthPresent": "false"}))
    key = account.client("iam").create_access_key(UserName=NAME)["AccessKey"]
    credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    keys = type(account)(account.endpoint, account.id, credentials)
    assert len(mfa_enforcement.not_refused(keys, bucket, ["kms"])) > 50


def test_what_is_still_refused_with_mfa_is_found(signed_in, bucket):
    found = mfa_enforcement.refused(signed_in(), bucket, ["iam"])
    assert "iam:ListUsers AccessDenied" in found and len(found) > 50


# The password is changed at sign-in before anything else; no policy decides on GetSessionToken.
NEEDED = sorted({*mfa_enforcement.EXCEPTIONS} - {"iam:ChangePassword", "sts:GetSessionToken"})


@pytest.mark.parametrize("missing", NEEDED)
def test_each_exception_is_needed(signed_in, missing):
    session = signed_in(with_exceptions(*(one for one in mfa_enforcement.EXCEPTIONS if one != missing)))
    with pytest.raises(ClientError) as refused:
        mfa_enforcement.first_steps(session, NAME, NEXT)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert f"to perform: {missing}" in refused.value.response["Error"]["Message"]


def test_without_the_exception_for_the_password_nobody_gets_in(account, signed_in):
    others = (one for one in mfa_enforcement.EXCEPTIONS if one != "iam:ChangePassword")
    with pytest.raises(console.SignInRefused) as refused:
        signed_in(with_exceptions(*others))
    assert refused.value.code == "AccessDenied"


def test_the_commands_that_remove_the_user_remove_it(account, signed_in):
    """It stays when its stack goes, and no template deletes it with its device."""
    session = signed_in()
    mfa_enforcement.first_steps(session, NAME, NEXT)
    iam = account.client("iam")
    for device in iam.list_mfa_devices(UserName=NAME)["MFADevices"]:
        iam.deactivate_mfa_device(UserName=NAME, SerialNumber=device["SerialNumber"])
        iam.delete_virtual_mfa_device(SerialNumber=device["SerialNumber"])
    for policy in iam.list_attached_user_policies(UserName=NAME)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=NAME, PolicyArn=policy["PolicyArn"])
    for policy in iam.list_user_policies(UserName=NAME)["PolicyNames"]:
        iam.delete_user_policy(UserName=NAME, PolicyName=policy)
    assert code_of(iam.delete_user, UserName=NAME) == "DeleteConflict"
    iam.delete_login_profile(UserName=NAME)
    iam.delete_user(UserName=NAME)
    assert code_of(iam.get_user, UserName=NAME) == "NoSuchEntity"


def test_the_policy_fits_into_a_user():
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    assert len(json.dumps(mfa_enforcement.POLICY).replace(" ", "")) < 2048
