"""`make bench-fleet`: measures how long `orchestera status`, boto3 and a shell loop take for many accounts.

Exits with 1 if a row is wrong or a target is missed. With other sizes than the default ones, it may not measure every
target.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

from orchestera_bench import command, machine
from orchestera_bench.many_accounts import contenders, figure, report, stub, targets

SIZES = (10, 100, 1000, 10_000)
ROUNDS = 3
CORES = 2


def two_cores():
    """This process and all that it starts share two cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def median_run(runs):
    """The run that took the middle time. It keeps its own counts; what was wrong in any run is in it."""
    middle = sorted(runs, key=lambda run: run["seconds"])[(len(runs) - 1) // 2]
    wrong = [sentence for run in runs for sentence in run["wrong"]]
    peak = max(run["peak_bytes"] for run in runs)
    all_seconds = [round(run["seconds"], 3) for run in runs]
    return middle | {"wrong": wrong, "peak_bytes": peak, "all_seconds": all_seconds}


def measure(given, everybody):
    """Each contender with each of its sizes, in turns."""
    about = {"date": machine.today(), "machine": given.machine, "load_before": machine.load()}
    about |= {"round_trip_ms": given.round_trip, "commit": machine.commit(), "versions": machine.versions(given.target)}
    about |= {"rounds": given.rounds, "titles": {one.name: one.title for one in everybody}}
    machine.go_first()
    two_cores()
    runs = {}
    for number in range(given.rounds):
        for one in everybody:
            for accounts in one.sizes:
                for _ in range(one.runs(accounts)):
                    run = measured(given, one, accounts)
                    runs.setdefault(one.name, {}).setdefault(accounts, []).append(run)
                    print(f"  {number + 1}: {one.title}, {accounts} accounts: {run['seconds']:.2f} s", file=sys.stderr)
                    for sentence in run["wrong"][:5]:
                        print(f"    {sentence}", file=sys.stderr)
    medians = {name: {size: median_run(runs) for size, runs in sizes.items()} for name, sizes in runs.items()}
    return about | {"runs": medians}


def measured(given, contender, accounts):
    with (
        tempfile.TemporaryDirectory(prefix="orchestera-fleet-") as folder,
        stub.running(given.stub, accounts, given.round_trip) as running,
    ):
        return contenders.run(contender, running, Path(folder))


def missed(result, is_whole):
    """The targets that are not reached. In a whole run, what was not measured is missed, too."""
    reached = (True,) if is_whole else (True, None)
    return [target for target in targets.all_of_them(result) if target.reached not in reached]


def main(arguments=None):
    parser = command.parser("fleet", __doc__, "--output /tmp/fleet.json 10 100")
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES, help="numbers of accounts (10 100 1000 10000)")
    parser.add_argument("--orchestera", type=Path, required=True, help="the built command line")
    parser.add_argument("--stub", type=Path, required=True, help="the built bench/fleet-stub")
    parser.add_argument("--aws", type=Path, required=True, help="the AWS CLI, for the shell loop")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often to measure everything (3)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="measure only these contenders")
    given = parser.parse_args(arguments)
    everybody = contenders.all_of_them(given.orchestera.absolute(), given.aws.absolute(), tuple(given.sizes))
    if given.only:
        everybody = [contender for contender in everybody if contender.name in given.only]
    try:
        result = measure(given, everybody)
    except contenders.Failed as failed:
        print(f"NOT MEASURED: {failed}", file=sys.stderr)
        return 1
    result = command.keep(result, given, report.lines, figure.svg)
    not_reached = missed(result, is_whole=not given.only and tuple(given.sizes) == SIZES)
    for target in not_reached:
        print(f"MISSED: {target.words}: {target.now}", file=sys.stderr)
    return 1 if not_reached else 0


if __name__ == "__main__":
    # So that what was started ends, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
