"""The output of a command: scenes, claims that hold or do not, and the events of a stack as they happen."""

import json
import os
import signal
import sys
import textwrap

STRONG, GOOD, BAD, FAINT, PLAIN = (
    ("\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m")
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ
    else ("",) * 5
)


class Page:
    """Prints the output, and remembers every claim that does not hold."""

    def __init__(self):
        self.scenes = 0
        self.broken = []
        self.started = {}

    def scene(self, title):
        self.scenes += 1
        print(f"\n{STRONG}{self.scenes}. {title}{PLAIN}", flush=True)

    def say(self, text=""):
        for line in str(text).splitlines():
            print(
                textwrap.fill(
                    line,
                    118,
                    initial_indent="   ",
                    subsequent_indent="     ",
                    # An ARN is copied whole.
                    break_on_hyphens=False,
                    break_long_words=False,
                ),
                flush=True,
            )

    def json(self, value):
        self.say(json.dumps(value, indent=2))

    def claim(self, text, holds):
        if not holds:
            self.broken.append(text)
        print(f"   {GOOD + '✓' if holds else BAD + '✗ NOT SO:'}{PLAIN} {text}", flush=True)

    def event(self, event):
        """Prints an event of a stack. A resource that starts and ends without a reason takes one line, not two."""
        logical_id, status, reason = (
            event["LogicalResourceId"],
            event["ResourceStatus"],
            event.get("ResourceStatusReason", ""),
        )
        at = event["Timestamp"]
        is_stack = event["ResourceType"] == "AWS::CloudFormation::Stack"
        if status.endswith("IN_PROGRESS") and not is_stack:
            self.started[logical_id] = at
            if not reason:
                return
        elif logical_id in self.started:
            took = (at - self.started.pop(logical_id)).total_seconds()
            reason = reason or (f"{took:.2f} s" if took >= 0.005 else "")
        colour = BAD if "FAILED" in status or "ROLLBACK" in status else GOOD if status.endswith("COMPLETE") else ""
        print(
            f"   {FAINT}{at:%H:%M:%S}{PLAIN}  {logical_id:<33}{colour}{status:<22}{PLAIN}{reason}".rstrip(), flush=True
        )

    def end(self):
        """Prints the claims that do not hold, and returns the exit status of the command."""
        if self.broken:
            print(f"{BAD}{len(self.broken)} claims did not hold:{PLAIN}\n  " + "\n  ".join(self.broken))
        return 1 if self.broken else 0


def end_with_the_terminal():
    """Stops everything that was started, however the program is ended."""
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, lambda number, _: sys.exit(128 + number))
