"""An agent is operational from the moment it is heard until its limit has passed: not a moment longer, not shorter."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from db.actor import SYSTEM
from db.engine import session as guarded
from db.metric import Window, read, to_ns
from db.models import Agent
from db.services.liveness import beat, hear, hear_spans
from tests.sessions import session

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _agents(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.add(Agent(id="shop", name="shop", origin="telemetry"))
        unit.add(Agent(id="quick", name="quick", origin="telemetry", heartbeat_seconds=20))


def operational(engine: Engine, at: datetime) -> float | None:
    with session(engine) as unit:
        return read(unit, "fleet.agents_operational", Window.parse("all", at)).value


def tell(engine: Engine, at: datetime, **ended: datetime) -> None:
    with guarded(engine, SYSTEM, write=True) as unit:
        hear_spans(unit, {agent: to_ns(moment) for agent, moment in ended.items()}, at)


def row(engine: Engine, agent: str) -> Any:
    with session(engine) as unit:
        return unit.execute(
            select(
                Agent.last_active, Agent.heartbeat_seconds, Agent.clock_drift_ms, Agent.clock_drift_at
            ).where(Agent.id == agent)
        ).one()


@pytest.mark.parametrize(
    ("agent", "limit"), [("shop", timedelta(minutes=5)), ("quick", timedelta(seconds=40))]
)
def test_a_killed_agent_is_not_operational_from_the_limit_on_and_is_until_then(
    engine: Engine, agent: str, limit: timedelta
) -> None:
    with guarded(engine, SYSTEM, write=True) as unit:
        assert beat(unit, agent, NOON)
    assert operational(engine, NOON) == 1
    assert operational(engine, NOON + limit - TICK) == 1
    assert operational(engine, NOON + limit) == 0


@pytest.mark.parametrize(
    ("agent", "limit"), [("shop", timedelta(minutes=5)), ("quick", timedelta(seconds=40))]
)
def test_a_span_that_ended_within_the_limit_makes_its_agent_operational_for_as_long(
    engine: Engine, agent: str, limit: timedelta
) -> None:
    tell(engine, NOON, **{agent: NOON - limit})
    assert operational(engine, NOON) == 0
    tell(engine, NOON, **{agent: NOON - limit + TICK})
    assert operational(engine, NOON + limit - TICK) == 1
    assert operational(engine, NOON + limit) == 0


def test_a_heartbeat_promises_the_next_one(engine: Engine) -> None:
    with guarded(engine, SYSTEM, write=True) as unit:
        beat(unit, "shop", NOON, interval=10)
    assert row(engine, "shop").heartbeat_seconds == 10
    assert operational(engine, NOON + timedelta(seconds=20) - TICK) == 1
    assert operational(engine, NOON + timedelta(seconds=20)) == 0


def test_what_was_heard_later_stands(engine: Engine) -> None:
    with guarded(engine, SYSTEM, write=True) as unit:
        hear(unit, ["shop"], NOON)
        beat(unit, "shop", NOON - MINUTE)
        hear(unit, ["shop"], NOON - MINUTE)
    tell(engine, NOON - MINUTE, shop=NOON - MINUTE)
    assert row(engine, "shop").last_active == NOON


def test_nobody_is_heard_who_is_no_agent(engine: Engine) -> None:
    with guarded(engine, SYSTEM, write=True) as unit:
        assert not beat(unit, "nobody", NOON)
    tell(engine, NOON, nobody=NOON)
    assert operational(engine, NOON) == 0


def test_many_batches_within_a_second_are_one_write(engine: Engine) -> None:
    tell(engine, NOON, shop=NOON)
    tell(engine, NOON + 400 * TICK, shop=NOON)
    assert row(engine, "shop").last_active == NOON
    tell(engine, NOON + 1000 * TICK, shop=NOON)
    assert row(engine, "shop").last_active == NOON + 1000 * TICK


@pytest.mark.parametrize("off", [-40_000, 0, 17_500])
def test_a_heartbeat_tells_how_far_the_senders_clock_is_off(engine: Engine, off: int) -> None:
    with guarded(engine, SYSTEM, write=True) as unit:
        beat(unit, "shop", NOON, sent_at=NOON + off * TICK)
    assert row(engine, "shop") == (NOON, None, off, NOON)


def test_a_span_from_our_future_is_heard_now_and_tells_the_drift(engine: Engine) -> None:
    tell(engine, NOON, shop=NOON + 90_000 * TICK)
    assert row(engine, "shop") == (NOON, None, 90_000, NOON)


def test_a_span_from_our_past_tells_no_drift_and_leaves_one_seen_just_now(engine: Engine) -> None:
    tell(engine, NOON, shop=NOON - MINUTE)
    assert row(engine, "shop").clock_drift_ms is None
    tell(engine, NOON + MINUTE, shop=NOON + 3 * MINUTE)
    tell(engine, NOON + 2 * MINUTE, shop=NOON + MINUTE)
    assert row(engine, "shop")[2:] == (120_000, NOON + MINUTE)


def test_a_drift_not_seen_again_for_ten_minutes_is_forgotten(engine: Engine) -> None:
    tell(engine, NOON, shop=NOON + MINUTE)
    tell(engine, NOON + 10 * MINUTE, shop=NOON + 9 * MINUTE)
    assert row(engine, "shop").clock_drift_ms == 60_000
    tell(engine, NOON + 10 * MINUTE + timedelta(seconds=1), shop=NOON + 10 * MINUTE)
    assert row(engine, "shop")[2:] == (None, None)
