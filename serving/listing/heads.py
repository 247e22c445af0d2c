"""What the head of a picture says it will cost, read before a decoder makes room or takes time."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF")
"""What is read, as Pillow calls it but for capitals."""

ANY_FORMAT = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
"""The same in words."""

MAX_BYTES = 20 * 2**20
"""Largest encoded picture that is looked at."""

MAX_SIDE = 16_384
"""Largest width and height: memory and time go by rows as well as by pixels."""

MAX_SCANS = 24
"""Scans a JPEG of the most pixels may have, a smaller one more; encoders make up to eighteen.

A progressive JPEG goes over all its pixels once a scan, and a scan takes a dozen bytes."""

MAX_MARKERS = 1_000
"""Segments and scans that are looked at in a JPEG of many scans."""

MAX_STRIPS = 2 * MAX_SIDE
"""Strips or tiles of a TIFF, each of which takes work of its own however small it is."""

_START_OF_SCAN, _END = 0xDA, 0xD9
_SCAN = bytes((0xFF, _START_OF_SCAN))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that tell width and height (ITU-T T.81, table B.1)."""

_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
"""A JPEG marker between coded data: no stuffed byte, no restart (ITU-T T.81, B.1.1)."""

_TIFF = {b"II*\0": "<", b"MM\0*": ">"}
_BIG_TIFF = (b"II+\0", b"MM\0+")
_COMPRESSION, _STRIPS, _TILE_WIDTH, _TILE_HEIGHT, _TILES = 259, 273, 322, 323, 324
_COMPRESSIONS = {1, 5, 8, 32773, 32946}
"""Of TIFF: none, LZW, deflate, PackBits. The others bring decoders whose cost no head tells."""
_SHORT = 3

_SEQUENCE_HEADER = 1


class ImageError(ValueError):
    """The bytes are no picture that can be used; the message says why."""


_TYPES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG": "image/png",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}


def picture_type(data: bytes) -> str | None:
    """The media type of a picture by its first bytes; None where they are of no format that is
    read."""
    if data[4:8] == b"ftyp":
        return "image/avif"
    return next((kind for mark, kind in _TYPES.items() if data.startswith(mark)), None)


def check(data: bytes, max_pixels: int) -> None:
    """Raise ImageError: the picture would cost more than one of `max_pixels` pixels may.

    Only what decoders do not bound themselves is looked at, and only in the formats that bring it:
    the canvas of a WebP and the frames of an AVIF, for which twice the memory is taken and which
    may have half the pixels; scans of a JPEG; strips, tiles and compression of a TIFF.
    """
    if data[:2] == b"\xff\xd8":
        _check_scans(data, max_pixels)
    elif data[:4] == b"RIFF":
        check_size(_webp_size(data), max_pixels // 2)
    elif data[:4] in (*_TIFF, *_BIG_TIFF):
        _check_tiff(data, max_pixels)
    elif data[4:8] == b"ftyp":
        try:
            sizes = list(_avif_sizes(data))
        except (struct.error, IndexError) as error:
            raise ImageError("picture is an AVIF that ends in its head") from error
        for size in sizes:
            check_size(size, max_pixels // 2)
        if sum(width * height for width, height in sizes) > max_pixels:
            raise ImageError(f"picture has {len(sizes)} parts with too many pixels together")


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raise ImageError: more pixels, or a longer side, than is accepted."""
    width, height = size
    if width * height > max_pixels:
        raise ImageError(f"picture is {width}x{height}; at most {max_pixels} pixels are accepted")
    if max(size) > MAX_SIDE:
        raise ImageError(f"picture is {width}x{height}; at most {MAX_SIDE} a side are accepted")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of the canvas in a WebP's head (RFC 9649); (0, 0) where there is none."""
    if data[8:12] != b"WEBP" or len(data) < 30:
        return 0, 0
    match data[12:16]:
        case b"VP8X":
            width, height = data[24:27], data[27:30]
            return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _check_scans(data: bytes, max_pixels: int) -> None:
    """Raises ImageError: a JPEG that goes over its pixels too often, or has too many segments."""
    if data.count(_SCAN) <= MAX_SCANS:
        return
    at, pixels, scans = 2, 1, 0
    for _ in range(MAX_MARKERS):
        marker = _MARKER.search(data, at)
        if marker is None or marker[1][0] == _END:
            return
        kind, at = marker[1][0], marker.end()
        if kind in _FRAMES and len(data) >= at + 7:
            height, width = struct.unpack_from(">HH", data, at + 3)
            pixels = max(pixels, height * width)
        scans += kind == _START_OF_SCAN
        if scans * pixels > MAX_SCANS * max_pixels:
            raise ImageError(f"picture has {scans} scans or more, too many for its size")
        at += int.from_bytes(data[at : at + 2])
    raise ImageError(f"picture has more than {MAX_MARKERS} segments and scans")


def _check_tiff(data: bytes, max_pixels: int) -> None:
    """Raises ImageError: a TIFF in pieces that are too many or too large, or compressed in a way
    that is not read (TIFF 6.0, section 2)."""
    if data[:4] in _BIG_TIFF:
        raise ImageError("picture is a BigTIFF, which is not read; save it as a TIFF or a PNG")
    order = _TIFF[data[:4]]
    start = int.from_bytes(data[4:8], "little" if order == "<" else "big")
    found: dict[int, tuple[int, int]] = {}
    try:
        (count,) = struct.unpack_from(f"{order}H", data, start)
        for number in range(count):
            tag, kind, values, value = struct.unpack_from(
                f"{order}HHII", data, start + 2 + 12 * number
            )
            if kind == _SHORT and order == ">":
                value >>= 16
            if tag in found:
                raise ImageError(f"picture is a TIFF that has its tag {tag} twice")
            found[tag] = values, value & 0xFFFF if kind == _SHORT else value
    except struct.error as error:
        raise ImageError("picture is a TIFF that ends in its head") from error
    _, compression = found.get(_COMPRESSION, (1, 1))
    if compression not in _COMPRESSIONS:
        raise ImageError(
            f"picture is a TIFF of compression {compression}; expected none, LZW, deflate or "
            "PackBits"
        )
    pieces = max(found.get(tag, (0, 0))[0] for tag in (_STRIPS, _TILES))
    if pieces > MAX_STRIPS:
        raise ImageError(f"picture has {pieces} strips or tiles; at most {MAX_STRIPS} are accepted")
    check_size((found.get(_TILE_WIDTH, (0, 0))[1], found.get(_TILE_HEIGHT, (0, 0))[1]), max_pixels)


def _avif_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of the largest frame of every AV1 item, as their own sequence headers say.

    The container tells a size too, which the decoder compares only when it has decoded
    (ISO/IEC 14496-12, section 8.11; AV1 bitstream specification, sections 5.3 and 5.5).
    """
    tops = dict(_boxes(data, 0, len(data), {b"ftyp", b"meta", b"moov"}))
    if b"moov" in tops:
        raise ImageError("picture is an AVIF that moves, which is not read; save its first frame")
    if b"meta" not in tops:
        return
    start, end = tops[b"meta"]
    inner = dict(_boxes(data, start + 4, end, {b"iinf", b"iloc"}))
    if inner.keys() != {b"iinf", b"iloc"}:
        return
    coded = set(_coded_items(data, *inner[b"iinf"]))
    for item, extents in _extents(data, inner[b"iloc"][0]):
        if item in coded:
            yield from _frame_sizes(b"".join(data[at : at + size] for at, size in extents))


def _boxes(
    data: bytes, start: int, end: int, wanted: set[bytes]
) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Name of each wanted box from `start` on, and where its content begins and ends."""
    found = set()
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        size = size or end - start
        if size < head or start + size > end:
            return  # cut off, which the decoder says
        if name in wanted:
            if name in found:
                raise ImageError(f"picture is an AVIF that has its box {name.decode()} twice")
            found.add(name)
            yield name, (start + head, start + size)
        start += size


def _coded_items(data: bytes, start: int, end: int) -> Iterator[int]:
    """Numbers of the items that hold AV1."""
    at = start + (6 if data[start] == 0 else 8)
    while at + 20 <= end:
        size, version = struct.unpack_from(">I4xB", data, at)
        form = ">H2x4s" if version < 3 else ">I2x4s"
        item, kind = struct.unpack_from(form, data, at + 12)
        if kind == b"av01":
            yield item
        at += max(size, 20)


def _extents(data: bytes, at: int) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Number of each item, and offset and size of its pieces."""
    version, sizes = data[at], int.from_bytes(data[at + 4 : at + 6])
    of_offset, of_length, of_base, of_index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    at += 6

    def number(size: int) -> int:
        nonlocal at
        if at + size > len(data):
            raise IndexError(at)
        at += size
        return int.from_bytes(data[at - size : at])

    wide = 4 if version == 2 else 2
    for _ in range(number(wide)):
        item = number(wide)
        if version and number(2) & 15:
            raise ImageError("picture is an AVIF whose parts lie elsewhere than in the file")
        number(2)  # the data reference
        base, extents = number(of_base), []
        for _ in range(number(2)):
            if version:
                number(of_index)
            offset = base + number(of_offset)
            extents.append((offset, number(of_length) or len(data)))
        yield item, extents


def _frame_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """What each sequence header of an AV1 item says."""
    at = 0
    while at < len(data):
        head = data[at]
        at += 2 if head & 4 else 1
        size = len(data) - at
        if head & 2:
            size = shift = 0
            for shift in range(0, 56, 7):
                size |= (data[at] & 0x7F) << shift
                at += 1
                if not data[at - 1] & 0x80:
                    break
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield _sequence_size(data[at : at + size])
        at += size


def _sequence_size(data: bytes) -> tuple[int, int]:
    """Width and height that a sequence header leaves room for; what its bits allow counts."""
    bits, at = int.from_bytes(data), len(data) * 8

    def take(count: int) -> int:
        nonlocal at
        at -= count
        if at < 0:
            raise IndexError(at)
        return bits >> at & (1 << count) - 1

    take(4)  # profile, still picture
    reduced = take(1)
    if reduced:
        take(5)  # level
    else:
        if take(1):
            raise ImageError("picture is an AVIF that tells the time, which no still picture does")
        delayed = take(1)
        for _ in range(take(5) + 1):
            take(12)
            if take(5) > 7:
                take(1)
            if delayed and take(1):
                take(4)
    of_width, of_height = take(4) + 1, take(4) + 1
    width, height = take(of_width) + 1, take(of_height) + 1
    if not reduced and (of_width, of_height) != (
        *(max(side - 1, 1).bit_length() for side in (width, height)),
    ):
        # A frame may say another size than its sequence, in as many bits.
        return 1 << of_width, 1 << of_height
    return width, height
