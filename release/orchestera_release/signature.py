"""The signature over SHA256SUMS: ECDSA on P-256, which every openssl can check.

A release is signed with a key that is in no repository. Its public key is release/orchestera-access.pub. If you build
for yourself, you get your own key, which proves nothing to others.
"""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from orchestera_release.product import ROOT, Refused

# Of the real releases. Not there before the first: docs/releasing.md says how it is made.
RELEASE_KEY = ROOT / "release/orchestera-access.pub"
OWN_KEY = ROOT / ".tools/signing-key-of-my-own.pem"
ALGORITHM = ec.ECDSA(SHA256())


def sign(content, key_file=None):
    """The signature (DER), and the public key that checks it (PEM). `key_file` has the private one.

    Without it, the key is one of our own, made the first time. Raises `Refused` if the file holds no such key.
    """
    if key_file is None and not OWN_KEY.is_file():
        make_key(OWN_KEY)
    path = key_file or OWN_KEY
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise Refused(f"The signing key {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused(f"{path} holds no private key in PEM without a password: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise Refused(f"{path} does not have an ECDSA key on P-256. docs/releasing.md says how to create one.")
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.sign(content, ALGORITHM), public


def make_key(path):
    """Writes a new private key, ECDSA on P-256, that only its owner may read."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def is_valid(content, signature, public_key):
    """Whether the key (PEM) made the signature: what a customer checks by the command that the documents give."""
    try:
        load_pem_public_key(public_key).verify(signature, content, ALGORITHM)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, AttributeError):
        return False
    return True
