"""How much faster than a real one the clock of this AWS runs: 1, unless somebody asks for less waiting.

All that AWS waits for is divided by this one number: the pauses between two attempts of an event, the age of an event,
the `Timeout` of a function, the `ServiceTimeout` of a resource. How long ago a resource changed is multiplied by it.
What a function itself waits for is its own affair.
"""

import datetime
import time

_faster = 1


def run_faster(times):
    global _faster
    _faster = times


def shortened(seconds):
    """How long something lasts that takes so many seconds in AWS."""
    # As it was given, so that what is not shortened does not become a fraction.
    return seconds if _faster == 1 else seconds / _faster


def seconds_since(moment):
    """How many seconds of AWS's have passed since that moment of `time.monotonic()`."""
    return (time.monotonic() - moment) * _faster


def as_seen_from_now(timestamp):
    """A moment in the form of CloudFormation, moved so that its age is that by this clock."""
    if _faster == 1 or not timestamp:
        return timestamp
    moment = datetime.datetime.fromisoformat(timestamp)
    now = datetime.datetime.now(datetime.UTC)
    return (now - (now - moment) * _faster).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
