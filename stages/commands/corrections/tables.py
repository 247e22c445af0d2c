"""Entries of reviewers as a folder of data: equal entries give equal bytes, and name no person."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from serving.listing.heads import picture_type
from serving.review.corrections import Correction
from serving.review.settling import Conflict, Settled, valid
from stages.common.paths import (
    CONFLICTS_TABLE,
    CORRECTION_COLUMNS,
    CORRECTIONS_TABLE,
    PICTURES_FOLDER,
)

CONFLICT_COLUMNS = ("product", "id", "designation", "codes")


@dataclass(frozen=True)
class Tables:
    """What is settled, what is not, and `files` with their content by their paths in the folder."""

    settled: Sequence[Settled]
    conflicts: Sequence[Conflict]
    files: dict[str, bytes]

    @property
    def changed(self) -> int:
        """How many answers were wrong."""
        return sum(each.code != each.entry.answered for each in self.settled)


def tables(entries: Sequence[Correction]) -> Tables:
    """The folder that entries, oldest first, come to."""
    settled, conflicts = _by_identifier(*valid(entries))
    shown = {entry.product: entry.picture for entry in entries if entry.picture}
    kept = {each.product for each in settled}
    pictures = {
        product: f"{product}.{_extension(picture)}"
        for product, picture in shown.items()
        if product in kept
    }
    rows = [
        (*_told(each.entry), str(each.code), pictures.get(each.product, "")) for each in settled
    ]
    disputed = [
        (*_told(each.entries[-1])[:3], "|".join(sorted({str(e.code) for e in each.entries})))
        for each in conflicts
    ]
    files = {
        CORRECTIONS_TABLE: _csv(CORRECTION_COLUMNS, rows),
        CONFLICTS_TABLE: _csv(CONFLICT_COLUMNS, disputed),
        **{
            f"{PICTURES_FOLDER}/{name}": shown[product] or b"" for product, name in pictures.items()
        },
    }
    return Tables(settled, conflicts, files)


def codes(table: bytes) -> dict[str, str]:
    """The code of each product in a CORRECTIONS_TABLE."""
    rows = csv.DictReader(io.StringIO(table.decode("utf-8"), newline=""))
    return {row["product"]: row["prdtypecode"] for row in rows}


def _by_identifier(
    settled: Iterable[Settled], conflicts: Iterable[Conflict]
) -> tuple[list[Settled], list[Conflict]]:
    """The same of products that their owner calls alike and whose codes differ, as their content
    changed since: the latest counts if it settles that, or if one reviewer said all; else they are
    a conflict too."""
    called = defaultdict[str, list[Settled]](list)
    for each in settled:
        called[each.entry.identifier or f"\0{each.product}"].append(each)
    agreed, disputed = [], list(conflicts)
    for alike in called.values():
        by_number = sorted(alike, key=lambda each: each.entry.number)
        latest = by_number[-1]
        if len({each.code for each in alike}) == 1:
            agreed += alike
        elif latest.entry.settles or len({each.entry.reviewer for each in alike}) == 1:
            agreed.append(latest)
        else:
            disputed.append(Conflict(latest.product, tuple(each.entry for each in by_number)))
    return (
        sorted(agreed, key=lambda each: each.product),
        sorted(disputed, key=lambda each: each.product),
    )


def _told(entry: Correction) -> tuple[str, str, str, str]:
    return (
        entry.product,
        entry.identifier or "",
        entry.designation or "",
        entry.description or "",
    )


def _extension(picture: bytes) -> str:
    kind = (picture_type(picture) or "image/jpeg").removeprefix("image/")
    return "jpg" if kind == "jpeg" else kind


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Every value in quotation marks, as it may hold any line end."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows(rows)
    return written.getvalue().encode("utf-8", "replace")
