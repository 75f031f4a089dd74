"""The organization function's role is as small as it can be.

Without any one action something fails, or the function says which check it could not make. That beside them nothing
goes is in `test_organization_role_limits.py`. `make prove-role` runs both, and `test_function_role.py`.
"""

import copy
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from assigning import Center
from management import CONTACT, TAG, Management, only, reasons
from under_test import actions, statements, without

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
    "iam:GetAccountPasswordPolicy",
    "iam:GetAccountSummary",
    "iam:GetGroup",
    "iam:GetRole",
    "iam:GetUser",
    "organizations:ListAWSServiceAccessForOrganization",
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
# Without these, a contact of this account fails, and one of a member account is a warning.
OF_A_CONTACT = ["account:GetAlternateContact", "account:PutAlternateContact"]
OF_THE_END_OF_A_CONTACT = ["account:DeleteAlternateContact"]
# Without these, the finder of Identity Center fails, and the check before it says so. The last two are of one kind of
# principal each.
OF_IDENTITY_CENTER = [
    "sso:DescribePermissionSet",
    "sso:ListAccountAssignments",
    "sso:ListInstances",
    "sso:ListPermissionSets",
    "sso:ListTagsForResource",
    "identitystore:GetGroupId",
    "identitystore:GetUserId",
]
LOG = ["logs:CreateLogStream", "logs:PutLogEvents"]


def test_every_action_of_the_role_is_proved_here():
    proved = CHECKS + FURTHER_CHECKS + CHECK_OF_THE_PLAN + OF_THE_ORGANIZATION + OF_THE_ACCOUNT + OF_THE_END + LOG
    proved += OF_A_CONTACT + OF_THE_END_OF_A_CONTACT + OF_IDENTITY_CENTER
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
    management.trust_account_management()
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
        AdminGroup="Use",
        AdminUserNames="ann",
        AccessIn="Spark",
        OrganizationalUnitId=management.unit,
        BreakGlassUser="On",
        BootstrapRole="On",
        BillingContact=CONTACT,
    )


def unchecked(stack):
    """The operations of the checks that could not be made."""
    _, _, said = stack.outputs()["OrganizationWarnings"].partition("Not checked, because it could not be read: ")
    return {name.strip() for name in said.partition(".")[0].split(",")} - {""}


def names(checks):
    return {action.split(":")[1] for action in checks}


def test_with_its_role_the_function_does_everything_that_it_is_there_for(furnished):
    stack = furnished.stack()
    # Without the people that a deleted stack would leave behind.
    nobody = {"BreakGlassUser": "Off", "BootstrapRole": "Off"}
    outputs = stack.deploy(TEMPLATE, **everything(furnished) | {"AccessIn": "None"} | nobody)
    (member,) = furnished.members()
    contacts = [(furnished.id, "Management"), (member["Id"], "Spark")]
    for account, name in contacts:
        assert furnished.contact("BILLING", account) == "billing@example.com"
        assert outputs[f"{name}ContactWarnings"].strip() == ""
    assert unchecked(stack) == set() and furnished.tags(member["Id"]) == {TAG: stack.id}
    assert furnished.organizations.list_parents(ChildId=member["Id"])["Parents"][0]["Id"] == furnished.unit
    assert stack.delete() == "DELETE_COMPLETE"
    assert furnished.tags(member["Id"]) == {}
    assert [furnished.contact("BILLING", account) for account, _ in contacts] == [None, None]


def without_role(template, name):
    """The template whose function may not read this one of the roles."""
    changed = copy.deepcopy(template)
    for statement in statements(changed):
        if statement["Action"] == "iam:GetRole":
            statement["Resource"] = [arn for arn in statement["Resource"] if not arn["Fn::Sub"].endswith(f"/{name}")]
    return changed


def reading_contacts_late(template):
    """The template without the right to read a contact that comes before the right to set it."""
    changed = copy.deepcopy(template)
    (statement,) = [one for one in statements(changed) if one["Sid"] == "ReadTheContacts"]
    statement["Action"] = "sts:GetCallerIdentity"
    changed["Resources"]["BillingContactPolicy"]["DependsOn"] = "Organization"
    return changed


@pytest.mark.parametrize(
    "template, missing",
    [
        (TEMPLATE, []),
        (without(TEMPLATE, *CHECKS), CHECKS),
        (without(TEMPLATE, *FURTHER_CHECKS), FURTHER_CHECKS),
        (without_role(TEMPLATE, "AWSControlTowerAdmin"), ["iam:GetRole"]),
        (without_role(TEMPLATE, "mgmt-org-admin"), ["iam:GetRole"]),
        (reading_contacts_late(TEMPLATE), ["account:GetAlternateContact"]),
    ],
    ids=["none", "checks", "further-checks", "control-tower", "bootstrap-role", "contacts"],
)
def test_a_check_whose_right_is_missing_is_named_as_not_made(furnished, template, missing):
    stack = furnished.stack()
    stack.deploy(only(template, "Organization"), **everything(furnished))
    assert unchecked(stack) == names(missing)


@pytest.mark.parametrize("missing", [[], CHECK_OF_THE_PLAN], ids=["none", "plan"])
def test_the_plan_is_asked_for_before_an_organization_is_created(management, missing):
    stack = management.stack()
    stack.deploy(only(without(TEMPLATE, *missing), "Organization"), **management.parameters(AcceptPaidPlan="true"))
    assert unchecked(stack) == names(missing)


def impatient(template):
    """The template whose function has 15 s. A right that is missing is waited for 30 s, or as long as there is time."""
    changed = copy.deepcopy(template)
    changed["Resources"]["OrganizationFunction"]["Properties"]["Timeout"] = 15
    return changed


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
        stack, template = management.stack(), impatient(template)
        assert stack.create(template, **management.parameters()) == "ROLLBACK_COMPLETE", action
        assert action.split(":")[1] in reasons(stack), action

    at_once(prove, OF_THE_ORGANIZATION, managements(len(OF_THE_ORGANIZATION)))


def test_without_any_one_of_these_actions_the_account_fails_and_the_action_is_named(managements):
    def prove(action, management):
        unit = Organization(management.account).unit("Workloads")
        template = only(without(TEMPLATE, action), "Organization", "SparkAccount")
        del template["Resources"]["SparkAccount"]["Properties"]["After"]
        stack = management.stack()
        status = stack.create(template, **management.parameters(OrganizationalUnitId=unit))
        assert status == "ROLLBACK_COMPLETE", action
        assert action.split(":")[1] in reasons(stack), action
        created = action not in ("organizations:CreateAccount", "organizations:TagResource")
        assert len(management.creations()) == created, action

    at_once(prove, OF_THE_ACCOUNT, managements(len(OF_THE_ACCOUNT)))


def contacts_only(template, *logical_ids):
    """Contacts and what they need. The organization's check, which would name the same actions, is not made."""
    template = impatient(only(template, "Organization", *logical_ids))
    del template["Resources"]["Organization"]["Properties"]["BillingContact"]
    template["Resources"].get("SparkAccount", {"Properties": {}})["Properties"].pop("After", None)
    return template


def test_without_any_one_of_these_actions_a_contact_of_this_account_fails_and_the_action_is_named(managements):
    def prove(action, management):
        stack, template = management.stack(), contacts_only(without(TEMPLATE, action), "ManagementBillingContact")
        status = stack.create(template, **management.parameters(BillingContact=CONTACT))
        assert status == "ROLLBACK_COMPLETE" and action.split(":")[1] in reasons(stack), action
        assert management.contact("BILLING") is None

    at_once(prove, OF_A_CONTACT, managements(len(OF_A_CONTACT)))


OF_A_CONTACT_OF_A_MEMBER = [*OF_A_CONTACT, "organizations:ListAWSServiceAccessForOrganization"]


def test_without_any_one_of_these_actions_a_contact_of_a_member_account_is_a_warning_that_names_it(managements):
    def prove(action, management):
        Organization(management.account)
        management.trust_account_management()
        stack, template = management.stack(), without(TEMPLATE, action)
        template = contacts_only(template, "SparkAccount", "SparkBillingContact")
        outputs = stack.deploy(template, **management.parameters(BillingContact=CONTACT))
        assert action.split(":")[1] in outputs["SparkContactWarnings"], action
        (member,) = management.members()
        assert management.contact("BILLING", member["Id"]) is None

    at_once(prove, OF_A_CONTACT_OF_A_MEMBER, managements(len(OF_A_CONTACT_OF_A_MEMBER)))


OF_THE_CONTACTS_END = [*OF_THE_END_OF_A_CONTACT, "account:GetAlternateContact"]


def test_without_the_right_to_delete_a_contact_it_stays_and_the_update_goes_on(managements):
    contacts = ["ManagementBillingContact", "SparkAccount", "SparkBillingContact"]
    complete = contacts_only(TEMPLATE, *contacts)

    def prove(action, management):
        Organization(management.account)
        management.trust_account_management()
        stack = management.stack()
        stack.deploy(complete, **management.parameters(BillingContact=CONTACT))
        (member,) = management.members()
        incomplete = contacts_only(without(TEMPLATE, action), *contacts)
        stack.deploy(incomplete, **management.parameters(BillingContact=CONTACT))
        stack.deploy(incomplete, **management.parameters())
        kept = [management.contact("BILLING", account) for account in (management.id, member["Id"])]
        assert kept == ["billing@example.com"] * 2, action

    at_once(prove, OF_THE_CONTACTS_END, managements(len(OF_THE_CONTACTS_END)))


def test_without_any_one_of_these_actions_identity_center_is_not_checked_and_not_found_and_the_action_is_named(
    managements,
):
    def prove(action, management):
        Organization(management.account)
        center = Center(management.account)
        center.group("admins", center.user("ann"))
        center.permission_set("AdministratorAccess")
        principal = "group:admins" if action.endswith("GetGroupId") else "user:ann"
        chosen = {"SignIn": "IdentityCenter", "IdentityCenterPrincipal": principal, "PermissionSet": "Use"}
        stack, template = management.stack(), without(TEMPLATE, action)
        stack.deploy(only(template, "Organization"), **management.parameters(**chosen))
        assert unchecked(stack) == names([action])
        finding = impatient(only(template, "Organization", "IdentityCenter"))
        assert stack.update(finding, **management.parameters(**chosen)) == "UPDATE_ROLLBACK_COMPLETE", action
        assert action.split(":")[1] in reasons(stack), action

    proved = [*OF_IDENTITY_CENTER, "organizations:ListAWSServiceAccessForOrganization"]
    at_once(prove, proved, managements(len(proved)))


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
