"""What the documents show of the benchmark is what was measured and recorded."""

import json

import pytest

from orchestera_bench import plot, record, report


def results(name):
    return json.loads((record.RESULTS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", record.REPORTS)
def test_the_tables_of_the_document_are_those_of_the_recorded_run(name):
    document = record.DOCUMENT.read_text()
    assert record.with_part(document, name, record.REPORTS[name](results(name))) == document, "make -C bench record"


@pytest.mark.parametrize(
    "name, change",
    [
        ("cold", lambda run: run["versions"].update(target="x86_64-unknown-linux-gnu")),
        ("cold", lambda run: run["share_of_a_core"].update(why_not="no cgroup")),
        ("cold", lambda run: run["contenders"].pop("node-sdk-v3")),
        ("cold", lambda run: run.update(rounds=3)),
        ("cold", lambda run: run.update(round_trip_ms=200.0)),
        ("scale", lambda run: run["results"]["cold"].pop("100")),
    ],
)
def test_a_run_that_is_not_what_the_document_says_is_not_recorded(name, change):
    run = results(name)
    assert record.is_whole(name, run)
    change(run)
    assert not record.is_whole(name, run)


def test_the_figure_is_that_of_the_recorded_run():
    assert record.FIGURE.read_text() == "\n".join(plot.svg(results("cold"))) + "\n", "make -C bench record"


def test_without_cgroups_the_report_says_so_and_has_no_columns_for_128_mb():
    result = results("cold")
    result["medians"].pop("share", None)
    result["share_of_a_core"] = {"wanted": 0.072, "measured": None, "why_not": "/sys/fs/cgroup: Permission denied"}
    lines = "\n".join(report.cold(result))
    assert "No columns for 128 MB, because cgroups do not allow it here: /sys/fs/cgroup: Permission denied." in lines
    assert report.TITLES["share"] not in lines
    assert "with a whole core" in "\n".join(plot.svg(result))
