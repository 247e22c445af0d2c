"""The table of predictions: its columns, and the row of one answered product."""

from __future__ import annotations

from typing import Any

from serving.classifier.prediction import Prediction

FIELDS = ("id", "productid", "imageid", "prdtypecode", "label", "confidence", "accepted")


def values(row: Any, answer: Prediction) -> tuple[Any, ...]:
    """The FIELDS of a product that has `id`, `productid` and `imageid`."""
    return (
        *(row.id, row.productid, row.imageid, answer.code, answer.label),
        *(round(answer.confidence, 4), answer.accepted),
    )
