"""One line of the prediction log: as the service writes it, and as it is read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from serving.classifier.prediction import Prediction, Product
from serving.classifier.reference import Value
from serving.listing.labels import Code

DIGITS = 6
"""Decimals of a number in the log."""


class RecordError(ValueError):
    """The line is none of a prediction log."""


@dataclass(frozen=True)
class Record:
    """What was answered when, by the classifier with the lock hash `model`, about the product that
    its owner calls `id`; `features` are those of the classifier's reference."""

    time: str
    model: str
    id: str | int | None
    code: Code
    confidence: float
    accepted: bool
    evidence: str
    features: Mapping[str, Value]

    @classmethod
    def of(
        cls,
        time: str,
        model: str,
        product: Product,
        answer: Prediction,
        features: Mapping[str, Value],
    ) -> Self:
        """Of an answered product."""
        return cls(
            time=time,
            model=model,
            id=product.identifier,
            code=answer.code,
            confidence=round(answer.confidence, DIGITS),
            accepted=answer.accepted,
            evidence=answer.state,
            features={
                name: value if isinstance(value, str) else round(value, DIGITS)
                for name, value in features.items()
            },
        )

    def line(self, **more: Any) -> str:
        """As JSON, with `more` fields; nobody can forge a second line."""
        return json.dumps({**vars(self), **more}, separators=(",", ":"))

    @classmethod
    def read(cls, line: str) -> Self:
        """The inverse of `line`, without what was more. Raises RecordError."""
        try:
            stored = json.loads(line)
            return cls(**{name: stored[name] for name in cls.__dataclass_fields__})
        except (ValueError, KeyError, TypeError) as error:
            raise RecordError(f"no line of a prediction log: {error!r}") from error
