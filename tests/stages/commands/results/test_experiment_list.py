"""Experiments are ranked among those that were measured on the same products."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from stages.commands.pipeline.composition import compose
from stages.commands.results.experiment_list import lines, parse
from stages.common.paths import FILES
from tests.support.repository import ROOT


def shown(
    name: str, test: str | None, f1: float | None, products: int = 100, **parameters: Any
) -> dict[str, Any]:
    """An entry of `dvc exp show --json`; sections of params.yaml as `text={"model": …}`."""
    given = {
        "data": {"source": "sample", "watched": {"images": f"{name}/images.zip"}},
        "text": {"model": "ngrams", "bits": 18},
        "image": {"model": "cnn", "dropout": 0.4},
        "train": {"epochs": 40},
    }
    scores = {"products": products, "weighted_f1": f1, "coverage_at": {"95": 0.5}}
    return {
        "rev": "0123456789",
        "name": name,
        "data": {
            "params": {"params.yaml": {"data": {**given, **parameters}}},
            "metrics": {"metrics/evaluation.json": {"data": scores if f1 is not None else {}}},
            "deps": {"data/prepared/test.parquet": {"hash": test}},
        },
    }


def revision(entry: dict[str, Any], state: str = "success") -> dict[str, Any]:
    return {"revs": [entry], "executor": {"state": state}}


def told(*experiments: dict[str, Any], baseline: dict[str, Any] | None = None) -> list[str]:
    commit = {**(baseline or shown("main", "a" * 32, 0.8, 263)), "experiments": list(experiments)}
    workspace = {"rev": "workspace", "data": {}}
    return lines(list(parse([workspace, commit])))


def test_a_score_of_other_products_is_not_ranked_above() -> None:
    printed = told(
        revision(shown("small", "b" * 32, 0.95, 81)), revision(shown("same", "a" * 32, 0.85, 263))
    )
    heads = [line for line in printed if line.startswith("on the same")]
    assert heads == [
        "on the same 263 test products (md5 aaaaaaaa):",
        "on the same 81 test products (md5 bbbbbbbb):",
    ]
    names = [line.split()[0] for line in printed if "0.5000" in line]
    assert names == ["same", "main", "small"]
    assert printed[-1] == "Scores of one block say nothing about those of another."


def test_within_a_block_the_best_is_first_and_what_differs_is_named() -> None:
    printed = told(
        revision(shown("worse", "a" * 32, 0.7, train={"epochs": 2})),
        revision(shown("better", "a" * 32, 0.9, train={"epochs": 80})),
    )
    assert [line.strip() for line in printed if "train.epochs" in line] == [
        "train.epochs=80",
        "train.epochs=40",
        "train.epochs=2",
    ]


def test_of_another_option_the_option_is_named_and_not_what_belongs_to_it() -> None:
    printed = told(
        revision(shown("other", "a" * 32, 0.7, text={"model": "lstm", "units": 64})),
        revision(shown("finer", "a" * 32, 0.6, text={"model": "ngrams", "bits": 20})),
    )
    assert "    text.model=lstm" in printed
    assert "    text.model=ngrams text.bits=20" in printed


def test_of_two_folders_the_path_is_named_and_not_what_follows_from_it(tmp_path: Path) -> None:
    """The keys are those of a composition, so that none of them is invented here."""
    folders = [tmp_path / name for name in ("one", "other")]
    for path in (folder / name for folder in folders for name in FILES):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    one, other = (
        yaml.safe_load(compose(ROOT / "conf", ["data=folder", f"data.path={folder}"]))
        for folder in folders
    )
    assert one["data"]["watched"] != other["data"]["watched"]
    printed = told(
        revision(shown("experiment", "a" * 32, 0.7, **other)),
        baseline=shown("main", "a" * 32, 0.8, **one),
    )
    named = [line.strip() for line in printed if "data." in line]
    assert named == [f"data.path={folder}" for folder in folders]


def test_what_a_block_has_in_common_is_told_once() -> None:
    train = {"epochs": 2}
    printed = told(
        revision(shown("one", "b" * 32, 0.7, text={"model": "lstm"}, train=train)),
        revision(shown("two", "b" * 32, 0.6, train=train)),
    )
    assert printed.count("  all with train.epochs=2") == 1
    assert "    text.model=lstm" in printed


def test_what_was_not_measured_is_named_with_the_reason() -> None:
    printed = told(
        revision(shown("waiting", None, None), "queued"),
        revision(shown("gone", None, None), "failed"),
    )
    assert printed[-3:] == ["without scores:", "  waiting (queued)", "  gone (failed)"]


def test_what_still_runs_has_not_the_scores_that_it_starts_from() -> None:
    for state in ("queued", "running"):
        printed = told(revision(shown("early", "a" * 32, 0.8), state))
        assert printed[-1] == f"  early ({state})"


def test_no_line_of_scores_is_wider_than_a_terminal() -> None:
    printed = told(revision(shown("x" * 22, "a" * 32, 0.7)))
    assert max(map(len, printed)) <= 100
