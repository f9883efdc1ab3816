"""/api/v1/agents, /connections, /nodes, /logs, /spans: the fleet, read page by page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response

from api.rest_answers import answer, begins_after, nothing_there, page
from api.rest_desk import Desk
from api.rest_models import (
    Agent,
    AgentPage,
    AgentsAsked,
    ConnectionPage,
    ConnectionsAsked,
    LogPage,
    LogsAsked,
    NodePage,
    NodesAsked,
    NothingAsked,
    PageAsked,
    SpanPage,
    SpansAsked,
)
from auth.keys import Scope
from db.keyset import Slice, read_slice
from db.metric import NOTHING, TOO_FEW, Window, from_ns, iso
from db.queries import fleet_lists as lists

NEVER_HEARD = "It was never heard: no heartbeat and no span of its own came in."
PAUSED, MAINTENANCE = "A person paused it.", "It says that it is in maintenance."
NOT_MEASURED = "Nobody saw a call on it here."


def add(desk: Desk) -> None:
    """Declare the routes at `desk`."""

    def listed(query: PageAsked, what: lists.Listed) -> Slice:
        after = begins_after(query.cursor, what.keys)
        with desk.unit() as unit:
            return read_slice(unit, what.statement, what.keys, after=after, size=query.limit)

    @desk.get("/agents", Scope.FLEET_READ, AgentPage)
    def agents(query: AgentsAsked) -> Response:
        """List the fleet's agents, by id.

        The application's own parts are left out, as everywhere in the fleet.
        """
        wanted = {"origin": query.origin, "squad": query.squad, "search": query.search}
        found = listed(query, lists.agent_list(_now(), **wanted, is_operational=query.operational))
        return page([agent_json(row) for row in found.rows], found)

    @desk.get("/agents/<named:agent>", Scope.FLEET_READ, Agent, 404)
    def agent(agent: str, query: NothingAsked) -> Response:
        """Read one agent.

        Its id stands in the path as it is or percent-encoded; slashes may stay slashes.
        """
        with desk.unit() as unit:
            row = lists.one_listed(unit, _now(), agent) if is_storable(agent) else None
        return answer(agent_json(row or nothing_there("agent", agent)))

    @desk.get("/connections", Scope.FLEET_READ, ConnectionPage)
    def connections(query: ConnectionsAsked) -> Response:
        """List connections: ordered pairs of agents, by caller and callee.

        Measured ones have at least one recorded call in the window; imported and declared ones carry no figures.
        """
        if query.evidence == "measured":
            what = lists.measured_list(Window.parse(query.window), agent=query.agent)
        else:
            what = lists.held_list(query.evidence, agent=query.agent)
        found = listed(query, what)
        return page([_connection(row, query.evidence) for row in found.rows], found)

    @desk.get("/nodes", Scope.FLEET_READ, NodePage)
    def nodes(query: NodesAsked) -> Response:
        """List the map's nodes, in the order in which they were placed."""
        found = listed(query, lists.node_list(agent=query.agent, kind=query.kind))
        return page([dict(row) for row in found.rows], found)

    @desk.get("/logs", Scope.FLEET_READ, LogPage)
    def logs(query: LogsAsked) -> Response:
        """List the agents' log lines, the newest first."""
        span = {"since": query.since, "until": query.until}
        found = listed(query, lists.log_list(agent=query.agent, level=query.level, **span))
        return page([dict(row) for row in found.rows], found)

    @desk.get("/spans", Scope.FLEET_READ, SpanPage)
    def spans(query: SpansAsked) -> Response:
        """List stored spans, the newest first.

        The application's own are left out unless their agent is asked for.
        """
        wanted = {"agent": query.agent, "trace": query.trace, "status": query.status}
        found = listed(query, lists.span_list(Window.parse(query.window), **wanted))
        return page([_span(row) for row in found.rows], found)


def _now() -> datetime:
    return datetime.now(UTC)


def is_storable(text: str) -> bool:
    """Whether a database can hold it at all, and so whether it is worth a look."""
    return "\0" not in text


def agent_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """An agent as it is told: whether it is operational, until when, and why not."""
    until = lists.heard_until(row["last_active"], row["heartbeat_seconds"])
    return {
        **row,
        "operational": bool(row["operational"]),
        "operational_until": until,
        "reason": _why_not(row),
    }


def _why_not(row: Mapping[str, Any]) -> str | None:
    if row["operational"]:
        return None
    if row["paused_at"] is not None:
        return PAUSED
    if row["status"] == "MAINTENANCE":
        return MAINTENANCE
    until = lists.heard_until(row["last_active"], row["heartbeat_seconds"])
    return f"It has been silent since {iso(row['last_active'])}." if until else NEVER_HEARD


def _connection(row: Mapping[str, Any], evidence: str) -> dict[str, Any]:
    told = {"caller": row["caller"], "callee": row["callee"], "kind": row["kind"], "evidence": evidence}
    if evidence != "measured":
        none = dict.fromkeys(("calls", "errors", "p50_ms", "p95_ms"))
        return {**told, **none, "n": 0, "reason": NOT_MEASURED, "strength": row["strength"]}
    reason = None if not row["has_few"] else TOO_FEW if row["n"] else NOTHING
    latency = {"p50_ms": row["p50_ms"], "p95_ms": None if row["has_few"] else row["p95_ms"]}
    counts = {"calls": row["calls"], "errors": row["errors"], "n": row["n"]}
    return {**told, **counts, **latency, "reason": reason, "strength": None}


def _span(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in row.items() if key not in ("start_ns", "duration_ns", "received_ns")}
    start = row["start_ns"]
    return {
        **told,
        "start": f"{from_ns(start):%Y-%m-%dT%H:%M:%S}.{start % 1_000_000_000:09d}Z",
        "duration_ms": row["duration_ns"] / 1_000_000,
        "received_at": from_ns(row["received_ns"]),
        "kind": lists.KINDS[row["kind"]],
        "status": lists.NAMES_OF_STATUS[row["status"]],
    }
