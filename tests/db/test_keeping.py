"""Rows older than the settings keep them go, and what was counted of them stays; nothing younger goes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from db.actor import SYSTEM
from db.engine import session as db_session
from db.metric import NANOSECONDS, Window, from_ns, read
from db.models import Agent, AgentLog, AgentRollup, Call, FleetRollup, Kept, Span, SystemMetric, Touched
from db.models.rollup import DAY, FIVE_MINUTES, HOUR
from db.queries.kept import Beyond, beyond
from db.queries.system import UP_SECONDS
from db.recompute import BEYOND, DIFFERS, charts_of_time, fleet, spans, tasks, verify, watched
from db.recompute.compare import AGREES
from db.services.rollups import roll_up_all, touch_all
from settings import SettingsError, load
from tests.db.test_rollups import MIDNIGHT, put, some
from tests.otlp import span
from tests.sessions import session
from tests.workers.working import given
from workers.keeping import keep

NOW = from_ns((MIDNIGHT + 10 * DAY + 5000) * NANOSECONDS)
KEYS = (
    "spans.count",
    "spans.errors",
    "calls.count",
    "fleet.agents_observed",
    "fleet.connections",
    "fleet.efficiency",
)
ALL = Window.parse("all", NOW)
WHOLE_TABLES = pytest.mark.databases("sqlite")  # PostgreSQL's go by the month, see test_partitions


def numbers(engine: Engine, window: Window = ALL) -> dict[str, Any]:
    with session(engine) as unit:
        return {key: read(unit, key, window).value for key in KEYS}


def count(engine: Engine, model: Any, *conditions: Any) -> int:
    with session(engine) as unit:
        return unit.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def run(engine: Engine, at: datetime = NOW, **settings: str) -> dict[str, Any]:
    return dict(keep(given(engine, at, **settings)))


@WHOLE_TABLES
def test_spans_go_and_what_was_counted_of_them_stays(engine: Engine) -> None:
    """Those that came since the last roll-up too; what comes too late afterwards is counted nowhere."""
    put(engine, some(7, 40))
    roll_up_all(engine)
    put(engine, some(8, 40)[20:])
    before = numbers(engine)
    assert run(engine)["spans"] == 0 and numbers(engine) == before, "nothing goes while no setting says so"
    gone = run(engine, QUANTUM_KEEP_SPANS_DAYS="9")["spans"]
    boundary = MIDNIGHT + DAY + 5000 // FIVE_MINUTES * FIVE_MINUTES
    assert gone > 0 and count(engine, Span, Span.start_ns < boundary * NANOSECONDS) == 0
    assert count(engine, Call, Call.start_ns < boundary * NANOSECONDS) == 0 < count(engine, Span)
    assert numbers(engine) == before
    put(engine, [(span(777, trace=777, start=(MIDNIGHT + 60) * NANOSECONDS), "shop")])
    with db_session(engine, SYSTEM, write=True) as unit:
        unit.add(Touched(family="spans", start=MIDNIGHT))  # as by one who began to store before they went
        touch_all(unit)
    assert numbers(engine) == before
    roll_up_all(engine)
    assert numbers(engine) == before
    _agrees_with_what_stays(engine)
    whole_hours = Window.parse("2023-11-14T03:00:00Z/2023-11-16T00:00:00Z", NOW)
    with session(engine) as unit:
        assert read(unit, "spans.latency_p50_ms", whole_hours).value is not None
        assert beyond(unit, whole_hours) == Beyond(from_ns(boundary * NANOSECONDS), FIVE_MINUTES)
        assert beyond(unit, Window.parse("7d", NOW)) is None


def _agrees_with_what_stays(engine: Engine) -> None:
    """Windows that begin before single spans are kept are told, and the others agree; so does what silence means by a
    status that was reported before."""
    later = Window.parse("2023-11-15T02:00:00Z/2023-11-17T00:00:00Z", NOW)
    with db_session(engine, SYSTEM) as unit:
        lines = list(verify(unit, [ALL, later], domains=[spans.spans, tasks.tasks, fleet.calls]))
    assert [line for line in lines if line.verdict == DIFFERS] == []
    gone = {(line.key, line.window) for line in lines if line.verdict == BEYOND}
    assert ("spans.count", "all") in gone and {window for _, window in gone} == {"all"}
    found = {line.key: line for line in lines if not line.subject and line.window == later.name}
    assert found["fleet.efficiency"].shown_n == found["fleet.efficiency"].recomputed_n > 0


@WHOLE_TABLES
def test_shorter_roll_ups_go_once_what_they_are_made_of_went(engine: Engine) -> None:
    put(engine, some(9))
    roll_up_all(engine)
    before, days = numbers(engine), {"QUANTUM_KEEP_FIVE_MINUTES_DAYS": "9", "QUANTUM_KEEP_HOURS_DAYS": "9"}
    run(engine, QUANTUM_KEEP_SPANS_DAYS="9", **days)
    early = (FleetRollup.start < MIDNIGHT + DAY, AgentRollup.start < MIDNIGHT + DAY)
    for model, is_early in zip((FleetRollup, AgentRollup), early, strict=True):
        assert count(engine, model, model.resolution == FIVE_MINUTES, is_early) == 0
        assert count(engine, model, model.resolution == HOUR, is_early) == 0
        assert count(engine, model, model.resolution == DAY, is_early) > 0
        assert count(engine, model, model.resolution == FIVE_MINUTES) > 0
    assert numbers(engine) == before
    with session(engine) as unit:
        kept = unit.scalars(select(Kept)).one()
        assert kept.five_from == kept.hour_from == MIDNIGHT + DAY <= kept.raw_from
        assert beyond(unit, ALL) == Beyond(from_ns(kept.raw_from * NANOSECONDS), DAY)


@WHOLE_TABLES
def test_log_lines_and_measurements_go_but_for_watched_time(engine: Engine) -> None:
    at = datetime.now(UTC)
    ages = (timedelta(days=29), timedelta(days=41))
    with session(engine, write=True) as unit:
        unit.add(Agent(id="writer", name="writer", origin="person", meta={}))
        unit.flush()
        for age in ages:
            unit.add(AgentLog(agent_id="writer", log_level="info", message="said", created_at=at - age))
            for kind in ("cpu", UP_SECONDS):
                unit.add(SystemMetric(metric_type=kind, metric_value=1, recorded_at=at - age))
    found = run(engine, at, QUANTUM_KEEP_LOGS_DAYS="40", QUANTUM_KEEP_MEASUREMENTS_DAYS="40")
    assert (found["logs"], found["measurements"]) == (1, 1)
    assert count(engine, AgentLog) == 1
    assert count(engine, SystemMetric, SystemMetric.metric_type == UP_SECONDS) == 2
    windows = [Window.parse(name, at) for name in ("all", "30d")]
    with db_session(engine, SYSTEM) as unit:
        lines = list(verify(unit, windows, domains=[watched.round_trips, charts_of_time.round_trips]))
    assert {(line.window, line.verdict) for line in lines} == {("all", BEYOND), ("30d", AGREES)}


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"QUANTUM_KEEP_SPANS_DAYS": "6"}, "QUANTUM_KEEP_SPANS_DAYS is 6"),
        ({"QUANTUM_KEEP_LOGS_DAYS": "29"}, "from 30 on"),
        ({"QUANTUM_KEEP_STATES_DAYS": "29"}, "QUANTUM_KEEP_STATES_DAYS is 29"),
        ({"QUANTUM_KEEP_FIVE_MINUTES_DAYS": "30"}, "QUANTUM_KEEP_SPANS_DAYS"),
        (
            {"QUANTUM_KEEP_SPANS_DAYS": "30", "QUANTUM_KEEP_FIVE_MINUTES_DAYS": "29"},
            "QUANTUM_KEEP_FIVE_MINUTES_DAYS is 29",
        ),
    ],
)
def test_a_setting_that_would_lose_what_is_counted_from_is_refused(told: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load({"QUANTUM_ENV": "test", **told})
