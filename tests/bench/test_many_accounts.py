"""`make bench-fleet`: how rows are compared, what is measured, and what the verdict is."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestera_bench import fleet
from orchestera_bench.many_accounts import contenders, figure, report, rows, targets

ROOT = Path(__file__).resolve().parents[2]


def right(number, state="ready", external_id="x"):
    account = f"{number:012}"
    arn = f"arn:aws:iam::{account}:role/OrchesteraAccessRole" if state != "missing" else None
    return {"account": account, "state": state, "role_arn": arn, "external_id": external_id}


EXPECTED = {row["account"]: row for row in (right(1), right(2, "missing", None), right(3, external_id=None))}


def found(*changed):
    return rows.by_account([*(dict(row) for row in EXPECTED.values()), *changed])


def test_right_rows_have_no_differences():
    assert rows.differences(EXPECTED, found()) == []


@pytest.mark.parametrize("field", rows.FIELDS[1:])
def test_a_wrong_cell_is_a_difference_that_names_account_and_field(field):
    wrong = found()
    wrong["000000000001"][0][field] = "wrong"
    (sentence,) = rows.differences(EXPECTED, wrong)
    assert "000000000001" in sentence and field in sentence and "'wrong'" in sentence


def test_rows_that_are_missing_doubled_or_of_no_account_are_differences():
    few = found()
    del few["000000000002"]
    assert rows.differences(EXPECTED, few) == ["account 000000000002 has 0 rows"]
    assert rows.left_out(EXPECTED, few) == 1
    assert rows.differences(EXPECTED, found(right(1))) == ["account 000000000001 has 2 rows"]
    assert rows.differences(EXPECTED, found(right(9))) == ["account 000000000009 does not exist"]


def test_rows_of_json_are_read_whatever_the_account_column_is_called():
    text = json.dumps({"accounts": [{"account_id": "000000000001", "state": "ready", "role_arn": "", "other": 1}]})
    row = {"account": "000000000001", "state": "ready", "role_arn": None, "external_id": None}
    assert rows.of_json(text) == {"000000000001": [row]}


def test_the_loop_is_wrong_only_where_an_account_is_ready():
    arn = "arn:aws:iam::00000000000{}:role/OrchesteraAccessRole".format
    lines = f"000000000001 {arn(1)} x\n000000000003 {arn(3)} None\n"
    assert rows.differences_of_the_loop(EXPECTED, rows.of_lines(lines)) == []
    assert rows.differences_of_the_loop(EXPECTED, rows.of_lines(f"000000000003 {arn(3)}\n000000000001 {arn(1)} y"))
    (sentence,) = rows.differences_of_the_loop(EXPECTED, rows.of_lines(f"000000000003 {arn(3)}"))
    assert "000000000001" in sentence
    assert rows.left_out(EXPECTED, rows.of_lines(lines)) == 1


def run(seconds, **other):
    counts = {"calls": {"sts AssumeRole": 9, "iam GetRole": 9}, "throttled": {}, "without_session_policy": 0}
    about = {"seconds": seconds, "cpu_seconds": 1.0, "peak_bytes": 40e6, "exit_code": 0, "stub_cpu_seconds": 0.5}
    return about | {"wrong": [], "left_out": 0, "counts": counts} | other


def result():
    runs = {
        "product": {"10": run(0.2), "100": run(0.3), "1000": run(2.0), "10000": run(20.0)},
        "product-32": {"1000": run(2.5)},
        "boto3-32": {"100": run(4.0), "1000": run(40.0)},
        "shell-loop": {"10": run(10.0), "20": run(20.0)},
    }
    versions = {"rustc": "rustc 1", "target": "x86_64-unknown-linux-musl", "python": "3", "boto3": "1"}
    about = {"date": "2026-01-01", "machine": "x86-64, 2 cores", "load_before": 0.1, "round_trip_ms": 20.0, "rounds": 3}
    titles = {name: name for name in runs}
    return about | {"versions": versions, "titles": titles, "runs": runs}


def verdicts(measured):
    return [target.reached for target in targets.all_of_them(measured)]


def test_a_good_run_reaches_every_target():
    assert verdicts(result()) == [True] * 7
    assert fleet.missed(result(), is_whole=True) == []


@pytest.mark.parametrize(
    "number, name, size, change",
    [
        (0, "product", "10000", {"seconds": 60.1}),
        (1, "product", "10000", {"peak_bytes": 100e6 + 1}),
        (2, "product", "10000", {"seconds": 25.0}),
        (3, "boto3-32", "1000", {"seconds": 12.4}),
        (3, "product-32", "1000", {"seconds": 8.1}),
        (4, "shell-loop", "20", {"seconds": 3.9}),
        (5, "shell-loop", "10", {"wrong": ["account 1: state"]}),
        (6, "product-32", "1000", {"counts": run(0)["counts"] | {"without_session_policy": 1}}),
    ],
)
def test_a_run_that_is_too_slow_too_large_or_wrong_misses_its_target(number, name, size, change):
    measured = result()
    measured["runs"][name][size] |= change
    assert verdicts(measured)[number] is False
    assert [target.words for target in fleet.missed(measured, is_whole=False)]
    assert "MISSED" in "\n".join(report.lines(measured))


@pytest.mark.parametrize(
    "name, size, unmeasured",
    [
        ("product", "10000", [0, 1, 2]),
        ("product", "1000", [2, 4]),
        ("boto3-32", "1000", [3]),
        ("shell-loop", None, [4]),
    ],
)
def test_what_was_not_measured_is_neither_met_nor_missed_and_a_whole_run_has_to_measure_it(name, size, unmeasured):
    measured = result()
    if size:
        del measured["runs"][name][size]
    else:
        del measured["runs"][name]
    assert [number for number, reached in enumerate(verdicts(measured)) if reached is None] == unmeasured
    assert not fleet.missed(measured, is_whole=False)
    assert len(fleet.missed(measured, is_whole=True)) == len(unmeasured)


def test_the_report_states_calls_for_each_account_and_the_figure_has_every_line():
    lines = "\n".join(report.lines(result()))
    assert re.search(r"\| `iam GetRole` +\| +9 \| +0\.001 \|", lines), lines
    drawn = "\n".join(figure.svg(result()))
    assert drawn.count('<path class="guess"') == 2 and "shell-loop: 2.8 h" in drawn and "product: 20 s" in drawn


def test_the_run_of_the_middle_time_counts_and_what_was_wrong_in_any_round_stays():
    rounds = [run(3.0), run(1.0, wrong=["a"]), run(2.0, peak_bytes=1), run(9.0, peak_bytes=50e6)]
    middle = fleet.median_run(rounds)
    assert (middle["seconds"], middle["wrong"], middle["peak_bytes"]) == (2.0, ["a"], 50e6)
    assert middle["all_seconds"] == [3.0, 1.0, 2.0, 9.0]


@pytest.mark.parametrize("wrong, exit_code", [([], 0), (["account 1: state"], 1)])
def test_the_command_ends_with_1_if_a_row_is_wrong(tmp_path, monkeypatch, capsys, wrong, exit_code):
    for module, name in ((fleet.machine, "go_first"), (fleet, "two_cores")):
        monkeypatch.setattr(module, name, lambda: None)
    monkeypatch.setattr(fleet.machine, "versions", lambda _: result()["versions"])
    monkeypatch.setattr(fleet, "measured", lambda *_: run(1.0, wrong=wrong))
    options = ["10", "--orchestera", "o", "--stub", "s", "--aws", "a", "--rounds", "2", "--only", "product", "boto3"]
    assert fleet.main([*options, "--output", str(tmp_path / "fleet.json")]) == exit_code
    kept = json.loads((tmp_path / "fleet.json").read_text())
    assert set(kept["runs"]) == {"product", "boto3"} and kept["runs"]["boto3"]["10"]["all_seconds"] == [1.0, 1.0]
    assert kept["runs"]["product"]["10"]["all_seconds"] == [1.0] * 6
    assert (tmp_path / "fleet.svg").read_text().startswith("<svg")
    assert ("MISSED: every row is right" in capsys.readouterr().err) == bool(wrong)


def timed(tmp_path, *command):
    output = tmp_path / "stopwatch.json"
    subprocess.run(contenders.timed(output, command), check=True)
    return json.loads(output.read_text())


def test_the_stopwatch_tells_time_memory_and_exit_code_of_the_command_alone(tmp_path):
    # So much that a peak which counts the process that starts the command would show it.
    ballast = bytearray(200 * 2**20)
    python = (sys.executable, "-I", "-S", "-c")
    small = timed(tmp_path, *python, "import time; time.sleep(0.3)")
    large = timed(tmp_path, *python, "bytearray(80 * 2**20); raise SystemExit(3)")
    assert len(ballast) and small["peak_bytes"] < 40 * 2**20
    assert 80 * 2**20 < large["peak_bytes"] < 120 * 2**20
    assert (small["exit_code"], large["exit_code"]) == (0, 3)
    assert 0.3 <= small["seconds"] < 5 and small["cpu_seconds"] < small["seconds"]


def is_running(pid):
    """Whether a process is there that has not ended: for a moment, nobody may have asked how it ended."""
    status = Path(f"/proc/{pid}/status")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if "State:\tZ" in status.read_text():
                return False
        except (FileNotFoundError, ProcessLookupError):
            return False
        time.sleep(0.05)
    return True


def test_a_contender_that_fails_is_not_measured(tmp_path, monkeypatch):
    class Stub:
        url = "http://127.0.0.1:9"

    broken = contenders.Contender("broken", "a broken one", ("sh", "-c", "echo why >&2; exit 4"), (1,))
    with pytest.raises(contenders.Failed, match="(?s)a broken one ended with 4.*why"):
        contenders.run(broken, Stub(), tmp_path)
    monkeypatch.setattr(contenders, "TIMEOUT", 0.5)
    slow = contenders.Contender("slow", "a slow one", ("sh", "-c", "echo $$ > pid; exec sleep 60"), (1,))
    with pytest.raises(contenders.Failed, match="takes longer than 0.5 s"):
        contenders.run(slow, Stub(), tmp_path)
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_the_stub_gives_the_names_tags_and_digests_that_the_product_does():
    stub = (ROOT / "bench/fleet-stub/src/policies.rs").read_text()
    stub += (ROOT / "bench/fleet-stub/src/account.rs").read_text()
    sources = "".join(
        (ROOT / "src" / name).read_text()
        for name in ("ownership.rs", "iam.rs", "policy.rs", "account.rs", "properties.rs")
    )
    sources += (ROOT / "src/reconcile/suspension.rs").read_text()
    given = set(re.findall(r'"(orchestera:[a-z0-9-]+)"', stub)) | set(re.findall(r'"([0-9a-f]{64}|[0-9]{12})"', stub))
    given |= set(re.findall(r'const [A-Z_]+: &str = "([^"$]+)"', stub))
    given -= {"999999999999", "OrganizationAccountAccessRole", "DUMM"}
    assert len(given) > 12
    assert not [text for text in given if f'"{text}"' not in sources]
