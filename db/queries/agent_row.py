"""The measures that stand in an agent's row: a job writes them (db.services.agent_columns), these read them back."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Subquery, func, select

from db.metric import METRICS, Reading, Statement, Window, metric, reading_of
from db.models import Agent
from db.models.uptime import UptimeSubject
from db.queries.activity import SUBJECT
from db.queries.rolled import whole
from db.queries.tasks import NO_LEASE
from db.queries.uptime import AGENTS, standing

MEASURED_OVER = "24h"
NOT_STORED = "It was not measured: nothing of its last 24 hours tells it, or it was not looked at yet."
NEVER_SEEN = "It was never seen up, or was not looked at yet."
STORED = {
    "agent.stored_efficiency": Agent.efficiency,
    "agent.stored_load": Agent.neural_load,
    "agent.stored_up_seconds": Agent.uptime_seconds,
}


def seconds_up(window: Window) -> Subquery:
    """Per agent: seconds up, of those that have states."""
    row = standing(window, AGENTS, states=("up",))
    return (
        select(UptimeSubject.agent_id, whole(func.sum(row.c.seconds)).label("seconds"))
        .join(row, row.c.subject_id == UptimeSubject.id)
        .group_by(UptimeSubject.agent_id)
        .subquery("seconds_up")
    )


def stored_readings(facts: Any, window: Window) -> dict[str, Reading]:
    """Each as a reading of the instant it was measured at."""
    at = facts.measured_at or window.at
    rows = {key: {"value": facts._mapping[key], "n": int(facts._mapping[key] is not None)} for key in STORED}
    found = {key: reading_of(METRICS[key], row, window, (facts.id,)) for key, row in rows.items()}
    return {key: replace(reading, measured_at=at) for key, reading in found.items()}


def _of_row(key: str) -> Any:
    column = STORED[key]
    return lambda window, agent: select(Agent.id, column, Agent.measured_at).where(Agent.id == agent)


def _column(key: str, agent: str) -> Statement:
    column = STORED[key]
    return select(func.max(column).label("value"), func.count(column).label("n")).where(Agent.id == agent)


@metric(
    "agent.stored_efficiency",
    title="Efficiency of its last 24 hours",
    unit="percent",
    formula="agents.efficiency, which a job computes every five minutes as agent.efficiency over 24 hours",
    windowed=False,
    least=1,
    few=NOT_STORED,
    subject=SUBJECT,
    evidence=_of_row("agent.stored_efficiency"),
)
def stored_efficiency(window: Window, agent: str) -> Statement:
    """Share of this agent's finished tasks that succeeded, in the 24 hours before it was measured: as it stands in the
    agent's row since then."""
    return _column("agent.stored_efficiency", agent)


@metric(
    "agent.stored_load",
    title="Neural load of its last 24 hours",
    unit="percent",
    formula="agents.neural_load, which a job computes every five minutes from leases",
    windowed=False,
    least=1,
    few=NO_LEASE,
    subject=SUBJECT,
    evidence=_of_row("agent.stored_load"),
)
def stored_load(window: Window, agent: str) -> Statement:
    """Share of this agent's slots that held a task's lease in the 24 hours before it was measured."""
    return _column("agent.stored_load", agent)


@metric(
    "agent.stored_up_seconds",
    title="Seconds seen up",
    unit="seconds",
    formula="agents.uptime_seconds, which a job computes every five minutes as uptime.up_seconds of all time",
    excluded="Time that was not settled yet when it was measured.",
    windowed=False,
    least=1,
    few=NEVER_SEEN,
    subject=SUBJECT,
    evidence=_of_row("agent.stored_up_seconds"),
)
def stored_up_seconds(window: Window, agent: str) -> Statement:
    """Seconds this agent was seen up, from its first heartbeat until it was measured: as it stands in the agent's row
    since then."""
    return _column("agent.stored_up_seconds", agent)
