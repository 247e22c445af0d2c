"""A table that is answered must be read whole: nothing swallowed, shifted or answered twice."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import zipfile
from pathlib import Path

import pytest

from stages.preparation.csv_table import CatalogueError, CsvTable
from stages.preparation.tables import count_products, product_chunks, read_products, with_numbers

HEADER = ",designation,description,productid,imageid\n"
COLUMNS = ["designation", "description", "productid", "imageid"]
ROWS = [f"{n},Livre {n},,1{n},2{n}\n" for n in range(8)]


def refusal(tmp_path: Path, content: bytes, size: int = 3) -> str:
    """What is said of a table of products that is read `size` rows at a time."""
    path = tmp_path / "X.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogueError) as refused:
        count_products(path, "X.csv", size)
    return str(refused.value)


def test_a_quotation_mark_that_stays_open_swallows_no_product(tmp_path: Path) -> None:
    opened = '2,"Le Petit Prince,,12,22\n'
    closes = '6,Un "grand" livre,,16,26\n'
    for rows, words in (
        ([*ROWS[:2], opened, *ROWS[3:]], "line 4: .* that is never closed"),
        ([*ROWS[:2], opened, *ROWS[3:6], closes, ROWS[7]], "line 4: .* looks like further rows"),
    ):
        content = HEADER + "".join(rows)
        assert re.search(words, refusal(tmp_path, content.encode()))


def test_lines_within_quotation_marks_are_read() -> None:
    described = '0,a,"first\nsecond, with 3,4,5\n\nlast ""word""",1,2\n'
    [row, after] = CsvTable(io.StringIO(HEADER + described + ROWS[1], newline=""), COLUMNS)
    assert row.values[2] == 'first\nsecond, with 3,4,5\n\nlast "word"'
    assert (row.line, after.line) == (2, 6)


def test_an_index_that_repeats_in_a_later_chunk_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, (HEADER + "".join([*ROWS, ROWS[1]])).encode())
    assert said == "X.csv: line 10: id 1: duplicate id, first in line 3"


def test_identifiers_stay_as_they_came(tmp_path: Path) -> None:
    table = (HEADER + "007,a,,01,02\n008,b,,1,2\n").encode()
    [products] = product_chunks(io.BytesIO(table), "X.csv", 10)
    assert with_numbers(products)["id"].tolist() == ["007", "008"]


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (",,,,\n", "line 10 is empty"),
        (",,,,\n" * 30, "lines 10 to 39 are empty"),
        ("8,a,,1\n", "line 10 has 4 values of 5"),
        ("8,a,,1,2,3\n", "line 10 has 6 values of 5"),
    ],
)
def test_rows_are_counted_as_an_editor_counts_lines(tail: str, words: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, (HEADER + "".join(ROWS) + tail).encode(), 100) == f"X.csv: {words}"


def workbook() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


TABLE = (HEADER + "".join(ROWS)).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(TABLE), "compressed with gzip"),
        (bz2.compress(TABLE), "compressed with bzip2"),
        (workbook(), "an Excel workbook (.xlsx)"),
        (TABLE.decode().encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (TABLE.decode().encode("utf-16-be"), "UTF-16 without a byte order mark"),
        (TABLE.decode().encode("utf-32"), "UTF-32, not UTF-8"),
    ],
)
def test_a_file_is_known_by_its_first_bytes(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "X.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogueError) as refused:
        read_products(path, "X.csv")
    assert f"X.csv: it is {words}" in str(refused.value)
    assert "1252" not in str(refused.value)
