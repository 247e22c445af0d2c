"""Learning how to combine the branches, and how sure to be, from held-out logits.

Nothing here sees a product that a branch was trained on, nor a test product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from serving.classifier.fusion import Blend, Ensemble, softmax
from stages.common.parallel import in_threads
from stages.common.progress import progress

GRID = np.linspace(0, 1, 101)
"""Shares of the text that `weighted` tries."""

BIAS_PENALTY = 10.0
"""Weight of the squared bias in `stacked`, in products: the evidence it takes to move a code."""

_MIN_LOG_WEIGHT, _MAX_LOG_WEIGHT = np.log(0.02), np.log(50)
_FIRST_ENSEMBLE = np.array([np.log(1.5), 3.0, 1.0])
"""Where the search begins: a little sharper, hardly mixed."""


Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Blend]
"""(text logits, image logits, labels) -> the blend that suits them best."""


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


def weighted(text: np.ndarray, image: np.ndarray, labels: np.ndarray) -> Blend:
    """The original system's fusion: calibrate each branch, then the share that errs least.

    Ties in accuracy go to the likelier share.
    """
    codes = text.shape[1]
    weights = temperature_weight(text, labels), temperature_weight(image, labels)

    def at(share: float) -> Blend:
        return Blend(*weights, bias=(0.0,) * codes, share=share)

    def quality(share: float) -> tuple[float, float]:
        p = at(share).probabilities(text, image)
        return float((p.argmax(axis=1) == labels).mean()), -negative_log_likelihood(p, labels)

    return _with_ensemble(at(float(max(GRID, key=quality))), text, image, labels)


def stacked(text: np.ndarray, image: np.ndarray, labels: np.ndarray) -> Blend:
    """a * z_text + b * z_image + bias, most likely on `labels`.

    A branch whose logits are all 0 gets weight 0. BIAS_PENALTY draws the bias, one number a code,
    to 0: with few products it stays there.
    """
    branches = [(z, i) for i, z in enumerate((text, image)) if z.any()]
    count = len(branches)
    rows = np.arange(len(labels))

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:count], parameters[count:]
        p = softmax(sum(w * z for w, (z, _) in zip(weights, branches, strict=True)) + bias)
        value = -np.log(np.maximum(p[rows, labels], 1e-12)).sum() + BIAS_PENALTY / 2 * bias @ bias
        p[rows, labels] -= 1
        gradient = [float((p * z).sum()) for z, _ in branches]
        return value, np.concatenate([gradient, p.sum(axis=0) + BIAS_PENALTY * bias])

    start = [temperature_weight(z, labels) / count for z, _ in branches] + [0.0] * text.shape[1]
    bounds = [(0.0, None)] * count + [(None, None)] * text.shape[1]
    fit = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weight = [0.0, 0.0]
    for (_, position), value in zip(branches, fit.x[:count], strict=True):
        weight[position] = float(value)
    blend = Blend(weight[0], weight[1], bias=tuple(map(float, fit.x[count:])))
    return _with_ensemble(blend, text, image, labels)


def calibrated(text: np.ndarray, image: np.ndarray, labels: np.ndarray) -> Blend:
    """One branch alone (the other's logits are all 0), with its temperature."""
    weights = [temperature_weight(z, labels) if z.any() else 0.0 for z in (text, image)]
    blend = Blend(weights[0], weights[1], bias=(0.0,) * text.shape[1])
    return _with_ensemble(blend, text, image, labels)


def _with_ensemble(blend: Blend, text: np.ndarray, image: np.ndarray, labels: np.ndarray) -> Blend:
    """The blend with the temperature ensemble that makes `labels` most likely."""
    logits = blend.logits(text, image)
    chosen = _Chosen(logits, labels)
    plain = chosen.probabilities(1.0)

    def ensemble(parameters: np.ndarray) -> Ensemble:
        shares = softmax(np.append(parameters[1:], 0.0))
        return Ensemble(float(np.exp(parameters[0])), float(shares[0]), float(shares[1]))

    def loss(parameters: np.ndarray) -> float:
        tried = ensemble(parameters)
        return _mean_loss(tried.mixed(chosen.probabilities(tried.power), plain, logits.shape[1]))

    fit = minimize(
        loss,
        _FIRST_ENSEMBLE,
        method="Nelder-Mead",
        bounds=[(_MIN_LOG_WEIGHT, _MAX_LOG_WEIGHT), (-8, 8), (-8, 8)],
        options={"xatol": 1e-3, "fatol": 1e-6},
    )
    return replace(blend, ensemble=ensemble(fit.x))


def cross_fitted(
    fit: Fit,
    text: np.ndarray,
    image: np.ndarray,
    labels: np.ndarray,
    fold: np.ndarray,
) -> np.ndarray:
    """Probabilities [n, codes], each from a blend fitted without the product's own fold."""
    numbers = np.unique(fold)

    def fitted(number: int) -> Blend:
        seen = fold != number
        return fit(text[seen], image[seen], labels[seen])

    p = np.zeros(text.shape)
    blends = progress(in_threads(fitted, numbers), title="fuse", unit="folds", total=len(numbers))
    for number, blend in zip(numbers, blends, strict=True):
        unseen = fold == number
        p[unseen] = blend.probabilities(text[unseen], image[unseen])
    return p
