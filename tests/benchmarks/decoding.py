"""Decoding speed, and what the full set would need: `python -m tests.benchmarks.decoding [ZIP]`.

One process decodes 1,000 pictures to the sizes that branches see; sizes are multiplied up to the
84,916 labelled pictures of the full Rakuten set.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

from serving.listing.images import ImageError, decode
from stages.common.paths import IMAGES
from stages.pictures.archive import PictureArchive

FULL = 84_916
RUNS = 5


def speed(pictures: list[bytes], size: int) -> float:
    """Pictures a second on one core, median of RUNS."""
    rates = []
    for _ in range(RUNS):
        started = time.perf_counter()
        for data in pictures:
            try:
                decode(data, size)
            except ImageError:
                continue
        rates.append(len(pictures) / (time.perf_counter() - started))
    return median(rates)


def main() -> None:
    """Print the table."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("data/raw") / IMAGES
    with PictureArchive(path) as archive:
        pictures = [archive.read(name) for name in archive.entries("image_train")[:1000]]
    print(f"{len(pictures)} pictures of {path}, mean {sum(map(len, pictures)) / 1e3:,.0f} bytes")
    for size in (250, 224, 64):
        print(f"to {size:>3} pixels: {speed(pictures, size):,.0f} pictures/s on one core")
    for name, each in (
        ("cnn, 64 pixels", 64 * 64 * 3),
        ("efficientnet", 2 * 4256),
        ("mobilenet 0.25", 2 * 3584),
        ("vgg16", 2 * 512),
    ):
        print(f"kept of each, {name:<15} {each:>7,} bytes; of {FULL:,}: {each * FULL / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
