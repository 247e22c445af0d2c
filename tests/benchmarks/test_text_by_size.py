"""The branch beside its peer by size: what is drawn, and what is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.common.paths import TRAIN_CODES, TRAIN_PRODUCTS
from tests.benchmarks.text_by_size import BRANCH, PEER, Reached, main, markdown, parts
from tests.support.rakuten import CODES

pytestmark = pytest.mark.slow  # loads TensorFlow


def test_nothing_is_both_learnt_from_and_tested_on() -> None:
    drawn = parts(1000, seed=3)
    assert [len(part) for part in drawn] == [125, 25, 850]
    assert sorted(np.concatenate(drawn)) == list(range(1000))
    assert (parts(1000, seed=4)[0] != drawn[0]).any()


def test_a_row_tells_by_how_much_the_branch_is_ahead_on_the_same_products() -> None:
    found = [
        Reached(name, 5000, seed, f1, seconds)
        for seed, f1 in ((1, 0.7), (2, 0.6))
        for name, f1, seconds in ((BRANCH, f1 + 0.01, 4.0), (PEER, f1, 3.0))
    ]
    last = markdown(found).splitlines()[-1]
    assert last == (
        "| 5,000 | 0.6600 ± 0.0707 | 0.6500 ± 0.0707 | 0.0100 ± 0.0000 | 4 ± 0 | 3 ± 0 |"
    )


def test_it_measures_a_catalogue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = [CODES[number % 3] for number in range(120)]
    titles = [f"{('piscine', 'roman', 'console')[number % 3]} n{number}" for number in range(120)]
    table = {"designation": titles, "description": "", "productid": 1, "imageid": 1}
    pd.DataFrame(table).to_csv(tmp_path / TRAIN_PRODUCTS)
    pd.DataFrame({"prdtypecode": codes}).to_csv(tmp_path / TRAIN_CODES)
    assert main(["--data", str(tmp_path), "--sizes", "60", "5000", "--seeds", "1"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].startswith("| 60 | 1.0000 | 1.0000 | 0.0000 |")
    assert "5000 products are left out: there are 102 to learn from" in told.err
