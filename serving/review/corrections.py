"""What reviewers said, append-only: a change is a new entry, and nothing is rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Engine, Row, delete, func, insert, or_, select

from serving.listing.labels import Code
from serving.review import database

Reason = Literal["uncertain", "sample", "asked"]
"""Why a product was looked at: its answer was not accepted; it was drawn by chance from those that
were; somebody named it."""

_AT_ONCE = 1000


@dataclass(frozen=True)
class Answered:
    """A product as it was asked about, and its answer. `product` is its key, `identifier` what its
    owner calls it, `picture` encoded where pictures are kept, `model` the lock hash that answered.
    """

    product: str
    time: str
    identifier: str | None
    designation: str | None
    description: str | None
    picture_sha256: str | None
    picture: bytes | None
    answered: Code
    confidence: float
    accepted: bool
    model: str
    reason: Reason


@dataclass(frozen=True)
class Correction(Answered):
    """An entry: what a reviewer said of a product, `code` being the right one. Without a code it
    withdraws what the reviewer said before; one that `settles` outvotes all before it."""

    number: int
    reviewer: str
    code: Code | None
    note: str
    settles: bool


def now() -> str:
    """The time of an entry: UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")[:-6]


class Corrections:
    """The entries in a database. Every method blocks, and raises SQLAlchemyError where the database
    does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(
        self,
        answered: Answered,
        reviewer: str,
        code: Code | None,
        note: str = "",
        *,
        settles: bool = False,
    ) -> int:
        """Add an entry about a product; its number. The answer to it is decided, or, without a
        code, waits again."""
        values = {name: getattr(answered, name) for name in Answered.__dataclass_fields__}
        entry = insert(database.corrections).values(
            **{**values, "time": now()},
            reviewer=reviewer,
            code=code,
            note=note,
            settles=settles,
        )
        decided = (
            database.answers.update()
            .where(database.answers.c.product == answered.product)
            .values(decided=code is not None, reviewer=None, until=0.0)
        )
        with self._engine.begin() as connection:
            number = connection.execute(entry).inserted_primary_key
            connection.execute(decided)
        if number is None:
            raise RuntimeError("the database gave the entry no number")
        return int(number[0])

    def entries(
        self, after: int = 0, *, reviewer: str | None = None, product: str | None = None
    ) -> Iterator[Correction]:
        """Those with a number over `after`, oldest first: all, or those of a reviewer, or those
        about a product, by its key or by what its owner calls it."""
        table = database.corrections
        where = [table.c.number > after]
        if reviewer is not None:
            where.append(table.c.reviewer == reviewer)
        if product is not None:
            where.append(or_(table.c.product == product, table.c.identifier == product))
        yield from self._read(*where)

    def disputed(self) -> Iterator[Correction]:
        """Those about products of which several reviewers said something, without pictures."""
        table = database.corrections
        several = (
            select(table.c.product)
            .group_by(table.c.product)
            .having(func.count(table.c.reviewer.distinct()) > 1)
        )
        yield from self._read(table.c.product.in_(several), pictures=False)

    def sample(self, model: str) -> Iterator[Correction]:
        """Those about products in the sample of what a classifier accepted, without pictures."""
        table = database.corrections
        drawn = select(table.c.product).where(
            table.c.reason == "sample", table.c.model == model, table.c.accepted
        )
        yield from self._read(table.c.product.in_(drawn), pictures=False)

    def _read(self, *where: ColumnElement[bool], pictures: bool = True) -> Iterator[Correction]:
        table, after = database.corrections, 0
        columns = [column for column in table.c if pictures or column is not table.c.picture]
        chosen = select(*columns).where(*where).order_by(table.c.number).limit(_AT_ONCE)
        while True:
            with self._engine.connect() as connection:
                rows = connection.execute(chosen.where(table.c.number > after)).all()
            yield from map(_correction, rows)
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].number

    def latest(self, product: str) -> Correction | None:
        """The last entry about a product, by its key."""
        table = database.corrections
        of_product = select(table).where(table.c.product == product)
        with self._engine.connect() as connection:
            row = connection.execute(of_product.order_by(table.c.number.desc()).limit(1)).first()
        return _correction(row) if row else None

    def count(self, *, reviewer: str, since: str) -> int:
        """Products that a reviewer decided from a time on, and did not take back."""
        table = database.corrections
        of_reviewer = (table.c.reviewer == reviewer, table.c.time >= since)
        latest = select(func.max(table.c.number)).where(*of_reviewer).group_by(table.c.product)
        chosen = select(func.count()).where(table.c.number.in_(latest), table.c.code.is_not(None))
        with self._engine.connect() as connection:
            return int(connection.scalar(chosen) or 0)

    def delete(self, *, reviewer: str | None = None, product: str | None = None) -> int:
        """Forget what a reviewer said, or all that is kept about a product, by its key or by what
        its owner calls it (GDPR article 17); how many entries and answers went.

        The one exception to append-only: the law asks for it, and nobody else may.
        """
        if (reviewer is None) == (product is None):
            raise ValueError("expected a reviewer or a product")
        gone = 0
        with self._engine.begin() as connection:
            if reviewer is not None:
                for table in (database.corrections, database.skips):
                    gone += connection.execute(
                        delete(table).where(table.c.reviewer == reviewer)
                    ).rowcount
                connection.execute(
                    database.answers.update()
                    .where(database.answers.c.reviewer == reviewer)
                    .values(reviewer=None, until=0.0)
                )
            else:
                for table in (database.corrections, database.answers):
                    of_product = or_(table.c.product == product, table.c.identifier == product)
                    gone += connection.execute(delete(table).where(of_product)).rowcount
        return gone


def _correction(row: Row[Any]) -> Correction:
    names = Correction.__dataclass_fields__
    values: dict[str, Any] = {name: getattr(row, name, None) for name in names}
    return Correction(**values)
