"""The embedded AWS as a process of its own, and the clients that talk to it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import boto3
import botocore.config

REGION = "us-east-1"
# MiniStack takes a 12-digit access key for the root user of that account; the secret key may be anything.
SECRET_KEY = "dummy-secret-key"
# Seconds.
LONGEST_START = 30
LONGEST_END = 5
# Many threads may use a client, but making one is for one at a time ("Multithreading or multiprocessing with clients"):
# https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html
_making_a_client = threading.Lock()


@dataclass(frozen=True)
class Account:
    """An account of an embedded AWS, as its root user or as whom `credentials` say."""

    endpoint: str
    id: str
    credentials: dict

    def client(self, service, region=REGION):
        """An ordinary AWS SDK client. It does not repeat a failed call: what is asserted is the first answer."""
        with _making_a_client:
            return boto3.client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                **self.credentials,
                config=botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )

    def assume(self, role_arn, **request):
        """Who `sts:AssumeRole` makes of this caller. Raises ClientError, AccessDenied among them."""
        answer = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="session", **request)["Credentials"]
        return Account(
            self.endpoint,
            role_arn.split(":")[4],
            {
                "aws_access_key_id": answer["AccessKeyId"],
                "aws_secret_access_key": answer["SecretAccessKey"],
                "aws_session_token": answer["SessionToken"],
            },
        )

    def settings(self, **changes):
        """Changes what is set of the account, such as how slow it is: `embedded_aws/settings.py`. Returns all of it."""
        request = urllib.request.Request(
            f"{self.endpoint}/_orchestera/settings/{self.id}",
            data=json.dumps(changes).encode(),
            headers={"Content-Type": "application/json"},
            method="PUT",
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["message"]) from None


def stop(server):
    """Ends a server by its process id, with the functions that it runs: they are of its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server, signal.SIGKILL)


class EmbeddedAws:
    """A server on loopback and a free port, with signatures and policies enforced. A context manager: it ends with it.

    It ends with its owner, the process that started it, even if that one is killed; `outlives_its_owner` is for
    `make up`. Its folder holds its log and what it unpacks, and is removed when it is stopped. With `throttling`, a
    number, IAM refuses every so many calls of a function: `embedded_aws/throttling.py`. With `faster`, a number, all
    that AWS waits for takes that part of the time: `embedded_aws/clock.py`.
    """

    def __init__(self, outlives_its_owner=False, throttling=None, faster=1):
        self.owner = None if outlives_its_owner else os.getpid()
        self.throttling = throttling
        self.faster = faster
        self.folder = Path(tempfile.mkdtemp(prefix="orchestera-access-aws-"))
        for _ in range(5):
            # The port is free now; should somebody take it in the moment before the server does, the next one is tried.
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            self.endpoint = f"http://127.0.0.1:{self.port}"
            self.process = self._spawn()
            if self._is_up():
                return
        log = self.log()
        shutil.rmtree(self.folder)
        raise RuntimeError(f"the embedded AWS does not start:\n{log}")

    def _spawn(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AUTH": "true",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            # What the functions that it runs are told.
            "AWS_ENDPOINT_URL": self.endpoint,
            "MINISTACK_REGION": REGION,
            # These two would open ports of their own, the first on all addresses.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # It unpacks functions there.
            "TMPDIR": str(self.folder),
        }
        command = [sys.executable, "-m", "orchestera_local.embedded_aws"]
        command += [f"--owner={self.owner}"] if self.owner else []
        command += [f"--throttling={self.throttling}"] if self.throttling else []
        command += [f"--faster={self.faster}"]
        with open(self.folder / "log", "wb") as log:
            return subprocess.Popen(
                command,
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _is_up(self):
        ends = time.monotonic() + LONGEST_START
        while time.monotonic() < ends and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                    return bool(json.load(answer))
            except OSError:
                time.sleep(0.05)
        stop(self.process.pid)
        self.process.wait()
        return False

    def account(self, account_id):
        return Account(
            self.endpoint, account_id, {"aws_access_key_id": account_id, "aws_secret_access_key": SECRET_KEY}
        )

    def functions(self):
        """The processes of functions that are running: what else is of the server's process group."""
        processes = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [process for process in processes if process != self.process.pid and self._is_ours(process)]

    def _is_ours(self, process):
        try:
            return os.getpgid(process) == self.process.pid
        except ProcessLookupError:
            return False

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self):
        stop(self.process.pid)
        self.process.wait()
        # Functions that it ran end a moment later, and until then may still make something in the folder.
        ends = time.monotonic() + LONGEST_END
        while self._group_is_alive() and time.monotonic() < ends:
            time.sleep(0.02)
        while self.folder.exists() and time.monotonic() < ends:
            shutil.rmtree(self.folder, ignore_errors=True)
            time.sleep(0.02)

    def _group_is_alive(self):
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
