"""HTTP/1.1 servers on loopback, behind an emulated round trip, with and without TLS.

The delay lies below TLS, on the bytes of the connection: a handshake pays for each of its flights, as it does on a
network. A loopback connection is established at once; the round trip that this would have taken is added before the
first byte is heard.
"""

import asyncio
import re
import selectors
import ssl
import time
from dataclasses import dataclass, field

LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d+)")
CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding:")


UNSIGNED = b"HTTP/1.1 403 Forbidden\r\n\r\n"


class Unsupported(Exception):
    """A client speaks more of HTTP than is served here."""


@dataclass(frozen=True)
class Request:
    """One request, at the moment of its last byte."""

    method: str
    target: str
    headers: dict
    body: bytes


@dataclass
class Busy:
    """Seconds that the server itself worked, so that a report can show that it was not what everybody waited for.

    `opened` has the moments at which connections were made.
    """

    handshakes: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    opened: list = field(default_factory=list)

    def clear(self):
        for seconds in (self.handshakes, self.answers, self.opened):
            seconds.clear()


def event_loop():
    """One that wakes to the microsecond. The usual selector on Linux rounds each delay up to the next millisecond."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


class Connection(asyncio.Protocol):
    """The server's end. `answer(request)` returns the bytes to send, or an awaitable of them."""

    def __init__(self, answer, busy, round_trip=0.0, tls=None):
        self.answer, self.busy, self.one_way = answer, busy, round_trip / 2
        self.loop = asyncio.get_running_loop()
        self.received, self.waiting = b"", set()
        self.heard_until = self.spoken_until = 0.0
        if tls:
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.secured = tls.wrap_bio(self.incoming, self.outgoing, server_side=True)
            self.handshaking, self.handshake_time = True, 0.0
        else:
            self.secured = None

    def connection_made(self, transport):
        self.transport = transport
        self.busy.opened.append(self.loop.time())
        self.heard_until = self.loop.time() + 3 * self.one_way

    def data_received(self, data):
        self.heard_until = self.later(self.heard_until, self.hear, data)

    def send(self, data):
        if self.secured:
            self.secured.write(data)
            data = self.outgoing.read()
        self.speak(data)

    def speak(self, data):
        if data:
            self.spoken_until = self.later(self.spoken_until, self.transport.write, data)

    def later(self, not_before, call, data):
        """Does it after the way of the bytes, and after what went before them."""
        if not self.one_way:
            call(data)
            return 0.0
        # Never two at one moment: those would be in no order.
        at = max(self.loop.time() + self.one_way, not_before + 1e-7)
        self.loop.call_at(at, call, data)
        return at

    def hear(self, data):
        if self.transport.is_closing():
            return
        if not self.secured:
            return self.read(data)
        started = time.perf_counter()
        self.incoming.write(data)
        try:
            if self.handshaking:
                try:
                    self.secured.do_handshake()
                    self.handshaking = False
                except ssl.SSLWantReadError:
                    return
                finally:
                    self.speak(self.outgoing.read())
                    self.handshake_time += time.perf_counter() - started
                    if not self.handshaking:
                        self.busy.handshakes.append(self.handshake_time)
            while piece := self.secured.read(65536):
                self.read(piece)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            # A client that does not trust the certificate says so and goes; its own error is the one to read.
            self.transport.close()

    def read(self, data):
        self.received += data
        while (request := self.next_request()) is not None:
            started = time.perf_counter()
            # It opens a connection and asks for nothing. AWS answers what is not signed like this.
            answer = UNSIGNED if request.method == "HEAD" else self.answer(request)
            if asyncio.iscoroutine(answer):
                task = self.loop.create_task(answer)
                self.waiting.add(task)
                task.add_done_callback(self.answered_late)
            else:
                self.send(answer)
                self.busy.answers.append(time.perf_counter() - started)

    def answered_late(self, task):
        self.waiting.discard(task)
        if not task.cancelled():
            self.send(task.result())

    def connection_lost(self, _):
        for task in self.waiting:
            task.cancel()

    def next_request(self):
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        if CHUNKED.search(head):
            raise Unsupported("a body in chunks; serve it in bench/orchestera_bench/stage/wire.py")
        length = LENGTH.search(head)
        length = int(length[1]) if length else 0
        if len(rest) < length:
            return None
        self.received = rest[length:]
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        return Request(method, target, headers, rest[:length])


def response(body=b"", content_type="text/xml", status="200 OK", headers=()):
    """The bytes of an HTTP response."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {content_type}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def serve(answer, busy, round_trip=0.0, tls=None):
    """Listens on loopback; returns the server and its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answer, busy, round_trip, tls), "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]
