"""From the bytes of a picture to the pixels every image model sees: one function, used everywhere.

Training decodes with it as well, because a decoder changes predictions: another resampling or
another colour conversion is another input distribution.
"""

from __future__ import annotations

import io
import math
import re
import struct
import time
import warnings
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, UnidentifiedImageError

MAX_BYTES = 20 * 2**20
"""Largest encoded picture that is looked at."""

MAX_PIXELS = 50_000_000
"""Largest width x height that is decoded (Pillow's own guard only warns at 89 million)."""

MAX_SIDE = 16_384
"""Largest width and height: memory and time go by rows as well as by pixels."""

MAX_SCANS = 24
"""Scans a JPEG of the most pixels may have, a smaller one more; encoders make up to eighteen.

A progressive JPEG goes over all its pixels once a scan, and a scan takes a dozen bytes."""

MAX_MARKERS = 1_000
"""Segments and scans that are looked at in a JPEG of many scans."""

_FORMATS = ("JPEG", "PNG", "WEBP")
_BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, SyntaxError, LookupError, OverflowError),
    *(struct.error, zlib.error),
)
"""What Pillow raises on damaged files."""
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation."""

_STRIP_PIXELS = 2**20
"""Pixels that are put on white at a time: to do it at once takes four copies of the picture."""

_PNG_DEPTH = 24
"""Place of the bits a sample in a PNG: eight bytes of signature, then IHDR's length, name, width
and height."""

_START_OF_SCAN, _END = 0xDA, 0xD9
_SCAN = bytes((0xFF, _START_OF_SCAN))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that tell width and height (ITU-T T.81, table B.1)."""

_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
"""A JPEG marker between coded data: no stuffed byte, no restart (ITU-T T.81, B.1.1)."""


# Of damaged EXIF, which harms nothing, and of many pixels, which are refused. Once for the process:
# what threads change for a while, they put back in any order.
warnings.filterwarnings("ignore", module=r"PIL\.")


class ImageError(ValueError):
    """The bytes are no picture that can be used; the message says why."""


class _Clocked(io.BytesIO):
    """Bytes that are given out only while their reader has not used up its processor time.

    Pillow decodes JPEG and PNG as it reads, 64 KiB at a time.
    """

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__(data)
        self._until = time.thread_time() + seconds

    def read(self, size: int | None = -1, /) -> bytes:
        """As any file's. Raises ImageError when the time is up."""
        if time.thread_time() > self._until:
            raise ImageError("picture takes too long to decode")
        return super().read(size)


def decode(
    data: bytes, size: int, *, max_pixels: int = MAX_PIXELS, seconds: float = math.inf
) -> np.ndarray:
    """Decode one JPEG, PNG or WebP to uint8 [size, size, 3], RGB, transparency on white.

    JPEG is scaled by the decoder itself to the next power of two above `size` (Pillow's `draft`)
    and then resampled, which is twice as fast as decoding in full. EXIF orientation is applied.
    The picture is stretched to a square: catalogue pictures are square already. An animation is
    answered by its first frame.

    What a picture costs is bounded by its head, before anything is decoded; `seconds` bounds the
    processor time besides, as far as it goes into reading.

    Raises ImageError: not JPEG, PNG or WebP, broken, over MAX_BYTES, MAX_SIDE, `max_pixels` (half
    of them for WebP) or MAX_SCANS, or over `seconds`.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(f"picture has {len(data)} bytes; at most {MAX_BYTES} are accepted")
    # Pillow makes room for a whole WebP, twice, as it opens it, and passes over a JPEG's scans.
    _check_size(_webp_size(data), max_pixels // 2)
    _check_scans(data, max_pixels)
    try:
        with Image.open(_Clocked(data, seconds), formats=_FORMATS) as picture:
            _check_size(picture.size, max_pixels)
            picture.draft("RGB", (size, size))
            picture.load()  # whatever is broken is told here, and never passed over later
            rgb = _on_white(picture, _Clocked(data, seconds))
            turned = _TURNS.get(_orientation(picture))
            rgb = rgb if turned is None else rgb.transpose(turned)
            return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR))
    except UnidentifiedImageError as error:
        raise ImageError("picture is neither JPEG, PNG nor WebP") from error
    except (*_BROKEN, Image.DecompressionBombError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"picture cannot be decoded: {error}") from error


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raises ImageError: more pixels, or a longer side, than is accepted."""
    width, height = size
    if width * height > max_pixels:
        raise ImageError(f"picture is {width}x{height}; at most {max_pixels} pixels are accepted")
    if max(size) > MAX_SIDE:
        raise ImageError(f"picture is {width}x{height}; at most {MAX_SIDE} a side are accepted")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of the canvas in a WebP's head (RFC 9649); (0, 0) where there is none."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
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
    if data[:2] != b"\xff\xd8" or data.count(_SCAN) <= MAX_SCANS:
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


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation; 1 (upright) where there is none, or where EXIF is damaged."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        return 1


def _on_white(picture: Image.Image, again: io.BytesIO) -> Image.Image:
    """RGB; where a picture is transparent, white, as catalogue pictures have it.

    `again` is the file, for what Pillow leaves out as it reads.
    """
    key = picture.info.get("transparency")
    if key is not None and picture.mode != "P":
        return _without(picture, key, again)
    if picture.mode in ("RGBA", "LA", "PA") or key is not None:
        return _composed(picture)
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _composed(picture: Image.Image) -> Image.Image:
    """A transparent picture on white, strip by strip."""
    rgb = Image.new("RGB", picture.size)
    for box in _strips(picture.size):
        strip = picture.crop(box).convert("RGBA")
        white = Image.new("RGBA", strip.size, "white")
        rgb.paste(Image.alpha_composite(white, strip).convert("RGB"), box[:2])
    return rgb


def _without(picture: Image.Image, key: int | Sequence[int], again: io.BytesIO) -> Image.Image:
    """A PNG of which one colour, `key`, is transparent (tRNS): white where a pixel is equal to it
    in all its bits.

    Pillow compares what it made of samples of 2, 4 and 16 bits with what they were. It also leaves
    out the low bytes of an RGB picture of 16 bits, which are read here for themselves.
    """
    depth = again.getbuffer()[_PNG_DEPTH]
    wanted = np.atleast_1d(key) & (1 << depth) - 1
    low = _low_bytes(again) if depth == 16 and picture.mode == "RGB" else None
    rgb = Image.new("RGB", picture.size)
    for box in _strips(picture.size):
        strip = picture.crop(box)
        if strip.mode.startswith("I;16"):
            samples = np.asarray(strip)[..., np.newaxis]
            values = (samples >> 8).astype(np.uint8)
        else:
            values = np.asarray(strip if strip.mode == "RGB" else strip.convert("L"))
            values = values.reshape(*values.shape[:2], -1)
            samples = values // (255 // ((1 << min(depth, 8)) - 1))
            if low is not None:
                samples = values.astype(np.uint16) << 8 | np.asarray(low.crop(box))
        shown = np.where((samples == wanted).all(axis=-1, keepdims=True), np.uint8(255), values)
        three = np.broadcast_to(shown, (*shown.shape[:2], 3))
        rgb.paste(Image.fromarray(np.ascontiguousarray(three)), box[:2])
    return rgb


def _low_bytes(file: io.BytesIO) -> Image.Image:
    """The low bytes of an RGB PNG of 16 bits a sample, as RGB."""
    with Image.open(file, formats=("PNG",)) as picture:
        # Read as if they were little-endian, the bytes that Pillow keeps are the low ones.
        picture.tile = [tile._replace(args="RGB;16L") for tile in picture.tile]
        picture.load()
        return picture


def _strips(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Boxes of at most _STRIP_PIXELS, or of one row, from top to bottom."""
    width, height = size
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        yield 0, top, width, min(top + rows, height)
