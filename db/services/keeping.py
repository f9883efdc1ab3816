"""Rows that are older than the settings keep them: deleted in small batches, once they are rolled up.

Whoever takes raw spans and calls away, by deleting them or by detaching a month, calls `let_go` first in the same
transaction: what is older than that is never counted anew from what is left of it.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.metric import NANOSECONDS, to_ns
from db.models import AgentLog, AgentRollup, Call, CallRollup, FleetRollup, Kept, Span, SystemMetric
from db.models.rollup import DAY, FIVE_MINUTES, HOUR, SPANS
from db.queries.system import DOWN_SECONDS, UP_SECONDS
from db.services.rollups import WIDTH, bucket_at, one_at_a_time, roll_up

BATCH = 5_000  # rows of one transaction, about: a whole five minutes at least
WATCHED = (UP_SECONDS, DOWN_SECONDS)  # an hour per row; uptime since the first observation needs them
MODELS = (FleetRollup, AgentRollup, CallRollup)


def let_go(session: Session, until: int) -> None:
    """Roll up what starts before `until` (seconds, a multiple of 300) and never again: its raw rows are about to go."""
    one_at_a_time(session)
    while roll_up(session, before=until):
        pass
    _keep_from(session, raw_from=until)


def is_by_month(session: Session, model: Any) -> bool:
    """Whether its rows lie in partitions, which are detached as a whole and not emptied row by row."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    kind = text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:name)")
    return bool(session.scalar(kind, {"name": model.__tablename__}))


def forget_spans(session: Session, at: datetime, days: int) -> int:
    """Delete a batch of spans and calls older than so many days; returns how many rows. The caller commits."""
    if is_by_month(session, Span):
        return 0
    last = bucket_at(at - timedelta(days=days))
    one_at_a_time(session)
    oldest = session.scalar(select(func.min(Span.start_ns)))
    if oldest is None or oldest // WIDTH * FIVE_MINUTES >= last:
        return 0
    beyond = session.scalar(select(Span.start_ns).order_by(Span.start_ns).offset(BATCH).limit(1))
    until = last if beyond is None else min(last, beyond // WIDTH * FIVE_MINUTES)
    until = max(until, oldest // WIDTH * FIVE_MINUTES + FIVE_MINUTES)
    let_go(session, until)
    return sum(_gone(session, model, model.start_ns < until * NANOSECONDS) for model in (Call, Span))


def forget_rollups(session: Session, at: datetime, five_days: int, hour_days: int) -> int:
    """Delete a batch of roll-ups of five minutes, then of hours, older than so many days (0 = none); days stay.

    A shorter stretch stays for as long as what it is made of: else a late row would make an hour of a part of it.
    """
    kept = session.get(Kept, SPANS)
    if kept is None:
        return 0
    today = to_ns(at) // NANOSECONDS // DAY
    five = min((today - five_days) * DAY if five_days else 0, kept.raw_from // DAY * DAY)
    rows = _forget_stretches(session, FIVE_MINUTES, five)
    five = max(five, kept.five_from)
    hour = max(min((today - hour_days) * DAY if hour_days else 0, five), kept.hour_from)
    rows += _forget_stretches(session, HOUR, hour)
    if rows:
        _keep_from(session, five_from=five, hour_from=hour)
    return rows


def _forget_stretches(session: Session, resolution: int, before: int) -> int:
    """A day of them at a time."""
    oldest = session.scalar(select(func.min(FleetRollup.start)).where(FleetRollup.resolution == resolution))
    if oldest is None or oldest >= before:
        return 0
    until = min(before, oldest // DAY * DAY + DAY)
    return sum(_gone(session, each, each.resolution == resolution, each.start < until) for each in MODELS)


def forget_logs(session: Session, at: datetime, days: int) -> int:
    """Delete a batch of agents' log lines older than so many days. The rules keep 30 days at least."""
    if is_by_month(session, AgentLog):
        return 0
    old = select(AgentLog.id).where(AgentLog.created_at < at - timedelta(days=days)).limit(BATCH)
    return _gone(session, AgentLog, AgentLog.id.in_(old))


def forget_measurements(session: Session, at: datetime, days: int) -> int:
    """Delete a batch of measurements older than so many days, watched time excepted. The rules keep 7 days at least."""
    if is_by_month(session, SystemMetric):
        return 0
    too_old = SystemMetric.recorded_at < at - timedelta(days=days)
    old = select(SystemMetric.id).where(too_old, SystemMetric.metric_type.not_in(WATCHED)).limit(BATCH)
    return _gone(session, SystemMetric, SystemMetric.id.in_(old))


def _gone(session: Session, model: Any, *conditions: Any) -> int:
    done: Any = session.execute(delete(model).where(*conditions).execution_options(synchronize_session=False))
    return int(done.rowcount)


def _keep_from(session: Session, **since: int) -> None:
    """Rows are kept from then on; never from an earlier moment than before."""
    made = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(Kept)
    put: Any = made.values(family=SPANS, **{"raw_from": 0, **since})
    later = {
        name: func.greatest(Kept.__table__.c[name], put.excluded[name])
        if session.get_bind().dialect.name == "postgresql"
        else func.max(Kept.__table__.c[name], put.excluded[name])
        for name in since
    }
    session.execute(put.on_conflict_do_update(index_elements=["family"], set_=later))
