"""A certificate for loopback that every contender trusts, the shipped function too, without a door in it for that.

A chain like those of AWS (RSA 2048: root, intermediate, leaf) is made anew for each run and forgotten with it. Who
trusts what differs:

- Python, Node and a Rust program that reads the system's roots are told of a bundle by the environment.
- A program with compiled-in roots (`webpki-roots`) is copied, and in the copy the subject and the public key of one
  root are overwritten with those of ours, which are as long. No instruction differs from the original, nor any size.

In the bundle the same root is replaced, so that everybody reads as many roots as they would in AWS.
"""

import datetime
import ipaddress
import ssl
import warnings
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

# The root that gives way: RSA 2048, and in every list of roots, because AWS's own endpoints need it.
REPLACED = "Amazon Root CA 1"
# As long as `REPLACED` in O and CN, so that the name fits in its place.
ROOT_NAME = ("Nobody", "Benchmark Root 1")
VALID = datetime.timedelta(days=1)


class NotFound(Exception):
    """A program does not hold the root where one is expected."""


def name(organisation, common_name):
    parts = (
        (NameOID.COUNTRY_NAME, "US"),
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def content(der):
    """What is in the outermost SEQUENCE of less than 64 KB: a compiled-in root lacks the SEQUENCE itself."""
    return der[2:] if der[1] < 0x80 else der[2 + (der[1] & 0x7F) :]


def key_of(public_key):
    return content(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def public_roots():
    with warnings.catch_warnings():
        # Some old root has an odd serial number, which is not our affair.
        warnings.simplefilter("ignore")
        return x509.load_pem_x509_certificates(Path(certifi.where()).read_bytes())


class Certificates:
    """A chain, and the ways to have it trusted. Files go to `folder`."""

    def __init__(self, folder):
        self.folder = folder
        roots = public_roots()
        (self.replaced,) = (root for root in roots if root.subject.rfc4514_string().startswith(f"CN={REPLACED},"))
        root_key, key, leaf_key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3))
        root_name, issuer, subject = name(*ROOT_NAME), name("Nobody", "Benchmark CA"), name("Nobody", "localhost")
        self.root = signed(root_name, root_name, root_key.public_key(), root_key, authority=True)
        intermediate = signed(issuer, root_name, key.public_key(), root_key, authority=True)
        leaf = signed(subject, issuer, leaf_key.public_key(), key, authority=False)
        chain, secret = folder / "chain.pem", folder / "leaf-key.pem"
        chain.write_bytes(leaf.public_bytes(Encoding.PEM) + intermediate.public_bytes(Encoding.PEM))
        secret.write_bytes(leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(chain, secret)
        self.alone = folder / "root.pem"
        self.alone.write_bytes(self.root.public_bytes(Encoding.PEM))
        self.bundle = folder / "roots.pem"
        others = [root for root in roots if root is not self.replaced]
        self.bundle.write_bytes(b"".join(root.public_bytes(Encoding.PEM) for root in [self.root, *others]))

    def environment(self):
        """Where each kind of client learns of a bundle. Node has its roots compiled in and takes more beside them."""
        bundle = str(self.bundle)
        return {
            "SSL_CERT_FILE": bundle,
            "AWS_CA_BUNDLE": bundle,
            "REQUESTS_CA_BUNDLE": bundle,
            "NODE_EXTRA_CA_CERTS": str(self.alone),
        }

    def trusted_by(self, program):
        """A copy of a program with compiled-in roots, with ours in the place of one of them."""
        code = program.read_bytes()
        for there, ours in (
            (content(self.replaced.subject.public_bytes()), content(self.root.subject.public_bytes())),
            (key_of(self.replaced.public_key()), key_of(self.root.public_key())),
        ):
            if len(there) != len(ours) or code.count(there) != 1:
                raise NotFound(f"{program} holds the root {REPLACED!r} {code.count(there)} times, and not once")
            code = code.replace(there, ours)
        copy = self.folder / f"{program.name}-{abs(hash(program)):x}"
        copy.write_bytes(code)
        copy.chmod(0o755)
        return copy


def signed(subject, issuer, public_key, by, authority):
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID)
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if not authority:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(by, hashes.SHA256())
