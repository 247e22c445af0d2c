"""What waits for review, in both databases: order, turns, leases, and what is forgotten."""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from serving.errors import SettingsError
from serving.review.corrections import Corrections
from serving.review.database import create_tables, open_database
from serving.review.order import ordered
from serving.review.queue import ReviewQueue
from tests.support.review import answered, postgresql, waiting


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
)
def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Of an empty database."""
    folder = tmp_path_factory.mktemp("database")
    if request.param == "sqlite":
        yield f"sqlite:///{folder / 'corrections.sqlite3'}"
        return
    if shutil.which("psql") is None:
        missing = "PostgreSQL is not installed (.ci/install)"
        pytest.fail(missing) if os.environ.get("INTEGRATION") else pytest.skip(missing)
    with postgresql(folder) as server:
        yield server


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    """The database, emptied."""
    engine = open_database(address)
    create_tables(engine)
    with engine.begin() as connection:
        for table in ("answers", "skips", "corrections"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    yield engine
    engine.dispose()


@pytest.fixture
def queue(engine: Engine) -> ReviewQueue:
    return ReviewQueue(engine, size=100, lease=300)


def decide(engine: Engine, product: str, reviewer: str = "ann", code: int = 40) -> None:
    Corrections(engine).append(answered(product), reviewer, code)


def shown(queue: ReviewQueue, engine: Engine, times: int) -> list[str]:
    """The products that one reviewer is given and decides, in order."""
    products = []
    for _ in range(times):
        given = queue.next("ann")
        assert given is not None
        products.append(given.product)
        Corrections(engine).append(given, "ann", given.answered)
    return products


def test_nothing_waits(queue: ReviewQueue) -> None:
    assert queue.next("ann") is None
    assert queue.count() == 0


def test_what_was_put_comes_back_as_it_was(queue: ReviewQueue) -> None:
    picture = bytes(range(256))
    put = waiting("a", answered="Thé ☕", picture=picture, description="<b>d</b>", identifier="7")
    queue.put([put])
    found = queue.find("a")
    assert found == put
    assert queue.find("b") is None


def test_an_answer_waits_once_and_is_not_asked_again_when_it_was_decided(
    queue: ReviewQueue, engine: Engine
) -> None:
    queue.put([waiting("a"), waiting("a")])
    assert queue.count() == 1
    decide(engine, "a")
    queue.put([waiting("a")])
    assert queue.next("ann") is None


def test_the_queue_keeps_the_order_that_was_measured(queue: ReviewQueue, engine: Engine) -> None:
    random.seed(3)
    answers = [
        waiting(
            f"{number:03}",
            answered=random.choice([10, 10, 10, 10, "toys", 40]),
            margin=random.randrange(30) / 100,
            near_duplicates=f"like {random.randrange(40)}",
            time=f"2026-01-01T00:00:0{random.randrange(10)}.000",
        )
        for number in range(60)
    ]
    queue.put(answers)
    expected = [answer.product for answer in ordered(answers)]
    firsts = len({answer.near_duplicates for answer in answers})
    # Those decided have had their turn, so each next one is that of the whole order.
    assert shown(queue, engine, firsts) == expected[:firsts]
    assert set(shown(queue, engine, len(answers) - firsts)) == set(expected[firsts:])


def test_every_fifth_is_of_the_sample(queue: ReviewQueue, engine: Engine) -> None:
    queue.put([waiting(f"u{n:02}") for n in range(20)])
    queue.put([waiting(f"s{n}", accepted=True, reason="sample", margin=0.4) for n in range(4)])
    kinds = Counter(product[0] for product in shown(queue, engine, 20))
    assert kinds == {"u": 16, "s": 4}


def test_reviewers_at_once_never_get_the_same(queue: ReviewQueue, engine: Engine) -> None:
    queue.put([waiting(f"{number:02}") for number in range(40)])
    given: list[tuple[str, str]] = []

    def review(reviewer: str) -> None:
        for _ in range(5):
            product = queue.next(reviewer)
            assert product is not None
            given.append((product.product, reviewer))
            decide(engine, product.product, reviewer)

    threads = [threading.Thread(target=review, args=(f"r{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 40
    assert len({product for product, _ in given}) == 40


def test_a_product_is_given_again_until_it_is_decided(queue: ReviewQueue) -> None:
    queue.put([waiting("a"), waiting("b")])
    first = queue.next("ann")
    assert queue.next("ann").product == first.product
    other = queue.next("ben")
    assert other.product != first.product
    assert queue.next("cem") is None


def test_a_lease_ends(engine: Engine) -> None:
    queue = ReviewQueue(engine, size=10, lease=0)
    queue.put([waiting("a")])
    assert queue.next("ann").product == queue.next("ben").product == "a"


def test_near_duplicates_are_not_given_to_two_reviewers(queue: ReviewQueue) -> None:
    queue.put([waiting("a", near_duplicates="x"), waiting("b", near_duplicates="x")])
    assert queue.next("ann") is not None
    assert queue.next("ben") is None


def test_who_skips_a_product_is_not_given_it_again(queue: ReviewQueue) -> None:
    queue.put([waiting("a")])
    queue.next("ann")
    queue.skip("a", "ann")
    queue.skip("a", "ann")
    assert queue.next("ann") is None
    assert queue.next("ben").product == "a"


def test_the_youngest_are_kept(engine: Engine) -> None:
    queue = ReviewQueue(engine, size=3, lease=300)
    queue.put([waiting(f"{n}", time=f"2026-01-01T00:00:0{n}.000") for n in range(3)])
    taken = queue.next("ann").product
    queue.put([waiting(f"{n}", time=f"2026-01-01T00:00:0{n}.000") for n in range(3, 6)])
    kept = {answer.product for answer in queue.waiting()}
    assert len(kept) == 3
    assert taken in kept
    assert "5" in kept


def test_what_is_old_is_forgotten(queue: ReviewQueue, engine: Engine) -> None:
    queue.put([waiting("old", time="2020-01-01T00:00:00.000"), waiting("new")])
    decide(engine, "old")
    assert queue.forget(90) == 1
    assert queue.find("old") is None
    assert queue.find("new") is not None
    assert Corrections(engine).latest("old") is not None


def test_text_that_is_no_database_command_is_text(queue: ReviewQueue, engine: Engine) -> None:
    hostile = "'); DROP TABLE answers; --\u2028 %s :name ?"
    queue.put([waiting("a", designation=hostile, identifier=hostile)])
    assert queue.find("a").designation == hostile
    Corrections(engine).append(answered("a", identifier=hostile), hostile[:60], hostile, hostile)
    [entry] = Corrections(engine).entries(product=hostile)
    assert (entry.code, entry.note) == (hostile, hostile)


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "corrections.sqlite3"
    create_tables(open_database(f"sqlite:///{path}"))
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "address", ["mysql://here/x", "corrections.sqlite3", "", "sqlite+nothing:///x", "unknown://x"]
)
def test_an_address_of_something_else_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="CORRECTIONS_DATABASE: expected sqlite:///file"):
        open_database(address)
