"""A person at a terminal, with one command: what it shows there, what is typed, and Ctrl-C."""

import errno
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

# Seconds. Only a command that hangs takes longer.
LONGEST = 60
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>()][0-9A-B]?)")


class AtTerminal:
    """A context manager. Standard output goes to the terminal too, or where `stdout` says."""

    def __init__(self, command, environment, columns=100, stdout=None):
        self.terminal, side = os.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.set_blocking(self.terminal, False)
        self.raw = ""
        self.process = subprocess.Popen(
            command,
            env=environment | {"TERM": "xterm"},
            stdin=side,
            stdout=side if stdout is None else stdout,
            stderr=side,
            start_new_session=True,
            # It is the session's own terminal, so that Ctrl-C reaches the command.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(side)

    def _read(self, seconds):
        """False at the end."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return True
        try:
            read = os.read(self.terminal, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.raw += read.decode(errors="replace")
        return bool(read)

    def until(self, shown):
        """Reads until this is shown."""
        ends = time.monotonic() + LONGEST
        while shown not in self.shown():
            assert time.monotonic() < ends, f"It does not show {shown!r}, but:\n{self.shown()}"
            assert self._read(0.2) or shown in self.shown(), f"It ended without {shown!r}:\n{self.shown()}"
        return self.shown()

    def type(self, text):
        os.write(self.terminal, text.encode())

    def interrupt(self):
        """Ctrl-C, as the terminal sends it."""
        self.type("\x03")

    def end(self):
        """Reads to the end. The exit code, as a shell says it."""
        ends = time.monotonic() + LONGEST
        while self._read(0.2):
            assert time.monotonic() < ends, f"It does not end. It shows:\n{self.shown()}"
        code = self.process.wait(timeout=10)
        return 128 - code if code < 0 else code

    def shown(self):
        """Everything that was ever shown, without colors and movements."""
        return ESCAPES.sub("", self.raw).replace("\r\n", "\n").replace("\r", "\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.terminal)
