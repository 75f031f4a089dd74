"""The product in every account of an organisation, by a StackSet."""

import json

import pytest
from under_test import NOTHING, Access, left, tags_of

from orchestera_local import guide, orchestera_platform, publisher
from orchestera_local.aws import REGION
from orchestera_local.stack import Stack
from orchestera_local.stack_set import StackSet
from orchestera_release import product

NAME = "orchestera-access"
FOREIGN = {"Version": "2012-10-17", "Statement": []}


@pytest.fixture
def release(aws, published):
    """The template for the management account, as published; that of another release has the same code."""
    s3, bucket = aws.account(publisher.ACCOUNT).client("s3"), product.bucket(product.BUCKET_PREFIX, REGION)

    def of(version=product.VERSION):
        if version != product.VERSION:
            flat = (published / product.FLAT).read_text()
            changed = flat.replace(f"Release: {product.VERSION}\n", f"Release: {version}\n")
            assert changed != flat
            s3.put_object(Bucket=bucket, Key=product.key(product.FLAT, version), Body=changed)
        text = (published / product.STACK_SET).read_text()
        return text.replace(product.key(product.FLAT), product.key(product.FLAT, version))

    return of


def flat_url(version=product.VERSION):
    return product.url(product.BUCKET_PREFIX, REGION, product.FLAT, version)


@pytest.fixture
def stack(organization):
    """Of the management account."""
    return Stack(organization.management, "orchestera-rollout")


@pytest.fixture
def stack_set(organization):
    return StackSet(organization.management, NAME)


def external_id(account):
    """As it is collected from many accounts: StackSets do not give out what stacks do."""
    return tags_of(Access(account).role())["orchestera:external-id"]


def let_in(aws, accounts):
    """The platform is let into each with the external id of that account, and with no other."""
    platform = orchestera_platform.caller(aws)
    ids = {account.id: external_id(account) for account in accounts}
    assert len(set(ids.values())) == len(accounts)
    for account in accounts:
        role = f"arn:aws:iam::{account.id}:role/{guide.ROLE}"
        assert orchestera_platform.session(platform, role, ids[account.id])
        for other in set(ids.values()) - {ids[account.id]} | {None}:
            assert orchestera_platform.session(platform, role, other) is None
    return ids


def test_a_rollout_reaches_every_account_and_names_the_one_that_cannot_have_it(
    aws, organization, unit, join, stack, stack_set, release
):
    accounts = [join(), join(organization.unit("Inner", unit)), join()]
    taken = join()
    taken.client("iam").create_role(RoleName=guide.ROLE, AssumeRolePolicyDocument=json.dumps(FOREIGN))
    stack.deploy(release(), OrganizationalUnitIds=unit)
    ids = let_in(aws, accounts)
    assert left(organization.management) == NOTHING | {"stacks": [stack.name]}

    instances = stack_set.instances()
    assert {a.id: instances[a.id]["Status"] for a in (*accounts, taken)} == (
        {a.id: "CURRENT" for a in accounts} | {taken.id: "OUTDATED"}
    )
    described = stack_set.cloudformation.describe_stack_instance(
        StackSetName=NAME, StackInstanceAccount=taken.id, StackInstanceRegion=REGION
    )["StackInstance"]
    reason = instances[taken.id]["StatusReason"]
    assert described["StatusReason"] == reason
    assert reason.startswith("ResourceLogicalId:Access, ResourceType:Custom::OrchesteraAccess, ResourceStatusReason:")
    assert guide.ROLE in reason and "not the one of the Orchestera guide" in reason
    assert left(taken) == NOTHING | {"roles": [guide.ROLE]}

    # An account that joins has it without anybody's doing.
    joining = join()
    stack_set.settled()
    ids |= let_in(aws, [*accounts, joining])

    # A new release with the other edition. The account that could not have it can, once the foreign role is gone.
    taken.client("iam").delete_role(RoleName=guide.ROLE)
    stack.deploy(release("99.0.0"), OrganizationalUnitIds=unit, PolicyEdition="2026-02-06")
    everybody = [*accounts, joining, taken]
    assert {instance["Status"] for instance in stack_set.instances().values()} == {"CURRENT"}
    for account in everybody:
        (inner,) = account.client("cloudformation").describe_stacks()["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in inner["Outputs"]}
        assert (outputs["PolicyEdition"], outputs["Verified"]) == ("2026-02-06", "true")
        assert outputs["ExternalId"] == external_id(account)
    assert ids.items() <= let_in(aws, everybody).items()

    assert stack.delete() == "DELETE_COMPLETE"
    assert [left(account) for account in everybody] == [NOTHING] * len(everybody)
    assert left(organization.management) == NOTHING


@pytest.mark.parametrize("retain", [False, True])
def test_an_account_that_leaves_loses_the_role_unless_it_is_to_stay(
    aws, organization, unit, join, stack, stack_set, release, retain
):
    leaving, staying = join(), join()
    stack.deploy(release(), OrganizationalUnitIds=unit, RetainStacksOnAccountRemoval=str(retain).lower())
    organization.leave(leaving)
    stack_set.settled()
    if retain:
        let_in(aws, [leaving, staying])
    else:
        assert left(leaving) == NOTHING
        let_in(aws, [staying])
    assert list(stack_set.instances()) == [staying.id]
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(staying) == NOTHING and (left(leaving) == NOTHING) is not retain


def test_accounts_can_be_left_out_and_taken_in_later(aws, unit, join, stack, stack_set, release):
    one, two = join(), join()
    stack.deploy(release(), OrganizationalUnitIds=unit, Accounts=two.id, AccountFilterType="DIFFERENCE")
    ids = let_in(aws, [one])
    assert left(two) == NOTHING
    stack.deploy(release(), OrganizationalUnitIds=unit)
    assert ids.items() <= let_in(aws, [one, two]).items()
    assert stack.delete() == "DELETE_COMPLETE"
    assert [left(account) for account in (one, two)] == [NOTHING, NOTHING]


def test_without_tolerance_one_account_that_fails_undoes_the_rollout_and_the_stack_says_why(
    unit, join, stack, stack_set, release
):
    one, taken = join(), join()
    taken.client("iam").create_role(RoleName=guide.ROLE, AssumeRolePolicyDocument=json.dumps(FOREIGN))
    assert stack.create(release(), OrganizationalUnitIds=unit, FailureTolerancePercentage=0) == "ROLLBACK_COMPLETE"
    reasons = " ".join(stack.reasons())
    assert "status reason(s)" in reasons and "not the one of the Orchestera guide" in reasons
    assert [left(one), left(taken)] == [NOTHING, NOTHING | {"roles": [guide.ROLE]}]


def test_what_was_made_by_hand_in_an_account_is_taken_over_and_put_back(unit, join, stack, release):
    by_hand, new = join(), join()
    guide.follow(by_hand)
    before = guide.everything(by_hand)
    stack.deploy(release(), OrganizationalUnitIds=unit)
    assert tags_of(Access(by_hand).role())["orchestera:ownership"] == "adopted"
    assert tags_of(Access(new).role())["orchestera:ownership"] == "created"
    assert stack.delete() == "DELETE_COMPLETE"
    assert guide.everything(by_hand) == before and left(new) == NOTHING


def test_a_delegated_administrator_rolls_it_out(aws, organization, unit, join, release):
    administrator, member = join(), join()
    organization.delegate(administrator)
    stack = Stack(administrator, "orchestera-rollout")
    stack.deploy(release(), OrganizationalUnitIds=unit, CallAs="DELEGATED_ADMIN")
    let_in(aws, [administrator, member])
    instances = StackSet(administrator, NAME, CallAs="DELEGATED_ADMIN").instances()
    assert {instance["Status"] for instance in instances.values()} == {"CURRENT"}
    assert stack.delete() == "DELETE_COMPLETE"
    assert [left(account) for account in (administrator, member)] == [NOTHING, NOTHING]


def test_without_an_organisation_a_self_managed_stack_set_does_it_in_the_account_itself_too(
    aws, account, new_account, published, release
):
    other = new_account()
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole"}

    def role(of, kind, **statement):
        document = {"Version": "2012-10-17", "Statement": [allow | statement]}
        name = f"AWSCloudFormationStackSet{kind}Role"
        of.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
        return name

    name = role(account, "Administration", Principal={"Service": "cloudformation.amazonaws.com"})
    right = {"Version": "2012-10-17", "Statement": [allow | {"Resource": "*"}]}
    account.client("iam").put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=json.dumps(right))
    for of in (account, other):
        role(of, "Execution", Principal={"AWS": account.id})
    stack_set = StackSet(account, NAME)
    stack_set.create(flat_url(), PermissionModel="SELF_MANAGED")
    accounts = {"Accounts": [account.id, other.id]}
    assert stack_set.deploy(**accounts) == "SUCCEEDED"
    let_in(aws, [account, other])
    release("99.0.1")
    assert stack_set.update(flat_url("99.0.1"), {"AccessState": "Suspended"}) == "SUCCEEDED"
    platform, arn = orchestera_platform.caller(aws), f"arn:aws:iam::{other.id}:role/{guide.ROLE}"
    assert orchestera_platform.session(platform, arn, external_id(other)) is None
    assert stack_set.remove(**accounts) == "SUCCEEDED"
    stack_set.delete()
    assert left(other) == NOTHING | {"roles": ["AWSCloudFormationStackSetExecutionRole"]}


def test_a_boundary_that_every_account_has_under_one_name_is_given_once(unit, join, stack, release):
    accounts = [join(), join()]
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    for account in accounts:
        account.client("iam").create_policy(PolicyName="Limit", PolicyDocument=document)
    given = {"PermissionsBoundaryName": "Limit", "FunctionPermissionsBoundaryName": "Limit"}
    stack.deploy(release(), OrganizationalUnitIds=unit, **given)
    for account in accounts:
        iam = account.client("iam")
        names = [role["RoleName"] for role in iam.list_roles()["Roles"]]
        boundaries = [iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"] for name in names]
        limit = f"arn:aws:iam::{account.id}:policy/Limit"
        assert [boundary["PermissionsBoundaryArn"] for boundary in boundaries] == [limit] * 3


def test_without_automatic_deployment_an_account_that_joins_gets_nothing_and_one_that_leaves_keeps_it(
    organization, unit, join, stack, stack_set, release
):
    first = join()
    stack.deploy(release(), OrganizationalUnitIds=unit, AutoDeployment="false")
    second = join()
    stack_set.settled()
    assert left(second) == NOTHING and list(stack_set.instances()) == [first.id]
    organization.leave(first)
    stack_set.settled()
    assert Access(first).role() is not None
