"""The codes of the default taxonomy."""

from __future__ import annotations

import shutil
from pathlib import Path

from serving.listing.labels import Code, Label, Labels, stored
from stages.common.output import write_json
from stages.common.paths import LABELS as PREPARED_LABELS
from stages.common.settings import FileTaxonomy
from stages.preparation.taxonomy import labels_of, read_taxonomy
from tests.support.repository import ROOT

TABLE = Path("conf/taxonomy/rakuten.csv")
_WHERE = str(ROOT / TABLE)

NAMES = read_taxonomy(FileTaxonomy(source="rakuten", path=_WHERE, watched=_WHERE)) or {}
LABELS: dict[Code, Label] = labels_of(map(int, NAMES), NAMES)
CODES = tuple(map(int, NAMES))
"""In ascending order."""


def copy_taxonomy(folder: Path) -> None:
    """Put it where `prepare` finds it that runs in `folder`."""
    (folder / TABLE.parent).mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / TABLE, folder / TABLE)


def write_labels(folder: Path, labels: Labels = LABELS) -> None:
    """As `prepare` leaves them in `folder`."""
    write_json(folder / PREPARED_LABELS, stored(labels))
