"""`make prove-aws` that fails, or is interrupted: it deletes what it has created, and lists what is left."""

import os
import pty
import re
import shlex
import signal
import subprocess
import time

import pytest
from proving import LONGEST, Person, Run

from orchestera_release.product import ROOT
from orchestera_release.proof import leftovers
from orchestera_release.proof.report import WITH_THE_STACK

AWS = ROOT / ".tools/awscli/bin/aws"
# As often as the function could ask in its time. It tries again, so that CloudFormation waits for it.
FOR_A_WHILE = 1000 * ["Throttling"]


@pytest.fixture
def person(account, tmp_path, dist):
    return Person(account, tmp_path, dist)


def hang(person):
    """The next `orchestera verify` does not end. Role and policy exist while it runs."""
    (person.folder / "hang").touch()
    return lambda: (person.folder / "verified").exists()


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def lines_of(run):
    return [line.strip() for line in run.shown.splitlines()]


@pytest.fixture
def began(person):
    """A run in the middle: the stack is there, and `orchestera verify` does not end."""
    verifies = hang(person)
    run = person.begin()
    run.until(verifies)
    assert {"OrchesteraAccessRole"} < set(person.has()["roles"]) and person.has()["stacks"] == [leftovers.STACK]
    yield run
    run.end()


def test_a_function_that_is_refused_a_call_fails_the_proof_and_nothing_is_left(person):
    before = person.has()
    person.account.settings(refusals={"CreateRole": 10 * ["AccessDenied"]})
    run = person.begin()
    assert run.end() == 1, run.shown
    assert person.has() == before
    report = person.report()
    assert report["ended"].startswith(f"failed: Failed: {leftovers.STACK} is ROLLBACK_COMPLETE. Access: ")
    assert not report["holds"] and report["left"] == []
    # CloudFormation's reason, and what was done about it.
    reasons = [one["reason"] for one in report["events"] if one["status"] == "CREATE_FAILED"]
    assert any("iam:CreateRole" in reason for reason in reasons) and reasons[0] in person.texts()[1]
    assert report["steps"][-1]["step"] == "Clean up"


@pytest.mark.parametrize("action", ["cloudformation:CreateStack", "cloudformation:UpdateStack", "s3:PutObject"])
def test_a_call_that_is_denied_in_the_middle_fails_the_proof_and_nothing_is_left(person, action):
    before = person.has()
    person.may_not(action)
    run = person.begin()
    assert run.end() == 1, run.shown
    assert person.has() == before
    report = person.report()
    assert "AccessDenied" in report["ended"] and action.split(":")[1] in report["ended"]
    assert not report["holds"] and report["left"] == []
    assert [one["error"] for one in report["requests"] if one["call"] == action] == ["AccessDenied"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_sigterm_or_a_closed_terminal_in_the_middle_deletes_everything(person, began, number):
    if number == signal.SIGINT:
        began.ctrl_c()
    else:
        began.process.send_signal(number)
    assert began.end() == 128 + number, began.shown
    assert set(person.has()["roles"] + person.has()["policies"]) == set() and person.has()["stacks"] == []
    assert not person.has()["buckets"] and not person.has()["functions"]
    report = person.report()
    assert report["ended"] == f"interrupted by {number.name}" and not report["holds"] and report["left"] == []
    # The command line that was running does not go on.
    assert not is_running(person.verified()[0][3])


def test_ctrl_c_while_a_stack_is_being_created_waits_for_it_and_deletes_it(person):
    before = person.has()
    person.account.settings(refusals={"CreateRole": 12 * ["Throttling"]})
    run = person.begin()
    run.until_shown("Create the stack")
    run.until(lambda: person.has()["functions"])
    run.ctrl_c()
    assert run.end() == 130, run.shown
    assert person.has() == before
    assert person.report()["steps"][-1]["step"] == "Clean up"


def test_ctrl_c_before_the_account_id_is_typed_creates_nothing(person):
    before = person.has()
    run = Run(person.command(), person.environment())
    run.until_shown("Type the account id")
    run.ctrl_c()
    assert run.end() == 130 and "Nothing was created." in run.shown
    assert person.has() == before and not person.reports.exists()


def test_a_second_ctrl_c_ends_the_waiting_and_lists_what_is_left_with_its_commands(person, began):
    # The function deletes the role for the stack, and tries again.
    person.account.settings(refusals={"DeleteRole": list(FOR_A_WHILE)})
    began.ctrl_c()
    began.until(lambda: re.search("orchestera-access-proof +DELETE_IN_PROGRESS", began.shown))
    pressed = time.monotonic()
    began.ctrl_c()
    # More of them change nothing.
    began.until_shown("This is left:")
    began.ctrl_c()
    assert began.end() == 130, began.shown
    assert time.monotonic() - pressed < 20
    left = {(one["kind"], one["name"]): one["commands"] for one in person.report()["left"]}
    assert ("stack", leftovers.STACK) in left and ("role", "OrchesteraAccessRole") in left
    assert WITH_THE_STACK in began.shown and WITH_THE_STACK in person.texts()[1]
    # What the stack would have deleted after that, whatever CloudFormation named it.
    assert {kind for kind, _ in left} >= {"stack", "role", "function", "schedule", "log group"}
    for commands in left.values():
        for command in commands:
            assert command in lines_of(began)
    assert (
        f"aws cloudformation delete-stack --stack-name {leftovers.STACK} --profile mine --region us-east-1"
        in (left["stack", leftovers.STACK])
    )


def test_what_cannot_be_deleted_is_listed_with_the_command_that_deletes_it(person):
    person.may_not("s3:DeleteBucket")
    run = person.begin()
    assert run.end() == 1, run.shown
    (left,) = person.report()["left"]
    (bucket,) = person.has()["buckets"]
    command = f"aws s3 rb s3://{bucket} --force --profile mine --region us-east-1"
    assert left == {"kind": "bucket", "name": bucket, "commands": [command]}
    assert command in lines_of(run) and command in person.texts()[1]
    assert "DeleteBucket" in person.report()["ended"]


def test_what_is_left_beside_the_stack_is_found_and_listed_too(person):
    # As Lambda does for a function that writes to no group of its own.
    group = f"/aws/lambda/{leftovers.STACK}-AccessFunction-0"
    verifies = hang(person)
    run = person.begin()
    run.until(verifies)
    person.account.client("logs").create_log_group(logGroupName=group)
    (person.folder / "hang").unlink()
    assert run.end() == 1, run.shown
    report = person.report()
    (claim,) = [one for one in report["claims"] if not one["holds"]]
    assert claim["claim"] == "nothing is left" and report["ended"] == "complete" and not report["holds"]
    command = f"aws logs delete-log-group --log-group-name {group} --profile mine --region us-east-1"
    assert report["left"] == [{"kind": "log group", "name": group, "commands": [command]}]
    assert command in lines_of(run)


def test_the_commands_delete_what_is_left_as_they_stand(person, began):
    """In the worst case: the proof was killed, and the stack with its function is gone without role and policy."""
    os.killpg(began.process.pid, signal.SIGKILL)
    began.process.wait()
    policy = f"arn:aws:iam::{person.account.id}:policy/OrchesteraAccessPolicy"
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}'
    person.iam.create_policy_version(PolicyArn=policy, PolicyDocument=document)
    person.iam.put_role_policy(RoleName="OrchesteraAccessRole", PolicyName="Deny", PolicyDocument=document)
    names = person.has()["log groups"]
    found = leftovers.look(caller_of(person), names)
    kinds = {one.kind for one in found}
    assert kinds == {"stack", "role", "policy", "function", "schedule", "log group", "bucket"}
    # But for the stack: its function would do it.
    for one in found:
        for command in one.commands if one.kind != "stack" else ():
            run_command(person, command)
    assert {one.kind for one in leftovers.look(caller_of(person), names)} == {"stack"}


def test_the_commands_for_a_stack_delete_it_with_everything_in_it(person, began):
    os.killpg(began.process.pid, signal.SIGKILL)
    began.process.wait()
    (stack,) = [one for one in leftovers.look(caller_of(person)) if one.kind == "stack"]
    for command in stack.commands:
        run_command(person, command)
    assert [one.kind for one in leftovers.look(caller_of(person))] == ["bucket"]


def caller_of(person):
    """As the proof has it, by the account's root user."""

    class Caller:
        account, partition = person.account.id, "aws"
        client = staticmethod(person.account.client)

        def every(self, service, operation, key, **request):
            pages = self.client(service).get_paginator(operation).paginate(**request)
            return [one for page in pages for one in page.get(key, [])]

        def command(self, *words):
            return shlex.join(["aws", *words, "--profile", "mine", "--region", "us-east-1"])

    return Caller()


def run_command(person, command):
    environment = person.environment() | {"AWS_PAGER": ""}
    ran = subprocess.run(
        [AWS, *shlex.split(command)[1:]], env=environment, capture_output=True, text=True, timeout=LONGEST
    )
    assert ran.returncode == 0, f"{command}\n{ran.stderr}"


def test_if_nobody_may_look_any_more_everything_that_was_created_is_listed(person, began):
    person.may_not("*")
    began.ctrl_c()
    assert began.end() == 130, began.shown
    report = person.report()
    (bucket,) = person.has()["buckets"]
    names = {one["name"] for one in report["left"]}
    assert names == {leftovers.STACK, "OrchesteraAccessRole", "OrchesteraAccessPolicy", bucket}
    assert len(report["could not look"]) == 7 and "This may be left:" in began.shown
    assert all(command in lines_of(began) for one in report["left"] for command in one["commands"])


def test_a_terminal_that_is_closed_does_not_end_the_clean_up(person):
    before = person.has()
    verifies = hang(person)
    process, terminal = pty.fork()
    if process == 0:
        try:
            os.execve(person.command()[0], list(map(str, person.command())), person.environment())
        finally:
            os._exit(127)
    shown, ends = b"", time.monotonic() + LONGEST
    try:
        while b"Type the account id" not in shown:
            shown += os.read(terminal, 65536)
        os.write(terminal, f"{person.account.id}\r".encode())
        os.set_blocking(terminal, False)
        while not verifies():
            assert time.monotonic() < ends, shown
            time.sleep(0.05)
    finally:
        os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    assert person.has() == before
    assert person.report()["ended"] == "interrupted by SIGHUP"


def test_a_report_that_cannot_be_written_is_said_and_nothing_is_left(person):
    before = person.has()
    person.reports.write_text("in the way")
    run = person.begin()
    assert run.end() == 1 and "The report could not be written: " in run.shown
    assert person.has() == before
