"""What organization.yaml lets its function do: every right, its limits, and when it is there at all.

That each is needed is in `test_organization_role.py`.
"""

import re

import pytest
from management import KINDS
from test_organization_resources import CONTACTS
from under_test import statements

from orchestera_local import permissions
from orchestera_local.stack import organization_template

THIS_STACK = {"Ref": "AWS::StackId"}


OUR_TAG_ONLY = {"aws:TagKeys": ["orchestera:stack-id"]}


ACCOUNTS = {"Fn::Sub": "arn:${AWS::Partition}:organizations::${AWS::AccountId}:account/*"}


@pytest.fixture
def template():
    return organization_template()


@pytest.fixture
def resources(template):
    return template["Resources"]


@pytest.fixture
def granted(template):
    """The statement of each action of the function's role."""
    return [
        (action, statement) for statement in statements(template) for action in permissions.as_list(statement["Action"])
    ]


NEVER = ["CloseAccount", "RemoveAccountFromOrganization", "LeaveOrganization", "DeleteOrganization"]


NEVER += ["EnableAllFeatures", "InviteAccountToOrganization", "AttachPolicy", "DetachPolicy", "EnableAWSServiceAccess"]


@pytest.mark.parametrize(
    "action",
    [f"organizations:{name}" for name in NEVER]
    + ["sts:AssumeRole", "iam:AddUserToGroup", "iam:CreateLoginProfile", "secretsmanager:GetSecretValue"]
    + ["sso:CreateAccountAssignment", "sso:CreatePermissionSet", "identitystore:CreateUser"],
)
def test_a_right_that_must_never_be_there_is_in_no_statement(granted, resources, action):
    for one, statement in granted:
        assert not re.fullmatch(one.replace("*", ".*"), action, re.IGNORECASE) and "NotAction" not in statement
    role = resources["OrganizationFunctionRole"]["Properties"]
    assert not role.keys() & {"ManagedPolicyArns", "Policies"}
    assert "Policies" not in resources["OrganizationFunction"]["Properties"]
    of_the_role = [
        name
        for name, one in resources.items()
        if {"Ref": "OrganizationFunctionRole"} in one["Properties"].get("Roles", [])
    ]
    contacts = [f"{kind}ContactPolicy" for kind in KINDS]
    assert of_the_role == ["OrganizationFunctionPolicy", *contacts, "OrganizationFunctionLogPolicy"]


def test_the_function_has_these_rights_and_no_other(granted):
    reads = "DescribeCreateAccountStatus DescribeOrganization DescribePolicy ListAccounts ListCreateAccountStatus "
    reads += "ListDelegatedAdministrators ListHandshakesForOrganization ListParents ListPoliciesForTarget ListRoots "
    reads += "ListTagsForResource ListAWSServiceAccessForOrganization"
    writes = "CreateAccount CreateOrganization MoveAccount MoveAccount TagResource UntagResource"
    expected = [f"organizations:{name}" for name in f"{reads} {writes}".split()]
    expected += [f"iam:{name}" for name in ("GetAccountSummary", "GetGroup", "GetRole", "GetUser")]
    expected += [f"cloudformation:{name}" for name in ("DescribeStackResource", "DescribeStackSet", "DescribeStacks")]
    expected += ["cloudformation:ListStackSets", "freetier:GetAccountPlanState", "servicequotas:GetServiceQuota"]
    expected += ["iam:CreateServiceLinkedRole", "logs:CreateLogStream", "logs:PutLogEvents"]
    # Each only where it was opted in.
    expected += ["iam:GetAccountPasswordPolicy", "identitystore:GetGroupId", "identitystore:GetUserId"]
    expected += ["sso:DescribePermissionSet", "sso:ListAccountAssignments", "sso:ListInstances"]
    expected += ["sso:ListPermissionSets", "sso:ListTagsForResource", "account:GetAlternateContact"]
    expected += [f"account:{verb}AlternateContact" for verb in ("Delete", "Get", "Put")] * len(KINDS)
    assert sorted(action for action, _ in granted) == sorted(expected)
    for _, statement in granted:
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert statement["Effect"] == "Allow"


def test_every_write_is_limited_to_what_is_this_stacks(granted):
    writes = {}
    for action, statement in granted:
        if re.search(r":(Create|Tag|Untag|Move|Put|Delete)", action) and not action.startswith("logs:"):
            writes.setdefault(action, []).append((statement["Resource"], statement.get("Condition")))
    created = {
        "StringEquals": {"aws:RequestTag/orchestera:stack-id": THIS_STACK},
        "ForAllValues:StringEquals": OUR_TAG_ONLY,
    }
    ours = {"StringEquals": {"aws:ResourceTag/orchestera:stack-id": THIS_STACK}}
    place = "arn:${AWS::Partition}:organizations::${AWS::AccountId}"
    linked_role = "role/aws-service-role/organizations.amazonaws.com/*"
    account = "arn:${AWS::Partition}:account::${AWS::AccountId}:account"
    of_a_kind = [
        (
            [{"Fn::Sub": account}, {"Fn::Sub": f"{account}/o-*"}],
            {"ForAnyValue:StringEquals": {"account:AlternateContactTypes": [kind.upper()]}},
        )
        for kind in KINDS
    ]
    assert writes == {
        "account:PutAlternateContact": of_a_kind,
        "account:DeleteAlternateContact": of_a_kind,
        "organizations:CreateOrganization": [("*", None)],
        "iam:CreateServiceLinkedRole": [
            (
                {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{linked_role}"},
                {"StringEquals": {"iam:AWSServiceName": "organizations.amazonaws.com"}},
            )
        ],
        "organizations:CreateAccount": [("*", created)],
        "organizations:TagResource": [("*", created)],
        "organizations:UntagResource": [(ACCOUNTS, ours | {"ForAllValues:StringEquals": OUR_TAG_ONLY})],
        "organizations:MoveAccount": [
            (ACCOUNTS, ours),
            ([{"Fn::Sub": f"{place}:root/*"}, {"Fn::Sub": f"{place}:ou/*"}], None),
        ],
    }


def test_the_rights_to_create_and_to_move_are_there_only_for_who_creates_and_who_moves(resources):
    document = resources["OrganizationFunctionPolicy"]["Properties"]["PolicyDocument"]
    under = {}
    for statement in document["Statement"]:
        condition, one = ("always", statement) if "Sid" in statement else statement["Fn::If"][:2]
        for action in permissions.as_list(one["Action"]):
            under.setdefault(condition, set()).add(action)
    assert under.pop("CreatesAccount") == {
        "organizations:CreateOrganization",
        "iam:CreateServiceLinkedRole",
        "organizations:CreateAccount",
        "organizations:TagResource",
    }
    assert under.pop("MovesAccount") == {"organizations:MoveAccount"}
    assert under.pop("HasBreakGlassUser") == {"iam:GetAccountPasswordPolicy"}
    assert under.pop("HasContact") == {"account:GetAlternateContact"}
    assert {action.split(":")[0] for action in under.pop("UsesIdentityCenter")} == {"sso", "identitystore"}
    assert under.keys() == {"always"}


def test_the_right_to_set_a_contact_is_there_as_long_as_a_contact_of_that_kind(resources):
    for name, kind in CONTACTS.items():
        assert resources[f"{kind}ContactPolicy"]["Condition"] == f"Has{kind}Contact"
        assert f"{kind}ContactPolicy" in resources[name]["DependsOn"]
        properties = resources[name]["Properties"]
        assert (properties["Kind"], properties["Contact"]) == (kind.upper(), {"Ref": f"{kind}Contact"})


def test_the_function_knows_from_the_template_alone_for_whom_it_may_create_an_account(resources):
    assert resources["OrganizationFunction"]["Properties"]["Environment"]["Variables"] == {
        "ORCHESTERA_STACK_ID": THIS_STACK,
        "ORCHESTERA_EMAIL_SparkAccount": {"Ref": "AccountEmail"},
        "ORCHESTERA_EMAIL_DevelopmentAccount": {"Ref": "DevelopmentAccountEmail"},
        "ORCHESTERA_EMAIL_ProductionAccount": {"Ref": "ProductionAccountEmail"},
    } | {f"ORCHESTERA_CONTACT_{kind.upper()}": {"Ref": f"{kind}Contact"} for kind in KINDS}
