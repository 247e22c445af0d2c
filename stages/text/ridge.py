"""Ridge regression on bags of n-grams, all codes at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stages.common.parallel import in_threads
from stages.common.progress import progress
from stages.text.bags import Bags

STEPS = 32
"""Steps of the solver. With 150, one new product in a hundred gets another code, and 0.0013 more of
weighted F1 was reached on average, of 5,000 products to learn from as of 35,000; a tolerance
instead would ask for ever more steps as products become more."""

_CODES = 64  # that are solved at once: memory is that of as many, whatever the number of codes
_BAND = 2048  # rows of the kernel that are worked on at once: what is read of them stays in cache


def ridge(
    bags: Bags, labels: np.ndarray, codes: int, weights: np.ndarray, uncased: float, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares on the indicator of each code: kernel [columns, codes] and bias [codes].

    `weights` [n] is what each product counts, `uncased` the part of it that its copy in small
    letters has. The bias is not penalised. Conjugate gradients on the normal equations, many codes
    in one block (Hastie et al., 2009, "The Elements of Statistical Learning", 3.4.1; Hestenes and
    Stiefel, 1952), each n-gram eased by what it alone is determined by (Jacobi's preconditioner),
    which halves the steps. A step reads the products twice, whatever the number of codes in the
    block, so time and memory grow linearly with them. Every sum runs in the order of memory, none
    in BLAS: the result is the same on every processor.
    """
    counted = weights[:, None].astype(np.float32)
    written, small = np.float32(1 - uncased) * counted, np.float32(uncased) * counted
    eased = 1 / (bags.diagonal(written, small) + np.float32(penalty))
    kernel = np.zeros((len(bags.columns), codes), np.float32)
    bias = np.zeros(codes, np.float32)
    blocks = [slice(start, min(start + _CODES, codes)) for start in range(0, codes, _CODES)]
    steps: Iterable[int] = range(STEPS)
    if len(blocks) == 1:
        steps = progress(steps, title="ridge", unit="steps", leave=False)

    def solved(block: slice) -> tuple[np.ndarray, np.ndarray]:
        target = (labels[:, None] == np.arange(block.start, block.stop)).astype(np.float32)
        products = counted, written, small
        return _solved(bags, target, *products, eased, np.float32(penalty), steps)

    found = progress(blocks, title="ridge", unit="blocks of codes", leave=False)
    for block, solution in zip(found, in_threads(solved, blocks), strict=True):
        kernel[:, block], bias[block] = solution
    return kernel, bias


def _solved(
    bags: Bags,
    target: np.ndarray,
    counted: np.ndarray,
    written: np.ndarray,
    small: np.ndarray,
    eased: np.ndarray,
    penalty: np.float32,
    steps: Iterable[int],
) -> tuple[np.ndarray, np.ndarray]:
    """The same for the codes of one block, whose indicators are `target` [n, block]; products count
    `counted`, `written` and `small` of it in their two forms, [n, 1] each."""
    eased_bias = np.float32(1 / counted.sum(dtype=np.float64))
    kernel = np.zeros((len(bags.columns), target.shape[1]), np.float32)
    bias = _quotient(_column_sums(counted * target), _column_sums(counted))
    missing = target - bias
    left, left_bias = bags.back(written * missing, small * missing), np.zeros_like(bias)
    step, step_bias = eased * left, np.zeros_like(bias)
    bands = [slice(start, start + _BAND) for start in range(0, len(kernel), _BAND)]
    size = np.sum([_products(left[band], step[band]) for band in bands], axis=0)
    for _ in steps:
        as_written, in_small = bags.scores(step)
        as_written = written * (as_written + step_bias)
        in_small = small * (in_small + step_bias)
        image = bags.back(as_written, in_small)
        image_bias = _column_sums(as_written + in_small).astype(np.float32)
        along = (step_bias * image_bias).astype(np.float64)
        for band in bands:
            image[band] += penalty * step[band]
            along += _products(step[band], image[band])
        length = _quotient(size, along)
        bias += length * step_bias
        left_bias -= length * image_bias
        before, size = size, (eased_bias * left_bias**2).astype(np.float64)
        for band in bands:
            kernel[band] += length * step[band]
            left[band] -= length * image[band]
            size += _products(left[band], eased[band] * left[band])
        ratio = _quotient(size, before)
        step_bias = eased_bias * left_bias + ratio * step_bias
        for band in bands:
            step[band] = eased[band] * left[band] + ratio * step[band]
    return kernel, bias


def _column_sums(values: np.ndarray) -> np.ndarray:
    """Float64 [columns], row after row."""
    return values.sum(axis=0, dtype=np.float64)


def _products(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of each column of `one` and the same of `other`, row after row: float64 [columns]."""
    return np.einsum("ij,ij->j", one, other).astype(np.float64)


def _quotient(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Float32; 0 for what is solved already, such as a code without products."""
    quotient = np.divide(over, under, out=np.zeros_like(over), where=under > 0)
    return quotient.astype(np.float32)
