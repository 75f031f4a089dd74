"""Time-based one-time passwords are those of the standard."""

import base64

import pytest

from orchestera_local import totp

# https://www.rfc-editor.org/rfc/rfc6238#appendix-B, for SHA-1: the last six of its eight digits.
SEED = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]


@pytest.mark.parametrize(("moment", "code"), VECTORS)
def test_a_code_is_that_of_the_standard(moment, code):
    assert totp.code(SEED, totp.counter(moment)) == code
    assert totp.code(SEED.lower().rstrip("="), totp.counter(moment)) == code
