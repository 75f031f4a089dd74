"""On what and when something was measured."""

import atexit
import datetime
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from importlib.metadata import version as installed
from pathlib import Path

from orchestera_bench.stage.world import ROOT

# A nice value: the lower, the sooner.
FIRST = -15
AUTOGROUP = Path("/proc/self/autogroup")


def kind():
    return f"{platform.machine().replace('_', '-')}, {len(os.sched_getaffinity(0))} cores"


def today():
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def load():
    """Processes that wanted a core in the last minute: with other work on the machine, absolute times say little."""
    return round(os.getloadavg()[0], 2)


def go_first():
    """Asks that other work on the machine wait for this: faster than on an idle machine it makes nothing."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, FIRST)
    # With autogroups, Linux compares sessions before it compares processes: sched(7). The session gets its own back.
    with suppress(OSError, ValueError):
        before = AUTOGROUP.read_text().split()[-1]
        AUTOGROUP.write_text(str(FIRST))
        atexit.register(AUTOGROUP.write_text, before)


def commit():
    """What is measured is built from it, with `+` if something was changed since."""
    changed = "+" if _said("git", "status", "--porcelain", "--", "src", "bench", "Cargo.lock", "Cargo.toml") else ""
    return _said("git", "rev-parse", "HEAD") + changed


def versions(target):
    """Of what the contenders are built with and run on, as far as it is here."""
    return {
        "target": target,
        "rustc": _said("rustc", "--version"),
        "python": f"{platform.python_version()}, {platform.python_compiler()}",
        "boto3": installed("boto3"),
        "crhelper": installed("crhelper"),
        "node": _said("node", "--version") if shutil.which("node") else "",
    }


def _said(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
