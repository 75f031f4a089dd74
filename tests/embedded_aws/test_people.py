"""Sessions of people: which carry `aws:MultiFactorAuthPresent`, and how policies and trust policies judge by it."""

import json

import pytest
import signing_in
from saying import code_of
from signing_in import ADMINISTRATOR, NEXT, PASSWORD, PRESENT, may_list, session_token

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


def judged_by(iam, effect, **condition):
    """Gives the user that inline policy. As a Deny it is beside every right, as an Allow it is the only one."""
    (operator, values), *_ = condition.items()
    statement = {"Effect": effect, "Action": "s3:*", "Resource": "*", "Condition": {operator: values}}
    iam.put_user_policy(
        UserName="ann",
        PolicyName="it",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    if effect == "Allow" and iam.list_attached_user_policies(UserName="ann")["AttachedPolicies"]:
        iam.detach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)


# Of a request: with long-term keys, in the console without and with MFA, of GetSessionToken without and with MFA.
REQUESTS = ["keys", "console", "console with MFA", "token", "token with MFA"]
# By effect and condition, which of these may list buckets.
JUDGED = [
    ("Deny", "BoolIfExists", "false", {"console with MFA", "token with MFA"}),
    ("Deny", "Bool", "false", {"keys", "console with MFA", "token with MFA"}),
    ("Allow", "Bool", "true", {"console with MFA", "token with MFA"}),
    ("Allow", "BoolIfExists", "true", {"keys", "console with MFA", "token with MFA"}),
    ("Deny", "Null", "true", set(REQUESTS) - {"keys"}),
    ("Deny", "Null", "false", {"keys"}),
]


@pytest.mark.parametrize(("effect", "operator", "value", "allowed"), JUDGED)
def test_a_policy_judges_by_whether_there_is_mfa(account, iam, ann, effect, operator, value, allowed):
    # Before there is a device, the console asks for no code.
    requests = {"keys": ann, "token": session_token(ann), "console": console.sign_in(account, "ann", PASSWORD)}
    device = mfa_device.enroll(account, "ann")
    requests["console with MFA"] = console.sign_in(account, "ann", PASSWORD, device.code())
    requests["token with MFA"] = session_token(ann, device)
    judged_by(iam, effect, **{operator: {PRESENT: value}})
    assert {name for name in REQUESTS if may_list(requests[name])} == allowed


def test_a_policy_judges_by_how_long_ago_mfa_was(account, iam, ann, device):
    keys, session = ann, console.sign_in(account, "ann", PASSWORD, device.code())
    judged_by(iam, "Allow", NumericLessThan={"aws:MultiFactorAuthAge": "3600"})
    assert may_list(session) and not may_list(keys)
    judged_by(iam, "Allow", NumericGreaterThan={"aws:MultiFactorAuthAge": "3600"})
    assert not may_list(session)


def test_the_console_asks_for_a_code_once_there_is_a_device(account, ann, device):
    refusals = {
        "MfaCodeRequired": (PASSWORD, None),
        "AuthenticationFailed": (PASSWORD, device.wrong_code()),
    }
    for code, (password, mfa_code) in refusals.items():
        with pytest.raises(console.SignInRefused) as refused:
            console.sign_in(account, "ann", password, mfa_code)
        assert refused.value.code == code
    used = device.code()
    assert console.sign_in(account, "ann", PASSWORD, used)
    for password, mfa_code in [(PASSWORD, used), (NEXT, device.code()), (NEXT, None)]:
        with pytest.raises(console.SignInRefused) as refused:
            console.sign_in(account, "ann", password, mfa_code)
        assert refused.value.code == "AuthenticationFailed"


def test_nobody_else_signs_in(account, iam, ann):
    iam.create_user(UserName="bob")
    for name in ("bob", "nobody"):
        with pytest.raises(console.SignInRefused) as refused:
            console.sign_in(account, name, PASSWORD)
        assert refused.value.code == "AuthenticationFailed"


def test_a_code_of_another_users_device_signs_nobody_in(account, iam, ann, device):
    iam.create_user(UserName="bob")
    another = mfa_device.enroll(account, "bob")
    with pytest.raises(console.SignInRefused):
        console.sign_in(account, "ann", PASSWORD, another.code())


def test_a_password_that_has_to_be_changed_is_changed_first(account, iam, ann, device):
    iam.update_login_profile(UserName="ann", PasswordResetRequired=True)
    code = device.code()
    with pytest.raises(console.SignInRefused) as refused:
        console.sign_in(account, "ann", PASSWORD, code)
    assert refused.value.code == "PasswordResetRequired"
    with pytest.raises(console.SignInRefused) as refused:
        console.sign_in_with_new_password(account, "ann", PASSWORD, "short", device.code())
    assert refused.value.code == "PasswordPolicyViolation"
    session = console.sign_in_with_new_password(account, "ann", PASSWORD, NEXT, device.code())
    judged_by(iam, "Allow", Bool={PRESENT: "true"})
    assert may_list(session)
    assert console.sign_in(account, "ann", NEXT, device.code())


def test_to_change_the_password_at_sign_in_takes_the_right_to(account, iam, ann):
    iam.update_login_profile(UserName="ann", PasswordResetRequired=True)
    statement = {
        "Effect": "Deny",
        "NotAction": "iam:GetUser",
        "Resource": "*",
        "Condition": {"BoolIfExists": {PRESENT: "false"}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName="ann", PolicyName="it", PolicyDocument=json.dumps(document))
    with pytest.raises(console.SignInRefused) as refused:
        console.sign_in_with_new_password(account, "ann", PASSWORD, NEXT)
    assert refused.value.code == "AccessDenied"
    statement["NotAction"] = ["iam:GetUser", "iam:ChangePassword"]
    iam.put_user_policy(UserName="ann", PolicyName="it", PolicyDocument=json.dumps(document))
    assert console.sign_in_with_new_password(account, "ann", PASSWORD, NEXT)


def test_a_session_token_takes_a_right_code_of_the_callers_own_device(account, iam, ann, device):
    sts, code = ann.client("sts"), device.code()
    iam.create_user(UserName="bob")
    others = mfa_device.enroll(account, "bob")
    for request in [
        {"SerialNumber": device.serial_number, "TokenCode": device.wrong_code()},
        {"SerialNumber": others.serial_number, "TokenCode": others.code()},
        {"SerialNumber": device.serial_number},
        {"TokenCode": code},
    ]:
        assert code_of(sts.get_session_token, **request) == "AccessDenied", request
    right = {"SerialNumber": device.serial_number, "TokenCode": code}
    sts.get_session_token(**right)
    assert code_of(sts.get_session_token, **right) == "AccessDenied"


def test_a_session_token_without_mfa_is_none_for_iam(account, ann, device):
    without, with_mfa = session_token(ann), session_token(ann, device)
    assert code_of(without.client("iam").list_users) == "InvalidClientTokenId"
    assert without.client("s3").list_buckets() and with_mfa.client("iam").list_users()
    assert code_of(with_mfa.client("sts").get_session_token) == "AccessDenied"


def test_calls_without_a_user_name_are_about_the_caller(account, iam, ann, device):
    own, session = ann.client("iam"), console.sign_in(account, "ann", PASSWORD, device.code())
    for client in (own, session.client("iam")):
        assert client.get_user()["User"]["UserName"] == "ann"
        assert [one["UserName"] for one in client.list_mfa_devices()["MFADevices"]] == ["ann"]
        assert client.get_mfa_device(SerialNumber=device.serial_number)["UserName"] == "ann"
    assert iam.list_mfa_devices()["MFADevices"] == []


def test_calls_about_a_device_are_judged_by_its_arn_and_the_users(account, iam, ann):
    iam.detach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
    own = [f"arn:aws:iam::{account.id}:{kind}/ann" for kind in ("mfa", "user")]
    statement = {"Effect": "Allow", "Action": "iam:*", "Resource": own}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName="ann", PolicyName="it", PolicyDocument=json.dumps(document))
    client = ann.client("iam")
    assert code_of(client.create_virtual_mfa_device, VirtualMFADeviceName="another") == "AccessDenied"
    assert code_of(client.list_mfa_devices, UserName="bob") == "AccessDenied"
    device = mfa_device.enroll(ann, "ann")
    assert client.list_mfa_devices()["MFADevices"] and client.get_user()
    client.deactivate_mfa_device(UserName="ann", SerialNumber=device.serial_number)
    client.delete_virtual_mfa_device(SerialNumber=device.serial_number)


@pytest.mark.parametrize("place", ["resource", "resource that is not", "condition"])
def test_a_policy_that_names_the_user_by_a_variable_is_about_the_caller(account, iam, ann, place):
    iam.detach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
    iam.create_user(UserName="bob")
    own, others = (f"arn:aws:iam::{account.id}:user/{name}" for name in ("${aws:username}", "${aws:nothing}"))
    statement = {
        "resource": {"Effect": "Allow", "Resource": [own, others]},
        "resource that is not": {"Effect": "Allow", "NotResource": own},
        "condition": {
            "Effect": "Allow",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": own}, "StringEquals": {"aws:username": "${aws:username}"}},
        },
    }[place]
    document = {"Version": "2012-10-17", "Statement": [{"Action": "iam:ListMFADevices"} | statement]}
    iam.put_user_policy(UserName="ann", PolicyName="it", PolicyDocument=json.dumps(document))
    client = ann.client("iam")

    def may(name):
        try:
            return bool(client.list_mfa_devices(UserName=name))
        except client.exceptions.ClientError:
            return False

    assert (may("ann"), may("bob")) == {"resource that is not": (False, True), "condition": (True, True)}.get(
        place, (True, False)
    )
