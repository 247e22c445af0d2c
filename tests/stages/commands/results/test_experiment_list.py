"""Experiments are ranked among those that were measured on the same products."""

from __future__ import annotations

from typing import Any

from stages.commands.results.experiment_list import parse, table


def shown(
    name: str, test: str | None, f1: float | None, products: int = 100, **parameters: Any
) -> dict[str, Any]:
    """An entry of `dvc exp show --json`; sections of params.yaml as `text={"model": …}`."""
    given = {
        "data": {"source": "sample", "dependency": name},
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
    return table(list(parse([workspace, commit]))).splitlines()


def test_a_score_of_other_products_is_not_ranked_above() -> None:
    lines = told(
        revision(shown("small", "b" * 32, 0.95, 81)), revision(shown("same", "a" * 32, 0.85, 263))
    )
    heads = [line for line in lines if line.startswith("on the same")]
    assert heads == [
        "on the same 263 test products (md5 aaaaaaaa):",
        "on the same 81 test products (md5 bbbbbbbb):",
    ]
    names = [line.split()[0] for line in lines if "0.5000" in line]
    assert names == ["same", "main", "small"]
    assert lines[-1] == "Scores of one block say nothing about those of another."


def test_within_a_block_the_best_is_first_and_what_differs_is_named() -> None:
    lines = told(
        revision(shown("worse", "a" * 32, 0.7, train={"epochs": 2})),
        revision(shown("better", "a" * 32, 0.9, train={"epochs": 80})),
    )
    assert [line.strip() for line in lines if "train.epochs" in line] == [
        "train.epochs=80",
        "train.epochs=40",
        "train.epochs=2",
    ]


def test_of_another_option_the_option_is_named_and_not_what_belongs_to_it() -> None:
    lines = told(
        revision(shown("other", "a" * 32, 0.7, text={"model": "lstm", "units": 64})),
        revision(shown("finer", "a" * 32, 0.6, text={"model": "ngrams", "bits": 20})),
    )
    assert "    text.model=lstm" in lines
    assert "    text.model=ngrams text.bits=20" in lines
    assert "dependency" not in "".join(lines)


def test_what_a_block_has_in_common_is_told_once() -> None:
    train = {"epochs": 2}
    lines = told(
        revision(shown("one", "b" * 32, 0.7, text={"model": "lstm"}, train=train)),
        revision(shown("two", "b" * 32, 0.6, train=train)),
    )
    assert lines.count("  all with train.epochs=2") == 1
    assert "    text.model=lstm" in lines


def test_what_was_not_measured_is_named_with_the_reason() -> None:
    lines = told(
        revision(shown("waiting", None, None), "queued"),
        revision(shown("gone", None, None), "failed"),
    )
    assert lines[-3:] == ["without scores:", "  waiting (queued)", "  gone (failed)"]


def test_what_still_runs_has_not_the_scores_that_it_starts_from() -> None:
    for state in ("queued", "running"):
        lines = told(revision(shown("early", "a" * 32, 0.8), state))
        assert lines[-1] == f"  early ({state})"


def test_no_line_of_scores_is_wider_than_a_terminal() -> None:
    lines = told(revision(shown("x" * 22, "a" * 32, 0.7)))
    assert max(map(len, lines)) <= 100
