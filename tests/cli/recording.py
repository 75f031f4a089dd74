"""A proxy on loopback in front of the embedded AWS. It records every call to AWS and changes nothing of it."""

import http.client
import json
import re
import threading
import urllib.parse
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# In the header Authorization, which signs the call: the access key, the Region and the service.
SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
# Services whose operations are paths, as in `POST /getAlternateContact`.
REST = ("account",)
# Headers that concern one connection only.
OF_A_CONNECTION = ("connection", "keep-alive", "transfer-encoding")


@dataclass(frozen=True)
class Call:
    """One call to AWS, such as `iam:GetRole`."""

    service: str
    operation: str
    access_key: str
    request: dict = field(hash=False)

    @property
    def action(self):
        return f"{self.service}:{self.operation}"


class Recording:
    """A context manager. `calls` has every call so far."""

    def __init__(self, endpoint):
        self.calls = []
        recording, host = self, urllib.parse.urlsplit(endpoint).netloc

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recording.calls.append(described(self.path, self.headers, body))
                # With the headers as they were signed, the header Host among them.
                connection = http.client.HTTPConnection(host, timeout=60)
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in (*OF_A_CONNECTION, "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                connection.close()

            do_GET = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def of(self, account):
        """The same account behind this proxy."""
        return replace(account, endpoint=self.endpoint)

    def actions(self):
        return sorted({call.action for call in self.calls})

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def described(path, headers, body):
    """What the call is. A call that cannot be told is one of the service `unknown`, which no test expects."""
    signed = SCOPE.search(headers.get("Authorization") or "")
    access_key, _, service = signed.groups() if signed else ("", "", "unknown")
    path, _, query = path.partition("?")
    if target := headers.get("X-Amz-Target"):
        return Call(service, target.rpartition(".")[2], access_key, json.loads(body or b"{}"))
    if service in REST:
        name = path.strip("/")
        return Call(service, name[:1].upper() + name[1:], access_key, json.loads(body or b"{}"))
    request = dict(urllib.parse.parse_qsl(body.decode() or query))
    return Call(service, request.get("Action", path), access_key, request)
