"""A chunk of a table, answered: in the one process of a local run, in each worker of an engine."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any, NamedTuple, Protocol, Self

import pandas as pd

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Product
from stages.evaluation.answers import values
from stages.pictures.archive import PictureArchive


@dataclass(frozen=True)
class Outcome:
    """What was answered, in products: all, accepted, with a picture named, with one that cannot be
    read, and without anything that can be used (those are answered with the prior)."""

    products: int = 0
    accepted: int = 0
    pictures: int = 0
    unreadable: int = 0
    empty: int = 0

    def __add__(self, other: Self) -> Outcome:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Outcome(*(mine + theirs for mine, theirs in pairs))

    def __str__(self) -> str:
        return (
            f"{self.products:,} products answered, {self.accepted:,} of them accepted without "
            f"review; {self.pictures:,} have a picture, {self.unreadable:,} of which cannot be "
            f"read; {self.empty:,} have nothing that can be used"
        )


class Picture(NamedTuple):
    """Whether a product has a picture, and its bytes if they could be read."""

    named: bool
    content: bytes | None


class Pictures(Protocol):
    """Where the pictures of a table are."""

    def of(self, rows: pd.DataFrame) -> list[Picture]:
        """The picture of each row."""


class Archived:
    """The pictures of an archive that is called as a catalogue's images.zip is."""

    def __init__(self, archive: PictureArchive) -> None:
        self._archive = archive

    def of(self, rows: pd.DataFrame) -> list[Picture]:
        """A picture that the archive cannot give is left out, as a broken upload would be."""
        both = (self._archive.names(rows, part) for part in ("image_test", "image_train"))
        return [self._read(first or second) for first, second in zip(*both, strict=True)]

    def _read(self, name: str) -> Picture:
        try:
            return Picture(bool(name), self._archive.read(name) if name else None)
        except OSError:
            return Picture(True, None)


def answer_rows(
    classifier: Classifier, rows: pd.DataFrame, pictures: Pictures | None
) -> tuple[list[tuple[Any, ...]], Outcome]:
    """The values of each row of a chunk, in order, and what they count."""
    given = pictures.of(rows) if pictures else [Picture(False, None)] * len(rows)
    answers = classifier.predict(
        [
            Product(row.designation, row.description, picture.content)
            for row, picture in zip(rows.itertuples(), given, strict=True)
        ]
    )
    outcome = Outcome(
        products=len(rows),
        accepted=sum(answer.accepted for answer in answers),
        pictures=sum(picture.named for picture in given),
        unreadable=sum(
            picture.named and (not picture.content or answer.image_error is not None)
            for picture, answer in zip(given, answers, strict=True)
        ),
        empty=sum(answer.state == "none" for answer in answers),
    )
    levels = len(classifier.levels) > 0
    answered = [
        values(row, answer, levels) for row, answer in zip(rows.itertuples(), answers, strict=True)
    ]
    return answered, outcome
