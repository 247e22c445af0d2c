"""The service's database of corrections, as commands open it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from serving.review.corrections import Correction, Corrections
from serving.review.database import open_database
from serving.settings import SettingsError
from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.remote import environment


class StoreError(CommandError):
    """The database cannot be used; the message holds no password."""

    code = ExitCode.UNUSABLE


@contextmanager
def opened(address: str | None) -> Iterator[Engine | None]:
    """The database at an SQLAlchemy address, or else that of the service; None while it has no
    corrections, as no service has run with it: nothing is made there.

    Raises StoreError: it is no such address, or does not answer; within, too.
    """
    address = address or environment.load().corrections_database.get_secret_value()
    try:
        engine = open_database(address)
        try:
            yield engine if _is_there(engine) else None
        finally:
            engine.dispose()
    except SettingsError as error:
        raise StoreError(str(error)) from error
    except SQLAlchemyError as error:
        # The whole message may hold what was asked for, and products with it.
        reason = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise StoreError(
            f"the database of corrections does not answer ({reason}); expected DATABASE or "
            "CORRECTIONS_DATABASE to be sqlite:///file or postgresql+psycopg://user:…@host/database"
        ) from error


def entries(engine: Engine | None) -> list[Correction]:
    """All entries, oldest first."""
    return list(Corrections(engine).entries()) if engine is not None else []


def _is_there(engine: Engine) -> bool:
    name = engine.url.database
    if engine.dialect.name == "sqlite" and (not name or not Path(name).is_file()):
        return False
    return inspect(engine).has_table("corrections")
