"""The list of agents, one of them, and its last spans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Subquery

from db.functions import lowered
from db.metric import METRICS, Reading, Statement, Window, from_ns, reading_of
from db.models import Agent, Call, Span
from db.queries.activity import activity, calls_per, efficiencies, latency
from db.queries.fleet import FLEET, operational
from db.queries.spans import SPAN_COLUMNS

MOST_DRIFT_MS = 16_000  # more is flagged
STATES = ("operational", "failing", "observed", "unknown")


@dataclass(frozen=True)
class AgentFilter:
    """What the list and the map narrow the fleet down to; empty text means no restriction."""

    search: str = ""
    origin: str = ""
    squad: str = ""
    state: str = ""
    source: str = ""


@dataclass(frozen=True)
class AgentRow:
    """One agent in the window: its catalogue facts, its derived state, its readings by metric key."""

    id: str
    name: str
    role: str | None
    squad: str | None
    origin: str
    source: str | None
    state: str
    last_active: datetime | None
    last_span: datetime | None
    readings: Mapping[str, Reading]
    clock_drift_ms: int | None = None

    @property
    def is_clock_off(self) -> bool:
        """Whether its clock is so far from ours that times of its own say little."""
        return abs(self.clock_drift_ms or 0) > MOST_DRIFT_MS


def state(window: Window, rows: Subquery) -> ColumnElement[str]:
    """`operational` now, else `failing` or `observed` in the window, else `unknown`."""
    return case(
        (operational(window), "operational"),
        (rows.c.errors > 0, "failing"),
        (rows.c.spans > 0, "observed"),
        else_="unknown",
    )


def source() -> ColumnElement[str | None]:
    """Where an agent was first seen, for those that have no squad."""
    found: ColumnElement[str | None] = Agent.meta["source"].as_string()
    return found


def narrowed(wanted: AgentFilter, derived: ColumnElement[str]) -> list[ColumnElement[bool]]:
    """The filter as conditions over `agents`; `derived` is the state's expression."""
    conditions: list[ColumnElement[bool]] = [FLEET]
    if wanted.search:
        text = f"%{_literal(wanted.search.lower())}%"
        conditions.append(
            or_(lowered(Agent.name).like(text, escape="\\"), lowered(Agent.id).like(text, escape="\\"))
        )
    if wanted.origin:
        conditions.append(Agent.origin == wanted.origin)
    if wanted.squad:
        conditions.append(Agent.squad.is_(None) if wanted.squad == "none" else Agent.squad == wanted.squad)
    if wanted.state:
        conditions.append(derived == wanted.state)
    if wanted.source:
        conditions.append(source() == wanted.source)
    return conditions


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


ORDERS = (
    "name",
    "origin",
    "squad",
    "state",
    "spans",
    "errors",
    "calls_in",
    "calls_out",
    "p50",
    "p95",
    "efficiency",
    "last_span",
)


def agent_page(
    session: Session,
    window: Window,
    wanted: AgentFilter,
    *,
    order: str = "spans",
    descending: bool = True,
    page: int = 1,
    size: int = 25,
) -> tuple[list[AgentRow], int]:
    """One page of the fleet and how many agents match. `order` is one of ORDERS (else ValueError)."""
    if order not in ORDERS:
        raise ValueError(f"order is {order!r}; use one of {', '.join(ORDERS)}.")
    rows = activity(window)
    derived = state(window, rows)
    conditions = narrowed(wanted, derived)
    base = select(Agent.id, derived.label("state"), rows.c.last_ns).join(
        rows, rows.c.agent_id == Agent.id, isouter=True
    )
    base, by = _ordered(base, window, rows, derived, order)
    total = session.scalar(
        select(func.count())
        .select_from(Agent)
        .join(rows, rows.c.agent_id == Agent.id, isouter=True)
        .where(*conditions)
    )
    direction = by.desc().nulls_last() if descending else by.asc().nulls_last()
    found = session.execute(
        base.where(*conditions).order_by(direction, Agent.id).limit(size).offset((page - 1) * size)
    ).all()
    return _with_readings(session, window, [(row.id, row.state, row.last_ns) for row in found]), int(
        total or 0
    )


def _ordered(
    base: Statement, window: Window, rows: Subquery, derived: ColumnElement[str], order: str
) -> tuple[Statement, ColumnElement[Any]]:
    plain: dict[str, Any] = {
        "name": func.lower(Agent.name),
        "origin": Agent.origin,
        "squad": Agent.squad,
        "state": derived,
        "spans": func.coalesce(rows.c.spans, 0),
        "errors": func.coalesce(rows.c.errors, 0),
        "last_span": rows.c.last_ns,
    }
    if order in plain:
        return base, plain[order]
    if order in ("calls_in", "calls_out"):
        calls = calls_per(window, Call.callee_id if order == "calls_in" else Call.caller_id)
        return base.join(calls, calls.c.agent_id == Agent.id, isouter=True), func.coalesce(calls.c.calls, 0)
    joined = efficiencies(window) if order == "efficiency" else latency(window)
    column: ColumnElement[Any] = joined.c["percent" if order == "efficiency" else order]
    if order == "p95":
        column = case((joined.c.n >= METRICS["agent.latency_p95_ms"].least, column))
    return base.join(joined, joined.c.agent_id == Agent.id, isouter=True), column


def _with_readings(
    session: Session, window: Window, found: list[tuple[str, str, int | None]]
) -> list[AgentRow]:
    ids = [agent for agent, _, _ in found]
    facts = {row.id: row for row in session.execute(_facts(ids))}
    readings = agent_readings(session, window, ids)
    return [
        AgentRow(
            id=agent,
            name=facts[agent].name,
            role=facts[agent].role,
            squad=facts[agent].squad,
            origin=facts[agent].origin,
            source=facts[agent].source,
            state=derived,
            last_active=facts[agent].last_active,
            last_span=from_ns(last) if last else None,
            readings=readings[agent],
            clock_drift_ms=facts[agent].clock_drift_ms,
        )
        for agent, derived, last in found
    ]


def _facts(ids: Sequence[str]) -> Statement:
    return select(
        Agent.id,
        Agent.name,
        Agent.role,
        Agent.squad,
        Agent.origin,
        Agent.last_active,
        Agent.clock_drift_ms,
        source().label("source"),
    ).where(Agent.id.in_(ids))


def agent_readings(session: Session, window: Window, ids: Sequence[str]) -> dict[str, dict[str, Reading]]:
    """Every agent metric of every agent in `ids`, in five statements however many they are."""
    spans = _by_agent(session, activity(window, ids))
    slow = _by_agent(session, latency(window, ids))
    good = _by_agent(session, efficiencies(window, ids))
    made = _by_agent(session, calls_per(window, Call.caller_id, ids))
    got = _by_agent(session, calls_per(window, Call.callee_id, ids))
    return {
        agent: {
            key: reading_of(METRICS[key], row, window, (agent,))
            for key, row in _rows_of(
                spans.get(agent, {}),
                slow.get(agent, {}),
                good.get(agent, {}),
                made.get(agent, {}),
                got.get(agent, {}),
            ).items()
        }
        for agent in ids
    }


def _by_agent(session: Session, rows: Subquery) -> dict[str, Mapping[Any, Any]]:
    return {row["agent_id"]: row for row in session.execute(select(rows)).mappings()}


def _rows_of(
    spans: Mapping[Any, Any],
    slow: Mapping[Any, Any],
    good: Mapping[Any, Any],
    made: Mapping[Any, Any],
    got: Mapping[Any, Any],
) -> dict[str, dict[str, Any]]:
    n = slow.get("n", 0)
    return {
        "agent.spans": {"value": spans.get("spans", 0)},
        "agent.errors": {"value": spans.get("errors", 0)},
        "agent.calls_in": {"value": got.get("calls", 0)},
        "agent.calls_out": {"value": made.get("calls", 0)},
        "agent.latency_p50_ms": {"value": slow.get("p50"), "n": n, "resolution": slow.get("resolution")},
        "agent.latency_p95_ms": {"value": slow.get("p95"), "n": n, "resolution": slow.get("resolution")},
        "agent.efficiency": {
            "value": good.get("percent"),
            "n": good.get("n", 0),
            "hits": good.get("hits", 0),
        },
        "agent.tokens_input": {"value": spans.get("input_tokens", 0), "n": spans.get("input_n", 0)},
        "agent.tokens_output": {"value": spans.get("output_tokens", 0), "n": spans.get("output_n", 0)},
    }


def one_agent(session: Session, window: Window, agent: str) -> AgentRow | None:
    """The agent with its readings; None when there is no such agent."""
    rows = activity(window, (agent,))
    found = session.execute(
        select(Agent.id, state(window, rows).label("state"), rows.c.last_ns)
        .join(rows, rows.c.agent_id == Agent.id, isouter=True)
        .where(Agent.id == agent)
    ).one_or_none()
    return _with_readings(session, window, [(found.id, found.state, found.last_ns)])[0] if found else None


def agent_details(session: Session, agent: str) -> Mapping[str, Any] | None:
    """The stored row of an agent, for its page; None when there is none."""
    row = session.get(Agent, agent)
    if row is None:
        return None
    return {
        "id": row.id,
        "name": row.name,
        "role": row.role,
        "squad": row.squad,
        "origin": row.origin,
        "status": row.status,
        "current_task": row.current_task,
        "last_active": row.last_active,
        "version": row.version,
        "heartbeat_seconds": row.heartbeat_seconds,
        "paused_at": row.paused_at,
        "clock_drift_at": row.clock_drift_at,
        "metadata": row.meta or {},
        "created_at": row.created_at,
    }


@dataclass(frozen=True)
class Cursor:
    """Where a keyset page of spans ended: the next one holds older spans."""

    start_ns: int
    trace_id: str
    span_id: str


def last_spans(
    session: Session, window: Window, agent: str, *, before: Cursor | None = None, size: int = 20
) -> tuple[list[Mapping[Any, Any]], Cursor | None]:
    """The newest spans of an agent in the window, older than `before`, and where the next page begins."""
    older: ColumnElement[bool] = literal(True)
    if before is not None:
        older = or_(
            Span.start_ns < before.start_ns,
            and_(
                Span.start_ns == before.start_ns,
                tuple_(Span.trace_id, Span.span_id) > (before.trace_id, before.span_id),
            ),
        )
    rows = list(
        session.execute(
            select(*SPAN_COLUMNS, Span.category, Span.status_message, Span.input_tokens, Span.output_tokens)
            .where(window.covers_ns(Span.start_ns), Span.agent_id == agent, older)
            .order_by(Span.start_ns.desc(), Span.trace_id, Span.span_id)
            .limit(size + 1)
        ).mappings()
    )
    more = rows[size - 1] if len(rows) > size else None
    return list(rows[:size]), Cursor(more["start_ns"], more["trace_id"], more["span_id"]) if more else None


def filter_choices(session: Session) -> tuple[list[str], list[str | None]]:
    """The origins and squads that occur, for the filters' menus."""
    origins = session.scalars(select(Agent.origin).where(FLEET).distinct().order_by(Agent.origin))
    squads = session.scalars(select(Agent.squad).where(FLEET).distinct().order_by(Agent.squad))
    return list(origins), list(squads)


def known_sources(session: Session) -> list[str]:
    """The files and networks in which agents without a squad were first seen, for the filters' menus."""
    found = session.scalars(select(source()).where(FLEET, Agent.squad.is_(None)).distinct())
    return sorted(name for name in found if name)
