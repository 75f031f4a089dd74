"""The real AWS CLI with a home of its own, whose `~/.aws/config` is a text under test.

Every function of the tests takes that text, so that an output of a stack can be one.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys

import pytest

from orchestera_local.stack import ROOT

VERSIONS = {1: ".tools/awscli/bin/aws", 2: ".tools/awscli-v2/awscli/v2/2.*/dist/aws"}
# Seconds. What is unpacked is read from the disk at the first start.
LONGEST = 60


def executable(version):
    """Where `make test` left it. Version 2 is for Linux on x86_64: elsewhere its tests say that they were skipped."""
    if version == 2 and (sys.platform, platform.machine()) != ("linux", "x86_64") and "CI" not in os.environ:
        pytest.skip("The AWS CLI, version 2, is installed on Linux on x86_64 only.")
    (found,) = ROOT.glob(VERSIONS[version])
    return found


class AwsCli:
    """`endpoint` is the AWS that it asks; `endpoints` are those of single services, such as `SSO`."""

    def __init__(self, home, config, endpoint="http://127.0.0.1:9", version=2, **endpoints):
        self.aws, self.folder = executable(version), home / ".aws"
        self.folder.mkdir(parents=True)
        (self.folder / "config").write_text(config)
        # Nothing of the machine's own, and nobody is asked for who is not on loopback.
        of_machine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = of_machine | {
            "HOME": str(home),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_ENDPOINT_URL": endpoint,
            **{f"AWS_ENDPOINT_URL_{service}": url for service, url in endpoints.items()},
        }

    def run(self, *command, typed=""):
        """In a session without a terminal: what it would ask there, it reads from its input."""
        return subprocess.run(
            [self.aws, *command],
            env=self.environment,
            input=typed,
            text=True,
            capture_output=True,
            timeout=LONGEST,
            start_new_session=True,
        )

    def said(self, *command, typed=""):
        """What it printed. It must end with 0."""
        done = self.run(*command, typed=typed)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, *command):
        """What it complains about. It must fail."""
        done = self.run(*command)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def text(self):
        """As it is now."""
        return (self.folder / "config").read_text()

    def names(self):
        """Version 2. Of the profiles."""
        return self.said("configure", "list-profiles").split()

    def profiles(self):
        """Version 2. By name, what the CLI reads of each. An sso-session stands before all profiles."""
        of_profiles = self.text().partition("[profile")[2]
        settings = {line.partition("=")[0].strip() for line in of_profiles.splitlines() if "=" in line}
        return {
            name: {one: value for one in sorted(settings) if (value := self.get(name, one))} for name in self.names()
        }

    def get(self, profile, setting):
        """Blank if the profile does not say it."""
        return self.run("configure", "get", setting, "--profile", profile).stdout.strip()

    def credentials(self, profile, typed=""):
        """Version 2. As an SDK takes them from the CLI."""
        return json.loads(self.said("configure", "export-credentials", "--profile", profile, typed=typed))

    def identity(self, profile, typed=""):
        """Who its calls with that profile are."""
        command = ("sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--profile", profile)
        return self.said(*command, typed=typed).strip()

    def give_keys(self, profile, credentials):
        """As `aws configure` does."""
        lines = [f"{name} = {value}" for name, value in credentials.items()]
        (self.folder / "credentials").write_text("\n".join([f"[{profile}]", *lines, ""]))

    def log_in(self, profile, user_arn, credentials, expires_at):
        """As `aws login` leaves it: the session in the profile, and its credentials in a file beside.

        https://docs.aws.amazon.com/sdkref/latest/guide/feature-login-credentials.html
        """
        self.said("configure", "set", "login_session", user_arn, "--profile", profile)
        token = {
            "accessKeyId": credentials["aws_access_key_id"],
            "secretAccessKey": credentials["aws_secret_access_key"],
            "sessionToken": credentials["aws_session_token"],
            "accountId": user_arn.split(":")[4],
            "expiresAt": expires_at,
        }
        name = hashlib.sha256(user_arn.encode()).hexdigest()
        # What it refreshes them with, which no test waits for.
        dummies = dict.fromkeys(("clientId", "refreshToken", "dpopKey"), "dummy")
        self._keep("login/cache", name, {"accessToken": token} | dummies)

    def keep_token(self, session, start_url, region, token, expires_at):
        """As `aws sso login` leaves it: under the SHA-1 of the sso-session's name."""
        kept = {"startUrl": start_url, "region": region, "accessToken": token, "expiresAt": expires_at}
        self._keep("sso/cache", hashlib.sha1(session.encode()).hexdigest(), kept)

    def _keep(self, folder, name, token):
        (self.folder / folder).mkdir(parents=True, exist_ok=True)
        (self.folder / folder / f"{name}.json").write_text(json.dumps(token))
