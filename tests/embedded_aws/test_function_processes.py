"""When the process of a function ends."""

import json
import os
import threading

import pytest
from playing import becomes_true

from orchestera_local.embedded_aws.function_processes import MOST_IDLE
from orchestera_local.stack import Stack

# Says which process it is; given a folder, only once `go` is in there.
CODE = """
import os, time
def handler(event, context):
    if "folder" in event:
        open(os.path.join(event["folder"], "begun"), "w").close()
        while not os.path.exists(os.path.join(event["folder"], "go")):
            time.sleep(0.05)
    return os.getpid()
"""


def template(functions=1):
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    function = {
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Timeout": 60,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": CODE},
    }
    return {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}},
            }
        }
        | {
            f"Function{number}": {
                "Type": "AWS::Lambda::Function",
                "Properties": function | {"FunctionName": f"function-{number}"},
            }
            for number in range(functions)
        }
    }


def process_of(stack, number=0, **event):
    answer = stack.account.client("lambda").invoke(
        FunctionName=stack.resource(f"Function{number}"), Payload=json.dumps(event)
    )
    return json.loads(answer["Payload"].read())


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def ends(process):
    return becomes_true(lambda: not is_running(process))


@pytest.fixture
def stack(account):
    return Stack(account)


def test_it_ends_with_its_function(stack):
    stack.deploy(template())
    process = process_of(stack)
    assert is_running(process)
    stack.delete()
    assert ends(process)


def test_the_event_that_it_has_is_carried_to_its_end_though_the_function_is_gone(stack, tmp_path):
    stack.deploy(template())
    process, answers = process_of(stack), []
    invocation = threading.Thread(target=lambda: answers.append(process_of(stack, folder=str(tmp_path))))
    invocation.start()
    assert becomes_true((tmp_path / "begun").exists)
    assert stack.delete() == "DELETE_COMPLETE" and not answers
    (tmp_path / "go").touch()
    invocation.join()
    assert answers == [process]
    assert ends(process)


def test_it_does_not_end_with_a_function_of_the_same_name_in_another_account(aws, stack):
    stack.deploy(template())
    another = Stack(aws.account(f"2{stack.account.id[1:]}"))
    process = process_of(stack)
    another.deploy(template())
    assert another.resource("Function0") == stack.resource("Function0")
    process_of(another)
    another.delete()
    assert process_of(stack) == process


def test_of_many_that_are_idle_the_one_used_longest_ago_ends(stack):
    stack.deploy(template(MOST_IDLE + 1))
    processes = [process_of(stack, number) for number in range(MOST_IDLE)]
    assert process_of(stack) == processes[0]
    processes.append(process_of(stack, MOST_IDLE))
    assert ends(processes[1])
    assert all(is_running(process) for process in processes if process != processes[1])
