"""Experiments as DVC knows them, ranked among those of the same test products.

Scores of other test products say nothing about which is better, so experiments are ranked among
those that were measured on the same ones, by the hash that dvc.lock gives the test part.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.commands.console import table_lines
from stages.commands.exit_codes import CommandError
from stages.commands.repository import ROOT, dvc
from stages.common.flatten import flatten
from stages.common.markdown import figure

_TEST = "data/prepared/test.parquet"
_EVALUATION = "metrics/evaluation.json"

_SCORES = {
    "weighted F1": "weighted_f1",
    "macro F1": "macro_f1",
    "calib. error": "calibration_error",
    "cover. at 95 %": "coverage_at.95",
}
_OPTION = {
    "data": "source",
    "text": "model",
    "language": "model",
    "image": "model",
    "fusion": "method",
}
"""The parameter that names the option of a group; the others of the group belong to it."""

_DERIVED = ("data.watched", "language.encoder.watched", "image.weights_file")
"""Parameters, or sections of them, that follow from others."""

_UNFINISHED = ("queued", "running", "failed")
"""States of DVC's executors that have no result."""


@dataclass(frozen=True)
class Experiment:
    """A commit or an experiment: its parameters and scores by dotted name, the hash of its test
    part and how many products it has. `state` says why there are no scores."""

    name: str
    parameters: Mapping[str, Any]
    scores: Mapping[str, float]
    test: str
    products: int
    state: str = ""


def read() -> list[Experiment]:
    """The commit at hand and its experiments, as DVC knows them.

    Raises CommandError with DVC's own words when it cannot tell.
    """
    done = dvc("exp", "show", "--json", where=ROOT)
    if done.returncode:
        raise CommandError(done.stderr.strip())
    return list(parse(json.loads(done.stdout)))


def parse(shown: Sequence[Mapping[str, Any]]) -> Iterator[Experiment]:
    """What `dvc exp show --json` says, the workspace left out."""
    for commit in shown:
        if commit["rev"] == "workspace":
            continue
        yield _experiment(commit, "failed" if commit.get("error") else "")
        for entry in commit.get("experiments") or ():
            state = (entry.get("executor") or {}).get("state", "")
            yield _experiment(entry["revs"][0], state)


def _experiment(shown: Mapping[str, Any], state: str) -> Experiment:
    data = shown.get("data") or {}
    parameters = (data.get("params") or {}).get("params.yaml", {}).get("data", {})
    measured = (data.get("metrics") or {}).get(_EVALUATION, {}).get("data", {})
    # What has not run yet is shown with the scores of the commit that it starts from.
    scores = {} if state in _UNFINISHED else flatten(measured)
    return Experiment(
        name=shown.get("name") or shown["rev"][:7],
        parameters=flatten(parameters),
        scores=scores,
        test=((data.get("deps") or {}).get(_TEST) or {}).get("hash") or "",
        products=int(scores.get("products", 0)),
        state="" if scores else state or "not measured",
    )


def lines(experiments: Sequence[Experiment]) -> list[str]:
    """A block for each test part, in it the best first; then what has no scores."""
    blocks: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        if not experiment.state:
            blocks.setdefault(experiment.test, []).append(experiment)
    printed: list[str] = []
    for block in blocks.values():
        best_first = sorted(block, key=lambda row: -row.scores["weighted_f1"])
        printed += [*_block(best_first, experiments[0].parameters), ""]
    lacking = [f"  {row.name} ({row.state})" for row in experiments if row.state]
    if lacking:
        printed += ["without scores:", *lacking, ""]
    if len(blocks) > 1:
        printed += ["Scores of one block say nothing about those of another.", ""]
    return printed[:-1]


def _block(rows: Sequence[Experiment], base: Mapping[str, Any]) -> Iterator[str]:
    """Scores of experiments with the same test products, below each what tells it apart; what they
    have in common against the `base` comes first."""
    differing = _differing([row.parameters for row in rows])
    shared = [key for key in _differing([base, rows[0].parameters]) if key not in differing]
    yield f"on the same {rows[0].products:,} test products (md5 {rows[0].test[:8] or 'unknown'}):"
    if shared:
        yield f"  all with {_words(rows[0], shared)}"
    scores = (
        [f"  {row.name}", *(figure(row.scores.get(key), 4) for key in _SCORES.values())]
        for row in rows
    )
    head, *printed = table_lines(scores, ("", *_SCORES), figures=True)
    yield head
    for row, line in zip(rows, printed, strict=True):
        yield line
        if differing:
            yield f"    {_words(row, differing)}"


def _differing(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    """The parameters that tell these experiments apart: where options of a group differ, the
    option, and of its own parameters those that differ between two that chose it."""
    differing = []
    for key in dict.fromkeys(key for values in parameters for key in values):
        if any(key == name or key.startswith(f"{name}.") for name in _DERIVED):
            continue
        section = key.partition(".")[0]
        option = f"{section}.{_OPTION.get(section, '')}"
        values_by_option: dict[str, set[str]] = {}
        for values in parameters:
            chosen = "" if key == option else str(values.get(option))
            values_by_option.setdefault(chosen, set()).add(str(values.get(key)))
        if any(len(values) > 1 for values in values_by_option.values()):
            differing.append(key)
    return differing


def _words(row: Experiment, keys: Sequence[str]) -> str:
    """Parameters of an experiment as `-S` takes them."""
    given = ((key, row.parameters[key]) for key in keys if key in row.parameters)
    return " ".join(f"{key}={'null' if value is None else value}" for key, value in given)
