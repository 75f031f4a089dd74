"""Lambda, as one execution environment sees it: a process that is started, gets events, and ends.

<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
"""

import asyncio
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field

from orchestera_bench.stage.iam import SECRET_KEY, SESSION_TOKEN, access_key
from orchestera_bench.stage.wire import response

TIMEOUT = 60
# The shell waits until it is in its cgroup, and then becomes the function, whom the move so costs nothing.
GATE = 'log="$1"; shift; printf .; read go; exec "$@" </dev/null >"$log" 2>&1'
ACKNOWLEDGED = response(b'{"status":"OK"}', "application/json", "202 Accepted")
REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


class Broken(Exception):
    """A function did not do what it should, with what is known about it."""


@dataclass
class Moment:
    """Seconds on the clock, seconds of CPU used by the process so far, its peak of resident memory in bytes."""

    at: float
    cpu: float
    memory: int


@dataclass
class Invocation:
    """An event, from the moment it was handed over to the moment the function asked for the next one."""

    event: dict
    begun: Moment
    answered: Moment | None = None
    ended: Moment | None = None
    answers: list = field(default_factory=list)
    error: str = ""


def cpu_seconds(pid):
    """Of all threads, to the nanosecond: the clock of another process, `clock_getcpuclockid(3)`."""
    return time.clock_gettime((~pid << 3) | 2)


def peak_memory(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) * 1024


class Environment:
    """One process. `runtime_api` and `callback` answer its requests."""

    def __init__(self, program, account, ports, endpoint, trust, log, share=None):
        self.program, self.account, self.share, self.log = program, account, share, log
        self.loop = asyncio.get_running_loop()
        self.asked, self.gone = asyncio.Event(), asyncio.Event()
        self.events, self.invocation = asyncio.Queue(), None
        self.variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(log.parent),
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{ports['runtime_api']}",
            "AWS_LAMBDA_FUNCTION_NAME": "access",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/access",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": access_key("AKIA", account),
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": SESSION_TOKEN,
            "AWS_ENDPOINT_URL": endpoint,
            **trust,
        }

    def start(self):
        """Returns when the function begins to be one; what happened before does not count."""
        if self.share:
            self.share.lift()
        command = ["/bin/sh", "-c", GATE, "gate", str(self.log), *self.program.command]
        self.process = subprocess.Popen(
            command, env=self.variables, cwd=self.program.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.pid = self.process.pid
        self.process.stdout.read(1)
        if self.share:
            self.share.take_in(self.pid)
        self.end_signal = os.pidfd_open(self.pid)
        self.loop.add_reader(self.end_signal, self.gone.set)
        self.before = cpu_seconds(self.pid)
        self.started = Moment(self.loop.time(), 0.0, 0)
        self.process.stdin.write(b"\n")
        self.process.stdin.close()

    def moment(self):
        return Moment(self.loop.time(), cpu_seconds(self.pid) - self.before, peak_memory(self.pid))

    async def until(self, event, what):
        """Waits for an event of ours, and no longer when the process has ended or takes too long."""
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self.gone.wait())]
        await asyncio.wait(waits, timeout=TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not event.is_set():
            why = "it ended" if self.gone.is_set() else f"in {TIMEOUT} s it did not"
            raise Broken(f"{self.program.name} should have {what}: {why}. Its log:\n{self.last_words()}")

    def last_words(self):
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    async def initialised(self):
        """The moment of the first request for an event, at which Lambda's full core ends."""
        await self.until(self.asked, "asked for an event")
        return self.ready

    async def invoke(self, event):
        await self.until(self.asked, "asked for an event")
        self.asked.clear()
        self.events.put_nowait(event)
        await self.until(self.asked, "come back for the next event")
        if self.invocation.error or not self.invocation.answered:
            raise Broken(f"{self.program.name}: {self.invocation.error or 'no answer'}\n{self.last_words()}")
        return self.invocation

    def runtime_api(self, request):
        if request.target.endswith("/invocation/next"):
            self.ready = self.moment()
            if self.invocation:
                self.invocation.ended = self.ready
            elif self.share:
                self.share.apply()
            self.asked.set()
            return self.next_event()
        if request.target.endswith("/error"):
            self.invocation = self.invocation or Invocation({}, self.ready)
            self.invocation.error = request.body.decode(errors="replace")
        return ACKNOWLEDGED

    async def next_event(self):
        event = await self.events.get()
        self.invocation = Invocation(event, self.moment())
        headers = (
            ("Lambda-Runtime-Aws-Request-Id", REQUEST_ID),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + TIMEOUT) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", event["ServiceToken"]),
            ("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0"),
        )
        return response(json.dumps(event).encode(), "application/json", headers=headers)

    def callback(self, request):
        """CloudFormation's ResponseURL. Like S3, it signs an empty Content-Type: any other would be refused."""
        if request.method != "PUT" or request.headers.get("content-type"):
            return response(status="403 Forbidden")
        if not self.invocation.answers:
            self.invocation.answered = self.moment()
        self.invocation.answers.append(request)
        return response(headers=(("ETag", '"0"'),))

    def end(self):
        """Ends the process that was started here, and no other."""
        self.process.send_signal(self.program.end_by)
        self.process.wait(TIMEOUT)
        self.process.stdout.close()
        self.loop.remove_reader(self.end_signal)
        os.close(self.end_signal)
