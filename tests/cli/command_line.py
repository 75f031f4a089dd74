"""The command line's program, and the environment that it is run in."""

import os
from pathlib import Path

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
