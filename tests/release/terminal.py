"""A person at a terminal: an interactive shell on a pty, text that is pasted into it, and programs that run nothing.

They only note what they were given.
"""

import errno
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

# Each without its user's files, so that it is as it was installed.
SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}
# What a program says: enough for a loop over two accounts, and for three words to be read.
SAYS = "111122223333\\t444455556666\\t777788889999"
# Of a program nothing runs but this. $0 is as it was called.
STUB = f"""#!/bin/sh
{{
  printf 'run\\0%s\\0%s\\0' "${{0##*/}}" "$#"
  [ "$#" = 0 ] || printf '%s\\0' "$@"
  /usr/bin/env -0
  printf 'end\\0'
}} >> "$RECORD"
printf '{SAYS}\\n'
"""
PROGRAMS = ("apt-get", "aws", "cargo", "cargo-lambda", "curl", "git", "grep", "make", "node", "npm", "openssl", "pip")
PROGRAMS += ("pytest", "python", "python3", "rustup", "sam", "sha256sum", "mkdir", "orchestera", "sudo", "tar", "uname")
# What a document calls by its path.
IN_THE_FOLDER = (
    ".venv/bin/cargo-lambda",
    ".venv/bin/moto_server",
    ".venv/bin/pytest",
    ".venv/bin/python",
    ".venv/bin/sam",
)
IN_THE_FOLDER += (".ci/run",)
# As a shell complains, at the beginning of a line.
COMPLAINT = re.compile(r"^(?:-?(?:ba|z)?sh|/\S*/(?:ba|z)?sh)(?:: line \d+)?: .*", re.MULTILINE)
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>()][0-9A-B]?)")


class Terminal:
    """A folder with a home, stubs of all programs, and nothing else on the PATH than those and `tr`.

    `real`: programs that are run instead of their stubs, by name; `environment`: variables for them.
    """

    def __init__(self, folder, real=None, environment=None):
        self.given = environment or {}
        self.folder, self.record = Path(folder), Path(folder) / "record"
        self.home, self.programs = self.folder / "home", self.folder / "programs"
        for path in [self.home, self.programs, self.folder / "cwd"]:
            path.mkdir(parents=True)
        for name in PROGRAMS:
            self._stub(self.programs / name)
        for name in IN_THE_FOLDER:
            self._stub(self.folder / "cwd" / name)
        (self.folder / "cwd/.venv/bin/activate").write_text("")
        for name, path in (real or {}).items():
            (self.programs / name).write_text(f'#!/bin/sh\nexec {path} "$@"\n')
        os.symlink(shutil.which("tr"), self.programs / "tr")

    def _stub(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STUB)
        path.chmod(0o755)

    def environment(self):
        return {
            "HOME": str(self.home),
            "PATH": str(self.programs),
            "RECORD": str(self.record),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "PS1": "ready> ",
            **self.given,
        }

    def script(self, text):
        """What the programs are given by a script, which knows comments and calls back nothing: as it was meant."""
        self.record.write_bytes(b"")
        ran = subprocess.run(
            [shutil.which("bash"), "--noprofile", "--norc", "-c", text],
            cwd=self.folder / "cwd",
            env=self.environment(),
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
        )
        return self._recorded(), ran.stderr.splitlines()

    def paste(self, shell, text, bracketed):
        """What the programs are given when somebody pastes the text and presses Enter, and the shell's complaints.

        `bracketed`: the terminal says where what is pasted begins and ends, as most do, so that the shell reads it as a
        whole; otherwise line by line.
        """
        self.record.write_bytes(b"")
        self.shown = ""
        command, *arguments = SHELLS[shell]
        process, terminal = pty.fork()
        if process == 0:
            try:
                os.chdir(self.folder / "cwd")
                os.execve(shutil.which(command), [command, *arguments], self.environment())
            finally:
                os._exit(127)
        try:
            os.set_blocking(terminal, False)
            shown = _converse(terminal, b"", "ready> ", shell)
            typed = text.replace("\n", "\r").encode()
            if bracketed:
                typed = b"\x1b[200~" + typed + b"\x1b[201~"
            # Only a shell that has run all before and waits for nothing more says this.
            shown += _converse(terminal, typed + b"\rprintf 'is %s\\n' done\r", "is done", shell)
        finally:
            os.close(terminal)
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        self.shown = ESCAPES.sub("", shown).replace("\r", "\n")
        return self._recorded(), COMPLAINT.findall(self.shown)

    def _recorded(self):
        """Each call of a program as a line of JSON: its name, its arguments, and the variables that it was given."""
        fields = self.record.read_bytes().decode().split("\0")[:-1]
        given = set(self.environment()) | {"_", "SHLVL", "PWD", "OLDPWD", "LOGNAME", "LINES", "COLUMNS"}
        calls = []
        while fields:
            assert fields.pop(0) == "run"
            name, count = fields.pop(0), int(fields.pop(0))
            arguments, fields = fields[:count], fields[count:]
            end = fields.index("end")
            variables = dict(one.split("=", 1) for one in fields[:end])
            fields = fields[end + 1 :]
            changed = {key: value for key, value in sorted(variables.items()) if key not in given}
            calls.append(json.dumps([name, arguments, changed]))
        return calls


def _converse(terminal, typed, until, shell):
    """Types, and reads until the shell has said `until`."""
    shown, ends = "", time.monotonic() + 20
    while until not in shown:
        left = ends - time.monotonic()
        assert left > 0, f"{shell} waits for more, or does not answer. It showed:\n{ESCAPES.sub('', shown)}"
        readable, writable, _ = select.select([terminal], [terminal] if typed else [], [], left)
        if writable:
            # A terminal holds little until it is read.
            typed = typed[os.write(terminal, typed[:256]) :]
        if readable:
            try:
                shown += os.read(terminal, 65536).decode(errors="replace")
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                raise AssertionError(f"{shell} ended. It showed:\n{ESCAPES.sub('', shown)}") from error
    return shown
