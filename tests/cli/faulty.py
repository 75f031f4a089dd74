"""A server on loopback that passes calls on to the embedded AWS, and answers a chosen one of an account wrongly."""

import http.client
import re
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# Which account a session of an assumed role is of.
ROLE = re.compile(r"^arn:aws:iam::(\d{12}):role/")
KEY = re.compile(r"Credential=([^/]+)/")
ISSUED = re.compile(r"<AccessKeyId>([^<]+)</AccessKeyId>")


def error(code, status):
    return status, (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>It is injected.</Message></Error>"
        "<RequestId>0</RequestId></ErrorResponse>"
    )


# What is sent instead of the answer: status and body.
ANSWERS = {
    "denied": error("AccessDenied", 403),
    "throttled": error("Throttling", 400),
    "broken": (500, ""),
    "malformed": (200, "<{operation}Response><{operation}Result><Role>"),
    "empty": (200, ""),
}
FAULTS = [*ANSWERS, "reset", "hanging"]


class Faulty:
    """A context manager. In the accounts of `faulty`, each attempt of the one operation there fails with `fault`.

    `seen`: the operations about each account.
    """

    def __init__(self, endpoint):
        self.target, self.seen, self.accounts = urlsplit(endpoint), {}, {}
        self.faulty, self.fault = {}, None
        of = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = {name: value for name, [value] in parse_qs(body.decode()).items()}
                account, operation = of.about(call, self.headers["Authorization"]), call.get("Action")
                of.seen.setdefault(account, []).append(operation)
                if account is None or of.faulty.get(account) != operation:
                    self.answer(*of.passed_on(self.path, body, self.headers))
                elif of.fault == "hanging":
                    of.ended.wait(120)
                    self.close_connection = True
                elif of.fault == "reset":
                    # The kernel sends a reset in place of the end.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                else:
                    status, text = ANSWERS[of.fault]
                    self.answer(status, {"Content-Type": "text/xml"}, text.replace("{operation}", operation).encode())

            def answer(self, status, headers, content):
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    # The command has given up.
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.ended = threading.Event()

    def begin(self, faulty, fault=None):
        self.faulty, self.fault = faulty, fault
        self.seen.clear()
        self.ended = threading.Event()

    def about(self, call, authorization):
        """The account of the role that is assumed, or of the session."""
        if role := ROLE.match(call.get("RoleArn", "")):
            return role[1]
        key = KEY.search(authorization or "")
        return self.accounts.get(key and key[1])

    def passed_on(self, path, body, headers):
        upstream = http.client.HTTPConnection(self.target.hostname, self.target.port, timeout=30)
        # The host is signed.
        upstream.request("POST", path, body, dict(headers))
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if (role := re.search(rb"RoleArn=arn%3Aaws%3Aiam%3A%3A(\d{12})%3A", body)) and answer.status == 200:
            self.accounts[ISSUED.search(content.decode())[1]] = role[1].decode()
        kept = ("content-type", "x-amzn-requestid", "x-amzn-query-error")
        return answer.status, {name: value for name, value in answer.getheaders() if name.lower() in kept}, content

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
