"""The split: groups whole, shares kept, codes stratified, everything seeded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.listing.text import designation_key
from stages.preparation.csv_table import CatalogueError
from stages.preparation.split import near_duplicate_groups, placeholders, split

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=80)


def same(numbers: np.ndarray) -> set[frozenset[int]]:
    """The sets of positions that share a number."""
    return {frozenset(np.flatnonzero(numbers == n).tolist()) for n in np.unique(numbers)}


def grouped(titles: list[str], prints: list[str]) -> set[frozenset[int]]:
    return same(near_duplicate_groups(pd.Series(titles), pd.Series(prints)))


@pytest.mark.parametrize(
    "title",
    [
        "Été à la mer",
        "ETE A LA MER",
        "été, à-la_mer !",
        "  e\u0301te\u0301 a  la mer",
        "(Été) à la (mer)",
    ],
)
def test_titles_that_differ_in_case_accents_and_punctuation_have_one_key(title: str) -> None:
    assert designation_key(title) == "ete a la mer"


def test_titles_that_differ_in_letters_or_digits_have_different_keys() -> None:
    titles = ["mer 1", "mer 2", "mer", "mer 12", "m er", "日本", ""]
    assert len({designation_key(title) for title in titles}) == len(titles)


@given(st.text(max_size=60))
def test_a_key_is_the_key_of_itself(title: str) -> None:
    assert designation_key(designation_key(title)) == designation_key(title)


def test_an_equal_title_or_an_equal_picture_links() -> None:
    assert grouped(["a", "A!", "b", "c"], ["p", "q", "r", "r"]) == {
        frozenset({0, 1}),
        frozenset({2, 3}),
    }


def test_links_are_transitive() -> None:
    titles, prints = ["a", "a", "b", "b", "c", "d"], ["1", "2", "2", "3", "3", "4"]
    assert grouped(titles, prints) == {frozenset({0, 1, 2, 3, 4}), frozenset({5})}


def test_an_empty_title_or_picture_links_nothing() -> None:
    assert len(grouped(["", "", " - ", "x"], ["", "", "", ""])) == 4


def test_a_title_never_links_to_a_picture() -> None:
    assert len(grouped(["x", "y"], ["y", "x"])) == 2


def test_the_index_of_the_products_does_not_matter() -> None:
    index = [70, 3, 5]
    titles = pd.Series(["a", "b", "a"], index)
    assert same(near_duplicate_groups(titles, pd.Series(["", "", ""], index))) == {
        frozenset({0, 2}),
        frozenset({1}),
    }


def test_no_products_have_no_groups() -> None:
    nothing = pd.Series([], dtype=str)
    assert len(near_duplicate_groups(nothing, nothing)) == 0


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", *"uvwxyz"])), max_size=25)
)
def test_groups_are_the_finest_that_keep_every_link(pairs: list[tuple[str, str]]) -> None:
    groups = [{row} for row in range(len(pairs))]
    for row, (title, picture) in enumerate(pairs):
        linked = [
            group
            for group in groups
            if row in group
            or any(pairs[o][0] == title or (picture and pairs[o][1] == picture) for o in group)
        ]
        groups = [group for group in groups if group not in linked] + [set().union(*linked)]
    found = grouped([title for title, _ in pairs], [picture for _, picture in pairs])
    assert found == {frozenset(group) for group in groups}


def products(sizes: list[int], seed: int) -> tuple[pd.Series, np.ndarray]:
    """Groups of these sizes, each of one of three codes, in mixed order."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    codes = random.choice([10, 40, 2905], len(sizes), p=[0.6, 0.3, 0.1])[groups]
    order = random.permutation(len(groups))
    return pd.Series(codes[order]), groups[order]


@settings(max_examples=40)
@given(SIZES, SEEDS)
def test_no_group_is_divided(sizes: list[int], seed: int) -> None:
    codes, groups = products(sizes, seed)
    part = split(codes, groups, validation=0.2, test=0.3, seed=seed).part
    assert set(part) <= {"train", "validation", "test"}
    assert pd.Series(part).groupby(groups).nunique().max() == 1


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_kept_within_every_code(seed: int) -> None:
    codes, groups = products([1, 1, 1, 2, 3] * 400, seed)
    part = split(codes, groups, validation=0.12, test=0.15, seed=seed).part
    for code in codes.unique():
        of_code = part[(codes == code).to_numpy()]
        for name, share in (("test", 0.15), ("validation", 0.12), ("train", 0.73)):
            # A group of 3 may be left out at either end of a part.
            assert abs((of_code == name).sum() - share * len(of_code)) <= 3.5


def test_the_split_is_that_of_its_seed() -> None:
    codes, groups = products([1, 2] * 100, 0)
    first, again, other = (
        split(codes, groups, validation=0.1, test=0.2, seed=seed).part for seed in (5, 5, 6)
    )
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("seed", range(8))
def test_a_large_group_is_trained_on_and_starves_no_part(seed: int) -> None:
    codes = pd.Series([10] * 500 + [40] * 300)
    groups = np.concatenate([np.zeros(55, int), np.arange(1, 746)])
    parts = split(codes, groups, validation=0.12, test=0.1, seed=seed)
    assert (parts.part[:55] == "train").all()
    assert parts.large.nonzero()[0].tolist() == list(range(55))
    counts = {name: (parts.part[:500] == name).sum() for name in ("test", "validation", "train")}
    assert counts == {"test": 50, "validation": 60, "train": 390}


@settings(deadline=None, max_examples=40)
@given(SIZES, SEEDS)
def test_a_part_lacks_less_than_any_group_that_could_fill_it(sizes: list[int], seed: int) -> None:
    codes, groups = products(sizes, seed)
    parts = split(codes, groups, validation=0.2, test=0.3, seed=seed)
    table = pd.DataFrame({"code": codes, "group": groups, "part": parts.part, "large": parts.large})
    for _, of_code in table.groupby("code"):
        at_hand = of_code[(of_code["part"] == "train") & ~of_code["large"]]
        smallest = at_hand.groupby("group").size().min() if len(at_hand) else np.inf
        until_test, until_validation = round(0.3 * len(of_code)), round(0.5 * len(of_code))
        for name, share in (("test", until_test), ("validation", until_validation - until_test)):
            lacking = share - (of_code["part"] == name).sum()
            assert 0 <= lacking < smallest


def test_a_picture_under_many_titles_of_several_codes_is_a_placeholder() -> None:
    titles = pd.Series([*"abcde", *"fghij", *"kkkkk", *"lmn", "", "", *"opqrs"])
    codes = pd.Series(
        [*(1, 1, 2, 3, 3), *([1] * 5), *(1, 2, 3, 4, 5), *(1, 2, 3, 4, 5), *(1, 2, 3, 4, 5)]
    )
    prints = pd.Series(["shop"] * 5 + ["one code"] * 5 + ["one title"] * 5 + ["few"] * 5 + [""] * 5)
    found = placeholders(titles, codes, prints)
    assert set(prints[found]) == {"shop"}
    assert len(placeholders(titles[:0], codes[:0], prints[:0])) == 0


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_tiny_code_is_still_trained_on(count: int) -> None:
    codes = pd.Series([10] * 100 + [40] * count)
    for seed in range(10):
        part = split(codes, np.arange(len(codes)), validation=0.12, test=0.15, seed=seed).part
        assert (part[100:] == "train").sum() >= max(1, count - 1)


def test_a_group_with_several_codes_counts_as_its_most_frequent_one() -> None:
    codes = pd.Series([10, 40, 40] + [10] * 20)
    groups = np.array([0, 0, 0, *range(1, 21)])
    part = split(codes, groups, validation=0.2, test=0.2, seed=0).part
    # Alone in code 40, too large for a share of 3: all of it trains.
    assert part[:3].tolist() == ["train"] * 3
    assert (part[3:] == "test").sum() == 4


def test_a_part_that_would_be_empty_is_refused_by_name() -> None:
    """Four of a code give validation its product, and the test none: `evaluate` could not run."""
    codes = pd.Series([10, 10, 10, 10, 40, 50])
    parts = split(codes, np.arange(6), validation=0.12, test=0.12, seed=0)
    with pytest.raises(CatalogueError, match=r"6 labelled products .* left for test;"):
        parts.require_all()
    split(pd.Series([10] * 20), np.arange(20), validation=0.1, test=0.1, seed=0).require_all()
