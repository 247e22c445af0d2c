"""What held-out products look like to the exported classifier: the reference that drift is told by.

The products are those of the validation part, the answers those of branches that had not seen them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from serving.classifier.fusion import READS, Branch, Fusion, states
from serving.classifier.reference import (
    CODE,
    CONFIDENCE,
    EVIDENCE,
    Reference,
    Value,
    principal_axes,
    values,
)
from serving.classifier.traits import PictureTraits, TextTraits, Traits
from serving.encoding.encoders import Encoder
from serving.listing.images import decode
from serving.listing.text import normalise_listing
from stages.common.held_out import HeldOut
from stages.common.parallel import in_threads
from stages.common.progress import progress
from stages.pictures.archive import PictureArchive

LogitsById = Mapping[int, np.ndarray]
"""Logits of a branch, float32 [codes], by product id."""


def answers(held_out: HeldOut) -> LogitsById:
    """What a branch says of each product that it had not seen."""
    return dict(zip(held_out.rows.tolist(), held_out.logits, strict=True))


def reference(
    products: pd.DataFrame,
    archive: PictureArchive,
    fusion: Fusion,
    encoder: Encoder | None,
    held_out: Mapping[Branch, HeldOut],
    size: int | None,
) -> Reference:
    """Of held-out `products`, whose pictures are decoded to `size`; `encoder` and `size` are None
    where there is no such branch."""
    by_branch = {branch: answers(branch_held_out) for branch, branch_held_out in held_out.items()}
    answers_by_row = answered(fusion, products["id"].tolist(), by_branch)
    pictures = {}
    if size is not None:
        shown = products[products["id"].isin(by_branch["image"])]

        def traits(row: Any) -> PictureTraits:
            picture = archive.read(row.picture)
            return PictureTraits.of(decode(picture, size), len(picture))

        seen = in_threads(traits, shown.itertuples())
        measured = progress(seen, title="export pictures", unit="pictures", total=len(shown))
        pictures = dict(zip(shown["id"].tolist(), measured, strict=True))
    axes = principal_axes(np.array([picture.layout for picture in pictures.values()]))
    rows = progress(products.itertuples(), title="export", unit="products", total=len(products))
    for row, features in zip(rows, answers_by_row, strict=True):
        text_traits = None
        listing = normalise_listing(row.designation, row.description)
        if encoder is not None and not listing.empty:
            _, (rarity,) = encoder.encode_with_rarity([listing])
            text_traits = TextTraits.of(listing, rarity)
        features |= values(Traits(text_traits, pictures.get(row.id)), axes)
    return Reference.of([row for row in answers_by_row if row[EVIDENCE] != "none"], axes)


def answered(
    fusion: Fusion, rows: list[int], branches: Mapping[Branch, LogitsById]
) -> list[dict[str, Value]]:
    """Code, evidence and confidences of the products with ids `rows`.

    A product with text and picture has the confidence of either alone besides: where few products
    have one only, there would be nothing to compare with.
    """
    nothing = np.zeros(len(fusion.codes), np.float32)
    logits = {
        branch: np.stack([by_id.get(row, nothing) for row in rows])
        for branch, by_id in branches.items()
    }
    has_text, has_image = (
        np.array([any(row in branches[b] for b in branches if READS[b] == what) for row in rows])
        for what in ("text", "image")
    )
    never = np.zeros(len(rows), bool)
    features_by_row: list[dict[str, Value]] = [{} for _ in rows]
    for asked in ((has_text, never), (never, has_image), (has_text, has_image)):
        p = fusion.probabilities(logits, *asked)
        for row, state in enumerate(states(*asked).tolist()):
            features_by_row[row] |= {
                CODE: str(fusion.codes[int(p[row].argmax())]),
                EVIDENCE: state,
                f"{CONFIDENCE}_{state}": float(p[row].max()),
            }
    for features in features_by_row:
        features.pop(f"{CONFIDENCE}_none", None)
    return features_by_row
