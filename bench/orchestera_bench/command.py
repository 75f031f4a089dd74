"""What the commands of the benchmark have in common: arguments, the stage, the end, the result."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from orchestera_bench import machine
from orchestera_bench.stage import share
from orchestera_bench.stage.certificates import NotFound
from orchestera_bench.stage.environment import Broken
from orchestera_bench.stage.wire import event_loop
from orchestera_bench.stage.world import ROOT, World

ROUND_TRIP_MS = 20.0


def parser(module, description, example, measures=True):
    """For the command `python -m orchestera_bench.<module>`. `example` are its options beside those that make gives."""
    command = f"../.tools/bench/venv/bin/python -m orchestera_bench.{module}"
    parser = argparse.ArgumentParser(
        prog=command,
        description=description,
        epilog=f"Example, in bench/ and after `make`:\n  {command} {example}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    built = target / "lambda/orchestera-access/bootstrap"
    parser.add_argument(
        "--bootstrap", type=Path, default=built, metavar="FILE", help="the function that `make build` built"
    )
    parser.add_argument(
        "--built", type=Path, default=target / "bench", metavar="FOLDER", help="the folder of the other contenders"
    )
    parser.add_argument("--target", default="", help="the target of the function; recorded with the result")
    if not measures:
        return parser
    parser.add_argument(
        "--round-trip", type=float, default=ROUND_TRIP_MS, help="round trip to IAM, STS and the callback, in ms (20)"
    )
    parser.add_argument("--machine", default=machine.kind(), help="the name of this machine in the report")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    return parser


@contextlib.asynccontextmanager
async def stage(given):
    """The world, the limited share of a core or `None`, and what a result says about both."""
    about = {"date": machine.today(), "machine": given.machine, "load_before": machine.load()}
    about |= {"round_trip_ms": given.round_trip, "commit": machine.commit(), "versions": machine.versions(given.target)}
    machine.go_first()
    with contextlib.ExitStack() as ending:
        limited, measured, why_not = None, None, ""
        try:
            limited, measured = share.share()
            ending.callback(limited.close)
        except share.NotPossible as reason:
            why_not = str(reason)
        about["share_of_a_core"] = {"wanted": share.FRACTION, "measured": measured, "why_not": why_not}
        folder = ending.enter_context(tempfile.TemporaryDirectory(prefix="orchestera-bench-"))
        world = World(Path(folder), given.round_trip / 1000)
        await world.open()
        ending.callback(world.close)
        yield world, limited, about


async def until_terminated(measuring):
    """However it is ended, the function that runs is ended too."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    return await measuring


def carry_out(measuring, given, report, figure=None):
    """Measures, writes the result, and its figure beside it, and prints it. Returns the exit code."""
    with asyncio.Runner(loop_factory=event_loop) as runner:
        try:
            result = runner.run(until_terminated(measuring))
        except (Broken, NotFound) as broken:
            print(f"NOT MEASURED: {broken}", file=sys.stderr)
            return 1
        except asyncio.CancelledError:
            return 128 + signal.SIGTERM
    keep(result, given, report, figure)
    return 0


def keep(result, given, report, figure=None):
    """Writes a result, and its figure beside it, and prints the report. Returns the result as it is in the file."""
    # A number as a key becomes text in JSON, which is what the report reads when a run is recorded.
    text = json.dumps(result, indent=1)
    result = json.loads(text)
    written = {given.output: [text]}
    if figure:
        written[given.output.with_suffix(".svg")] = figure(result)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    for file, lines in written.items():
        file.write_text("\n".join(lines) + "\n")
    print(*report(result), "", *(f"Written to {file}" for file in written), sep="\n")
    return result
