"""Tables in Markdown, figures as people read them, and texts of listings without markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#$])")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table whose first `left` columns are words and whose others are figures."""
    rule = ["---"] * left + ["---:"] * (len(header) - left)
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))


def figure(value: float | None, digits: int = 3) -> str:
    """A figure with its digits, an integer with separators, a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}f}"


def share(value: float | None, digits: int = 1) -> str:
    """A share in percent; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def plain(text: str, longest: int | None = None) -> str:
    """Text of a listing as it reads, without a meaning in Markdown; cut after `longest`."""
    if longest is not None and len(text) > longest:
        text = text[:longest].rstrip() + "…"
    return _MARKUP.sub(r"\\\1", text)
