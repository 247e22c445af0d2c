"""Corrections in a catalogue: whose they are, what is added, and what stays as it was."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from stages.common.paths import (
    CORRECTED,
    CORRECTIONS_TABLE,
    FILES,
    IMAGES,
    TEST_PRODUCTS,
    TRAIN_CODES,
    TRAIN_PRODUCTS,
)
from stages.pictures.archive import PictureArchive
from stages.preparation.csv_table import CatalogueError
from stages.sources import merging
from stages.sources.transfer import SourceError
from tests.support import corrected, tiny

PICTURE = tiny.picture("red")
PRODUCTS = (
    ',designation,description,productid,imageid\n0,Piscine ronde,"Bleue,\nà monter",501,901\n'
    "1,Roman,,502,902\n2,Roman,,503,903\n7,Été à la mer,,504,904\n9,,,505,905\n"
)
CODES = ",prdtypecode\n0,2583\n1,10\n2,10\n7,2403\n9,1280\n"
ASKED = ",designation,description,productid,imageid\n12,Jeu,,601,951\n"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A catalogue of which products 503 and 505 have a picture."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for name, text in (
        (TRAIN_PRODUCTS, PRODUCTS),
        (TRAIN_CODES, CODES),
        (TEST_PRODUCTS, ASKED),
    ):
        (folder / name).write_bytes(text.encode())
    with zipfile.ZipFile(folder / IMAGES, "w") as archive:
        for number in (3, 5):
            name = f"images/image_train/image_90{number}_product_50{number}.jpg"
            archive.writestr(name, PICTURE + bytes(number))
    return folder


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def listed(raw: Path) -> list[list[str]]:
    """The index, the code before and the code of each product that corrections concern."""
    return [[row[0], *row[2:]] for row in read(raw / CORRECTED.name)[1:]]


def merge(raw: Path, *rows: tuple[tuple[str, ...], bytes]) -> merging.Merged:
    return merging.merge(corrected.write(raw.parent / "corrections", *rows), raw)


@pytest.mark.parametrize("identifier", ["502", "902"])
def test_an_identifier_names_the_product_whatever_its_content(raw: Path, identifier: str) -> None:
    before = {name: (raw / name).read_bytes() for name in FILES}
    merged = merge(raw, corrected.row(2583, "Un autre titre", identifier=identifier))
    assert listed(raw) == [["1", "10", "2583"]]
    assert (merged.identified, merged.alike, merged.new, merged.recoded) == (1, 0, 0, 1)
    changed = CODES.replace("1,10\n", '"1","2583"\n', 1).encode()
    assert (raw / TRAIN_CODES).read_bytes() == changed
    for name in set(FILES) - {TRAIN_CODES}:
        assert (raw / name).read_bytes() == before[name], name


def test_a_row_number_is_an_identifier_only_with_the_same_designation(raw: Path) -> None:
    merge(raw, corrected.row(10, "Été à la mer", "autre", identifier=7))
    assert listed(raw) == [["7", "2403", "10"]]


def test_a_row_number_of_another_product_is_not_taken_for_it(raw: Path) -> None:
    merged = merge(raw, corrected.row(10, "Tout autre chose", identifier=7))
    assert merged.new == 1
    assert read(raw / TRAIN_CODES)[4] == ["7", "2403"]


def test_all_products_of_the_same_content_are_corrected(raw: Path) -> None:
    """Texts and picture: 503 has another content than 502, as it has a picture."""
    merged = merge(
        raw,
        corrected.row(2705, "Roman", identifier="unknown"),
        corrected.row(2583, "Piscine ronde", "Bleue,\nà monter"),
        corrected.row(2280, picture=PICTURE + bytes(5)),
    )
    assert (merged.identified, merged.alike, merged.recoded) == (0, 3, 2)
    assert listed(raw) == [["0", "2583", "2583"], ["1", "10", "2705"], ["9", "1280", "2280"]]


def test_an_identifier_counts_more_than_content(raw: Path) -> None:
    merge(
        raw,
        corrected.row(2705, "Roman"),
        corrected.row(2583, "Roman, nouvelle édition", identifier=502),
    )
    assert listed(raw) == [["1", "10", "2583"]]


def test_two_identifiers_of_one_product_must_agree(raw: Path) -> None:
    first = corrected.row(2705, "Roman a", identifier=502)
    merge(raw, first, corrected.row(2705, "Roman b", identifier=902))
    with pytest.raises(SourceError, match=r"Roman . ?.*product 1 of the catalogue different codes"):
        merge(raw, first, corrected.row(10, "Roman b", identifier=902))


def test_new_products_are_added_with_their_pictures(raw: Path) -> None:
    picture = tiny.picture("blue")
    merged = merge(
        raw,
        corrected.row(10, "Nœud “papillon”, 日本", "d\nd", identifier="été-1", picture=picture),
        corrected.row(2583, "Bassin", identifier="777"),
        corrected.row(2583, "Bassin, grand", identifier="777"),
    )
    assert merged.new == 3
    rows = {row[1]: row for row in read(raw / TRAIN_PRODUCTS)[6:]}
    codes = dict(read(raw / TRAIN_CODES)[6:])
    assert sorted(codes) == ["13", "14", "15"]
    assert {row[0] for row in rows.values()} == set(codes)
    assert rows["Bassin"][3] == rows["Bassin, grand"][3] == "777"
    named = rows["Nœud “papillon”, 日本"]
    assert named[2] == "d\nd"
    assert codes[named[0]] == "10"
    assert all(value.isdecimal() for value in named[3:])
    table = pd.DataFrame({"imageid": [named[4]], "productid": [named[3]]})
    with PictureArchive(raw / IMAGES) as archive:
        [entry] = archive.names(table, "image_train")
        assert archive.read(entry) == picture
        assert len(archive.entries("image_train")) == 3


def test_an_archive_without_folders_stays_one(raw: Path) -> None:
    with zipfile.ZipFile(raw / IMAGES, "w") as archive:
        archive.writestr("image_903_product_503.jpg", PICTURE)
    merge(raw, corrected.row(10, "Nouveau", picture=tiny.picture("blue")))
    with PictureArchive(raw / IMAGES) as archive:
        assert len(archive.entries("image_train")) == 2
        assert not archive.skipped


def test_a_table_of_a_shop_is_found_by_its_index(raw: Path) -> None:
    (raw / TRAIN_PRODUCTS).write_text(
        '"","designation","description","productid","imageid","picture","reason"\n'
        '"A-1","Roman","","x9","0","",""\n"B-2","Jeu","","y8","0","",""\n',
        encoding="utf-8",
    )
    (raw / TRAIN_CODES).write_text('"","prdtypecode"\n"A-1","livre"\n"B-2","jeu"\n')
    (raw / TEST_PRODUCTS).write_text(
        '"","designation","description","productid","imageid","picture","reason"\n'
    )
    merge(
        raw,
        corrected.row("jeu", "autre titre", identifier="A-1"),
        corrected.row("é > livre", "autre", identifier="y8"),
        corrected.row("jeu", "Tout neuf", identifier="C-3", picture=PICTURE),
    )
    assert listed(raw) == [
        ["A-1", "livre", "jeu"],
        ["B-2", "jeu", "é > livre"],
        ["C-3", "", "jeu"],
    ]
    new = read(raw / TRAIN_PRODUCTS)[-1]
    assert new[:4] == ["C-3", "Tout neuf", "", "C-3"]
    with zipfile.ZipFile(raw / IMAGES) as archive:
        assert archive.read(new[5]) == PICTURE


def test_a_product_that_had_no_label_gets_one(raw: Path) -> None:
    (raw / TRAIN_CODES).write_text(CODES.replace("1,10\n", ""), encoding="utf-8")
    merge(raw, corrected.row(2583, identifier=502))
    assert listed(raw) == [["1", "", "2583"]]
    assert ["1", "2583"] in read(raw / TRAIN_CODES)


def test_no_correction_leaves_every_byte(raw: Path) -> None:
    before = {path.name: path.read_bytes() for path in raw.iterdir()}
    merge(raw)
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == before


def test_equal_corrections_give_equal_bytes_in_any_form_of_table(raw: Path) -> None:
    windows = PRODUCTS.replace("\n", "\r\n").encode("utf-8-sig").removesuffix(b"\r\n")
    rows = corrected.row(10, "Neuf", picture=PICTURE), corrected.row(2583, identifier=502)
    contents = []
    original = (raw / IMAGES).read_bytes()
    for _ in range(2):
        (raw / TRAIN_PRODUCTS).write_bytes(windows)
        (raw / TRAIN_CODES).write_text(CODES, encoding="utf-8")
        (raw / IMAGES).write_bytes(original)
        merge(raw, *rows)
        contents.append({path.name: path.read_bytes() for path in sorted(raw.iterdir())})
    assert contents[0] == contents[1]
    assert len(read(raw / TRAIN_PRODUCTS)) == 7


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "No such file"),
        (
            lambda path: path.write_text("product,id\n"),
            "designation, description, prdtypecode, pic",
        ),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "line 2 has 2 values"),
        (lambda path: path.write_bytes(b"PAR1"), "it is a Parquet table"),
        (
            lambda path: path.write_text(path.read_text("utf-8") + '"k","","t","","","",\n'),
            "line 3 has",
        ),
        (
            lambda path: path.write_text(path.read_text("utf-8").replace('"10"', '""')),
            "line 2 has no",
        ),
        (
            lambda path: path.write_text(
                path.read_text("utf-8").replace('""\n', '"../raw/x.jpg"\n')
            ),
            "there is no picture",
        ),
    ],
)
def test_a_folder_that_is_damaged_is_refused_with_its_file(
    raw: Path, damage: object, message: str
) -> None:
    folder = corrected.write(raw.parent / "corrections", corrected.row(10, "Roman à lire"))
    before = {path.name: path.read_bytes() for path in raw.iterdir()}
    damage(folder / CORRECTIONS_TABLE)  # type: ignore[operator]
    with pytest.raises(SourceError, match=message) as refused:
        merging.merge(folder, raw)
    assert CORRECTIONS_TABLE in str(refused.value)
    assert "make corrections" in str(refused.value)
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == before


def test_a_catalogue_that_cannot_be_read_is_told_with_its_cause(raw: Path) -> None:
    (raw / TRAIN_PRODUCTS).write_bytes(PRODUCTS.encode("cp1252"))
    with pytest.raises(CatalogueError, match=r"X_train_update\.csv: it is not UTF-8"):
        merge(raw, corrected.row(10, "Roman"))
