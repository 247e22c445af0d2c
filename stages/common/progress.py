"""How far a long loop is and how long it will still take, on stderr, in a way that suits who reads.

On a terminal a bar that moves each second; elsewhere, as in the log of a scheduled run, a line each
half minute, and nothing at all of what is over before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Never, TypeVar, overload

from tqdm import tqdm

BAR_SECONDS = 1.0
LINE_SECONDS = 30.0

_LINE = "{desc}: {percentage:.0f} %, {n_fmt} of {total_fmt} {unit} in {elapsed}, {remaining} left"

T = TypeVar("T")


@overload
def progress(
    items: Iterable[T], *, title: str, unit: str, total: int | None = None, **how: Any
) -> tqdm[T]: ...
@overload
def progress(
    items: None = None, *, title: str, unit: str, total: int | None, **how: Any
) -> tqdm[Never]: ...
def progress(
    items: Iterable[T] | None = None, *, title: str, unit: str, total: int | None = None, **how: Any
) -> tqdm[T] | tqdm[Never]:
    """tqdm over `items`, or of what `update` says is done of `total`; `how` as tqdm's."""
    options: dict[str, Any] = {"mininterval": BAR_SECONDS}
    if not sys.stderr.isatty():
        options = {
            "mininterval": LINE_SECONDS,
            "miniters": 1,  # tqdm would guess, by the pace so far, when to look at the clock
            "delay": LINE_SECONDS,
            "file": _Lines(),
            "position": 0,  # of a loop within a loop, too: there is no place to go back to
            "bar_format": f"{_LINE}{{postfix}}",
        }
    return tqdm(items, desc=title, unit=unit, total=total, **options, **how)


class _Lines:
    """stderr, where what a bar writes over its last state becomes a line of its own."""

    def write(self, text: str) -> None:
        if line := text.strip():
            print(line, file=sys.stderr)

    def flush(self) -> None:
        sys.stderr.flush()
