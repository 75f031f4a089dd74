"""What the policy simulator says of a user or role, and of the organization's and the boundary's part in it."""

import json

import pytest
from botocore.exceptions import ClientError

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ACTIONS = ["iam:CreateRole", "s3:GetObject"]


def document(effect, *actions, **more):
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*"} | more
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def user(account, **more):
    iam = account.client("iam")
    arn = iam.create_user(UserName="ann", **more)["User"]["Arn"]
    iam.attach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
    return arn


def simulated(account, arn, detail=None):
    """By action: the decision, or what the organization or the boundary says."""
    answer = account.client("iam").simulate_principal_policy(PolicySourceArn=arn, ActionNames=ACTIONS)
    results = answer["EvaluationResults"]
    assert [result["EvalActionName"] for result in results] == ACTIONS
    return [result.get(detail) if detail else result["EvalDecision"] for result in results]


@pytest.fixture
def control(organization):
    """Attaches a service control policy."""
    client = organization.client

    def control(target, content):
        made = client.create_policy(Name="it", Description="", Type="SERVICE_CONTROL_POLICY", Content=content)
        client.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=target)

    return control


def organizations(*allowed):
    return [{"AllowedByOrganizations": one} for one in allowed]


def test_outside_of_an_organization_there_is_no_word_of_one(account):
    arn = user(account)
    assert simulated(account, arn) == ["allowed", "allowed"]
    assert simulated(account, arn, "OrganizationsDecisionDetail") == [None, None]


@pytest.mark.parametrize("level", ["root", "unit", "account"])
def test_what_a_service_control_policy_denies_at_any_level_is_denied(organization, unit, join, control, level):
    member = join()
    arn = user(member)
    assert simulated(member, arn, "OrganizationsDecisionDetail") == organizations(True, True)
    control({"root": organization.root, "unit": unit, "account": member.id}[level], document("Deny", "iam:*"))
    assert simulated(member, arn) == ["explicitDeny", "allowed"]
    assert simulated(member, arn, "OrganizationsDecisionDetail") == organizations(False, True)


def test_a_service_control_policy_grants_nothing_and_limits_no_management_account(account, organization, join, control):
    member = join()
    control(organization.root, document("Deny", "iam:*"))
    assert simulated(account, user(account)) == ["allowed", "allowed"]
    assert simulated(account, f"arn:aws:iam::{account.id}:user/ann", "OrganizationsDecisionDetail") == [None, None]
    arn = member.client("iam").create_user(UserName="bob")["User"]["Arn"]
    assert simulated(member, arn) == ["explicitDeny", "implicitDeny"]
    assert simulated(member, arn, "OrganizationsDecisionDetail") == organizations(False, True)


def test_a_service_control_policy_with_a_condition_is_not_simulated(organization, join, control):
    member = join()
    condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    control(organization.root, document("Deny", "iam:*", Condition=condition))
    assert simulated(member, user(member)) == ["allowed", "allowed"]


def test_a_boundary_limits_what_is_allowed(account):
    boundary = account.client("iam").create_policy(PolicyName="limit", PolicyDocument=document("Allow", "s3:*"))
    arn = user(account, PermissionsBoundary=boundary["Policy"]["Arn"])
    assert simulated(account, arn) == ["implicitDeny", "allowed"]
    allowed = [{"AllowedByPermissionsBoundary": one} for one in (False, True)]
    assert simulated(account, arn, "PermissionsBoundaryDecisionDetail") == allowed


@pytest.mark.parametrize("name, code", [("root", "InvalidInput"), ("user/nobody", "NoSuchEntity")])
def test_only_a_user_or_role_that_exists_is_simulated(account, name, code):
    with pytest.raises(ClientError) as error:
        simulated(account, f"arn:aws:iam::{account.id}:{name}")
    assert error.value.response["Error"]["Code"] == code
