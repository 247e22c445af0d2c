"""A table is read as it is described, or told what it is instead."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from stages.common.settings import Encoding, Separator
from stages.sources.tables import reading
from stages.sources.transfer import SourceError

COLUMNS = ["ref", "nom", "rayon"]
ROWS = [["a", "Fauteuil d'été", "10"], ["b", 'Livre "neuf";\nrare', "2705"]]
PLAIN = 'ref,x,nom,rayon\na,1,"Fauteuil d\'été",10\nb,2,"Livre ""neuf"";\nrare",2705\n'


def table(
    path: Path,
    encoding: Encoding = "utf-8",
    separator: Separator = "comma",
    columns: list[str] = COLUMNS,
) -> pd.DataFrame:
    return reading.read(path, path.name, columns, encoding, separator)


def refusal(path: Path, **how: object) -> str:
    with pytest.raises(SourceError) as refused:
        table(path, **how)  # type: ignore[arg-type]
    assert str(refused.value).startswith(path.name)
    return str(refused.value)


def with_separator(sign: str) -> str:
    return PLAIN.replace(",", sign).replace('""neuf"";', '""neuf"";')


@pytest.mark.parametrize(
    ("name", "content", "encoding", "separator"),
    [
        ("t.csv", PLAIN.encode(), "utf-8", "comma"),
        ("t.csv", PLAIN.replace("\n", "\r\n").encode("utf-8-sig"), "utf-8", "comma"),
        ("t.CSV", with_separator(";").encode("latin-1"), "latin-1", "semicolon"),
        ("t.tsv", with_separator("\t").encode("cp1252"), "windows-1252", "tab"),
        ("t.txt", with_separator("|").encode("iso-8859-15"), "iso-8859-15", "bar"),
        ("t.csv", PLAIN.encode("utf-16"), "utf-16", "comma"),
        ("t.csv", PLAIN.encode("utf-16-be"), "utf-16", "comma"),
        ("t.csv", PLAIN.encode("utf-16-le"), "utf-16", "comma"),
        ("t.csv.gz", gzip.compress(PLAIN.encode(), mtime=0), "utf-8", "comma"),
    ],
)
def test_every_encoding_and_separator_gives_the_same_rows(
    name: str, content: bytes, encoding: Encoding, separator: Separator, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    found = table(tmp_path / name, encoding, separator)
    assert [
        [value.replace("\r\n", "\n") for value in row] for row in found[COLUMNS].to_numpy().tolist()
    ] == ROWS
    assert found["fault"].tolist() == ["", ""]


def test_json_lines_and_parquet_give_the_texts_of_a_csv(tmp_path: Path) -> None:
    rows = [
        {"ref": "007", "nom": "été \ud83d\ude00", "rayon": 10, "prix": 1.50, "photo": ["a", "b"]},
        {"ref": 12345678901234567890, "nom": None, "rayon": 2705.0, "photo": []},
        {"ref": True, "rayon": None, "nom": "\ud800"},
    ]
    lines = "\n\n".join(map(json.dumps, rows))
    (tmp_path / "t.jsonl").write_text(lines, encoding="utf-8")
    found = table(tmp_path / "t.jsonl", columns=[*COLUMNS, "prix", "photo"])
    assert found["ref"].tolist() == ["007", "12345678901234567890", "true"]
    assert found["nom"].tolist() == ["été 😀", "", "?"]
    assert reading.whole(found["rayon"]).tolist() == ["10", "2705.0", ""]
    assert (found["prix"][0], found["photo"][0]) == ("1.5", "a\nb")
    frame = pd.DataFrame({"ref": [1, 2], "nom": ["x", None], "rayon": [10.0, None]})
    frame.assign(photo=[["a", None, "b"], None]).to_parquet(tmp_path / "t.parquet")
    found = table(tmp_path / "t.parquet", columns=[*COLUMNS, "photo"])
    assert found.to_numpy().tolist() == [["1", "x", "10", "a\nb", ""], ["2", "", "", "", ""]]


def test_decimals_are_whole_numbers_where_all_are() -> None:
    for given, expected in (
        (["10.0", "", "2583.0"], ["10", "", "2583"]),
        (["10.0", "a"], ["10.0", "a"]),
        (["10.5", "2.0"], ["10.5", "2.0"]),
        (["", ""], ["", ""]),
    ):
        assert reading.whole(pd.Series(given, dtype="str")).tolist() == expected


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        (
            PLAIN.encode("latin-1"),
            "utf-8",
            "data.encoding is utf-8, and it looks like Latin-1 (line 2: byte 0xe9): "
            "-S data.encoding=latin-1",
        ),
        (PLAIN.replace("d'", "d’").encode("cp1252"), "latin-1", "looks like Windows-1252"),
        (PLAIN.encode(), "latin-1", "looks like UTF-8: -S data.encoding=utf-8"),
        (PLAIN.encode("utf-16"), "utf-8", "looks like UTF-16 (by its first bytes): -S data.enc"),
        (PLAIN.encode("utf-32"), "utf-8", "looks like UTF-32 (by its first bytes): save it as"),
        (PLAIN.encode(), "utf-16", "looks like UTF-8"),
        (PLAIN.encode("cp1252").replace(b"\xe9", b"\x81"), "windows-1252", "can't decode byte"),
        (b"", "utf-8", "is empty"),
        (b"\x1f\x8b\x08", "utf-8", "it is compressed with gzip"),
        (b"PAR1", "utf-8", "it is a Parquet table"),
        (b"PK\x03\x04 xl/", "utf-8", "it is an Excel workbook"),
    ],
)
def test_another_encoding_is_told_with_what_was_detected(
    content: bytes, encoding: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    assert words in refusal(tmp_path / "t.csv", encoding=encoding)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (with_separator(";"), "separated by semicolons, and data.separator is comma: -S data.sep"),
        ("ref,name,rayon\na,b,c\n", "column 'nom' is missing; found 'ref', 'name', 'rayon'"),
        ("ref,nom,nom,rayon\na,b,c,d\n", "column nom is there twice"),
        ('ref,x,nom,rayon\na,1,"b,c\nb,2,c,10\n', "line 2: a quotation mark opens"),
        ("ref,x,nom,rayon\nz,0,y,10\n" + 'a,1,"b,10\nb,2,c,10\nc,3,d",10\n', "further rows"),
    ],
)
def test_another_form_is_told_with_its_likely_cause(
    content: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    assert words in refusal(tmp_path / "t.csv")


def test_a_row_of_another_form_is_told_and_does_no_harm(tmp_path: Path) -> None:
    lines = ["ref,x,nom,rayon", "a,1,b,10", "short", "", "b,2,c,10,more", "c,3,d,40"]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    found = table(tmp_path / "t.csv")
    assert found["fault"].tolist() == [
        "",
        "line 3 has 1 value of 4",
        "line 5 has 5 values of 4",
        "",
    ]


def test_a_description_of_many_lines_is_no_open_quotation_mark(tmp_path: Path) -> None:
    described = 'z,0,"first, second, 3,4\n1,2,three,four\nlast",10\n'
    (tmp_path / "t.csv").write_text("ref,x,nom,rayon\na,b,c,d\n" + described, encoding="utf-8")
    assert len(table(tmp_path / "t.csv")) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"ref": "a"', "line 2 is no JSON object"),
        ("[1]", "line 2 is no JSON object, one of which is a row"),
        ("[" * 100_000, "line 2 is no JSON object"),
        ('{"ref": "a", "nom": {"fr": "b"}, "rayon": 1}', "line 2: nom is an object"),
    ],
)
def test_lines_that_are_no_rows_are_named(line: str, words: str, tmp_path: Path) -> None:
    first = '{"ref": 1, "nom": "a", "rayon": 10}\n'
    (tmp_path / "t.ndjson").write_text(first + line, encoding="utf-8")
    assert words in refusal(tmp_path / "t.ndjson")


def test_what_is_packed_is_bounded_and_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "t.csv.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._t.csv", "x")
        archive.writestr("folder/t.csv", PLAIN)
    assert len(table(packed)) == 2
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("u.csv", PLAIN)
    assert "expected one table in the archive; found folder/t.csv, u.csv" in refusal(packed)
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(PLAIN.encode() + bytes(3 * 2**20)))
    monkeypatch.setattr(reading, "MAX_BYTES", 2**20)
    assert "unpacks to more than 1,048,576 bytes" in refusal(bomb)
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(PLAIN.encode(), mtime=0)[:-10])
    assert "cannot be read" in refusal(cut)
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and then nothing")
    assert "cannot be read" in refusal(tmp_path / "t.parquet")
    (tmp_path / "u.parquet").write_text(PLAIN, encoding="utf-8")
    assert "it is no Parquet, though it is called so" in refusal(tmp_path / "u.parquet")
