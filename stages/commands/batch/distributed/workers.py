"""What runs on the machines: dividing a table, checking a shard, answering one.

Each takes and gives a row of Ray Data, a dictionary. What goes wrong is told in `error`, in the
words of the run here: Ray would try it again, and it would go wrong again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from serving.classifier.classifier import Classifier
from serving.listing.labels import are_texts
from stages.commands.batch.answer_rows import Outcome, Pictures, answer_rows
from stages.commands.batch.distributed import shards
from stages.commands.batch.distributed.pictures import COLUMN, Addressed, RemoteArchive, archive_of
from stages.commands.batch.distributed.ray_setup import ray
from stages.commands.batch.distributed.shards import Shard, chunks
from stages.commands.batch.distributed.storage import File, write
from stages.commands.results import dvc_lock
from stages.common.output import StageError
from stages.evaluation.answers import ACCEPTED_AS, CODE, FIELDS, PATH, fields

Row = dict[str, Any]

_TYPES = (
    *(pa.int64(), pa.int64(), pa.int64(), pa.int64()),
    *(pa.string(), pa.float64(), pa.bool_()),
)


def _schema(names: Sequence[str], texts: Collection[str]) -> pa.Schema:
    """That of the answers: identifiers and codes are numbers, but in the columns `texts`."""
    types = {**dict(zip(FIELDS, _TYPES, strict=True)), PATH: pa.string(), ACCEPTED_AS: pa.int64()}
    return pa.schema([(name, pa.string() if name in texts else types[name]) for name in names])


@dataclass(frozen=True)
class Task:
    """What is the same for every shard: sizes in rows, and where pictures are and answers go."""

    rows_in_a_shard: int
    rows_at_once: int
    archives: list[File]
    picture_folder: str
    output: str
    zeros: tuple[str, ...] = ()
    """Columns of identifiers that are answered as texts, since one begins with a zero."""

    @property
    def also(self) -> tuple[str, ...]:
        """Columns that a table must have beyond those of a product."""
        return (COLUMN,) if self.picture_folder else ()


def result(name: str, work: Callable[[], Any]) -> Row:
    """A row of what `work` gives, or of why it gives nothing."""
    try:
        return {"name": name, "error": "", "result": json.dumps(work())}
    except StageError as error:
        return {"name": name, "error": str(error), "result": ""}
    except Exception as error:  # whatever it is: the run here tells it, and ends
        return {"name": name, "error": f"{name}: {type(error).__name__}: {error}", "result": ""}


def divide(row: Row, task: Task) -> Row:
    """The shards of a table, and its columns with leading zeros; without its archive there are
    none."""

    def work() -> dict[str, Any]:
        if task.archives:
            archive_of(row["name"], task.archives)
        divided = shards.divide(row["name"], row["number"], task.rows_in_a_shard, task.also)
        return {"shards": [asdict(shard) for shard in divided.shards], "zeros": divided.zeros}

    return result(row["name"], work)


def check(row: Row, task: Task) -> Row:
    """The rows of a shard, once each is as a catalogue's must be."""
    shard = Shard(**row)
    return result(shard.name, lambda: sum(map(len, chunks(shard, task.rows_at_once, task.also))))


class ShardWorker:
    """An actor with the locked classifier, which it holds to the lock's hash and loads once."""

    def __init__(self, task: Task, files: ray.ObjectRef, locked: str) -> None:
        """`files` are the classifier's bytes by name."""
        self._task = task
        self._files = files
        self._locked = locked
        self._archive: tuple[str, RemoteArchive] | None = None

    def __call__(self, row: Row) -> Row:
        """Answer a shard and write its file, whole, in place of one that a lost worker wrote."""
        shard = Shard(**row)
        return result(shard.name, lambda: self._answer(shard))

    @cached_property
    def _classifier(self) -> Classifier:
        files = ray.get(self._files)
        if (received := dvc_lock.content_hash(files)) != self._locked:
            raise StageError(f"a worker got the classifier {received}; {self._locked} is locked")
        with TemporaryDirectory(prefix="classifier-") as private:
            for name, content in files.items():
                path = Path(private) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            return Classifier.load(Path(private), threads=1)

    def _answer(self, shard: Shard) -> dict[str, Any]:
        codes = (CODE, ACCEPTED_AS) if are_texts(self._classifier.codes) else ()
        names = fields(self._classifier)
        schema = _schema(names, (*self._task.zeros, *codes))
        columns: list[list[Any]] = [[] for _ in names]
        outcome = Outcome()
        for rows in chunks(shard, self._task.rows_at_once, self._task.also):
            answers, counted = answer_rows(self._classifier, rows, self._pictures(shard.table))
            for column, values in zip(columns, zip(*answers, strict=True), strict=True):
                column.extend(values)
            outcome += counted
        arrays = [pa.array(column) for column in columns]
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, names).cast(schema), sink)
        content = sink.getvalue()
        write(f"{self._task.output}/{shard.name}", content)
        return {"size": len(content), "outcome": asdict(outcome)}

    def _pictures(self, table: str) -> Pictures | None:
        if self._task.picture_folder:
            return Addressed(self._task.picture_folder)
        if not self._task.archives:
            return None
        address = archive_of(table, self._task.archives)
        if self._archive is None or self._archive[0] != address:
            if self._archive is not None:
                self._archive[1].close()
            self._archive = address, RemoteArchive(address)
        return self._archive[1]
