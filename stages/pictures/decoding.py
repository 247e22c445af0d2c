"""Pictures of an archive, decoded in worker processes, in order, with flat memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from serving.listing.images import ImageError, decode
from stages.common.parallel import in_order, processors
from stages.common.process import end_with_parent
from stages.pictures.archive import PictureArchive

CHUNK = 64
"""Pictures a worker decodes at a time."""


class Decoded(NamedTuple):
    """One chunk: the entries that could be read, their pixels, and the others with the reason."""

    entries: list[str]
    pixels: np.ndarray
    unreadable: list[tuple[str, str]]


def decode_all(archive: Path, entries: Sequence[str], size: int) -> Iterator[Decoded]:
    """Decode `entries` to uint8 [k, size, size, 3] a chunk, in order.

    Memory does not grow with the archive.
    """
    chunks = [entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK)]
    with ProcessPoolExecutor(
        processors(), get_context("spawn"), initializer=_open, initargs=(archive,)
    ) as pool:
        yield from in_order(pool, partial(_decode, size), chunks)


_archive: PictureArchive


def _open(path: Path) -> None:
    """Each worker process reads the archive through a handle of its own."""
    global _archive
    end_with_parent()
    _archive = PictureArchive(path)


def _decode(size: int, entries: Sequence[str]) -> Decoded:
    return decode_chunk(_archive, entries, size)


def decode_chunk(archive: PictureArchive, entries: Sequence[str], size: int) -> Decoded:
    """Decode `entries` here and now."""
    good, pixels, unreadable = [], [], []
    for entry in entries:
        try:
            pixels.append(decode(archive.read(entry), size))
            good.append(entry)
        except (ImageError, OSError) as error:
            unreadable.append((entry, str(error)))
    stacked = np.stack(pixels) if pixels else np.zeros((0, size, size, 3), np.uint8)
    return Decoded(good, stacked, unreadable)
