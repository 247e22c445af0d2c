"""Running the exported classifier over prepared products, a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from serving.classifier.prediction import Product
from stages.common.progress import progress
from stages.pictures.archive import PictureArchive


def in_chunks(
    products: pd.DataFrame, archive: PictureArchive, size: int, title: str
) -> Iterator[tuple[pd.DataFrame, list[Product]]]:
    """Chunks of `products` with what a request would hold; progress is shown under `title`."""
    with progress(title=title, unit="products", total=len(products)) as done:
        for start in range(0, len(products), size):
            chunk = products.iloc[start : start + size]
            yield chunk, [product(row, archive) for row in chunk.itertuples()]
            done.update(len(chunk))


def product(row: Any, archive: PictureArchive | None) -> Product:
    """A row of a prepared part, as a request would hold it; its picture is read from `archive`.

    A picture that the archive cannot give is left out, as a broken upload would be.
    """
    try:
        image = archive.read(row.picture) if archive and row.picture else None
    except OSError:
        image = None
    return Product(row.designation, row.description, image)
