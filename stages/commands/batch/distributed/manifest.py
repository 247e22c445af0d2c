"""The manifest beside the answers: what they were made of, and which shards are there.

It is written before the first shard is answered, and again as shards are: a run that was cut off
goes on from it. What is not in it does not count, whatever lies in the folder.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stages.commands.batch.answer_rows import Outcome
from stages.commands.batch.distributed.shards import Shard
from stages.commands.batch.distributed.storage import File, filesystem, sizes, storage_errors, write
from stages.common.output import StageError

NAME = "manifest.json"
_EVERY = 2.0
"""Seconds between two writings, at least: it grows with the catalogue."""


@dataclass(frozen=True)
class Origin:
    """What decides the answers and their shards: another of these is another run."""

    classifier: str
    code: str
    catalogue: list[File]
    pictures: list[File]
    picture_folder: str
    rows_in_a_shard: int
    rows_at_once: int


@dataclass(frozen=True)
class Written:
    """A shard's file: its bytes, and what it counts."""

    size: int
    outcome: Outcome


class Manifest:
    """Shards of the folder `address`, with what was written of them."""

    def __init__(
        self,
        address: str,
        origin: Origin,
        shards: Iterable[Shard],
        written: Mapping[str, Written],
        zeros: Iterable[str] = (),
    ) -> None:
        """`zeros` are the columns of identifiers in which one begins with a zero."""
        self.address = address
        self.origin = origin
        self.shards = list(shards)
        self.zeros = tuple(zeros)
        self._written = dict(written)
        self._saved = 0.0

    @classmethod
    def read(cls, address: str, origin: Origin) -> Manifest | None:
        """That of a run that was cut off, or is complete; None where there was none.

        A shard that is not there with its size is taken for not written. Raises StageError when the
        run was of another origin, or its manifest is damaged.
        """
        fs, path = filesystem(address)
        there = sizes(address)
        if NAME not in there:
            return None
        try:
            stored = json.loads(fs.cat_file(f"{path}/{NAME}"))
            _hold_to(address, stored["origin"], json.loads(json.dumps(asdict(origin))))
            zeros = stored["zeros"]
            shards = [Shard(**entry["rows_of"]) for entry in stored["shards"]]
            files = [entry["written"] for entry in stored["shards"]]
            written = {
                shard.name: Written(file["size"], Outcome(**file["outcome"]))
                for shard, file in zip(shards, files, strict=True)
                if file is not None and there.get(shard.name) == file["size"]
            }
        except (ValueError, KeyError, TypeError) as error:
            raise StageError(
                f"OUTPUT={address}: {NAME} is damaged ({error!r}); name another folder"
            ) from error
        return cls(address, origin, shards, written, zeros)

    @property
    def open(self) -> list[Shard]:
        """Shards that are not answered yet."""
        return [shard for shard in self.shards if shard.name not in self._written]

    @property
    def outcome(self) -> Outcome:
        """Of all that is written."""
        return sum((written.outcome for written in self._written.values()), Outcome())

    def add(self, name: str, written: Written) -> None:
        """Note a shard; saved at once, or soon where that was done a moment ago."""
        self._written[name] = written
        if time.monotonic() - self._saved >= _EVERY:
            self.save()

    def save(self) -> None:
        """Write it beside the shards."""
        content = {
            "complete": not self.open,
            "origin": asdict(self.origin),
            "zeros": list(self.zeros),
            "rows": sum(shard.rows for shard in self.shards),
            "answered": asdict(self.outcome),
            "shards": [
                {
                    "rows_of": asdict(shard),
                    "written": asdict(self._written[shard.name])
                    if shard.name in self._written
                    else None,
                }
                for shard in self.shards
            ],
        }
        with storage_errors(f"OUTPUT={self.address}"):
            write(f"{self.address}/{NAME}", json.dumps(content, indent=1).encode() + b"\n")
        self._saved = time.monotonic()

    def verify(self) -> None:
        """Raise StageError unless every shard that was written is there, of its size."""
        there = sizes(self.address)
        for name, written in self._written.items():
            if there.get(name) != written.size:
                raise StageError(
                    f"OUTPUT={self.address}: {name} was written and is not there; expected an "
                    "address that all hosts share"
                )


def _hold_to(address: str, stored: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise StageError for the first thing of which the run in the folder was made otherwise."""
    for name, value in asked.items():
        if stored[name] != value:
            was, now = _first_difference(stored[name], value)
            raise StageError(
                f"OUTPUT={address} has answers of another run: {name.replace('_', ' ')} was "
                f"{was}, is {now}; name another folder, or put back what was there"
            )


def _first_difference(stored: Any, asked: Any) -> tuple[Any, Any]:
    """What differs: of two lists, the first entries that do."""
    if isinstance(stored, list) and isinstance(asked, list) and len(stored) == len(asked):
        return next((a, b) for a, b in zip(stored, asked, strict=True) if a != b)
    if isinstance(stored, list):
        return f"{len(stored)} files", f"{len(asked)} files"
    return stored, asked
