"""A server on loopback that passes calls on to the embedded AWS, and notes them. It can be slow, and speak TLS."""

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Forwarding:
    """A context manager. `calls` are the bodies of what it passed on, each as a value: `Action` and its parameters.

    `slow`: seconds by the role that is assumed, before the answer. `tls`: a server's context.
    """

    def __init__(self, endpoint, slow=None, tls=None):
        self.calls, self.slow, self.hosts = [], slow or {}, []
        self.waits = threading.Event()
        of, target = self, urlsplit(endpoint)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = {name: value for name, [value] in parse_qs(body.decode()).items()}
                of.hosts.append(self.headers["Host"])
                of.calls.append(call | {"target": self.headers.get("X-Amz-Target")})
                seconds = of.slow.get(call.get("RoleArn", "").partition("::")[2].partition(":")[0], 0)
                if seconds:
                    of.waits.set()
                    time.sleep(seconds)
                upstream = http.client.HTTPConnection(target.hostname, target.port, timeout=30)
                # The host is signed.
                upstream.request("POST", self.path, body, dict(self.headers))
                answer = upstream.getresponse()
                content = answer.read()
                try:
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                            self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    # The command was interrupted.
                    self.close_connection = True
                upstream.close()

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                connection, address = super().get_request()
                return (tls.wrap_socket(connection, server_side=True) if tls else connection), address

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def actions(self):
        return [call.get("Action") or call["target"].rpartition(".")[2] for call in self.calls]

    def of(self, action):
        return [call for call in self.calls if call.get("Action") == action]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
