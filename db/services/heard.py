"""When an agent was heard, kept for good: heartbeats that came in time one after the other are one row, not many.

`at` is always this application's clock. Rows are only ever added or made longer; a clock that is put back adds to what
it finds there, and one that is put forward begins a new row, so that nobody is taken for heard in the time it skipped.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from db.models import Agent
from db.models.uptime import HeardStretch
from db.uptime import limit_of


def note_heard(session: Session, agents: Iterable[str], at: datetime) -> None:
    """These agents were heard at `at`. Their rows in `agents` are locked by whoever calls, or nobody else writes."""
    wanted = sorted(set(agents))
    if not wanted:
        return
    longer: list[Any] = []
    inside: list[Any] = []
    new: list[dict[str, Any]] = []
    for agent, period, stretch, last, limit in session.execute(_latest(wanted, at)):
        if stretch is None or limit != limit_of(period) or at > last + timedelta(seconds=limit):
            new.append({"agent_id": agent, "first_at": at, "last_at": at, "limit_seconds": limit_of(period)})
        else:
            (longer if at > last else inside).append(stretch)
    _count(session, longer, {"last_at": at})
    _count(session, inside, {})
    if new:
        session.execute(insert(HeardStretch), new)


def _latest(agents: list[str], at: datetime) -> Any:
    """Each agent with the stretch that began last, as seen at `at`."""
    other = aliased(HeardStretch)
    began = select(func.max(other.first_at)).where(other.agent_id == Agent.id, other.first_at <= at)
    here = and_(HeardStretch.agent_id == Agent.id, HeardStretch.first_at == began.scalar_subquery())
    return (
        select(
            Agent.id,
            Agent.heartbeat_seconds,
            HeardStretch.id,
            HeardStretch.last_at,
            HeardStretch.limit_seconds,
        )
        .join(HeardStretch, here, isouter=True)
        .where(Agent.id.in_(agents))
    )


def _count(session: Session, stretches: list[Any], told: dict[str, Any]) -> None:
    if stretches:
        session.execute(
            update(HeardStretch)
            .where(HeardStretch.id.in_(stretches))
            .values(beats=HeardStretch.beats + 1, **told)
            .execution_options(synchronize_session=False)
        )
