"""PNG files of every kind (W3C, "Portable Network Graphics", third edition), written sample by
sample: no encoder decides what is in them."""

from __future__ import annotations

import struct
import zlib

import numpy as np

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8)} | dict.fromkeys(
    (GREY_ALPHA, RGBA), (8, 16)
)

_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""Of each pass: first column and row, and the steps between columns and rows."""


def png(
    samples: np.ndarray,
    kind: int,
    depth: int,
    *,
    palette: bytes = b"",
    transparency: bytes = b"",
    interlaced: bool = False,
) -> bytes:
    """A PNG of `samples` [height, width, channels], integers of `depth` bits."""
    height, width, _ = samples.shape
    if interlaced:
        parts = [samples[row::down, column::right] for column, row, right, down in _ADAM7]
    else:
        parts = [samples]
    raw = b"".join(_lines(part, depth) for part in parts if part.size)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    chunks = [(b"IHDR", head)]
    chunks += [(b"PLTE", palette)] if palette else []
    chunks += [(b"tRNS", transparency)] if transparency else []
    chunks += [(b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return assembled(*chunks)


def assembled(*chunks: tuple[bytes, bytes]) -> bytes:
    """A file of these chunks, each a name and its data, right or wrong."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _lines(samples: np.ndarray, depth: int) -> bytes:
    """Rows with no filter, each of whole bytes."""
    rows = samples.reshape(len(samples), -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8)
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[:, :, np.newaxis], axis=2)[:, :, 8 - depth :]
        packed = np.packbits(bits.reshape(len(rows), -1), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
