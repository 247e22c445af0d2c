"""The comparison of models: its table, its peers' rules, and the stages that it runs or reuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks import peers, quality
from tests.benchmarks.combinations import Combinations, StageError, identity
from tests.benchmarks.table import Row, decided, markdown, measured
from tests.support.rakuten import CODES
from tests.support.repository import PIPELINE


def test_splits_of_one_model_become_one_line_with_mean_and_deviation() -> None:
    rows = [
        Row("a", "all", 10, {"accuracy": 0.5, "weighted_f1": 0.4}, 12.0),
        Row("b", "with both", 3, {"weighted_f1": 0.25}, None),
        Row("a", "all", 13, {"accuracy": 0.7, "weighted_f1": 0.4}, 14.0),
    ]
    lines = markdown(rows).splitlines()
    assert lines[2:] == [
        "| a | 12 all | 0.600 ± 0.141 | 0.400 ± 0.000 | – | – | – | 13 ± 1 |",
        "| b | 3 with both | – | 0.250 | – | – | – | – |",
    ]
    assert {line.count("|") for line in lines} == {9}


def test_probabilities_and_bare_answers_are_scored_alike() -> None:
    labels = np.array([0, 1, 2, 2])
    p = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4], [0.1, 0.2, 0.7]])
    sure = measured("m", "all", p, labels, 1.0, bins=15)
    bare = decided("m", "all", p.argmax(axis=1), labels, 3, 1.0)
    assert sure.figures["accuracy"] == 0.75
    assert sure.figures["coverage"] == 0.75
    assert bare.figures == {
        name: sure.figures[name] for name in ("accuracy", "weighted_f1", "macro_f1")
    }


def test_a_missing_modality_leaves_the_weighted_sum_to_the_other() -> None:
    gone = [np.nan, np.nan]
    text = np.array([[0.9, 0.1], [0.9, 0.1], gone, gone])
    image = np.array([[0.1, 0.9], gone, [0.2, 0.8], gone])
    p = peers.weighted_sum(text, image, 0.25, np.array([0.6, 0.4]))
    assert np.allclose(p, [[0.3, 0.7], [0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])


def test_the_weight_is_that_of_the_branch_that_is_right() -> None:
    right, wrong = np.eye(2), 1 - np.eye(2)
    labels = np.array([0, 1])
    assert peers.chosen_weight(right, wrong, labels) > 0.5
    assert peers.chosen_weight(wrong, right, labels) < 0.5
    assert peers.chosen_weight(right, np.full((2, 2), np.nan), labels) == 0.5


def test_colours_are_the_roots_of_shares() -> None:
    picture = np.zeros((1, 2, 2, 3), np.uint8)
    picture[0, 0, 0] = (255, 64, 0)
    found = peers.colours(picture)[0]
    assert found[3 * 16 + 1 * 4] == 0.5
    assert np.isclose(found[0] ** 2, 0.75)
    assert np.count_nonzero(found) == 2


def test_text_peers_answer_only_products_with_text() -> None:
    words = {int(code): f"mot{code} titre{code}" for code in CODES[:4]}
    known = pd.DataFrame(
        [
            {"designation": f"{text} {number}", "description": "", "prdtypecode": code}
            for code, text in words.items()
            for number in range(6)
        ]
        + [{"designation": "seul", "description": "", "prdtypecode": int(CODES[9])}]
    )
    test = pd.DataFrame(
        [
            {"designation": "", "description": text, "prdtypecode": code}
            for code, text in words.items()
        ]
        + [{"designation": "", "description": "", "prdtypecode": int(CODES[0])}]
    )
    for row in peers.text_peers(known, test, bins=15):
        assert row.products == 4
        assert row.figures["accuracy"] == 1.0


def test_every_option_with_weights_at_hand_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    names = {plan.name for plan in quality.plans(quality.KINDS, {"vgg16": None})}
    assert {"text=ngrams", "text=lstm", "image=vgg16, random weights", "the defaults"} <= names
    assert {"image=cnn", "image=efficientnet"} <= names
    assert not any("mobilenet" in name for name in names)
    assert "image=mobilenet is left out: no weights of mobilenet" in capsys.readouterr().err
    every = list(quality.plans(quality.KINDS, {"vgg16": "imagenet", "mobilenet": "/w.h5"}))
    original = "text=lstm image=vgg16 fusion=weighted"
    assert set(dict((p.name, p.overrides) for p in every)[original]) == {
        *("text=lstm", "image=vgg16", "fusion=weighted", "image.weights='imagenet'")
    }
    assert {plan.kind for plan in quality.plans(["text"], {})} == {"text"}


def test_rows_are_those_of_the_products_that_a_combination_can_see() -> None:
    def part(products: int, **more: float) -> dict[str, Any]:
        return {"products": products, "accuracy": 0.5, **more}

    figures = {
        **part(100),
        "text_only": part(80),
        "image_only": {"products": 0},
        "both": part(30, text_alone_weighted_f1=0.7, image_alone_weighted_f1=0.4),
        "coverage_at": {"95": 0.4},
    }
    seconds = {"images": 1.0, "train_text": 2.0, "train_image": 4.0, "fuse": 8.0, "export": 16.0}
    (text,) = quality.rows(quality.Plan("t", (), "text"), figures, seconds)
    assert text == Row("t", "with text", 80, {"accuracy": 0.5, "coverage": 0.5}, 2.0)
    assert not list(quality.rows(quality.Plan("i", (), "image"), figures, seconds))
    fused = list(quality.rows(quality.Plan("f", (), "fused"), figures, seconds))
    assert [(row.on, row.seconds) for row in fused] == [
        *(("all", 15.0), ("with both", None), ("with both", None), ("with both", None))
    ]
    assert fused[2].figures == {"weighted_f1": 0.7}


def test_a_stage_is_the_same_where_all_it_depends_on_is_the_same(tmp_path: Path) -> None:
    runs = Combinations(tmp_path, [], {})
    usual, other = runs.params([]), runs.params(["text=lstm"])
    resplit = quality.with_seed(usual, 1)
    for stage in PIPELINE:
        same = identity(stage, usual) == identity(stage, other)
        untouched = {"ingest", "prepare", "explore", "embed", "train_language"}
        assert same == (stage in untouched | {"images", "train_image"})
        assert (identity(stage, usual) == identity(stage, resplit)) == (
            stage in {"ingest", "images"}
        )


@pytest.mark.slow
def test_stages_run_once_and_never_in_the_repository(tmp_path: Path) -> None:
    runs = Combinations(tmp_path, ["data.products=400", "data.unlabelled=5"], {})
    first, _ = runs.run("prepare", quality.with_seed(runs.params([]), 1))
    again, seconds = runs.run("prepare", quality.with_seed(runs.params(["text=lstm"]), 1))
    assert (again / "data/prepared").resolve() == first / "data/prepared"
    assert seconds["ingest"] > 0
    other, _ = runs.run("prepare", quality.with_seed(runs.params([]), 2))
    assert (other / "data/raw").resolve() == first / "data/raw"
    tests = [pd.read_parquet(at / "data/prepared/test.parquet")["id"] for at in (first, other)]
    assert set(tests[0]) != set(tests[1])


@pytest.mark.slow
def test_a_failing_stage_is_shown_with_its_last_lines(tmp_path: Path) -> None:
    runs = Combinations(tmp_path, [], {})
    params = runs.params([])
    params["prepare"] = {**params["prepare"], "test_share": 0.9}
    with pytest.raises(StageError, match=r"(?s)ingest ended with status 1:.*test_share = 0\.9"):
        runs.run("prepare", params)
    with pytest.raises(FileNotFoundError, match="make repro"):
        runs.know("prepare", tmp_path, params)


@pytest.mark.parametrize("words", [["--data", "no/such"], ["--weights", "no/such.h5"]])
def test_a_path_that_does_not_exist_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        quality.main(words)
    assert "no/such" in capsys.readouterr().err
