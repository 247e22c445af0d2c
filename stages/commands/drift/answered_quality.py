"""The measured quality of what was answered, once the right codes are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from serving.classifier.record import Record
from stages.common.output import StageError
from stages.preparation.tables import read_labels

CONFIDENCE = 0.95
"""Of the intervals (Wilson, 1927)."""

Verdict = Literal["holds", "is broken", "is open"]


@dataclass(frozen=True)
class Share:
    """`right` of `products`, and the interval of the share that they are a sample of."""

    right: int
    products: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's; from 0 to 1 without any product."""
        if not self.products:
            return 0.0, 1.0
        interval = binomtest(self.right, self.products).proportion_ci(CONFIDENCE, method="wilson")
        return float(interval.low), float(interval.high)

    def __str__(self) -> str:
        if not self.products:
            return "no product"
        low, high = self.interval
        share = self.right / self.products
        return f"{share:.3f} ({low:.3f} to {high:.3f}), {self.right} of {self.products}"


def verdict(accepted: Share, promised: float) -> Verdict:
    """Whether a promised share is kept, by the interval of the one that was measured."""
    low, high = accepted.interval
    if high < promised:
        return "is broken"
    return "holds" if low >= promised else "is open"


@dataclass(frozen=True)
class Quality:
    """Shares of right answers among the labelled ones: of all, and of those accepted, for which
    `promised` is the precision that was asked when acceptance was learnt."""

    all: Share
    accepted: Share
    promised: float
    weighted_f1: float
    macro_f1: float

    @property
    def verdict(self) -> Verdict:
        """Whether the promise holds; open while the interval has it inside."""
        return verdict(self.accepted, self.promised)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """What was measured, each with its name."""
        return (
            ("right answers, with their 95 % interval", str(self.all)),
            ("weighted F1", f"{self.weighted_f1:.3f}"),
            ("macro F1", f"{self.macro_f1:.3f}"),
            ("right among the accepted", str(self.accepted)),
            (f"promised precision of {self.promised:g}", self.verdict),
        )


def labelled(records: Sequence[Record], labels: Path) -> pd.DataFrame:
    """Columns id, prdtypecode, code (both str) and accepted, of the answers that have a label; of
    several about one product, the last.

    Raises StageError: the table is none, or none of its products was answered.
    """
    known = read_labels(labels, str(labels)).drop_duplicates("id", keep="last")
    answers = pd.DataFrame(
        [
            {"id": str(record.id), "code": str(record.code), "accepted": record.accepted}
            for record in records
            if record.id is not None
        ],
        columns=["id", "code", "accepted"],
    ).drop_duplicates("id", keep="last")
    joined = answers.merge(known[["id", "prdtypecode"]], on="id")
    if joined.empty:
        asked = ", ".join(answers["id"].head(3)) or "none has an id"
        raise StageError(
            f"{labels}: none of its {len(known)} products is among the {len(answers)} answered "
            f"ones with an id ({asked}); an id is what the request had as product_identifier, "
            "product_id or imageid, the first that it had"
        )
    return joined


def quality(answers: pd.DataFrame, promised: float) -> Quality:
    """Of what `labelled` gives."""
    right = answers["code"] == answers["prdtypecode"]
    accepted = answers["accepted"].astype(bool)
    weighted, macro = (
        float(f1_score(answers["prdtypecode"], answers["code"], average=average, zero_division=0))
        for average in ("weighted", "macro")
    )
    return Quality(
        all=Share(int(right.sum()), len(answers)),
        accepted=Share(int((right & accepted).sum()), int(accepted.sum())),
        promised=promised,
        weighted_f1=weighted,
        macro_f1=macro,
    )
