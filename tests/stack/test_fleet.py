"""What a user of many accounts types: make test-fleet. Here with small fleets."""

import collections
import json
import re
import subprocess
import sys

import fleet
import pytest
from stack import ROOT
from test_commands import environment


def run(*sizes, **more):
    return subprocess.run(
        [sys.executable, "local/fleet.py", *map(str, sizes)],
        cwd=ROOT,
        env=environment(**more),
        text=True,
        capture_output=True,
        timeout=300,
    )


def test_a_fleet_is_created_updated_and_deleted_while_iam_refuses_calls():
    ran = run(7)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (row,) = re.findall(r"^ +7 +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +\d+ s +(\d+)$", ran.stdout, re.M)
    assert int(row) >= 7 and "Nothing is left" in ran.stdout


def test_one_account_that_fails_fails_the_run_and_is_named_with_the_stacks_reason(tmp_path, template):
    template["Conditions"] |= {"One": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, "500050000003"]}}
    template["Resources"]["Access"]["Properties"]["MaxSessionDuration"] = {"Fn::If": ["One", "1", "3600"]}
    (tmp_path / "template.yaml").write_text(json.dumps(template))
    ran = run(7, ORCHESTERA_TEMPLATE=str(tmp_path / "template.yaml"))
    assert ran.returncode == 1
    (named,) = re.findall(
        r"^create in account (\d+): Failed: .* is ROLLBACK_COMPLETE: .*MaxSession.*$", ran.stdout, re.M
    )
    assert named == "500050000003" and "7 accounts" not in ran.stdout


def measured(accounts, seconds, refused=1):
    return fleet.Fleet(accounts, {"create": seconds}, 0, collections.Counter(GetRole=refused))


@pytest.mark.parametrize(
    "fleets, wrong",
    [
        ([measured(10, 1), measured(300, 1.4)], None),
        ([measured(10, 1), measured(300, 1.6)], "an account in the fleet of 300 took 1.60 times"),
        ([measured(10, 1), measured(100, 1.6), measured(300, 1)], "an account in the fleet of 100"),
        ([measured(10, 1), measured(300, 1, refused=0)], "no call was refused in the fleet of 300"),
    ],
)
def test_time_that_grows_and_calls_that_were_not_refused_are_told(fleets, wrong):
    told = list(fleet.verdict(fleets))
    assert [text.startswith(wrong) for text in told] == [True] if wrong else not told
