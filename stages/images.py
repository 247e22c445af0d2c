"""Decode every labelled picture once and keep what the image branch trains on.

Reads data/raw/images.zip in place; writes data/images: `arrays.npy` (pixels, uint8
[n, size, size, 3], for a network trained from scratch; features, float16 [n, features], for a head
on a frozen network), `index.csv` (the archive entry of each row) and `unreadable.csv` (entry,
reason): a product whose picture is unreadable goes on as one without picture. metrics/images.json
counts both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from stages.common.output import write_json
from stages.common.paths import ARCHIVE, METRICS, PICTURES
from stages.common.progress import progress
from stages.common.settings import Frozen, NoImage, load
from stages.pictures.archive import WITHOUT, ArchiveError, PictureArchive
from stages.pictures.decoding import decode_all


def images() -> None:
    """Run the stage."""
    settings = load()
    image, train = settings.image, settings.train
    entries: list[str] = []
    size = 1
    kept: Callable[[np.ndarray], np.ndarray] = np.asarray
    if not isinstance(image, NoImage):
        size = image.size
        with PictureArchive(ARCHIVE) as archive:
            entries = archive.entries("image_train")
            if lack := archive.lack("image_train"):
                raise ArchiveError(f"{lack}. {WITHOUT}")
    if isinstance(image, Frozen):
        # Imported here: the worker processes import this module too, and need no TensorFlow.
        from stages.pictures.backbones import feature_extractor

        kept = feature_extractor(image, train.seed, train.threads)

    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / "arrays.npy"
    example = kept(np.zeros((1, size, size, 3), np.uint8))
    arrays = np.lib.format.open_memmap(
        path, "w+", example.dtype, (len(entries), *example.shape[1:])
    )
    with path.open("r+b") as file:  # a full disk is an error now, no crash later
        os.posix_fallocate(file.fileno(), 0, arrays.offset + arrays.nbytes)
    index: list[str] = []
    unreadable: list[tuple[str, str]] = []
    started = time.perf_counter()
    with progress(title="images", unit="pictures", total=len(entries)) as done:
        for chunk in decode_all(ARCHIVE, entries, size):
            if chunk.entries:
                arrays[len(index) : len(index) + len(chunk.entries)] = kept(chunk.pixels)
            index += chunk.entries
            unreadable += chunk.unreadable
            done.update(len(chunk.entries) + len(chunk.unreadable))
    arrays.flush()
    if entries and not index:
        name, reason = unreadable[0]
        raise ArchiveError(
            f"{ARCHIVE}: none of its {len(entries):,} pictures in image_train can be decoded, such "
            f"as {name}: {reason}. {WITHOUT}"
        )
    pd.DataFrame({"entry": index}).to_csv(PICTURES / "index.csv", index=False)
    pd.DataFrame(unreadable, columns=["entry", "reason"]).to_csv(
        PICTURES / "unreadable.csv", index=False
    )
    write_json(METRICS / "images.json", {"pictures": len(index), "unreadable": len(unreadable)})
    speed = len(entries) / (time.perf_counter() - started)
    print(
        f"{len(index)} pictures at {speed:.0f} images/s, {len(unreadable)} unreadable, "
        f"{arrays.nbytes / max(len(entries), 1):,.0f} bytes kept of each"
    )
