"""What experiments changed and reached: `make experiments`.

Scores of other test products say nothing about which is better, so experiments are ranked among
those that were measured on the same ones, by the hash that dvc.lock gives the test part.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.commands.repository import ROOT, ResultError, dvc

_TEST = "data/prepared/test.parquet"
_EVALUATION = "metrics/evaluation.json"

_SCORES = {
    "weighted F1": "weighted_f1",
    "macro F1": "macro_f1",
    "calib. error": "calibration_error",
    "cover. at 95 %": "coverage_at.95",
}
_OPTION = {"data": "source", "text": "model", "image": "model", "fusion": "method"}
"""The parameter that names the option of a group; the others of the group belong to it."""

_DERIVED = ("data.dependency", "image.weights_file")
"""Parameters that follow from others."""

_UNFINISHED = ("queued", "running", "failed")
"""States of DVC's executors that have no result."""

_NAME = 22


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

    Raises ResultError with DVC's own words when it cannot tell.
    """
    done = dvc("exp", "show", "--json", where=ROOT)
    if done.returncode:
        raise ResultError(done.stderr.strip())
    return list(parse(json.loads(done.stdout)))


def parse(shown: Sequence[Mapping[str, Any]]) -> Iterator[Experiment]:
    """What `dvc exp show --json` says, the workspace left out."""
    for commit in shown:
        if commit["rev"] == "workspace":
            continue
        yield _experiment(commit, "failed" if commit.get("error") else "")
        for each in commit.get("experiments") or ():
            state = (each.get("executor") or {}).get("state", "")
            yield _experiment(each["revs"][0], state)


def _experiment(shown: Mapping[str, Any], state: str) -> Experiment:
    data = shown.get("data") or {}
    parameters = (data.get("params") or {}).get("params.yaml", {}).get("data", {})
    measured = (data.get("metrics") or {}).get(_EVALUATION, {}).get("data", {})
    # What has not run yet is shown with the scores of the commit that it starts from.
    scores = {} if state in _UNFINISHED else dict(_flat(measured))
    return Experiment(
        name=shown.get("name") or shown["rev"][:7],
        parameters=dict(_flat(parameters)),
        scores=scores,
        test=((data.get("deps") or {}).get(_TEST) or {}).get("hash") or "",
        products=int(scores.get("products", 0)),
        state="" if scores else state or "not measured",
    )


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def table(found: Sequence[Experiment]) -> str:
    """A block for each test part, in it the best first; then what has no scores."""
    measured = [each for each in found if not each.state]
    blocks = []
    for test in dict.fromkeys(each.test for each in measured):
        rows = [each for each in measured if each.test == test]
        best_first = sorted(rows, key=lambda row: -row.scores["weighted_f1"])
        blocks.append(_block(best_first, found[0].parameters))
    lacking = [f"  {each.name} ({each.state})" for each in found if each.state]
    if lacking:
        blocks.append("\n".join(["without scores:", *lacking]))
    if len(blocks) > 1 + bool(lacking):
        blocks.append("Scores of one block say nothing about those of another.")
    return "\n\n".join(blocks)


def _block(rows: Sequence[Experiment], base: Mapping[str, Any]) -> str:
    """Experiments of one test part; `base` are the parameters of the commit they start from."""
    differing = _differing([row.parameters for row in rows])
    shared = [key for key in _differing([base, rows[0].parameters]) if key not in differing]
    lines = [
        f"on the same {rows[0].products:,} test products (md5 {rows[0].test[:8] or 'unknown'}):"
    ]
    if shared:
        lines.append(f"  all with {_words(rows[0], shared)}")
    lines.append(f"  {'':<{_NAME}}" + "".join(f"{name:>16}" for name in _SCORES))
    for row in rows:
        scores = (row.scores.get(key) for key in _SCORES.values())
        cells = "".join(f"{'–' if score is None else f'{score:.4f}':>16}" for score in scores)
        lines.append(f"  {row.name:<{_NAME}}{cells}")
        if differing:
            lines.append(f"    {_words(row, differing)}")
    return "\n".join(lines)


def _differing(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    """The parameters that tell these experiments apart: where options of a group differ, the
    option, and of its own parameters those that differ between two that chose it."""
    found = []
    for key in dict.fromkeys(key for each in parameters for key in each):
        section = key.partition(".")[0]
        option = f"{section}.{_OPTION.get(section, '')}"
        chosen = {None} if key == option else {str(each.get(option)) for each in parameters}
        among = (
            [each for each in parameters if of is None or str(each.get(option)) == of]
            for of in chosen
        )
        if key not in _DERIVED and any(
            len({str(each.get(key)) for each in of}) > 1 for of in among
        ):
            found.append(key)
    return found


def _words(row: Experiment, keys: Sequence[str]) -> str:
    """Parameters of an experiment as `-S` takes them."""
    given = ((key, row.parameters[key]) for key in keys if key in row.parameters)
    return " ".join(f"{key}={'null' if value is None else value}" for key, value in given)


def main() -> int:
    """Print the table; the exit status."""
    try:
        print(table(read()))
    except ResultError as error:
        print(f"experiments: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
