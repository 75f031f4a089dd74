"""What an assignment gives: the role in its account, and the session of whoever signs in."""

import json

import pytest
from assigning import ADMINISTRATOR, NAME, READ_ONLY, Center, reserved_roles
from playing import ALL, becomes_true
from saying import code_of

from orchestera_local.identity_center import sign_in

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def center(organization):
    return Center(organization.management)


@pytest.fixture
def member(join):
    return join()


def attached(account, role):
    policies = account.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return [policy["PolicyArn"] for policy in policies]


def test_an_assignment_makes_a_role_in_its_account_and_a_user_who_signs_in_has_it(center, member):
    user = center.user("ann")
    permission_set = center.permission_set(SessionDuration="PT2H")
    request = center.request(member.id, permission_set, user)
    begun = center.sso.create_account_assignment(**request)["AccountAssignmentCreationStatus"]
    assert begun["Status"] == "IN_PROGRESS"
    assert center.created(begun["RequestId"])["Status"] == "SUCCEEDED"
    ((name, role),) = reserved_roles(member).items()
    assert name.startswith(f"AWSReservedSSO_{NAME}_") and len(name.rpartition("_")[2]) == 16
    assert role["Arn"] == f"arn:aws:iam::{member.id}:role/aws-reserved/sso.amazonaws.com/{name}"
    # What a session may last at most, whatever the permission set says.
    assert role["MaxSessionDuration"] == 12 * 60 * 60
    assert attached(member, name) == [ADMINISTRATOR]
    session = sign_in(center.management, "ann", member.id, NAME)
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{member.id}:assumed-role/{name}/ann"
    assert session.client("iam").list_roles()["Roles"]


def test_what_a_session_may_is_what_the_permission_set_gives(center, member):
    center.assign(member.id, center.permission_set(policies=[READ_ONLY]), center.user("ann"))
    iam = sign_in(center.management, "ann", member.id, NAME).client("iam")
    assert iam.list_users()["Users"] == []
    assert code_of(iam.create_user, UserName="other") == "AccessDenied"


def test_nobody_else_signs_in_and_nowhere_else(center, member, join):
    other = join()
    center.user("bob")
    permission_set = center.permission_set()
    center.permission_set("Others")
    center.assign(member.id, permission_set, center.user("ann"))
    assert sign_in(center.management, "Ann", member.id, NAME)
    for user, account, name in [
        ("bob", member.id, NAME),
        ("none", member.id, NAME),
        ("ann", other.id, NAME),
        ("ann", center.management.id, NAME),
        ("ann", member.id, "Others"),
        ("ann", member.id, "None"),
    ]:
        assert sign_in(center.management, user, account, name) is None
    member.settings(account_state="SUSPENDED")
    assert sign_in(center.management, "ann", member.id, NAME) is None


def test_nobody_assumes_the_role_by_another_way(center, member):
    center.assign(member.id, center.permission_set(), center.user("ann"))
    (role,) = reserved_roles(member).values()
    assert code_of(member.assume, role_arn=role["Arn"]) == "AccessDenied"


def test_a_member_of_a_group_has_what_the_group_has(center, member):
    ann = center.user("ann")
    center.user("bob")
    group, permission_set = center.group("Admins", ann), center.permission_set()
    center.assign(member.id, permission_set, group, kind="GROUP")
    assert sign_in(center.management, "ann", member.id, NAME)
    assert sign_in(center.management, "bob", member.id, NAME) is None
    request = {"IdentityStoreId": center.store_id, "GroupId": group}
    (one,) = center.store.list_group_memberships(**request)["GroupMemberships"]
    center.store.delete_group_membership(IdentityStoreId=center.store_id, MembershipId=one["MembershipId"])
    assert sign_in(center.management, "ann", member.id, NAME) is None


def test_the_assignments_of_a_user_are_listed_with_those_of_the_groups(center, member):
    ann, permission_set = center.user("ann"), center.permission_set()
    group = center.group("Admins", ann)
    center.assign(member.id, permission_set, group, kind="GROUP")
    center.assign(center.management.id, permission_set, ann)

    def of(principal, kind, **others):
        request = {"InstanceArn": center.arn, "PrincipalId": principal, "PrincipalType": kind, **others}
        found = center.sso.list_account_assignments_for_principal(**request)["AccountAssignments"]
        return {(one["AccountId"], one["PrincipalType"]) for one in found}

    assert of(ann, "USER") == {(member.id, "GROUP"), (center.management.id, "USER")}
    assert of(ann, "USER", Filter={"AccountId": member.id}) == {(member.id, "GROUP")}
    assert of(group, "GROUP") == {(member.id, "GROUP")}


def test_the_role_goes_with_the_last_assignment(center, member):
    ann, bob, permission_set = center.user("ann"), center.user("bob"), center.permission_set()
    for user in (ann, bob):
        center.assign(member.id, permission_set, user)
    assert center.assignments(member.id, permission_set) == [ann, bob]
    assert len(reserved_roles(member)) == 1
    center.take(member.id, permission_set, ann)
    assert center.assignments(member.id, permission_set) == [bob]
    assert len(reserved_roles(member)) == 1
    assert sign_in(center.management, "ann", member.id, NAME) is None
    assert center.deleted(center.take(member.id, permission_set, bob))["Status"] == "SUCCEEDED"
    assert reserved_roles(member) == {}
    take = center.sso.delete_account_assignment
    assert code_of(take, **center.request(member.id, permission_set, bob)) == "ResourceNotFoundException"


def test_a_permission_set_that_is_assigned_is_not_deleted(center, member):
    user, permission_set = center.user("ann"), center.permission_set()
    center.assign(member.id, permission_set, user)
    assert code_of(center.sso.delete_permission_set, **center.of(permission_set)) == "ConflictException"
    center.take(member.id, permission_set, user)
    center.sso.delete_permission_set(**center.of(permission_set))


def test_what_is_there_is_created_again_without_a_change(center, member):
    user, permission_set = center.user("ann"), center.permission_set()
    for _ in range(2):
        assert center.created(center.assign(member.id, permission_set, user))["Status"] == "SUCCEEDED"
    assert center.assignments(member.id, permission_set) == [user]


def test_an_assignment_takes_its_time(center, member):
    user, permission_set = center.user("ann"), center.permission_set()
    center.management.settings(identity_center_assignment_seconds=1.5)
    request = center.assign(member.id, permission_set, user)
    assert center.created(request)["Status"] == "IN_PROGRESS"
    assert center.assignments(member.id, permission_set) == [] and reserved_roles(member) == {}
    again = center.request(member.id, permission_set, center.user("bob"))
    assert code_of(center.sso.create_account_assignment, **again) == "ConflictException"
    assert code_of(center.sso.delete_permission_set, **center.of(permission_set)) == "ConflictException"
    assert becomes_true(lambda: center.created(request)["Status"] == "SUCCEEDED")
    assert center.assignments(member.id, permission_set) == [user]
    # One that is created is not one that is deleted.
    assert code_of(center.deleted, request=request) == "ResourceNotFoundException"


def test_an_assignment_fails_on_demand(center, member):
    user, permission_set = center.user("ann"), center.permission_set()
    center.management.settings(identity_center_assignment_failures=["An unexpected internal service exception"])
    status = center.created(center.assign(member.id, permission_set, user))
    assert (status["Status"], status["FailureReason"]) == ("FAILED", "An unexpected internal service exception")
    assert center.assignments(member.id, permission_set) == [] and reserved_roles(member) == {}
    assert center.created(center.assign(member.id, permission_set, user))["Status"] == "SUCCEEDED"


def test_an_assignment_to_nobody_or_nowhere_fails(center, member, new_account):
    user, permission_set = center.user("ann"), center.permission_set()
    group = center.group("Admins")
    for account, principal, kind in [
        (member.id, UNKNOWN, "USER"),
        (member.id, group, "USER"),
        (member.id, user, "GROUP"),
        (new_account().id, user, "USER"),
    ]:
        status = center.created(center.assign(account, permission_set, principal, kind=kind))
        assert status["Status"] == "FAILED" and "404" in status["FailureReason"]
    other = permission_set[:-16] + "0" * 16
    request = center.request(member.id, other, user)
    assert code_of(center.sso.create_account_assignment, **request) == "ResourceNotFoundException"


def test_a_changed_permission_set_reaches_its_accounts_when_it_is_provisioned(center, member):
    permission_set = center.permission_set()
    center.assign(member.id, permission_set, center.user("ann"))
    (role,) = reserved_roles(member)
    one, iam = center.of(permission_set), member.client("iam")
    center.sso.detach_managed_policy_from_permission_set(**one, ManagedPolicyArn=ADMINISTRATOR)
    center.sso.attach_managed_policy_to_permission_set(**one, ManagedPolicyArn=READ_ONLY)
    document = {"Version": "2012-10-17", "Statement": [ALL]}
    center.sso.put_inline_policy_to_permission_set(**one, InlinePolicy=json.dumps(document))
    assert attached(member, role) == [ADMINISTRATOR]
    provision = center.sso.provision_permission_set
    begun = provision(**one, TargetType="ALL_PROVISIONED_ACCOUNTS")["PermissionSetProvisioningStatus"]
    ended = center.sso.describe_permission_set_provisioning_status(
        InstanceArn=center.arn, ProvisionPermissionSetRequestId=begun["RequestId"]
    )["PermissionSetProvisioningStatus"]
    assert (begun["Status"], ended["Status"]) == ("IN_PROGRESS", "SUCCEEDED")
    assert attached(member, role) == [READ_ONLY]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    assert iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"] == document
    center.sso.delete_inline_policy_from_permission_set(**one)
    provision(**one, TargetType="AWS_ACCOUNT", TargetId=member.id)
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []
    elsewhere = {"TargetType": "AWS_ACCOUNT", "TargetId": center.management.id}
    assert code_of(provision, **one, **elsewhere) == "ResourceNotFoundException"


def test_an_assignment_of_a_policy_that_iam_does_not_take_fails(center, member):
    user, permission_set = center.user("ann"), center.permission_set()
    nothing = json.dumps({"Version": "2012-10-17", "Statement": []})
    center.sso.put_inline_policy_to_permission_set(**center.of(permission_set), InlinePolicy=nothing)
    status = center.created(center.assign(member.id, permission_set, user))
    assert status["Status"] == "FAILED" and "at least one Statement" in status["FailureReason"]
    assert center.assignments(member.id, permission_set) == [] and reserved_roles(member) == {}


def test_nobody_changes_the_role_with_iam(center, member):
    center.assign(member.id, center.permission_set(), center.user("ann"))
    (role,) = reserved_roles(member)
    iam = member.client("iam")
    for operation, request in [
        (iam.attach_role_policy, {"PolicyArn": READ_ONLY}),
        (iam.detach_role_policy, {"PolicyArn": ADMINISTRATOR}),
        (iam.put_role_policy, {"PolicyName": "it", "PolicyDocument": json.dumps({"Statement": [ALL]})}),
        (iam.update_assume_role_policy, {"PolicyDocument": json.dumps({"Statement": []})}),
        (iam.delete_role, {}),
    ]:
        assert code_of(operation, RoleName=role, **request) == "UnmodifiableEntity"
    assert attached(member, role) == [ADMINISTRATOR]


def test_outside_of_the_first_region_the_path_of_the_role_has_the_region(organization, join):
    member = join()
    center = Center(organization.management, region="eu-central-1")
    center.assign(member.id, center.permission_set(), center.user("ann"))
    (role,) = reserved_roles(member).values()
    assert role["Path"] == "/aws-reserved/sso.amazonaws.com/eu-central-1/"


def test_the_roles_go_with_the_instance(center, member):
    center.assign(member.id, center.permission_set(), center.user("ann"))
    center.management.settings(identity_center="")
    assert reserved_roles(member) == {}
    assert sign_in(center.management, "ann", member.id, NAME) is None
