"""Product type codes and their names, as a classifier stores them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

Code = int | str
"""All codes of a classifier are whole numbers, or all are texts."""

_WHOLE = re.compile("0|[1-9][0-9]{0,17}")


class Node(NamedTuple):
    """What codes stand under, with its names."""

    code: Code
    name: str
    english: str


class Label(NamedTuple):
    """What a code means, in words for people: in the catalogue's own language, and in English; and
    what it stands under, the most general first."""

    name: str
    english: str
    parents: tuple[Node, ...] = ()


Labels = Mapping[Code, Label]
"""In ascending order: column j of every probability matrix is that of the j-th code."""


def as_codes(texts: Iterable[str]) -> list[Code]:
    """Codes as they are written: numbers where every one is a whole number that begins with no
    zero, texts otherwise."""
    codes: list[Code] = list(texts)
    return list(map(int, codes)) if all(map(_WHOLE.fullmatch, map(str, codes))) else codes


def are_texts(codes: Iterable[Code]) -> bool:
    """Whether codes of one classifier are texts."""
    return any(isinstance(code, str) for code in codes)


def described(code: Code, label: Label) -> str:
    """A code with its English name, or alone where it has none of its own."""
    return f"{code}" if label.english == str(code) else f"{code} {label.english}"


def stored(labels: Labels) -> dict[str, Any]:
    """The inverse of `read_labels`, before it is JSON. The names' own language is called French, as
    in classifiers that were exported before there were others."""
    return {str(code): _stored(label) for code, label in labels.items()}


def _stored(label: Label) -> dict[str, Any]:
    parents = [{"code": str(node.code), **_names(node)} for node in label.parents]
    return {**_names(label), **({"parents": parents} if parents else {})}


def _names(of: Label | Node) -> dict[str, str]:
    return {"french": of.name, "english": of.english}


def read_labels(path: Path) -> dict[Code, Label]:
    """The codes and names in a file of labels."""
    of_code = json.loads(path.read_text(encoding="utf-8"))
    above = {node["code"] for label in of_code.values() for node in label.get("parents", ())}
    every = [*of_code, *above]
    kept = dict(zip(every, as_codes(every), strict=True))
    labels = {
        kept[code]: Label(
            label["french"],
            label["english"],
            tuple(
                Node(kept[node["code"]], node["french"], node["english"])
                for node in label.get("parents", ())
            ),
        )
        for code, label in of_code.items()
    }
    return dict(sorted(labels.items()))
