"""Report how the latest answers differ from held-out products: `make drift [WINDOW=<products>]`.

The answers are those of the service's prediction log, LOG=<file> or SERVING_PREDICTIONS_PATH; its
rotated files belong to it. They must be those of the classifier in models/classifier. With
LABELS=<csv> (`id,prdtypecode`) the report has the measured quality of what was answered, and
whether the promised precision of the accepted still holds. What reviewers said of accepted answers
of this classifier that were drawn by chance tells the same, if CORRECTIONS_DATABASE (or DATABASE)
has any; answers that were picked for another reason do not count. OUTPUT (default: drift.md) is a
drift card in Markdown, with its plots in a folder beside it.

Exit code: 0 nothing drifted and no promise is broken, 1 something did or is, 2 it could not be
asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from serving.classifier.classifier import FUSION_FILE, REFERENCE_FILE
from serving.classifier.fusion import Fusion
from serving.classifier.record import Record
from serving.classifier.reference import Reference
from serving.review.queue import ReviewQueue
from stages.commands.console import print_table
from stages.commands.corrections import store
from stages.commands.drift import card, prediction_log
from stages.commands.drift.answered_quality import Quality, labelled, quality
from stages.commands.drift.card import COLUMNS, findings
from stages.commands.drift.reviewed_quality import CODE_COLUMNS, Reviewed, reviewed
from stages.commands.exit_codes import ExitCode
from stages.commands.remote import environment
from stages.commands.results.dvc_lock import present_hash
from stages.common.output import StageError
from stages.common.paths import CLASSIFIER


def reference_of(model: str) -> Reference:
    """The reference of the classifier that is there. Raises StageError: it is none, or it is not
    that with the lock hash `model`."""
    path = CLASSIFIER / REFERENCE_FILE
    if not path.is_file():
        raise StageError(f"there is no {path}; fetch it with `dvc pull {CLASSIFIER}`")
    actual = present_hash(CLASSIFIER)
    if actual != model:
        raise StageError(
            f"the latest answers are those of the classifier {model}; {CLASSIFIER} holds {actual}: "
            f"`make lineage HASH={model}` names its commit"
        )
    return Reference.read(path)


def report(
    window: Annotated[
        int | None, typer.Option(envvar="WINDOW", min=1, help="Number of products.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(envvar="LABELS", help="CSV table: id,prdtypecode.")
    ] = None,
    log: Annotated[Path | None, typer.Option(envvar="LOG", help="Prediction log.")] = None,
    output: Annotated[Path | None, typer.Option(envvar="OUTPUT", help="Markdown file.")] = None,
    database: Annotated[
        str | None,
        typer.Option(envvar="DATABASE", help="Of corrections, if not that of the service."),
    ] = None,
) -> None:
    """How the latest answers differ from held-out products."""
    settings = environment.load()
    log = log or settings.predictions_path
    if log is None:
        raise typer.BadParameter("LOG=<file> is missing, and SERVING_PREDICTIONS_PATH is not set")
    records = prediction_log.last(log, window)
    reference = reference_of(records[-1].model)
    features = findings(records, reference, settings.drift_tolerated)
    measured = _measured(records, labels) if labels else None
    sampled = _reviewed(database, records[-1].model)
    title = (
        f"{len(records)} products from {records[0].time[:19]} to {records[-1].time[:19]} UTC, "
        f"beside {reference.products} held-out ones of {records[-1].model}"
    )
    output = output or Path("drift.md")
    card.write(output, title, reference, records, features, measured, sampled)
    print(f"{title}\n")
    print_table(COLUMNS, [feature.row for feature in features])
    print()
    for name, value in measured.rows if measured else ():
        print(f"{name}: {value}")
    if sampled:
        for name, value in sampled.rows:
            print(f"{name}: {value}")
        print_table(CODE_COLUMNS, sampled.code_rows)
    print(output)
    broken = any(found and found.verdict == "is broken" for found in (measured, sampled))
    if broken or any(feature.drifted for feature in features):
        raise typer.Exit(ExitCode.FAILED)


def _reviewed(database: str | None, model: str) -> Reviewed | None:
    """By what reviewers said of a sample of the accepted answers of `model`."""
    promised = Fusion.read(CLASSIFIER / FUSION_FILE).precision
    with store.opened(database) as engine:
        if engine is None:
            return None
        waiting = ReviewQueue(engine, size=0, lease=0).waiting()
        undecided = sum(each.reason == "sample" and each.model == model for each in waiting)
        return reviewed(store.entries(engine), model, promised, undecided)


def _measured(records: Sequence[Record], labels: Path) -> Quality:
    """By the right codes in the table `labels`."""
    promised = Fusion.read(CLASSIFIER / FUSION_FILE).precision
    return quality(labelled(records, labels), promised)
