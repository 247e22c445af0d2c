"""Learning how to combine the branches, and how sure to be, from held-out logits.

Nothing here sees a product that a branch was trained on, nor a test product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from serving.classifier.fusion import Blend, Ensemble, softmax

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
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def temperature_weight(logits: np.ndarray, labels: np.ndarray) -> float:
    """The reciprocal temperature that makes `logits` [n, codes] most likely (Guo et al., 2017)."""
    found = minimize_scalar(
        lambda log_weight: negative_log_likelihood(softmax(np.exp(log_weight) * logits), labels),
        bounds=(_MIN_LOG_WEIGHT, _MAX_LOG_WEIGHT),
        method="bounded",
    )
    return float(np.exp(found.x))


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
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weight = [0.0, 0.0]
    for (_, position), value in zip(branches, found.x[:count], strict=True):
        weight[position] = float(value)
    blend = Blend(weight[0], weight[1], bias=tuple(map(float, found.x[count:])))
    return _with_ensemble(blend, text, image, labels)


def calibrated(text: np.ndarray, image: np.ndarray, labels: np.ndarray) -> Blend:
    """One branch alone (the other's logits are all 0), with its temperature."""
    weights = [temperature_weight(z, labels) if z.any() else 0.0 for z in (text, image)]
    blend = Blend(weights[0], weights[1], bias=(0.0,) * text.shape[1])
    return _with_ensemble(blend, text, image, labels)


def _with_ensemble(blend: Blend, text: np.ndarray, image: np.ndarray, labels: np.ndarray) -> Blend:
    """The blend with the temperature ensemble that makes `labels` most likely."""
    logits = blend.logits(text, image)

    def ensemble(parameters: np.ndarray) -> Ensemble:
        shares = softmax(np.append(parameters[1:], 0.0))
        return Ensemble(float(np.exp(parameters[0])), float(shares[0]), float(shares[1]))

    found = minimize(
        lambda parameters: negative_log_likelihood(
            ensemble(parameters).probabilities(logits), labels
        ),
        _FIRST_ENSEMBLE,
        method="Nelder-Mead",
        bounds=[(_MIN_LOG_WEIGHT, _MAX_LOG_WEIGHT), (-8, 8), (-8, 8)],
        options={"xatol": 1e-3, "fatol": 1e-6},
    )
    return replace(blend, ensemble=ensemble(found.x))


def cross_fitted(
    fit: Fit,
    text: np.ndarray,
    image: np.ndarray,
    labels: np.ndarray,
    fold: np.ndarray,
) -> np.ndarray:
    """Probabilities [n, codes], each from a blend fitted without the product's own fold."""
    p = np.zeros(text.shape)
    for number in np.unique(fold):
        seen, unseen = fold != number, fold == number
        p[unseen] = fit(text[seen], image[seen], labels[seen]).probabilities(
            text[unseen], image[unseen]
        )
    return p
