"""What reviewers said: appended, settled, measured, exported and deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from serving.classifier.prediction import Product
from serving.listing.labels import Code
from serving.review.__main__ import main
from serving.review.corrections import Corrections
from serving.review.database import create_tables, open_database
from serving.review.precision import Precision, sample_of
from serving.review.queue import ReviewQueue
from serving.review.recording import near_duplicates, storable
from serving.review.settling import valid
from tests.support.review import answered, waiting


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'corrections.sqlite3'}"


@pytest.fixture
def corrections(address: str) -> Corrections:
    engine = open_database(address)
    create_tables(engine)
    return Corrections(engine)


def settled(corrections: Corrections) -> dict[str, Code]:
    return {one.product: one.code for one in valid(corrections.entries())[0]}


def conflicts(corrections: Corrections) -> dict[str, list[str]]:
    return {
        one.product: [entry.reviewer for entry in one.entries]
        for one in valid(corrections.entries())[1]
    }


def test_entries_come_in_their_order(corrections: Corrections) -> None:
    numbers = [corrections.append(answered(product), "ann", 10) for product in ("b", "a", "b")]
    assert numbers == sorted(numbers)
    assert [entry.product for entry in corrections.entries()] == ["b", "a", "b"]
    assert [entry.number for entry in corrections.entries(numbers[0])] == numbers[1:]
    assert corrections.latest("b").number == numbers[2]
    assert corrections.latest("c") is None


def test_of_one_reviewer_the_latest_counts(corrections: Corrections) -> None:
    for code in (10, 40, "toys"):
        corrections.append(answered("a"), "ann", code)
    assert settled(corrections) == {"a": "toys"}
    assert not conflicts(corrections)


def test_what_is_taken_back_was_never_said(corrections: Corrections) -> None:
    corrections.append(answered("a"), "ann", 10)
    corrections.append(answered("a"), "ann", None)
    assert settled(corrections) == {}
    corrections.append(answered("a"), "ben", 40)
    assert settled(corrections) == {"a": 40}


def test_reviewers_who_disagree_are_a_conflict_until_one_gives_in(
    corrections: Corrections,
) -> None:
    corrections.append(answered("a"), "ann", 10)
    corrections.append(answered("a"), "ben", 40)
    corrections.append(answered("b"), "ben", 40)
    assert settled(corrections) == {"b": 40}
    assert conflicts(corrections) == {"a": ["ann", "ben"]}
    corrections.append(answered("a"), "ann", 40)
    assert settled(corrections) == {"a": 40, "b": 40}


def test_a_word_that_settles_outvotes_those_before_it(corrections: Corrections) -> None:
    corrections.append(answered("a"), "ann", 10)
    corrections.append(answered("a"), "ben", 40)
    corrections.append(answered("a"), "cem", 10, settles=True)
    assert settled(corrections) == {"a": 10}
    corrections.append(answered("a"), "ben", 40)
    assert conflicts(corrections) == {"a": ["cem", "ben"]}


def test_a_number_is_no_text(corrections: Corrections) -> None:
    corrections.append(answered("a"), "ann", 10)
    corrections.append(answered("a"), "ben", "10")
    assert list(conflicts(corrections)) == ["a"]


def test_the_precision_is_that_of_the_sample_alone(corrections: Corrections) -> None:
    def said(product: str, right: bool, **changes: Any) -> None:
        about: dict[str, Any] = {"accepted": True, "reason": "sample", "model": "m.dir", **changes}
        corrections.append(answered(product, **about), "ann", 10 if right else 40)

    for number in range(9):
        said(f"right {number}", True)
    said("wrong", False)
    said("found by somebody", False, reason="asked")
    said("not accepted", False, accepted=False, reason="uncertain")
    said("of another model", False, model="n.dir")
    assert sample_of(corrections.sample("m.dir"), "m.dir").precision == Precision(9, 10)
    assert sample_of(corrections.entries(), "m.dir").precision == Precision(9, 10)
    # Whoever speaks about a product of the sample later counts, whatever brought it there.
    about = answered("right 0", accepted=True, reason="asked", model="m.dir")
    corrections.append(about, "ben", 40)
    found = sample_of(corrections.sample("m.dir"), "m.dir")
    assert (found.precision, found.disputed) == (Precision(8, 9), 1)


def test_the_interval_is_that_of_wilson() -> None:
    # 9 of 10: as scipy.stats.binomtest(9, 10).proportion_ci(0.95, "wilson") has it.
    assert Precision(9, 10).interval == pytest.approx((0.5958500, 0.9821238))
    assert Precision(0, 0).interval == (0, 1)
    assert Precision(0, 5).interval[0] == pytest.approx(0)


def run(monkeypatch: pytest.MonkeyPatch, address: str, *arguments: str, expected: int = 0) -> None:
    monkeypatch.setenv("CORRECTIONS_DATABASE", address)
    assert main(arguments) == expected


def test_a_person_and_a_product_can_be_exported_and_deleted(
    corrections: Corrections,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    queue = ReviewQueue(open_database(address), size=10, lease=300)
    queue.put([waiting("a", identifier="17"), waiting("b", designation="très secret")])
    for reviewer in ("ann", "ben"):
        corrections.append(answered("a", identifier="17"), reviewer, 10, "note")
    corrections.append(answered("b", designation="très secret"), "ann", 40)
    run(monkeypatch, address, "export", "--reviewer", "ann")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["product"], line["reviewer"]) for line in lines] == [("a", "ann"), ("b", "ann")]
    run(monkeypatch, address, "delete", "--reviewer", "ann")
    assert [entry.reviewer for entry in corrections.entries()] == ["ben"]
    assert b"ann" not in (tmp_path / "corrections.sqlite3").read_bytes()
    run(monkeypatch, address, "delete", "--product", "17")
    assert list(corrections.entries()) == []
    assert queue.find("a") is None
    run(monkeypatch, address, "delete", "--product", "b")
    assert queue.count() == 0


def test_a_database_that_is_none_is_named_without_what_it_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "no database").write_bytes(b"something else" * 100)
    run(monkeypatch, f"sqlite:///{tmp_path / 'no database'}", "export", expected=1)
    assert capsys.readouterr().err == "error: CORRECTIONS_DATABASE: DatabaseError\n"


def test_keys_tell_products_apart_by_what_they_show() -> None:
    same = [Product("a", "b", b"c", identifier) for identifier in (None, 1, "x")]
    assert len({product.key for product in same}) == 1
    others = [Product("ab"), Product("a", "b"), Product(None, "ab"), Product("a", None, b"b")]
    assert len({product.key for product in (*others, *same)}) == 5
    assert Product("\ud800").key != Product("?").key


def test_near_duplicates_share_their_words() -> None:
    assert near_duplicates(Product("L'été  à la MER!")) == near_duplicates(
        Product("l ete a la mer")
    )
    assert near_duplicates(Product(None, "x", b"p")) == near_duplicates(Product("  ", "y", b"p"))
    assert near_duplicates(Product(None, "x")) != near_duplicates(Product(None, "y"))


def test_texts_are_kept_as_databases_take_them() -> None:
    assert storable("a\0b\ud800") == "ab?"
    assert storable("x" * 50_000) == "x" * 10_000
    assert storable(None) is None
