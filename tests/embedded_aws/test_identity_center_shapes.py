"""The answers of Identity Center and its identity store have the shape of moto's, which we did not write."""

import json

import pytest
from assigning import ADMINISTRATOR, Center
from botocore.exceptions import ClientError
from moto import mock_aws
from playing import ALL
from shapes import different, motos, not_different

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [ALL]})
UNKNOWN = "00000000-0000-4000-8000-000000000000"
# By operation and key, where moto is behind AWS's model, with the reason.
KNOWN = {
    # It is about all accounts, and moto names one.
    ("provision_permission_set", "AccountId"),
    # moto shows an empty list.
    ("describe_group", "ExternalIds"),
    ("list_groups", "ExternalIds"),
    # Required in botocore's model since 2026.
    ("create_user", "UserArn"),
    ("create_group", "GroupArn"),
    ("create_group_membership", "MembershipArn"),
    ("describe_user", "UserArn"),
    ("describe_user", "Revision"),
    ("describe_group", "GroupArn"),
    ("describe_group", "Revision"),
    ("get_user_id", "UserArn"),
    ("get_group_id", "GroupArn"),
    ("list_users", "UserArn"),
    ("list_users", "Revision"),
    ("list_groups", "GroupArn"),
    ("list_groups", "Revision"),
    ("list_group_memberships", "MembershipArn"),
}


def sso_answers(sso, store, account):
    """Of the same calls in the same order, by name."""
    said = {}

    def call(operation, **request):
        said[operation] = getattr(sso, operation)(**request)
        return said[operation]

    (instance,) = call("list_instances")["Instances"]
    one, identity_store = {"InstanceArn": instance["InstanceArn"]}, instance["IdentityStoreId"]
    full_name = {"GivenName": "Ann", "FamilyName": "Example"}
    user = store.create_user(IdentityStoreId=identity_store, UserName="eve", DisplayName="Eve", Name=full_name)
    made = call(
        "create_permission_set",
        **one,
        Name="it",
        Description="it",
        SessionDuration="PT12H",
        RelayState="https://console.aws.amazon.com/ec2/",
        Tags=[{"Key": "one", "Value": "1"}],
    )["PermissionSet"]
    of_the_set = one | {"PermissionSetArn": made["PermissionSetArn"]}
    call("describe_permission_set", **of_the_set)
    call("update_permission_set", **of_the_set, Description="other", SessionDuration="PT2H", RelayState="https://it/")
    call("list_permission_sets", **one)
    call("attach_managed_policy_to_permission_set", **of_the_set, ManagedPolicyArn=ADMINISTRATOR)
    call("list_managed_policies_in_permission_set", **of_the_set)
    call("put_inline_policy_to_permission_set", **of_the_set, InlinePolicy=POLICY)
    call("get_inline_policy_for_permission_set", **of_the_set)
    target = {"TargetId": account, "TargetType": "AWS_ACCOUNT"}
    principal = {"PrincipalId": user["UserId"], "PrincipalType": "USER"}
    assignment = of_the_set | target | principal
    begun = call("create_account_assignment", **assignment)["AccountAssignmentCreationStatus"]
    call("describe_account_assignment_creation_status", **one, AccountAssignmentCreationRequestId=begun["RequestId"])
    call("list_account_assignments", **of_the_set, AccountId=account)
    call("list_account_assignments_for_principal", **one, **principal)
    call("provision_permission_set", **of_the_set, TargetType="ALL_PROVISIONED_ACCOUNTS")
    call("list_accounts_for_provisioned_permission_set", **of_the_set)
    call("list_permission_sets_provisioned_to_account", **one, AccountId=account)
    begun = call("delete_account_assignment", **assignment)["AccountAssignmentDeletionStatus"]
    call("describe_account_assignment_deletion_status", **one, AccountAssignmentDeletionRequestId=begun["RequestId"])
    call("detach_managed_policy_from_permission_set", **of_the_set, ManagedPolicyArn=ADMINISTRATOR)
    call("delete_inline_policy_from_permission_set", **of_the_set)
    call("delete_permission_set", **of_the_set)
    return said


def store_answers(sso, store):
    said = {}

    def call(operation, **request):
        said[operation] = getattr(store, operation)(IdentityStoreId=identity_store, **request)
        return said[operation]

    identity_store = sso.list_instances()["Instances"][0]["IdentityStoreId"]
    full_name = {"GivenName": "Ann", "FamilyName": "Example"}
    emails = [{"Value": "ann@example.com", "Type": "work", "Primary": True}]
    request = {"UserName": "ann", "DisplayName": "Ann", "Name": full_name, "Emails": emails}
    user = call("create_user", **request)["UserId"]
    group = call("create_group", DisplayName="Admins", Description="it")["GroupId"]
    for operation, path, value in [("get_user_id", "userName", "ann"), ("get_group_id", "displayName", "Admins")]:
        call(operation, AlternateIdentifier={"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}})
    call("describe_user", UserId=user)
    call("describe_group", GroupId=group)
    call("list_users")
    call("list_groups")
    membership = call("create_group_membership", GroupId=group, MemberId={"UserId": user})["MembershipId"]
    call("list_group_memberships", GroupId=group)
    call("delete_group_membership", MembershipId=membership)
    call("delete_group", GroupId=group)
    call("delete_user", UserId=user)
    return said


def codes(sso, store):
    """Of calls that are refused."""
    (instance,) = sso.list_instances()["Instances"]
    one, identity_store = {"InstanceArn": instance["InstanceArn"]}, {"IdentityStoreId": instance["IdentityStoreId"]}
    made = sso.create_permission_set(**one, Name="it")["PermissionSet"]
    other = one | {"PermissionSetArn": made["PermissionSetArn"][:-16] + "0" * 16}
    of_the_set = one | {"PermissionSetArn": made["PermissionSetArn"]}
    policy, none = {"ManagedPolicyArn": ADMINISTRATOR}, {"ManagedPolicyArn": "arn:aws:iam::aws:policy/None"}
    target = {"TargetId": "1" * 12, "TargetType": "AWS_ACCOUNT", "PrincipalId": UNKNOWN, "PrincipalType": "USER"}
    full_name = {"GivenName": "Ann", "FamilyName": "Example"}
    ann = identity_store | {"UserName": "ann", "DisplayName": "Ann", "Name": full_name}
    unique = {"AlternateIdentifier": {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": "bob"}}}
    wrong = {"AlternateIdentifier": {"UniqueAttribute": {"AttributePath": "title", "AttributeValue": "bob"}}}
    calls = [
        (sso.describe_permission_set, other),
        (sso.delete_permission_set, other),
        (sso.attach_managed_policy_to_permission_set, of_the_set | none),
        (sso.attach_managed_policy_to_permission_set, of_the_set | policy),
        (sso.attach_managed_policy_to_permission_set, of_the_set | policy),
        (sso.delete_account_assignment, of_the_set | target),
        (store.create_user, ann),
        (store.create_user, ann),
        (store.create_user, identity_store | {"UserName": "bob"}),
        (store.create_group, identity_store | {"DisplayName": "it"}),
        (store.create_group, identity_store | {"DisplayName": "it"}),
        (store.get_user_id, identity_store | unique),
        (store.get_user_id, identity_store | wrong),
        (store.describe_user, identity_store | {"UserId": UNKNOWN}),
        (store.describe_group, identity_store | {"GroupId": UNKNOWN}),
    ]
    return [code_or_nothing(operation, request) for operation, request in calls]


def code_or_nothing(operation, request):
    try:
        operation(**request)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


@pytest.fixture
def center(organization):
    return Center(organization.management)


def expected(*others, answers):
    """What moto answers to the same."""
    with mock_aws():
        return answers(motos("sso-admin"), motos("identitystore"), *others)


def all_answers(sso, store, account):
    return sso_answers(sso, store, account) | store_answers(sso, store)


def test_every_answer_has_the_keys_and_types_of_motos(center):
    account = center.management.id
    ours = all_answers(center.sso, center.store, account)
    assert different(KNOWN, expected(account, answers=all_answers), ours) == {}


def test_what_is_known_to_differ_does(center):
    account = center.management.id
    ours = all_answers(center.sso, center.store, account)
    assert not_different(KNOWN, expected(account, answers=all_answers), ours) == set()


def test_the_refusals_have_the_codes_of_motos(center):
    theirs = expected(answers=codes)
    assert codes(center.sso, center.store) == theirs
    assert theirs.count("") == 3


def test_a_refusal_of_the_identity_store_says_what_was_missing(center):
    with pytest.raises(ClientError) as error:
        center.store.describe_user(IdentityStoreId=center.store_id, UserId=UNKNOWN)
    assert error.value.response["ResourceType"] == "USER"
