"""The share of a core that Lambda gives a small function, by CFS quota in a cgroup of its own.

Lambda gives a function CPU in proportion to its memory, one whole vCPU at 1769 MB, of which 128 MB are 7.2 %
(<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>). While it starts, before the first event,
there is no such limit. So a function is put into the cgroup without a limit, which comes with the first event.
"""

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

MEMORY, WHOLE_CORE_AT = 128, 1769
FRACTION = MEMORY / WHOLE_CORE_AT
# Microseconds. Lambda does not publish its own; the longer it is, the coarser the waits.
PERIOD = 20_000
QUOTA = round(PERIOD * FRACTION)
# How much of a core a busy loop under the limit may be found to get, if this is to be called an emulation.
TOLERANCE = (0.8, 1.25)
SPIN = "import time\nend = time.monotonic() + 1.0\nwhile time.monotonic() < end: pass"


class NotPossible(Exception):
    """Why there is no share of a core here."""


class Share:
    """A cgroup. Ended by `close`, when the last process in it has ended."""

    def __init__(self, folder, limit, no_limit):
        self.folder, self.limit, self.no_limit = folder, limit, no_limit

    def write(self, values):
        for file, value in values.items():
            (self.folder / file).write_text(value)

    def take_in(self, pid):
        self.write({"cgroup.procs": str(pid)})

    def apply(self):
        self.write(self.limit)

    def lift(self):
        self.write(self.no_limit)

    def unlimited(self):
        """The same cgroup, which others share the machine with as before, and no limit."""
        return Share(self.folder, self.no_limit, self.no_limit)

    def close(self):
        for _ in range(50):
            try:
                return self.folder.rmdir()
            except OSError:
                # The kernel takes a moment to let go of a process that was waited for.
                time.sleep(0.02)

    def measured(self):
        """The fraction of a core that a busy loop gets under the limit."""
        loop = subprocess.Popen(["/bin/sh", "-c", 'read go; exec "$@"', "", sys.executable, "-c", SPIN], stdin=-1)
        self.take_in(loop.pid)
        self.apply()
        started = time.monotonic()
        loop.stdin.write(b"\n")
        loop.stdin.close()
        _, _, used = os.wait4(loop.pid, 0)
        loop.returncode = 0
        self.lift()
        return (used.ru_utime + used.ru_stime) / (time.monotonic() - started)


def mounts(kind, option=None):
    """Where cgroups of a kind are mounted."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        found, _, options = after.split(" ", 2)
        if found == kind and (option is None or option in options.split(",")):
            yield Path(before.split()[4])


def own_paths(pattern):
    """The cgroup of this process in a hierarchy, and those around it."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        if match := re.fullmatch(pattern, line):
            path = Path(match[1])
            return [path, *path.parents]
    return []


def candidates():
    """Cgroups in which one could be made, with the files that set and lift the limit.

    The weight, twenty times the usual one, is that of the cgroup beside other work, see `machine.go_first`.
    """
    for root in mounts("cgroup2"):
        for path in own_paths(r"0::(/.*)"):
            weight = {"cpu.weight": "2000"}
            yield root, path, {"cpu.max": f"{QUOTA} {PERIOD}"}, {"cpu.max": f"max {PERIOD}"} | weight
    for root in mounts("cgroup", "cpu"):
        for path in own_paths(r"\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(/.*)"):
            period = {"cpu.cfs_period_us": str(PERIOD)}
            limit, none = {"cpu.cfs_quota_us": str(QUOTA)}, {"cpu.cfs_quota_us": "-1"}
            yield root, path, period | limit, period | none | {"cpu.shares": "20480"}


def made():
    """A cgroup in the first place that allows one."""
    seen = []
    for root, path, limit, no_limit in candidates():
        folder = root / path.relative_to("/") / f"orchestera-bench-{os.getpid()}"
        share = Share(folder, limit, no_limit)
        try:
            folder.mkdir()
        except OSError as error:
            seen.append(f"{folder.parent}: {error.strerror}")
            continue
        try:
            share.lift()
            measured = share.measured()
        except OSError as error:
            seen.append(f"{folder.parent}: {error.strerror} ({Path(error.filename or '').name})")
            with suppress(OSError):
                folder.rmdir()
            continue
        return share, measured
    raise NotPossible("; ".join(seen) or "no cgroup hierarchy with a CPU controller is mounted")


def share():
    """A share of a core and the fraction that it was found to give. Raises `NotPossible`."""
    if not sys.platform.startswith("linux"):
        raise NotPossible("cgroups are Linux's")
    share, measured = made()
    low, high = (bound * FRACTION for bound in TOLERANCE)
    if not low <= measured <= high:
        share.close()
        raise NotPossible(f"under the limit a busy loop got {measured:.1%} of a core, and not {FRACTION:.1%}")
    return share, measured
