"""Runs a command and writes what it took: seconds, seconds of CPU, the peak of resident memory, the exit code.

A program of its own, in an interpreter without imports: Linux counts the memory of the process that starts another into
the peak of the one that is started. What needs less than this interpreter, some 10 MB, cannot be told.

    python -I -S stopwatch.py RESULT COMMAND...
"""

import json
import os
import sys
import time


def main():
    result, *command = sys.argv[1:]
    started = time.monotonic()
    child = os.fork()
    if not child:
        try:
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - started
    measured = {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    with open(result, "w") as file:
        json.dump(measured, file)


if __name__ == "__main__":
    main()
