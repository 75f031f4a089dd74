"""Programs of the system that a test needs."""

import os
import shutil

import pytest


def need(program):
    """Skips the test where the program is not installed, and says so; where CI is set, the test fails."""
    if shutil.which(program):
        return
    said = f"{program} is not installed, so that nothing was tried in it. `make setup` installs it."
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)
