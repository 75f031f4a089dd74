"""Passwords of IAM users: login profiles, ChangePassword, and the account's password policy."""

import pytest
import signing_in
from moto import mock_aws
from saying import code_of
from signing_in import NEXT, PASSWORD
from test_organizations_shapes import motos, shape

from orchestera_local import console

THIRD = "A-third-dummy-1"


@pytest.fixture
def iam(account):
    return account.client("iam")


@pytest.fixture
def ann(account):
    return signing_in.ann(account)


def signs_in(account, password):
    try:
        return bool(console.sign_in(account, "ann", password))
    except console.SignInRefused as refused:
        assert refused.code == "AuthenticationFailed"
        return False


def test_a_login_profile_is_created_changed_and_deleted(account, iam, ann):
    assert code_of(iam.create_login_profile, UserName="ann", Password=NEXT) == "EntityAlreadyExists"
    assert code_of(iam.create_login_profile, UserName="bob", Password=NEXT) == "NoSuchEntity"
    assert signs_in(account, PASSWORD) and not signs_in(account, NEXT)
    iam.update_login_profile(UserName="ann", Password=NEXT)
    assert signs_in(account, NEXT) and not signs_in(account, PASSWORD)
    iam.update_login_profile(UserName="ann", PasswordResetRequired=True)
    assert iam.get_login_profile(UserName="ann")["LoginProfile"]["PasswordResetRequired"]
    iam.delete_login_profile(UserName="ann")
    assert not signs_in(account, NEXT)
    for call in (iam.get_login_profile, iam.delete_login_profile, iam.update_login_profile):
        assert code_of(call, UserName="ann") == "NoSuchEntity"


def test_users_change_their_own_password_with_the_old_one(account, iam, ann):
    change = ann.client("iam").change_password
    assert code_of(change, OldPassword=NEXT, NewPassword=THIRD) == "AccessDenied"
    change(OldPassword=PASSWORD, NewPassword=NEXT)
    assert signs_in(account, NEXT) and not signs_in(account, PASSWORD)
    assert code_of(iam.change_password, OldPassword=NEXT, NewPassword=THIRD) == "InvalidUserType"
    iam.delete_login_profile(UserName="ann")
    assert code_of(change, OldPassword=NEXT, NewPassword=THIRD) == "NoSuchEntity"


def test_the_right_to_change_the_password_is_one_on_the_users_own_arn(account, iam, ann):
    statement = '{"Effect": "Deny", "Action": "iam:ChangePassword", "Resource": "arn:aws:iam::*:user/%s"}'
    for name, is_denied in [("bob", False), ("ann", True)]:
        document = f'{{"Version": "2012-10-17", "Statement": {statement % name}}}'
        iam.put_user_policy(UserName="ann", PolicyName="it", PolicyDocument=document)
        old, new = (PASSWORD, NEXT) if not is_denied else (NEXT, THIRD)
        change = ann.client("iam").change_password
        if is_denied:
            assert code_of(change, OldPassword=old, NewPassword=new) == "AccessDenied"
        else:
            change(OldPassword=old, NewPassword=new)
    assert signs_in(account, NEXT)


@pytest.mark.parametrize("password", ["Short-1", "onlylowercase", "lower-and-symbols", "ann"])
def test_without_a_policy_a_password_has_eight_characters_of_three_classes(iam, ann, password):
    iam.create_user(UserName="bob")
    assert code_of(iam.create_login_profile, UserName="bob", Password=password) == "PasswordPolicyViolation"
    assert code_of(iam.update_login_profile, UserName="ann", Password=password) == "PasswordPolicyViolation"
    change = {"OldPassword": PASSWORD, "NewPassword": password}
    assert code_of(ann.client("iam").change_password, **change) == "PasswordPolicyViolation"


def test_a_password_is_not_the_users_name(iam):
    iam.create_user(UserName="Ann-Other-1")
    refused = code_of(iam.create_login_profile, UserName="Ann-Other-1", Password="Ann-Other-1")
    assert refused == "PasswordPolicyViolation"


def test_the_accounts_policy_holds_for_every_way_to_a_password(iam, ann):
    iam.update_account_password_policy(MinimumPasswordLength=20, RequireSymbols=True, PasswordReusePrevention=2)
    long, longer, longest = ("A-dummy-of-twenty-chars", "A-dummy-of-thirty-chars", "A-dummy-of-forty-chars")
    assert code_of(iam.update_login_profile, UserName="ann", Password=NEXT) == "PasswordPolicyViolation"
    without_symbols = long.replace("-", "x")
    assert code_of(iam.update_login_profile, UserName="ann", Password=without_symbols) == "PasswordPolicyViolation"
    change = ann.client("iam").change_password
    change(OldPassword=PASSWORD, NewPassword=long)
    assert code_of(change, OldPassword=long, NewPassword=long) == "PasswordPolicyViolation"
    change(OldPassword=long, NewPassword=longer)
    assert code_of(change, OldPassword=longer, NewPassword=long) == "PasswordPolicyViolation"
    change(OldPassword=longer, NewPassword=longest)
    change(OldPassword=longest, NewPassword=long)


def test_an_account_has_no_password_policy_until_it_gets_one_and_it_is_set_as_a_whole(iam):
    assert code_of(iam.get_account_password_policy) == "NoSuchEntity"
    assert code_of(iam.delete_account_password_policy) == "NoSuchEntity"
    assert code_of(iam.update_account_password_policy, MinimumPasswordLength=129) == "ValidationError"
    iam.update_account_password_policy(MinimumPasswordLength=14, RequireNumbers=True, MaxPasswordAge=90)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["RequireNumbers"], policy["ExpirePasswords"]) == (14, True, True)
    iam.update_account_password_policy(RequireSymbols=True)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["RequireNumbers"], policy["ExpirePasswords"]) == (6, False, False)
    iam.delete_account_password_policy()
    assert code_of(iam.get_account_password_policy) == "NoSuchEntity"


def test_the_answers_have_the_keys_and_types_of_motos(account):
    def answers(iam):
        iam.create_user(UserName="ann")
        created = iam.create_login_profile(UserName="ann", Password=PASSWORD, PasswordResetRequired=True)
        iam.update_account_password_policy(MaxPasswordAge=90, PasswordReusePrevention=2)
        policy = iam.get_account_password_policy()
        return [created["LoginProfile"], iam.get_login_profile(UserName="ann")["LoginProfile"], policy]

    with mock_aws():
        expected = answers(motos("iam"))
    assert [shape(one) for one in answers(account.client("iam"))] == [shape(one) for one in expected]
