"""Nested values by dotted names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def flatten(values: Any, *, lists: bool = False) -> dict[str, Any]:
    """The leaves of `values` by dotted name; with `lists` their items too, as in `a.b[0]`."""
    return dict(_leaves("", values, lists=lists))


def _leaves(name: str, value: Any, *, lists: bool) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), item, lists=lists)
    elif lists and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(f"{name}[{number}]", item, lists=lists)
    else:
        yield name, value
