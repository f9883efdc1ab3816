"""Rows whose id is made of what they say: stored once, however often they are sent.

On PostgreSQL their time stands in the key beside the id, since their tables are cut by it. It is part of what they say,
so that a second sending has the same key; where it is not, they are `timeless`, and told apart under a lock.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from db.partitions import MONTHLY
from db.services.otlp_values import DATABASE, Invalid
from db.services.turns import await_rows

AT_ONCE = 1000
Row = Mapping[str, Any]


def add_new(
    session: Session, model: Any, rows: Sequence[Row], timeless: Collection[UUID] = ()
) -> tuple[set[UUID], list[tuple[Row, Invalid]]]:
    """Insert the rows that are not there yet; returns the ids that are new, and what the database refused.

    timeless: ids of rows whose time is not part of what they say, such as when they came in.

    One row it cannot hold does not take the others with it.
    """
    await_rows(session, timeless)
    added: set[UUID] = set()
    refused: list[tuple[Row, Invalid]] = []
    for begin in range(0, len(rows), AT_ONCE):
        chunk = rows[begin : begin + AT_ONCE]
        known = set(_known(session, model, chunk, timeless))
        new = {row["id"]: row for row in chunk if row["id"] not in known}
        lost = _put(session, model, list(new.values()))
        refused += lost
        added |= new.keys() - {row["id"] for row, _ in lost}
    return added, refused


def _known(session: Session, model: Any, rows: Sequence[Row], timeless: Collection[UUID]) -> Iterator[UUID]:
    """Which of them are there; those with a time are looked for in their months alone."""
    time = MONTHLY.get(model.__tablename__) if session.get_bind().dialect.name == "postgresql" else None
    timed = [] if time is None else [row for row in rows if row["id"] not in timeless]
    others = rows if time is None else [row for row in rows if row["id"] in timeless]
    if others:
        yield from session.scalars(select(model.id).where(model.id.in_([row["id"] for row in others])))
    if timed and time is not None:
        times = [row[time] for row in timed]
        here = getattr(model, time).between(min(times), max(times))
        yield from session.scalars(select(model.id).where(model.id.in_([row["id"] for row in timed]), here))


def _put(session: Session, model: Any, rows: list[Row]) -> list[tuple[Row, Invalid]]:
    if not rows:
        return []
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    try:
        with session.begin_nested():
            session.execute(dialect.insert(model).on_conflict_do_nothing(), rows)
        return []
    except (DataError, IntegrityError) as error:
        if len(rows) == 1:
            reason = str(error.orig).strip().splitlines()[0]
            return [(rows[0], Invalid(f"the database refuses it ({reason})", DATABASE))]
    middle = len(rows) // 2
    return _put(session, model, rows[:middle]) + _put(session, model, rows[middle:])
