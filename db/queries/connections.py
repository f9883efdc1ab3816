"""Connections: pairs of agents with recorded calls, and the map they make with the nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, union_all
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Subquery

from db.histogram import BY_HISTOGRAM, EXACT
from db.metric import (
    METRICS,
    NOTHING,
    SERIES,
    Reading,
    SeriesReading,
    Statement,
    Window,
    from_ns,
    metric,
    reading_of,
    series,
)
from db.models import Agent, Call, CallRollup, NetworkNode, Span
from db.queries.activity import activity, calls_per, latency, percentiles
from db.queries.agents import AgentFilter, narrowed, source, state
from db.queries.calls import (
    BY_PAIR,
    CALLS,
    Where,
    call_reach,
    calls_from,
    calls_of_others,
    own_calls,
    rolled_calls,
)
from db.queries.held_connections import held_edges
from db.queries.rolled import Pairs, by_places, by_rank, whole
from db.queries.spans import FAILED, of_others

SUBJECT = ("caller", "callee")
BY_KIND: Pairs = {**BY_PAIR, "kind": (CallRollup.kind, Call.kind)}
PERCENTS = (50, 95)
LARGEST_SCENE = 2000


def pairs(window: Window, where: Where | None = None, *, own: bool = True, of_kind: bool = False) -> Subquery:
    """Per ordered pair: calls, errors, n with a latency, p50 and p95 of the callee's spans in ms, and how these two
    were found (`resolution`). `of_kind`: per pair and kind.

    Without `where`, and without `own`, the application's own parts are left out.
    """
    keys = ("caller_id", "callee_id", "kind") if of_kind else ("caller_id", "callee_id")
    counted, found = _counted(window, where, own, of_kind), _percentiles(window, where, own, keys)
    same = and_(*(counted.c[key] == found.c[key] for key in keys))
    return (
        select(
            *counted.c,
            func.coalesce(found.c.n, 0).label("n"),
            found.c.p50,
            found.c.p95,
            found.c.resolution,
        )
        .join(found, same, isouter=True)
        .subquery("pairs")
    )


def _counted(window: Window, where: Where | None, own: bool, of_kind: bool) -> Subquery:
    """Calls and errors per pair and kind; or per pair, with one of its kinds."""
    errors = (CallRollup.errors, case((Call.failed, 1), else_=0))
    parts = calls_from(window, where, BY_KIND, {**CALLS, "errors": errors}, own=own).subquery("parts")
    calls, failed = whole(func.sum(parts.c.calls)), whole(func.sum(parts.c.errors))
    by = [parts.c[key] for key in BY_KIND]
    kinds = select(*by, calls.label("calls"), failed.label("errors")).group_by(*by).having(calls > 0)
    if of_kind:
        return kinds.subquery("counted_calls")
    row = kinds.subquery("kinds")
    return (
        select(
            row.c.caller_id,
            row.c.callee_id,
            func.max(row.c.kind).label("kind"),
            whole(func.sum(row.c.calls)).label("calls"),
            whole(func.sum(row.c.errors)).label("errors"),
        )
        .group_by(row.c.caller_id, row.c.callee_id)
        .subquery("counted_calls")
    )


def _percentiles(window: Window, where: Where | None, own: bool, keys: tuple[str, ...]) -> Subquery:
    reach, wanted = call_reach(window), rolled_calls(window, where)
    by = {key: BY_KIND[key] for key in keys}
    columns = [*(raw.label(key) for key, (_, raw) in by.items()), Call.latency_ns.label("x")]
    few = select(*columns).where(
        window.covers_ns(Call.start_ns), reach.within(Call.start_ns), *wanted.source.of_raw
    )
    values = few if where is None or not own else union_all(few, *own_calls(window, where, columns))
    ranked = by_rank(values, keys, PERCENTS).subquery("by_rank")
    placed = by_places(wanted.places(by, Call.latency_ns, when=~reach.is_exact), keys, PERCENTS).subquery(
        "by_place"
    )
    found: Subquery = percentiles(
        select(ranked, literal(EXACT).label("resolution")),
        select(placed, literal(BY_HISTOGRAM).label("resolution")),
    ).subquery("found_percentiles")
    return found


def _between(caller: str, callee: str) -> Where:
    return lambda row: and_(row.caller_id == caller, row.callee_id == callee)


def touching(agent: str) -> Where:
    """Calls that the agent made or got."""
    return lambda row: or_(row.caller_id == agent, row.callee_id == agent)


def _of(caller: str, callee: str) -> ColumnElement[bool]:
    return _between(caller, callee)(Call)


def _rows(*conditions: ColumnElement[bool]) -> Any:
    return lambda window, caller, callee: (
        select(
            Call.trace_id, Call.span_id, Call.start_ns, Call.kind, Call.evidence, Call.latency_ns, Call.failed
        )
        .where(window.covers_ns(Call.start_ns), _of(caller, callee), *conditions)
        .order_by(Call.start_ns.desc(), Call.span_id)
    )


def _slowest(window: Window, caller: str, callee: str) -> Statement:
    return (
        select(Call.trace_id, Call.span_id, Call.start_ns, Call.latency_ns, Call.failed)
        .where(window.covers_ns(Call.start_ns), _of(caller, callee), Call.latency_ns.is_not(None))
        .order_by(Call.latency_ns.desc(), Call.span_id)
    )


@metric(
    "connection.calls",
    title="Calls of the connection",
    unit="calls",
    formula="count of rows",
    subject=SUBJECT,
    evidence=_rows(),
)
def connection_calls(window: Window, caller: str, callee: str) -> Statement:
    """Recorded calls of the window from this caller to this callee."""
    parts = calls_from(window, _between(caller, callee), {}, CALLS).subquery("parts")
    return select(whole(func.sum(parts.c.calls)).label("value"))


@metric(
    "connection.errors",
    title="Failed calls of the connection",
    unit="errors",
    formula="count of rows that failed",
    subject=SUBJECT,
    evidence=_rows(Call.failed.is_(True)),
)
def connection_errors(window: Window, caller: str, callee: str) -> Statement:
    """Recorded calls of the window from this caller to this callee in which a span reports an error."""
    errors = {"errors": (CallRollup.errors, case((Call.failed, 1), else_=0))}
    parts = calls_from(window, _between(caller, callee), {}, errors).subquery("parts")
    return select(whole(func.sum(parts.c.errors)).label("value"))


@metric(
    "connection.latency_p50_ms",
    title="Latency of the connection, median",
    unit="ms",
    formula="nearest rank over the callee's spans: the ⌈0.50·n⌉-th shortest"
    "; of more than 10,000 calls of the fleet read from a histogram",
    excluded="Calls whose answering span never arrived.",
    least=1,
    subject=SUBJECT,
    evidence=_slowest,
)
def connection_latency_p50(window: Window, caller: str, callee: str) -> Statement:
    """Half of the calls of this connection were answered this fast or faster, by the callee's own span."""
    return _one_of(pairs(window, _between(caller, callee)), "p50")


@metric(
    "connection.latency_p95_ms",
    title="Latency of the connection, 95th percentile",
    unit="ms",
    formula="nearest rank over the callee's spans: the ⌈0.95·n⌉-th shortest; needs n ≥ 20"
    "; of more than 10,000 calls of the fleet read from a histogram",
    excluded="Calls whose answering span never arrived.",
    least=20,
    subject=SUBJECT,
    evidence=_slowest,
)
def connection_latency_p95(window: Window, caller: str, callee: str) -> Statement:
    """95 of 100 calls of this connection were answered this fast or faster, by the callee's own span."""
    return _one_of(pairs(window, _between(caller, callee)), "p95")


def _one_of(rows: Subquery, name: str) -> Statement:
    """The single pair's row as a metric row; a pair without calls reads nothing of n 0."""
    n, resolution = (func.coalesce(func.max(rows.c[each]), 0).label(each) for each in ("n", "resolution"))
    return select(func.max(rows.c[name]).label("value"), n, resolution)


MAP = "fleet.calls_by_connection"


@series(
    MAP,
    title="Calls by connection",
    unit="calls",
    formula="count of calls per ordered pair of agents",
    excluded="Calls in which one of the application's own parts has a share.",
    evidence=lambda window: (
        select(Call.start_ns, Call.caller_id, Call.callee_id, Call.kind, Call.latency_ns, Call.failed)
        .where(calls_of_others(window))
        .order_by(Call.start_ns.desc(), Call.span_id)
    ),
)
def calls_by_connection(window: Window) -> Statement:
    """Who called whom how often in the window: the measured lines of the map."""
    label = (Call.caller_id + " → " + Call.callee_id).label("label")
    counted = select(label, func.count().label("count")).where(calls_of_others(window))
    return counted.group_by(Call.caller_id, Call.callee_id).order_by(
        func.count().desc(), Call.caller_id, Call.callee_id
    )


@dataclass(frozen=True)
class ConnectionRow:
    """One ordered pair with its readings by metric key."""

    caller_id: str
    caller_name: str
    callee_id: str
    callee_name: str
    kind: str
    readings: Mapping[str, Reading]


def connections_of(session: Session, window: Window, agent: str) -> list[ConnectionRow]:
    """The connections of one agent in the window, both directions, most calls first."""
    return _connection_rows(session, window, touching(agent))


def _connection_rows(session: Session, window: Window, where: Where | None) -> list[ConnectionRow]:
    rows = pairs(window, where)
    found = session.execute(
        select(rows).order_by(rows.c.calls.desc(), rows.c.caller_id, rows.c.callee_id)
    ).mappings()
    listed = list(found)
    names = _names(session, {row[side] for row in listed for side in ("caller_id", "callee_id")})
    return [
        ConnectionRow(
            row["caller_id"],
            names[row["caller_id"]],
            row["callee_id"],
            names[row["callee_id"]],
            row["kind"],
            _readings(row, window),
        )
        for row in listed
    ]


def _names(session: Session, ids: set[str]) -> dict[str, str]:
    return {
        row.id: row.name for row in session.execute(select(Agent.id, Agent.name).where(Agent.id.in_(ids)))
    }


def _readings(row: Mapping[Any, Any], window: Window) -> dict[str, Reading]:
    subject = (row["caller_id"], row["callee_id"])
    values: dict[str, dict[str, Any]] = {
        "connection.calls": {"value": row["calls"]},
        "connection.errors": {"value": row["errors"]},
        "connection.latency_p50_ms": {"value": row["p50"], "n": row["n"], "resolution": row["resolution"]},
        "connection.latency_p95_ms": {"value": row["p95"], "n": row["n"], "resolution": row["resolution"]},
    }
    return {key: reading_of(METRICS[key], value, window, subject) for key, value in values.items()}


@dataclass(frozen=True)
class NetworkMap:
    """The map's nodes and edges as plain rows, the connections' readings, and how many of each were left out."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    connections: list[ConnectionRow]
    left_out: int
    edges_left_out: int = 0


def network(session: Session, window: Window, wanted: AgentFilter, most: int = LARGEST_SCENE) -> NetworkMap:
    """Nodes that match and every edge between them: measured, imported or declared.

    Most called first, then the fleet's own agents, then those of networks with the most connections.
    """
    nodes, total = _nodes(session, window, wanted, most)
    shown = {node["id"] for node in nodes}
    measured = [
        row
        for row in _connection_rows(session, window, None)
        if row.caller_id in shown and row.callee_id in shown
    ]
    held, more = held_edges(session, shown)
    return NetworkMap(nodes, _measured_edges(measured) + held, measured, total - len(nodes), more)


def lines_of(drawn: NetworkMap, window: Window) -> SeriesReading:
    """The series the map's measured lines are, out of what was read for it."""
    made, calls = SERIES[MAP], "connection.calls"
    rows = tuple(
        {"label": f"{row.caller_id} → {row.callee_id}", "count": row.readings[calls].value}
        for row in drawn.connections
    )
    n = sum(row.readings[calls].n for row in drawn.connections)
    reason = None if n else NOTHING
    return SeriesReading(made.key, made.title, made.unit, rows, reason, n, window.at, window)


def _nodes(
    session: Session, window: Window, wanted: AgentFilter, most: int
) -> tuple[list[dict[str, Any]], int]:
    rows = activity(window)
    slow = latency(window)
    made, got = calls_per(window, Call.caller_id), calls_per(window, Call.callee_id)
    derived = state(window, rows)
    calls = func.coalesce(made.c.calls, 0) + func.coalesce(got.c.calls, 0)
    statement = (
        select(
            Agent.id,
            Agent.name,
            func.coalesce(Agent.squad, source(), Agent.origin).label("group"),
            Agent.squad,
            Agent.origin,
            derived.label("state"),
            calls.label("calls"),
            func.coalesce(made.c.calls, 0).label("calls_out"),
            func.coalesce(got.c.calls, 0).label("calls_in"),
            func.coalesce(rows.c.spans, 0).label("spans"),
            func.coalesce(rows.c.errors, 0).label("errors"),
            slow.c.n,
            slow.c.p50.label("p50_ms"),
            slow.c.p95.label("p95_ms"),
            NetworkNode.position_x.label("x"),
            NetworkNode.position_y.label("y"),
            NetworkNode.position_z.label("z"),
            NetworkNode.meta["position"].as_string().label("positioned"),
            NetworkNode.meta["projection"].as_string().label("projection"),
            func.count().over().label("total"),
        )
        .join(NetworkNode, NetworkNode.agent_id == Agent.id)
        .join(rows, rows.c.agent_id == Agent.id, isouter=True)
        .join(slow, slow.c.agent_id == Agent.id, isouter=True)
        .join(made, made.c.agent_id == Agent.id, isouter=True)
        .join(got, got.c.agent_id == Agent.id, isouter=True)
        .where(*narrowed(wanted, derived))
        .order_by(
            calls.desc(),
            (Agent.origin == "network").asc(),
            func.coalesce(NetworkNode.connections_count, 0).desc(),
            Agent.id,
        )
        .limit(most)
    )
    found = [_node(row) for row in session.execute(statement).mappings()]
    return found, (int(found[0].pop("total")) if found else 0)


def _node(row: Mapping[Any, Any]) -> dict[str, Any]:
    node = dict(row)
    for axis in ("x", "y", "z"):
        node[axis] = float(node[axis])
    if (node["n"] or 0) < METRICS["agent.latency_p95_ms"].least:
        node["p95_ms"] = None
    return node


def _measured_edges(connections: Sequence[ConnectionRow]) -> list[dict[str, Any]]:
    most = max((row.readings["connection.calls"].n for row in connections), default=0)
    return [
        {
            "source": row.caller_id,
            "target": row.callee_id,
            "kind": row.kind,
            "calls": row.readings["connection.calls"].value,
            "errors": row.readings["connection.errors"].value,
            "p50_ms": row.readings["connection.latency_p50_ms"].value,
            "p95_ms": row.readings["connection.latency_p95_ms"].value,
            "strength": row.readings["connection.calls"].n / most,
            "evidence": "measured",
        }
        for row in connections
    ]


def latest_events(session: Session, window: Window, most: int = 8) -> list[dict[str, Any]]:
    """What happened last in the window: spans that report an error, and agents' first spans in it."""
    failed = session.execute(
        select(Span.start_ns, Span.agent_id, Span.name, Span.status_message, Span.error_type)
        .where(of_others(window), FAILED)
        .order_by(Span.start_ns.desc(), Span.span_id)
        .limit(most)
    ).mappings()
    seen = activity(window)
    start = select(func.min(Span.start_ns)).where(
        window.covers_ns(Span.start_ns), Span.agent_id == seen.c.agent_id
    )
    begun = select(start.scalar_subquery().label("start_ns"), seen.c.agent_id).subquery("begun")
    first = session.execute(
        select(begun)
        .where(begun.c.start_ns.is_not(None))
        .order_by(begun.c.start_ns.desc(), begun.c.agent_id)
        .limit(most)
    ).mappings()
    events = [{**row, "event": "error"} for row in failed] + [{**row, "event": "first_seen"} for row in first]
    for event in events:
        event["at"] = from_ns(event["start_ns"])
    return sorted(events, key=lambda event: -event["start_ns"])[:most]
