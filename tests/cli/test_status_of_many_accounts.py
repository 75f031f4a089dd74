"""`orchestera status` in an organization of 300 accounts: every row is right."""

import csv
import io
import json
import re
import time

import pytest
from many_accounts import (
    ACCESS,
    ACCESS_ROLE,
    MANAGEMENT,
    NATIVE,
    OTHER_ROLE,
    ManyAccounts,
)

from orchestera_local.aws import Account, EmbeddedAws

# IAM refuses every so many calls of a session: one or two in each account.
THROTTLING = 7


@pytest.fixture(scope="module")
def accounts():
    with EmbeddedAws(throttling=THROTTLING) as aws:
        began = time.monotonic()
        accounts = ManyAccounts(aws)
        print(f"{len(accounts.rows)} accounts in {time.monotonic() - began:.0f} s")
        yield accounts


@pytest.fixture(scope="module")
def ann(accounts):
    key = accounts.admin()
    return Account(
        accounts.aws.endpoint,
        MANAGEMENT,
        {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]},
    )


@pytest.fixture
def status(orchestera, ann):
    """The rows by the account's id, and the exit code."""

    def status(*arguments, **environment):
        ran = orchestera(ann, "status", "--output", "json", *arguments, **environment)
        assert ran.returncode in (0, 1), ran.stderr
        document = json.loads(ran.stdout)
        assert document["partial"] is False
        rows = document["accounts"]
        assert [row["account_id"] for row in rows] == sorted(row["account_id"] for row in rows)
        return {row["account_id"]: row for row in rows}, ran.returncode

    return status


def assert_rows(found, expected):
    assert list(found) == sorted(expected)
    wrong = {id: (found[id], row) for id, row in expected.items() if found[id] != row}
    assert not wrong, f"{len(wrong)} rows: {json.dumps(list(wrong.values())[:3], indent=1)}"


def test_every_row_of_the_organization_is_right_while_aws_throttles(accounts, status):
    found, code = status()
    assert len(found) >= 300 and code == 1
    assert_rows(found, accounts.rows)
    assert {row["state"] for row in found.values()} == {
        "ready", "suspended", "drifted", "missing", "foreign", "stack failed", "no way in"
    }  # fmt: skip
    # Otherwise nothing was throttled.
    refused = len(re.findall(r"\[throttling\] refused", accounts.aws.log()))
    assert refused > 300, refused


@pytest.mark.parametrize("name", [NATIVE, ACCESS])
def test_a_stack_sets_instances_are_its_accounts_and_say_why_one_failed(accounts, status, name):
    stack_set = {NATIVE: accounts.native, ACCESS: accounts.access}[name]
    expected = {id: accounts.rows[id] | accounts.more_by_instance.get(id, {}) for id in stack_set.instances()}
    assert accounts.more_by_instance.keys() & expected.keys()
    found, _ = status("--stack-set", name)
    assert_rows(found, expected)


def test_an_organizational_unit_has_the_accounts_of_the_units_in_it(accounts, status):
    native, access = accounts.native.instances().keys(), accounts.access.instances().keys()
    for unit, ids in ((accounts.access_unit, access), (accounts.workloads, native | access)):
        found, _ = status("--organizational-unit", unit)
        assert_rows(found, {id: accounts.rows[id] for id in ids})


def test_a_list_of_accounts_is_read_from_a_file_and_no_account_is_left_out(accounts, status, tmp_path):
    ids = [accounts.ids[name] for name in ("By hand", "Nothing", "It is closed", "Access, open", "Native 1")]
    elsewhere = "999988887777"
    file = tmp_path / "accounts.txt"
    lines = [f"{ids[0]}, {ids[1]}", f'"{ids[2]}"  # closed', "", "# no account", ids[3], ids[0]]
    file.write_text("\r\n".join(lines))
    found, _ = status("--accounts", f"@{file},{ids[4]},{elsewhere}")
    expected = {id: accounts.rows[id] for id in ids}
    unknown = dict.fromkeys(accounts.rows[ids[0]]) | {"drifted_fields": [], "foreign_policies": []}
    unknown |= {"account_id": elsewhere, "account_name": "", "state": "no way in"} | accounts.unreachable(elsewhere)
    assert_rows(found, expected | {elsewhere: unknown})


def test_several_roles_are_tried_in_order(accounts, status):
    tower, without = (accounts.ids[name] for name in ("Of Control Tower", "Without a role to assume"))
    ids = f"{tower},{without},{accounts.ids['Access, one']}"
    roles = (ACCESS_ROLE, OTHER_ROLE)
    for order in (roles, roles[::-1]):
        found, _ = status("--accounts", ids, "--role", order[0], "--role", order[1])
        expected = dict(accounts.rows[tower])
        expected |= {
            "state": "ready",
            "edition": "2025-09-29",
            "role_arn": f"arn:aws:iam::{tower}:role/OrchesteraAccessRole",
        }
        expected |= {
            "to_do": "It works, and was created by hand. You can create the stack, which adopts it.",
            "failed_call": "",
        }
        assert found[tower] == expected
        assert found[without]["failed_call"] == "AssumeRole: AccessDenied"
        assert ", ".join(order) in found[without]["to_do"]
        assert found[accounts.ids["Access, one"]] == accounts.rows[accounts.ids["Access, one"]]


def test_a_profile_for_each_account_takes_the_place_of_a_role(accounts, status, home, ann):
    names = ("Access, one", "Native 7", "By hand", "Nothing")
    ids = {name: accounts.ids[name] for name in names}
    (home / ".aws").mkdir(exist_ok=True)

    def profile(id, of):
        return f"[profile audit-{id}]\naws_access_key_id = {of}\naws_secret_access_key = dummy-secret-key\n"

    # The third profile is of another account, the fourth does not exist.
    wrong = ids["Native 7"]
    key = "[default]\n" + "".join(f"{name} = {value}\n" for name, value in ann.credentials.items())
    profiles = (
        key + profile(ids["Access, one"], ids["Access, one"]) + profile(wrong, wrong) + profile(ids["By hand"], wrong)
    )
    (home / ".aws/config").write_text(profiles)
    arguments = ("--accounts", ",".join(ids.values()), "--profile-pattern", "audit-{account}")
    found, _ = status(*arguments, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    for name in names[:2]:
        assert found[ids[name]] == accounts.rows[ids[name]]
    by_hand, nothing = found[ids["By hand"]], found[ids["Nothing"]]
    assert {by_hand["state"], nothing["state"]} == {"no way in"}
    assert by_hand["to_do"] == (
        f"The profile audit-{ids['By hand']} is one of account {wrong}. Correct the profile or the pattern."
    )
    assert f"audit-{ids['Nothing']}" in nothing["to_do"], nothing


def test_the_csv_has_the_same_rows(accounts, orchestera, ann):
    ran = orchestera(ann, "status", "--output", "csv", "--organizational-unit", accounts.access_unit)
    rows = {row["account_id"]: row for row in csv.DictReader(io.StringIO(ran.stdout))}

    def cell(value):
        return "" if value is None else "; ".join(value) if isinstance(value, list) else value

    expected = {id: accounts.rows[id] for id in accounts.access.instances()}
    assert_rows(rows, {id: {key: cell(value) for key, value in row.items()} for id, row in expected.items()})
