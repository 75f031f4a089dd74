"""The archives, the same bytes for the same bytes: a function's zip, and the command line's tar.gz.

Python's own `zipfile` and `gzip` deflate by the zlib of the machine.
"""

import gzip
import io
import struct
import tarfile
import zlib

import zopfli.gzip
import zopfli.zlib

NAME = b"bootstrap"
# Needs version 2.0; no flags; deflated; 1980-01-01, the earliest that a zip can hold.
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16
_COMMON = struct.pack("<HHHHH", 20, 0, 8, 0, 1 << 5 | 1)
_UNIX = 3 << 8 | 20
_EXECUTABLE_FILE = 0o100755 << 16
# The same day. GNU tar warns of files from 1970.
_SECONDS_TO_1980 = 315532800


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


def packed(files, is_fast=False):
    """A tar.gz. `files` are pairs of content and mode by name.

    `is_fast`: by zlib, in a second instead of half a minute. Then another machine may give other bytes.
    """
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), mode, _SECONDS_TO_1980
            tar.addfile(entry, io.BytesIO(content))
    content = written.getvalue()
    return gzip.compress(content, mtime=0) if is_fast else zopfli.gzip.compress(content)


def unpacked(content):
    """The files of a tar.gz, as pairs of content and mode by name."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {entry.name: (tar.extractfile(entry).read(), entry.mode) for entry in tar if entry.isfile()}
