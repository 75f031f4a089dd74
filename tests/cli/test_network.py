"""Proxies and root certificates, as in the AWS CLI."""

import select
import socket
import threading

import pytest
from forwarding import Forwarding
from identities import keys, who

from orchestera_bench.stage.certificates import Certificates

# Nothing listens there.
NOWHERE = 9


class Proxy:
    """A context manager. It connects every CONNECT to `port` on loopback, and notes what it was asked."""

    def __init__(self, port):
        self.port, self.asked, self.headers = port, [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=[connection], daemon=True).start()

    def _tunnel(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        request, *headers = head.decode().strip().split("\r\n")
        self.asked.append(request)
        self.headers += headers
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with connection, socket.create_connection(("127.0.0.1", self.port)) as there:
            ends = {connection: there, there: connection}
            while True:
                for end in select.select(list(ends), [], [], 30)[0]:
                    received = end.recv(65536)
                    if not received:
                        return
                    ends[end].sendall(received)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def aws_with_tls(account, certificates):
    with Forwarding(account.endpoint, tls=certificates.tls) as forwarding:
        yield forwarding


@pytest.fixture
def verify(orchestera, account):
    """Runs `verify` over TLS, at this port."""

    def verify(port, *arguments, **environment):
        return orchestera(account, "verify", *arguments, AWS_ENDPOINT_URL=f"https://localhost:{port}", **environment)

    return verify


def test_https_proxy_counts_and_no_proxy_excludes_a_host(verify, account, aws_with_tls, certificates):
    trusting = {"AWS_CA_BUNDLE": str(certificates.alone)}
    with Proxy(aws_with_tls.port) as proxy:
        # Only the proxy knows where it is.
        ran = verify(NOWHERE, **trusting, HTTPS_PROXY=proxy.url)
        assert who(ran).startswith(f"Account {account.id},")
        assert set(proxy.asked) == {f"CONNECT localhost:{NOWHERE} HTTP/1.1"}
        proxy.asked.clear()
        for excluded in ("localhost", "other.example.com,localhost"):
            ran = verify(NOWHERE, **trusting, HTTPS_PROXY=proxy.url, NO_PROXY=excluded)
            assert (ran.returncode, proxy.asked) == (2, []), ran.stderr
            who(verify(aws_with_tls.port, **trusting, HTTPS_PROXY=proxy.url, NO_PROXY=excluded))
        assert proxy.asked == []


def test_the_password_of_a_proxy_reaches_only_the_proxy(verify, aws_with_tls, certificates):
    trusting = {"AWS_CA_BUNDLE": str(certificates.alone)}
    with Proxy(aws_with_tls.port) as proxy:
        ran = verify(NOWHERE, "--debug", **trusting, HTTPS_PROXY=proxy.url.replace("//", "//ann:hunter2@"))
        who(ran)
        # ann:hunter2
        assert "proxy-authorization: basic yw5uomh1bnrlcji=" in [header.lower() for header in proxy.headers]
    unreachable = verify(NOWHERE, "--debug", **trusting, HTTPS_PROXY=f"http://ann:hunter2@127.0.0.1:{NOWHERE}")
    assert unreachable.returncode == 2 and "AWS could not be reached" in unreachable.stderr
    assert "hunter2" not in ran.stdout + ran.stderr + unreachable.stderr


def test_aws_ca_bundle_is_trusted_instead_of_the_systems_certificates(verify, aws_with_tls, certificates, tmp_path):
    port, system = aws_with_tls.port, str(certificates.alone)
    who(verify(port, AWS_CA_BUNDLE=str(certificates.alone)))
    other = Certificates(tmp_path)
    ran = verify(port, AWS_CA_BUNDLE=str(other.alone), SSL_CERT_FILE=system)
    assert ran.returncode == 2
    assert "AWS could not be reached: " in ran.stderr and "certificate" in ran.stderr
    assert ran.stderr.endswith("Check your network, HTTPS_PROXY and AWS_CA_BUNDLE.\n")


def test_ca_bundle_of_the_profile_counts_less_than_the_variable(
    verify, aws_with_tls, certificates, home, account, tmp_path
):
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(keys(account.id, "default") + f"ca_bundle = {certificates.alone}\n")
    who(verify(aws_with_tls.port))
    other = Certificates(tmp_path)
    assert verify(aws_with_tls.port, AWS_CA_BUNDLE=str(other.alone)).returncode == 2
    (home / ".aws/config").write_text(keys(account.id, "default") + "ca_bundle = /nowhere/roots.pem\n")
    ran = verify(aws_with_tls.port)
    assert ran.returncode == 2
    assert ran.stderr.startswith("orchestera: ca_bundle is /nowhere/roots.pem, and that file cannot be read: ")


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "that file cannot be read: No such file or directory (os error 2)"),
        ("", "it has no certificate"),
        ("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n", "it has no certificate"),
    ],
    ids=["no file", "an empty file", "no certificate"],
)
def test_an_aws_ca_bundle_without_a_certificate_is_refused(verify, aws_with_tls, tmp_path, content, said):
    path = tmp_path / "roots.pem"
    if content is not None:
        path.write_text(content)
    ran = verify(aws_with_tls.port, AWS_CA_BUNDLE=str(path))
    assert ran.returncode == 2
    assert ran.stderr == (
        f"orchestera: AWS_CA_BUNDLE is {path}, and {said}. Give the path of a file with certificates in PEM, or remove "
        "the setting.\n"
    )
    assert aws_with_tls.calls == []


def test_the_systems_root_certificates_are_trusted(verify, aws_with_tls, certificates):
    """`SSL_CERT_FILE` stands for the system's file, as for OpenSSL."""
    ran = verify(aws_with_tls.port)
    assert ran.returncode == 2 and "AWS could not be reached: " in ran.stderr
    who(verify(aws_with_tls.port, SSL_CERT_FILE=str(certificates.alone)))
