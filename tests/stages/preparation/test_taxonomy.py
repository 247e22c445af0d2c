"""Codes and names of a table, and of labels alone; what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serving.listing.labels import Label, Node, as_codes, read_labels, stored
from stages.common.settings import FileTaxonomy, LabelsTaxonomy
from stages.preparation.csv_table import CatalogueError
from stages.preparation.taxonomy import CODE, Names, labels_of, read_taxonomy, written_as


def read(folder: Path, content: str, encoding: str = "utf-8") -> Names | None:
    path = folder / "taxonomy.csv"
    path.write_text(content, encoding=encoding)
    return read_taxonomy(FileTaxonomy(source="file", path="mine.csv", watched=str(path)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_codes_and_names_of_a_table(tmp_path: Path, encoding: str) -> None:
    table = (
        "label_en,code,label\nDecor,Home & Garden > Decor,Déco\n,Été/Plage,Plage d'été\nBare,x,\n"
    )
    assert read(tmp_path, table, encoding) == {
        "Home & Garden > Decor": Label("Déco", "Decor"),
        "Été/Plage": Label("Plage d'été", "Plage d'été"),
        "x": Label("x", "Bare"),
    }


def test_english_names_may_be_missing(tmp_path: Path) -> None:
    assert read(tmp_path, "code,label\n7,Möbel\n") == {"7": Label("Möbel", "Möbel")}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("code\n7\n", "column label is missing; found code"),
        ("code,label\n7,a\n7,b\n", "line 3: code '7' is there twice"),
        ("code,label\n,a\n", "line 2: '' is no code"),
        (f"code,label\n{'x' * 201},a\n", "is no code; expected 1 to 200 characters"),
        ("code,label\n7\n", "line 2 has 1 value of 2"),
        ("code,label\n", "there is no row below the header"),
        ("code,label,parent\n7,a,8\n", "line 2: parent '8' is no code of the table"),
        ("code,label,parent\n7,a,8\n8,b,7\n", "line 2: '7' stands under itself"),
        ("code,label,parent\n7,a,7\n", "line 2: '7' stands under itself"),
        ("code,label,parent\n1,a,2\n2,b,3\n3,c,2\n", "stands under itself"),
        ("", "the file is empty"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, content: str, reason: str
) -> None:
    with pytest.raises(CatalogueError, match=r"taxonomy\.path = 'mine\.csv'") as error:
        read(tmp_path, content)
    assert reason in str(error.value)


def test_what_codes_stand_under_comes_most_general_first(tmp_path: Path) -> None:
    table = "code,label,parent\n7,Pot,3\n3,Jardin,1\n1,Maison,\n"
    names = read(tmp_path, table)
    assert names is not None
    assert names["7"].parents == (Node(1, "Maison", "Maison"), Node(3, "Jardin", "Jardin"))
    assert names["1"].parents == ()


@pytest.mark.parametrize("path", ["7,3,1", "a,b,c"])
def test_labels_are_read_as_they_were_stored(tmp_path: Path, path: str) -> None:
    leaf, middle, top = path.split(",")
    names = read(tmp_path, f"code,label,parent\n{leaf},L,{middle}\n{middle},M,{top}\n{top},T,\n")
    labels = labels_of(as_codes([leaf]), names)
    (tmp_path / "labels.json").write_text(json.dumps(stored(labels)))
    assert read_labels(tmp_path / "labels.json") == labels


def test_any_code_will_do_without_a_table() -> None:
    names = read_taxonomy(LabelsTaxonomy(source="labels", watched=""))
    assert names is None
    assert labels_of(["b", "a", "b"], names) == {"a": Label("a", "a"), "b": Label("b", "b")}


def test_codes_are_numbers_only_if_all_of_them_are() -> None:
    assert written_as(["10", "7", "7"], None) == {"10": 10, "7": 7}
    assert written_as(["10", "07"], None) == {"10": "10", "07": "07"}
    names = {"10": Label("a", "a"), "x": Label("b", "b")}
    assert written_as(["10"], names) == {"10": "10", "x": "x"}


def test_labels_are_those_of_codes_that_there_are_in_ascending_order() -> None:
    names = {code: Label(code, code) for code in ("9", "10", "11")}
    assert list(labels_of([10, 9, 10], names)) == [9, 10]


@pytest.mark.parametrize("code", ["", " ", " a", "a ", "a\nb", "a\x00", "x" * 201])
def test_what_is_no_code(code: str) -> None:
    assert CODE.fullmatch(code) is None


@pytest.mark.parametrize("code", ["7", "a", "a b", "Maison & Jardin > Déco", "日本", "x" * 200])
def test_what_is_a_code(code: str) -> None:
    assert CODE.fullmatch(code)
