"""From the bytes of a picture to the pixels every image model sees: one function, used everywhere.

Training decodes with it as well, because a decoder changes predictions: another resampling or
another colour conversion is another input distribution.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, UnidentifiedImageError

MAX_BYTES = 20 * 2**20
"""Largest encoded picture that is looked at."""

MAX_PIXELS = 50_000_000
"""Largest width x height that is decoded (Pillow's own guard only warns at 89 million)."""

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


# Of damaged EXIF, which harms nothing, and of many pixels, which are refused. Once for the process:
# what threads change for a while, they put back in any order.
warnings.filterwarnings("ignore", module=r"PIL\.")


class ImageError(ValueError):
    """The bytes are no picture that can be used; the message says why."""


def decode(data: bytes, size: int) -> np.ndarray:
    """Decode one JPEG, PNG or WebP to uint8 [size, size, 3], RGB, transparency on white.

    JPEG is scaled by the decoder itself to the next power of two above `size` (Pillow's `draft`)
    and then resampled, which is twice as fast as decoding in full. EXIF orientation is applied.
    The picture is stretched to a square: catalogue pictures are square already. An animation is
    answered by its first frame.

    Raises ImageError: not JPEG, PNG or WebP, broken, over MAX_BYTES or MAX_PIXELS.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(f"picture has {len(data)} bytes; at most {MAX_BYTES} are accepted")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise ImageError(
                    f"picture is {width}x{height}; at most {MAX_PIXELS} pixels are accepted"
                )
            picture.draft("RGB", (size, size))
            rgb = _on_white(picture)
            turned = _TURNS.get(_orientation(picture))
            rgb = rgb if turned is None else rgb.transpose(turned)
            return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR))
    except UnidentifiedImageError as error:
        raise ImageError("picture is neither JPEG, PNG nor WebP") from error
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


def _on_white(picture: Image.Image) -> Image.Image:
    """RGB; where a picture is transparent, white, as catalogue pictures have it."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")
