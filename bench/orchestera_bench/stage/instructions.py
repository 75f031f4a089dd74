"""How many instructions a program executes from its start to its wait for the next event, by valgrind's callgrind."""

import re
import shutil
import signal


def can_be_counted():
    return shutil.which("valgrind") is not None


class Counted:
    """A contender under callgrind. It is ended gently, because callgrind tells at the end."""

    def __init__(self, contender, world):
        self.tells = world.folder / f"{contender.name}.callgrind"
        command = world.program(contender).command
        tool = (shutil.which("valgrind"), "--tool=callgrind", f"--callgrind-out-file={self.tells}")
        self.program = contender.started_by((*tool, *command), signal.SIGTERM)

    def millions(self):
        (total,) = re.findall(r"^(?:totals|summary): (\d+)", self.tells.read_text(), re.MULTILINE)[-1:]
        return int(total) / 1e6
