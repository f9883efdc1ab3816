"""The measures that stand in `agents`: computed by the metrics' own groupings, stored with their instant."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Subquery, select, update
from sqlalchemy.orm import Session

from db.metric import Window
from db.models import Agent
from db.queries.activity import efficiencies
from db.queries.agent_row import MEASURED_OVER, seconds_up
from db.queries.fleet import FLEET

BATCH = 500
PLACES = 2  # as the columns keep them
Measured = Mapping[str, Mapping[str, Any]]  # column → agent → value; who is missing has none
# Column → the grouping its metric reads, the column of that, and the window. Others have no source yet: they are null,
# never 0.
SOURCES: dict[str, tuple[Callable[[Window], Subquery], str, str]] = {
    "efficiency": (efficiencies, "percent", MEASURED_OVER),
    "uptime_seconds": (seconds_up, "seconds", "all"),
}
WHOLE = ("uptime_seconds",)
COLUMNS = ("efficiency", "neural_load", "uptime_seconds")


def measure_agents(session: Session, at: datetime) -> Measured:
    """What the columns should say of each agent at `at`. Only reads."""
    found: dict[str, dict[str, Any]] = {column: {} for column in COLUMNS}
    for column, (grouped, name, over) in SOURCES.items():
        rows, to = grouped(Window.parse(over, at)), None if column in WHOLE else PLACES
        read = session.execute(select(rows.c.agent_id, rows.c[name]).where(rows.c[name].is_not(None)))
        found[column] = {agent: round(float(value), to) for agent, value in read if agent is not None}
    return found


def store_agents(session: Session, measured: Measured, at: datetime) -> dict[str, int]:
    """Write what changed, and for every agent the instant; returns how many agents and how many values that was.

    The rows are locked in the order of their ids, as heartbeats lock them: neither waits for the other in a circle.
    """
    columns = [getattr(Agent, column) for column in COLUMNS]
    stored = session.execute(
        select(Agent.id, *columns).where(FLEET).order_by(Agent.id).with_for_update(key_share=True)
    ).all()
    changed: dict[tuple[str, Any], list[str]] = {}
    for row in stored:
        for place, column in enumerate(COLUMNS, 1):
            value = measured[column].get(row[0])
            if (None if row[place] is None else float(row[place])) != value:
                changed.setdefault((column, value), []).append(row[0])
    for (column, value), agents in changed.items():
        _write(session, agents, {column: value})
    _write(session, [row[0] for row in stored], {"measured_at": at})
    return {"agents": len(stored), "values": sum(map(len, changed.values()))}


def _write(session: Session, agents: list[str], told: dict[str, Any]) -> None:
    for first in range(0, len(agents), BATCH):
        some = Agent.id.in_(agents[first : first + BATCH])
        statement = update(Agent).where(some).values(**told)
        session.execute(statement.execution_options(synchronize_session=False))
