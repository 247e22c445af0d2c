"""Write what waits for review as tasks of Label Studio: `make label-studio-tasks`.

OUTPUT=tasks.json names the file. Each task has the answer as a prediction, with its confidence as
the score and the lock hash as the model's version. Beside it lies the labelling interface
(tasks.xml), with the codes of models/classifier. Pictures that the queue has kept are in the tasks.
The products are a shop's data: the files belong where Label Studio is, not into a repository.

Exit code: 0 written, 2 it cannot be, 3 nothing waits.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from serving.classifier.classifier import LABELS_FILE
from serving.listing.labels import read_labels
from serving.review.queue import ReviewQueue, Waiting
from stages.commands.corrections import store
from stages.commands.corrections.label_studio import Interface
from stages.commands.repository import ROOT, ResultError
from stages.common.paths import CLASSIFIER


def label_studio_tasks(
    output: Annotated[Path, typer.Option(envvar="OUTPUT", help="JSON file.")] = Path("tasks.json"),
    database: Annotated[
        str | None,
        typer.Option(envvar="DATABASE", help="SQLAlchemy address, if not that of the service."),
    ] = None,
) -> None:
    """Write what waits for review as tasks of Label Studio, and its labelling interface."""
    with store.opened(database) as engine:
        answers = _waiting(ReviewQueue(engine, size=0, lease=0)) if engine is not None else []
    if not answers:
        raise ResultError("nothing waits for review")
    interface = Interface(read_labels(ROOT / CLASSIFIER / LABELS_FILE))
    pictures = any(answer.picture for answer in answers)
    tasks = [interface.task(answer, pictures=pictures) for answer in answers]
    output.write_text(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    shown = output.with_suffix(".xml")
    shown.write_text(interface.xml(pictures=pictures), encoding="utf-8")
    print(f"{output}: {len(tasks)} tasks, to be imported into a project of Label Studio")
    print(f"{shown}: its labelling interface (Settings > Labeling Interface > Code)")


def _waiting(queue: ReviewQueue) -> list[Waiting]:
    """With the pictures that were kept."""
    found = ((answer, queue.find(answer.product)) for answer in queue.waiting())
    return [replace(answer, picture=whole.picture if whole else None) for answer, whole in found]
