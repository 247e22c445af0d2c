"""The gate's table: what is worse in this result than in its base, beyond allowance and noise.

Scores are taken anew from both classifiers' answers to the same test products, and each difference
comes with its paired bootstrap interval; the size comes from both dvc.lock, and the seconds a
product takes are measured in turns. A score is worse when it lost more than params.yaml `gate`
allows and its interval does not hold 0: what cannot be told from noise is said to be so. The table
is Markdown: what a pull request shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from stages.commands import repository
from stages.commands.quality.comparison import (
    CALIBRATION,
    COVERAGE,
    F1,
    MACRO,
    PRECISION,
    Judgement,
)
from stages.commands.quality.paired_tests import Interval
from stages.commands.repository import ROOT, ResultError
from stages.commands.results import dvc_lock
from stages.common.settings import Gate, load

_DIGITS = 9
"""Of a difference: as floats, 0.83 - 0.82 is more than 0.01."""


@dataclass(frozen=True)
class Row:
    """One figure of both results. `worse` is by how much this one is worse, negative if better;
    it fails when that is above `allowed` or no number, unless `interval` holds 0."""

    name: str
    old: float
    new: float
    worse: float
    allowed: float
    form: str
    interval: Interval | None = None
    """Of a score; without, `worse` and `allowed` are shares of the old figure."""

    @property
    def within(self) -> bool:
        """Whether no more was lost than is allowed; False for NaN."""
        return self.worse <= self.allowed

    @property
    def passed(self) -> bool:
        """Whether it is not worse, as far as can be told."""
        return self.within or (self.interval is not None and not self.interval.told_apart)

    def __str__(self) -> str:
        old, new = (_number(value, self.form) for value in (self.old, self.new))
        if self.interval is None:
            change, interval, allowed = f"{self.worse:+.1%}", "", f"{self.allowed:.0%}"
        else:
            change, allowed = _number(self.interval.difference, "+.4f"), f"{self.allowed:g}"
            low, high = (_number(end, "+.4f") for end in (self.interval.low, self.interval.high))
            interval = f"{low} to {high}"
        verdict = "ok" if self.within else "not told apart" if self.passed else "**worse**"
        return f"| {self.name} | {old} | {new} | {change} | {interval} | {allowed} | {verdict} |"


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)


def quality(judgement: Judgement, gate: Gate) -> Iterator[Row]:
    """The scores."""
    for name, sign, allowed in (
        (F1, 1, gate.weighted_f1),
        (MACRO, 1, gate.macro_f1),
        (PRECISION, 1, gate.accepted_precision),
        (COVERAGE, 1, gate.coverage_at_95),
        (CALIBRATION, -1, gate.calibration_error),
    ):
        figure = judgement.figures[name]
        worse = round(-sign * figure.difference, _DIGITS)
        if name == PRECISION and math.isnan(figure.old):
            worse = 0.0  # a base that accepts nothing has no precision to lose
        yield Row(name, figure.old, figure.new, worse, allowed, ".4f", figure)


def growth(name: str, old: float, new: float, allowed: float, form: str) -> Row:
    """What may grow by a share of what it was."""
    return Row(name, old, new, round(new / old - 1, _DIGITS), allowed, form)


def classifier_size(base: str) -> tuple[int, int]:
    """Bytes of the classifier that each result's dvc.lock locks."""
    old = dvc_lock.outputs(dvc_lock.parse(repository.git("show", f"{base}:{dvc_lock.LOCK}")))
    new = dvc_lock.outputs(dvc_lock.read(ROOT))
    for outputs, where in ((old, base), (new, "this result")):
        if dvc_lock.CLASSIFIER not in outputs:
            raise ResultError(f"{where} locks no {dvc_lock.CLASSIFIER}: no baseline")
    return old[dvc_lock.CLASSIFIER].size, new[dvc_lock.CLASSIFIER].size


def table(base: str, rows: list[Row], judgement: Judgement) -> str:
    """Markdown."""
    failed = [row.name for row in rows if not row.passed]
    head = f"Worse than {base}: {', '.join(failed)}" if failed else f"Not worse than {base}"
    return "\n".join(
        [
            f"### {head}",
            "",
            f"| | {base} | this | change | interval | allowed | |",
            "|---|---|---|---|---|---|---|",
            *map(str, rows),
            "",
            str(judgement),
        ]
    )


def rows(sizes: tuple[int, int], judgement: Judgement) -> list[Row]:
    """All that is judged; `sizes` of the base's and of this classifier, in bytes."""
    gate = load().gate
    seconds = judgement.old_seconds, judgement.new_seconds
    return [
        *quality(judgement, gate),
        growth("classifier, bytes", *sizes, gate.size, ",d"),
        growth("seconds per product", *seconds, gate.seconds, ".5f"),
    ]
