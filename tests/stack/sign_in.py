"""The part of IAM Identity Center that the AWS CLI signs in with: a user who has consented already.

https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/Welcome.html
https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "dummy-access-token"


class SignIn:
    """A context manager. `roles`: by account and permission set, the credentials of the user's session."""

    def __init__(self, roles):
        self.roles, self.asked = roles, {}
        of = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._answer({})

            def do_POST(self):
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, request):
                url = urlsplit(self.path)
                of.asked[url.path] = request | {name: value for name, [value] in parse_qs(url.query).items()}
                status, answer = of.answer(url.path, self.headers.get("x-amz-sso_bearer_token"))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                if status != 200:
                    self.send_header("x-amzn-ErrorType", answer["code"])
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path, bearer):
        if path == "/client/register":
            soon = int(time.time()) + 3600
            return 200, {"clientId": "dummy", "clientSecret": "dummy", "clientSecretExpiresAt": soon}
        if path == "/device_authorization":
            page = f"{self.endpoint}/device"
            codes = {"deviceCode": "dummy", "userCode": "DUMM-YYYY", "expiresIn": 600, "interval": 1}
            return 200, codes | {"verificationUri": page, "verificationUriComplete": f"{page}?user_code=DUMM-YYYY"}
        if path == "/token":
            return 200, {"accessToken": TOKEN, "tokenType": "Bearer", "expiresIn": 3600}
        asked = self.asked[path]
        given = self.roles.get((asked.get("account_id"), asked.get("role_name")))
        if path != "/federation/credentials" or bearer != TOKEN:
            return 401, {"code": "UnauthorizedException", "message": "Session token not found or invalid"}
        if given is None:
            return 403, {"code": "ForbiddenException", "message": "No access"}
        credentials = {
            "accessKeyId": given["aws_access_key_id"],
            "secretAccessKey": given["aws_secret_access_key"],
            "sessionToken": given["aws_session_token"],
            "expiration": int(time.time() + 3600) * 1000,
        }
        return 200, {"roleCredentials": credentials}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
