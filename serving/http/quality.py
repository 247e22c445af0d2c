"""A loaded classifier in the words of its page: scores, confusions, drift, reviewed precision."""

from __future__ import annotations

import math

from serving.http.schemas import CodeScores, Confusion, FeatureDrift, Quality, ReviewedPrecision
from serving.inference.loading import Loaded
from serving.listing.labels import Code, described
from serving.review.precision import Precision

_SCORES = ("f1", "precision", "recall", "support")


def describe(loaded: Loaded, precision: Precision) -> Quality:
    """All that people look at; what was not measured is empty."""
    labels = loaded.classifier.labels
    codes = {described(code, label): (code, label.name) for code, label in labels.items()}

    def named(text: str) -> tuple[Code, str]:
        return codes.get(text, (text, text))

    low, high = precision.interval
    window = loaded.window
    distances = {
        name: (window.distance(name), window.threshold(name)) for name in window.reference.features
    }
    return Quality(
        model=loaded.hash,
        since=loaded.since,
        card=loaded.report.get("card"),
        codes=[
            CodeScores(*named(row["code"]), *(row[name] for name in _SCORES))
            for row in loaded.report.get("codes", ())
        ],
        confused=[
            Confusion(
                *named(row["actual"]), *named(row["predicted"]), row["products"], row["examples"]
            )
            for row in loaded.report.get("confused", ())
        ],
        drift=[
            FeatureDrift(name, len(window), _told(distance), _told(threshold), distance > threshold)
            for name, (distance, threshold) in distances.items()
        ],
        reviewed=ReviewedPrecision(
            precision.right, precision.products, low, high, loaded.classifier.fusion.precision
        )
        if precision.products
        else None,
    )


def _told(number: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(number) else number
