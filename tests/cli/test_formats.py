"""What is printed, in each format, and the exit code of each command."""

import csv
import io
import json
import re
import unicodedata
from pathlib import Path

import pytest
from identities import role

from orchestera_local.organization import Organization
from orchestera_local.stack import Stack, template
from orchestera_release import product
from orchestera_release.product import ROOT

GOLDEN = Path(__file__).parent / "golden"
FORMATS = {"table": "txt", "csv": "csv", "json": "json", "ndjson": "ndjson"}
ACCESS_ROLE = "OrganizationAccountAccessRole"
COLUMNS = (
    "account_id,account_name,state,role_arn,external_id,guardrail_arn,edition,drifted_fields,foreign_policies,stack,"
    "stack_status,release,to_do,failed_call"
)


@pytest.fixture(scope="module")
def scene(aws):
    """An organization with an account in each of five states. Returns the management account."""
    accounts = [aws.account(f"{digit * 12}") for digit in "23456"]
    management = accounts[0]
    organization = Organization(management)
    for account, name in zip(accounts, ("Management", "Spark", "=SUM(A1)", 'Data, "EU"', "Old"), strict=True):
        account.settings(account_name=name)
        if account is not management:
            organization.join(account)
    _, suspended, foreign, missing, _ = accounts
    for account in (suspended, foreign, missing):
        role(account, ACCESS_ROLE, management.id)
    Stack(management).deploy(template())
    Stack(suspended).deploy(template(), AccessState="Suspended")
    role(foreign, "OrchesteraAccessRole", foreign.id)
    return management


def steady(text):
    """Without what differs from run to run: an external id, the end of a stack's ARN. And without the release."""
    text = text.replace(product.VERSION.ljust(len("release")), "0.0.0".ljust(len("release")))
    text = text.replace(product.VERSION, "0.0.0")
    text = re.sub(r"\b[0-9a-f]{32}\b", "0" * 32, text)
    return re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "00000000-0000-0000-0000-000000000000", text)


def assert_golden(name, text):
    """Leaves the text in `target/golden`, to be copied if it is right."""
    found = ROOT / "target/golden" / name
    found.parent.mkdir(parents=True, exist_ok=True)
    found.write_text(text)
    expected = (GOLDEN / name).read_text() if (GOLDEN / name).exists() else ""
    assert text == expected, f"If the new text is right: cp {found.relative_to(ROOT)} {GOLDEN.relative_to(ROOT)}"


COMMANDS = {
    "status": (["status"], 1),
    "preflight": (["preflight"], 0),
    "verify": (["verify"], 0),
    "plan-create": (["plan", "--stack-name", "another", "--set", "OnExisting=Fail"], 1),
    "plan-update": (["plan", "--set", "PolicyEdition=2026-02-06"], 0),
    "plan-delete": (["plan", "--delete"], 0),
    "plan-parameters": (["plan", "--show-parameters"], 0),
    "permissions": (["permissions", "status"], 0),
}
WITHOUT_CSV = ("verify", "plan-create", "plan-update", "plan-delete")


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_output_is_as_it_was(orchestera, scene, command, output):
    arguments, code = COMMANDS[command]
    ran = orchestera(scene, *arguments, "--output", output)
    if output == "csv" and command in WITHOUT_CSV:
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr == "orchestera: This command has no rows, so there is no csv of it. Use --output json.\n"
        return
    assert ran.returncode == code, ran.stderr
    assert_golden(f"{command}.{FORMATS[output]}", steady(ran.stdout))


def test_every_golden_file_is_of_a_command():
    files = {f"{command}.{suffix}" for command in COMMANDS for suffix in FORMATS.values()}
    files -= {f"{command}.csv" for command in WITHOUT_CSV}
    assert {path.name for path in GOLDEN.iterdir()} == files


def test_every_json_document_has_the_version_of_its_schema(orchestera, scene):
    for arguments, _ in COMMANDS.values():
        if arguments[0] != "permissions":
            assert json.loads(orchestera(scene, *arguments, "--output", "json").stdout)["schema_version"] == 1


def test_all_formats_of_status_say_the_same(orchestera, scene):
    def status(output):
        return orchestera(scene, "status", "--output", output).stdout

    rows = list(csv.DictReader(io.StringIO(status("csv"))))
    assert list(rows[0]) == COLUMNS.split(",")
    assert [row["state"] for row in rows] == ["ready", "suspended", "foreign", "missing", "no way in"]
    document = json.loads(status("json"))
    assert document["partial"] is False
    assert document["accounts"] == [json.loads(line) for line in status("ndjson").splitlines()]
    assert [set(row) for row in document["accounts"]] == [set(COLUMNS.split(","))] * 5

    def cell(value):
        return "" if value is None else "; ".join(value) if isinstance(value, list) else value

    # The cell is neutralized.
    said = [{name: cell(value) for name, value in row.items()} for row in document["accounts"]]
    assert said[2]["account_name"] == "=SUM(A1)" and rows[2]["account_name"] == "'=SUM(A1)"
    said[2]["account_name"] = "'=SUM(A1)"
    assert said == rows


# By what other people call their accounts, what a cell of csv and a table show of it.
NAMES = {
    "=HYPERLINK(1)": ("'=HYPERLINK(1)", "=HYPERLINK(1)"),
    "+1": ("'+1", "+1"),
    "-1": ("'-1", "-1"),
    "@SUM(A1)": ("'@SUM(A1)", "@SUM(A1)"),
    "\t=1": ("' =1", "=1"),
    "＝1": ("'＝1", "＝1"),
    "\x1b[31mred\x07\x9b0m": ("[31mred0m", "[31mred0m"),
    "one\ntwo\rthree": ("one twothree", "one twothree"),
    "\u202egro.live\u2066\u200f": ("gro.live", "gro.live"),
    'a, "b"': ('a, "b"', 'a, "b"'),
    "Ünïcode 東京": ("Ünïcode 東京", "Ünïcode 東京"),
}


@pytest.fixture
def named(account, organization, new_account):
    """Accounts with these names. By id."""
    accounts = {account.id: "Management"}
    account.settings(account_name="Management")
    for name in NAMES:
        member = new_account()
        organization.join(member)
        member.settings(account_name=name)
        accounts[member.id] = name
    return accounts


def test_a_name_runs_nothing_in_a_spreadsheet(orchestera, account, named):
    rows = list(csv.reader(io.StringIO(orchestera(account, "status", "--output", "csv").stdout)))
    assert {len(row) for row in rows} == {14}
    shown = {row[0]: row[1] for row in rows[1:]}
    assert shown == {id: NAMES[name][0] if name in NAMES else name for id, name in named.items()}


def test_a_name_acts_on_no_terminal(orchestera, account, named):
    table = orchestera(account, "status").stdout
    assert not hidden(table.replace("\n", ""))
    for account_id, name in named.items():
        (line,) = [line for line in table.splitlines() if line.startswith(f" {account_id} ")]
        assert line.split("  ")[1].strip() == NAMES.get(name, (name, name))[1], line


def test_a_name_comes_back_from_json_as_it_is(orchestera, account, named):
    for output in ("json", "ndjson"):
        text = orchestera(account, "status", "--output", output).stdout
        # Escaped, so that it acts on no terminal either.
        assert not hidden(text.replace("\n", ""))
        rows = json.loads(text)["accounts"] if output == "json" else list(map(json.loads, text.splitlines()))
        assert {row["account_id"]: row["account_name"] for row in rows} == named


def hidden(text):
    return [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]


def test_the_exit_code_is_0_if_everything_is_as_it_should_be(orchestera, scene):
    for arguments in (
        ["status", "--accounts", scene.id],
        ["verify"],
        ["plan"],
        ["preflight"],
        ["console", scene.id],
        ["permissions", "plan"],
        ["completions", "bash"],
        ["--version"],
        ["--help"],
    ):
        assert orchestera(scene, *arguments).returncode == 0, arguments


def test_the_exit_code_is_1_if_something_is_not(orchestera, scene, account):
    for of, arguments in (
        (scene, ["status"]),
        (account, ["verify"]),
        (account, ["status", "--accounts", account.id]),
        (scene, ["plan", "--stack-name", "another", "--set", "OnExisting=Fail"]),
        (account, ["preflight", "--region", "eu-west-1"]),
    ):
        ran = orchestera(of, *arguments)
        assert (ran.returncode, bool(ran.stdout)) == (1, True), (arguments, ran.stderr)


WRONG = {
    "no command": [],
    "another command": ["stauts"],
    "another option": ["verify", "--acount"],
    "another format": ["status", "--output", "xml"],
    "two lists of accounts": ["status", "--accounts", "111122223333", "--stack-set", "any"],
    "a number": ["status", "--concurrency", "0"],
    "an account": ["status", "--accounts", "1111"],
    "a parameter": ["plan", "--set", "Nope=1"],
    "no value of a parameter": ["plan", "--set", "Nope"],
    "a role": ["verify", "--role-name", "a/b"],
    "a shell": ["completions", "tcsh"],
    "a name of an account": ["console", "Nobody"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_the_exit_code_is_2_if_the_arguments_are_wrong(orchestera, scene, arguments):
    ran = orchestera(scene, *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.strip()


@pytest.mark.parametrize("command", ["status", "verify", "plan", "preflight", "console"])
def test_the_exit_code_is_2_if_aws_does_not_answer(orchestera, scene, command):
    ran = orchestera(scene, command, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("orchestera: AWS could not be reached: ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_writes_into_a_file_what_it_would_print(orchestera, scene, tmp_path, command):
    file = tmp_path / "out"
    arguments, code = COMMANDS[command]
    ran = orchestera(scene, *arguments, "--output-file", str(file))
    assert (ran.returncode, ran.stdout) == (code, ""), ran.stderr
    assert steady(file.read_text()) == (GOLDEN / f"{command}.txt").read_text()
