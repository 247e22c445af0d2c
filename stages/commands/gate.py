"""Is this result worse than another one? `make gate BASE=<revision>`.

Figures come from `dvc metrics diff`, the size from both dvc.lock, and the seconds a product takes
are measured for both classifiers in turns. What each may lose stands in params.yaml `gate`. The
table is Markdown: what a pull request shows.

Exit status: 0 passed, 1 worse, 3 no baseline, or no result of the present code to judge.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stages.commands import clones, locks
from stages.commands.clones import ROOT, ResultError
from stages.commands.promotion import NO_BASELINE, Judgement, judge
from stages.common.output import StageError, fail
from stages.common.settings import Gate, load

EVALUATION = "metrics/evaluation.json"
WORSE = 1
_DIGITS = 9
"""Of a difference: as floats, 0.83 - 0.82 is more than 0.01."""


@dataclass(frozen=True)
class Row:
    """One figure of both results. `worse` is by how much this one is worse, negative if better;
    it fails when that is above `allowed`, and when it is no number."""

    name: str
    old: float
    new: float
    worse: float
    allowed: float
    form: str
    share: bool = False
    """Whether `worse` and `allowed` are shares of the old figure."""

    @property
    def passed(self) -> bool:
        """False for NaN too."""
        return self.worse <= self.allowed

    def __str__(self) -> str:
        old, new = (format(value, self.form) for value in (self.old, self.new))
        change = f"{self.worse:+.1%}" if self.share else f"{self.new - self.old:+.4f}"
        allowed = f"{self.allowed:.0%}" if self.share else f"{self.allowed:g}"
        verdict = "ok" if self.passed else "**worse**"
        return f"| {self.name} | {old} | {new} | {change} | {allowed} | {verdict} |"


def metrics(base: str) -> Mapping[str, Mapping[str, float]]:
    """Old and new figures of the evaluation, by name, as `dvc metrics diff` tells them."""
    done = clones.dvc("metrics", "diff", "--all", "--json", base, where=ROOT)
    if done.returncode:
        raise ResultError(f"dvc metrics diff {base}: {done.stderr.strip()}")
    found: Mapping[str, Mapping[str, float]] = json.loads(done.stdout).get(EVALUATION, {})
    return found


def quality(figures: Mapping[str, Mapping[str, float]], base: str, gate: Gate) -> Iterator[Row]:
    """The scores. Raises ResultError when either result lacks one: absence does not pass."""
    for name, key, sign, allowed in (
        ("weighted F1", "weighted_f1", 1, gate.weighted_f1),
        ("macro F1", "macro_f1", 1, gate.macro_f1),
        ("coverage at 95 % precision", "coverage_at.95", 1, gate.coverage_at_95),
        ("calibration error", "calibration_error", -1, gate.calibration_error),
    ):
        pair = figures.get(key, {})
        for side, where in (("old", base), ("new", "this result")):
            if pair.get(side) is None:
                raise ResultError(f"{where} has no {key} in {EVALUATION}: no baseline")
        old, new = float(pair["old"]), float(pair["new"])
        yield Row(name, old, new, round(sign * (old - new), _DIGITS), allowed, ".4f")


def growth(name: str, old: float, new: float, allowed: float, form: str) -> Row:
    """What may grow by a share of what it was."""
    return Row(name, old, new, round(new / old - 1, _DIGITS), allowed, form, share=True)


def classifier_size(base: str) -> tuple[int, int]:
    """Bytes of the classifier that each result's dvc.lock locks."""
    old = locks.outputs(locks.parse(clones.git("show", f"{base}:{locks.LOCK}")))
    new = locks.outputs(locks.read(ROOT))
    for found, where in ((old, base), (new, "this result")):
        if locks.CLASSIFIER not in found:
            raise ResultError(f"{where} locks no {locks.CLASSIFIER}: no baseline")
    return old[locks.CLASSIFIER].size, new[locks.CLASSIFIER].size


def require_present() -> None:
    """Raise ResultError when metrics and lock are not those of the present code and parameters."""
    status = json.loads(clones.dvc("status", "--json", where=ROOT).stdout or "{}")
    if status:
        raise ResultError(
            f"{', '.join(status)} changed since the last run, so the metrics are not those of the "
            "present code; run `make repro` first"
        )


def table(base: str, rows: list[Row], judgement: Judgement) -> str:
    """Markdown."""
    failed = [row.name for row in rows if not row.passed]
    head = f"Worse than {base}: {', '.join(failed)}" if failed else f"Not worse than {base}"
    return "\n".join(
        [
            f"### {head}",
            "",
            f"| | {base} | this | change | allowed | |",
            "|---|---|---|---|---|---|",
            *map(str, rows),
            "",
            str(judgement),
        ]
    )


def main(base: str) -> int:
    """Print the table; the exit status."""
    gate = load().gate
    commit = clones.commit_of(base)
    require_present()
    rows = list(quality(metrics(commit), base, gate))
    rows.append(growth("classifier, bytes", *classifier_size(commit), gate.size, ",d"))
    judgement = judge(base)
    seconds = judgement.old_seconds, judgement.new_seconds
    rows.append(growth("seconds per product", *seconds, gate.seconds, ".5f"))
    print(table(base, rows, judgement))
    return 0 if all(row.passed for row in rows) else WORSE


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("usage: make gate BASE=<revision>")
    try:
        sys.exit(main(sys.argv[1]))
    except ResultError as error:
        print(f"### No verdict\n\n{error}")  # on stdout, where a pull request's table is taken from
        sys.exit(NO_BASELINE)
    except StageError as error:
        fail("gate", error)
