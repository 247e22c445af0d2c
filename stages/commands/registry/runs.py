"""A record becomes an MLflow run, once, however often sending it is cut off."""

from __future__ import annotations

import csv
import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunStatus
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_RUN_NAME,
    MLFLOW_RUN_NOTE,
    MLFLOW_USER,
)

from stages.commands.registry import charts
from stages.commands.registry.records import FILES, Record
from stages.common.flatten import flatten

LOCK, MODEL, DATA = "dvc_lock", "model", "data"
"""Tags that hold hashes: of dvc.lock, models/classifier and data/raw."""

_CARD = Path("metrics/model_card.md")
_CLASSIFIER = "models"
_PARAMETERS, _METRICS = 100, 1000
"""MLflow's limits for one request."""

_NOTE = 8_000
"""Characters of the description that MLflow shows of a run."""

Point = tuple[str, float, int]
"""A metric: its name, its value, its step."""

_UNNAMED = "evaluation"
"""The file whose figures stand without its name before them."""


def recorded(client: MlflowClient, experiment: str, record: Record) -> Run | None:
    """The run of this record, finished or cut off."""
    wanted = f"tags.{LOCK} = '{record.lock}' and tags.`{MLFLOW_RUN_NAME}` = '{record.name}'"
    runs = client.search_runs([experiment], wanted, max_results=1)
    return runs[0] if runs else None


def send(client: MlflowClient, experiment: str, record: Record, folder: Path) -> str:
    """Put a queued record on the server; returns the run's id.

    A run that was cut off is found by its tags, which are there from its first moment, and what it
    lacks is sent again: equal parameters, and points of equal time and step, count once.
    """
    run = recorded(client, experiment, record)
    if run is not None and run.info.status == RunStatus.to_string(RunStatus.FINISHED):
        return str(run.info.run_id)
    files = folder / FILES
    parameters = _parameters(files)
    tags = _tags(record, parameters, files)
    if run is None:
        run = client.create_run(experiment, start_time=record.time, tags=tags, run_name=record.name)
    run_id = str(run.info.run_id)
    _send_figures(client, run_id, record, parameters, files)
    _send_files(client, run_id, files)
    end = record.time + round(1000 * sum(record.seconds.values()))
    client.set_terminated(run_id, RunStatus.to_string(RunStatus.FINISHED), end)
    return run_id


def _tags(record: Record, parameters: dict[str, str], files: Path) -> dict[str, str]:
    card = files / _CARD
    return {
        LOCK: record.lock,
        MODEL: record.model or "",
        DATA: record.data or "",
        "model_type": _model_type(parameters),
        "started_by": record.started_by,
        "changes": "uncommitted" if record.dirty else "none",
        MLFLOW_GIT_COMMIT: record.commit,
        MLFLOW_USER: record.user,
        MLFLOW_RUN_NAME: record.name,
        MLFLOW_RUN_NOTE: card.read_text(encoding="utf-8")[:_NOTE] if card.is_file() else "",
    }


def _send_figures(
    client: MlflowClient, run_id: str, record: Record, parameters: dict[str, str], files: Path
) -> None:
    points = _metrics(files)
    points += [(f"seconds.{stage}", value, 0) for stage, value in record.seconds.items()]
    params = [Param(key, value) for key, value in parameters.items()]
    metrics = [Metric(name, value, record.time, step) for name, value, step in points]
    for start in range(0, len(params), _PARAMETERS):
        client.log_batch(run_id, params=params[start : start + _PARAMETERS])
    for start in range(0, len(metrics), _METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS])


def _send_files(client: MlflowClient, run_id: str, files: Path) -> None:
    """All but the classifier, which the registry holds as a model."""
    for entry in sorted(files.iterdir()):
        if entry.name == _CLASSIFIER:
            continue
        if entry.is_dir():
            client.log_artifacts(run_id, str(entry), entry.name)
        else:
            client.log_artifact(run_id, str(entry))
    with tempfile.TemporaryDirectory() as drawn:
        charts.draw(files / "metrics" / "evaluation", Path(drawn))
        client.log_artifacts(run_id, drawn, "pictures")


def _parameters(folder: Path) -> dict[str, str]:
    """params.yaml by dotted names."""
    stored = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    return {key: str(value) for key, value in flatten(stored).items()}


def _model_type(parameters: dict[str, str]) -> str:
    """The branches by the names people give them, such as VGG16+LSTM."""
    kinds = (parameters.get(f"{branch}.model", "none") for branch in ("image", "text", "language"))
    return "+".join(kind.upper() for kind in kinds if kind != "none")


def _metrics(folder: Path) -> list[Point]:
    """The figures of metrics/*.json, and of each branch with its curves; what is no finite number
    is left out."""
    points: list[Point] = []
    for path in sorted((folder / "metrics").glob("*.json")):
        before = "" if path.stem == _UNNAMED else f"{path.stem}."
        points += _numbers(path, before)
    for path in sorted((folder / "metrics").glob("train_*/metrics.json")):
        points += _numbers(path, f"{path.parent.name}.")
    for path in sorted((folder / "metrics").glob("train_*/plots/metrics/*/*.tsv")):
        points += _curve(path)
    return points


def _numbers(path: Path, before: str) -> Iterator[Point]:
    stored = json.loads(path.read_text(encoding="utf-8"))
    for key, value in flatten(stored).items():
        if isinstance(value, int | float) and math.isfinite(value):
            yield before + key, float(value), 0


def _curve(path: Path) -> Iterator[Point]:
    """DVCLive's table of one metric: metrics/train_image/plots/metrics/train/loss.tsv."""
    branch, part = path.parents[3].name, path.parent.name
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            value = float(row[path.stem])
            if math.isfinite(value):
                yield f"curves/{branch}/{part}/{path.stem}", value, int(row["step"])
