"""Validation of the raw catalogue, its archive, and the split."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.listing.text import designation_key
from stages.common.held_out import HeldOut
from stages.pictures.archive import PictureArchive
from stages.preparation.csv_table import CatalogueError
from stages.preparation.split import near_duplicate_groups, split
from stages.preparation.tables import (
    TRANSLATED,
    join_labels,
    labels_without_product,
    read_labels,
    read_products,
    reject_bad_rows,
    require_good_rows,
)
from stages.preparation.usable import usable_products
from tests.support.rakuten import NAMES

HEADER = ",designation,description,productid,imageid\n"


def products(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "X.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def labels(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "Y.csv"
    path.write_text(",prdtypecode\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_bad_rows_are_set_apart_with_their_reason(tmp_path: Path) -> None:
    rows = [f"{i},titre {i},,{i},{i}" for i in range(8)]
    x = products(tmp_path, *rows, "7,double,,8,8", "9,titre,,x8,9", "10,titre,,10,10")
    y = labels(tmp_path, *[f"{i},10" for i in range(8)], "7,10", "9,10", "10,9999")
    joined = join_labels(read_products(x, str(x)), read_labels(y, str(y)), str(y))
    good, rejected = reject_bad_rows(joined, str(x), NAMES)
    assert good["id"].tolist() == list(range(8))
    assert good["prdtypecode"].dtype == np.int64
    reasons = rejected["reason"].tolist()
    assert "duplicate id" in reasons[0]
    assert "productid x8: not a non-negative integer" in reasons[1]
    assert "prdtypecode 9999: unknown code" in reasons[2]


def test_a_file_that_is_mostly_bad_stops(tmp_path: Path) -> None:
    x = products(tmp_path, "0,a,,1,1", "1,b,,2,2")
    y = labels(tmp_path, "0,1", "1,2")
    with pytest.raises(CatalogueError, match=r"X\.csv: 2 of 2 rows are bad: line 2: prdtypecode"):
        reject_bad_rows(
            join_labels(read_products(x, str(x)), read_labels(y, str(y)), str(y)), str(x), NAMES
        )


def test_labels_are_joined_in_whatever_order_they_come(tmp_path: Path) -> None:
    x = products(tmp_path, *[f"{i},titre {i},,{i},{i}" for i in range(6)])
    y = labels(tmp_path, "4,40", "0,10", "5,50", "2,2583", "1,10", "3,60")
    found = join_labels(read_products(x, "X"), read_labels(y, "Y"), "Y")
    assert found["prdtypecode"].tolist() == ["10", "10", "2583", "60", "40", "50"]
    assert found["id"].tolist() == list("012345")
    assert (found["fault"] == "").all()


def test_every_row_without_its_partner_is_named(tmp_path: Path) -> None:
    x = products(tmp_path, *[f"{i},titre {i},,{i},{i}" for i in range(6)], "2,encore,,9,9")
    y = labels(tmp_path, "9,10", "3,10", "2,40", "2,40", "1,10", "0,10", "4,10", "4,50", "")
    listed, coded = read_products(x, "X"), read_labels(y, "Y")
    good, rejected = reject_bad_rows(join_labels(listed, coded, "Y"), "X", NAMES)
    assert good["id"].tolist() == [0, 1, 2, 3]
    reasons = dict(zip(rejected.index, rejected["reason"], strict=True))
    assert reasons == {
        6: "has several labels that differ",
        7: "has no label",
        8: "id 2: duplicate id",
    }
    lonely = labels_without_product(listed, coded)
    assert lonely["id"].tolist() == ["9", "4"]
    assert set(lonely["reason"]) == {"is a label without a product"}


def test_files_that_do_not_belong_together_stop(tmp_path: Path) -> None:
    x = products(tmp_path, "0,a,,1,1", "1,b,,2,2", "2,c,,3,3")
    for rows, words in (
        (["0,10"], "2 of 3 products have no label, and 0 of 1 labels no product (product '1', "),
        ([f"{i},10" for i in range(7)], "0 of 3 products have no label, and 4 of 7 labels no"),
        (["0.0,10", "1.0,10", "2.0,10"], "label '0.0', label '1.0', label '2.0'"),
        (["0.0,10", "1.0,10", "2.0,10"], "0.0 is a decimal"),
        ([], "3 of 3 products have no label"),
    ):
        y = labels(tmp_path, *rows)
        with pytest.raises(CatalogueError) as refused:
            join_labels(read_products(x, str(x)), read_labels(y, "Y.csv"), "Y.csv")
        assert words in str(refused.value)
        assert str(refused.value).startswith("Y.csv: ")


OF_ANOTHER = ",designation,description,productid,imageid,picture,reason\n"


def test_identifiers_of_a_table_that_names_its_pictures_are_any_text(tmp_path: Path) -> None:
    x = tmp_path / "X.csv"
    rows = ["a-1,titre,,SKU é,1,p.jpg,", "007,titre,,,2,,", "7,b,,1.0,3,,", ",c,,4,4,,"]
    rows += ["a-1,encore,,5,5,,", "z,,,6,6,,has 2 values of 9", "y,d,,7,7,,"]
    x.write_text(OF_ANOTHER + "\n".join(rows) + "\n", encoding="utf-8")
    y = labels(tmp_path, *[f"{name},10" for name in ("y", "z", "", "7", "007", "a-1")])
    good, rejected = reject_bad_rows(
        join_labels(read_products(x, "X"), read_labels(y, "Y"), "Y"), "X", NAMES
    )
    assert good["id"].tolist() == ["a-1", "007", "7", "y"]
    assert good["productid"].tolist() == ["SKU é", "", "1.0", "7"]
    assert good["picture"].tolist() == ["p.jpg", "", "", ""]
    assert good["imageid"].dtype == np.int64
    assert rejected["reason"].tolist() == ["id : no index", "has no label", "has 2 values of 9"]
    with pytest.raises(CatalogueError, match="line 5: id : no index"):
        require_good_rows(read_products(x, "X"), "X", TRANSLATED)


def test_held_out_answers_of_texts_are_kept_by_their_ids(tmp_path: Path) -> None:
    ids = pd.Series(["b", "a é", "c"], dtype="str").to_numpy()
    HeldOut(ids, np.zeros((3, 27), np.float32), ids[:2]).write(tmp_path / "h.npz")
    read = HeldOut.read(tmp_path / "h.npz")
    assert read.rows.tolist() == ["b", "a é", "c"]
    assert read.visible.tolist() == ["b", "a é"]


def test_a_table_without_rows_or_without_content_is_refused(tmp_path: Path) -> None:
    x = tmp_path / "X.csv"
    x.write_text(",designation,description,productid,imageid\n", encoding="utf-8")
    y = tmp_path / "Y.csv"
    y.write_text(",prdtypecode\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="X: there is no row below the header"):
        reject_bad_rows(join_labels(read_products(x, "X"), read_labels(y, "Y"), "Y"), "X", NAMES)
    rows = pd.DataFrame({"designation": ["<br>", ""], "description": "", "picture": ""})
    with pytest.raises(CatalogueError, match="none of 2 labelled products has a text or a picture"):
        usable_products(rows, pd.Series(["", ""]))


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "X.csv"
    header = ",designation,description,productid,imageid,designation\n"
    path.write_text(f"{header}0,a,b,1,2,c\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"X\.csv: column designation is there twice"):
        read_products(path, "X.csv")


def test_a_missing_column_or_file_stops(tmp_path: Path) -> None:
    path = tmp_path / "X.csv"
    path.write_text(",designation,description\n0,a,b\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"X\.csv: column productid, imageid is missing"):
        read_products(path, str(path))
    with pytest.raises(CatalogueError, match=r"absent\.csv: no table in CSV: .*No such file"):
        read_products(tmp_path / "absent.csv", "absent.csv")


def test_every_unlabelled_row_must_be_answerable(tmp_path: Path) -> None:
    path = products(tmp_path, "0,a,,1,1", "1,b,,,2")
    with pytest.raises(CatalogueError, match="line 3: productid"):
        require_good_rows(read_products(path, str(path)), str(path))


TABLE = HEADER + "0,Fauteuil été,Rouge,11,21\n1,Livre,,12,22\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TABLE.encode("cp1252"), "it is not UTF-8 (line 2: byte 0xe9), probably Windows-1252"),
        (TABLE.encode("utf-16"), "it is UTF-16, not UTF-8"),
        (TABLE.replace(",", ";").encode(), "its columns are separated by semicolons"),
        (TABLE.replace(",", "\t").encode(), "its columns are separated by tabs"),
        (TABLE.replace(",desi", "desi").encode(), "expected an index column before"),
    ],
)
def test_the_likely_cause_is_told_of_the_person_s_own_file(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "copy.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogueError) as error:
        read_products(path, "../mine/X.csv")
    assert str(error.value).startswith("../mine/X.csv: ")
    assert words in str(error.value)
    assert "copy.csv" not in str(error.value)


def test_a_byte_order_mark_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "X.csv"
    path.write_bytes(TABLE.replace(HEADER, '"",' + HEADER[1:]).encode("utf-8-sig"))
    found = read_products(path, "X.csv")
    assert found.columns[0] == "id"
    assert found["designation"].tolist() == ["Fauteuil été", "Livre"]
    path.write_bytes(TABLE.encode())
    assert read_products(path, "X.csv").equals(found)


@pytest.mark.parametrize("written", ["11.0", "1.1E+10", "11,0"])
def test_identifiers_written_as_decimals_are_recognised(written: str, tmp_path: Path) -> None:
    path = products(tmp_path, f'0,a,,"{written}",21')
    with pytest.raises(CatalogueError) as error:
        require_good_rows(read_products(path, "mine.csv"), "mine.csv")
    assert "mine.csv: line 2: productid" in str(error.value)
    assert f"{written} is a decimal" in str(error.value)
    assert "save them as whole numbers" in str(error.value)


def archive(tmp_path: Path, entries: dict[str, bytes]) -> Path:
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return path


def test_only_safe_pictures_are_read(tmp_path: Path) -> None:
    good = "images/image_train/image_1_product_2.jpg"
    path = archive(
        tmp_path,
        {
            good: b"one",
            "images/image_train/image_3_product_4.jpg": b"one",
            "../images/image_train/image_5_product_6.jpg": b"x",
            "/images/image_train/image_5_product_7.jpg": b"x",
            "images/image_train/Thumbs.db": b"x",
            "images/image_test/image_9_product_9.png": b"",
        },
    )
    rows = pd.DataFrame({"imageid": [1, 5, 8], "productid": [2, 6, 8]})
    with PictureArchive(path) as pictures:
        assert pictures.names(rows, "image_train") == [good, "", ""]
        assert pictures.read(good) == b"one"
        first, second = (pictures.fingerprint(name) for name in pictures.entries("image_train"))
        assert first == second
        reasons = {skipped.entry: skipped.reason for skipped in pictures.skipped}
    assert list(reasons.values()).count("unsafe path") == 2
    assert "not named" in reasons["images/image_train/Thumbs.db"]
    assert reasons["images/image_test/image_9_product_9.png"] == "empty"


def test_a_damaged_entry_is_an_error_of_its_own(tmp_path: Path) -> None:
    name = "images/image_train/image_1_product_2.jpg"
    path = archive(tmp_path, {name: b"a" * 100})
    path.write_bytes(path.read_bytes().replace(b"aaaa", b"aaab", 1))
    with PictureArchive(path) as pictures, pytest.raises(OSError, match="image_1_product_2"):
        pictures.read(name)


def test_an_archive_that_expands_too_far_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("images/image_train/image_1_product_1.jpg", bytes(21 * 2**20))
    with PictureArchive(path) as pictures:
        assert "at most" in pictures.skipped[0].reason


def test_near_duplicates_are_linked_through_title_and_picture() -> None:
    titles = pd.Series(["Été, à la mer", "ETE A LA  MER", "Autre", "Seul", "", ""])
    prints = pd.Series(["p", "q", "q", "", "", ""])
    groups = near_duplicate_groups(titles, prints)
    assert groups[0] == groups[1] == groups[2]
    assert len(set(groups.tolist())) == 4
    assert designation_key("  L'ÉTÉ!") == "l ete"


@settings(max_examples=30)
@given(st.integers(0, 2**20), st.integers(60, 400))
def test_no_group_is_divided_and_shares_are_kept(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    groups = random.integers(0, count // 2, count)
    codes = pd.Series(random.choice([10, 40, 50], count, p=[0.6, 0.3, 0.1]))
    part = split(codes, groups, validation=0.1, test=0.2, seed=seed).part
    table = pd.DataFrame({"group": groups, "part": part})
    assert (table.groupby("group")["part"].nunique() == 1).all()
    assert (part == "test").mean() <= 0.2 + 3 / count + 0.02
    assert (part == "test").mean() > 0.05
    again = split(codes, groups, validation=0.1, test=0.2, seed=seed).part
    assert (part == again).all()
