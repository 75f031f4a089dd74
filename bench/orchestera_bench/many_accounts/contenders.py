"""Who takes part, how each is started, and how its rows are read."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestera_bench.many_accounts import rows
from orchestera_bench.many_accounts.stub import environment
from orchestera_bench.stage.world import ROOT

BENCH = ROOT / "bench"
STOPWATCH = Path(__file__).with_name("stopwatch.py")
# Of those that are compared with each other.
CONCURRENCY = 32
# Up to so many accounts, a run of the product takes a few seconds.
FEW = 1000
# No contender takes longer at the sizes that are measured.
TIMEOUT = 600


class Failed(Exception):
    """A contender did not do its work."""


@dataclass(frozen=True)
class Contender:
    name: str
    title: str
    command: tuple
    # How many accounts it is measured with.
    sizes: tuple
    read: Callable = rows.of_json
    compare: Callable = rows.differences
    # `orchestera status` exits with 1 if an account is not as it should be, which some are not.
    exit_codes: tuple = (0,)
    path: str = "/usr/bin:/bin"
    # How often in a round. A small run takes little time, and a large part of it are pauses of random length, after
    # calls that were throttled.
    repeats: int = 1

    def runs(self, accounts):
        """How often it is measured in a round."""
        return self.repeats if accounts <= FEW else 1


def boto3(concurrency):
    script = BENCH / "status-boto3/status.py"
    return (sys.executable, str(script), "--policies", str(ROOT / "policies"), "--concurrency", str(concurrency))


def all_of_them(orchestera, aws, sizes):
    """`sizes` are those of the product. The others get those at which they end in a minute."""
    product = (str(orchestera), "status", "--output", "json", "--quiet")
    return [
        Contender("product", "orchestera status", product, sizes, exit_codes=(0, 1), repeats=3),
        Contender(
            "product-32",
            f"orchestera status, concurrency {CONCURRENCY}",
            (*product, "--concurrency", str(CONCURRENCY)),
            (1000,),
            exit_codes=(0, 1),
            repeats=3,
        ),
        Contender("boto3-32", f"boto3, {CONCURRENCY} threads", boto3(CONCURRENCY), (100, 1000)),
        Contender("boto3", "boto3, one by one", boto3(1), (10, 100)),
        Contender(
            "shell-loop",
            "shell loop with the AWS CLI",
            ("bash", str(BENCH / "status-shell-loop/collect.sh")),
            (10, 20),
            read=rows.of_lines,
            compare=rows.differences_of_the_loop,
            path=f"{aws.parent}:/usr/bin:/bin",
        ),
    ]


def timed(result, command):
    """The command under the stopwatch, which writes into `result`. Without -I and -S, Python itself would need more."""
    return [sys.executable, "-I", "-S", str(STOPWATCH), str(result), *command]


def carry_out(command, **settings):
    """Waits for a command. However this ends, the processes that it started end too.

    Not in a session of its own: it would lose the precedence of this one, see `machine.go_first`.
    """
    with subprocess.Popen(command, process_group=0, **settings) as process:
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Failed(f"{command} takes longer than {TIMEOUT} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def run(contender, stub, folder):
    """Lets a contender read all accounts once. Returns what it cost and what was wrong."""
    result, output, log = folder / "stopwatch.json", folder / "rows", folder / "log"
    command = timed(result, contender.command)
    variables = environment(stub, folder) | {"PATH": contender.path}
    with output.open("w") as out, log.open("w") as errors:
        carry_out(command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
    measured = json.loads(result.read_text())
    if measured["exit_code"] not in contender.exit_codes:
        words = log.read_text()[-2000:]
        raise Failed(f"{contender.title} ended with {measured['exit_code']}. It said:\n{words}")
    expected, found = stub.expected(), contender.read(output.read_text())
    about = {"wrong": contender.compare(expected, found), "left_out": rows.left_out(expected, found)}
    return measured | about | {"counts": stub.counts(), "stub_cpu_seconds": stub.cpu_seconds()}
