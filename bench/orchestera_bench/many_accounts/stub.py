"""The stub of many accounts (`bench/fleet-stub`), while it runs."""

import contextlib
import json
import subprocess
import urllib.request

from orchestera_bench.stage.environment import cpu_seconds

# Of the management account, as the stub understands access keys.
ACCESS_KEY = "AKIADUMM200000000000"


class Stub:
    """Asks a running stub. What is asked here is not counted and not delayed."""

    def __init__(self, url, pid):
        self.url, self.pid = url, pid

    def about(self, path):
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=30) as answer:
            return json.load(answer)

    def expected(self):
        """The right rows by account id."""
        return {row["account"]: row for row in self.about("_expected")}

    def counts(self):
        return self.about("_counts")

    def cpu_seconds(self):
        return cpu_seconds(self.pid)


@contextlib.contextmanager
def running(program, accounts, round_trip_ms, *options):
    """The stub with that many accounts. It ends with this process, too: standard input ends then."""
    command = [program, "--accounts", str(accounts), "--round-trip-ms", f"{round_trip_ms:g}", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"{program} does not start")
            yield Stub(url, process.pid)
        finally:
            process.stdin.close()
            process.wait(10)


def environment(stub, home):
    """What a client of the stub needs of the environment, and nothing of the machine's own AWS configuration."""
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_ENDPOINT_URL": stub.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "dummy-secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
