"""What `status` shows a person at a terminal, what it keeps from a pipe, and what Ctrl-C leaves."""

import csv
import io
import json
import re
import signal
import subprocess
import time

import pytest
from command_line import binary, of_user
from forwarding import Forwarding

ESCAPE, BAR = "\x1b", "█"
# Seconds. Long enough for a person, and for a busy machine.
SLOW, HANGS = 7, 40
HEADER = "account_id,account_name,state,"


@pytest.fixture
def accounts(account, organization, new_account):
    """The management account and four members that it cannot enter, in the order of their ids."""
    members = [new_account() for _ in range(4)]
    for member in members:
        organization.join(member)
    return [account.id, *(member.id for member in members)]


@pytest.fixture
def slow(account, accounts):
    """The third account answers late."""

    def slow(seconds):
        return Forwarding(account.endpoint, slow={accounts[2]: seconds})

    return slow


def there(forwarding):
    return {"AWS_ENDPOINT_URL": forwarding.endpoint}


def test_progress_shows_how_many_the_rate_the_time_left_what_takes_long_and_what_failed(
    at_terminal, account, accounts, slow
):
    with slow(SLOW) as forwarding, at_terminal(account, "status", **there(forwarding)) as terminal:
        shown = terminal.until(f"{accounts[2]} takes ")
        assert BAR in shown
        assert re.search(r" 4/5 accounts, [0-9]+\.[0-9]/s, [0-9]+ seconds? left", shown)
        # The management account needs no role. The others cannot be entered.
        assert f"3 could not be read, {accounts[2]} takes 5 s" in shown
        assert terminal.end() == 1
        last = terminal.shown().rpartition("takes")[2]
    assert "5 accounts: 1 missing, 4 no way in\n" in last
    assert all(account_id in last for account_id in accounts)


def test_the_bar_is_taken_away_before_the_table(at_terminal, account, accounts):
    with at_terminal(account, "status") as terminal:
        assert terminal.end() == 1
        screen = on_screen(terminal.raw, 100)
    assert screen[0].startswith(f"Account {account.id}, ")
    assert screen[1].split() == ["account", "id", "account", "name", "state", "edition", "release", "to", "do"]
    assert not any(BAR in line or "░" in line for line in screen)


def on_screen(raw, columns):
    """The lines that a terminal shows in the end, of the movements that a progress bar makes."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]", raw):
        if part == "\n":
            row += 1
        elif part == "\r":
            column = 0
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part[0] == ESCAPE and part[-1] in "AB":
            row += int(part[2:-1]) * (1 if part[-1] == "B" else -1)
        elif part[0] != ESCAPE:
            if column == columns:
                row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
            lines[row] = lines[row].ljust(column)[:column] + part + lines[row][column + 1 :]
            column += 1
        lines += [""] * (row + 1 - len(lines))
    return lines


def test_there_is_no_progress_with_quiet(at_terminal, account, accounts):
    with at_terminal(account, "status", "--quiet", "--output", "csv") as terminal:
        assert terminal.end() == 1
        shown = terminal.raw
    assert shown.startswith(HEADER) and ESCAPE not in shown
    assert len(shown.splitlines()) == 6


def test_there_is_no_progress_without_a_terminal(orchestera, account, accounts):
    ran = orchestera(account, "status")
    assert ran.returncode == 1
    first, last = ran.stderr.splitlines()
    assert first.startswith(f"Account {account.id}, ")
    assert last == "5 accounts: 1 missing, 4 no way in"
    assert ESCAPE not in ran.stdout + ran.stderr and BAR not in ran.stderr


def test_progress_stays_on_the_terminal_when_the_output_is_piped(at_terminal, account, accounts, tmp_path):
    with open(tmp_path / "out", "w") as out, at_terminal(account, "status", stdout=out) as terminal:
        assert terminal.end() == 1
        assert BAR in terminal.raw
    assert ESCAPE not in (tmp_path / "out").read_text()


COLORS = re.compile(r"\x1b\[[0-9;]*m")


def test_no_color_leaves_the_marks_without_color(at_terminal, orchestera, account):
    with at_terminal(account, "preflight") as terminal:
        terminal.end()
        assert "\x1b[32m✓\x1b[0m" in terminal.raw
    with at_terminal(account, "preflight", NO_COLOR="1") as terminal:
        terminal.end()
        assert "✓" in terminal.raw and not COLORS.search(terminal.raw)
    # https://no-color.org: "when present and not an empty string"
    with at_terminal(account, "preflight", NO_COLOR="") as terminal:
        terminal.end()
        assert COLORS.search(terminal.raw)
    assert not COLORS.search(orchestera(account, "preflight").stdout)


@pytest.mark.parametrize("command", ["status", "preflight"])
@pytest.mark.parametrize("columns", [60, 99, 100, 200])
def test_a_table_fits_the_terminal_and_ids_stay_in_one_piece(at_terminal, account, accounts, command, columns):
    if command == "status":
        account.settings(account_name="A very long name of an account that does not fit beside the others")
    with at_terminal(account, command, "--quiet", columns=columns) as terminal:
        terminal.end()
        table = [line for line in terminal.shown().splitlines() if line]
    assert max(map(len, table)) <= columns, table
    if command == "status":
        rows = [re.match(" ([0-9]{12})  ", line) for line in table]
        assert [row[1] for row in rows if row] == sorted(accounts)
    else:
        # The sentences stand below each other, colored marks or not.
        begin = table[0].index("The platform")
        assert {len(line) - len(line.lstrip()) for line in table if line.startswith("  ")} <= {begin}


def test_a_sentence_stands_below_its_row_on_a_narrow_terminal(at_terminal, account, accounts):
    with at_terminal(account, "status", columns=60) as terminal:
        terminal.end()
        shown = " ".join(on_screen(terminal.raw, 60)[1:]).split()
    sentence = "You cannot assume OrganizationAccountAccessRole in account"
    for account_id in accounts[1:]:
        row = " ".join(shown).partition(f" {account_id} ")[2]
        assert row.partition("You")[0].endswith("no way in ") and row.partition(" Check")[0].count(" ") < 16
        assert f"{sentence} {account_id}" in " ".join(shown)


@pytest.fixture
def interrupted(at_terminal, account, slow):
    """Presses Ctrl-C as soon as only the slow account is left. Returns the exit code and what was shown."""

    def interrupted(*arguments, **options):
        with (
            slow(HANGS) as forwarding,
            at_terminal(account, "status", *arguments, **options, **there(forwarding)) as terminal,
        ):
            terminal.until("4/5 accounts")
            began = time.monotonic()
            terminal.interrupt()
            code = terminal.end()
            assert time.monotonic() - began < HANGS / 2
            return code, terminal.shown()

    return interrupted


PARTIAL = "Interrupted: 4 of 5 accounts were read. The output is partial. Run the command again.\n"


def test_ctrl_c_prints_what_is_known_and_says_that_it_is_partial(interrupted, account, accounts, orchestera):
    code, shown = interrupted()
    assert code == 130 and shown.endswith(PARTIAL)
    table = shown.rpartition("account id")[2]
    assert [account_id in table for account_id in accounts] == [True, True, False, True, True]
    # Nothing of it is left for the next command.
    assert orchestera(account, "status").returncode == 1


def test_ctrl_c_leaves_the_file_and_prints_what_is_known(interrupted, accounts, tmp_path):
    path = tmp_path / "accounts.json"
    path.write_text("as it was")
    with open(tmp_path / "out", "w+") as out:
        code, shown = interrupted("--output", "json", "--output-file", str(path), stdout=out)
        out.seek(0)
        written = json.load(out)
    assert code == 130
    assert shown.endswith(PARTIAL.replace(" Run", f" {path} was not changed. Run"))
    assert written["partial"] is True
    assert [row["account_id"] for row in written["accounts"]] == [*accounts[:2], *accounts[3:]]
    assert path.read_text() == "as it was"
    assert sorted(one.name for one in tmp_path.iterdir() if one.name != "home") == ["accounts.json", "out"]


@pytest.mark.parametrize("output", ["csv", "ndjson"])
def test_ctrl_c_leaves_whole_rows_in_a_pipe(interrupted, accounts, tmp_path, output):
    with open(tmp_path / "out", "w+") as out:
        code, shown = interrupted("--output", output, stdout=out)
        out.seek(0)
        written = out.read()
    assert code == 130 and shown.endswith(PARTIAL)
    rows = csv.DictReader(io.StringIO(written)) if output == "csv" else map(json.loads, written.splitlines())
    assert [row["account_id"] for row in rows] == [*accounts[:2], *accounts[3:]]


@pytest.mark.parametrize("arguments", [["verify"], ["plan"], ["preflight"], ["console"], ["status"]], ids=" ".join)
def test_ctrl_c_before_anything_is_known_ends_the_command(account, home, slow, arguments):
    """Every call waits: the one that asks who the caller is."""
    with Forwarding(account.endpoint, slow={"": HANGS}) as forwarding:
        command = [binary(), *arguments]
        environment = of_user(account, home, **there(forwarding))
        with subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert forwarding.waits.wait(30)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            assert time.monotonic() - began < HANGS / 2
    assert (process.returncode, out) == (130, "")
    said = "Interrupted before the list of accounts was complete. Run the command again.\n"
    assert err == (said if arguments == ["status"] else "")


@pytest.mark.parametrize(
    "arguments",
    ["status", "status --output json", "plan --show-parameters", "permissions status", "completions bash", "--help"],
)
@pytest.mark.parametrize("both", [False, True], ids=["standard output", "both outputs"])
def test_a_reader_that_has_seen_enough_is_no_error(account, accounts, home, arguments, both):
    """`| true` reads nothing at all."""
    script = f'set -o pipefail; {{ "$0" {arguments} {"2>&1" if both else ""}; echo "code $?" >&3; }} | true'
    ran = subprocess.run(
        ["bash", "-c", f"exec 3>&1; {script}", binary()],
        env=of_user(account, home),
        text=True,
        capture_output=True,
        timeout=60,
    )
    expected = 1 if arguments.startswith("status") else 0
    assert ran.stdout == f"code {expected}\n", ran.stderr
    assert "panicked" not in ran.stderr and "cannot be written" not in ran.stderr
