"""Entries as tables: what counts, what is a conflict, and that nobody is named."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from stages.commands.corrections.tables import Tables, codes, tables
from stages.sources import corrections
from tests.support import tiny
from tests.support.entries import Review, answered


@pytest.fixture
def review(tmp_path: Path) -> Review:
    return Review(tmp_path / "corrections.sqlite3")


def told(review: Review) -> Tables:
    return tables(list(review.corrections.entries()))


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_a_row_has_what_the_pipeline_needs_and_no_person(review: Review) -> None:
    picture = tiny.picture("red", "PNG")
    product = answered("Été “à la mer”,\r\n日本", "d;\n", identifier="é-1", picture=picture)
    key = review.say(2583, product, note="vu par Bob", by="Zoé Müller")
    found = told(review)
    assert rows(found.files["corrections.csv"]) == [
        {
            "product": key,
            "id": "é-1",
            "designation": "Été “à la mer”,\r\n日本",
            "description": "d;\n",
            "prdtypecode": "2583",
            "picture": f"{key}.png",
        }
    ]
    assert found.files[f"pictures/{key}.png"] == picture
    assert found.changed == 1
    for content in found.files.values():
        for secret in ("Zoé", "Müller", "Bob"):
            assert secret.encode() not in content


def test_what_is_written_is_what_is_read(review: Review, tmp_path: Path) -> None:
    review.say(2583, answered("A\rb\n'c\"", "", picture=tiny.picture("red")))
    review.say("été > mer", answered("d", "|e,;", identifier="7"))
    found = told(review)
    for name, content in found.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    read = corrections.read(tmp_path)
    assert [each.product for each in read] == sorted(each.product for each in read)
    assert {(e.designation, e.description, e.code, e.identifier) for e in read} == {
        ("A\rb\n'c\"", "", "2583", ""),
        ("d", "|e,;", "été > mer", "7"),
    }
    assert [each.picture is not None for each in read].count(True) == 1


def test_the_later_entry_of_a_reviewer_counts_and_none_takes_back(review: Review) -> None:
    key = review.say(2583)
    review.say(2705)
    assert codes(told(review).files["corrections.csv"]) == {key: "2705"}
    review.say(None)
    assert not told(review).settled
    assert rows(told(review).files["corrections.csv"]) == []


def test_reviewers_who_disagree_are_a_conflict_until_it_is_settled(review: Review) -> None:
    key = review.say(2583, by="alice")
    review.say(10, by="bob")
    found = told(review)
    assert not found.settled
    [row] = rows(found.files["conflicts.csv"])
    assert row == {"product": key, "id": "", "designation": "Piscine ronde", "codes": "10|2583"}
    assert b"alice" not in b"".join(found.files.values())
    review.say(2705, by="carol", settles=True)
    found = told(review)
    assert codes(found.files["corrections.csv"]) == {key: "2705"}
    assert rows(found.files["conflicts.csv"]) == []


def test_a_picture_is_that_of_any_entry_that_kept_it(review: Review) -> None:
    picture = tiny.picture("red")
    review.say(2583, answered(picture=picture))
    key = review.say(2583, answered(picture=picture, kept=False), by="bob")
    assert told(review).files[f"pictures/{key}.jpg"] == picture


def test_a_product_whose_content_changed_is_known_by_its_identifier(review: Review) -> None:
    """The same reviewer changed their mind; another one disagrees; a third settles it."""
    review.say(2583, answered("Piscine", identifier="7"))
    last = review.say(10, answered("Piscine ronde", identifier="7"))
    assert codes(told(review).files["corrections.csv"]) == {last: "10"}
    review.say(2705, answered("Piscine carrée", identifier="7"), by="bob")
    found = told(review)
    assert not found.settled
    assert rows(found.files["conflicts.csv"])[0]["codes"] == "10|2583|2705"
    last = review.say(10, answered("Autre", identifier="7"), by="carol", settles=True)
    assert codes(told(review).files["corrections.csv"]) == {last: "10"}


def test_equal_entries_give_equal_bytes_in_any_order_of_products(tmp_path: Path) -> None:
    products = [answered(f"Produit {number}") for number in range(5)]
    files = []
    for name, order in (("a", 1), ("b", -1)):
        review = Review(tmp_path / name)
        for product in products[::order]:
            review.say(2583, product)
        files.append(told(review).files)
    assert files[0] == files[1]
