"""Everything around the functions of one benchmark: the endpoints, who trusts them, and what IAM remembers."""

import asyncio
import contextlib
import json
from pathlib import Path

from orchestera_bench.stage.certificates import Certificates
from orchestera_bench.stage.environment import Environment
from orchestera_bench.stage.iam import Iam
from orchestera_bench.stage.wire import Busy, serve

ROOT = Path(__file__).resolve().parents[3]
EVENT = ROOT / "events/create.json"
OWN_ACCOUNT = "111122223333"


class World:
    """One network, on which one function at a time is at work."""

    def __init__(self, folder, round_trip):
        self.folder, self.round_trip = folder, round_trip
        self.certificates = Certificates(folder)
        self.iam = Iam(lambda: asyncio.get_running_loop().time())
        self.busy = Busy()
        self.environment, self.servers, self.ports = None, [], {}
        self.trusting = {}

    async def open(self):
        tls = self.certificates.tls
        for name, answer, round_trip, secured in (
            ("runtime_api", lambda request: self.environment.runtime_api(request), 0.0, None),
            ("iam", self.iam.answer, self.round_trip, tls),
            ("callback", lambda request: self.environment.callback(request), self.round_trip, tls),
        ):
            # The Runtime API is on the function's own machine: no way, and no part of what the server is measured by.
            busy = Busy() if name == "runtime_api" else self.busy
            server, self.ports[name] = await serve(answer, busy, round_trip, secured)
            self.servers.append(server)

    def close(self):
        for server in self.servers:
            server.close()

    def program(self, contender):
        """The contender as it is started here: one with compiled-in roots, in its copy that trusts ours."""
        if contender.name not in self.trusting:
            command = contender.command
            if contender.roots_compiled_in:
                command = (str(self.certificates.trusted_by(Path(command[0]))), *command[1:])
            self.trusting[contender.name] = contender.started_by(command)
        return self.trusting[contender.name]

    @contextlib.asynccontextmanager
    async def started(self, program, account=OWN_ACCOUNT, share=None):
        """A function from its start to its end. IAM is empty when it begins."""
        self.iam.forget()
        endpoint = f"https://localhost:{self.ports['iam']}"
        trust, log = self.certificates.environment(), self.folder / "function.log"
        self.environment = Environment(program, account, self.ports, endpoint, trust, log, share)
        self.environment.start()
        try:
            yield self.environment
        finally:
            self.environment.end()
            # Its connections end here too, before another function begins.
            await asyncio.sleep(self.round_trip)

    def event(self, account=OWN_ACCOUNT, number=0, **properties):
        """The Create of `events/create.json`, for a stack of its own in that account."""
        event = json.loads(EVENT.read_text().replace(OWN_ACCOUNT, account))
        event["ResponseURL"] = f"https://localhost:{self.ports['callback']}/answer?X-Amz-Signature=dummy&n={number}"
        event["StackId"] = f"{event['StackId'][:-12]}{number:012}"
        event["RequestId"] = f"{event['RequestId'][:-12]}{number:012}"
        event["ResourceProperties"] |= properties
        return event
