"""Rows whose id is made of what they say: stored once, however often they are sent."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from db.services.otlp_values import DATABASE, Invalid

AT_ONCE = 1000
Row = Mapping[str, Any]


def add_new(session: Session, model: Any, rows: Sequence[Row]) -> tuple[set[UUID], list[tuple[Row, Invalid]]]:
    """Insert the rows that are not there yet; returns the ids that are new, and what the database refused.

    One row it cannot hold does not take the others with it.
    """
    added: set[UUID] = set()
    refused: list[tuple[Row, Invalid]] = []
    for begin in range(0, len(rows), AT_ONCE):
        chunk = rows[begin : begin + AT_ONCE]
        known = set(session.scalars(select(model.id).where(model.id.in_([row["id"] for row in chunk]))))
        new = {row["id"]: row for row in chunk if row["id"] not in known}
        lost = _put(session, model, list(new.values()))
        refused += lost
        added |= new.keys() - {row["id"] for row, _ in lost}
    return added, refused


def _put(session: Session, model: Any, rows: list[Row]) -> list[tuple[Row, Invalid]]:
    if not rows:
        return []
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    try:
        with session.begin_nested():
            session.execute(dialect.insert(model).on_conflict_do_nothing(index_elements=["id"]), rows)
        return []
    except (DataError, IntegrityError) as error:
        if len(rows) == 1:
            reason = str(error.orig).strip().splitlines()[0]
            return [(rows[0], Invalid(f"the database refuses it ({reason})", DATABASE))]
    middle = len(rows) // 2
    return _put(session, model, rows[:middle]) + _put(session, model, rows[middle:])
