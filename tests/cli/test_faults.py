"""`orchestera status` when a call about an account fails: its row says so, and the others are as without the fault."""

import json
import time

import pytest
from faulty import FAULTS, Faulty

from orchestera_local import guide
from orchestera_local.aws import EmbeddedAws
from orchestera_local.organization import Organization
from orchestera_local.stack import Stack
from orchestera_release import templates
from orchestera_release.template_text import text

MANAGEMENT = "111122223333"
READ = ("AssumeRole", "GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "GetPolicy", "ListPolicyVersions")
# Every call about an account with a stack, and about one without a role, where the stack is found by its name.
CALLS = {
    "With a stack": {*READ, "GetPolicyVersion", "ListEntitiesForPolicy", "DescribeStacks"},
    "Without a role": {*READ, "GetPolicyVersion", "DescribeStacks"},
}
# Without these, it is not known whether there is a role, or which stack there is.
DECIDING = ("AssumeRole", "GetRole", "GetPolicy", "DescribeStacks")
# Seconds for one account: long enough for a healthy one on a busy machine, and the end of every fault.
TIME = 8
# What a row calls them.
CODES = {
    "denied": "AccessDenied",
    "throttled": "Throttling",
    "broken": "status 500",
    "malformed": "unreadable answer",
    "empty": "unreadable answer",
    "reset": "no answer",
    "hanging": "no answer",
}


@pytest.fixture(scope="module")
def scene():
    """The management account, the ids of accounts by their names, and AWS with faults: an account for each call."""
    with EmbeddedAws() as aws:
        management = aws.account(MANAGEMENT)
        management.settings(account_quota=100)
        organization, ids = Organization(management), {}
        names = [f"{kind}, {call}" for kind, calls in CALLS.items() for call in sorted(calls)]
        for name in [*names, *(f"By hand {number}" for number in range(6)), *CALLS]:
            email = f"{name.replace(' ', '-').replace(',', '')}@example.com"
            request = organization.client.create_account(AccountName=name, Email=email)["CreateAccountStatus"]["Id"]
            made = organization.client.describe_create_account_status(CreateAccountRequestId=request)
            ids[name] = made["CreateAccountStatus"]["AccountId"]
            if name.startswith("With a stack"):
                Stack(aws.account(ids[name]), capabilities=["CAPABILITY_NAMED_IAM"]).deploy(
                    text(templates.native()), ExternalId="external-id"
                )
            elif name.startswith("By hand"):
                guide.follow(aws.account(ids[name]))
        with Faulty(aws.endpoint) as faulty:
            yield management, ids, faulty


@pytest.fixture
def status(orchestera, scene):
    management, _, faulty = scene

    def status(*options, seconds=TIME):
        began = time.monotonic()
        command = ("status", "--output", "json", "--account-timeout", str(seconds), *options)
        ran = orchestera(management, *command, AWS_ENDPOINT_URL=faulty.endpoint)
        faulty.ended.set()
        assert ran.returncode == 1, ran.stderr
        rows = {row["account_id"]: row for row in json.loads(ran.stdout)["accounts"]}
        return rows, time.monotonic() - began

    return status


@pytest.fixture(scope="module")
def faultless():
    """The rows without a fault, of the first run."""
    return {}


def test_without_a_fault_every_row_is_complete(scene, status, faultless):
    _, ids, faulty = scene
    faulty.begin({})
    rows, _ = status()
    faultless |= rows
    assert {name: set(faulty.seen[ids[name]]) for name in CALLS} == CALLS
    state = {"With a stack": "ready", "Without a role": "missing", "By hand": "ready"}
    assert {name: rows[id]["state"] for name, id in ids.items()} == {
        name: next(state[kind] for kind in state if name.startswith(kind)) for name in ids
    }
    assert not any(row["failed_call"] for row in rows.values())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_call_that_fails_is_in_its_row_and_the_others_are_as_without(scene, status, faultless, fault):
    _, ids, faulty = scene
    if not faultless:
        faulty.begin({})
        faultless |= status()[0]
    wanting = {ids[name]: name.partition(", ")[2] for name in ids if ", " in name}
    faulty.begin(wanting, fault)
    found, seconds = status()
    # They hang side by side.
    assert seconds < 2 * TIME
    expected = faultless.copy()
    for account_id, operation in wanting.items():
        row, before = found.pop(account_id), expected.pop(account_id)
        if before["state"] == "missing" and operation not in DECIDING and row == before:
            # What is asked of the role beside its existence does not matter if there is none.
            continue
        assert row["failed_call"] == f"{operation}: {CODES[fault]}", row
        assert len(row["to_do"]) > 20
        if (operation, fault) == ("DescribeStacks", "denied"):
            # The role is known. Only the stack is lost.
            lost = dict.fromkeys(("stack", "stack_status", "release", "to_do", "failed_call"))
            assert row | lost == before | lost
        else:
            unread = dict.fromkeys(before) | {"drifted_fields": [], "foreign_policies": []}
            kept = {key: row[key] for key in ("account_id", "account_name", "to_do", "failed_call")}
            assert row == unread | kept | {"state": "no way in"}
    assert found == expected


@pytest.mark.parametrize("fault", ["broken", "reset", "empty"])
def test_after_the_sdk_has_given_up_a_row_still_says_how_the_call_failed(scene, status, fault):
    _, ids, faulty = scene
    account_id = ids["By hand 0"]
    faulty.begin({account_id: "GetRole"}, fault)
    # The SDK gives up after less than this, and the account is read once more.
    rows, _ = status("--accounts", account_id, seconds=3 * TIME)
    assert rows[account_id]["failed_call"] == f"GetRole: {CODES[fault]}"
    assert len(faulty.seen[account_id]) > 8
