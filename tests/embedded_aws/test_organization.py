"""Who belongs to which organisation, and where in it."""

import json

from saying import code_of

from orchestera_local.organization import STACK_SETS

DOCUMENT = {"Version": "2012-10-17", "Statement": []}


def test_an_account_belongs_to_no_organisation_until_one_is_made_or_joined(account, new_account, organization):
    outsider = new_account().client("organizations")
    assert code_of(outsider.describe_organization) == "AWSOrganizationsNotInUseException"
    assert code_of(outsider.list_roots) == "AWSOrganizationsNotInUseException"
    assert organization.client.describe_organization()["Organization"]["MasterAccountId"] == account.id
    assert code_of(organization.client.create_organization) == "AlreadyInOrganizationException"


def test_accounts_stand_in_units_and_units_in_each_other(organization, unit, join):
    inner = organization.unit("Inner", unit)
    one, two, three = join(), join(inner), join(organization.root)
    accounts = organization.client.list_accounts_for_parent
    units = organization.client.list_organizational_units_for_parent
    assert [a["Id"] for a in accounts(ParentId=unit)["Accounts"]] == [one.id]
    assert [a["Id"] for a in accounts(ParentId=inner)["Accounts"]] == [two.id]
    assert three.id in [a["Id"] for a in accounts(ParentId=organization.root)["Accounts"]]
    assert [u["Id"] for u in units(ParentId=unit)["OrganizationalUnits"]] == [inner]
    assert code_of(organization.client.delete_organizational_unit, OrganizationalUnitId=unit) == (
        "OrganizationalUnitNotEmptyException"
    )


def test_an_account_joins_only_when_it_accepts_and_leaves_when_it_likes(organization, new_account):
    account = new_account()
    invitation = organization.client.invite_account_to_organization(Target={"Id": account.id, "Type": "ACCOUNT"})
    members = {a["Id"] for a in organization.client.list_accounts()["Accounts"]}
    assert members == {organization.management.id}
    somebody = new_account().client("organizations")
    handshake = invitation["Handshake"]["Id"]
    assert code_of(somebody.accept_handshake, HandshakeId=handshake) == "HandshakeNotFoundException"
    account.client("organizations").accept_handshake(HandshakeId=handshake)
    assert account.id in {a["Id"] for a in organization.client.list_accounts()["Accounts"]}
    account.client("organizations").leave_organization()
    assert {a["Id"] for a in organization.client.list_accounts()["Accounts"]} == members
    assert code_of(organization.leave, account=organization.management) == "MasterCannotLeaveOrganizationException"


def test_a_member_may_see_its_organisation_and_a_delegated_administrator_may_look_around(organization, join):
    member = join()
    client = member.client("organizations")
    assert client.describe_organization()["Organization"]["Id"] == organization.id
    assert code_of(client.list_accounts) == "AccessDeniedException"
    organization.delegate(member)
    assert member.id in {a["Id"] for a in client.list_accounts()["Accounts"]}
    assert code_of(client.create_organizational_unit, ParentId=organization.root, Name="it") == "AccessDeniedException"
    (registered,) = organization.client.list_delegated_administrators()["DelegatedAdministrators"]
    assert registered["Id"] == member.id
    organization.client.deregister_delegated_administrator(AccountId=member.id, ServicePrincipal=STACK_SETS)
    assert code_of(client.list_accounts) == "AccessDeniedException"


def test_a_policy_can_name_the_organisation_of_who_asks(organization, join, new_account):
    s3, bucket = organization.management.client("s3"), f"of-{organization.management.id}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="key", Body=b"body")
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": organization.id}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(DOCUMENT | {"Statement": [statement]}))
    assert join().client("s3").get_object(Bucket=bucket, Key="key")["Body"].read() == b"body"
    assert code_of(new_account().client("s3").get_object, Bucket=bucket, Key="key") == "AccessDenied"
