"""The signature over SHA256SUMS: ECDSA on P-256, made and checked by openssl, which whoever checks it has, too.

A release is signed by a key that is in no repository and whose public half is release/orchestera-access.pub. Whoever
builds for themselves gets a key of their own, which proves nothing to others.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from product import ROOT, Refused

# Of the real releases. Not there before the first: docs/releasing.md says how it is made.
RELEASE_KEY = ROOT / "release/orchestera-access.pub"
OWN_KEY = ROOT / ".tools/signing-key-of-my-own.pem"


def sign(content):
    """The signature (DER), and the public key that checks it (PEM). The private one is the file `SIGNING_KEY`.

    Without that variable it is one of our own, made the first time.
    Raises `Refused` if the file holds no private key.
    """
    if not shutil.which("openssl"):
        raise Refused("openssl signs, and is not installed here.")
    key = Path(os.environ.get("SIGNING_KEY") or OWN_KEY)
    if not key.is_file():
        if key != OWN_KEY:
            raise Refused(f"SIGNING_KEY is {key}, which is not there.")
        key.parent.mkdir(exist_ok=True)
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key))
        key.chmod(0o600)
    try:
        public = _openssl("pkey", "-in", str(key), "-pubout")
        return _openssl("dgst", "-sha256", "-sign", str(key), input=content), public
    except subprocess.CalledProcessError as error:
        raise Refused(f"{key} holds no private key that openssl can use: {error.stderr.decode().strip()}") from error


def is_valid(content, signature, public_key):
    """What a customer checks, by the command that the documents give."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("content", "signature", "key")]
        for path, part in zip(paths, (content, signature, public_key), strict=True):
            path.write_bytes(part)
        command = ["openssl", "dgst", "-sha256", "-verify", paths[2], "-signature", paths[1], paths[0]]
        return subprocess.run(command, capture_output=True).returncode == 0


def _openssl(*arguments, input=None):
    return subprocess.run(["openssl", *arguments], input=input, check=True, capture_output=True).stdout
