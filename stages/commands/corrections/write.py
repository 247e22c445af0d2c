"""Write what reviewers settled into data/corrections, tracked by DVC: `make corrections`.

The entries are those of the service's CORRECTIONS_DATABASE, or of DATABASE. What each reviewer said
last of a product counts; where they disagree, the product is a conflict, which is listed with who
said what, and left out. No file names a person, and equal entries give equal bytes.

The stage `ingest` reads the folder once `data.corrections` is data/corrections. Exit code: 0 it is
as reviewers have it, 3 there are no entries and no folder, 99 fewer than `--at-least` corrections
are new, changed or taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from serving.review.settling import Conflict
from stages.commands.console import table_lines
from stages.commands.corrections import folder, store
from stages.commands.corrections.tables import Tables, codes, tables
from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.repository import ROOT
from stages.common.paths import CORRECTIONS, CORRECTIONS_TABLE
from stages.common.settings import PARAMS, load

_SHOWN = 20


class NoEntriesError(CommandError):
    """There is nothing to write."""

    code = ExitCode.NOTHING


def write(
    database: Annotated[
        str | None,
        typer.Option(envvar="DATABASE", help="SQLAlchemy address, if not that of the service."),
    ] = None,
    at_least: Annotated[
        int, typer.Option(min=0, help="Corrections that must differ from those there.")
    ] = 0,
) -> None:
    """Write what reviewers settled into data/corrections."""
    with store.opened(database) as engine:
        found = tables(store.entries(engine))
    folder.recover(ROOT, CORRECTIONS)
    before = folder.content(ROOT / CORRECTIONS)
    if not before and not (found.settled or found.conflicts):
        if at_least:
            print("there are no corrections yet")
            raise typer.Exit(ExitCode.SKIPPED)
        raise NoEntriesError(
            "there are no corrections yet; reviewers make them on the service's page, at "
            "POST /corrections or in Label Studio, and they lie in CORRECTIONS_DATABASE (.env)"
        )
    different = _different(before, found)
    _tell(found)
    if different < at_least:
        print(f"{different} of them are new, changed or taken back; {at_least} are waited for")
        raise typer.Exit(ExitCode.SKIPPED)
    if before != found.files:
        folder.replace(ROOT, CORRECTIONS, found.files)
    tracked = folder.track(ROOT, CORRECTIONS)
    if before == found.files and not tracked:
        print(f"{CORRECTIONS} is as it was")
        return
    print(f"{CORRECTIONS}: {different} new, changed or taken back")
    if load(ROOT / PARAMS).data.corrections is None:
        print(
            f"The pipeline does not read it yet: set data.corrections to {CORRECTIONS} in "
            "conf/config.yaml, then run `make params`"
        )
    print(f"To have it in this branch: git add {CORRECTIONS}.dvc, then `make repro`")


def _different(before: dict[str, bytes], found: Tables) -> int:
    """How many products have another code than in the folder, or are in one of both alone."""
    old = codes(before[CORRECTIONS_TABLE]) if CORRECTIONS_TABLE in before else {}
    new = codes(found.files[CORRECTIONS_TABLE])
    return sum(old.get(product) != new.get(product) for product in old.keys() | new.keys())


def _tell(found: Tables) -> None:
    print(
        f"{len(found.settled)} corrections, of which {found.changed} changed the answer; "
        f"{len(found.conflicts)} conflicts"
    )
    if found.conflicts:
        rows = [row for each in found.conflicts[:_SHOWN] for row in _said(each)]
        print(*table_lines(rows, ("product", "id", "designation", "code", "reviewer")), sep="\n")
        if len(found.conflicts) > _SHOWN:
            print(f"and {len(found.conflicts) - _SHOWN} more")


def _said(conflict: Conflict) -> Sequence[tuple[str, str, str, str, str]]:
    """What each reviewer said; the product is named once."""
    return [
        (
            *(
                (entry.product, entry.identifier or "", " ".join((entry.designation or "").split()))
                if number == 0
                else ("", "", "")
            ),
            str(entry.code),
            entry.reviewer,
        )
        for number, entry in enumerate(conflict.entries)
    ]
