"""What follows from stored calls: connection rows with their measures, and a place on the map for every agent."""

from typing import Any

from sqlalchemy import Table, and_, func, insert, or_, select, union, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.base import now
from db.layout import squad_layout
from db.metric import Window
from db.models import Agent, AgentConnection, Call, NetworkNode
from db.queries.activity import percentiles
from db.queries.agents import source
from db.queries.calls import pairs_called
from db.queries.connections import pairs
from db.queries.rolled import by_rank
from db.queries.system import calls_of_own

BATCH = 500
MEASURES = ("strength", "latency_ms", "status", "metadata")
ALL = Window.parse("all")
SETTLING = 0x5175616E  # names the lock that settle_network takes


def measure_connections(session: Session, *, own: bool = False) -> list[dict[str, Any]]:
    """What the stored calls say of each connection. It reads all of them, so better not while others wait to write."""
    return [dict(row) for row in session.execute(_measures(own)).mappings()]


def refresh_connections(
    session: Session, *, own: bool = False, measured: list[dict[str, Any]] | None = None
) -> int:
    """Bring the measured rows of agent_connections up to the stored calls; returns how many there are.

    strength = calls / calls of the most called connection; latency_ms = median of the callee's spans.
    Rows that a person declared or a file brought keep their evidence. The application's own parts (`own`) are a
    network of their own: how busy they are says nothing about the fleet's connections. Rows that would stay as they
    are are not written. `measured` is what `measure_connections` read before, if it did.
    """
    rows = measure_connections(session, own=own) if measured is None else measured
    most = max((row["calls"] for row in rows), default=0)
    wanted = [_connection(row, most) for row in rows]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    for begin in range(0, len(wanted), BATCH):
        put: Any = dialect.insert(AgentConnection).values(wanted[begin : begin + BATCH])
        fresh = put.excluded
        table = AgentConnection.__table__
        differs = or_(*(table.c[name].is_distinct_from(fresh[name]) for name in MEASURES))
        session.execute(
            put.on_conflict_do_update(
                index_elements=["agent_a_id", "agent_b_id", "connection_type"],
                set_={
                    "strength": fresh.strength,
                    "latency_ms": fresh.latency_ms,
                    "status": fresh.status,
                    "metadata": fresh.metadata,
                    "updated_at": now(),
                },
                where=and_(AgentConnection.meta["evidence"].as_string() == "measured", differs),
            )
        )
    return len(wanted)


def _measures(own: bool) -> Any:
    """Per pair and kind: calls, errors, first and last start, p50."""
    rows = _of_own() if own else pairs(ALL, of_kind=True)
    times = (
        select(when(Call.start_ns))
        .where(
            Call.caller_id == rows.c.caller_id, Call.callee_id == rows.c.callee_id, Call.kind == rows.c.kind
        )
        .scalar_subquery()
        for when in (func.min, func.max)
    )
    first, last = times
    return select(
        rows.c.caller_id,
        rows.c.callee_id,
        rows.c.kind,
        rows.c.calls,
        rows.c.errors,
        first.label("first_ns"),
        last.label("last_ns"),
        rows.c.p50,
    )


def _of_own() -> Any:
    """Calls of the application's own parts are not rolled up: they are few and kept for a week."""
    keys = ("caller_id", "callee_id", "kind")
    each = select(Call.caller_id, Call.callee_id, Call.kind, Call.failed, Call.latency_ns.label("x")).where(
        calls_of_own(ALL)
    )
    row = each.subquery("each")
    counted = (
        select(
            *(row.c[key] for key in keys),
            func.count().label("calls"),
            func.count().filter(row.c.failed).label("errors"),
        )
        .group_by(*(row.c[key] for key in keys))
        .subquery("counted_calls")
    )
    found = percentiles(by_rank(each, keys, (50, 95))).subquery("found_percentiles")
    same = and_(*(counted.c[key] == found.c[key] for key in keys))
    return select(*counted.c, found.c.p50).join(found, same, isouter=True).subquery("own_pairs")


def _connection(row: dict[str, Any], most: int) -> dict[str, Any]:
    status = "active" if not row["errors"] else "failed" if row["errors"] == row["calls"] else "degraded"
    return {
        "agent_a_id": row["caller_id"],
        "agent_b_id": row["callee_id"],
        "connection_type": row["kind"],
        "strength": row["calls"] / most,
        "latency_ms": row["p50"],
        "status": status,
        "meta": {
            "evidence": "measured",
            "calls": row["calls"],
            "errors": row["errors"],
            "first_ns": row["first_ns"],
            "last_ns": row["last_ns"],
        },
    }


def place_agents(session: Session) -> int:
    """Give every agent without a node its place on the map; those that have one do not move.

    Returns how many were placed. The place is computed by the squad layout and marked so. Measured places are in the
    unit of their own file, so nobody is placed among them and they take no room from others.
    """
    agents = list(
        session.execute(
            select(
                Agent.id,
                Agent.name,
                Agent.origin,
                func.coalesce(Agent.squad, source(), Agent.origin).label("group"),
                NetworkNode.position_x,
                NetworkNode.position_y,
                NetworkNode.position_z,
            )
            .join(NetworkNode, NetworkNode.agent_id == Agent.id, isouter=True)
            .where(func.coalesce(NetworkNode.meta["position"].as_string(), "") != "measured")
            .order_by(Agent.id)
        )
    )
    missing = [place for place, agent in enumerate(agents) if agent.position_x is None]
    if not missing:
        return 0
    index = {agent.id: place for place, agent in enumerate(agents)}
    called = pairs_called(ALL)
    linked = union(
        select(called.c.caller_id.label("a"), called.c.callee_id.label("b")),
        select(Call.caller_id, Call.callee_id).where(calls_of_own(ALL)),
        select(AgentConnection.agent_a_id, AgentConnection.agent_b_id),
    ).subquery("linked")
    pairs = session.execute(select(linked).order_by(linked.c.a, linked.c.b))
    pinned = {
        place: (float(agent.position_x), float(agent.position_y), float(agent.position_z))
        for place, agent in enumerate(agents)
        if agent.position_x is not None
    }
    places = squad_layout(
        [agent.group for agent in agents],
        [(index[a], index[b]) for a, b in pairs if a in index and b in index],
        pinned=pinned,
    )
    rows = [_node(agents[place], places[place]) for place in missing]
    session.execute(insert(NetworkNode), rows)
    return len(rows)


def _node(agent: Any, place: Any) -> dict[str, Any]:
    return {
        "agent_id": agent.id,
        "node_type": "system" if agent.origin == "system" else "agent",
        "node_name": agent.name,
        "position_x": round(float(place[0]), 6),
        "position_y": round(float(place[1]), 6),
        "position_z": round(float(place[2]), 6),
        "meta": {"position": "computed", "layout": "squad"},
    }


def count_connections(session: Session, *, own: bool = False) -> None:
    """Bring network_nodes.connections_count up to the connection rows; `own`: of the application's own parts only."""
    a, b = AgentConnection.agent_a_id, AgentConnection.agent_b_id
    table = NetworkNode.__table__
    assert isinstance(table, Table)
    degree = (
        select(func.count())
        .select_from(AgentConnection)
        .where((a == table.c.agent_id) | (b == table.c.agent_id))
        .scalar_subquery()
    )
    concerned = [table.c.connections_count.is_distinct_from(degree)]
    if own:
        concerned.append(table.c.node_type == "system")
    session.connection().execute(update(table).where(*concerned).values(connections_count=degree))


def settle_network(
    session: Session, *, own: bool = False, measured: list[dict[str, Any]] | None = None
) -> None:
    """Everything that follows from newly stored calls, the fleet's or `own` ones. Idempotent; one at a time on
    PostgreSQL.

    (Two at once would lock the same rows in different orders; SQLite has one writer anyway.) `measured` is what
    `measure_connections` read before, for whoever must not keep writers waiting meanwhile.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(SETTLING)))
    refresh_connections(session, own=own, measured=measured)
    place_agents(session)
    count_connections(session, own=own)
