"""What a user types: sam deploy, make run, make up and make down."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from under_test import NOTHING, environment, left

from orchestera_local.aws import SECRET_KEY
from orchestera_local.stack import ROOT, Stack

SCENES = [
    "Deploy",
    "What came out",
    "Who may assume",
    "What that session may do",
    "Update",
    "What the same session",
    "The kill switch",
    "AccessState = Active",
    "Delete",
    "What is left",
    "A customer who followed the guide",
    "Delete that stack",
]


def test_make_launch_goes_from_the_artefacts_to_a_verified_role_by_the_link(dist):
    ran = subprocess.run(
        [sys.executable, "-m", "orchestera_local.launch"],
        cwd=ROOT,
        env=environment(),
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # Before the first release, the link itself is not shown.
    assert "template    orchestera-access.yaml" in ran.stdout and ran.stdout.count("✓") == 8


@pytest.fixture
def sam(aws, account):
    """Runs SAM against the embedded AWS."""

    def run(*arguments):
        ran = subprocess.run(
            [sys.executable, "-m", "samcli", *arguments],
            cwd=ROOT,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=1800,
            env=environment(
                PATH=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
                AWS_ENDPOINT_URL=aws.endpoint,
                AWS_ACCESS_KEY_ID=account.id,
                AWS_SECRET_ACCESS_KEY=SECRET_KEY,
            ),
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    return run


def test_sam_build_and_sam_deploy_make_the_stack_and_sam_delete_takes_it_away(account, sam, access):
    sam("build")
    # A person is asked whether the change set is what they want.
    deployed = sam("deploy", "--no-confirm-changeset")
    assert "Successfully created/updated stack - orchestera-access" in deployed
    assert access.attached() == [access.policy_arn]
    stack = Stack(account)
    stack.id = stack.name
    assert stack.outputs()["Verified"] == "true"
    sam("delete", "--stack-name", stack.name, "--region", "us-east-1", "--no-prompts")
    assert left(account) == NOTHING | {"stacks": ["aws-sam-cli-managed-default"]}


def test_sam_gets_a_function_for_the_templates_architecture_whatever_the_environment_says(tmp_path):
    rule = subprocess.run(
        ["make", "--dry-run", "build-AccessFunction", f"ARTIFACTS_DIR={tmp_path}"],
        cwd=ROOT,
        env=environment(ARCH="arm64"),
        text=True,
        capture_output=True,
        check=True,
    )
    assert "Architectures: [x86_64]" in (ROOT / "template.yaml").read_text()
    assert "--target x86_64-" in rule.stdout and "aarch64" not in rule.stdout


def test_two_runs_at_once_show_every_scene_and_do_not_disturb_each_other():
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "orchestera_local.run"],
            cwd=ROOT,
            env=environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]
    shown = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], shown
    for text in shown:
        scenes = re.findall(r"^\d+\. (.*)$", text, re.MULTILINE)
        assert len(scenes) == len(SCENES) and all(
            scene.startswith(start) for scene, start in zip(scenes, SCENES, strict=True)
        ), scenes
        assert text.count("✓") > 50 and "✗" not in text
    endpoints = {re.search(r"http://127\.0\.0\.1:\d+", text)[0] for text in shown}
    assert len(endpoints) == 2


@pytest.mark.parametrize(
    "command, shown", [(["orchestera_local.run"], "✗"), (["orchestera_local.fleet", "10"], "create in account")]
)
def test_a_run_of_a_function_that_does_nothing_ends_with_an_error(command, shown, tmp_path):
    idle = tmp_path / "bootstrap"
    idle.write_text("#!/bin/sh\nexit 1\n")
    idle.chmod(0o755)
    # Its stack would wait for seven minutes.
    template, changed = re.subn(r"ServiceTimeout: .*", "ServiceTimeout: 1", (ROOT / "template.yaml").read_text())
    assert changed == 1
    (tmp_path / "template.yaml").write_text(template)
    run = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=300,
        env=environment(ORCHESTERA_BOOTSTRAP=str(idle), ORCHESTERA_TEMPLATE=str(tmp_path / "template.yaml")),
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert "did not receive a response" in run.stdout and shown in run.stdout


def test_up_prints_commands_that_work_and_down_ends_it(tmp_path):
    def serve(word):
        return subprocess.run(
            [sys.executable, "-m", "orchestera_local.serve", word],
            cwd=ROOT,
            env=environment(ORCHESTERA_UP=str(tmp_path / "up.json")),
            check=True,
            text=True,
            capture_output=True,
            timeout=120,
        ).stdout

    try:
        shown = serve("up")
        exports = dict(re.findall(r"(AWS_\w+)=(\S+)", shown))
        assert serve("up") == shown, "one that is up is found again"
        outputs = subprocess.run(
            [
                sys.executable,
                "-m",
                "samcli",
                "list",
                "stack-outputs",
                "--stack-name",
                "orchestera-access",
                "--output",
                "json",
            ],
            check=True,
            text=True,
            capture_output=True,
            timeout=60,
            env=environment(**exports),
        ).stdout
        assert "arn:aws:iam::111122223333:role/OrchesteraAccessRole" in outputs
    finally:
        ended = serve("down")
    assert "stopped" in ended
    assert "No embedded AWS is up" in serve("down")


def test_an_embedded_aws_ends_with_its_owner_even_if_that_one_is_killed(tmp_path):
    script = "from orchestera_local.aws import EmbeddedAws as A; a = A(); print(a.process.pid, a.folder, flush=True)"
    script += "; input()"
    owner = subprocess.Popen(
        [sys.executable, "-c", script],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    server, folder = owner.stdout.readline().split()
    assert Path(f"/proc/{server}").exists() and Path(folder).is_dir()
    owner.kill()
    owner.wait()
    ends = time.monotonic() + 20
    while Path(folder).exists() or "embedded_aws" in command_of(server):
        assert time.monotonic() < ends
        time.sleep(0.1)


def command_of(process):
    """The command line, blank if there is no such process or only its exit code is left."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=lambda end: end.name)
@pytest.mark.parametrize(
    "command, shown",
    [(["orchestera_local.run"], "What came out"), (["orchestera_local.fleet", "10"], "5 accounts: create")],
)
def test_a_run_that_is_stopped_leaves_nothing_running(command, shown, end, tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment(TMPDIR=str(tmp_path)),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # The stack is there by then, and its function is running.
    while shown not in run.stdout.readline():
        assert run.poll() is None
    (folder,) = tmp_path.iterdir()
    run.send_signal(end)
    _, complaint = run.communicate(timeout=60)
    assert (run.returncode, complaint) == (128 + end, "")
    assert not folder.exists()
    commands = [command_of(process.name) for process in Path("/proc").iterdir() if process.name.isdigit()]
    assert not [command for command in commands if str(folder) in command]
