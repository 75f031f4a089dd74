"""`orchestera preflight`: what will fail, before it does."""

import json

import pytest
from management import Management, only, reasons
from saying import WAIT

from orchestera_local import guide
from orchestera_local.aws import Account
from orchestera_local.stack import Stack, organization_template, template

MARKS = {"fine": "✓", "warning": "!", "failure": "✗"}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = ["iam:Get*", "iam:List*", "cloudformation:Describe*", "organizations:Describe*", "iam:Simulate*"]


@pytest.fixture
def preflight(orchestera):
    """Severity and sentence by the subject, and the exit code. What the table shows is the same."""

    def preflight(account, *arguments):
        ran = orchestera(account, "preflight", *arguments, "--output", "json")
        assert ran.returncode in (0, 1), ran.stderr
        checks = json.loads(ran.stdout)["checks"]
        assert ran.returncode == any(check["severity"] == "failure" for check in checks)
        table = orchestera(account, "preflight", *arguments).stdout
        marks = [line.split()[0] for line in table.splitlines() if line.split() and line.split()[0] in MARKS.values()]
        assert marks == [MARKS[check["severity"]] for check in checks]
        return {check["subject"]: (check["severity"], check["sentence"]) for check in checks}

    return preflight


def person(account, *actions):
    """An IAM user who may do these, or everything."""
    iam = account.client("iam")
    iam.create_user(UserName="ann")
    if actions:
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
        }
        iam.put_user_policy(UserName="ann", PolicyName="it", PolicyDocument=json.dumps(document))
    else:
        iam.attach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return Account(account.endpoint, account.id, keys)


def test_an_administrator_of_a_member_account_has_nothing_in_the_way(preflight, account, organization, join):
    found = preflight(person(join()))
    assert {severity for severity, _ in found.values()} == {"fine"}
    assert found["Region"][1] == "The platform serves us-east-1."
    assert found["organization"][1] == f"This is a member account. Its management account is {account.id}."
    assert found["your permissions"][1] == "You may deploy the stack, as far as the policy simulator knows."
    assert found["IAM quotas"][1] == "There is room for 3 roles and 2 policies."
    assert found["role and policy"][1].startswith("With a stack ")


def test_another_region_is_refused(preflight, account):
    severity, sentence = preflight(account, "--region", "eu-west-1")["Region"]
    assert (severity, "--region us-east-1" in sentence) == ("failure", True)


def test_the_management_account_and_an_account_alone_are_warned(preflight, account, new_account, organization):
    alone, managing = preflight(new_account()), preflight(account)
    assert alone["organization"][0] == managing["organization"][0] == "warning"
    assert alone["organization"][1].startswith("This account is in no organization.")
    assert managing["organization"][1].startswith("This is the management account.")
    # Whom no IAM policy limits.
    assert alone["your permissions"][0] == "warning" and "root user" in alone["your permissions"][1]


def test_what_the_deployer_may_not_do_is_named(preflight, account):
    severity, sentence = preflight(person(account, *READ_ONLY))["your permissions"]
    assert severity == "failure"
    assert sentence.startswith("You may not call cloudformation:CreateStack, ")
    assert (
        "iam:GetRole" not in sentence and "scheduler:CreateSchedule" in sentence and "iam:CreatePolicy" not in sentence
    )


def test_without_the_simulator_the_permissions_are_not_checked(preflight, account):
    ann = person(account, *(action for action in READ_ONLY if "Simulate" not in action))
    severity, sentence = preflight(ann)["your permissions"]
    assert severity == "warning" and "SimulatePrincipalPolicy (AccessDenied)" in sentence


def test_what_a_service_control_policy_denies_is_named(preflight, organization, unit, join):
    member = join()
    ann = person(member)
    assert "service control" not in preflight(ann)
    statement = {"Effect": "Deny", "Action": ["iam:CreatePolicy", "lambda:*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = organization.client.create_policy(Name="it", Description="", Type="SERVICE_CONTROL_POLICY", Content=document)
    organization.client.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=unit)
    found = preflight(ann)
    severity, sentence = found["service control"]
    assert severity == "failure"
    # The first two are the deployer's, the last is the function's.
    for action in ("lambda:CreateFunction", "lambda:InvokeFunction", "iam:CreatePolicy"):
        assert action in sentence
    assert "iam:CreateRole" not in sentence
    assert found["your permissions"][0] == "fine"


def test_quotas_that_are_used_up_are_named(preflight, account):
    account.settings(role_quota=2)
    severity, sentence = preflight(account)["IAM quotas"]
    assert (severity, sentence.startswith("There is room for only 2 roles.")) == ("failure", True)
    account.settings(role_quota=3, policy_quota=1)
    assert "There is room for only 1 policies." in preflight(account)["IAM quotas"][1]
    account.settings(refusals={"GetAccountSummary": ["AccessDenied"] * 2})
    severity, sentence = preflight(account)["IAM quotas"]
    assert (severity, "iam:GetAccountSummary (AccessDenied)" in sentence) == ("warning", True)


@pytest.mark.parametrize("parameter", ["PermissionsBoundary", "FunctionPermissionsBoundary"])
def test_a_boundary_has_to_exist(preflight, account, parameter):
    subject = "function's boundary" if parameter.startswith("Function") else "role and policy"
    given = ("--set", f"{parameter}Name=Limit")
    severity, sentence = preflight(account, *given)[subject]
    assert severity == "failure" and f"arn:aws:iam::{account.id}:policy/Limit" in sentence
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    account.client("iam").create_policy(PolicyName="Limit", PolicyDocument=json.dumps(document))
    assert preflight(account, *given)[subject][0] == "fine"


def test_a_stack_that_is_there_is_updated_or_stands_in_the_way(preflight, account, new_account):
    stack = Stack(account)
    assert stack.create(template(), PermissionsBoundaryName="No") == "ROLLBACK_COMPLETE"
    severity, sentence = preflight(account)["role and policy"]
    assert severity == "failure" and "is ROLLBACK_COMPLETE. It can only be deleted" in sentence
    stack.delete()
    Stack(account).deploy(template())
    severity, sentence = preflight(account)["role and policy"]
    assert (severity, sentence.startswith("With a stack update: ")) == ("fine", True), sentence
    # As long as an operation is under way, no other can begin.
    other = new_account()
    waiting = json.dumps({"Resources": {"Wait": WAIT}})
    other.client("cloudformation").create_stack(StackName="orchestera-access", TemplateBody=waiting)
    severity, sentence = preflight(other)["role and policy"]
    assert severity == "failure" and "is CREATE_IN_PROGRESS. Wait until it has ended" in sentence


def test_a_role_that_cannot_be_adopted_is_named_and_one_that_can_be_is_fine(preflight, account, new_account):
    trust = {"Version": "2012-10-17", "Statement": []}
    account.client("iam").create_role(RoleName=guide.ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    severity, sentence = preflight(account)["role and policy"]
    stack = Stack(account)
    assert stack.create(template()) == "ROLLBACK_COMPLETE"
    assert severity == "failure" and sentence in reasons(stack)
    other = new_account()
    guide.follow(other)
    assert preflight(other)["role and policy"][0] == "fine"
    assert preflight(other, "--set", "OnExisting=Fail")["role and policy"][0] == "failure"


# -- The management account


def alone(management):
    pass


def with_users(management):
    for name in ("ann", "bob"):
        management.iam.create_user(UserName=name)


def with_a_group(management):
    with_users(management)
    management.iam.create_group(GroupName="orchestera-admin-group")
    management.organizations.create_organization(FeatureSet="ALL")
    management.account.settings(root_access_keys=True)


def with_members(management):
    management.organizations.create_organization(FeatureSet="ALL")
    management.account.settings(account_quota=1)


def on_a_free_plan(management):
    management.account.settings(account_plan="FREE")


CHOICES = {
    "everything is fine": (with_users, {"AdminUserNames": "ann,bob"}),
    "users are missing": (alone, {"AdminUserNames": "ann,bob"}),
    "a group is there": (with_a_group, {"AdminUserNames": "ann"}),
    "a group is not there": (with_users, {"AdminGroup": "Use", "AdminUserNames": "ann"}),
    "the quota is used up": (with_members, {"AdminGroup": "None", "AccessIn": "None"}),
    "the plan is free": (on_a_free_plan, {"AdminGroup": "None", "AccessIn": "None"}),
    "Identity Center is missing": (
        with_users,
        {"SignIn": "IdentityCenter", "IdentityCenterPrincipal": "user:ann", "AdminUserNames": "ann"},
    ),
    "a bootstrap role and break-glass": (
        with_users,
        {"AdminUserNames": "ann", "BreakGlassUser": "On", "BootstrapRole": "On"},
    ),
    "two more accounts": (
        with_users,
        {
            "AdminUserNames": "ann",
            "DevelopmentAccountEmail": "dev@example.com",
            "ProductionAccountEmail": "p@example.com",
        },
    ),
    "a contact": (
        with_users,
        {"AdminUserNames": "ann", "SecurityContact": "Ann Lee; Head; a@example.com; +1 555 0100"},
    ),
}


FAILING = {
    "users are missing",
    "a group is there",
    "a group is not there",
    "the quota is used up",
    "the plan is free",
    "Identity Center is missing",
}


@pytest.mark.parametrize("choice", CHOICES)
def test_the_findings_are_those_of_the_organizations_stack(orchestera, aws, account, choice):
    furnish, parameters = CHOICES[choice]
    management = Management(aws, account)
    furnish(management)
    parameters = {"AccountEmail": management.email} | parameters
    options = [part for name, value in parameters.items() for part in ("--set", f"{name}={value}")]
    ran = orchestera(account, "preflight", "--organization", *options, "--output", "json")
    checks = json.loads(ran.stdout)["checks"]
    failures, warnings = (
        [check["sentence"] for check in checks if check["severity"] == severity] for severity in ("failure", "warning")
    )
    assert (ran.returncode, bool(failures)) == ((1, True) if choice in FAILING else (0, False))
    assert warnings
    stack = management.stack()
    status = stack.create(only(organization_template(), "Organization"), **parameters)
    if failures:
        assert status == "ROLLBACK_COMPLETE"
        assert " ".join(failures) in reasons(stack)
    else:
        assert status == "CREATE_COMPLETE", reasons(stack)
        said = stack.outputs()["OrganizationWarnings"]
        assert all(warning in said for warning in warnings) and len(" ".join(warnings)) >= len(said) - 40, (
            said,
            warnings,
        )


def test_a_member_account_is_refused_with_its_management_account(orchestera, account, join):
    ran = orchestera(join(), "preflight", "--organization", "--set", "AccountEmail=a@example.com")
    assert ran.returncode == 1 and account.id in ran.stdout, ran.stdout


def test_choices_that_are_not_valid_are_refused(orchestera, account):
    ran = orchestera(account, "preflight", "--organization")
    assert ran.returncode == 2 and "--set AccountEmail=" in ran.stderr


def test_of_a_stack_that_is_there_only_what_is_new_is_checked(orchestera, aws, account):
    management = Management(aws, account)
    with_users(management)
    parameters = {"AccountEmail": management.email, "AdminUserNames": "ann"}
    stack, organization = management.stack(), only(organization_template(), "Organization")
    stack.deploy(organization, **parameters)
    # It is no longer new that ann has to be there.
    management.iam.delete_user(UserName="ann")
    assert orchestera(account, "preflight", "--organization").returncode == 0
    ran = orchestera(account, "preflight", "--organization", "--set", "AdminUserNames=ann,zoe", "--output", "json")
    (failure,) = [check["sentence"] for check in json.loads(ran.stdout)["checks"] if check["severity"] == "failure"]
    assert ran.returncode == 1 and failure.startswith("There is no IAM user zoe in this account.")
    assert stack.update(organization, **parameters | {"AdminUserNames": "ann,zoe"}) == "UPDATE_ROLLBACK_COMPLETE"
    assert failure in reasons(stack)
