"""Ctrl-C, SIGTERM and a closed terminal: the first one ends the run, a later one only ends the waiting."""

import contextlib
import signal
import time

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds. A pause ends this soon after a signal.
SLICE = 0.1


class Interrupted(BaseException):
    """Not an `Exception`, because libraries catch those and try again."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


class Interruption:
    """What the user or the machine asked for while the proof runs.

    Only the first signal raises `Interrupted`, and only before the clean-up. Nothing interrupts the clean-up: it asks
    whether it is `hurried` where it waits.
    """

    def __init__(self):
        self.received = []
        # How many signals had come when the clean-up began; None before.
        self.before = None

    def listen(self):
        for number in SIGNALS:
            signal.signal(number, self._on)

    def ignore(self):
        """From now on nothing is waited for. While Python shuts down, a signal would end it before its own status."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _on(self, number, frame):
        self.received.append(number)
        if self.before is None and len(self.received) == 1:
            raise Interrupted(number)

    def cleaning_up(self):
        if self.before is None:
            self.before = len(self.received)

    @property
    def hurried(self):
        """Whether a signal has come since the clean-up began."""
        return self.before is not None and len(self.received) > self.before

    def pause(self, seconds):
        """Sleeps, but not past a signal. It raises again: Python drops an exception that is raised in a finalizer."""
        ends = time.monotonic() + seconds
        while not self.hurried:
            if self.received and self.before is None:
                raise Interrupted(self.received[0])
            if time.monotonic() >= ends:
                return
            time.sleep(min(SLICE, seconds))


class Terminal:
    """Standard output that may be closed meanwhile. The clean-up goes on without it."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        with contextlib.suppress(OSError, ValueError):
            return self.stream.write(text)

    def flush(self):
        with contextlib.suppress(OSError, ValueError):
            self.stream.flush()

    def __getattr__(self, name):
        return getattr(self.stream, name)
