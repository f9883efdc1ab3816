"""Spans that end now make their agents operational; history and files do not."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from db.metric import Window, read
from db.models import Agent
from db.services.otlp_files import import_files
from tests.api.reporter import Reporter
from tests.otlp import SECOND, request, span, write
from tests.sessions import session


def operational(engine: Engine, at: datetime | None = None) -> float | None:
    with session(engine) as unit:
        return read(unit, "fleet.agents_operational", Window.parse("all", at)).value


def live(number: int, ago_seconds: float = 1, parent: int | None = None, **said: str) -> dict[str, object]:
    end = time.time_ns() - round(ago_seconds * SECOND)
    return span(number, parent, start=end - SECOND, millis=1000, trace=7, **said)


def test_a_span_that_ends_now_makes_its_own_agent_operational(reporter: Reporter, engine: Engine) -> None:
    agent = {"gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": "planner"}
    before = datetime.now(UTC)
    assert reporter.json("traces", request(live(1), live(2, parent=1, **agent), live(3, 301, parent=2))) == {}
    with session(engine) as unit:
        heard = dict(unit.execute(select(Agent.id, Agent.last_active)).all())
    assert before <= heard["shop"] <= datetime.now(UTC) and heard["shop/planner"] == heard["shop"]
    assert operational(engine) == 2
    limit = heard["shop"] + timedelta(minutes=5)
    assert operational(engine, limit - timedelta(milliseconds=1)) == 2
    assert operational(engine, limit + timedelta(milliseconds=1)) == 0


def test_history_over_http_makes_nobody_operational(reporter: Reporter, engine: Engine) -> None:
    reporter.json("traces", request(live(1, 301), live(2, 86_400)))
    assert operational(engine) == 0
    with session(engine) as unit:
        assert read(unit, "ingest.late", Window.parse("all")).value == 2


def test_a_file_never_does(reporter: Reporter, engine: Engine, tmp_path: Path) -> None:
    import_files(engine, [write(tmp_path / "now.jsonl", request(live(1), live(2)))])
    assert operational(engine) == 0


def test_a_clock_that_is_ahead_is_kept_apart(reporter: Reporter, engine: Engine) -> None:
    reporter.json("traces", request(live(1, -120)))
    with session(engine) as unit:
        row = unit.execute(select(Agent.last_active, Agent.clock_drift_ms).where(Agent.id == "shop")).one()
    assert row.last_active <= datetime.now(UTC), "heard by our clock"
    assert row.clock_drift_ms == pytest.approx(120_000, abs=5_000)


def test_an_agent_with_a_short_interval_has_a_short_limit(reporter: Reporter, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.add(Agent(id="shop", name="shop", origin="telemetry", heartbeat_seconds=10))
    reporter.json("traces", request(live(1, 21)))
    assert operational(engine) == 0
    reporter.json("traces", request(live(2, 5)))
    assert operational(engine) == 1


def test_spans_of_nobody_make_nobody_operational(reporter: Reporter, engine: Engine) -> None:
    reporter.json("traces", request(live(1), service=None))
    assert operational(engine) == 0
