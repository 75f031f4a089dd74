"""An IAM that refuses calls."""

import json

import pytest
from botocore.exceptions import ClientError

from orchestera_local.aws import EmbeddedAws

EVERY = 3


@pytest.fixture(scope="module")
def throttling_aws():
    with EmbeddedAws(throttling=EVERY) as aws:
        yield aws


def session(account):
    """What a function has: temporary credentials, here of a role that may read itself."""
    statement = {"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "sts:AssumeRole"}
    iam = account.client("iam")
    role = iam.create_role(
        RoleName="role", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )["Role"]
    right = {"Effect": "Allow", "Action": "iam:GetRole", "Resource": role["Arn"]}
    iam.put_role_policy(
        RoleName="role", PolicyName="it", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [right]})
    )
    return account.assume(role["Arn"])


def refusals(account, calls):
    """Which of so many calls to IAM are refused."""
    iam, refused = account.client("iam"), []
    for call in range(calls):
        try:
            iam.get_role(RoleName="role")
        except ClientError as error:
            assert error.response["Error"] == {"Type": "Sender", "Code": "Throttling", "Message": "Rate exceeded"}
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
            refused.append(call)
    return refused


def test_every_third_call_of_a_session_is_refused_and_said_so(throttling_aws, account):
    account = throttling_aws.account(account.id)
    refused = refusals(session(account), 4 * EVERY)
    assert refused == list(range(refused[0], 4 * EVERY, EVERY)) and len(refused) == 4
    assert throttling_aws.log().count("[throttling] refused GetRole") == 4


def test_sessions_are_refused_different_calls(throttling_aws):
    accounts = [throttling_aws.account(f"2{number:011}") for number in range(12)]
    assert {refusals(session(account), EVERY)[0] for account in accounts} == set(range(EVERY))


def test_who_looks_on_is_not_refused(throttling_aws, account):
    account = throttling_aws.account(f"3{account.id[1:]}")
    session(account)
    assert refusals(account, 4 * EVERY) == []


def test_nobody_is_refused_without_the_setting(account):
    assert refusals(session(account), 4 * EVERY) == []
