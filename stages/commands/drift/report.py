"""Report how the latest answers differ from held-out products: `make drift [WINDOW=<products>]`.

The answers are those of the service's prediction log, LOG=<file> or SERVING_PREDICTIONS_PATH; its
rotated files belong to it. They must be those of the classifier in models/classifier. With
LABELS=<csv> (`id,prdtypecode`) the report has the measured quality of what was answered, and
whether the promised precision of the accepted still holds. OUTPUT (default: drift.html) is a page
that needs nothing from elsewhere.

Exit status: 0 nothing drifted and no promise is broken, 1 something did or is, 2 it could not be
asked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from serving.classifier.classifier import FUSION_FILE, REFERENCE_FILE
from serving.classifier.fusion import Fusion
from serving.classifier.record import Record
from serving.classifier.reference import Reference
from stages.commands.drift import page, prediction_log
from stages.commands.drift.answered_quality import Quality, labelled, quality
from stages.commands.drift.findings import COLUMNS, Finding, findings
from stages.commands.remote import environment
from stages.commands.repository import ResultError
from stages.commands.results import dvc_lock
from stages.common.output import StageError, fail
from stages.common.paths import CLASSIFIER

UNUSABLE = 2


def reference_of(model: str) -> Reference:
    """The reference of the classifier that is there. Raises StageError: it is none, or it is not
    that with the lock hash `model`."""
    path = CLASSIFIER / REFERENCE_FILE
    if not path.is_file():
        raise StageError(f"there is no {path}; fetch it with `dvc pull {CLASSIFIER}`")
    found = dvc_lock.content_hash(dvc_lock.files_below(CLASSIFIER))
    if found != model:
        raise StageError(
            f"the latest answers are those of the classifier {model}; {CLASSIFIER} holds {found}: "
            f"`make whence HASH={model}` names its commit"
        )
    return Reference.read(path)


def table(found: Sequence[Finding]) -> str:
    """The findings in columns."""
    rows = [COLUMNS, *(each.row for each in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def main(arguments: Sequence[str]) -> int:
    """Write the page and say what it says; the exit status. Raises StageError, ResultError."""
    parser = argparse.ArgumentParser(prog="make drift", description=__doc__)
    parser.add_argument("--window", default="", metavar="PRODUCTS")
    parser.add_argument("--labels", default="", metavar="CSV")
    parser.add_argument("--log", default="", metavar="FILE")
    parser.add_argument("--output", default="", metavar="HTML")
    given = parser.parse_args(arguments)
    if not (given.window or "1").isdigit() or given.window == "0":
        parser.error(f"WINDOW={given.window}: expected a number of products")
    settings = environment.load()
    log = Path(given.log) if given.log else settings.predictions_path
    if log is None:
        parser.error("LOG=<file> is missing, and SERVING_PREDICTIONS_PATH is not set")
    records = prediction_log.last(log, int(given.window) if given.window else None)
    reference = reference_of(records[-1].model)
    found = findings(records, reference, settings.drift_tolerated)
    measured = _measured(records, Path(given.labels)) if given.labels else None
    output = Path(given.output or "drift.html")
    title = (
        f"{len(records)} products from {records[0].time[:19]} to {records[-1].time[:19]} UTC, "
        f"beside {reference.products} held-out ones of {records[-1].model}"
    )
    page.write(output, title, reference, records, found, measured)
    print(f"{title}\n\n{table(found)}\n")
    for name, value in measured.told if measured else ():
        print(f"{name}: {value}")
    print(output)
    broken = measured is not None and measured.verdict == "is broken"
    return int(broken or any(each.drifted for each in found))


def _measured(records: Sequence[Record], labels: Path) -> Quality:
    """By the right codes in the table `labels`."""
    promised = Fusion.read(CLASSIFIER / FUSION_FILE).precision
    return quality(labelled(records, labels), promised)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (StageError, ResultError, OSError) as error:
        fail("drift", error, UNUSABLE)
