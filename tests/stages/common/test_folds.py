"""The folds: groups whole, codes alike in each, everything seeded, no product left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from stages.common.folds import folds

SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=80)


def products(sizes: list[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Groups of these sizes, each of one of three codes, in mixed order."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    codes = random.choice(3, len(sizes), p=[0.6, 0.3, 0.1])[groups]
    order = random.permutation(len(groups))
    return codes[order], groups[order]


@settings(max_examples=60)
@given(SIZES, st.integers(0, 2**32 - 1))
def test_groups_are_whole_and_every_product_has_a_fold(sizes: list[int], seed: int) -> None:
    codes, groups = products(sizes, seed)
    fold = folds(codes, groups, 3, seed)
    assert set(fold) <= {0, 1, 2}
    assert all(len(set(fold[groups == group])) == 1 for group in groups)


def test_the_folds_are_those_of_their_seed() -> None:
    codes, groups = products([1, 2] * 100, 0)
    first, again, other = (folds(codes, groups, 4, seed) for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("seed", range(3))
def test_folds_are_of_nearly_equal_size_within_every_code(seed: int) -> None:
    codes = np.repeat([10, 40, 50], [100, 37, 4])
    fold = folds(codes, np.arange(len(codes)), 5, seed)
    for code in (10, 40, 50):
        counts = np.bincount(fold[codes == code], minlength=5)
        assert counts.max() - counts.min() <= 1
    counts = np.bincount(fold, minlength=5)
    assert counts.max() - counts.min() <= 3


@pytest.mark.parametrize("count", [2, 5, 20])
def test_a_catalogue_of_a_few_products_fills_every_fold_it_can(count: int) -> None:
    codes = np.arange(count) % 2
    fold = folds(codes, np.arange(count), 5, seed=1)
    assert len(set(fold)) == min(count, 5)


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_the_folds_are_those_of_scikit_learn(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = random.integers(0, 900, 1200)
    codes = random.choice(27, 1200, p=random.dirichlet(np.ones(27)))
    expected = np.zeros(len(codes), int)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(codes, codes, groups)):
        expected[held_out] = number
    assert (folds(codes, groups, count, seed) == expected).all()
