"""Requests and pictures made to hold a service still."""

from __future__ import annotations

import io
import re
import struct
import zlib

from PIL import Image

from tests.support.png import assembled

_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_SCAN, _END = 0xDA, 0xD9


def png(width: int, height: int, body: bytes = b"\0\0", *, bits: int = 1, colour: int = 0) -> bytes:
    """A PNG that says how large it is, and is not unless `body` has its rows."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return assembled((b"IHDR", head), (b"IDAT", zlib.compress(body)), (b"IEND", b""))


def webp(width: int, height: int) -> bytes:
    """The head of a WebP with a large canvas, and nothing on it."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sides
    return b"RIFF" + struct.pack("<I", 4 + len(vp8x)) + b"WEBP" + vp8x


def scans(side: int, times: int) -> bytes:
    """A grey progressive JPEG whose second scan is there `times` times more."""
    buffer = io.BytesIO()
    Image.new("L", (side, side), 128).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    at = 2
    found: list[int] = []
    while len(found) < 3:
        marker = _MARKER.search(data, at)
        assert marker
        if marker[1][0] in (_SCAN, _END):
            found.append(marker.start())
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    second = data[found[1] : _end_of_scan(data, found[1])]
    end = found[1] + len(second)
    return data[:end] + second * times + data[end:]


def _end_of_scan(data: bytes, start: int) -> int:
    """Where the scan that starts there ends: at the next marker."""
    head = start + 2
    marker = _MARKER.search(data, head + int.from_bytes(data[head : head + 2]))
    assert marker
    return marker.start()


def junk(size: int) -> bytes:
    """A JPEG that goes on with bytes which mean nothing, and are read one by one."""
    return b"\xff\xd8\xff\xe0\x00\x04aa" + b"a" * size
