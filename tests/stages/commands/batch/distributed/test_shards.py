"""Shards of a table are its rows, each once, as a table read in one piece has them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.batch.distributed.shards import Shard, chunks, divide
from stages.preparation.csv_table import CatalogueError
from stages.preparation.tables import product_chunks

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


def shards(table: str, number: int, rows: int) -> list[Shard]:
    return divide(table, number, rows, ("picture",)).shards


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
        found = shards(str(table), 3, 2 * rows)
        parts = whole(found, rows)
        with table.open("rb") as file:
            at_once = list(product_chunks(file, "t.csv", rows, ("picture",)))
    assert [shard.first for shard in found] == list(range(0, max(len(texts), 1), 2 * rows))
    assert sum(shard.rows for shard in found) == len(texts)
    assert len(parts) == len(at_once)
    for part, same in zip(parts, at_once, strict=True):
        pd.testing.assert_frame_equal(part, same)  # with the lines they begin in


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [("a", "b"), ("c", "d")])
    table.write_bytes(table.read_bytes().replace(b'\n"1"', b'\n\n \n"1"') + b"\n\n")
    found = shards(str(table), 0, 1)
    assert [shard.rows for shard in found] == [1, 1]
    assert [len(part) for part in whole(found, 1)] == [1, 1]


def test_a_quotation_mark_within_a_field_opens_nothing(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [])
    rows = [f'{number},tv 12" {number},a,1,2,\n' for number in range(5)]
    table.write_bytes(table.read_bytes() + "".join(rows).encode())
    read = pd.concat(whole(shards(str(table), 0, 2), 2))
    assert read["designation"].tolist() == [f'tv 12" {number}' for number in range(5)]


def test_a_quotation_that_is_never_closed_is_told(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [("a", "b")] * 4)
    table.write_bytes(table.read_bytes() + b'9,"open,,1,2,\n')
    with pytest.raises(CatalogueError, match=r"t\.csv: line 6: .* that is never closed"):
        whole(shards(str(table), 0, 2), 2)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_index_that_repeats_in_another_shard_is_told(kind: str, tmp_path: Path) -> None:
    rows = pd.DataFrame([[str(n % 7), "a", "b", "1", "2", "p"] for n in range(9)], columns=HEADER)
    table = tmp_path / f"t.{kind}"
    if kind == "csv":
        rows.to_csv(table, index=False)
    else:
        rows.rename(columns={"": "id"}).to_parquet(table)
    unit, first = ("line", 2) if kind == "csv" else ("row", 0)
    words = f"{unit} {first + 7}: id 0: duplicate id, first in {unit} {first}; "
    with pytest.raises(CatalogueError, match=words):
        shards(str(table), 0, 4)


def test_a_table_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [("a", "b")] * 4)
    found = shards(str(table), 0, 2)
    last = table.read_bytes().splitlines(keepends=True)[-1]
    table.write_bytes(table.read_bytes().replace(last, b" " * (len(last) - 1) + b"\n"))
    with pytest.raises(CatalogueError, match=r"t\.csv from row"):
        whole(found, 2)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'\n"2"', b'\n"2.0"', "line 4: id 2.0: not a non-negative integer"),
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
        whole(shards(str(table), 0, 2), 2)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_columns_with_leading_zeros_are_told(kind: str, tmp_path: Path) -> None:
    rows = pd.DataFrame([["0", "a", "b", "10", "2", "p"]] * 3, columns=HEADER)
    rows[""] = ["0", "1", "2"]
    rows.loc[2, "imageid"] = "02"
    rows = rows.rename(columns={"": "id"})
    table = tmp_path / f"t.{kind}"
    rows.to_csv(table, index=False) if kind == "csv" else rows.to_parquet(table)
    assert divide(str(table), 0, 2).zeros == ["imageid"]


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
    found = shards(str(tmp_path / "t.parquet"), 0, 4)
    assert [(shard.first, shard.rows) for shard in found] == [(0, 4), (4, 3)]
    read = pd.concat(whole(found, 2), ignore_index=True)
    assert read["id"].tolist() == [str(number) for number in range(7)]
    assert read["productid"].tolist() == [str(number) for number in range(1, 8)]
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
        whole(shards(str(tmp_path / "t.parquet"), 0, 4), 2)


def test_a_table_without_rows_is_one_shard_without_rows(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", [])
    [shard] = shards(str(table), 0, 4)
    assert (shard.rows, shard.name) == (0, "part-00000-000000.parquet")
    assert sum(map(len, whole([shard], 2))) == 0
    (tmp_path / "nothing.csv").touch()
    with pytest.raises(CatalogueError, match="no table in CSV"):
        whole(shards(str(tmp_path / "nothing.csv"), 0, 4), 2)


def test_a_column_that_a_table_has_twice_is_refused(tmp_path: Path) -> None:
    names = ["id", *HEADER[1:]]
    columns = [pa.array(["1"]) for _ in (*names, "designation")]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_arrays(columns, names=[*names, "designation"]), path)
    with pytest.raises(CatalogueError, match="column designation is there twice"):
        divide(str(path), 0, 2, ("picture",))
    path = tmp_path / "a.csv"
    path.write_text(",".join([*HEADER, "designation"]) + "\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="column designation is there twice"):
        divide(str(path), 0, 2, ("picture",))
