"""A database that is away: 503 and when to try again, nothing swallowed, and no restart needed afterwards."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, func, select, text
from sqlalchemy.pool import NullPool

from db.models import AgentLog, Call, Span, SystemMetric
from tests.api.documents import logs, metric, metrics, point, record
from tests.api.reporter import PROTOBUF, Reporter
from tests.otlp import request, span
from tests.sessions import session

SENT = {
    "traces": (
        request(span(1), span(2, 1, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="a")),
        Span,
        2,
    ),
    "logs": (logs(record(1), record(2)), AgentLog, 2),
    "metrics": (metrics(metric("load", "gauge", point(1))), SystemMetric, 1),
}
Away = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def away(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Away:
    """The database held by another process (SQLite), or gone for everybody (PostgreSQL)."""
    return lambda: _gone(engine) if engine.dialect.name == "postgresql" else _locked(engine)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock is not waited for here."""
    from db import engine

    pragmas = tuple(each for each in engine.PRAGMAS if "busy_timeout" not in each)
    monkeypatch.setattr(engine, "PRAGMAS", (*pragmas, "PRAGMA busy_timeout=0"))


@contextmanager
def _locked(engine: Engine) -> Iterator[None]:
    holder = create_engine(engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with holder.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        connection.exec_driver_sql("ROLLBACK")


@contextmanager
def _gone(engine: Engine) -> Iterator[None]:
    server = create_engine(
        engine.url.set(database="postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    name = engine.url.database
    with server.connect() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        ended = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
        connection.execute(ended, {"name": name})
        try:
            yield
        finally:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def counted(engine: Engine, model: Any) -> int:
    kept = select(func.count()).select_from(model)
    if model is SystemMetric:
        kept = kept.where(~SystemMetric.metric_type.like("ingest.%"))
    with session(engine) as unit:
        return unit.scalar(kept) or 0


@pytest.mark.parametrize("signal", list(SENT))
def test_503_says_when_and_the_same_batch_is_taken_afterwards(
    reporter: Reporter, engine: Engine, away: Away, signal: str
) -> None:
    document, model, count = SENT[signal]
    assert reporter.json(signal, {}) == {}, "the door is open"
    with away():
        for kind in ("application/json", PROTOBUF):
            body = json.dumps(document).encode() if kind != PROTOBUF else b""
            answer = reporter.send(signal, body, kind)
            if body or engine.dialect.name == "postgresql":
                assert answer.status_code == 503 and answer.mimetype == kind
                assert int(answer.headers["Retry-After"]) > 0
                assert str(engine.url.database) not in answer.text
    assert counted(engine, model) == 0
    assert reporter.json(signal, document) == {}
    assert counted(engine, model) == count


@pytest.mark.databases("sqlite")
def test_what_can_never_be_read_is_400_once_the_database_counts_again(reporter: Reporter, away: Away) -> None:
    """A key's requests are counted before they are read, so that nobody asks uncounted while the database is away."""
    with away():
        assert reporter.send("traces", b"{").status_code == 503
    assert reporter.send("traces", b"{").status_code == 400


def test_a_failure_half_way_leaves_nothing_of_the_batch(reporter: Reporter, engine: Engine) -> None:
    """The last thing a request writes fails: what was written before goes with it, and the client is not told 200."""
    document, _, _ = SENT["traces"]
    broken = document | {
        "resourceSpans": [*document["resourceSpans"], *request(span(9, start=0))["resourceSpans"]]
    }
    with session(engine, write=True) as unit:
        unit.execute(text(FORBID[engine.dialect.name]))
        if engine.dialect.name == "postgresql":
            unit.execute(text("CREATE TRIGGER no BEFORE INSERT ON system_metrics EXECUTE FUNCTION no_more()"))
    reporter.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    answer = reporter.send("traces", json.dumps(broken).encode())
    assert answer.status_code in (500, 503)
    assert (counted(engine, Span), counted(engine, Call)) == (0, 0)
    with session(engine, write=True) as unit:
        unit.execute(
            text("DROP TRIGGER no" + (" ON system_metrics" if engine.dialect.name == "postgresql" else ""))
        )
    assert reporter.json("traces", broken)["rejectedSpans"] == "1"
    assert counted(engine, Span) == 2


FORBID = {
    "sqlite": "CREATE TRIGGER no BEFORE INSERT ON system_metrics BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END",
    "postgresql": "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'; END $$",
}


def test_200_is_answered_only_after_the_commit(reporter: Reporter, engine: Engine, monkeypatch: Any) -> None:
    from db.guard import GuardedSession

    order: list[str] = []
    note = lambda unit: order.append("commit")  # noqa: E731
    event.listen(GuardedSession, "after_commit", note)
    try:
        with monkeypatch.context() as patch:
            import api.otlp

            told = api.otlp._answer
            patch.setattr(api.otlp, "_answer", lambda *given: (order.append("answer"), told(*given))[1])
            assert reporter.json("traces", SENT["traces"][0]) == {}
    finally:
        event.remove(GuardedSession, "after_commit", note)
    assert order[-1] == "answer" and "commit" in order
