"""Entries of reviewers in a real database of corrections."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from serving.classifier.prediction import Product
from serving.listing.labels import Code
from serving.review.corrections import Answered, Corrections, Reason
from serving.review.database import create_tables, open_database
from serving.review.queue import Candidate, ReviewQueue, Waiting

MODEL = "0123456789abcdef0123456789abcdef.dir"


def answered(
    designation: str | None = "Piscine ronde",
    description: str | None = None,
    *,
    identifier: str | None = None,
    picture: bytes | None = None,
    kept: bool = True,
    code: Code = 10,
    accepted: bool = False,
    reason: Reason = "uncertain",
    model: str = MODEL,
) -> Answered:
    """A product with its answer, `code`; its picture is `kept` or not."""
    product = Product(designation, description, picture, identifier)
    return Answered(
        product=product.key,
        time="2026-11-25T10:00:00.000",
        identifier=identifier,
        designation=designation,
        description=description,
        picture_sha256=product.picture_hash,
        picture=picture if kept else None,
        answered=code,
        confidence=0.5,
        accepted=accepted,
        model=model,
        reason=reason,
    )


def waiting(product: Answered, *best: tuple[Code, str, float]) -> Waiting:
    """An answer in the queue, with its best codes."""
    return Waiting(
        **vars(product),
        label="",
        predictions=tuple(Candidate(*each) for each in best),
        near_duplicates=product.product,
    )


class Review:
    """A database of corrections in a file, and what reviewers do with it."""

    def __init__(self, path: Path) -> None:
        self.address = f"sqlite:///{path}"
        self.engine: Engine = open_database(self.address)
        create_tables(self.engine)
        self.corrections = Corrections(self.engine)
        self.queue = ReviewQueue(self.engine, size=1000, lease=300)

    def say(
        self,
        code: Code | None,
        product: Answered | None = None,
        *,
        by: str = "alice",
        settles: bool = False,
        note: str = "",
    ) -> str:
        """A reviewer's entry; the key of its product."""
        product = product or answered()
        self.corrections.append(product, by, code, note, settles=settles)
        return product.product
