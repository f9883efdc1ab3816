"""Keeps the measures that stand in `agents` current, each with the instant it was measured."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from db.actor import SYSTEM
from db.engine import session
from db.services.agent_columns import measure_agents, store_agents
from workers.schedule import Work, job


@job("agent-columns", every=timedelta(minutes=5))
def fill_agent_columns(work: Work) -> Mapping[str, Any]:
    """Compute first and write then, so that nobody waits for the counting. What has no measure stays null."""
    with session(work.engine, SYSTEM) as unit:
        measured = measure_agents(unit, work.at)
    if work.is_ending():
        return {"agents": 0, "values": 0}
    with session(work.engine, SYSTEM, write=True) as unit:
        return store_agents(unit, measured, work.at)
