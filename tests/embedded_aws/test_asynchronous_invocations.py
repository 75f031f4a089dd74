"""An event that is given to Lambda, which invokes the function until it succeeds or is given up."""

import json
import re
import time

import boto3
import pytest
from moto import mock_aws
from playing import TRUST, archive, becomes_true, bucket, events, function, kept, thing, types
from saying import code_of

from orchestera_local.aws import EmbeddedAws
from orchestera_local.stack import Stack

# By so much AWS's waits are shortened: the minute before the second attempt is a second, and so on.
FASTER = 60
# Seconds of the machine's after which nothing more is to come: the longest pause is two.
QUIET = 4


@pytest.fixture(scope="module")
def fast():
    with EmbeddedAws(faster=FASTER) as aws:
        yield aws


@pytest.fixture
def account(fast, new_account):
    account = new_account()
    return fast.account(account.id)


def give(account, play, function="play", **request):
    event = {"Play": play, "Events": bucket(account), "RequestType": "none"}
    account.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event), **request)


def configure(account, **settings):
    return account.client("lambda").put_function_event_invoke_config(FunctionName="play", **settings)


def attempts(account, wanted):
    """How many there are, when there are as many as that and, for a while, no more."""
    becomes_true(lambda: len(events(account)) >= wanted)
    time.sleep(QUIET)
    return len(events(account))


@pytest.mark.parametrize("play", [{"fails": True}, {"exits": True}, {"sleep": 30}], ids=["error", "exit", "timeout"])
def test_what_fails_is_attempted_three_times_a_minute_and_two_minutes_apart(fast, account, play):
    # As a real one counts, that is four seconds.
    arn = function(account, timeout=4 * FASTER)
    began = time.monotonic()
    give(account, play)
    assert becomes_true(lambda: len(events(account)) == 3)
    assert time.monotonic() - began >= (60 + 120) / FASTER
    assert attempts(account, 3) == 3
    # On a busy machine, starting a function takes longer than either.
    assert re.findall(rf"{arn} is invoked again in (\d+) seconds", fast.log()) == ["60", "120"]


def test_what_succeeds_is_not_attempted_again(account):
    function(account, timeout=4 * FASTER)
    give(account, [{"fails": True}, {}])
    assert attempts(account, 2) == 2


def test_no_more_attempts_are_made_than_are_configured(account):
    function(account, timeout=4 * FASTER)
    configure(account, MaximumRetryAttempts=0)
    give(account, {"fails": True})
    assert attempts(account, 1) == 1


def test_no_attempt_begins_when_the_event_is_too_old(account):
    function(account, timeout=4 * FASTER)
    configure(account, MaximumEventAgeInSeconds=60)
    give(account, {"fails": True})
    assert attempts(account, 1) == 1


def test_an_alias_has_a_configuration_of_its_own(account):
    function(account, timeout=4 * FASTER)
    client = account.client("lambda")
    client.publish_version(FunctionName="play")
    client.create_alias(FunctionName="play", Name="live", FunctionVersion="1")
    configure(account, Qualifier="live", MaximumRetryAttempts=0)
    give(account, {"fails": True}, Qualifier="live")
    assert attempts(account, 1) == 1
    assert events(account)[0]["Function"].endswith(":play:live")
    configure(account, Qualifier="live", MaximumRetryAttempts=1)
    configure(account, MaximumRetryAttempts=0)
    give(account, {"fails": True}, Qualifier="live")
    assert attempts(account, 3) == 3


def test_a_function_of_the_same_name_does_not_get_the_event_of_the_one_before(account):
    arn = function(account, timeout=4 * FASTER)
    client = account.client("lambda")
    configuration = client.get_function_configuration(FunctionName="play")
    give(account, {"fails": True})
    assert becomes_true(lambda: len(events(account)) == 1)
    client.delete_function(FunctionName="play")
    client.create_function(
        FunctionName="play",
        Runtime="python3.11",
        Handler=configuration["Handler"],
        Role=configuration["Role"],
        Code={"ZipFile": archive()},
    )
    assert client.get_function_configuration(FunctionName="play")["FunctionArn"] == arn
    assert attempts(account, 1) == 1


def test_an_event_of_a_custom_resource_is_attempted_again_until_it_is_answered(account):
    arn = function(account, timeout=4 * FASTER)
    play = {"Create": [{"fails": True}, {"sleep": 30}, {}]}
    stack = Stack(account)
    assert stack.create({"Resources": {"Thing": thing(account, arn, play, timeout=3600)}}) == "CREATE_COMPLETE"
    assert types(account) == ["Create"] * 3
    assert len({event["RequestId"] for event in events(account)}) == 1
    assert [answer["Answered"] for answer in kept(account, "Answered")] == [200]


def test_an_answer_that_comes_too_late_is_taken_and_means_nothing(account):
    arn = function(account, timeout=60 * FASTER)
    # Three seconds of the machine's, after which the function still has some time to go.
    play = {"Create": {"sleep": 8}}
    stack = Stack(account)
    template = {"Resources": {"Thing": thing(account, arn, play, timeout=3 * FASTER)}}
    assert stack.create(template) in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
    assert becomes_true(lambda: {"Answered": 200, "By": "Create"} in kept(account, "Answered"))
    assert stack._describe()["StackStatus"].startswith("ROLLBACK_")


def test_the_age_of_a_resource_is_told_by_the_same_clock(account):
    stack = Stack(account)
    stack.create({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
    time.sleep(2)
    detail = stack.cloudformation.describe_stack_resource(StackName=stack.id, LogicalResourceId="Handle")
    age = time.time() - detail["StackResourceDetail"]["LastUpdatedTimestamp"].timestamp()
    assert age >= 2 * FASTER


def test_an_event_invoke_config_of_a_template_is_obeyed(account):
    arn = function(account, timeout=4 * FASTER)
    config = {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": arn,
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": {"Ref": "Attempts"},
            "MaximumEventAgeInSeconds": 2600,
        },
    }
    template = {"Parameters": {"Attempts": {"Type": "Number"}}, "Resources": {"Config": config}}
    stack = Stack(account)
    stack.deploy(template, Attempts=1)
    there = account.client("lambda").get_function_event_invoke_config(FunctionName="play")
    assert (there["MaximumRetryAttempts"], there["MaximumEventAgeInSeconds"]) == (1, 2600)
    give(account, {"fails": True})
    assert attempts(account, 2) == 2
    stack.delete()
    with pytest.raises(account.client("lambda").exceptions.ResourceNotFoundException):
        account.client("lambda").get_function_event_invoke_config(FunctionName="play")


def test_a_configuration_is_that_of_latest_unless_something_else_is_named(account):
    arn = function(account)
    client = account.client("lambda")
    assert configure(account, MaximumRetryAttempts=1)["FunctionArn"] == f"{arn}:$LATEST"
    client.publish_version(FunctionName="play")
    configure(account, Qualifier="1", MaximumEventAgeInSeconds=60)
    listed = client.list_function_event_invoke_configs(FunctionName="play")["FunctionEventInvokeConfigs"]
    assert sorted(one["FunctionArn"].split(":")[-1] for one in listed) == ["$LATEST", "1"]
    client.delete_function_event_invoke_config(FunctionName="play", Qualifier="$LATEST")
    assert code_of(client.get_function_event_invoke_config, FunctionName="play") == "ResourceNotFoundException"
    assert client.get_function_event_invoke_config(FunctionName="play", Qualifier="1")


def test_what_an_update_does_not_name_stays_and_what_a_put_does_not_name_goes(account):
    function(account)
    client = account.client("lambda")
    assert code_of(client.update_function_event_invoke_config, FunctionName="play") == "ResourceNotFoundException"
    configure(account, MaximumRetryAttempts=1)
    updated = client.update_function_event_invoke_config(FunctionName="play", MaximumEventAgeInSeconds=300)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (1, 300)
    assert configure(account, MaximumEventAgeInSeconds=400)["MaximumRetryAttempts"] == 2


@pytest.mark.parametrize("settings", [{"MaximumRetryAttempts": 3}, {"MaximumEventAgeInSeconds": 21601}])
def test_a_configuration_beyond_the_limits_is_refused(account, settings):
    function(account)
    client = account.client("lambda")
    code = code_of(client.put_function_event_invoke_config, FunctionName="play", **settings)
    assert code == "ValidationException"


@mock_aws
def test_the_responses_have_the_shape_of_motos(account):
    function(account)

    def shapes(iam, client):
        if iam:
            role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
            client.create_function(
                FunctionName="play", Runtime="python3.11", Handler="a.b", Role=role, Code={"ZipFile": archive()}
            )
        put = client.put_function_event_invoke_config(FunctionName="play", MaximumRetryAttempts=1)
        got = client.get_function_event_invoke_config(FunctionName="play")
        (listed,) = client.list_function_event_invoke_configs(FunctionName="play")["FunctionEventInvokeConfigs"]
        updated = client.update_function_event_invoke_config(FunctionName="play", MaximumRetryAttempts=1)
        deleted = client.delete_function_event_invoke_config(FunctionName="play")
        statuses = [one["ResponseMetadata"]["HTTPStatusCode"] for one in (put, got, updated, deleted)]
        # moto leaves out what was not given, and the service does not.
        missing = code_of(client.get_function_event_invoke_config, FunctionName="play")
        return statuses, missing, [set(one) for one in (put, got, listed, updated)]

    moto_statuses, moto_missing, moto_keys = shapes(
        boto3.client("iam", region_name="us-east-1"), boto3.client("lambda", region_name="us-east-1")
    )
    statuses, missing, keys = shapes(None, account.client("lambda"))
    assert (statuses, missing) == (moto_statuses, moto_missing)
    assert all(moto <= ours for moto, ours in zip(moto_keys, keys, strict=True))
