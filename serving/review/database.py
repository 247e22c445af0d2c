"""The tables of review, in SQLite or PostgreSQL: answers that wait, skips, and corrections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Dialect,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.types import TypeDecorator

from serving.errors import SettingsError
from serving.listing.labels import Code

SECONDS = 5
"""How long a statement waits for another process, and a connection for the server."""

_EXPECTED = (
    "CORRECTIONS_DATABASE: expected sqlite:///file or "
    "postgresql+psycopg://user:password@host/database"
)


class CodeColumn(TypeDecorator[Code]):
    """A code, a number or a text, as JSON: both kinds come back as what they were."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Code | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Code | None:
        """From the database."""
        return None if value is None else json.loads(value)


_tables = MetaData()


def _product_columns() -> list[Column[Any]]:
    """What is kept of a product and its answer, in both tables."""
    return [
        Column("time", String(24), nullable=False),  # UTC, ISO 8601 with milliseconds
        Column("identifier", Text),
        Column("designation", Text),
        Column("description", Text),
        Column("picture_sha256", String(64)),
        Column("picture", LargeBinary),
        Column("answered", CodeColumn, nullable=False),
        Column("confidence", Float, nullable=False),
        Column("accepted", Boolean, nullable=False),
        Column("model", Text, nullable=False),
        Column("reason", String(16), nullable=False),
    ]


answers = Table(
    "answers",
    _tables,
    Column("product", String(32), primary_key=True),
    *_product_columns(),
    Column("label", Text, nullable=False),
    Column("predictions", Text, nullable=False),  # the best codes as JSON
    Column("margin", Float, nullable=False),  # see order.py
    Column("near_duplicates", String(32), nullable=False),
    Column("reviewer", Text),  # whose it is until `until`, seconds since 1970
    Column("until", Float, nullable=False, default=0.0),
    Column("decided", Boolean, nullable=False, default=False),
    Index("answers_waiting", "decided", "answered", "margin"),
    Index("answers_alike", "near_duplicates"),
)

skips = Table(
    "skips",
    _tables,
    Column("product", String(32), primary_key=True),
    Column("reviewer", String(64), primary_key=True),
)

corrections = Table(
    "corrections",
    _tables,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("product", String(32), nullable=False, index=True),
    Column("reviewer", String(64), nullable=False, index=True),
    *_product_columns(),
    Column("code", CodeColumn),
    Column("note", Text, nullable=False),
    Column("settles", Boolean, nullable=False),
    sqlite_autoincrement=True,  # a number that was deleted is not given again
)


def open_database(address: str) -> Engine:
    """The engine of the database at an SQLAlchemy address; nothing is connected to yet.

    Raises SettingsError: it is no address of SQLite or PostgreSQL, or its driver is missing.
    """
    try:
        url = make_url(address)
        if url.get_backend_name() == "sqlite":
            return _sqlite(url)
        if url.get_backend_name() == "postgresql":
            options = {"connect_timeout": SECONDS}
            return create_engine(url, pool_pre_ping=True, connect_args=options)
    except (ArgumentError, NoSuchModuleError) as error:
        raise SettingsError(_EXPECTED) from error
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"CORRECTIONS_DATABASE: {error.name} is missing; install requirements/postgresql.txt"
        ) from error
    raise SettingsError(_EXPECTED)


def create_tables(engine: Engine) -> None:
    """Make the tables that are not there; a file of SQLite is readable by its owner alone.

    Raises sqlalchemy.exc.SQLAlchemyError, and OSError where the file cannot be made.
    """
    if engine.dialect.name == "sqlite" and engine.url.database:
        path = Path(engine.url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # processes that start together make them once
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7301)")
        _tables.create_all(connection)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # Readers do not wait for a writer, and a process that is killed leaves whole entries.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA secure_delete=ON")  # what a person had deleted is gone

    return engine
