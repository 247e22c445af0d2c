"""The exported classifier run over products, a chunk at a time, and the table of its answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Prediction, Product
from stages.common.progress import progress
from stages.pictures.archive import PictureArchive

CODE = "prdtypecode"
FIELDS = ("id", "productid", "imageid", CODE, "label", "confidence", "accepted")
"""Columns of the table of predictions."""

PATH, ACCEPTED_AS = "path", "accepted_as"
"""Further ones where codes stand under others: the names of all levels, the most general first, and
the code of the deepest at which the answer may stand, None if it may at none."""


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


def unreadable_pictures(
    classifier: Classifier, entries: Sequence[str], has_image: Sequence[bool] | np.ndarray
) -> int:
    """How many products have a picture, an entry that is not "", that the image branch could not
    use; 0 without such a branch, which looks at none."""
    if classifier.image_size is None:
        return 0
    return int(np.sum((np.asarray(entries) != "") & ~np.asarray(has_image, bool)))


def fields(classifier: Classifier) -> tuple[str, ...]:
    """Columns of a table of its predictions."""
    return (*FIELDS, PATH, ACCEPTED_AS) if len(classifier.levels) else FIELDS


def values(row: Any, answer: Prediction, levels: bool) -> tuple[Any, ...]:
    """The `fields` of a product that has `id`, `productid` and `imageid`; those of `levels` if
    there are any."""
    return (
        *(row.id, row.productid, row.imageid, answer.code, answer.label),
        *(round(answer.confidence, 4), answer.accepted),
        *((answer.path_in_words, answer.accepted_as) if levels else ()),
    )
