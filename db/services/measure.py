"""The application as its own subject: its parts as agents, what they asked each other, and who watches since when."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.base import uuid7
from db.metric import from_ns, to_ns
from db.models import Agent, AgentLog, Call, Span, SystemMetric
from db.models.rollup import LOGS, MEASUREMENTS
from db.models.telemetry import ERROR, UNSET
from db.queries.answers import KINDS as TIMED
from db.queries.ingest import LATE_ITEMS, REFUSED_ITEMS
from db.queries.round_trips import ROUND_TRIP, WEB_ROUND_TRIP
from db.queries.system import DOWN_SECONDS, UP_SECONDS
from db.sampling import Sample
from db.services.heard import note_heard
from db.services.network import place_agents
from db.services.senders import sender_of
from db.services.touched import touch_at
from db.timings import Timing

SERVICE = "quantum"
OWN_SOURCE = "this application"
WEB, DATABASE, COLLECTOR = f"{SERVICE}/web", f"{SERVICE}/database", f"{SERVICE}/collector"
PARTS = (WEB, DATABASE, COLLECTOR)
PERIOD_SECONDS = 30
SAMPLED = (ROUND_TRIP, WEB_ROUND_TRIP, *TIMED)
KEPT = timedelta(days=7)
TROUBLES_KEPT = timedelta(days=90)  # as long as the longest window people look back by name
BATCH = 500
CLIENT, SERVER = 3, 2  # kinds of span
LEASE = timedelta(seconds=2 * PERIOD_SECONDS)


@dataclass(frozen=True)
class Stretch:
    """Time that was watched without a pause, all of it up or all of it down: from one heartbeat to the next."""

    up: bool
    since: datetime
    seconds: float
    beats: int
    watcher: str
    error: str | None = None
    id: UUID = field(default_factory=uuid7)


def introduce(session: Session, dialect: str) -> int:
    """Make the application's parts agents with nodes, where they are none yet; returns how many were made."""
    rows = [
        {
            "id": part,
            "name": part.removeprefix(f"{SERVICE}/"),
            "origin": "system",
            "heartbeat_seconds": PERIOD_SECONDS,
            "meta": {"source": SERVICE, "database": dialect} if part == DATABASE else {"source": SERVICE},
        }
        for part in PARTS
    ]
    known = set(session.scalars(select(Agent.id).where(Agent.id.in_(PARTS))))
    missing = [row for row in rows if row["id"] not in known]
    if missing:
        session.execute(_insert(session, Agent).on_conflict_do_nothing(), missing)
        place_agents(session)
    return len(missing)


def _insert(session: Session, model: Any) -> Any:
    return (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(model)


# --- one collector per database -------------------------------------------------------------------


@dataclass(frozen=True)
class Watcher:
    """Who watches: a process, told apart from every other one by `run`.

    `machine` names what process numbers are unique in: a machine, or a container on it.
    """

    machine: str
    process: int
    run: str

    def __str__(self) -> str:
        return f"{self.run} {self.process} {self.machine}"

    def may_follow(self, holder: str | None) -> bool:
        """Whether `holder` cannot be watching any more: nobody, this one, or a process of this machine that ended."""
        if not holder or holder == str(self):
            return True
        _, process, machine = holder.split(" ", 2)
        return machine == self.machine and (int(process) == self.process or not _runs(int(process)))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_dead_but_unburied(process)


def _is_dead_but_unburied(process: int) -> bool:
    """Whether a process was killed and only its number is left, until its parent or the machine's first process asks.

    Signals still find such a one. In a container nobody may ask for seconds, or ever.
    """
    try:
        told = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:  # not Linux, or buried since
        return False
    return told.rpartition(")")[2].split()[:1] in (["Z"], ["X"])


@dataclass(frozen=True)
class Lease:
    """What the collector's own row says: who holds the watch, and when it was heard last."""

    holder: str | None
    heard: datetime | None


def read_lease(session: Session) -> Lease:
    """Raises NoResultFound when the parts were not introduced."""
    held = select(Agent.meta["holder"].as_string(), Agent.last_active).where(Agent.id == COLLECTOR)
    return Lease(*session.execute(held).one())


def take_lease(session: Session, watcher: Watcher, seen: Lease, at: datetime) -> bool:
    """Hold or go on holding the watch, unless somebody else does and was heard within the lease.

    Two that try at once cannot both succeed: the row must still say what was seen.
    """
    if not watcher.may_follow(seen.holder) and seen.heard is not None and seen.heard > at - LEASE:
        return False
    return _hold(session, seen.holder, {"source": SERVICE, "holder": str(watcher)}, {"last_active": at})


def leave_lease(session: Session, watcher: Watcher) -> None:
    """Let go of the watch in order, so that the next one need not wait."""
    _hold(session, str(watcher), {"source": SERVICE, "holder": ""}, {})


def _hold(session: Session, seen: str | None, meta: dict[str, str], heard: dict[str, datetime]) -> bool:
    holder = Agent.meta["holder"].as_string()
    same = holder.is_(None) if seen is None else holder == seen
    changed: Any = session.execute(
        update(Agent)
        .where(Agent.id == COLLECTOR, same)
        .values(meta=meta, **heard)
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount == 1)


def heard(session: Session, part: str, at: datetime) -> None:
    """`part` answered at `at`."""
    later = or_(Agent.last_active.is_(None), Agent.last_active < at)
    session.execute(
        update(Agent)
        .where(Agent.id == part, later)
        .values(last_active=at)
        .execution_options(synchronize_session=False)
    )
    if part == WEB:  # what the others did follows from the time that was watched
        note_heard(session, [part], at)


# --- what was measured ----------------------------------------------------------------------------


def store_stretches(session: Session, stretches: Sequence[Stretch]) -> None:
    """Write watched time. One that is told again, because nobody knew whether it was stored, is stored once."""
    if not stretches:
        return
    put = _insert(session, SystemMetric).values([_stretch_row(each) for each in stretches])
    session.execute(put.on_conflict_do_nothing())


def _stretch_row(stretch: Stretch) -> dict[str, Any]:
    why = {"error": stretch.error} if stretch.error else {}
    return {
        "id": stretch.id,
        "metric_type": UP_SECONDS if stretch.up else DOWN_SECONDS,
        "metric_value": round(stretch.seconds, 6),
        "metric_unit": "s",
        "category": "performance",
        "source": "collector",
        "meta": {"beats": stretch.beats, "watcher": stretch.watcher, **why},
        "recorded_at": stretch.since,
    }


def store_samples(session: Session, samples: Sequence[Sample], dialect: str) -> None:
    """Write round trips as measurements, and as calls between parts with the two spans that prove each."""
    if not samples:
        return
    told = {"sender_id": sender_of(session, OWN_SOURCE), "received_ns": time.time_ns() // 1000 * 1000}
    measured = [_measurement(each) for each in samples]
    session.execute(insert(SystemMetric), measured)
    touch_at(session, MEASUREMENTS, (row["recorded_at"] for row in measured))
    spans, calls = [], []
    for sample in samples:
        trace, outer, inner = os.urandom(16).hex(), os.urandom(8).hex(), os.urandom(8).hex()
        spans += [
            _span(sample, trace, outer, None, sample.caller, sample.start_ns, sample.caller_ns, {}),
            _span(
                sample, trace, inner, outer, sample.callee, sample.start_ns + sample.before_ns, sample.answer_ns,
                {"db.system.name": dialect} if sample.callee == DATABASE else {},
            ),
        ]  # fmt: skip
        calls.append(_call(sample, trace, inner))
    session.execute(insert(Span), [span | told for span in spans])
    session.execute(insert(Call), calls)


def store_timings(session: Session, timings: Sequence[Timing]) -> None:
    """Write how long answers took, and that some never came."""
    if timings:
        session.execute(insert(SystemMetric), [_timed(each) for each in timings])
        touch_at(session, MEASUREMENTS, (each.at for each in timings))


def _timed(timing: Timing) -> dict[str, Any]:
    why = {"error": timing.error} if timing.error else {}
    return {
        "metric_type": timing.kind,
        "metric_value": None if timing.ms is None else round(timing.ms, 6),
        "metric_unit": "ms",
        "category": "performance",
        "source": timing.source,
        "meta": {timing.fact: timing.about, **why},
        "recorded_at": timing.at,
    }


def _measurement(sample: Sample) -> dict[str, Any]:
    why = {"error": sample.error} if sample.error else {}
    return {
        "metric_type": ROUND_TRIP if sample.callee == DATABASE else WEB_ROUND_TRIP,
        "metric_value": None if sample.error else round(sample.answer_ns / 1e6, 6),
        "metric_unit": "ms",
        "category": "performance",
        "source": sample.caller.removeprefix(f"{SERVICE}/"),
        "meta": {"asked": sample.asked, **why},
        "recorded_at": from_ns(sample.start_ns + sample.before_ns),
    }


def _span(
    sample: Sample, trace: str, span: str, parent: str | None, agent: str, start_ns: int, duration_ns: int,
    more: dict[str, str],
) -> dict[str, Any]:  # fmt: skip
    """A span as its agent would send it; both are timed by the caller, who alone has the clock."""
    return {
        "trace_id": trace,
        "span_id": span,
        "start_ns": start_ns,
        "duration_ns": duration_ns,
        "parent_span_id": parent,
        "agent_id": agent,
        "attribution": "own",
        "named_agent": agent.removeprefix(f"{SERVICE}/"),
        "service": SERVICE,
        "name": sample.asked,
        "kind": SERVER if parent else CLIENT,
        "status": ERROR if sample.error else UNSET,
        "error_type": sample.error,
        "is_task": True,
        "attributes": {"timed_by": sample.caller, **more},
    }


def _call(sample: Sample, trace: str, span: str) -> dict[str, Any]:
    return {
        "trace_id": trace,
        "span_id": span,
        "start_ns": sample.start_ns + sample.before_ns,
        "caller_id": sample.caller,
        "callee_id": sample.callee,
        "kind": "data",
        "evidence": "parent",
        "callee_span_id": span,
        "latency_ns": sample.answer_ns,
        "failed": sample.error is not None,
    }


def write_log(session: Session, part: str, level: str, message: str, **facts: Any) -> None:
    """One line of a part's log."""
    at = datetime.now(UTC)
    session.add(AgentLog(agent_id=part, log_level=level, message=message, meta=facts, created_at=at))
    touch_at(session, LOGS, [at])


def forget(session: Session, now: datetime) -> int:
    """Delete a batch of the application's own samples that are older than a week, and of its notes on refused and late
    items that are older than 90 days; returns how many rows that was.

    Watched time is kept: it is an hour per row. What others sent or imported is never deleted here.
    """
    before, own = now - KEPT, select(Agent.id).where(Agent.origin == "system")
    rows = 0
    for table, age, mine in (
        (SystemMetric, SystemMetric.recorded_at < before, SystemMetric.metric_type.in_(SAMPLED)),
        (SystemMetric, SystemMetric.recorded_at < now - TROUBLES_KEPT,
         SystemMetric.metric_type.in_((REFUSED_ITEMS, LATE_ITEMS))),
        (Call, Call.start_ns < to_ns(before), Call.caller_id.in_(own)),
        (Span, Span.start_ns < to_ns(before), Span.agent_id.in_(own)),
    ):  # fmt: skip
        key = tuple_(*_table(table).primary_key)
        old = select(*_table(table).primary_key).where(age, mine).limit(BATCH)
        doomed = delete(table).where(key.in_(old), age).execution_options(synchronize_session=False)
        if table is SystemMetric:  # what is counted of them goes too: these numbers speak of what is there
            moments = list(session.scalars(doomed.returning(SystemMetric.recorded_at)))
            touch_at(session, MEASUREMENTS, moments)
            rows += len(moments)
        else:
            gone: Any = session.execute(doomed)
            rows += gone.rowcount
    return rows


def _table(model: Any) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table
