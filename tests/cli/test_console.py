"""`orchestera console`: the link that switches the console into an account."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

ROLE = "OrganizationAccountAccessRole"


def parts(link):
    split = urlsplit(link.strip())
    return split.netloc + split.path, {name: value for name, [value] in parse_qs(split.query).items()}


def of(account_id, role=ROLE, name=None):
    values = {"account": account_id, "roleName": role, "displayName": name or account_id}
    return "signin.aws.amazon.com/switchrole", values


@pytest.fixture
def named(organization, new_account):
    """Makes an account of the organization with that name."""

    def named(name):
        account = new_account()
        account.settings(account_name=name)
        organization.join(account)
        return account

    return named


def test_an_id_needs_no_organization(orchestera, account):
    ran = orchestera(account, "console", "444455556666")
    assert (ran.returncode, parts(ran.stdout)) == (0, of("444455556666"))
    ran = orchestera(account, "console", "444455556666", "--role", "Audit+1")
    assert parts(ran.stdout) == of("444455556666", "Audit+1")


def test_a_name_is_looked_up_and_shown(orchestera, account, named):
    member = named("R&D, EU")
    named("Other")
    ran = orchestera(account, "console", "R&D, EU")
    assert (ran.returncode, parts(ran.stdout)) == (0, of(member.id, name="R&D, EU"))


def test_a_name_that_nobody_or_several_have_is_refused(orchestera, account, named):
    ids = sorted(named("Twice").id for _ in range(2))
    ran = orchestera(account, "console", "Nobody")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.endswith("No account of the organization has the name Nobody. Give its id of 12 digits.\n")
    ran = orchestera(account, "console", "Twice")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"Several accounts have the name Twice: {', '.join(ids)}. Give the id." in ran.stderr


def test_without_an_account_the_links_are_those_of_the_organizations_stack(orchestera, account):
    ran = orchestera(account, "console")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "There is no stack orchestera-organization" in ran.stderr
    links = {"SwitchRoleUrl": "https://one.example.com", "ProductionSwitchRoleUrl": "https://three.example.com"}
    outputs = {name: {"Value": link} for name, link in (links | {"Other": "https://other.example.com"}).items()}
    wait = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    body = json.dumps({"Resources": {"Nothing": wait}, "Outputs": outputs})
    account.client("cloudformation").create_stack(StackName="orchestera-organization", TemplateBody=body)
    for _ in range(50):
        ran = orchestera(account, "console")
        if ran.returncode == 0:
            break
    assert ran.stdout.split() == list(links.values())


def test_without_the_right_to_read_it_says_what_is_missing(orchestera, account):
    iam = account.client("iam")
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    for arguments, call in ((["console"], "DescribeStacks"), (["console", "Spark"], "ListAccounts")):
        ran = orchestera(account, *arguments, **keys)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert f"{call}: AccessDenied" in ran.stderr and "orchestera permissions" in ran.stderr, ran.stderr
