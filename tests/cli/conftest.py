"""The command line `orchestera`, run as a user runs it, on the embedded AWS."""

import subprocess

import pytest
from at_terminal import AtTerminal
from command_line import LONGEST, binary, of_user


@pytest.fixture
def home(tmp_path):
    """The user's home directory, without an AWS configuration."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def orchestera(home):
    """Runs the command as the account. A variable that is None is not set."""

    def orchestera(account, *arguments, stdin=subprocess.DEVNULL, cwd=None, **environment):
        return subprocess.run(
            [binary(), *arguments],
            env=of_user(account, home, **environment),
            stdin=stdin,
            cwd=cwd or home,
            text=True,
            capture_output=True,
            timeout=LONGEST,
            # Without a terminal to ask on.
            start_new_session=True,
        )

    return orchestera


@pytest.fixture
def at_terminal(home):
    """The same on a terminal: a context manager."""

    def at_terminal(account, *arguments, columns=100, stdout=None, **environment):
        return AtTerminal([binary(), *arguments], of_user(account, home, **environment), columns, stdout)

    return at_terminal
