"""CreateAccount takes its time, and may fail; the role of the new account may come later still."""

import time

import boto3
import botocore.config
import pytest
from creating import Creator, new_email
from saying import code_of

# Seconds: as short as it can be, and longer than a call takes.
SHORT = 0.6


@pytest.fixture
def creator(account):
    account.client("organizations").create_organization()
    return Creator(account)


@pytest.fixture
def refusal(creator):
    """Code and reason with which CreateAccount is refused, whatever the SDK thinks of the request."""
    client = boto3.client(
        "organizations",
        region_name="us-east-1",
        endpoint_url=creator.management.endpoint,
        **creator.management.credentials,
        config=botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )

    def refusal(**request):
        try:
            client.create_account(**request)
        except client.exceptions.ClientError as error:
            return error.response["Error"]["Code"], error.response.get("Reason")
        return None

    return refusal


def until(condition):
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it does not come")


def test_a_creation_is_in_progress_for_as_many_polls_as_are_set_and_then_the_account_is_there(creator):
    creator.management.settings(account_creation_polls=2)
    request = creator.create(name="Slow")
    assert creator.status(request)["State"] == "IN_PROGRESS"
    assert set(creator.accounts()) == {creator.management.id}
    assert creator.status(request)["State"] == "IN_PROGRESS"
    ended = creator.status(request)
    assert ended["State"] == "SUCCEEDED" and ended["AccountName"] == "Slow"
    assert creator.accounts()[ended["AccountId"]]["State"] == "ACTIVE"


def test_the_answer_to_create_account_is_in_progress_even_if_it_takes_no_time(creator):
    answer = creator.client.create_account(Email=new_email(), AccountName="it")["CreateAccountStatus"]
    assert answer["State"] == "IN_PROGRESS" and "AccountId" not in answer


def test_a_creation_takes_as_many_seconds_as_are_set(creator):
    creator.management.settings(account_creation_seconds=SHORT)
    begun, request = time.monotonic(), creator.create()
    assert creator.status(request)["State"] == "IN_PROGRESS"
    until(lambda: creator.status(request)["State"] == "SUCCEEDED")
    assert time.monotonic() - begun >= SHORT


@pytest.mark.parametrize("reason", ["INTERNAL_FAILURE", "PENDING_BUSINESS_VALIDATION", "A_REASON_OF_NEXT_YEAR"])
def test_a_creation_fails_with_any_reason_that_is_set_and_only_once(creator, reason):
    creator.management.settings(account_creation_failures=[reason], account_creation_polls=1)
    email = new_email()
    request = creator.create(email)
    assert creator.status(request)["State"] == "IN_PROGRESS"
    ended = creator.status(request)
    assert (ended["State"], ended["FailureReason"]) == ("FAILED", reason) and "AccountId" not in ended
    assert set(creator.accounts()) == {creator.management.id}
    creator.management.settings(account_creation_polls=0)
    assert creator.created(email=email) in creator.accounts()


def test_an_email_address_that_is_taken_fails_afterwards_whatever_its_case(creator, new_account):
    creator.management.settings(taken_email_addresses=["Elsewhere@Example.com"])
    taken = new_email()
    creator.created(email=taken)
    management = creator.client.describe_organization()["Organization"]["MasterAccountEmail"]
    other = Creator(new_account())
    other.client.create_organization()
    theirs = new_email()
    other.created(email=theirs)
    for email in (taken, taken.upper(), "elsewhere@example.COM", management, theirs):
        ended = creator.status(creator.create(email))
        assert (ended["State"], ended.get("FailureReason")) == ("FAILED", "EMAIL_ALREADY_EXISTS"), email
    assert len(creator.accounts()) == 2


def test_two_creations_under_way_with_the_same_email_make_one_account(creator):
    creator.management.settings(account_creation_polls=1)
    email = new_email()
    requests = [creator.create(email), creator.create(email.upper())]
    for request in requests:
        creator.status(request)
    assert [creator.status(request)["State"] for request in requests] == ["SUCCEEDED", "FAILED"]
    assert len(creator.accounts()) == 2


def test_an_account_may_stand_in_the_list_before_its_creation_has_succeeded(creator):
    creator.management.settings(account_creation_polls=1, account_appears_early=True, account_activation_seconds=SHORT)
    request = creator.create()
    (early,) = [one for one in creator.accounts().values() if one["Id"] != creator.management.id]
    assert (early["State"], early["Status"]) == ("PENDING_ACTIVATION", "SUSPENDED")
    assert creator.status(request)["State"] == "IN_PROGRESS"
    assert creator.status(request)["AccountId"] == early["Id"]
    assert creator.accounts()[early["Id"]]["State"] == "PENDING_ACTIVATION"
    until(lambda: creator.accounts()[early["Id"]]["State"] == "ACTIVE")


def test_the_tags_of_the_request_are_the_accounts_tags_at_once(creator):
    tags = [{"Key": "orchestera:stack-id", "Value": "it"}]
    creator.management.settings(account_appears_early=True, account_creation_polls=1)
    creator.create(Tags=tags)
    (early,) = set(creator.accounts()) - {creator.management.id}
    assert creator.client.list_tags_for_resource(ResourceId=early)["Tags"] == tags


def test_the_list_of_creations_shows_names_and_neither_email_address_nor_requester(creator):
    creator.management.settings(account_creation_failures=["INVALID_EMAIL"])
    creator.status(creator.create(name="Failed"))
    creator.status(creator.create(name="Made"))
    creator.management.settings(account_creation_polls=9)
    creator.create(name="Slow")
    shown = creator.client.list_create_account_status()["CreateAccountStatuses"]
    assert [one["AccountName"] for one in shown] == ["Failed", "Made", "Slow"]
    assert {key for one in shown for key in one} == {
        *("AccountId", "AccountName", "CompletedTimestamp", "FailureReason", "Id", "RequestedTimestamp", "State")
    }
    slow = creator.client.list_create_account_status(States=["IN_PROGRESS"])["CreateAccountStatuses"]
    assert [one["AccountName"] for one in slow] == ["Slow"]
    assert code_of(creator.status, request="car-00000000") == "CreateAccountStatusNotFoundException"


def test_an_organization_is_finalized_for_as_long_as_is_set(account):
    account.settings(finalizing_seconds=SHORT)
    creator = Creator(account)
    creator.client.create_organization()
    assert code_of(creator.create) == "FinalizingOrganizationException"
    assert code_of(creator.client.invite_account_to_organization, Target={"Id": "1" * 12, "Type": "ACCOUNT"}) == (
        "FinalizingOrganizationException"
    )
    time.sleep(SHORT)
    assert creator.created() in creator.accounts()


def test_calls_are_refused_as_is_set_one_after_the_other(creator, refusal):
    request = {"Email": new_email(), "AccountName": "it"}
    creator.management.settings(
        refusals={
            "CreateAccount": [
                "ConcurrentModificationException",
                "TooManyRequestsException",
                "FinalizingOrganizationException",
                "ConstraintViolationException:MASTER_ACCOUNT_MISSING_CONTACT_INFO",
            ],
            "ListAccounts": ["TooManyRequestsException"],
        }
    )
    assert [refusal(**request) for _ in range(5)] == [
        ("ConcurrentModificationException", None),
        ("TooManyRequestsException", None),
        ("FinalizingOrganizationException", None),
        ("ConstraintViolationException", "MASTER_ACCOUNT_MISSING_CONTACT_INFO"),
        None,
    ]
    assert code_of(creator.client.list_accounts) == "TooManyRequestsException"
    assert len(creator.accounts()) == 2


def test_the_quota_counts_closed_accounts_open_invitations_and_creations_under_way(creator, refusal, new_account):
    request = {"Email": new_email(), "AccountName": "it"}
    creator.management.settings(account_quota=4)
    closed = creator.created()
    creator.client.close_account(AccountId=closed)
    invitation = creator.client.invite_account_to_organization(Target={"Id": new_account().id, "Type": "ACCOUNT"})
    creator.management.settings(account_creation_polls=2)
    creator.create()
    assert refusal(**request) == ("ConstraintViolationException", "ACCOUNT_NUMBER_LIMIT_EXCEEDED")
    creator.client.cancel_handshake(HandshakeId=invitation["Handshake"]["Id"])
    assert refusal(**request) is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"AccountName": "n" * 51}, "MAX_LENGTH_EXCEEDED"),
        ({"AccountName": ""}, "MIN_LENGTH_EXCEEDED"),
        ({"AccountName": "nämlich"}, "INVALID_PATTERN"),
        ({"Email": "a@b.c"}, "MIN_LENGTH_EXCEEDED"),
        ({"Email": f"{'a' * 53}@example.com"}, "MAX_LENGTH_EXCEEDED"),
        ({"Email": "a@example com"}, "INVALID_PATTERN"),
        ({"RoleName": "a role"}, "INVALID_ROLE_NAME"),
        ({"Tags": [{"Key": "one", "Value": "1"}, {"Key": "one", "Value": "2"}]}, "DUPLICATE_TAG_KEY"),
        ({"Tags": [{"Key": "aws:one", "Value": "1"}]}, "INVALID_SYSTEM_TAGS_PARAMETER"),
        ({"Tags": [{"Key": "one", "Value": "1" * 257}]}, "MAX_LENGTH_EXCEEDED"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused(refusal, wrong, reason):
    request = {"Email": new_email(), "AccountName": "it"}
    assert refusal(**request | wrong) == ("InvalidInputException", reason)
    assert refusal(**request, RoleName="A_role+=,.@-") is None
    assert refusal(Email=f"{'a' * 48}{new_email()}"[-64:], AccountName="n" * 50) is None


@pytest.mark.parametrize("given", [{}, {"RoleName": "Entrance"}])
def test_the_management_account_gets_into_the_new_account_as_an_administrator(creator, given):
    account = creator.created(**given)
    role = f"arn:aws:iam::{account}:role/{given.get('RoleName', 'OrganizationAccountAccessRole')}"
    inside = creator.management.assume(role)
    assert [one["Arn"] for one in inside.client("iam").list_roles()["Roles"]] == [role]


def test_nobody_else_gets_into_the_new_account(creator, new_account):
    role = f"arn:aws:iam::{creator.created()}:role/OrganizationAccountAccessRole"
    assert code_of(new_account().assume, role_arn=role) == "AccessDenied"


def test_the_role_may_come_later_than_the_account(creator):
    creator.management.settings(access_role_seconds=SHORT)
    account = creator.created()
    assert creator.accounts()[account]["State"] == "ACTIVE"
    begun, role = time.monotonic(), f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    assert code_of(creator.management.assume, role_arn=role) == "AccessDenied"
    time.sleep(SHORT)
    assert creator.management.assume(role) and time.monotonic() - begun >= SHORT
