"""Pictures of a catalogue as they are, before a model sees them: sizes and brightness."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image

from serving.listing.images import ImageError, decode
from stages.common.progress import progress
from stages.pictures.archive import PictureArchive

MOST = 5000
"""Pictures looked at: enough for the figures, and bounded on a large catalogue."""

_SIZE = 32
"""Side to which a picture is scaled for its brightness, in pixels."""


def evenly(entries: Sequence[str], most: int = MOST) -> list[str]:
    """At most `most` of `entries`, as evenly spread as can be, in order."""
    if len(entries) <= most:
        return list(entries)
    return [entries[number * len(entries) // most] for number in range(most)]


def look_at(archive: PictureArchive, entries: Sequence[str], title: str) -> pd.DataFrame:
    """Columns width and height (pixels), bytes, brightness (mean of all channels, 0 black to 1
    white), one row an entry that can be read; the others are left out."""
    rows = []
    for entry in progress(entries, title=title, unit="pictures"):
        try:
            data = archive.read(entry)
            pixels = decode(data, _SIZE)
        except (ImageError, OSError):
            continue
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
        rows.append((width, height, len(data), int(pixels.sum(dtype=np.int64)) / pixels.size / 255))
    return pd.DataFrame(rows, columns=["width", "height", "bytes", "brightness"])
