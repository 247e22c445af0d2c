"""What several entries about a product come to: one right code, or a conflict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from serving.listing.labels import Code
from serving.review.corrections import Correction


class Settled(NamedTuple):
    """The right code of a product, and the latest entry that says so."""

    product: str
    code: Code
    entry: Correction


class Conflict(NamedTuple):
    """A product whose reviewers disagree, and what each said last."""

    product: str
    entries: tuple[Correction, ...]


def valid(entries: Iterable[Correction]) -> tuple[list[Settled], list[Conflict]]:
    """Of entries, oldest first, what counts, by product in the order of keys.

    Of a reviewer's entries about a product the latest counts; without a code it takes back what was
    said before. Reviewers who disagree are a conflict until one of them changes an entry, or
    somebody's that settles it outvotes all before it.
    """
    said: dict[str, dict[str, Correction]] = {}
    for entry in entries:
        of_product = said.setdefault(entry.product, {})
        if entry.settles and entry.code is not None:
            of_product.clear()
        of_product[entry.reviewer] = entry
    settled, conflicts = [], []
    for product, of_product in sorted(said.items()):
        standing = [entry for entry in of_product.values() if entry.code is not None]
        latest = max(standing, key=lambda entry: entry.number, default=None)
        if latest is None or latest.code is None:
            continue
        if all(entry.code == latest.code for entry in standing):
            settled.append(Settled(product, latest.code, latest))
        else:
            by_number = sorted(standing, key=lambda entry: entry.number)
            conflicts.append(Conflict(product, tuple(by_number)))
    return settled, conflicts
