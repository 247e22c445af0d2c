"""Running the exported classifier over prepared products, a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from tqdm import tqdm

from serving.classifier.classifier import Product
from stages.pictures.archive import PictureArchive


def in_chunks(
    products: pd.DataFrame, archive: PictureArchive, size: int, title: str
) -> Iterator[tuple[pd.DataFrame, list[Product]]]:
    """Chunks of `products` with what a request would hold, pictures read from the archive.

    A picture that the archive cannot give is left out, as a broken upload would be.
    """
    with tqdm(total=len(products), unit="products", desc=title, mininterval=1) as progress:
        for start in range(0, len(products), size):
            chunk = products.iloc[start : start + size]
            yield chunk, [_product(row, archive) for row in chunk.itertuples()]
            progress.update(len(chunk))


def _product(row: Any, archive: PictureArchive) -> Product:
    try:
        image = archive.read(row.picture) if row.picture else None
    except OSError:
        image = None
    return Product(row.designation, row.description, image)
