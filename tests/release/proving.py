"""`prove_aws` as its user runs it: with a profile, and with answers that are typed, on the AWS on loopback."""

import json
import os
import signal
import subprocess
import sys
import time

from orchestera_local import inventory

# Seconds.
LONGEST = 120
ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}
# In the place of the command line. It notes what it was given, and what of the role is secret, and may wait.
STAND_IN = """#!{python}
import json, os, pathlib, sys, time
import boto3
folder = pathlib.Path({folder!r})
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
iam = boto3.Session(profile_name=options["--profile"], region_name=options["--region"]).client("iam")
role = iam.get_role(RoleName="OrchesteraAccessRole")["Role"]
secret = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
with open(folder / "verified", "a") as file:
    file.write(json.dumps([sys.argv[1:], secret, sorted(os.environ), os.getpid()]) + "\\n")
while (folder / "hang").exists():
    time.sleep(0.05)
print(json.dumps({{"schema": 1, "trust": [f"sts:ExternalId={{secret}}", {response_url!r}], secret: {key!r}}}))
print(f"asked for {{secret}}", file=sys.stderr)
sys.exit({status})
"""
RESPONSE_URL = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/a?X-Amz-Signature=0123abcd"


class Person:
    """An administrator of the account, whose profile is `mine`."""

    def __init__(self, account, folder, dist):
        self.account, self.folder, self.dist = account, folder, dist
        self.iam, self.reports = account.client("iam"), folder / "reports"
        self.key = self.add_profile("mine", self.new_user(account, "admin"))
        self.orchestera = self.stand_in()

    def new_user(self, account, name):
        iam = account.client("iam")
        iam.create_user(UserName=name)
        self.allow_all(iam, name)
        return iam.create_access_key(UserName=name)["AccessKey"]

    def allow_all(self, iam, name, but=()):
        statements = [ALLOW, *[{"Effect": "Deny", "Action": one, "Resource": "*"} for one in but]]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="Rights", PolicyDocument=document)

    def may_not(self, *actions):
        self.allow_all(self.iam, "admin", actions)

    def add_profile(self, name, key):
        lines = [f"[{name}]", f"aws_access_key_id = {key['AccessKeyId']}"]
        lines += [f"aws_secret_access_key = {key['SecretAccessKey']}", ""]
        with open(self.folder / "credentials", "a") as file:
            file.write("\n".join(lines))
        return key

    def stand_in(self, status=0):
        program = self.folder / "orchestera"
        given = {"python": sys.executable, "folder": str(self.folder), "status": status}
        program.write_text(STAND_IN.format(**given, response_url=RESPONSE_URL, key=self.key["AccessKeyId"]))
        program.chmod(0o755)
        return program

    def environment(self):
        """With credentials in it that are nobody's: the profile counts."""
        of_machine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return of_machine | {
            "AWS_ENDPOINT_URL": self.account.endpoint,
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
            "AWS_CONFIG_FILE": str(self.folder / "config"),
            "AWS_ACCESS_KEY_ID": "AKIADUMMYDUMMYDUMMY0",
            "AWS_SECRET_ACCESS_KEY": "not-mine",
            "AWS_SESSION_TOKEN": "not-mine",
            "AWS_PROFILE": "nobody",
            "NO_COLOR": "1",
        }

    def command(self, *more):
        command = [sys.executable, "-m", "orchestera_release.prove_aws", "--profile", "mine", "--patience", "1"]
        return [*command, "--dist", self.dist, "--reports", self.reports, "--orchestera", self.orchestera, *more]

    def begin(self, *more, typed=None):
        run = Run(self.command(*more), self.environment())
        run.type(f"{self.account.id if typed is None else typed}\n")
        return run

    def report(self):
        """The one that there is."""
        (file,) = self.reports.glob("*.json")
        return json.loads(file.read_text())

    def texts(self):
        return [file.read_text() for file in sorted(self.reports.iterdir())]

    def verified(self):
        """What the stand-in noted at each call."""
        return [json.loads(line) for line in (self.folder / "verified").read_text().splitlines()]

    def has(self):
        """What there is in the account, but for this user."""
        buckets = [one["Name"] for one in self.account.client("s3").list_buckets()["Buckets"]]
        schedules = [one["Name"] for one in self.account.client("scheduler").list_schedules()["Schedules"]]
        return inventory.of(self.account) | {"buckets": buckets, "schedules": schedules}


class Run:
    """One run, in a process group of its own, as a terminal has it. `shown` is what it has said so far."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            command,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self.shown = ""

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.close()

    def until(self, holds):
        """Reads until it holds. That the run ends before fails the test."""
        ends = time.monotonic() + LONGEST
        while not holds():
            assert time.monotonic() < ends and self.process.poll() is None, self.shown
            self._read()
            time.sleep(0.01)

    def until_shown(self, text):
        self.until(lambda: text in self.shown)

    def ctrl_c(self):
        """As a terminal does: to every process of the group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self):
        """Returns what it ended with."""
        ends = time.monotonic() + LONGEST
        try:
            while self.process.poll() is None:
                assert time.monotonic() < ends, self.shown
                self._read()
                time.sleep(0.01)
            self._read()
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        return self.process.returncode

    def _read(self):
        self.shown += (self.process.stdout.read() or b"").decode()
