"""Time-based one-time passwords, as an authenticator app shows them and IAM expects them.

RFC 6238 with its defaults, which AWS asks of an app: SHA-1, six digits, a new one every 30 seconds.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html
"""

import base64
import hashlib
import hmac
import struct
import time

STEP = 30
DIGITS = 6


def counter(moment=None):
    """The number of the step at that moment: now, if none is given."""
    return int((time.time() if moment is None else moment) // STEP)


def code(seed, step):
    """The password of that step. The seed is in Base32, as `CreateVirtualMFADevice` gives it."""
    key = base64.b32decode(seed + "=" * (-len(seed) % 8), casefold=True)
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"
