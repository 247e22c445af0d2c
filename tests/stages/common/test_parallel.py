"""Parallel work: results in the order of the items, and a bounded number of them at hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from stages.common.parallel import in_threads, processors
from tests.support.waiting import PATIENCE


def test_results_come_in_the_order_of_the_items_whoever_ends_first() -> None:
    later = threading.Event()

    def work(item: int) -> int:
        if item == 0 and processors() > 1:
            assert later.wait(PATIENCE)  # the first ends after the second
        later.set()
        return item * item

    assert list(in_threads(work, range(20))) == [item * item for item in range(20)]


def test_items_are_not_taken_far_ahead_of_their_results() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(100):
            taken += 1
            yield item

    for number, _ in enumerate(in_threads(abs, items()), start=1):
        assert taken <= number + 2 * processors()


def test_the_error_of_an_item_is_told() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda item: 1 / item, [1, 0, 2]))
