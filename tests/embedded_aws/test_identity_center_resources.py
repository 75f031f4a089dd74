"""`AWS::SSO::PermissionSet` and `AWS::SSO::Assignment` in a template."""

import json

import pytest
from assigning import (
    ADMINISTRATOR,
    HANDLE,
    NAME,
    READ_ONLY,
    Center,
    assignment,
    names,
    permission_set,
    reserved_roles,
    template,
)
from playing import ALL
from saying import NO_FUNCTION, code_of

from orchestera_local.identity_center import sign_in
from orchestera_local.stack import Stack

# What becomes of it: when the stack is deleted, when an update takes it out, when what created it is rolled back.
POLICIES = [("Retain", True, True, True), ("RetainExceptOnCreate", True, True, False), ("Delete", False, False, False)]


@pytest.fixture
def center(organization):
    return Center(organization.management)


@pytest.fixture
def stack(center):
    return Stack(center.management)


def test_a_permission_set_is_made_changed_and_deleted(center, stack):
    tags = [{"Key": "one", "Value": "1"}, {"Key": "two", "Value": "2"}]
    document = {"Version": "2012-10-17", "Statement": [ALL]}
    wanted = permission_set(center, Description="it", SessionDuration="PT12H", InlinePolicy=document, Tags=tags)
    outputs = stack.deploy(template(Set=wanted))
    arn = outputs["Arn"]
    assert outputs["Set"] == f"{center.arn}|{arn}"

    def found():
        one = center.sso.describe_permission_set(**center.of(arn))["PermissionSet"]
        policies = center.sso.list_managed_policies_in_permission_set(**center.of(arn))["AttachedManagedPolicies"]
        inline = center.sso.get_inline_policy_for_permission_set(**center.of(arn))["InlinePolicy"]
        known = center.sso.list_tags_for_resource(InstanceArn=center.arn, ResourceArn=arn)["Tags"]
        return one["Description"], one["SessionDuration"], [policy["Arn"] for policy in policies], inline, known

    description, duration, policies, inline, known = found()
    assert (description, duration, policies, known) == ("it", "PT12H", [ADMINISTRATOR], tags)
    assert json.loads(inline) == document
    changed = permission_set(center, Description="other", SessionDuration="PT1H", ManagedPolicies=[READ_ONLY])
    changed["Properties"]["Tags"] = [{"Key": "two", "Value": "3"}]
    assert stack.deploy(template(Set=changed))["Arn"] == arn
    assert found() == ("other", "PT1H", [READ_ONLY], "", [{"Key": "two", "Value": "3"}])
    assert stack.delete() == "DELETE_COMPLETE"
    assert names(center) == []


def test_an_assignment_is_made_and_deleted_with_its_permission_set(center, stack, join):
    member, ann = join(), center.user("ann")
    one = assignment(center, member.id, ann)
    outputs = stack.deploy(template(Set=permission_set(center), One=one))
    assert outputs["One"] == "|".join([center.arn, member.id, "AWS_ACCOUNT", outputs["Arn"], "USER", ann])
    assert sign_in(center.management, "ann", member.id, NAME).client("iam").list_users()
    assert stack.delete() == "DELETE_COMPLETE"
    assert names(center) == [] and reserved_roles(member) == {}


def test_another_principal_is_another_assignment(center, stack, join):
    member, ann, bob = join(), center.user("ann"), center.user("bob")
    arn = stack.deploy(template(Set=permission_set(center), One=assignment(center, member.id, ann)))["Arn"]
    stack.deploy(template(Set=permission_set(center), One=assignment(center, member.id, bob)))
    assert center.assignments(member.id, arn) == [bob]


def test_another_name_is_another_permission_set_and_its_assignments_follow(center, stack, join):
    member, ann = join(), center.user("ann")
    resources = {"One": assignment(center, member.id, ann)}
    stack.deploy(template(Set=permission_set(center), **resources))
    stack.deploy(template(Set=permission_set(center, Name="Others"), **resources))
    assert names(center) == ["Others"]
    assert sign_in(center.management, "ann", member.id, NAME) is None
    assert sign_in(center.management, "ann", member.id, "Others")
    assert len(reserved_roles(member)) == 1


def test_a_changed_permission_set_reaches_its_accounts(center, stack, join):
    member, ann = join(), center.user("ann")
    resources = {"One": assignment(center, member.id, ann)}
    stack.deploy(template(Set=permission_set(center), **resources))
    stack.deploy(template(Set=permission_set(center, ManagedPolicies=[READ_ONLY]), **resources))
    iam = sign_in(center.management, "ann", member.id, NAME).client("iam")
    assert code_of(iam.create_user, UserName="other") == "AccessDenied"


def test_a_permission_set_that_is_there_is_not_taken_over(center, stack):
    arn = center.permission_set(Description="mine")
    assert stack.create(template(Set=permission_set(center, Description="theirs"))) == "ROLLBACK_COMPLETE"
    assert "HandlerErrorCode: AlreadyExists" in " ".join(stack.reasons())
    assert center.sso.describe_permission_set(**center.of(arn))["PermissionSet"]["Description"] == "mine"


def test_an_assignment_that_is_there_is_not_taken_over(center, stack, join):
    member, ann, arn = join(), center.user("ann"), center.permission_set()
    center.assign(member.id, arn, ann)
    assert stack.create(template(One=assignment(center, member.id, ann, arn=arn))) == "ROLLBACK_COMPLETE"
    assert "HandlerErrorCode: AlreadyExists" in " ".join(stack.reasons())
    assert center.assignments(member.id, arn) == [ann]


def test_an_assignment_is_found_behind_empty_pages(center, stack, join):
    member, arn = join(), center.permission_set()
    users = [center.user(f"user{number}") for number in range(3)]
    for user in users:
        center.assign(member.id, arn, user)
    center.management.settings(empty_pages=1, page_size=1)
    assert stack.create(template(One=assignment(center, member.id, users[-1], arn=arn))) == "ROLLBACK_COMPLETE"
    assert "HandlerErrorCode: AlreadyExists" in " ".join(stack.reasons())


def test_a_permission_set_with_a_policy_that_does_not_exist_is_not_left_behind(center, stack):
    wanted = permission_set(center, ManagedPolicies=["arn:aws:iam::aws:policy/None"])
    assert stack.create(template(Set=wanted)) == "ROLLBACK_COMPLETE"
    assert names(center) == []


def test_a_permission_set_that_somebody_else_assigned_is_not_deleted(center, stack, join):
    member, ann = join(), center.user("ann")
    arn = stack.deploy(template(Set=permission_set(center)))["Arn"]
    center.assign(member.id, arn, ann)
    assert stack.delete() == "DELETE_FAILED"
    assert "HandlerErrorCode: ResourceConflict" in " ".join(stack.reasons())
    center.take(member.id, arn, ann)
    assert stack.delete() == "DELETE_COMPLETE"


def test_what_somebody_deleted_is_deleted(center, stack, join):
    member, ann = join(), center.user("ann")
    resources = {"Set": permission_set(center), "One": assignment(center, member.id, ann)}
    arn = stack.deploy(template(**resources))["Arn"]
    center.take(member.id, arn, ann)
    center.sso.delete_permission_set(**center.of(arn))
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_stack_waits_for_an_assignment_and_says_why_it_failed(center, stack, join):
    member, ann = join(), center.user("ann")
    center.management.settings(identity_center_assignment_seconds=1)
    resources = {"Set": permission_set(center), "One": assignment(center, member.id, ann)}
    arn = stack.deploy(template(**resources))["Arn"]
    assert center.assignments(member.id, arn) == [ann]
    stack.delete()
    center.management.settings(
        identity_center_assignment_seconds=0, identity_center_assignment_failures=["An unexpected exception"]
    )
    other = Stack(center.management, name="other")
    assert other.create(template(**resources)) == "ROLLBACK_COMPLETE"
    assert "failed due to: An unexpected exception" in " ".join(other.reasons())
    assert names(center) == []


def test_a_stack_in_another_region_has_no_access_to_the_instance(center):
    stack = Stack(center.management)
    stack.cloudformation = center.management.client("cloudformation", "eu-west-1")
    assert stack.create(template(Set=permission_set(center))) == "ROLLBACK_COMPLETE"
    assert "do not have sufficient access" in " ".join(stack.reasons())


@pytest.mark.parametrize("policy, deleted, taken_out, rolled_back", POLICIES)
@pytest.mark.parametrize("kind", ["permission set", "assignment"])
def test_a_policy_says_what_stays(center, join, kind, policy, deleted, taken_out, rolled_back):
    member, ann, arn = join(), center.user("ann"), center.permission_set()
    attributes = {"DeletionPolicy": policy}
    if kind == "assignment":
        resource = assignment(center, member.id, ann, arn=arn, **attributes)
    else:
        resource = permission_set(center, Name="Ours") | attributes

    def left():
        """Whether it is there. It is not any more, afterwards."""
        if kind == "assignment":
            found = bool(center.assignments(member.id, arn))
            return center.take(member.id, arn, ann) and True if found else False
        for one in center.sso.list_permission_sets(InstanceArn=center.arn)["PermissionSets"]:
            if one != arn:
                center.sso.delete_permission_set(**center.of(one))
                return True
        return False

    stack = Stack(center.management, name="deleted")
    stack.deploy(template(One=resource))
    assert stack.delete() == "DELETE_COMPLETE"
    assert left() == deleted
    stack = Stack(center.management, name="updated")
    stack.deploy(template(One=resource))
    assert stack.update({"Resources": HANDLE}) == "UPDATE_COMPLETE"
    assert left() == taken_out
    failure = {"Type": "Custom::Failure", "DependsOn": "One", "Properties": {"ServiceToken": NO_FUNCTION}}
    stack = Stack(center.management, name="rolled-back")
    assert stack.create(template(One=resource, Failure=failure)) == "ROLLBACK_COMPLETE"
    assert left() == rolled_back


@pytest.mark.parametrize("policy, stays", [("Retain", True), ("Delete", False)])
def test_a_policy_says_what_a_replacement_leaves(center, stack, join, policy, stays):
    member, ann, bob, arn = join(), center.user("ann"), center.user("bob"), center.permission_set()

    def wanted(name, user):
        attributes = {"UpdateReplacePolicy": policy}
        one = assignment(center, member.id, user, arn=arn, **attributes)
        return template(Set=permission_set(center, Name=name) | attributes, One=one)

    stack.deploy(wanted("Before", ann))
    stack.deploy(wanted("After", bob))
    assert ("Before" in names(center)) == stays and "After" in names(center)
    assert (ann in center.assignments(member.id, arn)) == stays
    assert bob in center.assignments(member.id, arn)
