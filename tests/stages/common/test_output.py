"""What stages write as JSON, and how they end on an error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stages.common.output import fail, write_json


def written(path: Path, value: object) -> str:
    write_json(path, value)
    return path.read_text(encoding="utf-8")


def test_equal_values_give_equal_bytes_whatever_their_order(tmp_path: Path) -> None:
    first = written(tmp_path / "a.json", {"b": 1, "a": [0.1 + 0.2, {"d": 2, "c": 3}]})
    second = written(tmp_path / "b.json", {"a": (0.3, {"c": 3, "d": 2}), "b": 1})
    assert first == second
    assert first.endswith("}\n")


def test_floats_keep_six_significant_digits(tmp_path: Path) -> None:
    value = {"a": 1 / 3, "b": 123456.789, "c": 1.23456789e-9, "d": 2.0, "e": np.float64(2 / 3)}
    assert json.loads(written(tmp_path / "a.json", value)) == {
        "a": 0.333333,
        "b": 123457.0,
        "c": 1.23457e-09,
        "d": 2.0,
        "e": 0.666667,
    }


def test_everything_but_floats_stays_as_it_is(tmp_path: Path) -> None:
    value = {"code": 2905, "yes": True, "nothing": None, "name": "Été", "many": 12345678}
    assert json.loads(written(tmp_path / "a.json", value)) == value


def test_accents_stay_readable(tmp_path: Path) -> None:
    assert "Été" in written(tmp_path / "a.json", "Été")


def test_numbers_as_keys_become_strings(tmp_path: Path) -> None:
    assert json.loads(written(tmp_path / "a.json", {10: "a", 2: "b"})) == {"10": "a", "2": "b"}


def test_missing_folders_are_made_and_files_replaced(tmp_path: Path) -> None:
    path = tmp_path / "metrics" / "deep" / "a.json"
    written(path, list(range(100)))
    assert json.loads(written(path, [1])) == [1]


def test_failing_ends_with_status_1_and_the_error_s_own_words_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        fail("prepare", ValueError("X.csv: column imageid is missing"))
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert printed.err == "prepare: X.csv: column imageid is missing\n"
    assert printed.out == ""
