"""`make -C tests fleet`, with small fleets."""

import collections
import json
import re
import subprocess
import sys
from concurrent import futures

import pytest
from under_test import environment

from orchestera_local import fleet, guide
from orchestera_local.stack import ROOT, Failed


def run(*sizes, **more):
    return subprocess.run(
        [sys.executable, "-m", "orchestera_local.fleet", *map(str, sizes)],
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


def test_one_account_that_fails_breaks_the_fleet_and_is_named_with_the_stacks_reason(aws):
    role = {"RoleName": guide.ROLE, "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": []})}
    aws.account("500060000000").client("iam").create_role(**role)
    with futures.ThreadPoolExecutor(1) as pool, pytest.raises(fleet.Broken) as broken:
        fleet.life(aws, pool, 6)
    failure, not_begun = str(broken.value).splitlines()
    assert failure.startswith("create in account 500060000000: Failed: orchestera-access is ROLLBACK_COMPLETE: ")
    assert "not the one of the Orchestera guide" in failure, failure
    assert re.fullmatch(r"[1-5] of 6 accounts were not begun any more", not_begun)


def test_another_external_id_than_the_stack_says_is_told(stack, access, template, iam):
    stack.deploy(template)
    assert fleet.external_id(stack) == stack.outputs()["ExternalId"]
    trust = access.role()["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = "another"
    iam.update_assume_role_policy(RoleName=guide.ROLE, PolicyDocument=json.dumps(trust))
    with pytest.raises(Failed, match="another external id"):
        fleet.external_id(stack)


def test_what_is_left_in_an_account_is_told(stack, template):
    fleet.nothing_left(stack)
    stack.deploy(template, OnDelete="Retain")
    fleet.delete(stack)
    with pytest.raises(Failed, match="'roles': .'OrchesteraAccessRole'"):
        fleet.nothing_left(stack)


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
