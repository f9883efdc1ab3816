"""The fleet as a whole: who is configured, observed, operational, connected, and how well it works."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.sql.selectable import Subquery

from db.functions import seconds_later
from db.metric import Statement, Window, metric, series
from db.models import Agent, AgentConnection, AgentRollup, Call, Span
from db.queries.calls import CALLS, calls_from, calls_of_others, pairs_called
from db.queries.outcomes import task_rows, task_sums
from db.queries.rolled import Rolled, Source, whole
from db.queries.spans import ONE, not_own_parts

UNHEARD_AFTER_SECONDS = 300
NO_OUTCOME = "No task in this window has an outcome: none finished, or its source never reported a status."
FLEET = Agent.origin != "system"


def configured() -> ColumnElement[bool]:
    return Agent.origin.in_(("catalogue", "person"))


def operational(window: Window) -> ColumnElement[bool]:
    """Heard within the limit (twice the declared interval, else five minutes), not paused, not in maintenance."""
    limit = func.coalesce(2 * Agent.heartbeat_seconds, UNHEARD_AFTER_SECONDS)
    return and_(
        Agent.last_active.is_not(None),
        seconds_later(Agent.last_active, limit) > window.at,
        Agent.paused_at.is_(None),
        or_(Agent.status.is_(None), Agent.status != "MAINTENANCE"),
    )


def _agents(*conditions: ColumnElement[bool]) -> Statement:
    return (
        select(Agent.id, Agent.name, Agent.origin, Agent.squad, Agent.last_active, Agent.created_at)
        .where(*conditions)
        .order_by(Agent.id)
    )


@metric(
    "fleet.agents_configured",
    title="Agents configured",
    unit="agents",
    formula="count of agents of origin catalogue or person",
    excluded="Agents first seen in telemetry, of imported networks, and the application's own parts.",
    windowed=False,
    evidence=lambda window: _agents(configured()),
)
def agents_configured(window: Window) -> Statement:
    """Agents that somebody set up: those of the catalogue and those people made. It says nothing about running."""
    return select(func.count().label("value")).where(configured())


def _observed(window: Window) -> Statement:
    """Agents with a span in the window; the application's own parts are left out."""
    named = Source(
        AgentRollup,
        Span,
        Span.start_ns,
        (AgentRollup.agent_id.is_not(None),),
        (Span.agent_id.is_not(None), not_own_parts()),
    )
    by_agent = {"agent_id": (AgentRollup.agent_id, Span.agent_id)}
    parts = Rolled(window, named).sums(by_agent, {"spans": (AgentRollup.spans, ONE)}).subquery("parts")
    return select(parts.c.agent_id).group_by(parts.c.agent_id).having(whole(func.sum(parts.c.spans)) > 0)


@metric(
    "fleet.agents_observed",
    title="Agents observed",
    unit="agents",
    formula="count of agents with at least one span in the window",
    excluded="The application's own parts.",
    evidence=lambda window: _agents(FLEET, Agent.id.in_(_observed(window))),
)
def agents_observed(window: Window) -> Statement:
    """Agents with at least one stored span that starts in the window, wherever they come from."""
    return select(func.count().label("value")).where(FLEET, Agent.id.in_(_observed(window)))


@metric(
    "fleet.agents_operational",
    title="Agents operational",
    unit="agents",
    formula="count of agents heard within twice their declared interval (5 minutes where none is declared)",
    excluded="The application's own parts. Agents that are paused or in maintenance.",
    windowed=False,
    evidence=lambda window: _agents(FLEET, operational(window)),
)
def agents_operational(window: Window) -> Statement:
    """Agents heard just now by an authenticated heartbeat or span of their own, neither paused nor in
    maintenance. Importing a file makes none operational."""
    return select(func.count().label("value")).where(FLEET, operational(window))


@metric(
    "fleet.connections",
    title="Connections",
    unit="connections",
    formula="count of ordered pairs caller → callee with at least one call",
    excluded="Calls in which one of the application's own parts has a share.",
    evidence=lambda window: (
        select(Call.caller_id, Call.callee_id, func.count().label("calls"))
        .where(calls_of_others(window))
        .group_by(Call.caller_id, Call.callee_id)
        .order_by(func.count().desc(), Call.caller_id, Call.callee_id)
    ),
)
def connections(window: Window) -> Statement:
    """Ordered pairs of agents with at least one recorded call in the window, whatever its kind."""
    return select(func.count().label("value")).select_from(pairs_called(window))


def _held(evidence: str) -> ColumnElement[bool]:
    held: ColumnElement[bool] = AgentConnection.meta["evidence"].as_string() == evidence
    return held


def _held_rows(evidence: str) -> Any:
    return lambda window: (
        select(
            AgentConnection.agent_a_id,
            AgentConnection.agent_b_id,
            AgentConnection.connection_type,
            AgentConnection.strength,
        )
        .where(_held(evidence))
        .order_by(AgentConnection.agent_a_id, AgentConnection.agent_b_id)
    )


@metric(
    "fleet.connections_imported",
    title="Connections imported",
    unit="connections",
    formula="count of connection rows whose evidence is an imported file",
    excluded="Connections that a person declared, and those that only calls show.",
    windowed=False,
    evidence=_held_rows("imported"),
)
def connections_imported(window: Window) -> Statement:
    """Connections that came from a network file, by pair and kind. Nobody saw a call on them here."""
    return select(func.count().label("value")).select_from(AgentConnection).where(_held("imported"))


@metric(
    "fleet.connections_declared",
    title="Connections declared",
    unit="connections",
    formula="count of connection rows that a person declared",
    excluded="Connections of imported files, and those that only calls show.",
    windowed=False,
    evidence=_held_rows("declared"),
)
def connections_declared(window: Window) -> Statement:
    """Connections that a person declared, by pair and kind. Nobody saw a call on them here."""
    return select(func.count().label("value")).select_from(AgentConnection).where(_held("declared"))


@metric(
    "calls.count",
    title="Calls",
    unit="calls",
    formula="count of rows",
    excluded="Calls in which one of the application's own parts has a share.",
    evidence=lambda window: (
        select(
            Call.trace_id,
            Call.span_id,
            Call.start_ns,
            Call.caller_id,
            Call.callee_id,
            Call.kind,
            Call.evidence,
            Call.latency_ns,
            Call.failed,
        )
        .where(calls_of_others(window))
        .order_by(Call.start_ns.desc(), Call.span_id)
    ),
)
def call_count(window: Window) -> Statement:
    """Recorded requests from one agent to another that start in the window."""
    parts = calls_from(window, None, {}, CALLS).subquery("parts")
    return select(whole(func.sum(parts.c.calls)).label("value"))


@metric(
    "fleet.efficiency",
    title="Efficiency",
    unit="percent",
    formula="100 × successes / tasks with an outcome, pooled over all agents; Wilson 95 % interval",
    excluded="The application's own parts. Tasks whose source never reported a status.",
    least=1,
    few=NO_OUTCOME,
    wilson=True,
    evidence=task_rows,
)
def efficiency(window: Window) -> Statement:
    """Share of finished tasks that succeeded, pooled over the fleet. A task without a reported outcome is
    not counted."""
    row = task_sums(window).subquery("tasks")
    n, hits = whole(func.sum(row.c.n)), whole(func.sum(row.c.hits))
    return select((100.0 * hits / func.nullif(n, 0)).label("value"), n.label("n"), hits.label("hits"))


def pooled(result: Any) -> Statement:
    """`value`, `n` and `hits` over a column of outcomes."""
    return select(
        (100.0 * func.sum(result) / func.nullif(func.count(result), 0)).label("value"),
        func.count(result).label("n"),
        func.coalesce(func.sum(result), 0).label("hits"),
    )


def _efficiencies(window: Window) -> Subquery:
    row = task_sums(window).subquery("tasks")
    n, hits = whole(func.sum(row.c.n)), whole(func.sum(row.c.hits))
    return (
        select(row.c.agent_id, (100.0 * hits / n).label("percent"), n.label("n"))
        .where(row.c.agent_id.is_not(None))
        .group_by(row.c.agent_id)
        .having(n > 0)
        .subquery("by_agent")
    )


@metric(
    "fleet.agents_measured",
    title="Agents with efficiency",
    unit="agents",
    formula="count of agents with a task that has an outcome",
    excluded="The application's own parts. Tasks whose source never reported a status.",
    evidence=lambda window: select(_efficiencies(window)),
)
def agents_measured(window: Window) -> Statement:
    """Agents of which at least one task of the window has a known outcome: those that efficiency speaks of."""
    return select(func.count().label("value")).select_from(_efficiencies(window))


@metric(
    "fleet.agents_known",
    title="Agents configured or observed",
    unit="agents",
    formula="count of agents that are configured or have a span in the window",
    excluded="The application's own parts, and agents of imported networks that reported nothing.",
    evidence=lambda window: _agents(FLEET, known(window)),
)
def agentsknown(window: Window) -> Statement:
    """Agents that somebody set up or that have a span in the window: all that could have had a task."""
    return select(func.count().label("value")).where(FLEET, known(window))


def known(window: Window) -> ColumnElement[bool]:
    return or_(configured(), Agent.id.in_(_observed(window)))


@metric(
    "fleet.agents_unmeasured",
    title="Agents without efficiency",
    unit="agents",
    formula="agents configured or observed, minus agents with a task that has an outcome",
    excluded="The application's own parts, and agents of imported networks that reported nothing.",
    evidence=lambda window: _agents(*_unmeasured(window)),
)
def agents_unmeasured(window: Window) -> Statement:
    """Agents, configured or observed in the window, of which no task has a known outcome in it."""
    return select(func.count().label("value")).where(*_unmeasured(window))


def _unmeasured(window: Window) -> tuple[ColumnElement[bool], ...]:
    measured = select(_efficiencies(window).c.agent_id)
    return (FLEET, known(window), Agent.id.not_in(measured))


BINS = 10


def bin_of(percent: ColumnElement[Any]) -> ColumnElement[int]:
    """Which ten percent it falls into, from 0 to 9; 100 % falls into the last."""
    return case(*[(percent < 10 * (place + 1), place) for place in range(BINS - 1)], else_=BINS - 1)


@series(
    "fleet.efficiency_histogram",
    title="Agents by efficiency",
    unit="agents",
    formula="count of agents per ten percent of efficiency; 100 % falls into the last",
    excluded="Agents without a task that has an outcome.",
    evidence=lambda window: select(_efficiencies(window)),
)
def efficiency_histogram(window: Window) -> Statement:
    """How many agents reached which efficiency in the window. Agents without a measured one are counted beside it."""
    each = _efficiencies(window)
    bins = bin_of(each.c.percent)
    counted = select(bins.label("bin"), func.count().label("count")).group_by(bins).subquery("counted")
    return select(
        (counted.c.bin * 10).label("low"), (counted.c.bin * 10 + 10).label("high"), counted.c.count
    ).order_by(counted.c.bin)
