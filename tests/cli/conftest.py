"""The command line `orchestera`, run as a user runs it, on the embedded AWS."""

import os
import subprocess
from pathlib import Path

import pytest
from at_terminal import AtTerminal

from orchestera_release.product import ROOT

# Seconds. Only a command that hangs takes longer.
LONGEST = 120


def binary():
    """Another one is for a test of what is distributed."""
    return Path(os.environ.get("ORCHESTERA_CLI") or ROOT / "target/debug/orchestera")


def of_user(account, home, **more):
    """The environment of a user with the keys of the account, and with nothing of this machine's own AWS settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "COLUMNS"}
    keys = {name.upper(): value for name, value in account.credentials.items()}
    of_aws = {"AWS_ENDPOINT_URL": account.endpoint, "AWS_EC2_METADATA_DISABLED": "true"}
    given = kept | {"HOME": str(home)} | of_aws | keys | more
    return {name: value for name, value in given.items() if value is not None}


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
