"""Tags of the customer's own: on what the function creates, and on what CloudFormation does."""

import json

import pytest
from management import Management
from samcli.yamlhelper import yaml_parse
from test_boundary import boundary
from test_drift import Schedule, drifted
from test_member_account import open_door
from under_test import NOTHING, RELEASES, Access, left, tags_of

from orchestera_local.stack import ACCESS, FUNCTION, Stack
from orchestera_release import product

FUNCTIONS_ROLES = ("FunctionRole", "DriftScheduleRole")
GIVEN = "Team=Data,Cost Center=1234,key=YWJj==,formula=a=b,blank="
TAGS = {"Team": "Data", "Cost Center": "1234", "key": "YWJj==", "formula": "a=b", "blank": ""}
# As a service control policy would, for everybody but the one who pays no attention to it: the deny in the boundary of
# the function's role.
DEMANDS_A_TAG = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": ["iam:CreateRole", "iam:CreatePolicy"],
            "Resource": "*",
            "Condition": {"Null": {"aws:RequestTag/CostCenter": "true"}},
        },
    ],
}


def given(tags):
    """Without those of the product and of CloudFormation."""
    return {key: value for key, value in tags.items() if not key.startswith(("orchestera:", "aws:"))}


def of_roles(account, stack, names=FUNCTIONS_ROLES):
    iam = account.client("iam")
    return [given(tags_of(iam.get_role(RoleName=stack.resource(name))["Role"])) for name in names]


def of_access(access):
    return [given(tags_of(access.role())), given(tags_of(access.policy()))]


def test_the_tags_reach_role_policy_and_the_functions_own_roles_and_follow_every_update(
    account, stack, access, template
):
    stack.deploy(template, Tags=GIVEN)
    assert of_access(access) == of_roles(account, stack) == [TAGS] * 2
    stack.deploy(template, Tags="Team=Other")
    assert of_access(access) == of_roles(account, stack) == [{"Team": "Other"}] * 2
    stack.deploy(template, Tags="")
    assert of_access(access) == of_roles(account, stack) == [{}] * 2
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_the_published_templates_tag_the_same(account, published, access):
    by_flat = Stack(account, capabilities=["CAPABILITY_IAM"])
    by_flat.deploy((published / product.FLAT).read_text(), Tags=GIVEN)
    assert of_access(access) == of_roles(account, by_flat) == [TAGS] * 2
    assert by_flat.delete() == "DELETE_COMPLETE"
    by_native = Stack(account, capabilities=["CAPABILITY_NAMED_IAM"])
    native = (published / product.NATIVE).read_text()
    by_native.deploy(native, Tags=GIVEN, ExternalId="dummy-external-id")
    assert given(tags_of(access.role())) == TAGS
    # Its own stay.
    assert tags_of(access.role())["orchestera:logical-id"] == "AccessRole"
    by_native.deploy(native, Tags="Team=Other", ExternalId="dummy-external-id")
    assert given(tags_of(access.role())) == {"Team": "Other"}
    by_native.deploy(native, ExternalId="dummy-external-id")
    assert given(tags_of(access.role())) == {}


def test_where_an_organization_demands_a_tag_the_stack_fails_without_and_succeeds_with_it(
    account, stack, access, template
):
    limit = boundary(account, "Limit", DEMANDS_A_TAG)
    parameters = {"FunctionPermissionsBoundaryArn": limit}
    assert stack.create(template, **parameters, Tags="Team=Data") == "ROLLBACK_COMPLETE"
    assert any("CreatePolicy" in reason or "CreateRole" in reason for reason in stack.reasons()), stack.reasons()
    assert stack.delete() == "DELETE_COMPLETE"
    again = Stack(account)
    again.deploy(template, **parameters, Tags="Team=Data,CostCenter=1234")
    assert of_access(access) == [{"Team": "Data", "CostCenter": "1234"}] * 2
    # What was created is kept as it is wanted by updates too, with the same boundary.
    again.deploy(template, **parameters, Tags="CostCenter=9", PolicyEdition="2026-02-06")
    assert of_access(access) == [{"CostCenter": "9"}] * 2
    assert again.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING | {"policies": ["Limit"]}


def test_a_tag_that_somebody_removes_is_drift_that_an_update_restores(account, stack, iam, access, template):
    stack.deploy(template, Tags="Team=Data")
    assert Schedule(account, stack).fires()["DriftedFields"] == 0
    iam.untag_role(RoleName=access.role_name, TagKeys=["Team"])
    iam.tag_role(RoleName=access.role_name, Tags=[{"Key": "theirs", "Value": "1"}])
    assert drifted(Schedule(account, stack).fires()) == {"role.tags": False}
    stack.deploy(template, Tags="Team=Data", OnExisting="Fail")
    # A tag of somebody else's stays.
    assert of_access(access) == [{"Team": "Data", "theirs": "1"}, {"Team": "Data"}]


@pytest.mark.parametrize(
    "tags",
    [
        "Team",
        "Team=Data,",
        ",Team=Data",
        "=Data",
        "Team =Data",
        "Team=Data, b=c",
        "Team=a;b",
        "a=1,b=2,c=3,d=4,e=5,f=6",
    ],
)
def test_other_text_is_refused_before_anything_begins(stack, template, tags):
    with pytest.raises(Exception, match="Parameter Tags|'Tags'|at most five tags"):
        stack.create(template, Tags=tags)


def test_a_key_that_is_reserved_is_refused_with_a_sentence(stack, template):
    assert stack.create(template, Tags="orchestera:stack-id=mine") == "ROLLBACK_COMPLETE"
    assert any("reserved" in reason for reason in stack.reasons()), stack.reasons()


def test_an_upgrade_from_0_4_0_adds_tags_and_alarms_in_place(account, stack, access, template):
    (released,) = [path for path in RELEASES if path.stem == "0.4.0"]
    before = stack.deploy(yaml_parse(released.read_text()))

    def ids():
        return [stack.resource(FUNCTION), stack.resource(ACCESS), access.role()["RoleId"], access.policy()["PolicyId"]]

    kept = ids()
    topic = account.client("sns").create_topic(Name="Alarms")["TopicArn"]
    after = stack.deploy(template, Tags=GIVEN, AlarmTopicArn=topic)
    assert kept == [
        stack.resource(FUNCTION),
        stack.resource(ACCESS),
        access.role()["RoleId"],
        access.policy()["PolicyId"],
    ]
    assert (after["ExternalId"], after["Verified"]) == (before["ExternalId"], "true")
    assert of_access(access) == of_roles(account, stack) == [TAGS] * 2
    assert len(account.client("cloudwatch").describe_alarms()["MetricAlarms"]) == 3


def test_the_stack_for_the_management_account_passes_them_to_the_access_stack(aws, account):
    management = Management(aws, account)
    stack = management.created(AccessIn="Spark", Tags=GIVEN)
    member = aws.account(stack.outputs()["AccountId"])
    assert of_access(Access(member)) == [TAGS] * 2
    nested = Stack(account, stack.resource("AccessStack").split("/")[1])
    nested.id = stack.resource("AccessStack")
    assert of_roles(account, nested) == [TAGS] * 2


def test_a_member_accounts_role_and_policy_have_them_too(aws, account, stack, template):
    member = aws.account(f"4{account.id[1:]}")
    open_door(member, account)
    stack.deploy(template, MemberAccountId=member.id, Tags=GIVEN)
    assert of_access(Access(member)) == of_roles(account, stack) == [TAGS] * 2
    assert json.loads(Schedule(account, stack).target["Input"])["DriftCheck"]["ResourceProperties"]["Tags"] == GIVEN
