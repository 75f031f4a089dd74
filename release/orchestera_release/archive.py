"""The function's zip, the same bytes for the same bytes: Python's own `zipfile` deflates by the zlib of the machine."""

import struct
import zlib

import zopfli.zlib

NAME = b"bootstrap"
# Needs version 2.0; no flags; deflated; 1980-01-01, the earliest that a zip can hold.
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16
_COMMON = struct.pack("<HHHHH", 20, 0, 8, 0, 1 << 5 | 1)
_UNIX = 3 << 8 | 20
_EXECUTABLE_FILE = 0o100755 << 16


def zipped(bootstrap):
    """The function as Lambda wants it: `bootstrap` at the top, executable."""
    # The two bytes before and the four behind are zlib's own.
    deflated = zopfli.zlib.compress(bootstrap)[2:-4]
    sizes = struct.pack("<III", zlib.crc32(bootstrap), len(deflated), len(bootstrap))
    entry = b"PK\3\4" + _COMMON + sizes + struct.pack("<HH", len(NAME), 0) + NAME + deflated
    directory = (
        b"PK\1\2"
        + struct.pack("<H", _UNIX)
        + _COMMON
        + sizes
        + struct.pack("<HHHHHII", len(NAME), 0, 0, 0, 0, _EXECUTABLE_FILE, 0)
        + NAME
    )
    return entry + directory + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(entry), 0)
