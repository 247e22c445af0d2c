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


def gif(width: int, height: int) -> bytes:
    """The head of a GIF with a large canvas, and one pixel on it."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00;"
    return b"GIF89a" + screen + bytes(6) + frame


def bmp(width: int, height: int) -> bytes:
    """The head of a BMP in run-length encoding, and nothing of its rows."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024, 0, 0, 54 + 1024) + info + bytes(1024)


def tiff(width: int, height: int, *more: tuple[int, int, int, int], order: str = "<") -> bytes:
    """The head of a grey TIFF; `more` are tags beside: number, kind (3: 16 bits, 4: 32 bits), how
    many values, and the value or where they lie."""
    tags = sorted(
        {
            **{tag: (tag, 4, 1, value) for tag, value in ((256, width), (257, height), (262, 1))},
            **{tag: (tag, 3, 1, value) for tag, value in ((258, 8), (259, 1), (277, 1), (273, 8))},
            **{tag[0]: tag for tag in more},
        }.values()
    )
    entries = b"".join(
        struct.pack(f"{order}HHI", *tag[:3])
        + struct.pack(f"{order}{'HH' if tag[1] == 3 else 'I'}", tag[3], *[0] * (tag[1] == 3))
        for tag in tags
    )
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(f"{order}IH", 8, len(tags)) + entries + bytes(4)


def avif(side: int) -> bytes:
    """An AVIF of many pixels, whose container says that there are few."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side)).save(buffer, "AVIF", speed=10)
    data = buffer.getvalue()
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", 64, 64) + data[at + 8 :]


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
