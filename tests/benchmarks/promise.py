"""Is the promise of acceptance kept? `make bench-promise`.

Runs the pipeline on several splits and tells, for each state, how many of the test answers were
accepted and how many of these were right; then deals the held-out products of each split out anew,
many times, to learn from some and to test on the others, which is cheap. Of another catalogue:

    python -m tests.benchmarks.promise --data ../rakuten --weights ../weights/mobilenet.h5 \
        --seeds 1 2 3

Nothing in the repository is written: stages run in temporary workspaces. Progress goes to standard
error, the tables to standard output.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binom

from serving.classifier.fusion import Branch, State
from serving.classifier.levels import Levels
from stages.common.held_out import HeldOut
from stages.common.paths import BRANCHES, HELD_OUT
from stages.common.products import columns
from stages.fusion.learning import BranchAnswers, Lesson
from tests.benchmarks.combinations import Combinations
from tests.benchmarks.quality import folder, pretrained, say, with_seed

CHANCE = 0.05
"""A split is below the promise by more than chance where so few right answers, or fewer, come with
this probability of exactly the precision that is asked."""

TESTED = 0.2
"""Share of the near-duplicate groups that are tested on when held-out products are dealt out."""


class Kept(NamedTuple):
    """What became of the answers of one state in one split."""

    state: State
    answers: int
    accepted: int
    right: int


def rows(kept: Iterable[Kept], precision: float) -> Iterator[tuple[str, ...]]:
    """A row for each state: what was asked, and what was found over all splits."""
    table = pd.DataFrame(kept, columns=Kept._fields)
    for state, of in table.groupby("state", sort=False):
        some = of[of["accepted"] > 0]
        share = of["accepted"] / of["answers"].clip(lower=1)
        right = some["right"] / some["accepted"]
        below = right < precision
        chance = binom.cdf(some["right"], some["accepted"], precision) < CHANCE
        yield (
            str(state),
            f"{precision:g}",
            str(len(of)),
            f"{of['answers'].mean():.0f}",
            spread(share),
            str(len(some)),
            spread(right) if len(some) else "–",
            f"{some['right'].sum()} of {some['accepted'].sum()}",
            str(int(below.sum())),
            str(int(chance.sum())),
        )


HEADER = (
    *("state", "asked", "splits", "products", "accepted", "with any", "right", "in all"),
    *("below", "by more than chance"),
)


def spread(values: pd.Series) -> str:
    """Mean and standard deviation."""
    return f"{values.mean():.3f} ± {values.std(ddof=0):.3f}"


def markdown(kept: Sequence[Kept], precision: float) -> str:
    """The table."""
    lines = [HEADER, tuple("---" for _ in HEADER), *rows(kept, precision)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def of_metrics(evaluation: dict[str, Any]) -> Iterator[Kept]:
    """What metrics/evaluation.json says of a split."""
    for state, of in evaluation["accepted"]["states"].items():
        yield Kept(state, of["answers"], of["accepted"], of["accepted_right"])


class Dealer:
    """The held-out products of a split, dealt out anew: learnt from, and tested on."""

    def __init__(self, products: pd.DataFrame, branches: Mapping[Branch, HeldOut]) -> None:
        self._products = products
        self._branches = branches

    def deal(self, params: dict[str, Any], seed: int) -> Iterator[Kept]:
        """One way of dealing, with groups whole."""
        groups = self._products["group"].to_numpy()
        names = np.unique(groups)
        chosen = np.random.default_rng(seed).random(len(names)) < TESTED
        apart = np.isin(groups, names[chosen])
        learnt, unseen = self._lesson(~apart, params, seed), self._lesson(apart, params, seed)
        for state, each in learnt.states().items():
            of = unseen.rows(state)
            p = each.blend.probabilities(unseen.logits("both", of))
            accepted = each.accepted(p)
            right = p.argmax(axis=1) == unseen.labels[of]
            yield Kept(state, int(of.sum()), int(accepted.sum()), int(right[accepted].sum()))

    def _lesson(self, of: np.ndarray, params: dict[str, Any], seed: int) -> Lesson:
        products = self._products[of]
        ids = products["id"].to_numpy()
        return Lesson(
            branches={b: BranchAnswers.of(held_out, ids) for b, held_out in self._branches.items()},
            labels=columns(products, sorted(set(self._products["prdtypecode"]))),
            groups=products["group"].to_numpy(),
            method=params["fusion"]["method"],
            precision=params["evaluate"]["precision"],
            certainty=params["evaluate"]["certainty"],
            by_code=params["evaluate"]["acceptance"] == "code",
            levels=Levels.of({}),
            seed=seed,
        )


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.promise", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("--data", type=folder, help="folder of another catalogue, in the layout of the challenge")
    add("--weights", type=pretrained, help="MobileNet's, which is then used for pictures")
    add("--acceptance", choices=["state", "code"], default="state", help="what has a threshold")
    add("--seeds", type=int, nargs="+", default=list(range(1, 11)), help="of the splits")
    add("--deals", type=int, default=20, help="how often each split's products are dealt out anew")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Print both tables."""
    asked = arguments(words)
    common = [f"evaluate.acceptance={asked.acceptance}"]
    if asked.data is not None:
        common += ["data=folder", f"data.path='{asked.data}'"]
    if asked.weights is not None:
        common += ["image=mobilenet", f"image.weights='{asked.weights}'"]
    kept: list[Kept] = []
    dealt: list[Kept] = []
    with tempfile.TemporaryDirectory(prefix="bench-promise-") as scratch:
        runs = Combinations(Path(scratch), common, {})
        for seed in asked.seeds:
            say(f"split {seed}")
            params = with_seed(runs.params([]), seed)
            workspace, _ = runs.run("evaluate", params)
            evaluation = json.loads((workspace / "metrics/evaluation.json").read_text("utf-8"))
            kept += of_metrics(evaluation)
            parts = (
                pd.read_parquet(workspace / f"data/prepared/{part}.parquet")
                for part in ("train", "validation")
            )
            dealer = Dealer(
                pd.concat(parts, ignore_index=True),
                {b: HeldOut.read(workspace / place / HELD_OUT) for b, place in BRANCHES.items()},
            )
            for number in range(asked.deals):
                dealt += dealer.deal(params, number)
            precision = params["evaluate"]["precision"]
            say(f"so far:\n{markdown(kept, precision)}\n{markdown(dealt, precision)}")
    print("On the test products of each split:\n")
    print(markdown(kept, precision))
    if dealt:
        print("\nOn held-out products, dealt out anew:\n")
        print(markdown(dealt, precision))
    return 0


if __name__ == "__main__":
    sys.exit(main())
