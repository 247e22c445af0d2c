"""Answers that a person should look at: which waits next, and whose it is meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from serving.listing.labels import Code
from serving.review import database
from serving.review.corrections import Answered, Reason
from serving.review.order import margin

_OTHERS = 4
"""Products that are reviewed for each one of the sample."""

_ATTEMPTS = 50
"""How often a product that another reviewer was faster to take is tried to be replaced."""


@dataclass(frozen=True)
class Candidate:
    """A code the product may have, and how probable it is."""

    prediction: Code
    label: str
    confidence: float


@dataclass(frozen=True)
class Waiting(Answered):
    """An answer to be looked at: with its best codes and, where a reviewer has taken it, the time
    `until` which nobody else gets it, in seconds since 1970. `near_duplicates` is what products
    share that differ by no word of their designation."""

    label: str
    predictions: tuple[Candidate, ...]
    near_duplicates: str
    until: float = 0.0


class ReviewQueue:
    """The answers that wait in a database; at most `size`, the youngest. Every method blocks, and
    raises SQLAlchemyError where the database does not answer."""

    def __init__(self, engine: Engine, *, size: int, lease: float) -> None:
        self._engine = engine
        self._size = size
        self._lease = lease

    def put(self, waiting: Sequence[Waiting]) -> None:
        """Have answers wait, unless those to their products do or did already."""
        if not waiting:
            return
        kind = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        statement = kind.insert(database.answers).on_conflict_do_nothing()
        with self._engine.begin() as connection:
            connection.execute(statement, [_row(answer) for answer in waiting])
            self._forget_oldest(connection)

    def find(self, product: str) -> Waiting | None:
        """The answer to a product, decided or not; None where none was kept."""
        table = database.answers
        with self._engine.connect() as connection:
            row = connection.execute(select(table).where(table.c.product == product)).first()
        return _waiting(row) if row else None

    def next(self, reviewer: str) -> Waiting | None:
        """The product that is most worth a look and nobody else's; the one that the reviewer has
        already, if so. None where nothing waits.

        What is not accepted comes in the order of `order.py`, in which those decided have had their
        turn. Every fifth product is one of the sample, in an order of chance.
        """
        table = database.answers
        now = time.time()
        until = now + self._lease
        own = and_(table.c.reviewer == reviewer, table.c.until > now, ~table.c.decided)
        with self._engine.begin() as connection:
            best = _best(reviewer, now, _due(connection))
            for _ in range(_ATTEMPTS):
                product = connection.scalar(select(table.c.product).where(own).limit(1))
                product = product or connection.scalar(best)
                if product is None:
                    return None
                free = or_(table.c.until <= now, table.c.reviewer == reviewer)
                taken = connection.execute(
                    table.update()
                    .where(table.c.product == product, ~table.c.decided, free)
                    .values(reviewer=reviewer, until=until)
                )
                if taken.rowcount:
                    chosen = select(table).where(table.c.product == product)
                    return _waiting(connection.execute(chosen).one())
        return None

    def skip(self, product: str, reviewer: str) -> None:
        """Never give the product to the reviewer again; others may have it."""
        kind = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        table = database.answers
        with self._engine.begin() as connection:
            connection.execute(
                kind.insert(database.skips)
                .values(product=product, reviewer=reviewer)
                .on_conflict_do_nothing()
            )
            connection.execute(
                table.update()
                .where(table.c.product == product, table.c.reviewer == reviewer)
                .values(reviewer=None, until=0.0)
            )

    def count(self) -> int:
        """Answers that wait."""
        waits = select(func.count()).where(~database.answers.c.decided)
        with self._engine.connect() as connection:
            return int(connection.scalar(waits) or 0)

    def waiting(self) -> list[Waiting]:
        """All answers that wait, oldest first, without their pictures."""
        table = database.answers
        columns = [column for column in table.c if column is not table.c.picture]
        chosen = select(*columns).where(~table.c.decided).order_by(table.c.time, table.c.product)
        with self._engine.connect() as connection:
            return [_waiting(row) for row in connection.execute(chosen)]

    def forget(self, days: int) -> int:
        """Delete answers that are older than `days`, decided or not; how many."""
        table = database.answers
        oldest = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")[:-6]
        with self._engine.begin() as connection:
            old = select(table.c.product).where(table.c.time < oldest)
            connection.execute(delete(database.skips).where(database.skips.c.product.in_(old)))
            return connection.execute(delete(table).where(table.c.time < oldest)).rowcount

    def _forget_oldest(self, connection: Connection) -> None:
        table = database.answers
        waits = connection.scalar(select(func.count()).where(~table.c.decided)) or 0
        if waits > self._size:
            free = and_(~table.c.decided, table.c.until <= time.time())
            oldest = select(table.c.product).where(free).order_by(table.c.time, table.c.product)
            over = oldest.limit(waits - self._size)
            connection.execute(delete(table).where(table.c.product.in_(over)))


def _due(connection: Connection) -> Reason:
    """Of which reason the next product is, if there is one, so that the sample has its share."""
    table = database.answers
    decided = select(table.c.reason, func.count()).where(table.c.decided).group_by(table.c.reason)
    counts = {reason: number for reason, number in connection.execute(decided)}
    is_sample = counts.get("sample", 0) * _OTHERS < counts.get("uncertain", 0)
    return "sample" if is_sample else "uncertain"


def _best(reviewer: str, now: float, due: Reason) -> Select[Any]:
    """The product that `ReviewQueue.next` gives, of the reason that is `due` if it can be."""
    table, other = database.answers, database.answers.alias()
    columns = [table.c[name] for name in ("product", "answered", "near_duplicates", "decided")]
    # In the sample, keys are as good as chance; what comes first must not depend on the answer.
    sampled = table.c.reason == "sample"
    closeness = case((sampled, 0.0), else_=table.c.margin).label("margin")
    since = case((sampled, ""), else_=table.c.time).label("time")
    order = ("margin", "time", "product")
    copy = func.row_number().over(
        partition_by=table.c.near_duplicates,
        order_by=(table.c.decided.desc(), closeness, since, table.c.product),
    )
    copies = select(*columns, table.c.reason, closeness, since, copy.label("copy")).subquery()
    # Those decided have had their turn, so a code that has had many waits for the others.
    turn = func.row_number().over(
        partition_by=(copies.c.reason, copies.c.answered),
        order_by=(copies.c.decided.desc(), copies.c.copy, *(copies.c[name] for name in order)),
    )
    ranked = select(copies, turn.label("turn")).subquery()
    alike = other.c.near_duplicates == ranked.c.near_duplicates
    taken = exists().where(alike, other.c.until > now, other.c.reviewer != reviewer)
    skipped = exists().where(
        database.skips.c.product == ranked.c.product, database.skips.c.reviewer == reviewer
    )
    return (
        select(ranked.c.product)
        .where(~ranked.c.decided, ~taken, ~skipped)
        .order_by(
            ranked.c.reason != due,
            ranked.c.copy > 1,
            case((ranked.c.reason == "sample", 0), else_=ranked.c.turn),
            *(ranked.c[name] for name in order),
        )
        .limit(1)
    )


def _row(waiting: Waiting) -> dict[str, Any]:
    values = {**vars(waiting)}
    best = [vars(candidate) for candidate in waiting.predictions]
    return {
        **values,
        "predictions": json.dumps(best),
        "margin": margin([candidate.confidence for candidate in waiting.predictions]),
        "decided": False,
        "reviewer": None,
    }


def _waiting(row: Row[Any]) -> Waiting:
    values: dict[str, Any] = {
        name: getattr(row, name, None) for name in Waiting.__dataclass_fields__
    }
    best = json.loads(row.predictions)
    values["predictions"] = tuple(Candidate(**candidate) for candidate in best)
    return Waiting(**values)
