"""A function's log is written with the rights of its role."""

import io
import json
import zipfile

import pytest

GROUP = "/aws/lambda/speaker"


@pytest.fixture
def speak(account):
    """Makes a function that says "hello", with those rights, and invokes it."""

    def with_rights(*actions):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", "def handler(event, context):\n    print('hello')\n")
        iam, function = account.client("iam"), account.client("lambda")
        role = iam.create_role(
            RoleName="speaker",
            AssumeRolePolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )["Role"]
        iam.put_role_policy(
            RoleName="speaker",
            PolicyName="it",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": ["s3:ListBucket", *actions], "Resource": "*"}],
                }
            ),
        )
        function.create_function(
            FunctionName="speaker",
            Runtime="python3.11",
            Handler="index.handler",
            Role=role["Arn"],
            Code={"ZipFile": archive.getvalue()},
        )
        function.invoke(FunctionName="speaker")

    return with_rights


def lines(account):
    """What the group holds, or None if there is no group."""
    logs = account.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        return None
    return [event["message"] for event in logs.filter_log_events(logGroupName=GROUP)["events"]]


def test_a_group_that_is_not_there_is_made_only_with_the_right_to_make_it(account, speak):
    speak("logs:CreateLogStream", "logs:PutLogEvents")
    assert lines(account) is None


def test_with_all_three_rights_the_group_is_made(account, speak):
    speak("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
    assert "hello" in lines(account)


@pytest.mark.parametrize(
    "rights, said",
    [
        (["logs:CreateLogStream", "logs:PutLogEvents"], True),
        (["logs:PutLogEvents"], False),
        (["logs:CreateLogStream"], False),
    ],
)
def test_a_group_that_is_there_takes_a_line_only_with_both_rights(account, speak, rights, said):
    account.client("logs").create_log_group(logGroupName=GROUP)
    speak(*rights)
    assert ("hello" in lines(account)) == said
