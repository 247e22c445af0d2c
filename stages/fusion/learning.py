"""What each state learns from held-out products, and what it does when there are too few of them.

A state is what a product has (serving.classifier.fusion), whichever products were held out. It is
learnt from products of exactly that state where there are ENOUGH; else, for a text or a picture
alone, from all that its branches answered. With fewer than LEAST groups of products, both together
are answered as the better calibrated one, and one alone as it was trained, which is never accepted.
From which confidence on an answer is accepted is told by stages.fusion.acceptance, and for each
code by stages.fusion.acceptance_by_code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from serving.classifier.fusion import READS, Blend, Branch, BranchLogits, State, least_confidence
from serving.classifier.levels import Levels
from stages.common.folds import folds
from stages.common.held_out import HeldOut
from stages.fusion import fitting
from stages.fusion.acceptance import NEVER, acceptance_threshold
from stages.fusion.acceptance_by_code import thresholds_by_code
from stages.fusion.acceptance_by_level import thresholds_by_level

ENOUGH = 200
"""Near-duplicate groups of exactly one state from which on that state is learnt from them alone:
fewer cannot prove what is asked. At a precision of 0.95 and a certainty of 0.9 the surest 59 must
be right without an error, which of answers of middling quality is to be had among the surest third
and hardly among the surest half."""

LEAST = 30
"""Near-duplicate groups from which on something is learnt: with 20 products, a fusion of branches
whose accuracies are 0.7 and 0.4 is no better on fresh products than the better branch (log loss
1.08 and 1.07, of simulated logits for 27 codes); with 30 it is (0.63)."""

AS_TRAINED = "too few products: as trained"
"""What is said of a branch that could not be calibrated."""

_FOLDS = 5
_WORDS: dict[State, str] = {"text": "text", "image": "picture"}
_MODALITIES: tuple[State, ...] = ("text", "image")


@dataclass(frozen=True)
class BranchAnswers:
    """What a branch says of n products.

    `logits`, float [n, codes], are 0 where it is not `answered`, bool [n]; `visible`, bool [n],
    tells which products the branch can see, answered or not.
    """

    logits: np.ndarray
    answered: np.ndarray
    visible: np.ndarray

    @classmethod
    def of(cls, held_out: HeldOut, rows: np.ndarray) -> BranchAnswers:
        """For the products with ids `rows`."""
        order = np.argsort(held_out.rows, kind="stable")
        place = np.searchsorted(held_out.rows[order], rows)
        place = order[np.minimum(place, len(order) - 1)] if len(order) else place * 0
        answered = np.isin(rows, held_out.rows)
        logits = np.zeros((len(rows), held_out.logits.shape[1]))
        logits[answered] = held_out.logits[place[answered]]
        return cls(logits, answered, np.isin(rows, held_out.visible))


@dataclass(frozen=True)
class Learnt:
    """How one state is answered, from which confidence on an answer is accepted, and the figures
    that say what this rests on: `products` and, in words, `learnt_from`.

    `own` are, by column, the thresholds that stand in the place of `threshold` for their code;
    `levels` those of the levels above codes, the most general first.
    """

    blend: Blend
    threshold: float
    figures: dict[str, Any]
    own: Mapping[int, float] = field(default_factory=dict)
    levels: tuple[float, ...] = ()

    def accepted(self, p: np.ndarray) -> np.ndarray:
        """Bool [n]: which answers of this state, probabilities [n, codes], are accepted."""
        least = least_confidence(self.threshold, self.own, p.shape[1])
        return p.max(axis=1) >= least[p.argmax(axis=1)]


@dataclass(frozen=True)
class Lesson:
    """The held-out products of all states, with what is asked of every fit.

    `labels` are columns of the probability matrix and `groups` near-duplicate groups, both [n].
    `by_code` asks for a threshold for each code that proves one; `levels` are those of the codes.
    """

    branches: Mapping[Branch, BranchAnswers]
    labels: np.ndarray
    groups: np.ndarray
    method: str
    precision: float
    certainty: float
    by_code: bool
    levels: Levels
    seed: int

    def states(self) -> dict[State, Learnt]:
        """Every state that the branches at hand can answer."""
        learnt: dict[State, Learnt] = {}
        for state in _MODALITIES:
            if self._branches(state):
                learnt[state] = self._alone(state)
        if len(learnt) == len(_MODALITIES):
            learnt["both"] = self._both(learnt)
        return learnt

    def rows(self, state: State) -> np.ndarray:
        """Bool [n]: the products of exactly this state that all its branches answered."""
        rows = self._answered(state)
        for other in _MODALITIES:
            if state not in (other, "both"):
                rows &= ~self._visible(other)
        return rows

    def logits(self, state: State, rows: np.ndarray) -> BranchLogits:
        """Of the branches that answer this state."""
        return {branch: self.branches[branch].logits[rows] for branch in self._branches(state)}

    def _branches(self, state: State) -> list[Branch]:
        return [
            branch
            for branch, answers in self.branches.items()
            if state in (READS[branch], "both") and answers.visible.any()
        ]

    def _answered(self, state: State) -> np.ndarray:
        return np.all([self.branches[branch].answered for branch in self._branches(state)], axis=0)

    def _visible(self, state: State) -> np.ndarray:
        nothing = np.zeros(len(self.labels), bool)
        return np.any(
            [nothing, *(self.branches[branch].visible for branch in self._branches(state))], axis=0
        )

    def _alone(self, state: State) -> Learnt:
        """One modality, on the products that have nothing else where there are enough of them."""
        exactly, answered = self.rows(state), self._answered(state)
        if self._groups(exactly) >= ENOUGH:
            return self._learn(state, exactly, "products of this state")
        if self._groups(answered) >= LEAST:
            return self._learn(state, answered, f"all products with a {_WORDS[state]}")
        branches = self._branches(state)
        codes = self.branches[branches[0]].logits.shape[1]
        blend = Blend(dict.fromkeys(branches, 1 / len(branches)), (0.0,) * codes)
        return Learnt(blend, NEVER, self._figures(answered, AS_TRAINED, blend, NEVER))

    def _both(self, alone: dict[State, Learnt]) -> Learnt:
        rows = self.rows("both")
        if self._groups(rows) >= LEAST:
            return self._learn("both", rows, "products of this state")
        better = min(_MODALITIES, key=lambda state: alone[state].figures.get("log_loss", np.inf))
        answered = alone[better]
        words = f"too few products: as a {_WORDS[better]} alone"
        figures = self._figures(rows, words, answered.blend, answered.threshold)
        return replace(answered, figures=figures)

    def _groups(self, rows: np.ndarray) -> int:
        return len(np.unique(self.groups[rows]))

    def _learn(self, state: State, rows: np.ndarray, words: str) -> Learnt:
        fit = fitting.stacked if self.method == "stacked" else fitting.weighted
        logits = self.logits(state, rows)
        labels = self.labels[rows]
        groups = self.groups[rows]
        blend = fit(logits, labels)
        fold = folds(labels, groups, _FOLDS, self.seed)
        p = fitting.cross_fitted(fit, logits, labels, fold)
        confidence, answered = p.max(axis=1), p.argmax(axis=1)
        right = answered == labels
        asked = (confidence, right, groups, self.precision, self.certainty)
        own: Mapping[int, float] = {}
        if self.by_code:
            threshold, own = thresholds_by_code(answered, *asked)
        else:
            threshold = acceptance_threshold(*asked)
        learnt = Learnt(blend, threshold, self._figures(rows, words, blend, threshold), own)
        accepted = learnt.accepted(p)
        scores = {
            "accuracy": float(right.mean()),
            "log_loss": fitting.negative_log_likelihood(p, labels),
            "accepted": int(accepted.sum()),
            "accepted_right": int(right[accepted].sum()),
        }
        if self.by_code:
            scores["codes_with_own_threshold"] = len(own)
        above = thresholds_by_level(
            self.levels, p, accepted, labels, groups, self.precision, self.certainty
        )
        return replace(learnt, figures={**learnt.figures, **scores}, levels=above)

    def _figures(
        self, rows: np.ndarray, words: str, blend: Blend, threshold: float
    ) -> dict[str, Any]:
        return {
            "products": int(rows.sum()),
            "groups": self._groups(rows),
            "learnt_from": words,
            **{f"{branch}_weight": weight for branch, weight in blend.weights.items()},
            "threshold": threshold,
        }
