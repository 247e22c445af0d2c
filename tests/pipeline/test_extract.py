"""The real extract, where it is at hand: validation and the split, with rows as they come."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from serving.listing.text import designation_key, normalise
from stages.common.paths import IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.pictures.archive import PictureArchive
from stages.preparation.split import near_duplicate_groups, split
from stages.preparation.tables import (
    join_labels,
    read_labels,
    read_products,
    reject_bad_rows,
    require_good_rows,
)
from tests.support.rakuten import NAMES

EXTRACT = Path(__file__).resolve().parents[3] / "shared" / "rakuten"
pytestmark = pytest.mark.skipif(
    not EXTRACT.is_dir(), reason="the real extract is not beside the repository"
)


def test_the_extract_is_read_whole_and_split_without_leaks() -> None:
    products, labels = EXTRACT / TRAIN_PRODUCTS, EXTRACT / TRAIN_CODES
    joined = join_labels(
        read_products(products, str(products)), read_labels(labels, str(labels)), str(labels)
    )
    good, rejected = reject_bad_rows(joined, str(products), NAMES)
    assert len(good) == 6024
    assert rejected.empty
    with PictureArchive(EXTRACT / IMAGES) as archive:
        good["picture"] = archive.names(good, "image_train")
        prints = good["picture"].map(lambda name: archive.fingerprint(name) if name else "")
    assert (good["picture"] != "").sum() == 1569
    designations = good["designation"].map(normalise)
    assert (designations != "").sum() == 5020
    groups = near_duplicate_groups(designations, prints)
    part = split(good["prdtypecode"], groups, validation=0.12, test=0.15, seed=13).part
    for keys in (designations.map(designation_key), prints, pd.Series(groups)):
        test = set(keys[part == "test"]) - {""}
        assert not test & set(keys[part != "test"])
    assert set(good["prdtypecode"][part == "test"]) == set(good["prdtypecode"])


def test_every_unlabelled_product_of_the_extract_can_be_answered() -> None:
    queries = EXTRACT / TEST_PRODUCTS
    products = require_good_rows(read_products(queries, str(queries)), str(queries))
    assert len(products) == 300
    with PictureArchive(EXTRACT / IMAGES) as archive:
        assert all(archive.names(products, "image_test"))
