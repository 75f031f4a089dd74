"""Beside what the organization function's role is there for, nothing goes: tried with the role's own credentials."""

import json

import pytest
from management import TAG, Management, only

from orchestera_local import permissions
from orchestera_local.organization import Organization
from orchestera_local.run_organization import GROUP
from orchestera_local.stack import organization_template

TEMPLATE = organization_template()
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.fixture
def management(aws, account):
    return Management(aws, account)


class Rights:
    """What the function's role may do, tried with its credentials: the emulator lets root assume a service's role."""

    def __init__(self, management, **parameters):
        self.management, self.stack = management, management.stack()
        # Nothing but the role and its function: no event is sent.
        self.stack.deploy(only(TEMPLATE), **management.parameters(**parameters))
        role = management.iam.get_role(RoleName=self.stack.resource("OrganizationFunctionRole"))["Role"]["Arn"]
        self.function = management.account.assume(role)
        self.organizations = self.function.client("organizations")

    def account(self, *tags):
        """Another account of the organization, with these values of our tag."""
        number = len(self.management.creations())
        request = self.management.organizations.create_account(
            Email=f"other{number}-{self.management.id}@example.com",
            AccountName="Other",
            Tags=[{"Key": TAG, "Value": value} for value in tags],
        )["CreateAccountStatus"]["Id"]
        return self.management.organizations.describe_create_account_status(CreateAccountRequestId=request)[
            "CreateAccountStatus"
        ]["AccountId"]


def is_denied(call, **request):
    return not permissions.is_allowed(call, **request)


def test_an_account_is_created_and_tagged_with_the_tag_of_this_stack_and_with_no_other(management):
    management.organizations.create_organization()
    rights = Rights(management)
    request = {"Email": management.email, "AccountName": "It"}
    ours, theirs = {"Key": TAG, "Value": rights.stack.id}, {"Key": TAG, "Value": rights.stack.id + "0"}
    other = rights.account()
    for tags in ([], [theirs], [{"Key": "other", "Value": rights.stack.id}], [ours, {"Key": "other", "Value": "it"}]):
        assert is_denied(rights.organizations.create_account, **request, Tags=tags), tags
        assert not tags or is_denied(rights.organizations.tag_resource, ResourceId=other, Tags=tags), tags
    assert management.email not in management.accounts()
    rights.organizations.create_account(**request, Tags=[ours])
    assert management.email in management.accounts()


def test_a_tag_is_removed_only_from_an_account_of_this_stack_and_only_this_one(management):
    management.organizations.create_organization()
    rights = Rights(management)
    ours, theirs, nobodys = rights.account(rights.stack.id), rights.account("another stack"), rights.account()
    untag = rights.organizations.untag_resource
    for account in (theirs, nobodys):
        assert is_denied(untag, ResourceId=account, TagKeys=[TAG])
    assert is_denied(untag, ResourceId=ours, TagKeys=["other"])
    assert is_denied(untag, ResourceId=ours, TagKeys=[TAG, "other"])
    untag(ResourceId=ours, TagKeys=[TAG])
    assert management.tags(ours) == {} and management.tags(theirs) == {TAG: "another stack"}


def test_an_account_is_moved_only_with_a_unit_to_move_it_to_and_only_if_it_is_this_stacks(management):
    organization = Organization(management.account)
    there = {"SourceParentId": organization.root, "DestinationParentId": organization.unit("Workloads")}
    rights = Rights(management)
    ours, theirs = rights.account(rights.stack.id), rights.account("another stack")
    assert is_denied(rights.organizations.move_account, AccountId=ours, **there)
    unit = {"OrganizationalUnitId": there["DestinationParentId"]}
    rights.stack.deploy(only(TEMPLATE), **management.parameters(**unit))
    assert is_denied(rights.organizations.move_account, AccountId=theirs, **there)
    rights.organizations.move_account(AccountId=ours, **there)


def test_for_a_stack_that_names_an_existing_account_nothing_is_created(management):
    rights = Rights(management, AccountEmail="", AccountId="111122223333")
    assert is_denied(rights.organizations.create_organization)
    management.organizations.create_organization()
    tag = {"Key": TAG, "Value": rights.stack.id}
    assert is_denied(rights.organizations.create_account, Email=management.email, AccountName="It", Tags=[tag])
    assert is_denied(rights.organizations.tag_resource, ResourceId=rights.account(), Tags=[tag])


def test_the_service_linked_role_of_organizations_is_made_and_no_other(management):
    client = Rights(management).function.client("iam")
    for service in ("stacksets.cloudformation.amazonaws.com", "spot.amazonaws.com"):
        assert is_denied(client.create_service_linked_role, AWSServiceName=service), service
    assert not is_denied(client.create_service_linked_role, AWSServiceName="organizations.amazonaws.com")


def test_what_must_never_be_possible_is_denied(management):
    organization = Organization(management.account)
    rights = Rights(management, OrganizationalUnitId=organization.unit("Workloads"))
    member = rights.account(rights.stack.id)
    organizations, iam, sts = (rights.function.client(service) for service in ("organizations", "iam", "sts"))
    management.iam.create_user(UserName="ann")
    management.iam.create_group(GroupName=GROUP)
    own = rights.stack.resource("OrganizationFunctionRole")
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    role = f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole"
    for call, request in [
        (organizations.close_account, {"AccountId": member}),
        (organizations.remove_account_from_organization, {"AccountId": member}),
        (organizations.leave_organization, {}),
        (organizations.delete_organization, {}),
        (organizations.enable_all_features, {}),
        (organizations.invite_account_to_organization, {"Target": {"Id": "999999999999", "Type": "ACCOUNT"}}),
        (sts.assume_role, {"RoleArn": role, "RoleSessionName": "it"}),
        (sts.assume_role, {"RoleArn": f"arn:aws:iam::{management.id}:role/{own}", "RoleSessionName": "it"}),
        (iam.add_user_to_group, {"GroupName": GROUP, "UserName": "ann"}),
        (iam.attach_group_policy, {"GroupName": GROUP, "PolicyArn": administrator}),
        (iam.attach_role_policy, {"RoleName": own, "PolicyArn": administrator}),
        (iam.create_access_key, {"UserName": "ann"}),
        (iam.create_login_profile, {"UserName": "ann", "Password": "a-dummy-password"}),
        (iam.create_policy, {"PolicyName": "It", "PolicyDocument": EVERYTHING}),
        (iam.create_role, {"RoleName": "It", "AssumeRolePolicyDocument": EVERYTHING}),
        (iam.create_user, {"UserName": "it"}),
        (iam.delete_group, {"GroupName": GROUP}),
        (iam.put_role_policy, {"RoleName": own, "PolicyName": "it", "PolicyDocument": EVERYTHING}),
        (iam.update_assume_role_policy, {"RoleName": own, "PolicyDocument": EVERYTHING}),
    ]:
        assert is_denied(call, **request), call.__name__
    # Not because they are denied to everybody here: the emulator allows root what it knows.
    assert not is_denied(management.organizations.close_account, AccountId=member)
