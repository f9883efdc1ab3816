"""Rows that are older than the settings keep them: deleted in small batches, once they are rolled up.

Whoever takes raw rows of a family away, by deleting them or by detaching a month, calls `let_go` first in the same
transaction: what is older than that is never counted anew from what is left of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.metric import NANOSECONDS, to_ns
from db.models import AgentLog, ApiLog, Call, Kept, Span, SystemMetric
from db.models.rollup import API, DAY, FIVE_MINUTES, HOUR, LOGS, MEASUREMENTS, QUARTER, SPANS
from db.services.rollup_families import FAMILIES, Family
from db.services.rollups import bucket_at, one_at_a_time, roll_up

BATCH = 5_000  # rows of one transaction, about: a whole five minutes at least


def let_go(session: Session, until: int, family: str = SPANS) -> None:
    """Roll up what starts before `until` (seconds, a multiple of 300) and never again: its raw rows are about to go."""
    one_at_a_time(session)
    while roll_up(session, before=until, family=family):
        pass
    _keep_from(session, family, raw_from=until)


def is_by_month(session: Session, model: Any) -> bool:
    """Whether its rows lie in partitions, which are detached as a whole and not emptied row by row."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    kind = text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:name)")
    return bool(session.scalar(kind, {"name": model.__tablename__}))


def forget_spans(session: Session, at: datetime, days: int) -> int:
    """Delete a batch of spans and calls older than so many days; returns how many rows. The caller commits."""
    return _forget(session, SPANS, at, days, (Call.start_ns, Span.start_ns))


def forget_logs(session: Session, at: datetime, days: int) -> int:
    """Delete a batch of agents' log lines older than so many days. The rules keep 30 days at least."""
    return _forget(session, LOGS, at, days, (AgentLog.created_at,))


def forget_measurements(session: Session, at: datetime, days: int) -> int:
    """Delete a batch of measurements older than so many days, watched time excepted. The rules keep 7 days at least."""
    return _forget(session, MEASUREMENTS, at, days, (SystemMetric.recorded_at,))


def forget_calls_of_programs(session: Session, at: datetime, days: int) -> int:
    """Delete a batch of the log of requests older than so many days. The rules keep 90 days at least."""
    return _forget(session, API, at, days, (ApiLog.created_at,))


def _forget(session: Session, name: str, at: datetime, days: int, moments: Sequence[Any]) -> int:
    """Whole five minutes of a family, the oldest first, once they are rolled up for the last time."""
    family, last = FAMILIES[name], bucket_at(at - timedelta(days=days))
    if is_by_month(session, family.moment.class_):
        return 0
    one_at_a_time(session)
    until = _until(session, family, last)
    if until is None:
        return 0
    let_go(session, until, name)
    gone = (_gone(session, moment.class_, moment < family.at(until), *family.only) for moment in moments)
    return sum(gone)


def _until(session: Session, family: Family, last: int) -> int | None:
    """The end of the five minutes that hold about a batch of the family's rows, `last` at most; None without any."""
    moment = family.moment
    rows = select(moment).where(moment < family.at(last), *family.only).order_by(moment)
    oldest = session.scalar(rows.limit(1))
    if oldest is None:
        return None
    beyond = session.scalar(rows.offset(BATCH).limit(1))
    until = last if beyond is None else family.start(beyond)
    return max(until, family.start(oldest) + FIVE_MINUTES)


def forget_rollups(session: Session, at: datetime, five_days: int, hour_days: int) -> int:
    """Delete a batch of roll-ups of five minutes, then of hours, older than so many days (0 = none); days stay."""
    return sum(_forget_rollups(session, name, at, five_days, hour_days) for name in FAMILIES)


def _forget_rollups(session: Session, name: str, at: datetime, five_days: int, hour_days: int) -> int:
    """A shorter stretch stays for as long as what it is made of: else a late row would make an hour of a part of it."""
    kept = session.get(Kept, name)
    if kept is None:
        return 0
    models, today = FAMILIES[name].models, to_ns(at) // NANOSECONDS // DAY
    five = min((today - five_days) * DAY if five_days else 0, kept.raw_from // DAY * DAY)
    rows = _forget_stretches(session, models, FIVE_MINUTES, five)
    five = max(five, kept.five_from)
    hour = max(min((today - hour_days) * DAY if hour_days else 0, five), kept.hour_from)
    rows += sum(_forget_stretches(session, models, each, hour) for each in (HOUR, QUARTER))
    if rows:
        _keep_from(session, name, five_from=five, hour_from=hour)
    return rows


def _forget_stretches(session: Session, models: Sequence[Any], resolution: int, before: int) -> int:
    """A day of them at a time."""
    first = models[0]
    oldest = session.scalar(select(func.min(first.start)).where(first.resolution == resolution))
    if oldest is None or oldest >= before:
        return 0
    until = min(before, oldest // DAY * DAY + DAY)
    return sum(_gone(session, each, each.resolution == resolution, each.start < until) for each in models)


def _gone(session: Session, model: Any, *conditions: Any) -> int:
    done: Any = session.execute(delete(model).where(*conditions).execution_options(synchronize_session=False))
    return int(done.rowcount)


def _keep_from(session: Session, family: str, **since: int) -> None:
    """Rows are kept from then on; never from an earlier moment than before."""
    made = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(Kept)
    put: Any = made.values(family=family, **{"raw_from": 0, **since})
    later = {
        name: func.greatest(Kept.__table__.c[name], put.excluded[name])
        if session.get_bind().dialect.name == "postgresql"
        else func.max(Kept.__table__.c[name], put.excluded[name])
        for name in since
    }
    session.execute(put.on_conflict_do_update(index_elements=["family"], set_=later))
