"""The reference of drift: answers of branches that had not seen the products, traits of these."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from serving.classifier.fusion import Blend, Branch, Fusion
from serving.classifier.reference import Reference
from serving.encoding.encoders import WordEncoder
from stages.common.held_out import HeldOut
from stages.graphs.reference import LogitsById, answered, answers, reference
from stages.pictures.archive import PictureArchive
from tests.support import tiny

PRODUCTS = 120
NO_BIAS = (0.0,) * len(tiny.CODES)
FUSION = Fusion(
    method="stacked",
    codes=tiny.CODES,
    prior=(0.5, 0.3, 0.2),
    blends={
        "text": Blend({"text": 1.0}, NO_BIAS),
        "image": Blend({"image": 1.0}, NO_BIAS),
        "both": Blend({"text": 1.0, "image": 1.0}, NO_BIAS),
    },
    precision=0.95,
    thresholds={},
)


def held_out(rows: list[int], code: int) -> HeldOut:
    """A branch that is sure of the code in column `code`, whatever the product."""
    logits = np.zeros((len(rows), len(tiny.CODES)), np.float32)
    logits[:, code] = 4.0
    return HeldOut(np.array(rows), logits, np.array(rows))


def test_a_product_with_both_has_the_confidences_of_either_alone() -> None:
    text, image = (answers(held_out(rows, 1)) for rows in ([7, 8], [8, 9]))
    branches: dict[Branch, LogitsById] = {"text": text, "image": image}
    first, both, last, nothing = answered(FUSION, [7, 8, 9, 10], branches)
    assert {name for name in both if name.startswith("confidence")} == {
        "confidence_text",
        "confidence_image",
        "confidence_both",
    }
    assert [of["evidence"] for of in (first, both, last)] == ["text", "both", "image"]
    assert all(of["code"] == str(tiny.CODES[1]) for of in (first, both, last))
    assert "confidence_image" not in first
    assert float(both["confidence_both"]) > float(both["confidence_text"])
    assert both["confidence_text"] == first["confidence_text"]
    assert nothing["evidence"] == "none"
    assert "confidence_none" not in nothing


@pytest.fixture
def found(tmp_path: Path) -> Reference:
    """Of products with a title of ten characters; every other has a green picture."""
    rows = list(range(1000, 1000 + PRODUCTS))
    names = [f"image_train/image_{row}_product_{row}.jpg" for row in rows]
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for name in names[::2]:
            archive.writestr(name, tiny.picture("green"))
    products = pd.DataFrame(
        {
            "id": rows,
            "designation": ["livre rare"] * (PRODUCTS - 1) + [""],
            "description": "",
            "picture": [name if number % 2 == 0 else "" for number, name in enumerate(names)],
        }
    )
    with PictureArchive(tmp_path / "images.zip") as pictures:
        return reference(
            products,
            pictures,
            FUSION,
            WordEncoder(["livre"], (8, 8), 2, 64),
            {"text": held_out(rows[:-1], 0), "image": held_out(rows[::2], 0)},
            16,
        )


def test_held_out_products_are_what_others_are_compared_with(found: Reference) -> None:
    assert found.products == PRODUCTS - 1  # the last has neither text nor picture
    length = found.features["designation_length"]
    assert length.counts[length.bin(10)] == PRODUCTS - 1
    evidence = found.features["evidence"]
    assert evidence.categories == ("both", "text", "other")
    assert evidence.counts == (PRODUCTS // 2, PRODUCTS // 2 - 1, 0)
    assert sum(found.features["picture_brightness"].counts) == PRODUCTS // 2
    assert sum(found.features["confidence_text"].counts) == PRODUCTS - 1
    assert found.features["rarity"].edges == (0.5,)  # one word is known, one is not


def test_without_an_image_branch_there_is_nothing_of_pictures(tmp_path: Path) -> None:
    of = alone(tmp_path, WordEncoder(["livre"], (8, 8), 2, 64), text=True)
    assert not [name for name in of.features if "picture" in name or "image" in name]
    assert of.axes == ()
    assert of.features["evidence"].categories == ("text", "other")


def test_without_a_text_branch_there_is_nothing_of_texts(tmp_path: Path) -> None:
    of = alone(tmp_path, None, text=False)
    assert not {"designation_length", "rarity", "language", "confidence_text"} & of.features.keys()
    assert of.features["evidence"].categories == ("image", "other")
    assert len(of.axes) == 2


def alone(folder: Path, encoder: WordEncoder | None, *, text: bool) -> Reference:
    """Of products with text and picture, where one branch alone reads them."""
    rows = list(range(PRODUCTS))
    names = [f"image_train/image_{row}_product_{row}.jpg" for row in rows]
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for name in names:
            archive.writestr(name, tiny.picture("green"))
    products = pd.DataFrame(
        {"id": rows, "designation": "livre", "description": "", "picture": names}
    )
    answering = held_out(rows, 0)
    with PictureArchive(folder / "images.zip") as pictures:
        return reference(
            products,
            pictures,
            FUSION,
            encoder,
            {
                "text": answering if text else HeldOut.none(len(tiny.CODES)),
                "image": HeldOut.none(len(tiny.CODES)) if text else answering,
            },
            None if text else 16,
        )
