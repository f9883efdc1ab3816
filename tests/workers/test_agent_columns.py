"""The measures in agents are what the metrics say, with their instant; null where nothing tells them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from db.actor import SYSTEM
from db.engine import make_engine
from db.engine import session as session_as
from db.metric import Window, read
from db.models import Agent
from db.models.uptime import StateStretch, UptimeSubject
from db.queries.agents import one_agent
from tests.databases import logins
from tests.otlp import BEGIN, SECOND
from tests.reader import small_fleet
from tests.sessions import session
from tests.workers.working import given
from workers.agent_columns import fill_agent_columns

THEN = datetime.fromtimestamp(BEGIN / SECOND, UTC) + timedelta(hours=1)


@pytest.fixture
def system(migrated_url: str) -> Any:
    made = make_engine(logins(migrated_url)["system"])
    yield made
    made.dispose()


def columns(engine: Engine) -> dict[str, tuple[Any, ...]]:
    shown = (Agent.efficiency, Agent.neural_load, Agent.uptime_seconds, Agent.measured_at)
    with session(engine) as unit:
        return {row[0]: tuple(row[1:]) for row in unit.execute(select(Agent.id, *shown))}


def _seen(unit: Session, agent: str, *states: tuple[str, int]) -> None:
    """Its states, one after the other, the last of which is settled now and lasts."""
    begin = THEN - timedelta(seconds=sum(length for _, length in states))
    subject = UptimeSubject(
        id=f"agent:{agent}", kind="agent", agent_id=agent, observed_since=begin, settled_until=THEN
    )
    unit.add(subject)
    unit.flush()
    for place, (state, length) in enumerate(states, 1):
        until = None if place == len(states) else begin + timedelta(seconds=length)
        told = {"state": state, "reason": "heard", "settled_at": THEN}
        unit.add(StateStretch(subject_id=subject.id, since=begin, until=until, **told))
        begin = until or begin


def test_the_job_writes_what_the_metric_reads_and_nulls_what_is_over(
    engine: Engine, system: Engine, tmp_path: Path
) -> None:
    small_fleet(engine, tmp_path)
    with session(engine, write=True) as unit:
        unit.add(Agent(id="idle", name="idle", origin="catalogue", efficiency=100))
        unit.add(Agent(id="quantum/web", name="web", origin="system"))
        unit.flush()
        _seen(unit, "till", ("up", 3 * 86_400), ("down", 600), ("up", 60))
        _seen(unit, "idle", ("unknown", 600))
    assert fill_agent_columns(given(system, THEN)) == {"agents": 3, "values": 4}
    found = columns(engine)
    up = 3 * 86_400 + 60
    assert found["till"] == (Decimal("95.00"), None, up, THEN)
    assert found["shop"][0] == 100
    assert found["idle"] == (None, None, None, THEN), "what nobody measured is null, whatever stood there"
    assert found["quantum/web"] == (None, None, None, None)
    with session_as(system, SYSTEM) as unit:
        assert read(unit, "agent.efficiency", Window.parse("24h", THEN), ("till",)).value == 95
        assert read(unit, "uptime.up_seconds", Window.parse("all", THEN), ("agent:till",)).value == up
        row = one_agent(unit, Window.parse("all", THEN + timedelta(minutes=4)), "till")
    assert row is not None and row.measured_at == THEN
    stored = row.stored["agent.stored_efficiency"]
    assert (stored.value, stored.measured_at) == (95, THEN)
    assert row.stored["agent.stored_load"].value is None and row.stored["agent.stored_load"].reason
    assert (row.stored["agent.stored_up_seconds"].value, row.stored["agent.stored_up_seconds"].n) == (up, 1)
    later = THEN + timedelta(days=2)
    assert fill_agent_columns(given(system, later))["values"] == 2
    assert columns(engine)["till"] == (None, None, up, later)
