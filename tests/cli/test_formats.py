"""What is printed, in each format, and the exit code of each command."""

import csv
import io
import json
import os
import re
import resource
import shutil
import stat
import subprocess
import unicodedata
from pathlib import Path

import pytest
from conftest import binary, of_user
from test_credentials import role

from orchestera_local.organization import Organization
from orchestera_local.stack import Stack, template
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
    """What differs from run to run: an external id, and the end of a stack's ARN. As long as they were."""
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


@pytest.fixture
def file(tmp_path):
    """That an earlier run has written, in a folder of its own."""
    (tmp_path / "out").mkdir()
    path = tmp_path / "out/accounts.csv"
    path.write_text("as it was")
    return path


def status_into(path, account):
    """The arguments of a command that writes csv there."""
    return ("status", "--accounts", account.id, "--output", "csv", "--output-file", str(path))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_writes_into_a_file_what_it_would_print(orchestera, scene, file, command):
    arguments, code = COMMANDS[command]
    ran = orchestera(scene, *arguments, "--output-file", str(file))
    assert (ran.returncode, ran.stdout) == (code, ""), ran.stderr
    assert steady(file.read_text()) == (GOLDEN / f"{command}.txt").read_text()
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_replaced_keeps_its_mode_and_a_new_one_has_the_usual(orchestera, account, file):
    file.chmod(0o640)
    orchestera(account, "permissions", "plan", "--output-file", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640 and json.loads(file.read_text())
    new, usual = file.with_name("new"), file.with_name("usual")
    usual.touch()
    orchestera(account, "permissions", "plan", "--output-file", str(new))
    assert new.stat().st_mode == usual.stat().st_mode


def test_a_link_stays_and_what_it_names_is_written(orchestera, account, file):
    link = file.with_name("link")
    link.symlink_to(file)
    assert orchestera(account, "permissions", "plan", "--output-file", str(link)).returncode == 0
    assert link.is_symlink() and json.loads(file.read_text())


def test_a_pipe_or_a_device_is_written_to(account, home):
    """As in `--output-file >(gzip)`."""
    for path, written in (("/dev/stdout", True), ("/dev/null", False)):
        ran = subprocess.run(
            [binary(), "permissions", "plan", "--output-file", path],
            env=of_user(account, home),
            capture_output=True,
            text=True,
        )
        assert (ran.returncode, bool(ran.stdout)) == (0, written), ran.stderr
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    "name, cause",
    [
        ("none/accounts.csv", "No such file or directory"),
        ("accounts.csv/accounts.csv", "Not a directory"),
        ("", "is a directory"),
        ("/proc/accounts.csv", "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_aws_is_asked(orchestera, account, file, name, cause):
    path = file.parent / name
    ran = orchestera(account, *status_into(path, account), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (ran.returncode, ran.stdout) == (2, "")
    begin, _, end = ran.stderr.partition(f"{path} cannot be written: {cause}")
    assert begin == "orchestera: "
    assert re.fullmatch(
        r"( \(os error [0-9]+\))?\. It is as it was\. Give a path in a folder that you may write to\.\n", end
    )
    assert file.read_text() == "as it was" and list(file.parent.iterdir()) == [file]


def test_a_folder_that_is_read_only_is_refused(account, home, file):
    file.parent.chmod(0o555)
    # root may write everywhere, unless it has given that up.
    without = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    ran = subprocess.run(
        [*without, binary(), *status_into(file, account)], env=of_user(account, home), capture_output=True, text=True
    )
    file.parent.chmod(0o755)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"{file} cannot be written: Permission denied (os error 13)" in ran.stderr
    assert file.read_text() == "as it was" and list(file.parent.iterdir()) == [file]


def test_a_disk_that_is_full_leaves_the_file_as_it_was(account, home, file):
    ran = subprocess.run(
        [binary(), *status_into(file, account)],
        env=of_user(account, home),
        capture_output=True,
        text=True,
        # Python ignores the signal of that limit, and the command inherits it: it gets an error, as of a full disk.
        restore_signals=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20)),
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"orchestera: {file} cannot be written: File too large (os error 27)" in ran.stderr
    assert file.read_text() == "as it was" and list(file.parent.iterdir()) == [file]


def test_setpriv_is_there_for_root():
    """Otherwise the test of a read-only folder says nothing."""
    assert os.geteuid() != 0 or shutil.which("setpriv")
