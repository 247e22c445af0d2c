"""A result to be put on record, as a folder that lasts until it is sent.

It holds all there is to send: what the workspace becomes later, or a cleared cache, takes nothing
from it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

HOME = Path("tracking")
"""Everything that tracking keeps on this machine; ignored by git."""

QUEUE = HOME / "queue"
"""Records that are not sent yet."""

WITH_CLASSIFIER = "-classifier"
"""End of the key of a record that holds the classifier."""

FACTS = "record.json"
FILES = "files"
CODE = "code"


@dataclass(frozen=True)
class Record:
    """What is known of a result beside its files.

    `lock` is the sha256 of its dvc.lock, `model` and `data` are DVC's hashes of models/classifier
    and data/raw; `time` in milliseconds since 1970, `seconds` of each stage that ran for it.
    `with_classifier`: its files hold models/classifier, to be registered.
    """

    name: str
    lock: str
    model: str | None
    data: str | None
    commit: str
    dirty: bool
    user: str
    started_by: str
    time: int
    with_classifier: bool
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Name of its folder: one result under one name is one run."""
        return f"{self.lock[:16]}-{self.name}{WITH_CLASSIFIER * self.with_classifier}"


def put(record: Record, files: Mapping[str, bytes], code: Mapping[str, bytes]) -> Path:
    """Queue a record with its `files` and, where its classifier is among these, the `code` that
    answers with it, each by path. Whole or not at all, whenever it is killed."""
    QUEUE.mkdir(parents=True, exist_ok=True)
    folder = QUEUE / record.key
    if folder.is_dir():
        return folder
    with tempfile.TemporaryDirectory(prefix=".", dir=QUEUE) as made:
        draft = Path(made) / "record"
        for top, contents in ((FILES, files), (CODE, code)):
            for path, content in contents.items():
                target = draft / top / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        (draft / FACTS).write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        draft.rename(folder)
    return folder


def queued() -> Iterator[tuple[Record, Path]]:
    """Records that wait, oldest first, each with its folder."""
    waiting = [
        (Record(**json.loads(facts.read_text(encoding="utf-8"))), facts.parent)
        for facts in QUEUE.glob(f"[!.]*/{FACTS}")
    ]
    yield from sorted(waiting, key=lambda item: item[0].time)


def remove(folder: Path) -> None:
    """Take a record that was sent out of the queue."""
    shutil.rmtree(folder)
