"""The organization function's role is as small as it can be.

Without any one action something fails, or the function says which check it could not make. That beside them nothing
goes is in `test_organization_role_limits.py`. `make prove-role` runs both, and `test_function_role.py`.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import actions, without
from management import TAG, Management, only, reasons

from orchestera_local.organization import Organization
from orchestera_local.run_organization import GROUP
from orchestera_local.stack import organization_template
from orchestera_local.stack_set import StackSet

TEMPLATE = organization_template()
DENY_NOTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:None", "Resource": "*"}]}
# Of a check that cannot be made the function says so, and goes on: those of an organization that exists, those that
# are made only where the first ones showed something, and the one where there is no organization.
CHECKS = [
    "cloudformation:ListStackSets",
    "iam:GetAccountSummary",
    "iam:GetGroup",
    "iam:GetRole",
    "iam:GetUser",
    "organizations:ListCreateAccountStatus",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListHandshakesForOrganization",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
    "servicequotas:GetServiceQuota",
]
FURTHER_CHECKS = ["cloudformation:DescribeStackSet", "organizations:DescribePolicy"]
CHECK_OF_THE_PLAN = ["freetier:GetAccountPlanState"]
# Without these, the organization fails ...
OF_THE_ORGANIZATION = [
    "cloudformation:DescribeStackResource",
    "iam:CreateServiceLinkedRole",
    "organizations:CreateOrganization",
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListRoots",
]
# ... and without these, the account.
OF_THE_ACCOUNT = [
    "organizations:CreateAccount",
    "organizations:DescribeCreateAccountStatus",
    "organizations:ListTagsForResource",
    "organizations:MoveAccount",
    "organizations:TagResource",
]
OF_THE_END = ["cloudformation:DescribeStacks", "organizations:UntagResource"]
LOG = ["logs:CreateLogStream", "logs:PutLogEvents"]


def test_every_action_of_the_role_is_proved_here():
    proved = CHECKS + FURTHER_CHECKS + CHECK_OF_THE_PLAN + OF_THE_ORGANIZATION + OF_THE_ACCOUNT + OF_THE_END + LOG
    assert sorted(proved) == actions(TEMPLATE)


@pytest.fixture
def management(aws, account):
    return Management(aws, account)


@pytest.fixture
def managements(aws, new_account):
    return lambda number: [Management(aws, new_account()) for _ in range(number)]


@pytest.fixture
def furnished(management):
    """A management account in whose organization there is something of all that the checks look at."""
    organization = Organization(management.account)
    management.unit = organization.unit("Workloads")
    elsewhere = organization.unit("Elsewhere")
    stack_set = StackSet(management.account)
    handle = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    stack_set.create(handle, AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": False})
    stack_set.deploy(DeploymentTargets={"OrganizationalUnitIds": [elsewhere]})
    policy = management.organizations.create_policy(
        Name="it", Description="it", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(DENY_NOTHING)
    )["Policy"]["PolicySummary"]["Id"]
    management.organizations.attach_policy(PolicyId=policy, TargetId=organization.root)
    management.iam.create_user(UserName="ann")
    management.iam.create_group(GroupName=GROUP)
    return management


def everything(management):
    """Parameters for which every check is made."""
    return management.parameters(
        AdminGroup="Use", AdminUserNames="ann", AccessIn="Spark", OrganizationalUnitId=management.unit
    )


def unchecked(stack):
    """The operations of the checks that could not be made."""
    _, _, said = stack.outputs()["OrganizationWarnings"].partition("Not checked, because it could not be read: ")
    return {name.strip() for name in said.partition(".")[0].split(",")} - {""}


def names(checks):
    return {action.split(":")[1] for action in checks}


def test_with_its_role_the_function_does_everything_that_it_is_there_for(furnished):
    stack = furnished.stack()
    stack.deploy(TEMPLATE, **everything(furnished) | {"AccessIn": "None"})
    (member,) = furnished.members()
    assert unchecked(stack) == set() and furnished.tags(member["Id"]) == {TAG: stack.id}
    assert furnished.organizations.list_parents(ChildId=member["Id"])["Parents"][0]["Id"] == furnished.unit
    assert stack.delete() == "DELETE_COMPLETE"
    assert furnished.tags(member["Id"]) == {}


@pytest.mark.parametrize("missing", [[], CHECKS, FURTHER_CHECKS], ids=["none", "checks", "further-checks"])
def test_a_check_whose_right_is_missing_is_named_as_not_made(furnished, missing):
    stack = furnished.stack()
    stack.deploy(only(without(TEMPLATE, *missing), "Organization"), **everything(furnished))
    assert unchecked(stack) == names(missing)


@pytest.mark.parametrize("missing", [[], CHECK_OF_THE_PLAN], ids=["none", "plan"])
def test_the_plan_is_asked_for_before_an_organization_is_created(management, missing):
    stack = management.stack()
    stack.deploy(only(without(TEMPLATE, *missing), "Organization"), **management.parameters(AcceptPaidPlan="true"))
    assert unchecked(stack) == names(missing)


def at_once(prove, actions, managements):
    """All of them wait for a right that does not come, most of the time: so they do at the same time."""
    with ThreadPoolExecutor(len(actions)) as pool:
        for proved in [
            pool.submit(prove, one, management) for one, management in zip(actions, managements, strict=True)
        ]:
            proved.result()


def test_without_any_one_of_these_actions_the_organization_fails_and_the_action_is_named(managements):
    def prove(action, management):
        template = only(without(TEMPLATE, action), "Organization")
        # A right that is missing is waited for: 30 s, or as long as there is time.
        template["Resources"]["OrganizationFunction"]["Properties"]["Timeout"] = 15
        stack = management.stack()
        assert stack.create(template, **management.parameters()) == "ROLLBACK_COMPLETE", action
        assert action.split(":")[1] in reasons(stack), action

    at_once(prove, OF_THE_ORGANIZATION, managements(len(OF_THE_ORGANIZATION)))


def test_without_any_one_of_these_actions_the_account_fails_and_the_action_is_named(managements):
    def prove(action, management):
        unit = Organization(management.account).unit("Workloads")
        template = only(without(TEMPLATE, action), "Organization", "SparkAccount")
        del template["Resources"]["SparkAccount"]["Properties"]["Administrators"]
        stack = management.stack()
        status = stack.create(template, **management.parameters(OrganizationalUnitId=unit))
        assert status == "ROLLBACK_COMPLETE", action
        assert action.split(":")[1] in reasons(stack), action
        created = action not in ("organizations:CreateAccount", "organizations:TagResource")
        assert len(management.creations()) == created, action

    at_once(prove, OF_THE_ACCOUNT, managements(len(OF_THE_ACCOUNT)))


def test_without_the_right_to_read_its_stack_a_rollback_is_taken_for_an_update_and_refused(management):
    stack, template = management.stack(), without(TEMPLATE, "cloudformation:DescribeStacks")
    stack.deploy(template, **management.parameters())
    # Somebody closes the account, so that neither the update nor its rollback finds it in order.
    (member,) = management.members()
    management.aws.account(member["Id"]).settings(account_state="SUSPENDED")
    changed = management.parameters(AccountName="Another")
    assert stack.update(template, **changed) == "UPDATE_ROLLBACK_FAILED"


def test_with_the_right_to_read_its_stack_a_rollback_is_never_refused(management):
    stack = management.created()
    (member,) = management.members()
    management.aws.account(member["Id"]).settings(account_state="SUSPENDED")
    assert stack.update(TEMPLATE, **management.parameters(AccountName="Another")) == "UPDATE_ROLLBACK_COMPLETE"


def test_without_the_right_to_remove_its_tag_the_tag_stays_and_the_deletion_goes_on(management):
    stack = management.stack()
    stack.deploy(without(TEMPLATE, "organizations:UntagResource"), **management.parameters())
    (member,) = management.members()
    assert stack.delete() == "DELETE_COMPLETE"
    assert management.tags(member["Id"]) == {TAG: stack.id}


@pytest.mark.parametrize("action", LOG)
def test_without_a_right_to_its_log_the_log_stays_empty(management, action):
    logs, template = management.account.client("logs"), only(TEMPLATE, "Organization")

    def lines():
        (group,) = logs.describe_log_groups()["logGroups"]
        return logs.filter_log_events(logGroupName=group["logGroupName"])["events"]

    # A line is written when the function has ended, a moment after its answer: so there is one more event each time.
    stack = management.stack()
    stack.deploy(without(template, action), **management.parameters())
    stack.deploy(without(template, action), **management.parameters(AcceptPaidPlan="true"))
    assert lines() == []
    stack.deploy(template, **management.parameters())
    stack.deploy(template, **management.parameters(AcceptPaidPlan="true"))
    assert lines() != []
