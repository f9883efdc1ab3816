"""Whose turn it is to run a job: one process at a time, whatever their number, decided by the database.

A job is due at an instant. Whoever comes first takes its lease, holds on to it while it works and then says when it is
due next. A process that is killed loses the lease within `LEASE`; then the next one runs the job, which therefore has
to be one that may be run twice.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.models import Job

LEASE = timedelta(seconds=60)
LONGEST_ERROR = 500


def introduce(session: Session, name: str, at: datetime) -> None:
    """Make the job known and due at once, where it is not known yet."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(Job).values(name=name, due_at=at).on_conflict_do_nothing(index_elements=["name"]))


def take(session: Session, name: str, holder: str, at: datetime) -> bool:
    """Whether `holder` is to run the job now: it is due and nobody else holds it."""
    free = or_(Job.held_until.is_(None), Job.held_until <= at)
    taken = {"holder": holder, "held_until": at + LEASE, "began_at": at}
    return _changed(session, (Job.name == name, Job.due_at <= at, free), taken)


def hold_on(session: Session, name: str, holder: str, at: datetime) -> bool:
    """Hold the job for another lease; False when it was lost meanwhile."""
    return _changed(session, (Job.name == name, Job.holder == holder), {"held_until": at + LEASE})


def end(
    session: Session,
    name: str,
    holder: str,
    at: datetime,
    *,
    seconds: float,
    due_at: datetime,
    facts: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """Give the job back with what it found, or with what it failed with; False when it was lost meanwhile."""
    told: dict[str, Any] = {"holder": None, "held_until": None, "ended_at": at, "due_at": due_at}
    told |= {"seconds": round(seconds, 6), "error": error[:LONGEST_ERROR] if error else None}
    if error is None:
        told |= {"succeeded_at": at, "facts": dict(facts or {})}
    return _changed(session, (Job.name == name, Job.holder == holder), told)


def _changed(session: Session, conditions: tuple[Any, ...], values: Mapping[str, Any]) -> bool:
    statement = update(Job).where(*conditions).values(**values)
    done: Any = session.execute(statement.execution_options(synchronize_session=False))
    return bool(done.rowcount == 1)
