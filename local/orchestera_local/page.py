"""What a command shows: scenes, claims that hold or do not, and the events of a stack as they come."""

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
    """What is shown, and whether every claim held."""

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
        """A line of a stack's log. What begins and ends without a word takes one line, not two."""
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
        """Says which claims did not hold, and returns what the command ends with."""
        if self.broken:
            print(f"{BAD}{len(self.broken)} claims did not hold:{PLAIN}\n  " + "\n  ".join(self.broken))
        return 1 if self.broken else 0


def end_with_the_terminal():
    """However it is ended, everything that was started is stopped."""
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, lambda number, _: sys.exit(128 + number))
