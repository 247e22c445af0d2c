"""The closing table of `make repro`: every figure in its place, and what is not there.

What belongs to the machine is measured if it can be, and never fails a run that succeeded.
"""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.commands.results.summary import COLUMNS, GROUPS, OUTPUTS, lines, speed
from tests.support import tiny
from tests.support.repository import ROOT

SPEED = {"seconds_p50": 0.00234, "seconds_p99": 0.0567}


def figures(products: int, accuracy: float) -> dict[str, Any]:
    return {
        "products": products,
        "accuracy": accuracy,
        "weighted_f1": accuracy - 0.01,
        "macro_f1": accuracy - 0.02,
        "calibration_error": 0.0254,
    }


def evaluation(precision: float | None = 0.961) -> dict[str, Any]:
    return {
        **figures(12_345, 0.912),
        "text_only": figures(4_000, 0.87),
        "image_only": figures(3_000, 0.5),
        "both": figures(2_000, 0.93),
        "accepted": {
            **{"asked_precision": 0.95, "precision": precision, "coverage": 0.7251},
            **({"accepted": 0} if precision is None else {"accepted": 189, "accepted_right": 180}),
            **{"low": 0.9117, "high": 0.9745},
        },
    }


def test_each_group_has_a_line_with_its_figures_under_their_names() -> None:
    head, *rows = lines(evaluation(), SPEED)[:5]
    assert head.split() == ["test", "products", *COLUMNS]
    assert [line[:14].strip() for line in rows] == ["all products", *GROUPS]
    assert rows[0].split()[2:] == ["12,345", "0.912", "0.902", "0.892", "0.025"]
    assert rows[1].split()[2:] == ["4,000", "0.870", "0.860", "0.850", "0.025"]
    assert rows[2].split()[2:] == ["3,000", "0.500", "0.490", "0.480", "0.025"]
    assert rows[3].split()[1:] == ["2,000", "0.930", "0.920", "0.910", "0.025"]
    assert len({len(line) for line in (head, *rows)}) == 1


def test_acceptance_speed_and_places_are_told() -> None:
    text = "\n".join(lines(evaluation(), SPEED))
    assert "accepted without review: 72.5% of the products, 96.1% of them right (95% asked)" in text
    assert "(95% asked): 180 of 189, 95% interval 91.2% to 97.5%" in text
    assert "2.3 ms median, 56.7 ms at the 99th percentile" in text
    for place in OUTPUTS.values():
        assert place in text


def test_no_accepted_product_has_no_precision() -> None:
    assert "none of them right" in "\n".join(lines(evaluation(precision=None), SPEED))


@pytest.mark.parametrize("group", ["text_only", "image_only", "both"])
def test_a_group_without_products_has_dashes(group: str) -> None:
    printed = lines({**evaluation(), group: {"products": 0}}, SPEED)
    (line,) = [line for line in printed[1:5] if " 0 " in line]
    assert line.split()[-5:] == ["0", *"––––"]


def test_the_makefile_runs_it_after_the_pipeline() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.index("dvc repro") < makefile.index("python -m stages.commands results summary")


def test_what_could_not_be_timed_is_told_and_is_no_failure() -> None:
    printed = lines(evaluation(), {"not_measured": "BadZipFile: File is not a zip file"})
    assert "one product: not timed (BadZipFile: File is not a zip file)" in printed


NAMES = [f"images/image_train/image_{n}_product_{n}.jpg" for n in range(3)]


@pytest.fixture
def run(classifier_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a classifier and three test products with pictures."""
    shutil.copytree(classifier_root / "models", tmp_path / "models")
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/prepared").mkdir()
    with zipfile.ZipFile(tmp_path / "data/raw/images.zip", "w") as archive:
        for name in NAMES:
            archive.writestr(name, tiny.picture())
    pd.DataFrame({"designation": "piscine", "description": "", "picture": NAMES}).to_parquet(
        tmp_path / "data/prepared/test.parquet"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data/raw/images.zip"


def test_seconds_are_measured(run: Path) -> None:
    measured = speed()
    assert 0 < measured["seconds_p50"] <= measured["seconds_p99"]


def damaged(content: bytes) -> bytes:
    """The first entry's picture is written over."""
    start = 30 + len(NAMES[0])
    return content[:start] + b"\xff" * 40 + content[start + 40 :]


def unknown_compression(content: bytes) -> bytes:
    """The first entry is said to be packed in a way that nobody knows."""
    place = content.index(b"PK\x01\x02")
    return content[: place + 10] + struct.pack("<H", 77) + content[place + 12 :]


@pytest.mark.parametrize("spoil", [damaged, unknown_compression])
def test_a_damaged_entry_is_left_out(spoil: Callable[[bytes], bytes], run: Path) -> None:
    run.write_bytes(spoil(run.read_bytes()))
    assert "seconds_p50" in speed()


@pytest.mark.parametrize("lost", ["data/raw/images.zip", "models/classifier/text.onnx"])
def test_what_cannot_be_timed_says_why(lost: str, run: Path) -> None:
    Path(lost).write_bytes(b"nothing of the kind")
    reason = speed()["not_measured"]
    assert reason.startswith(("BadZipFile: ", "ManifestError: "))
