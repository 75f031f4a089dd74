"""The life of the stack for the management account, with its function: created, found, given up, refused, deleted."""

import pytest
from management import TAG, Management, reasons, statuses, until
from test_member_account import open_door

from orchestera_local import guide, orchestera_platform
from orchestera_local.aws import EmbeddedAws
from orchestera_local.organization import Organization
from orchestera_local.run_organization import GROUP, state, switch, user
from orchestera_local.stack import organization_template
from orchestera_local.stack_set import StackSet

NOTHING_BUT_A_HANDLE = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
# By so much AWS's waits are shortened for what takes longer than an invocation: an attempt of 900 s takes 22.5.
FASTER = 40


@pytest.fixture
def management(aws, account):
    return Management(aws, account)


@pytest.fixture(scope="module")
def fast():
    with EmbeddedAws(faster=FASTER) as aws:
        yield aws


@pytest.fixture
def hasty(fast, account):
    """A management account where an hour takes a minute and a half."""
    return Management(fast, fast.account(account.id))


@pytest.fixture
def template():
    return organization_template()


def roles_in(management, account_id):
    roles = management.aws.account(account_id).client("iam").list_roles()["Roles"]
    return {role["RoleName"]: role for role in roles}


def test_from_no_organization_to_a_role_in_a_new_account_and_what_the_deletion_keeps(aws, management, template):
    ann, _ = user(management.account, "ann"), user(management.account, "bob")
    # The role of AWS in the new account is there only after CloudFormation has gone on.
    management.account.settings(account_activation_seconds=1, access_role_seconds=4)
    first = management.created(AccessIn="Spark", AdminGroup="Make", AdminUserNames="ann")
    outputs = first.outputs()
    member = outputs["AccountId"]
    assert management.accounts()[management.email]["Id"] == member and outputs["ManagementAccountId"] == management.id
    assert management.tags(member) == {TAG: first.id}
    (complete,) = [
        event["Timestamp"]
        for event in first.events()
        if (event["LogicalResourceId"], event["ResourceStatus"]) == ("SparkAccount", "CREATE_COMPLETE")
    ]
    roles = roles_in(management, member)
    assert roles["OrganizationAccountAccessRole"]["CreateDate"] > complete, "the access stack waited for the role"
    assert roles[guide.ROLE]["Arn"] == outputs["RoleArn"]
    assert switch(ann, member)
    platform = orchestera_platform.caller(aws)
    assert orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"])
    assert orchestera_platform.session(platform, outputs["RoleArn"]) is None

    before = state(management.account, member)
    parameters = management.parameters(AccountEmail=management.email.upper(), AdminGroup="Use", AdminUserNames="bob")
    second = management.stack("second")
    assert second.deploy(template, **parameters)["AccountId"] == member
    assert second.delete() == "DELETE_COMPLETE"
    assert state(management.account, member) == before, "what was found is as it was, its tag included"

    assert first.delete() == "DELETE_COMPLETE"
    organization, accounts, tags, parents = state(management.account, member)
    assert (organization, accounts, parents) == (before[0], before[1], before[3])
    assert before[2] and not tags, "only the tag is gone"
    assert {one["UserName"] for one in management.iam.get_group(GroupName=GROUP)["Users"]} == {"ann", "bob"}
    assert guide.ROLE not in roles_in(management, member)
    assert len(management.creations()) == 1


def test_lists_with_empty_pages_hide_neither_an_account_nor_its_creation(management):
    management.account.settings(empty_pages=2, page_size=1)
    first, second = management.created("first"), management.created("second")
    assert first.outputs()["AccountId"] == second.outputs()["AccountId"]
    assert len(management.creations()) == 1 and management.tags(first.outputs()["AccountId"]) == {TAG: first.id}


def functions_of(management, begin):
    """What `begin` returns, and the processes of functions that were started meanwhile."""
    before = set(management.aws.functions())
    stack = begin()
    return stack, set(management.aws.functions()) - before


def test_a_create_that_is_given_up_before_the_account_is_asked_for_asks_for_none_afterwards(management):
    management.account.settings(finalizing_seconds=6)
    stack, functions = functions_of(management, management.begin)
    assert stack.delete() == "DELETE_COMPLETE"
    assert "CREATE_FAILED" in statuses(stack, "SparkAccount")
    # Its function ends when it sees that the stack is gone, and not when the organization is ready.
    assert functions and until(lambda: not functions & set(management.aws.functions()))

    def is_ready():
        try:
            return management.organizations.invite_account_to_organization(Target={"Id": "9" * 12, "Type": "ACCOUNT"})
        except management.organizations.exceptions.FinalizingOrganizationException:
            return None

    assert until(is_ready)
    assert management.creations() == [] and management.members() == []


def test_a_create_that_is_given_up_while_its_account_is_created_makes_one_account_which_is_found(management, template):
    management.account.settings(account_creation_seconds=10)
    stack = management.begin()
    (creation,) = until(management.creations)
    assert stack.delete() == "DELETE_COMPLETE"
    assert management.members() == [], "the account comes later"
    again = management.created("again")
    (ended,) = management.creations()
    assert ended["Id"] == creation["Id"] and ended["AccountId"] == again.outputs()["AccountId"]
    (member,) = management.members()
    assert management.tags(member["Id"]) == {TAG: stack.id}, "what is found is not tagged"


def invocations(stack):
    """How often the organization function was invoked, and had ended, as its log says."""
    logs = stack.account.client("logs")
    group = stack.resource("OrganizationFunctionLogGroup")
    events = logs.filter_log_events(logGroupName=group)["events"]
    return sum(event["message"].startswith("START ") for event in events)


def test_a_creation_that_takes_longer_than_one_invocation_is_found_by_the_next_and_its_late_role_too(hasty):
    hasty.organizations.create_organization()
    # The role comes after more than the minute that the access function has where the account is no new one.
    hasty.account.settings(account_creation_seconds=900 / FASTER, access_role_seconds=240 / FASTER)
    stack = hasty.created(AccessIn="Spark")
    assert until(lambda: invocations(stack) == 3), "one of the organization, two of the account"
    (member,) = hasty.members()
    assert stack.outputs()["AccountId"] == member["Id"] and hasty.tags(member["Id"]) == {TAG: stack.id}
    assert len(hasty.creations()) == 1
    assert guide.ROLE in roles_in(hasty, member["Id"])


def test_a_creation_that_takes_longer_than_all_invocations_is_a_failure_with_a_reason_before_the_wait_ends(
    hasty, template
):
    hasty.organizations.create_organization()
    hasty.account.settings(account_creation_seconds=7200)
    stack = hasty.stack()
    assert stack.create(template, **hasty.parameters()) == "ROLLBACK_COMPLETE"
    assert "is still being created" in reasons(stack) and "the account will be found" in reasons(stack)
    assert "did not receive a response" not in reasons(stack)
    assert len(hasty.creations()) == 1


def test_a_reason_of_aws_that_does_not_exist_yet_is_in_the_events_with_what_to_do(management, template):
    management.account.settings(account_creation_failures=["QUANTUM_VALIDATION_PENDING"])
    stack = management.stack()
    assert stack.create(template, **management.parameters()) == "ROLLBACK_COMPLETE"
    assert "(QUANTUM_VALIDATION_PENDING)" in reasons(stack) and "AWS Support" in reasons(stack)
    assert management.members() == []
    # The stack that failed, once more.
    stack.delete()
    management.created()
    assert len(management.members()) == 1


def test_an_account_that_was_invited_is_used_by_its_id_and_a_role_of_its_own(aws, organization, join, template):
    management, member = Management(aws, organization.management), join()
    open_door(member, management.account, "Door")
    parameters = {"AccountId": member.id, "MemberRoleName": "Door", "AdminGroup": "None", "AccessIn": "Spark"}
    stack = management.stack()
    before = state(management.account, member.id)
    outputs = stack.deploy(template, **parameters)
    assert outputs["AccountId"] == member.id and "roleName=Door" in outputs["SwitchRoleUrl"]
    assert outputs["RoleArn"] == f"arn:aws:iam::{member.id}:role/{guide.ROLE}"
    assert orchestera_platform.session(orchestera_platform.caller(aws), outputs["RoleArn"], outputs["ExternalId"])
    assert stack.delete() == "DELETE_COMPLETE"
    assert state(management.account, member.id) == before and management.creations() == []
    assert set(roles_in(management, member.id)) == {"Door"}


def test_an_update_keeps_the_name_of_the_account_and_puts_role_and_policy_in_and_takes_them_out(management, template):
    stack = management.created()
    member = stack.outputs()["AccountId"]
    before = state(management.account, member)
    assert stack.update(template, **management.parameters(AccountName="Another")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "AccountName from 'Orchestera Sparklith' to 'Another'" in reasons(stack)
    assert state(management.account, member) == before
    outputs = stack.deploy(template, **management.parameters(AccessIn="Spark"))
    assert outputs["RoleArn"] == f"arn:aws:iam::{member}:role/{guide.ROLE}"
    assert guide.ROLE in roles_in(management, member)
    assert stack.deploy(template, **management.parameters()).keys().isdisjoint({"RoleArn", "ExternalId", "PolicyArn"})
    assert guide.ROLE not in roles_in(management, member)
    assert state(management.account, member) == before


def test_a_group_that_exists_is_used_only_on_request_and_keeps_its_members(management, template):
    for name in ("ann", "bob", "eve"):
        management.iam.create_user(UserName=name)
    for parameters, why in (
        ({"AdminGroup": "Use", "AdminUserNames": "bob"}, f"There is no group {GROUP}"),
        ({"AdminGroup": "Make", "AdminUserNames": "bob"}, f"The group {GROUP} exists already"),
        ({"AdminGroup": "Use", "AdminUserNames": "ann,bob"}, "ann is in the group"),
    ):
        stack = management.stack()
        assert stack.create(template, **management.parameters(**parameters)) == "ROLLBACK_COMPLETE"
        assert why in reasons(stack)
        stack.delete()
        if "There is no" in why:
            management.iam.create_group(GroupName=GROUP)
            management.iam.add_user_to_group(GroupName=GROUP, UserName="ann")

    def group():
        answer = management.iam.get_group(GroupName=GROUP)
        policies = management.iam.list_attached_group_policies(GroupName=GROUP)["AttachedPolicies"]
        return answer["Group"]["GroupId"], {one["UserName"] for one in answer["Users"]}, len(policies)

    identifier, *_ = group()
    stack = management.created(AdminGroup="Use", AdminUserNames="bob")
    assert group() == (identifier, {"ann", "bob"}, 1)
    stack.deploy(template, **management.parameters(AdminGroup="Use", AdminUserNames="bob,eve"))
    assert group() == (identifier, {"ann", "bob", "eve"}, 1)
    assert stack.delete() == "DELETE_COMPLETE"
    assert group() == (identifier, {"ann", "bob", "eve"}, 1)


def test_a_stack_set_that_deploys_to_the_account_by_itself_is_in_the_way_of_role_and_policy_alone(
    aws, organization, template
):
    management, stack_set = Management(aws, organization.management), StackSet(organization.management)
    automatic = {"Enabled": True, "RetainStacksOnAccountRemoval": False}
    stack_set.create(NOTHING_BUT_A_HANDLE, AutoDeployment=automatic)
    stack_set.deploy(DeploymentTargets={"OrganizationalUnitIds": [organization.root]})
    stack = management.stack()
    assert stack.create(template, **management.parameters(AccessIn="Spark")) == "ROLLBACK_COMPLETE"
    assert "StackSet orchestera-access automatically deploys" in reasons(stack)
    assert management.creations() == []
    stack.delete()
    stack = management.created()
    assert stack.update(template, **management.parameters(AccessIn="Spark")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "StackSet orchestera-access automatically deploys" in reasons(stack)
    assert len(management.members()) == 1


def test_an_account_is_created_moved_and_moved_again_by_an_update(aws, account, template):
    organization = Organization(account)
    management, units = Management(aws, account), [organization.unit(name) for name in ("One", "Two")]

    def parent():
        (member,) = management.members()
        return management.organizations.list_parents(ChildId=member["Id"])["Parents"][0]["Id"]

    stack = management.created(OrganizationalUnitId=units[0])
    assert parent() == units[0]
    stack.deploy(template, **management.parameters(OrganizationalUnitId=units[1]))
    assert parent() == units[1]
    assert stack.delete() == "DELETE_COMPLETE" and parent() == units[1]
