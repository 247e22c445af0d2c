"""Validation of the raw catalogue, its archive, and the split."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.pictures.archive import PictureArchive
from stages.preparation.split import designation_key, near_duplicate_groups, split
from stages.preparation.tables import (
    CatalogueError,
    join_labels,
    read_labels,
    read_products,
    reject_bad_rows,
    require_good_rows,
)

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
    joined = join_labels(read_products(x), read_labels(y), y)
    good, rejected = reject_bad_rows(joined, x)
    assert good["id"].tolist() == list(range(8))
    assert good["prdtypecode"].dtype == np.int64
    reasons = rejected["reason"].tolist()
    assert "duplicate id" in reasons[0]
    assert "productid x8: not a non-negative integer" in reasons[1]
    assert "prdtypecode 9999: unknown code" in reasons[2]


def test_a_file_that_is_mostly_bad_stops(tmp_path: Path) -> None:
    x = products(tmp_path, "0,a,,1,1", "1,b,,2,2")
    y = labels(tmp_path, "0,1", "1,2")
    with pytest.raises(CatalogueError, match=r"X\.csv: 2 of 2 rows are bad: row 0: prdtypecode"):
        reject_bad_rows(join_labels(read_products(x), read_labels(y), y), x)


def test_labels_that_do_not_match_stop(tmp_path: Path) -> None:
    x = products(tmp_path, "0,a,,1,1", "1,b,,2,2")
    y = labels(tmp_path, "0,10")
    with pytest.raises(CatalogueError, match="1 labels for 2 products"):
        join_labels(read_products(x), read_labels(y), y)
    y = labels(tmp_path, "0,10", "5,10")
    with pytest.raises(CatalogueError, match="row 1: product '1', label '5'"):
        join_labels(read_products(x), read_labels(y), y)


def test_a_missing_column_or_file_stops(tmp_path: Path) -> None:
    path = tmp_path / "X.csv"
    path.write_text(",designation,description\n0,a,b\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"X\.csv: column productid, imageid is missing"):
        read_products(path)
    with pytest.raises(CatalogueError, match="cannot be read"):
        read_products(tmp_path / "absent.csv")


def test_every_unlabelled_row_must_be_answerable(tmp_path: Path) -> None:
    path = products(tmp_path, "0,a,,1,1", "1,b,,,2")
    with pytest.raises(CatalogueError, match="row 1: productid"):
        require_good_rows(read_products(path), path)


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


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**20), st.integers(60, 400))
def test_no_group_is_divided_and_shares_are_kept(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    groups = random.integers(0, count // 2, count)
    codes = pd.Series(random.choice([10, 40, 50], count, p=[0.6, 0.3, 0.1]))
    part = split(codes, groups, validation=0.1, test=0.2, seed=seed)
    table = pd.DataFrame({"group": groups, "part": part})
    assert (table.groupby("group")["part"].nunique() == 1).all()
    assert (part == "test").mean() <= 0.2 + 3 / count + 0.02
    assert (part == "test").mean() > 0.05
    again = split(codes, groups, validation=0.1, test=0.2, seed=seed)
    assert (part == again).all()
