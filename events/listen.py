"""Listens on 127.0.0.1:9100, where the events in this folder want their answers, and prints them."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, HTTPServer


class Bucket(BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(json.dumps(json.loads(body), indent=2, ensure_ascii=False), flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """The answers are log enough."""


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, epilog="Example: python3 events/listen.py").parse_args()
    HTTPServer(("127.0.0.1", 9100), Bucket).serve_forever()
