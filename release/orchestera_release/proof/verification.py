"""`orchestera verify`, run as a user runs it."""

import json
import os
import subprocess

# Seconds.
LONGEST = 300
# In the AWS SDK for Rust these come before the profile.
OTHER_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


def verify(program, profile, region):
    """What it ended with, its answer as a value or None, and what it said on standard error."""
    command = [program, "verify", "--profile", profile, "--region", region, "--output", "json"]
    environment = {name: value for name, value in os.environ.items() if name not in OTHER_CREDENTIALS}
    try:
        # Standard input stays: the profile may ask for an MFA code.
        ran = subprocess.run(command, env=environment, capture_output=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return None, None, f"It did not end within {LONGEST} seconds."
    except OSError as error:
        return None, None, f"It cannot be run: {error.strerror}."
    said = ran.stderr.decode(errors="replace").strip()
    try:
        return ran.returncode, json.loads(ran.stdout), said
    except ValueError:
        return ran.returncode, None, said
