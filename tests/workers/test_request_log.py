"""The log of requests: a row per call, off the request's path, through a database that is away, none lost."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dash import Dash
from sqlalchemy import Engine, event, func, select

from app import REQUEST_LOG
from auth.keys import keyed
from db.engine import DatabaseUnavailable
from db.models import AgentLog, ApiKey, ApiLog
from db.services import keeping
from db.services.api_logs import LoggedCall
from settings import SettingsError, load
from tests.keys import bearer, issue
from tests.people import make_person
from tests.sessions import session
from tests.workers.working import forget_old
from workers import request_log
from workers.request_log import RequestLog

AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


def call(**more: Any) -> LoggedCall:
    return LoggedCall(
        **({"endpoint": "/x", "method": "GET", "status": 200, "milliseconds": 1, "at": AT} | more)
    )


def rows(engine: Engine) -> int:
    with session(engine) as unit:
        return unit.scalar(select(func.count()).select_from(ApiLog)) or 0


def test_a_thousand_calls_are_a_thousand_rows_after_stopping(app: Dash, engine: Engine) -> None:
    """Through the door, on four threads, while the log is being written; then it stops as `serve` ends it."""
    app.server.add_url_rule("/api/v1/test", "test", keyed("fleet:read")(dict))
    token = issue(engine, make_person(engine, "bob"), "fleet:read")
    log: RequestLog = app.server.extensions[REQUEST_LOG]
    log.start()

    def ask(_: int) -> list[int]:
        client = app.server.test_client()
        return [client.get("/api/v1/test?secret=1", headers=bearer(token)).status_code for _ in range(250)]

    with ThreadPoolExecutor(4) as pool:
        assert [each for answers in pool.map(ask, range(4)) for each in answers] == [200] * 1000
    log.stop()
    assert rows(engine) == 1000 and log.lost == 0
    with session(engine) as unit:
        assert unit.scalars(select(ApiKey.last_used_at)).one() is not None


def test_a_call_is_told_without_its_body_query_or_path(app: Dash, engine: Engine) -> None:
    door = keyed("ingest")(lambda name: ("x" * 10, 200))
    app.server.add_url_rule("/api/v1/things/<name>", "test", door, methods=["POST"])
    bob = make_person(engine, "bob", "architect")
    token = issue(engine, bob, "ingest")
    client, log = app.server.test_client(), app.server.extensions[REQUEST_LOG]
    given = bearer(token) | {"User-Agent": "exporter/1.0"}
    client.post("/api/v1/things/violet?q=violet", data=b"violet!", headers=given)
    client.get("/api/violet", headers=given)
    client.post("/api/v1/things/violet")
    client.post(
        "/api/v1/things/violet",
        input_stream=__import__("io").BytesIO(b"violet"),
        environ_overrides={"wsgi.input_terminated": True},
        headers=given,
    )
    log.flush()
    with session(engine) as unit:
        first, lost, stranger, chunked = unit.scalars(select(ApiLog).order_by(ApiLog.created_at)).all()
        key = unit.scalars(select(ApiKey)).one()
    assert (first.endpoint, first.method, first.status_code) == ("/api/v1/things/<name>", "POST", 200)
    assert (first.request_bytes, first.response_bytes) == (7, 10)
    assert (first.api_key_id, first.user_id) == (key.id, bob)
    assert str(first.ip_address) == "127.0.0.1" and first.user_agent == "exporter/1.0"
    assert first.response_time_ms is not None and first.error_message is None
    assert (lost.endpoint, lost.status_code, lost.error_message) == ("/api/*", 404, "Not Found")
    assert (stranger.status_code, stranger.api_key_id, stranger.user_id) == (401, None, None)
    assert stranger.error_message == "Unauthorized"
    assert chunked.request_bytes is None or chunked.request_bytes <= 6
    told = [str(vars(each)) for each in (first, lost, stranger, chunked)]
    assert not [each for each in told if "violet" in each or token in each]
    assert first.request_body is None and first.response_body is None


def test_calls_outlive_a_database_that_is_away(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    log, away = RequestLog(engine), [True]

    def refuse(*_: object) -> None:
        if away[0]:
            raise DatabaseUnavailable("away")

    event.listen(engine, "before_cursor_execute", refuse)
    for _ in range(700):
        log.keep(call())
    for _ in range(3):
        assert not log._flushed()
    away[0] = False
    assert log._flushed() and rows(engine) == 700


@pytest.mark.databases("sqlite")
def test_a_call_that_is_told_twice_is_stored_once(engine: Engine) -> None:
    log, one = RequestLog(engine), call()
    for _ in range(2):
        log.keep(one)
        log.flush()
    assert rows(engine) == 1


@pytest.mark.databases("sqlite")
def test_what_does_not_fit_is_counted_and_told(engine: Engine) -> None:
    log = RequestLog(engine, most=10)
    for _ in range(25):
        log.keep(call())
    assert log.lost == 15
    log.flush()
    assert rows(engine) == 10 and log.lost == 0
    with session(engine) as unit:
        (told,) = unit.scalars(select(AgentLog)).all()
    assert told.message.startswith("15 calls of programs are missing") and told.log_level == "error"


@pytest.mark.databases("sqlite")
def test_a_call_that_cannot_be_stored_holds_up_no_other(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    log = RequestLog(engine)
    for status in (200, 9999, 201):
        log.keep(call(status=status))
    assert log._flushed() and rows(engine) == 2
    assert "a call of /x is not stored: IntegrityError" in caplog.text
    with session(engine) as unit:
        assert unit.scalars(select(AgentLog.message)).one().startswith("1 calls of programs are missing")


def test_keys_and_people_that_are_gone_are_left_out(engine: Engine) -> None:
    bob = make_person(engine, "bob")
    issue(engine, bob, "fleet:read")
    with session(engine, write=True) as unit:
        key = unit.scalars(select(ApiKey)).one()
        unit.delete(key)
    log = RequestLog(engine)
    log.keep(call(key_id=key.id, profile_id=bob, is_use=True))
    log.keep(call(key_id=None, profile_id=key.id))
    log.flush()
    with session(engine) as unit:
        found = unit.execute(select(ApiLog.api_key_id, ApiLog.user_id)).all()
    assert {tuple(row) for row in found} == {(None, bob), (None, None)}


def test_last_used_is_written_at_most_once_a_minute(engine: Engine) -> None:
    issue(engine, make_person(engine, "bob"), "fleet:read")

    def used() -> datetime | None:
        with session(engine) as unit:
            return unit.scalars(select(ApiKey.last_used_at)).one()

    with session(engine) as unit:
        key = unit.scalars(select(ApiKey.id)).one()
    log, seen = RequestLog(engine), []
    for seconds in (0, 30, 59, 60, 61, 130):
        log.keep(call(key_id=key, is_use=True, at=AT + timedelta(seconds=seconds)))
        log.flush()
        moment = used()
        assert moment is not None
        seen.append((moment - AT).total_seconds())
    assert seen == [0, 0, 0, 60, 60, 130]
    log.keep(call(key_id=key, is_use=False, at=AT + timedelta(days=1)))
    log.flush()
    assert used() == AT + timedelta(seconds=130), "a refused key was not used"


def test_stopping_says_what_was_lost(
    engine: Engine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "AGAIN_SECONDS", 0.01)
    log = RequestLog(engine)

    def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(log, "_store", away)
    log.start()
    log.keep(call())
    log.stop()
    with caplog.at_level(logging.ERROR):
        assert "1 calls of programs could not be stored" in caplog.text


@pytest.mark.databases("sqlite")  # PostgreSQL's go by the month, see test_more_months
def test_old_calls_are_forgotten_in_batches_and_young_ones_kept(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "BATCH", 4)
    now = datetime.now(UTC)
    log = RequestLog(engine)
    for days in (*[120] * 10, 95, 89, 0):
        log.keep(call(at=now - timedelta(days=days)))
    log.flush()
    forget_old(engine, now, api_log_days=100)
    assert rows(engine) == 3
    forget_old(engine, now)
    assert rows(engine) == 2


@pytest.mark.databases("sqlite")
def test_calls_are_kept_for_as_long_as_the_rules_say_at_least() -> None:
    assert load({"QUANTUM_ENV": "test"}).api_log_days == 90
    assert load({"QUANTUM_ENV": "test", "QUANTUM_API_LOG_DAYS": "365"}).api_log_days == 365
    with pytest.raises(SettingsError, match="QUANTUM_API_LOG_DAYS"):
        load({"QUANTUM_ENV": "test", "QUANTUM_API_LOG_DAYS": "30"})
