"""Promotion: what is asked of both classifiers, and that an older repository can answer it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from serving.classifier.classifier import Classifier, Product
from stages.commands import promotion
from stages.commands.clones import ROOT, ResultError
from tests.support import tiny

PICTURES = [f"images/image_train/image_{n}_product_{n}.jpg" for n in range(2)]


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": range(4),
            "designation": ["Un livre à lire", "", "piscine", ""],
            "description": ["", "<p>échelle</p>", "", ""],
            "picture": ["", "", *PICTURES],
        }
    )


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """An archive with two pictures, the first of them damaged."""
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in PICTURES:
            archive.writestr(name, tiny.picture())
        entry = archive.getinfo(PICTURES[0])
    content = bytearray(path.read_bytes())
    start = entry.header_offset + 30 + len(entry.filename)
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of which nothing is there but the classifier and what serves it."""
    root = tmp_path / "repository"
    root.mkdir()
    tiny.build(root)
    shutil.copytree(ROOT / "serving", root / "serving")
    return root


def test_a_repository_answers_with_its_own_serving_code(
    rows: pd.DataFrame, pictures: Path, repository: Path, tmp_path: Path
) -> None:
    products, output = tmp_path / "products.jsonl", tmp_path / "answers.npz"
    promotion.write_products(rows, pictures, products)
    answered = promotion.answers(repository, products, output)
    asked = [
        Product("Un livre à lire", "", None),
        Product("", "<p>échelle</p>", None),
        Product("piscine", "", None),  # the damaged picture is left out
        Product("", "", tiny.picture()),
    ]
    with Classifier.load(repository / "models" / "classifier") as classifier:
        expected = [classifier.predict([one])[0] for one in asked]
    assert answered["codes"].tolist() == [answer.code for answer in expected]
    np.testing.assert_allclose(answered["confidence"], [answer.confidence for answer in expected])
    assert (answered["seconds"] > 0).all()

    code = repository / "serving" / "classifier" / "classifier.py"
    code.write_text(code.read_text("utf-8") + "\nraise SystemExit('its own code')\n", "utf-8")
    with pytest.raises(ResultError, match="its own code"):
        promotion.answers(repository, products, output)
