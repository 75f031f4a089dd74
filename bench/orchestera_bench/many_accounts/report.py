"""The report of `make bench-fleet`, in Markdown."""

from textwrap import wrap

from orchestera_bench.many_accounts import targets
from orchestera_bench.report import table

HEADS = ["contender", "accounts", "seconds", "ms for each", "CPU s", "peak MB", "calls for each"]
HEADS += ["throttled", "left out"]
VERDICTS = {True: "met", False: "MISSED", None: "not measured"}


def calls(run):
    return sum(run["counts"]["calls"].values())


def throttled(run):
    return sum(run["counts"]["throttled"].values())


def cells(title, accounts, run):
    return [
        title,
        f"{accounts:,}",
        f"{run['seconds']:.2f}",
        f"{targets.of_each(accounts, run) * 1000:.1f}",
        f"{run['cpu_seconds']:.1f}",
        f"{run['peak_bytes'] / 1e6:.0f}",
        f"{calls(run) / accounts:.1f}",
        f"{throttled(run) / max(calls(run), 1):.1%}",
        f"{run['left_out']:,}",
    ]


def operations(accounts, run):
    """How often each operation was called. Throttled calls count as well."""
    for name, count in sorted(run["counts"]["calls"].items()):
        yield [f"`{name}`", f"{count:,}", f"{count / accounts:.3f}"]


def stub_work(result):
    """Milliseconds of CPU that the stub took for a call, in all runs together."""
    runs = [run for sizes in result["runs"].values() for run in sizes.values()]
    return sum(run["stub_cpu_seconds"] for run in runs) / max(sum(map(calls, runs)), 1) * 1000


def about(result):
    """What the figures are of, in sentences."""
    versions = result["versions"]
    yield f"Measured on {result['date']}, {result['machine']}. The contender and the stub share two cores."
    yield f"Round trip {result['round_trip_ms']:g} ms, no TLS; medians of {result['rounds']} rounds."
    yield f"{versions['rustc']} for {versions['target']}; Python {versions['python']}, boto3 {versions['boto3']}."
    yield f"The stub itself took {stub_work(result):.3f} ms of CPU for a call."
    yield f"Load of the machine before: {result['load_before']}."


def lines(result):
    yield from wrap(" ".join(about(result)), 118)
    yield ""
    rows = []
    for name, runs in result["runs"].items():
        rows += [cells(result["titles"][name], int(accounts), run) for accounts, run in runs.items()]
    yield from table(HEADS, rows)
    yield ""
    all_targets = targets.all_of_them(result)
    yield from table(["target", "now", ""], [[one.words, one.now, VERDICTS[one.reached]] for one in all_targets])
    accounts, run = targets.largest(result, "product")
    if run:
        yield ""
        heads = [f"calls of `orchestera status`, {accounts:,} accounts", "all", "for each account"]
        yield from table(heads, operations(accounts, run))
