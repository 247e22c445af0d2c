"""JSON logs: one line a record, on standard output and in a rotating file."""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import msgspec

from serving.settings import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_WRITTEN = "written_as_json"

_HIDDEN = re.compile("[\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What ends a line, turns it around or commands a terminal, and JSON would leave as it is."""


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time, level, message, and whatever was passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; line breaks inside are escaped, so nobody can forge a second one.

        It is kept with the record: every handler asks for it, and one that rotates asks twice.
        """
        written: str | None = getattr(record, _WRITTEN, None)
        if written is None:
            written = self._line(record)
            setattr(record, _WRITTEN, written)
        return written

    def _line(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        text = msgspec.json.encode(line, enc_hook=str).decode()
        return text if text.isascii() else _HIDDEN.sub(_escaped, text)


def _escaped(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


class _FaultOnce(logging.Handler):
    """Says once on standard error that a log cannot be written, until it can be again."""

    _log = ""
    _faulty = _failed = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        self._faulty = self._failed

    def handleError(self, record: logging.LogRecord) -> None:
        """As the handler's, of what went wrong in `emit`."""
        self._failed = True
        if not self._faulty:
            with suppress(OSError):  # it may be the same disk
                fault = f"error: the log cannot be written: {sys.exc_info()[1]} ({self._log})"
                print(fault, file=sys.stderr, flush=True)


class Console(_FaultOnce, logging.StreamHandler[TextIO]):
    """Standard output, which may be a file on a full disk, or a pipe that nobody reads."""

    _log = "standard output"


class RotatedFile(_FaultOnce, RotatingFileHandler):
    """A rotated file for its owner alone, opened anew once it was moved away."""

    def __init__(self, path: Path, size: int, files: int) -> None:
        """At most `files` former ones are kept, each of about `size` bytes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, maxBytes=size, backupCount=files, encoding="utf-8")
        self._log = str(path)

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding=self.encoding)

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream and not Path(self.baseFilename).exists():
            self._forget_stream()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """As the handler's; what the stream still holds is lost."""
        super().handleError(record)
        self._forget_stream()

    def _forget_stream(self) -> None:
        if self.stream:
            with suppress(OSError):
                self.stream.close()
            self.stream = None


def configure(settings: Settings, *, console: bool = True) -> None:
    """Send the service's log where `settings` say, and nowhere else."""
    handlers: list[logging.Handler] = [Console(sys.stdout)] if console else []
    if settings.logger_path is not None:
        path, size, files = settings.logger_path, settings.logger_bytes, settings.logger_files
        handlers.append(RotatedFile(path, size, files))
    handlers = handlers or [logging.NullHandler()]
    logger = logging.getLogger("serving")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in handlers:
        handler.setFormatter(JsonFormatter())
    for former in logger.handlers:
        former.close()
    logger.handlers = handlers
