"""Take annotations as corrections: `make label-studio-import TASKS=export.json REVIEWER=name`.

The file is what Label Studio exports as JSON from a project with the tasks of
`make label-studio-tasks`. Each annotation becomes an entry of the reviewer, as if made on the
service's page; one that the reviewer's latest entry says already is none, so that a file may be
imported twice. Either all codes are known or nothing is taken.

Exit code: 0 taken, 2 the file or the database cannot be used, 3 nothing is annotated.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from serving.classifier.classifier import LABELS_FILE
from serving.listing.labels import read_labels
from serving.review.corrections import Answered, Corrections
from serving.review.queue import ReviewQueue
from stages.commands.corrections import store
from stages.commands.corrections.label_studio import Annotation, FormatError, Interface
from stages.commands.repository import ROOT, ResultError
from stages.common.paths import CLASSIFIER

_LONGEST = 64
_SHOWN = 5


def label_studio_import(
    tasks: Annotated[Path, typer.Option(envvar="TASKS", help="JSON file that was exported.")],
    reviewer: Annotated[
        str, typer.Option(envvar="REVIEWER", help="Whose corrections they are in the database.")
    ],
    database: Annotated[
        str | None,
        typer.Option(envvar="DATABASE", help="SQLAlchemy address, if not that of the service."),
    ] = None,
) -> None:
    """Take annotations of Label Studio as corrections of a reviewer."""
    if not 0 < len(reviewer.strip()) <= _LONGEST:
        raise typer.BadParameter(f"REVIEWER: expected a name of 1 to {_LONGEST} characters")
    annotated = Interface(read_labels(ROOT / CLASSIFIER / LABELS_FILE)).annotated(_read(tasks))
    if not annotated:
        raise ResultError(f"{tasks}: no task is annotated")
    with store.opened(database) as engine:
        if engine is None:
            raise ResultError("the database has no answers that could be corrected")
        corrections, queue = Corrections(engine), ReviewQueue(engine, size=0, lease=0)
        taken, same, gone = 0, 0, []
        for each in annotated:
            answered, said = _known(corrections, queue, each, reviewer)
            if answered is None:
                gone.append(each.product)
            elif said:
                same += 1
            else:
                corrections.append(answered, reviewer, each.code, "Label Studio")
                taken += 1
    print(f"{taken} corrections of {reviewer}, {same} that were there already")
    if gone:
        print(
            f"{len(gone)} products are no longer in the database, and were left out: "
            f"{', '.join(gone[:_SHOWN])}"
        )


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FormatError(f"{path} is no JSON in UTF-8: {error}") from error


def _known(
    corrections: Corrections,
    queue: ReviewQueue,
    each: Annotation,
    reviewer: str,
) -> tuple[Answered | None, bool]:
    """The answer to a product, None where it was forgotten; and whether the reviewer's latest entry
    has the code already."""
    entries = [e for e in corrections.entries(product=each.product) if e.product == each.product]
    own = [entry.code for entry in entries if entry.reviewer == reviewer]
    answered: Answered | None = queue.find(each.product)
    if answered is None and entries:
        answered = entries[-1]
    return answered, own[-1:] == [each.code]
