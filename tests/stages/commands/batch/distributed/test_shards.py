"""Shards of a table are its rows, each once, as a table read in one piece has them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.batch.distributed.shards import Shard, chunks, shards
from stages.preparation.tables import CatalogueError, product_chunks

HEADER = ["", "designation", "description", "productid", "imageid", "picture"]
TEXTS = st.text(st.sampled_from("ab é\",;\n\r\t'€"), max_size=8)


def written(path: Path, texts: list[tuple[str, str]], terminator: str = "\n") -> Path:
    rows = io.StringIO(newline="")
    table = csv.writer(rows, lineterminator=terminator, quoting=csv.QUOTE_ALL)
    table.writerow(HEADER)
    for number, (title, body) in enumerate(texts):
        table.writerow([number, title, body, number + 1, number + 2, f"{number}.jpg"])
    path.write_bytes(b"\xef\xbb\xbf" + rows.getvalue().encode())
    return path


def whole(found: list[Shard], chunk: int) -> list[pd.DataFrame]:
    return [rows for shard in found for rows in chunks(shard, chunk, ("picture",))]


@pytest.mark.slow
@given(
    st.lists(st.tuples(TEXTS, TEXTS), max_size=9),
    st.integers(1, 4),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_in_shards_is_the_table(
    texts: list[tuple[str, str]], rows: int, terminator: str
) -> None:
    with TemporaryDirectory() as folder:
        table = written(Path(folder) / "t.csv", texts, terminator)
        found = list(shards(str(table), 3, 2 * rows))
        parts = whole(found, rows)
        at_once = list(product_chunks(table, "t.csv", rows, ("picture",)))
    assert [shard.first for shard in found] == list(range(0, max(len(texts), 1), 2 * rows))
    assert sum(shard.rows for shard in found) == len(texts)
    assert [part.to_numpy().tolist() for part in parts if len(part)] == [
        part.to_numpy().tolist() for part in at_once if len(part)
    ]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [("a", "b"), ("c", "d")])
    table.write_bytes(table.read_bytes().replace(b'\n"1"', b'\n\n \n"1"') + b"\n\n")
    found = list(shards(str(table), 0, 1))
    assert [shard.rows for shard in found] == [1, 1]
    assert [len(part) for part in whole(found, 1)] == [1, 1]


def test_a_quotation_mark_within_a_field_opens_nothing(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [])
    rows = [f'{number},tv 12" {number},a,1,2,\n' for number in range(5)]
    table.write_bytes(table.read_bytes() + "".join(rows).encode())
    read = pd.concat(whole(list(shards(str(table), 0, 2)), 2))
    assert read["designation"].tolist() == [f'tv 12" {number}' for number in range(5)]


def test_a_quotation_that_is_never_closed_is_told(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [("a", "b")] * 4)
    table.write_bytes(table.read_bytes() + b'9,"open,,1,2,\n')
    with pytest.raises(CatalogueError, match=r"t\.csv"):
        whole(list(shards(str(table), 0, 2)), 2)


def test_a_table_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [("a", "b")] * 4)
    found = list(shards(str(table), 0, 2))
    written(table, [("a\n", "b")] * 3 + [("", "")])
    with pytest.raises(CatalogueError, match=r"t\.csv from row"):
        whole(found, 2)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'\n"2"', b'\n"2.0"', "from row 2 on: row 0: id 2.0: not a non-negative integer"),
        (b"imageid", b"image", "column imageid is missing"),
        (b'"a"', b'"\xe9"', "it is not UTF-8"),
    ],
)
def test_a_bad_table_is_told_in_the_words_of_a_run_of_one_process(
    old: bytes, new: bytes, words: str, tmp_path: Path
) -> None:
    table = written(tmp_path / "t.csv", [("a", "b")] * 4)
    table.write_bytes(table.read_bytes().replace(old, new))
    with pytest.raises(CatalogueError, match=words):
        whole(list(shards(str(table), 0, 2)), 2)


@pytest.mark.parametrize("group", [1, 3, 100])
def test_parquet_is_read_as_text_wherever_its_groups_of_rows_begin(
    group: int, tmp_path: Path
) -> None:
    rows = pd.DataFrame(
        {
            "productid": range(1, 8),
            "imageid": [str(number) for number in range(2, 9)],
            "designation": ["un", None, "", "deux", "é", '"', "trois"],
            "description": None,
            "id": range(7),
            "picture": "p.jpg",
            "more": 1.5,
        }
    )
    rows.to_parquet(tmp_path / "t.parquet", row_group_size=group)
    found = list(shards(str(tmp_path / "t.parquet"), 0, 4))
    assert [(shard.first, shard.rows) for shard in found] == [(0, 4), (4, 3)]
    read = pd.concat(whole(found, 2), ignore_index=True)
    assert read["id"].tolist() == list(range(7))
    assert read["productid"].tolist() == list(range(1, 8))
    assert read["designation"].tolist() == ["un", "", "", "deux", "é", '"', "trois"]
    assert read["description"].tolist() == [""] * 7


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"id": [1]}, "column designation, description, productid, imageid, picture is missing"),
        ({"id": [[1]], "imageid": [1], "productid": [1]}, "column id is list"),
        ({"id": [1.5], "imageid": [1], "productid": [1]}, "id 1.5: not a non-negative integer"),
    ],
)
def test_parquet_that_is_no_catalogue_is_told(
    rows: dict[str, list[object]], words: str, tmp_path: Path
) -> None:
    texts = {} if len(rows) == 1 else dict.fromkeys(("designation", "description", "picture"), "a")
    pd.DataFrame({**rows, **texts}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(CatalogueError, match=words):
        whole(list(shards(str(tmp_path / "t.parquet"), 0, 4)), 2)


def test_a_table_without_rows_is_one_shard_without_rows(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [])
    [shard] = shards(str(table), 0, 4)
    assert (shard.rows, shard.name) == (0, "part-00000-000000.parquet")
    assert sum(map(len, whole([shard], 2))) == 0
    (tmp_path / "nothing.csv").touch()
    with pytest.raises(CatalogueError, match="no table in CSV"):
        whole(list(shards(str(tmp_path / "nothing.csv"), 0, 4)), 2)
