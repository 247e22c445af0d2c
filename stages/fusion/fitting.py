"""Learning how to combine the branches, and how sure to be, from held-out logits.

Nothing here sees a product that a branch was trained on, nor a test product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from serving.classifier.fusion import Blend, BranchLogits, Ensemble, softmax
from stages.common.parallel import in_threads
from stages.common.progress import progress

GRID = np.linspace(0, 1, 101)
"""Shares that `weighted` tries."""

BIAS_PENALTY = 10.0
"""Weight of the squared bias in `stacked`, in products: the evidence it takes to move a code."""

_MIN_LOG_WEIGHT, _MAX_LOG_WEIGHT = np.log(0.02), np.log(50)
_FIRST_ENSEMBLE = np.array([np.log(1.5), 3.0, 1.0])
"""Where the search begins: a little sharper, hardly mixed."""


Fit = Callable[[BranchLogits, np.ndarray], Blend]
"""(logits of the branches, labels) -> the blend that suits them best."""


def negative_log_likelihood(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -log p(label)."""
    return _mean_loss(probabilities[np.arange(len(labels)), labels])


def _mean_loss(chosen: np.ndarray) -> float:
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


class _Chosen:
    """The probability of each label, float64 [n], under softmax(weight * logits), for many weights.

    To the bit that of the whole matrix, at half its price: a search asks hundreds of times.
    """

    def __init__(self, logits: np.ndarray, labels: np.ndarray) -> None:
        self._logits = logits
        self._most = logits.max(axis=1, keepdims=True)
        self._shifted = np.empty_like(logits)
        self._at = (np.arange(len(labels)), labels)

    def probabilities(self, weight: float) -> np.ndarray:
        """At a weight above 0."""
        np.multiply(weight, self._logits, out=self._shifted)
        np.subtract(self._shifted, weight * self._most, out=self._shifted)
        np.exp(self._shifted, out=self._shifted)
        return self._shifted[self._at] / self._shifted.sum(axis=1)


def temperature_weight(logits: np.ndarray, labels: np.ndarray) -> float:
    """The reciprocal temperature that makes `logits` [n, codes] most likely (Guo et al., 2017)."""
    chosen = _Chosen(logits, labels)
    fit = minimize_scalar(
        lambda log_weight: _mean_loss(chosen.probabilities(np.exp(log_weight))),
        bounds=(_MIN_LOG_WEIGHT, _MAX_LOG_WEIGHT),
        method="bounded",
    )
    return float(np.exp(fit.x))


def weighted(logits: BranchLogits, labels: np.ndarray) -> Blend:
    """The original system's fusion: calibrate each branch, then the share that errs least.

    Ties in accuracy go to the likelier share. A third branch is mixed with what the first two give;
    one alone has no share.
    """
    bias = (0.0,) * next(iter(logits.values())).shape[1]
    weights = {branch: temperature_weight(z, labels) for branch, z in logits.items()}

    def quality(blend: Blend) -> tuple[float, float]:
        p = blend.probabilities(logits)
        return float((p.argmax(axis=1) == labels).mean()), -negative_log_likelihood(p, labels)

    first, *others = logits
    shares = {first: 1.0}
    for other in others:
        mixtures = (
            {**{branch: share * part for branch, part in shares.items()}, other: 1 - share}
            for share in GRID.tolist()
        )
        shares = max(mixtures, key=lambda mixture: quality(Blend(weights, bias, mixture)))
    return _with_ensemble(Blend(weights, bias, shares if others else None), logits, labels)


def stacked(logits: BranchLogits, labels: np.ndarray) -> Blend:
    """The sum of weight * z over the branches, + bias, most likely on `labels`.

    BIAS_PENALTY draws the bias, one number a code, to 0: with few products it stays there.
    """
    branches = list(logits.values())
    count, codes = len(branches), branches[0].shape[1]
    rows = np.arange(len(labels))

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:count], parameters[count:]
        p = softmax(sum(w * z for w, z in zip(weights, branches, strict=True)) + bias)
        value = -np.log(np.maximum(p[rows, labels], 1e-12)).sum() + BIAS_PENALTY / 2 * bias @ bias
        p[rows, labels] -= 1
        gradient = [float((p * z).sum()) for z in branches]
        return value, np.concatenate([gradient, p.sum(axis=0) + BIAS_PENALTY * bias])

    start = [temperature_weight(z, labels) / count for z in branches] + [0.0] * codes
    bounds = [(0.0, None)] * count + [(None, None)] * codes
    fit = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights = dict(zip(logits, map(float, fit.x[:count]), strict=True))
    return _with_ensemble(Blend(weights, tuple(map(float, fit.x[count:]))), logits, labels)


def _with_ensemble(blend: Blend, logits: BranchLogits, labels: np.ndarray) -> Blend:
    """The blend with the temperature ensemble that makes `labels` most likely."""
    blended = blend.logits(logits)
    chosen = _Chosen(blended, labels)
    plain = chosen.probabilities(1.0)

    def ensemble(parameters: np.ndarray) -> Ensemble:
        shares = softmax(np.append(parameters[1:], 0.0))
        return Ensemble(float(np.exp(parameters[0])), float(shares[0]), float(shares[1]))

    def loss(parameters: np.ndarray) -> float:
        tried = ensemble(parameters)
        return _mean_loss(tried.mixed(chosen.probabilities(tried.power), plain, blended.shape[1]))

    fit = minimize(
        loss,
        _FIRST_ENSEMBLE,
        method="Nelder-Mead",
        bounds=[(_MIN_LOG_WEIGHT, _MAX_LOG_WEIGHT), (-8, 8), (-8, 8)],
        options={"xatol": 1e-3, "fatol": 1e-6},
    )
    return replace(blend, ensemble=ensemble(fit.x))


def cross_fitted(
    fit: Fit, logits: BranchLogits, labels: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """Probabilities [n, codes], each from a blend fitted without the product's own fold."""
    numbers = np.unique(fold)

    def part(rows: np.ndarray) -> BranchLogits:
        return {branch: z[rows] for branch, z in logits.items()}

    def fitted(number: int) -> Blend:
        seen = fold != number
        return fit(part(seen), labels[seen])

    p = np.zeros((len(labels), next(iter(logits.values())).shape[1]))
    blends = progress(in_threads(fitted, numbers), title="fuse", unit="folds", total=len(numbers))
    for number, blend in zip(numbers, blends, strict=True):
        unseen = fold == number
        p[unseen] = blend.probabilities(part(unseen))
    return p
