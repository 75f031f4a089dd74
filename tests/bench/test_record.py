"""What the documents show of the benchmark is what was measured and recorded."""

import json

import plot
import pytest
import record
import report


def results(name):
    return json.loads((record.RESULTS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", record.REPORTS)
def test_the_tables_of_the_document_are_those_of_the_recorded_run(name):
    document = record.DOCUMENT.read_text()
    assert record.with_part(document, name, record.REPORTS[name](results(name))) == document, "make bench-record"


def test_the_figure_is_that_of_the_recorded_run():
    assert record.FIGURE.read_text() == "\n".join(plot.svg(results("cold"))) + "\n", "make bench-record"


def test_without_cgroups_the_report_says_so_and_has_no_columns_for_128_mb():
    result = results("cold")
    result["medians"].pop("share", None)
    result["share_of_a_core"] = {"wanted": 0.072, "measured": None, "why_not": "/sys/fs/cgroup: Permission denied"}
    lines = "\n".join(report.cold(result))
    assert "No columns for 128 MB, because cgroups do not allow it here: /sys/fs/cgroup: Permission denied." in lines
    assert report.TITLES["share"] not in lines
    assert "with a whole core" in "\n".join(plot.svg(result))
