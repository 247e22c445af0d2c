"""JSON logs: one line a record, on standard output and in a rotating file."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import Any

import msgspec

from serving.settings import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_WRITTEN = "written_as_json"


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
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure(settings: Settings) -> None:
    """Send the service's log where `settings` say, and nowhere else."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if settings.logger_path is not None:
        settings.logger_path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            RotatingFileHandler(
                settings.logger_path,
                maxBytes=settings.logger_bytes,
                backupCount=settings.logger_files,
                encoding="utf-8",
            )
        )
    logger = logging.getLogger("serving")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in handlers:
        handler.setFormatter(JsonFormatter())
    logger.handlers = handlers
