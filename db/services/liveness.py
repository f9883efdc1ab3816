"""Which agents were heard, and when: by a heartbeat of their own, or by a span of theirs that ended just now.

Only doors that ask for a key call this; whoever imports a file does not. `at` is always this application's clock. What
the sender's clock says is never mixed into it: how far the two are apart is a fact of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, literal, select, update
from sqlalchemy.orm import Session

from db.base import Instant
from db.metric import NANOSECONDS, to_ns
from db.models import Agent
from db.queries.fleet import UNHEARD_AFTER_SECONDS
from db.services.heard import note_heard

GRAIN = timedelta(seconds=1)  # spans come by the hundred: one write per agent and second says enough
DRIFT_KEPT = timedelta(minutes=10)  # what was not seen again for so long is no fact any more
NS_PER_MS = 1_000_000


def beat(
    session: Session,
    agent_id: str,
    at: datetime,
    *,
    sent_at: datetime | None = None,
    interval: int | None = None,
) -> bool:
    """A heartbeat of `agent_id` was received at `at`; False when there is no such agent.

    `sent_at`: the time by the sender's own clock, from which its drift follows (ahead of ours is positive; the way here
    counts as being behind). `interval`: the seconds until its next one, which it promises from now on.
    """
    told: dict[str, Any] = {"last_active": _later(at)}
    if interval is not None:
        told["heartbeat_seconds"] = interval
    if sent_at is not None:
        told |= _drift(to_ns(sent_at), at)
    if not _write(session, [agent_id], told):
        return False
    note_heard(session, [agent_id], at)
    return True


def hear(session: Session, agents: Iterable[str], at: datetime) -> None:
    """These agents were heard at `at`, by this application's clock. What was heard later stands."""
    heard = sorted(set(agents))
    _write(session, heard, {"last_active": _later(at)})
    note_heard(session, heard, at)


def hear_spans(session: Session, ended: Mapping[str, int], at: datetime) -> None:
    """Spans were received at `at`; `ended` says when the latest of each agent ended, in nanoseconds by its own clock.

    An agent is heard when that is within its limit of now. A span that ends in our future tells that its sender's clock
    is ahead, by so much at least; one that ends in our past tells nothing of clocks, for it may have waited.
    """
    now, steady, heard = to_ns(at), [], []
    for state in _states(session, ended):
        end = ended[state.id]
        if end <= now - state.limit_ns or not state.is_due(at):
            continue
        heard.append(state.id)
        if end > now:
            _write(session, [state.id], {"last_active": at} | _drift(end, at))
        elif state.has_old_drift(at):
            _write(session, [state.id], {"last_active": at, "clock_drift_ms": None, "clock_drift_at": None})
        else:
            steady.append(state.id)
    _write(session, steady, {"last_active": _later(at)})
    note_heard(session, heard, at)


def latest(ends: Iterable[tuple[str | None, int]]) -> dict[str, int]:
    """The latest end of each agent's spans; those of nobody are left out."""
    found: dict[str, int] = {}
    for agent, end in ends:
        if agent is not None and end > found.get(agent, 0):
            found[agent] = end
    return found


@dataclass(frozen=True)
class _State:
    """What is known of an agent before it is heard again."""

    id: str
    heartbeat_seconds: int | None
    last_active: datetime | None
    clock_drift_at: datetime | None

    @property
    def limit_ns(self) -> int:
        return (2 * (self.heartbeat_seconds or 0) or UNHEARD_AFTER_SECONDS) * NANOSECONDS

    def is_due(self, at: datetime) -> bool:
        return self.last_active is None or self.last_active <= at - GRAIN

    def has_old_drift(self, at: datetime) -> bool:
        return self.clock_drift_at is not None and self.clock_drift_at < at - DRIFT_KEPT


def _states(session: Session, agents: Iterable[str]) -> list[_State]:
    """In the order of their ids and, on PostgreSQL, locked in it: two requests that hear the same agents must not wait
    for each other in a circle."""
    wanted = sorted(set(agents))
    if not wanted:
        return []
    columns = (Agent.id, Agent.heartbeat_seconds, Agent.last_active, Agent.clock_drift_at)
    found = select(*columns).where(Agent.id.in_(wanted)).order_by(Agent.id).with_for_update(key_share=True)
    return [_State(*row) for row in session.execute(found)]


def _write(session: Session, agents: list[str], told: dict[str, Any]) -> int:
    if not agents:
        return 0
    changed: Any = session.execute(
        update(Agent).where(Agent.id.in_(agents)).values(**told).execution_options(synchronize_session=False)
    )
    return int(changed.rowcount)


def _later(at: datetime) -> ColumnElement[datetime]:
    """`at`, unless the agent was heard later."""
    moment = literal(at, Instant())
    return case((Agent.last_active > moment, Agent.last_active), else_=moment)


def _drift(sent_ns: int, at: datetime) -> dict[str, Any]:
    """How far the sender's clock is ahead of ours, in whole milliseconds towards nought, and when that was seen."""
    return {"clock_drift_ms": int((sent_ns - to_ns(at)) / NS_PER_MS), "clock_drift_at": at}
