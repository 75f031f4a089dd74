"""An assignment to the management account is made with the rights of whoever deploys it, and any other without them."""

import json

import pytest
from assigning import Center, assignment, names, permission_set, reserved_roles, template
from playing import ALL

from orchestera_local.iam_user import user as iam_user
from orchestera_local.stack import Stack, bucket_of, uploaded

# https://docs.aws.amazon.com/singlesignon/latest/userguide/iam-auth-access-using-id-policies.html, its second example.
ON_THE_ROLE = [
    "AttachRolePolicy",
    "CreateRole",
    "DeleteRole",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "GetRole",
    "ListAttachedRolePolicies",
    "ListRolePolicies",
    "PutRolePolicy",
    "UpdateRole",
    "UpdateRoleDescription",
]
PROVIDER = "arn:aws:iam::*:saml-provider/AWSSSO_*_DO_NOT_DELETE"
ROLES = "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*"
NEEDED = [("CreateRole", "create"), ("GetRole", "create"), ("AttachRolePolicy", "create"), ("PutRolePolicy", "create")]
NEEDED += [("DeleteRole", "delete"), ("DetachRolePolicy", "delete"), ("UpdateRole", "update")]


@pytest.fixture
def center(organization):
    return Center(organization.management)


def statements(actions=ON_THE_ROLE, provider=True):
    """Everything but IAM, and that of IAM."""
    found = [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]
    found += [{"Effect": "Allow", "Action": [f"iam:{action}" for action in actions], "Resource": ROLES}]
    return found + ([{"Effect": "Allow", "Action": "iam:GetSAMLProvider", "Resource": PROVIDER}] if provider else [])


def give(management, name, granted):
    document = json.dumps({"Version": "2012-10-17", "Statement": granted})
    management.client("iam").put_user_policy(UserName=name, PolicyName="it", PolicyDocument=document)


def deployer(management, granted, name="deployer"):
    somebody = iam_user(management, name)
    give(management, name, granted)
    return somebody


def resources(center, account, **properties):
    users = center.store.list_users(IdentityStoreId=center.store_id)["Users"]
    one = assignment(center, account, users[0]["UserId"] if users else center.user("ann"))
    inline = {"Version": "2012-10-17", "Statement": [ALL]}
    return template(Set=permission_set(center, InlinePolicy=inline, **properties), One=one)


def test_whoever_has_the_rights_of_awss_example_gives_access_to_the_management_account(center):
    management = center.management
    stack = Stack(deployer(management, statements()))
    stack.deploy(resources(center, management.id))
    assert len(reserved_roles(management)) == 1
    stack.deploy(resources(center, management.id, Description="other"))
    assert stack.delete() == "DELETE_COMPLETE"
    assert reserved_roles(management) == {}


@pytest.mark.parametrize("action, operation", NEEDED)
def test_each_right_is_needed(center, action, operation):
    management = center.management
    left = [one for one in ON_THE_ROLE if one != action]
    stack = Stack(deployer(management, statements(left if operation == "create" else ON_THE_ROLE)))
    if operation != "create":
        stack.deploy(resources(center, management.id))
        give(management, "deployer", statements(left))
    failed = {
        "create": lambda: stack.create(resources(center, management.id)) == "ROLLBACK_COMPLETE",
        "update": lambda: (
            stack.update(resources(center, management.id, Description="other")) == "UPDATE_ROLLBACK_FAILED"
        ),
        "delete": lambda: stack.delete() == "DELETE_FAILED",
    }
    assert failed[operation]()
    reasons = " ".join(stack.reasons())
    assert "Received a 403 status error: Access denied by IAM" in reasons
    assert f"is not authorized to perform: iam:{action} on resource: arn:aws:iam::{management.id}:role/" in reasons
    assert bool(reserved_roles(management)) == (operation != "create")


def test_the_right_on_the_identity_provider_is_needed(center):
    stack = Stack(deployer(center.management, statements(provider=False)))
    assert stack.create(resources(center, center.management.id)) == "ROLLBACK_COMPLETE"
    assert "iam:GetSAMLProvider" in " ".join(stack.reasons())


def test_a_member_account_needs_none_of_the_rights(center, join):
    member = join()
    stack = Stack(deployer(center.management, statements(actions=["ListRoles"], provider=False)))
    stack.deploy(resources(center, member.id))
    assert len(reserved_roles(member)) == 1


def test_a_call_needs_the_rights_too(center):
    management = center.management
    somebody = deployer(management, statements(actions=["GetRole"]))
    request = center.request(management.id, center.permission_set(), center.user("ann"))
    status = somebody.client("sso-admin").create_account_assignment(**request)["AccountAssignmentCreationStatus"]
    ended = center.created(status["RequestId"])
    assert ended["Status"] == "FAILED"
    assert "user/deployer is not authorized to perform: iam:" in ended["FailureReason"]


def test_the_service_role_of_a_stack_is_asked_in_place_of_its_deployer(center):
    management = center.management
    iam = management.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="service", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]

    def grant(granted):
        document = json.dumps({"Version": "2012-10-17", "Statement": granted})
        iam.put_role_policy(RoleName="service", PolicyName="it", PolicyDocument=document)

    without, with_all = statements(actions=["GetRole"]), statements()
    grant(without)

    def create(account, name):
        stack = Stack(account, name=name)
        request = stack._request(resources(center, management.id), {})
        stack.id = stack.cloudformation.create_stack(**request, RoleARN=role)["StackId"]
        return stack, stack._watch()

    stack, status = create(management, "first")
    assert status == "ROLLBACK_COMPLETE"
    assert "assumed-role/service/AWSCloudFormation is not authorized" in " ".join(stack.reasons())
    grant(with_all)
    stack, status = create(deployer(management, without), "second")
    assert status == "CREATE_COMPLETE"
    # The stack keeps its role.
    grant(without)
    assert stack.delete() == "DELETE_FAILED"
    grant(with_all)
    assert stack.delete() == "DELETE_COMPLETE"
    assert names(center) == []


def test_a_nested_stack_asks_the_deployer_of_its_parent(center):
    management = center.management
    address = f"https://{bucket_of(management)}.s3.us-east-1.amazonaws.com/"
    address += uploaded(management, "nested.json", json.dumps(resources(center, management.id)).encode())
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": address}}
    without = deployer(management, statements(actions=["GetRole"]), name="without")
    assert Stack(without, name="first").create({"Resources": {"Nested": nested}}) == "ROLLBACK_COMPLETE"
    assert reserved_roles(management) == {}
    with_all = deployer(management, statements(), name="with")
    assert Stack(with_all, name="second").create({"Resources": {"Nested": nested}}) == "CREATE_COMPLETE"
    assert len(reserved_roles(management)) == 1
