"""From the bytes of a picture to the pixels every image model sees: one function, used everywhere.

Training decodes with it as well, because a decoder changes predictions: another resampling or
another colour conversion is another input distribution.
"""

from __future__ import annotations

import io
import math
import struct
import time
import warnings
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import AvifImagePlugin, Image, UnidentifiedImageError

from serving.listing import heads
from serving.listing.heads import ANY_FORMAT, FORMATS, MAX_BYTES
from serving.listing.heads import ImageError as ImageError

MAX_PIXELS = 50_000_000
"""Largest width x height that is decoded (Pillow's own guard only warns at 89 million)."""

_BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, SyntaxError, LookupError, OverflowError),
    *(struct.error, zlib.error, RuntimeError),
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

# Of damaged EXIF, which harms nothing, and of many pixels, which are refused. Once for the process:
# what threads change for a while, they put back in any order.
warnings.filterwarnings("ignore", module=r"PIL\.")

# A picture is decoded in the thread that asks: how many there are is said elsewhere.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


class _Clocked(io.BytesIO):
    """Bytes that are given out only while their reader has not used up its processor time.

    Pillow decodes JPEG, PNG, GIF and BMP as it reads, 64 KiB at a time at most.
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
    """Decode one picture, of FORMATS, to uint8 [size, size, 3], RGB, transparency on white.

    JPEG is scaled by the decoder itself to the next power of two above `size` (Pillow's `draft`)
    and then resampled, which is twice as fast as decoding in full. EXIF orientation is applied.
    The picture is stretched to a square: catalogue pictures are square already. An animation, or a
    TIFF of several pages, is answered by its first frame.

    What a picture costs is bounded by its head, before anything is decoded; `seconds` bounds the
    processor time besides, as far as it goes into reading.

    Raises ImageError: none of FORMATS, broken, over MAX_BYTES, `max_pixels` (half of them for WebP
    and AVIF) or what heads.py bounds, or over `seconds`.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(f"picture has {len(data)} bytes; at most {MAX_BYTES} are accepted")
    # Pillow makes room for a whole WebP, twice, as it opens it, and passes over a JPEG's scans.
    heads.check(data, max_pixels)
    try:
        with Image.open(_Clocked(data, seconds), formats=FORMATS) as picture:
            heads.check_size(picture.size, max_pixels // (2 if picture.format == "AVIF" else 1))
            picture.draft("RGB", (size, size))
            picture.load()  # whatever is broken is told here, and never passed over later
            rgb = _on_white(picture, _Clocked(data, seconds))
            turned = _TURNS.get(_orientation(picture))
            rgb = rgb if turned is None else rgb.transpose(turned)
            return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR))
    except UnidentifiedImageError as error:
        raise ImageError(f"picture is no {ANY_FORMAT}") from error
    except (*_BROKEN, Image.DecompressionBombError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"picture cannot be decoded: {error}") from error


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
    if key is not None and picture.mode != "P" and picture.format == "PNG":
        return _without(picture, key, again)
    if picture.mode in ("I", "F"):
        raise ImageError("picture has 32 bits a sample; at most 16 are read")
    if picture.mode in ("RGBA", "RGBa", "LA", "PA") or key is not None:
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
