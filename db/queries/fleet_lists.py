"""The fleet as programs read it, page by page: agents, connections, nodes, log lines, spans.

A list is a statement with the keys it is ordered by; `db.keyset` reads it. Filters that are None leave it whole.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, literal, or_, select
from sqlalchemy.orm import Session

from db.keyset import Key
from db.metric import EARLIEST, METRICS, Statement, Window
from db.models import Agent, AgentConnection, AgentLog, NetworkNode, Span
from db.models.telemetry import ERROR, OK, UNSET
from db.queries.agents import AgentFilter, narrowed, source
from db.queries.connections import pairs, touching
from db.queries.fleet import UNHEARD_AFTER_SECONDS, operational
from db.queries.spans import not_own_parts

STATUS = {"unset": UNSET, "ok": OK, "error": ERROR}
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
ALL_TIME = Window.parse("all", EARLIEST)
NAMES_OF_STATUS = {number: name for name, number in STATUS.items()}


@dataclass(frozen=True)
class Listed:
    """A list: what is selected, and by which keys its pages are ordered."""

    statement: Statement
    keys: tuple[Key, ...]


# --- agents -----------------------------------------------------------------------------------------


def _agents(at: datetime) -> Statement:
    return select(
        Agent.id,
        Agent.name,
        Agent.role,
        Agent.squad,
        Agent.origin,
        source().label("source"),
        Agent.status,
        Agent.current_task,
        Agent.version,
        Agent.heartbeat_seconds,
        Agent.paused_at,
        Agent.last_active,
        Agent.clock_drift_ms,
        Agent.clock_drift_at,
        operational(Window(None, None, "all", at)).label("operational"),
        Agent.meta["description"].as_string().label("description"),
        Agent.created_at,
        Agent.updated_at,
    )


def agent_list(
    at: datetime,
    *,
    origin: str | None = None,
    squad: str | None = None,
    search: str | None = None,
    is_operational: bool | None = None,
) -> Listed:
    """The fleet by id; the application's own parts are no part of it. `operational` is seen at the instant `at`."""
    wanted = AgentFilter(search=search or "", origin=origin or "", squad=squad or "")
    conditions = narrowed(wanted, literal(""))
    if is_operational is not None:
        heard = operational(Window(None, None, "all", at))
        conditions.append(heard if is_operational else ~heard)
    return Listed(_agents(at).where(*conditions), (Key(Agent.id, "id"),))


def one_listed(session: Session, at: datetime, agent: str) -> dict[str, Any] | None:
    """One agent as the list has it, an own part of the application as well; None when there is none."""
    found = session.execute(_agents(at).where(Agent.id == agent)).mappings().one_or_none()
    return dict(found) if found else None


def heard_until(last_active: datetime | None, heartbeat_seconds: int | None) -> datetime | None:
    """Until when an agent that was heard then counts as heard; None when it never was."""
    if last_active is None:
        return None
    return last_active + timedelta(seconds=2 * (heartbeat_seconds or 0) or UNHEARD_AFTER_SECONDS)


# --- connections ------------------------------------------------------------------------------------


def measured_list(window: Window, *, agent: str | None = None) -> Listed:
    """Ordered pairs with a call in the window: calls, errors, how many have a latency, p50 and p95 of these in ms."""
    return _measured_list(ALL_TIME if window.start is None else window, agent)


@lru_cache(16)
def _measured_list(window: Window, agent: str | None) -> Listed:
    """To put this statement together takes as long as to read it. That of all time says nothing of the instant."""
    rows = pairs(window, None if agent is None else touching(agent), own=False)
    few = METRICS["connection.latency_p95_ms"].least
    statement = select(
        rows.c.caller_id.label("caller"),
        rows.c.callee_id.label("callee"),
        rows.c.kind,
        rows.c.calls,
        rows.c.errors,
        rows.c.n,
        rows.c.p50.label("p50_ms"),
        rows.c.p95.label("p95_ms"),
        (rows.c.n < few).label("has_few"),
    )
    return Listed(statement, (Key(rows.c.caller_id, "caller"), Key(rows.c.callee_id, "callee")))


def held_list(evidence: str, *, agent: str | None = None) -> Listed:
    """Connections that were `imported` or `declared`: nobody saw a call on them here."""
    row = AgentConnection
    said: ColumnElement[bool] = row.meta["evidence"].as_string() == evidence
    statement = select(
        row.agent_a_id.label("caller"),
        row.agent_b_id.label("callee"),
        row.connection_type.label("kind"),
        row.strength,
    ).where(said)
    if agent is not None:
        statement = statement.where(or_(row.agent_a_id == agent, row.agent_b_id == agent))
    keys = (
        Key(row.agent_a_id, "caller"),
        Key(row.agent_b_id, "callee"),
        Key(row.connection_type, "kind"),
    )
    return Listed(statement, keys)


# --- nodes, log lines, spans ------------------------------------------------------------------------


def node_list(*, agent: str | None = None, kind: str | None = None) -> Listed:
    """The map's nodes, in the order in which they were placed."""
    row = NetworkNode
    statement = select(
        row.id,
        row.node_name.label("name"),
        row.node_type.label("kind"),
        row.agent_id.label("agent"),
        row.position_x.label("x"),
        row.position_y.label("y"),
        row.position_z.label("z"),
        row.meta["position"].as_string().label("positioned"),
        row.size,
        row.status,
        row.connections_count.label("connections"),
        row.updated_at,
    )
    if agent is not None:
        statement = statement.where(row.agent_id == agent)
    if kind is not None:
        statement = statement.where(row.node_type == kind)
    return Listed(statement, (Key(row.id, "id"),))


def log_list(
    *,
    agent: str | None = None,
    level: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Listed:
    """Log lines, the newest first. Every line has its time: the database gives one to those that bring none."""
    row = AgentLog
    statement = select(
        row.id,
        row.agent_id.label("agent"),
        row.log_level.label("level"),
        row.message,
        row.meta.label("attributes"),
        row.created_at,
    ).where(row.created_at.is_not(None))
    if agent is not None:
        statement = statement.where(row.agent_id == agent)
    if level is not None:
        statement = statement.where(row.log_level == level)
    if since is not None:
        statement = statement.where(row.created_at >= since)
    if until is not None:
        statement = statement.where(row.created_at < until)
    keys = (Key(row.created_at, "created_at", descending=True), Key(row.id, "id", descending=True))
    return Listed(statement, keys)


def span_list(
    window: Window, *, agent: str | None = None, trace: str | None = None, status: str | None = None
) -> Listed:
    """Spans that start in the window, the newest first; the application's own only where it is asked for by name."""
    statement = select(
        Span.trace_id,
        Span.span_id,
        Span.parent_span_id,
        Span.start_ns,
        Span.duration_ns,
        Span.agent_id.label("agent"),
        Span.attribution,
        Span.service,
        Span.name,
        Span.kind,
        Span.category,
        Span.status,
        Span.status_message,
        Span.error_type,
        Span.is_task,
        Span.model,
        Span.input_tokens,
        Span.output_tokens,
        Span.attributes,
        Span.source,
        Span.received_ns,
    ).where(window.covers_ns(Span.start_ns), not_own_parts() if agent is None else Span.agent_id == agent)
    if trace is not None:
        statement = statement.where(Span.trace_id == trace)
    if status is not None:
        statement = statement.where(Span.status == STATUS[status])
    keys = (
        Key(Span.start_ns, "start_ns", descending=True),
        Key(Span.trace_id, "trace_id", descending=True),
        Key(Span.span_id, "span_id", descending=True),
    )
    return Listed(statement, keys)
