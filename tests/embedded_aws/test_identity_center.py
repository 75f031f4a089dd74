"""Who has an instance of Identity Center, and what its identity store and its permission sets answer."""

import pytest
from assigning import ADMINISTRATOR, READ_ONLY, Center
from saying import code_of

SERVICE = "sso.amazonaws.com"


@pytest.fixture
def center(organization):
    return Center(organization.management)


def instances(account, region="us-east-1"):
    return account.client("sso-admin", region).list_instances()["Instances"]


def trusted(account):
    services = account.client("organizations").list_aws_service_access_for_organization()
    return [service["ServicePrincipal"] for service in services["EnabledServicePrincipals"]]


def test_an_account_has_no_instance_until_it_is_enabled(account):
    assert instances(account) == []


def test_the_instance_of_an_organization_comes_with_the_organization(account):
    account.settings(identity_center="organization")
    assert instances(account) == []
    account.client("organizations").create_organization()
    (instance,) = instances(account)
    assert (instance["OwnerAccountId"], instance["Status"]) == (account.id, "ACTIVE")
    assert instance["InstanceArn"].startswith("arn:aws:sso:::instance/ssoins-")
    assert instance["IdentityStoreId"].startswith("d-")
    assert trusted(account) == [SERVICE]


def test_the_instance_of_an_organization_can_be_enabled_later(account):
    account.client("organizations").create_organization()
    assert instances(account) == [] == trusted(account)
    account.settings(identity_center="organization")
    assert len(instances(account)) == 1
    assert trusted(account) == [SERVICE]
    account.settings(identity_center="")
    assert instances(account) == []


def test_an_organization_without_all_features_has_no_instance(account):
    account.client("organizations").create_organization(FeatureSet="CONSOLIDATED_BILLING")
    account.settings(identity_center="organization")
    assert instances(account) == []


def test_an_instance_is_the_same_from_call_to_call(center):
    assert instances(center.management) == [center.instance]


def test_an_instance_is_seen_in_its_own_region_only(organization):
    center = Center(organization.management, region="eu-central-1")
    assert instances(organization.management) == []
    elsewhere = organization.management.client("sso-admin")
    assert code_of(elsewhere.list_permission_sets, InstanceArn=center.arn) == "AccessDeniedException"
    assert center.sso.list_permission_sets(InstanceArn=center.arn)["PermissionSets"] == []
    elsewhere = organization.management.client("identitystore")
    assert code_of(elsewhere.list_users, IdentityStoreId=center.store_id) == "ResourceNotFoundException"


def test_an_account_instance_has_users_and_no_permission_sets(account):
    center = Center(account, kind="account")
    center.user("ann")
    assert code_of(center.sso.list_permission_sets, InstanceArn=center.arn) == "ValidationException"
    assert code_of(center.sso.create_permission_set, InstanceArn=center.arn, Name="it") == "ValidationException"
    assert center.sso.describe_instance(InstanceArn=center.arn)["PermissionSetsEnabled"] is False


def test_an_account_instance_is_in_the_way_when_its_account_makes_an_organization(account):
    center = Center(account, kind="account")
    account.client("organizations").create_organization()
    assert instances(account) == [center.instance]
    assert trusted(account) == []
    assert code_of(center.sso.list_permission_sets, InstanceArn=center.arn) == "ValidationException"
    # It is deleted, and the other one enabled.
    account.settings(identity_center="organization")
    (instance,) = instances(account)
    assert instance["InstanceArn"] != center.arn
    assert account.client("sso-admin").describe_instance(InstanceArn=instance["InstanceArn"])["PermissionSetsEnabled"]


def test_no_api_makes_the_instance_of_an_organization(account):
    sso = account.client("sso-admin")
    account.client("organizations").create_organization()
    assert code_of(sso.create_instance) == "ValidationException"
    assert instances(account) == []


def test_an_account_makes_and_deletes_an_instance_of_its_own(account):
    sso = account.client("sso-admin")
    arn = sso.create_instance(Name="mine")["InstanceArn"]
    assert [instance["Name"] for instance in instances(account)] == ["mine"]
    assert code_of(account.client("sso-admin", "eu-west-1").create_instance) == "ConflictException"
    sso.delete_instance(InstanceArn=arn)
    assert instances(account) == []
    assert code_of(sso.describe_instance, InstanceArn=arn) == "AccessDeniedException"


def test_a_member_sees_the_instance_of_its_organization_and_cannot_look_into_it(center, join):
    member = join()
    assert instances(member) == [center.instance]
    assert code_of(member.client("sso-admin").list_permission_sets, InstanceArn=center.arn) == "AccessDeniedException"
    store = member.client("identitystore")
    assert code_of(store.list_users, IdentityStoreId=center.store_id) == "AccessDeniedException"


def test_a_member_may_have_an_instance_of_its_own_beside_it(center, join):
    member = join()
    member.settings(identity_center="account")
    assert {one["OwnerAccountId"] for one in instances(member)} == {member.id, center.management.id}


def test_an_account_outside_of_the_organization_does_not_see_the_instance(center, new_account):
    outside = new_account()
    assert instances(outside) == []
    assert code_of(outside.client("sso-admin").list_permission_sets, InstanceArn=center.arn) == "AccessDeniedException"


def test_a_delegated_administrator_gives_access_and_not_to_the_management_account(center, join):
    member, user, permission_set = join(), center.user("ann"), center.permission_set()
    center.management.client("organizations").register_delegated_administrator(
        AccountId=member.id, ServicePrincipal=SERVICE
    )
    sso = member.client("sso-admin")
    sso.create_account_assignment(**center.request(member.id, permission_set, user))
    assert center.assignments(member.id, permission_set) == [user]
    request = center.request(center.management.id, permission_set, user)
    assert code_of(sso.create_account_assignment, **request) == "AccessDeniedException"


def test_a_kind_of_instance_that_there_is_not_is_refused(account):
    with pytest.raises(ValueError, match="identity_center is one of '', 'organization', 'account'"):
        account.settings(identity_center="organisation")


def test_a_user_and_a_group_are_found_by_what_nobody_else_has(center):
    user, group = center.user("ann"), center.group("Admins")

    def found(operation, path, value):
        identifier = {"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}}
        return operation(IdentityStoreId=center.store_id, AlternateIdentifier=identifier)

    assert found(center.store.get_user_id, "userName", "ann")["UserId"] == user
    assert found(center.store.get_user_id, "UserName", "Ann")["UserId"] == user
    assert found(center.store.get_group_id, "displayName", "Admins")["GroupId"] == group
    for operation, path, value, code in [
        (center.store.get_user_id, "userName", "bob", "ResourceNotFoundException"),
        (center.store.get_group_id, "displayName", "Users", "ResourceNotFoundException"),
        (center.store.get_user_id, "displayName", "ann", "ValidationException"),
        (center.store.get_group_id, "userName", "Admins", "ValidationException"),
    ]:
        assert code_of(found, operation=operation, path=path, value=value) == code
    assert center.store.describe_user(IdentityStoreId=center.store_id, UserId=user)["UserName"] == "ann"
    assert center.store.describe_group(IdentityStoreId=center.store_id, GroupId=group)["DisplayName"] == "Admins"


def test_a_name_of_a_user_or_a_group_is_taken_once(center):
    center.user("ann"), center.group("Admins")
    assert code_of(center.user, name="Ann") == "ConflictException"
    assert code_of(center.group, name="Admins") == "ConflictException"
    request = {"IdentityStoreId": center.store_id, "UserName": "bob"}
    assert code_of(center.store.create_user, **request) == "ValidationException"
    other = {"UserName": "bob", "DisplayName": "Bob", "Name": {"GivenName": "Bob", "FamilyName": "Example"}}
    assert code_of(center.store.create_user, IdentityStoreId="d-0000000000", **other) == "ResourceNotFoundException"


def test_a_deleted_user_belongs_to_no_group(center):
    user = center.user("ann")
    group = center.group("Admins", user)
    request = {"IdentityStoreId": center.store_id, "GroupId": group}
    assert len(center.store.list_group_memberships(**request)["GroupMemberships"]) == 1
    center.store.delete_user(IdentityStoreId=center.store_id, UserId=user)
    assert center.store.list_group_memberships(**request)["GroupMemberships"] == []


def test_a_permission_set_is_made_changed_and_deleted(center):
    tags = [{"Key": "one", "Value": "1"}]
    arn = center.permission_set(Description="it", SessionDuration="PT12H", Tags=tags)
    assert arn.startswith(f"arn:aws:sso:::permissionSet/{center.arn.rpartition('/')[2]}/ps-")

    def described():
        return center.sso.describe_permission_set(**center.of(arn))["PermissionSet"]

    assert (described()["Name"], described()["SessionDuration"]) == ("Administrators", "PT12H")
    center.sso.update_permission_set(**center.of(arn), SessionDuration="PT2H")
    assert (described()["Description"], described()["SessionDuration"]) == ("it", "PT2H")
    policies = center.sso.list_managed_policies_in_permission_set(**center.of(arn))["AttachedManagedPolicies"]
    assert policies == [{"Name": "AdministratorAccess", "Arn": ADMINISTRATOR}]
    resource = {"InstanceArn": center.arn, "ResourceArn": arn}
    assert center.sso.list_tags_for_resource(**resource)["Tags"] == tags
    center.sso.untag_resource(**resource, TagKeys=["one"])
    center.sso.tag_resource(**resource, Tags=[{"Key": "two", "Value": "2"}])
    assert center.sso.list_tags_for_resource(**resource)["Tags"] == [{"Key": "two", "Value": "2"}]
    center.sso.delete_permission_set(**center.of(arn))
    assert code_of(center.sso.describe_permission_set, **center.of(arn)) == "ResourceNotFoundException"


def test_what_is_wrong_with_a_permission_set_is_told(center):
    arn = center.permission_set()
    create, attach = center.sso.create_permission_set, center.sso.attach_managed_policy_to_permission_set
    assert code_of(create, InstanceArn=center.arn, Name="Administrators") == "ConflictException"
    for wrong in [
        {"Name": "with a blank"},
        {"Name": "a" * 33},
        {"SessionDuration": "PT30M"},
        {"Description": "\u20ac"},
    ]:
        request = {"InstanceArn": center.arn, "Name": "another"} | wrong
        assert code_of(create, **request) == "ValidationException", wrong
    assert code_of(attach, **center.of(arn), ManagedPolicyArn=ADMINISTRATOR) == "ConflictException"
    none = "arn:aws:iam::aws:policy/None"
    assert code_of(attach, **center.of(arn), ManagedPolicyArn=none) == "ResourceNotFoundException"
    own = f"arn:aws:iam::{center.management.id}:policy/mine"
    assert code_of(attach, **center.of(arn), ManagedPolicyArn=own) == "ValidationException"
    detach = center.sso.detach_managed_policy_from_permission_set
    assert code_of(detach, **center.of(arn), ManagedPolicyArn=READ_ONLY) == "ResourceNotFoundException"


def test_lists_come_in_pages_some_of_them_empty(center):
    arns = [center.permission_set(f"set{number}", policies=()) for number in range(5)]
    for number in range(5):
        center.user(f"user{number}")
    center.management.settings(empty_pages=1, page_size=2)
    pages = list(center.sso.get_paginator("list_permission_sets").paginate(InstanceArn=center.arn))
    assert [len(page["PermissionSets"]) for page in pages] == [0, 2, 0, 2, 0, 1]
    assert [arn for page in pages for arn in page["PermissionSets"]] == arns
    users = list(center.store.get_paginator("list_users").paginate(IdentityStoreId=center.store_id))
    assert [len(page["Users"]) for page in users] == [0, 2, 0, 2, 0, 1]
    (empty,) = [center.sso.list_instances()]
    assert empty["Instances"] == [] and empty["NextToken"]
    request = {"InstanceArn": center.arn, "NextToken": empty["NextToken"]}
    assert code_of(center.sso.list_permission_sets, **request) == "ValidationException"


def test_calls_are_refused_on_demand(center):
    center.management.settings(
        refusals={"ListPermissionSets": ["ThrottlingException"], "GetUserId": ["AccessDeniedException"]}
    )
    assert code_of(center.sso.list_permission_sets, InstanceArn=center.arn) == "ThrottlingException"
    assert center.sso.list_permission_sets(InstanceArn=center.arn)["PermissionSets"] == []
    identifier = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": "ann"}}
    request = {"IdentityStoreId": center.store_id, "AlternateIdentifier": identifier}
    assert code_of(center.store.get_user_id, **request) == "AccessDeniedException"
    assert code_of(center.store.get_user_id, **request) == "ResourceNotFoundException"
