"""Beside what the organization function's role is there for, nothing goes: tried with the role's own credentials."""

import json

import pytest
from assigning import Center, requests
from management import CONTACT, KINDS, TAG, Management, only

from orchestera_local import permissions
from orchestera_local.organization import Organization
from orchestera_local.run_organization import GROUP
from orchestera_local.stack import organization_template

TEMPLATE = organization_template()
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})
SOMEBODY = {"Name": "Bo", "Title": "CISO", "EmailAddress": "bo@example.com", "PhoneNumber": "+1 555 0199"}
VERBS = ("Get", "Put", "Delete")
IDENTITY_CENTER = {"SignIn": "IdentityCenter", "IdentityCenterPrincipal": "user:ann"}
PEOPLE = {"BreakGlassUser": "On", "BootstrapRole": "On"}
EVERY_CONTACT = {f"{kind}Contact": CONTACT for kind in KINDS}
# What is read there, and nothing else is done.
READS_OF_IDENTITY_CENTER = {
    "sso-admin": {
        "describe_permission_set",
        "list_account_assignments",
        "list_instances",
        "list_permission_sets",
    },
    "identitystore": {"get_group_id", "get_user_id"},
}


@pytest.fixture
def management(aws, account):
    return Management(aws, account)


class Rights:
    """What the function's role may do, tried with its credentials: the emulator lets root assume a service's role."""

    def __init__(self, management, *logical_ids, **parameters):
        self.management, self.stack = management, management.stack()
        # If nothing else is asked for, nothing but the role and its function: no event is sent.
        self.template = only(TEMPLATE, *logical_ids)
        self.template["Resources"].get("SparkAccount", {"Properties": {}})["Properties"].pop("After", None)
        self.change(**parameters)
        role = self.stack.resource("OrganizationFunctionRole")
        self.role = management.iam.get_role(RoleName=role)["Role"]["Arn"]
        self.function = management.account.assume(self.role)
        self.organizations = self.function.client("organizations")

    def change(self, **parameters):
        """Creates the stack, or updates it."""
        self.stack.deploy(self.template, **self.management.parameters(**parameters))

    def contacts(self, account=None):
        """What it may do with contacts of this account, or of a member: a verb and a kind each."""
        client, where = self.function.client("account"), {"AccountId": account} if account else {}
        calls = {
            ("Get", client.get_alternate_contact): {},
            ("Put", client.put_alternate_contact): SOMEBODY,
            ("Delete", client.delete_alternate_contact): {},
        }
        return {
            (verb, kind)
            for (verb, call), more in calls.items()
            for kind in KINDS
            if permissions.is_allowed(call, AlternateContactType=kind.upper(), **where, **more)
        }

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
    rights.change(**unit)
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


def test_the_two_roles_that_are_looked_for_are_read_in_a_path_too_and_no_other(management):
    client = Rights(management).function.client("iam")
    names = ("mgmt-org-admin", "AWSControlTowerAdmin", "it-mgmt-org-admin", "it")
    for name in names:
        management.iam.create_role(RoleName=name, Path="/a/path/", AssumeRolePolicyDocument=NOBODY)
    assert [name for name in names if not is_denied(client.get_role, RoleName=name)] == list(names[:2])


@pytest.fixture
def trusting(management):
    """A management account that may set contacts of its members."""
    management.organizations.create_organization()
    management.trust_account_management()
    return management


def test_a_contact_is_read_set_and_deleted_only_while_its_kind_has_a_parameter(trusting):
    rights = Rights(trusting)
    accounts = (None, rights.account(rights.stack.id))
    assert [rights.contacts(account) for account in accounts] == [set(), set()]
    for kinds in [*((kind,) for kind in KINDS), KINDS[1:], ()]:
        rights.change(**{f"{kind}Contact": CONTACT for kind in kinds})
        for account in accounts:
            assert rights.contacts(account) == {(verb, kind) for verb in VERBS for kind in kinds}, (kinds, account)


def test_a_contact_that_is_cleared_is_deleted_and_then_the_rights_are_gone(trusting):
    contacts = ("ManagementBillingContact", "SparkBillingContact")
    rights = Rights(trusting, "Organization", "SparkAccount", *contacts, BillingContact=CONTACT)
    (member,) = trusting.members()
    accounts = (trusting.id, member["Id"])
    assert [trusting.contact("BILLING", account) for account in accounts] == ["billing@example.com"] * 2
    # One that somebody else set.
    trusting.account.client("account").put_alternate_contact(AlternateContactType="SECURITY", **SOMEBODY)
    rights.change()
    assert [trusting.contact("BILLING", account) for account in accounts] == [None, None]
    assert trusting.contact("SECURITY") == SOMEBODY["EmailAddress"]
    assert [rights.contacts(), rights.contacts(member["Id"])] == [set(), set()]
    role = rights.stack.resource("OrganizationFunctionRole")
    assert "SetBillingContact" not in trusting.iam.list_role_policies(RoleName=role)["PolicyNames"]


def test_identity_center_is_read_only_with_that_way_to_sign_in_and_nothing_is_ever_written_there(management):
    management.organizations.create_organization()
    center = Center(management.account)
    calls = requests(center)
    rights = Rights(management)

    def allowed():
        return {
            service: {
                operation
                for operation, request in of_the_service.items()
                if permissions.is_allowed(getattr(rights.function.client(service), operation), **request)
            }
            for service, of_the_service in calls.items()
        }

    def simulated():
        """Of every action that there is, those that the emulator does not know included, on each kind of resource."""
        resources = ["*", "arn:aws:sso:::instance/ssoins-1234567890123456", f"arn:aws:sso:::account/{management.id}"]
        resources.append("arn:aws:sso:::permissionSet/ssoins-1234567890123456/ps-1234567890123456")
        resources.append(f"arn:aws:identitystore::{management.id}:identitystore/d-1234567890")
        return set().union(
            *(permissions.simulate(management.account, rights.role, of_the_services, one) for one in resources)
        )

    of_the_services = [one for one in permissions.every_action() if one.split(":")[0] in ("sso", "identitystore")]
    assert allowed() == {"sso-admin": set(), "identitystore": set()} and simulated() == set()
    rights.change(**IDENTITY_CENTER)
    assert allowed() == READS_OF_IDENTITY_CENTER
    names = {
        f"{prefix}:{management.account.client(service).meta.method_to_api_mapping[operation]}"
        for service, prefix in (("sso-admin", "sso"), ("identitystore", "identitystore"))
        for operation in READS_OF_IDENTITY_CENTER[service]
    }
    # Of tags there is no request among those above.
    assert simulated() == names | {"sso:ListTagsForResource"}


def test_what_must_never_be_possible_is_denied(management):
    organization = Organization(management.account)
    Center(management.account).user("ann")
    people = ("BreakGlassPassword", "BreakGlassAdministrator", "OrganizationAdministratorRole")
    everything = IDENTITY_CENTER | PEOPLE | EVERY_CONTACT | {"OrganizationalUnitId": organization.unit("Workloads")}
    rights = Rights(management, "Organization", *people, **everything)
    member = rights.account(rights.stack.id)
    services = ("organizations", "iam", "sts", "secretsmanager")
    organizations, iam, sts, secrets = (rights.function.client(service) for service in services)
    secret, break_glass = (rights.stack.resource(name) for name in people[:2])
    bootstrap = f"arn:aws:iam::{management.id}:role/{rights.stack.resource(people[2])}"
    # Not because the role trusts IAM users alone.
    trust = {"Effect": "Allow", "Principal": {"AWS": management.id}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    management.iam.update_assume_role_policy(RoleName="mgmt-org-admin", PolicyDocument=document)
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
        (sts.assume_role, {"RoleArn": bootstrap, "RoleSessionName": "it"}),
        (secrets.get_secret_value, {"SecretId": secret}),
        (secrets.put_secret_value, {"SecretId": secret, "SecretString": "a-dummy-password"}),
        *(
            (call, {"UserName": user} | request)
            for user in ("ann", break_glass)
            for call, request in [
                (iam.create_access_key, {}),
                (iam.create_login_profile, {"Password": "a-dummy-password"}),
                (iam.update_login_profile, {"Password": "a-dummy-password"}),
                (iam.delete_login_profile, {}),
                (iam.attach_user_policy, {"PolicyArn": administrator}),
                (iam.put_user_policy, {"PolicyName": "it", "PolicyDocument": EVERYTHING}),
                (iam.delete_user_policy, {"PolicyName": "DenyWithoutMFA"}),
                (iam.deactivate_mfa_device, {"SerialNumber": f"arn:aws:iam::{management.id}:mfa/{user}"}),
            ]
        ),
        (iam.add_user_to_group, {"GroupName": GROUP, "UserName": "ann"}),
        (iam.attach_group_policy, {"GroupName": GROUP, "PolicyArn": administrator}),
        (iam.attach_role_policy, {"RoleName": own, "PolicyArn": administrator}),
        (iam.create_policy, {"PolicyName": "It", "PolicyDocument": EVERYTHING}),
        (iam.create_role, {"RoleName": "It", "AssumeRolePolicyDocument": EVERYTHING}),
        (iam.create_user, {"UserName": "it"}),
        (iam.delete_group, {"GroupName": GROUP}),
        (iam.put_role_policy, {"RoleName": own, "PolicyName": "it", "PolicyDocument": EVERYTHING}),
        (iam.update_assume_role_policy, {"RoleName": own, "PolicyDocument": EVERYTHING}),
    ]:
        assert is_denied(call, **request), call.__name__
    # Not because they are denied to everybody here: the emulator allows root what it knows.
    root = management.account
    assert not is_denied(root.client("secretsmanager").get_secret_value, SecretId=secret)
    assert not is_denied(management.iam.create_access_key, UserName=break_glass)
    assert not is_denied(root.client("sts").assume_role, RoleArn=bootstrap, RoleSessionName="it")
    assert not is_denied(management.organizations.close_account, AccountId=member)
