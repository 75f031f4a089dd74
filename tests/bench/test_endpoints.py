"""What surrounds the contenders: an IAM that boto3 finds to be one, signatures, the emulated network."""

import asyncio
import json
import threading
import time

import boto3
import pytest
from botocore.config import Config

from orchestera_bench.stage import signature
from orchestera_bench.stage.iam import SECRET_KEY, SESSION_TOKEN, Iam, access_key
from orchestera_bench.stage.wire import Busy, Request, event_loop, serve

ACCOUNT = "111122223333"
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*"}]})
ROUND_TRIP = 0.03


@pytest.fixture(scope="module")
def served():
    """The IAM, and where it listens."""
    iam, loop = Iam(time.monotonic), event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = asyncio.run_coroutine_threadsafe(serve(iam.answer, Busy(), ROUND_TRIP), loop)
    server, port = opened.result(5)
    yield iam, f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def client(served, service="iam", key=None, secret=SECRET_KEY):
    key = key or access_key("AKIA", ACCOUNT)
    return boto3.client(
        service,
        endpoint_url=served[1],
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=SESSION_TOKEN,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_what_was_written_is_read_back_as_it_was_written(served):
    iam, tags = client(served), [{"Key": "a key", "Value": "ä&<b>"}]
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=DOCUMENT, Tags=tags, MaxSessionDuration=7200)
    arn = iam.create_policy(PolicyName="P", PolicyDocument=DOCUMENT, Tags=tags)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="R", PolicyArn=arn)
    role = iam.get_role(RoleName="R")["Role"]
    assert (role["AssumeRolePolicyDocument"], role["MaxSessionDuration"]) == (json.loads(DOCUMENT), 7200)
    assert role["Tags"] == tags == iam.get_policy(PolicyArn=arn)["Policy"]["Tags"]
    attached = iam.list_attached_role_policies(RoleName="R")["AttachedPolicies"]
    assert attached == [{"PolicyName": "P", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/P"}]
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == json.loads(DOCUMENT)
    assert [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v1"]
    assert [role["RoleName"] for role in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]] == ["R"]
    assert iam.list_role_policies(RoleName="R")["PolicyNames"] == []


def test_what_iam_refuses_is_refused(served):
    iam = client(served, key=access_key("AKIA", "333344445555"))
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="R")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=DOCUMENT)
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="R", AssumeRolePolicyDocument=DOCUMENT)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.attach_role_policy(RoleName="R", PolicyArn="arn:aws:iam::333344445555:policy/none")
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_policy(PolicyName="P", PolicyDocument="{")


def test_a_session_is_one_in_the_account_of_its_role(served):
    role_arn = "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole"
    session = client(served, "sts").assume_role(RoleArn=role_arn, RoleSessionName="bench")["Credentials"]
    client(served, key=session["AccessKeyId"]).create_role(RoleName="There", AssumeRolePolicyDocument=DOCUMENT)
    assert "There" in served[0].account("444455556666").roles


def test_a_signature_is_right_only_with_the_key_and_over_the_body(served):
    client(served).create_policy(PolicyName="Signed", PolicyDocument=DOCUMENT)
    request = served[0].calls[-1].request
    assert signature.is_right(request, SECRET_KEY)
    assert not signature.is_right(request, "another")
    assert not signature.is_right(Request(request.method, request.target, request.headers, b"x"), SECRET_KEY)
    unsigned = {name: value for name, value in request.headers.items() if name != "authorization"}
    assert not signature.is_right(Request(request.method, request.target, unsigned, request.body), SECRET_KEY)


def test_a_call_takes_a_round_trip_and_the_first_of_a_connection_two(served):
    iam, took = client(served), []
    iam.create_policy(PolicyName="Timed", PolicyDocument=DOCUMENT)
    iam.close()
    for _ in range(2):
        started = time.monotonic()
        iam.get_policy(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/Timed")
        took.append(time.monotonic() - started)
    assert took[0] >= 2 * ROUND_TRIP
    assert took[1] >= ROUND_TRIP
