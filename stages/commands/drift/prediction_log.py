"""The service's prediction log, read while it is written: its last answers of one classifier."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from serving.classifier.record import Record, RecordError
from stages.common.output import StageError


def last(path: Path, window: int | None) -> list[Record]:
    """The last `window` answers (None: all) of the classifier that answered last, oldest first.

    Raises StageError: there is none, or a line is none of a prediction log.
    """
    latest: deque[Record] = deque(maxlen=window)
    for record in records(path):
        if latest and latest[-1].model != record.model:
            latest.clear()
        latest.append(record)
    if not latest:
        raise StageError(
            f"{path} holds no answers; the service writes it where SERVING_PREDICTIONS_PATH is set"
        )
    return list(latest)


def records(path: Path) -> Iterator[Record]:
    """Every answer, oldest first: rotated files, the highest number first, and `path` itself.

    A last line without an end is still being written, and is left out.
    """
    rotated = sorted(
        (file for file in path.parent.glob(f"{path.name}.*") if file.suffix[1:].isdigit()),
        key=lambda file: -int(file.suffix[1:]),
    )
    for file in (*rotated, path):
        try:
            with file.open(encoding="utf-8", newline="\n") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.endswith("\n"):
                        yield _record(line, f"{file}, line {number}")
        except FileNotFoundError:  # rotated away meanwhile, or not there yet
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise StageError(f"{file} cannot be read: {error}") from error


def _record(line: str, where: str) -> Record:
    try:
        return Record.read(line)
    except RecordError as error:
        raise StageError(f"{where}: {error}") from error
