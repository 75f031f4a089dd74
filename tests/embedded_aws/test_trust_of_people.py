"""Trust policies that ask who assumes the role, and whether there was MFA."""

import json

import pytest
import signing_in
from signing_in import ADMINISTRATOR, PASSWORD, PRESENT, may_list, session_token

from orchestera_local import console, mfa_device


@pytest.fixture
def iam(account):
    return account.client("iam")


@pytest.fixture
def ann(account):
    return signing_in.ann(account)


@pytest.fixture
def device(account, ann):
    return mfa_device.enroll(account, "ann")


@pytest.fixture
def role(account, iam):
    """Assumed by the account's users, with MFA: the trust policy of a role for people."""
    condition = {
        "Bool": {PRESENT: "true"},
        "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{account.id}:user/*"},
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = iam.create_role(RoleName="people", AssumeRolePolicyDocument=document)["Role"]
    iam.attach_role_policy(RoleName="people", PolicyArn=ADMINISTRATOR)
    return role["Arn"]


def may_assume(session, role, **request):
    try:
        return session.assume(role, **request)
    except session.client("sts").exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return None


def test_a_trust_policy_judges_by_whether_there_is_mfa(account, ann, role):
    without = [ann, session_token(ann), console.sign_in(account, "ann", PASSWORD)]
    device = mfa_device.enroll(account, "ann")
    with_mfa = [console.sign_in(account, "ann", PASSWORD, device.code()), session_token(ann, device)]
    assert [bool(may_assume(session, role)) for session in without] == [False] * 3
    assert [bool(may_assume(session, role)) for session in with_mfa] == [True] * 2


def test_a_code_beside_assume_role_counts_for_the_trust_policy(account, iam, ann, device, role):
    wrong = {"SerialNumber": device.serial_number, "TokenCode": device.wrong_code()}
    assert not may_assume(ann, role, **wrong)
    right = {"SerialNumber": device.serial_number, "TokenCode": device.code()}
    assert may_assume(ann, role, **right)
    assert not may_assume(ann, role, **right)
    # Nor does it count for the next call of the same client.
    assert not may_assume(ann, role)


def test_a_code_beside_assume_role_counts_for_the_callers_policies(account, iam, ann, device, role):
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"BoolIfExists": {PRESENT: "false"}}}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName="ann", PolicyName="it", PolicyDocument=json.dumps(document))
    assert not may_assume(ann, role)
    assert may_assume(ann, role, SerialNumber=device.serial_number, TokenCode=device.code())


def test_the_session_of_a_role_says_nothing_of_mfa(account, iam, ann, device, role):
    session = may_assume(ann, role, SerialNumber=device.serial_number, TokenCode=device.code())
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {PRESENT: "true"}}}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName="people", PolicyName="it", PolicyDocument=json.dumps(document))
    assert may_list(session)


def test_only_users_assume_the_role_and_only_with_the_right_to(account, iam, ann, device, role):
    with_mfa = console.sign_in(account, "ann", PASSWORD, device.code())
    assert not may_assume(account, role)
    # The same role again, by its own session: it is none of the users.
    assert not may_assume(may_assume(with_mfa, role), role)
    iam.detach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
    assert not may_assume(with_mfa, role)
    right = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    document = {"Version": "2012-10-17", "Statement": [right]}
    iam.put_user_policy(UserName="ann", PolicyName="it", PolicyDocument=json.dumps(document))
    assert may_assume(with_mfa, role)


def test_a_users_path_is_part_of_the_arn_that_a_trust_policy_judges(account, iam, role):
    iam.create_user(UserName="eve", Path="/people/")
    iam.attach_user_policy(UserName="eve", PolicyArn=ADMINISTRATOR)
    iam.create_login_profile(UserName="eve", Password=PASSWORD)
    device = mfa_device.enroll(account, "eve")
    session = console.sign_in(account, "eve", PASSWORD, device.code())
    assert session.client("sts").get_caller_identity()["Arn"].endswith(":user/people/eve")
    assert may_assume(session, role)


@pytest.mark.parametrize("path", ["/", "/some/path/"])
def test_the_principal_of_a_roles_session_is_the_role(account, iam, ann, path):
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="role", Path=path, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    session = ann.assume(role)
    for pattern, allowed in [(role, True), (role.replace(":role/", ":user/"), False), (session_of(session), False)]:
        statement = {
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": pattern}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName="role", PolicyName="it", PolicyDocument=policy)
        assert may_list(session) is allowed, pattern


def session_of(account):
    return account.client("sts").get_caller_identity()["Arn"]
