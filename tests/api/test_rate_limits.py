"""Limits of keys: exact however many ask at once, told in headers, and cheap to be over."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete, event, select, update
from sqlalchemy.orm import Session

from app import create_app
from auth import quotas
from auth.keys import keyed
from auth.quotas import QUOTAS, Quotas, limits_of
from db.actor import SYSTEM
from db.engine import session as guarded
from db.models import ApiKey, RateLimit
from db.services import rate_limits
from db.services.rate_limits import Limits, spend
from settings import Settings, load
from tests.databases import logins
from tests.keys import bearer, issue
from tests.people import make_person
from tests.sessions import session

ROOT = Path(__file__).resolve().parent.parent.parent
NOW = datetime(2026, 3, 4, 10, 59, 30, tzinfo=UTC)
PATH = "/api/v1/test-door"


@pytest.fixture
def key(engine: Engine) -> UUID:
    issue(engine, make_person(engine, "bob", "architect"), "fleet:read")
    with session(engine) as unit:
        return unit.scalars(select(ApiKey.id)).one()


def row(engine: Engine) -> RateLimit:
    with session(engine) as unit:
        return unit.scalars(select(RateLimit)).one()


def test_the_limit_is_exact_over_threads_and_processes(migrated_url: str, engine: Engine, key: UUID) -> None:
    """Two server processes of eight threads each ask 60 times; 50 are let through, not one more or less."""
    moment = datetime.now(UTC).isoformat()
    command = [sys.executable, "-m", "tests.api.limiting", logins(migrated_url)["system"], str(key), "/x"]
    given = [*command, "50", "60", "8", moment]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(given, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    passed = [int(each.communicate()[0]) for each in running]
    assert [each.returncode for each in running] == [0, 0]
    assert sum(passed) == 50, passed
    assert (row(engine).current_hour_count, row(engine).current_day_count) == (50, 50)


@pytest.mark.databases("postgresql")  # SQLite has one writer: nobody comes between
def test_whoever_comes_while_the_row_is_being_made_is_counted_and_not_refused(
    engine: Engine, key: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding no row and looking again, another process made it."""
    begin = rate_limits._begin

    def late(unit: Session, *given: Any) -> None:
        with guarded(engine, SYSTEM, write=True) as other:
            begin(other, *given)
        begin(unit, *given)

    monkeypatch.setattr(rate_limits, "_begin", late)
    with guarded(engine, SYSTEM, write=True) as unit:
        assert spend(unit, key, "/x", Limits(5, 50), NOW).refused_until is None
    assert row(engine).current_hour_count == 1


def test_windows_begin_anew_by_the_hour_and_by_the_day(engine: Engine, key: UUID) -> None:
    def ask(now: datetime) -> Any:
        with guarded(engine, SYSTEM, write=True) as unit:
            return spend(unit, key, "/x", Limits(2, 3), now)

    assert [ask(NOW).left_hour, ask(NOW).left_hour] == [1, 0]
    refused = ask(NOW)
    assert refused.refused_until == NOW.replace(hour=11, minute=0, second=0)
    later = NOW + timedelta(minutes=1)
    assert (ask(later).refused_until, ask(later).refused_until) == (None, datetime(2026, 3, 5, tzinfo=UTC))
    behind = ask(NOW)  # a process whose clock is late counts in the hour that has begun, and brings none back
    assert behind.refused_until is not None and row(engine).current_hour_count == 1
    tomorrow = ask(NOW + timedelta(days=1))
    assert (tomorrow.left_hour, tomorrow.left_day) == (1, 2)
    assert row(engine).window_start == (NOW + timedelta(days=1)).replace(minute=0, second=0)


def test_each_endpoint_has_its_own_and_each_key_too(engine: Engine, key: UUID) -> None:
    issue(engine, make_person(engine, "carol"), "fleet:read")
    with session(engine) as unit:
        other = unit.scalars(select(ApiKey.id).where(ApiKey.id != key)).one()
    for asked, endpoint in ((key, "/x"), (key, "/y"), (other, "/x")):
        with guarded(engine, SYSTEM, write=True) as unit:
            assert spend(unit, asked, endpoint, Limits(1, 1), NOW).refused_until is None


@pytest.fixture
def app(app: Dash) -> Dash:
    app.server.add_url_rule(PATH, "test door", keyed("fleet:read")(lambda: {"let": "in"}))
    return app


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hour of the clock ends while a test counts requests of one."""

    class Steady(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Steady":
            return cls.fromtimestamp(NOW.timestamp(), tz)

    monkeypatch.setattr(quotas, "datetime", Steady)


@pytest.fixture
def token(engine: Engine) -> str:
    return issue(engine, make_person(engine, "bob"), "fleet:read", rate_limit=3)


def test_headers_tell_what_is_left_and_429_when_to_come_again(client: FlaskClient, token: str) -> None:
    left = []
    for _ in range(3):
        answer = client.get(PATH, headers=bearer(token))
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"hour";q=3;w=3600, "day";q=30;w=86400'
        left.append(answer.headers["RateLimit"].partition(";t=")[0])
    assert left == ['"hour";r=2', '"hour";r=1', '"hour";r=0']
    answer = client.get(PATH, headers=bearer(token))
    assert answer.status_code == 429 and answer.mimetype == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    assert "3 times per hour" in answer.get_json()["detail"]
    assert client.get("/v1/nothing", headers=bearer(token)).status_code == 404, "another endpoint"


def test_who_is_over_the_limit_costs_no_write_and_a_raised_limit_is_soon_seen(
    app: Dash, client: FlaskClient, token: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(quotas.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(quotas, "HELD_SECONDS", 0)
    while client.get(PATH, headers=bearer(token)).status_code == 200:
        pass
    written: list[str] = []
    system = app.server.extensions["quantum_system_engine"]
    event.listen(system, "before_cursor_execute", lambda *given: written.append(given[2]))
    for _ in range(50):
        assert client.get(PATH, headers=bearer(token)).status_code == 429
    assert not [said for said in written if said.lstrip().upper().startswith(("UPDATE", "INSERT", "DELETE"))]
    with session(engine, write=True) as unit:
        unit.execute(update(RateLimit).values(limit_per_hour=100, limit_per_day=100))
    assert client.get(PATH, headers=bearer(token)).status_code == 429
    clock[0] += quotas.REMEMBERED_SECONDS
    assert client.get(PATH, headers=bearer(token)).status_code == 200


@pytest.mark.databases("sqlite")
def test_a_key_without_a_scope_is_limited_too(client: FlaskClient, engine: Engine) -> None:
    token = issue(engine, make_person(engine, "bob"), "metrics:read", rate_limit=2)
    answers = [client.get(PATH, headers=bearer(token)).status_code for _ in range(3)]
    assert answers == [403, 403, 429]


@pytest.mark.databases("postgresql")  # SQLite has one writer: nobody comes between
def test_a_key_that_is_deleted_while_it_is_used_first_is_not_accepted(
    client: FlaskClient, token: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = rate_limits.spend

    def late(*given: Any) -> Any:
        with session(engine, write=True) as unit:
            unit.execute(delete(ApiKey))
        return ask(*given)

    monkeypatch.setattr(rate_limits, "spend", late)
    answer = client.get(PATH, headers=bearer(token))
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert "invalid_token" in answer.headers["WWW-Authenticate"]
    with session(engine) as unit:
        assert unit.scalars(select(RateLimit)).all() == []


@pytest.mark.databases("sqlite")
def test_few_refusals_at_a_time_are_held_back_and_none_waits_for_another(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: Quotas = create_app(settings).server.extensions[QUOTAS]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        known.hold()  # while this one is held

    monkeypatch.setattr(quotas.time, "sleep", sleep)
    known.hold()
    assert slept == [quotas.HELD_SECONDS] * quotas.MOST_HELD
    known.hold()
    assert len(slept) == 2 * quotas.MOST_HELD, "who was held gives the place back"


@pytest.mark.databases("sqlite")
def test_settings_say_what_keys_without_their_own_limit_may(settings: Settings) -> None:
    known: Quotas = create_app(settings).server.extensions[QUOTAS]
    assert limits_of(known, "key:ingest", "/x", None) == Limits(360_000, 8_640_000)
    assert limits_of(known, "key:any", "/agents/<agent>/heartbeat", None) == Limits(360_000, 8_640_000)
    assert limits_of(known, "key:fleet:read", "/x", None) == Limits(3600, 36_000)
    assert limits_of(known, None, "/x", None) == Limits(3600, 36_000)
    assert limits_of(known, "key:ingest", "/x", 10) == Limits(10, 240)
    assert limits_of(known, "key:ingest", "/x", 10**9) == Limits(10**9, 2**31 - 1), "what the column holds"
    given = load({"QUANTUM_ENV": "test", "QUANTUM_REPORTS_PER_HOUR": "7", "QUANTUM_REQUESTS_PER_HOUR": "5"})
    assert (given.reports_per_hour, given.requests_per_hour) == (7, 5)
