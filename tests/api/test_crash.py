"""200 means stored: one round of killing the server on each database, and a database that is away for a while.

`make crash` plays twenty rounds on each and stops a PostgreSQL of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, NullPool, create_engine, insert, make_url, select, text
from werkzeug.test import TestResponse

import db.engine
from db.actor import SYSTEM
from db.engine import session
from db.models import Call
from db.services.ingest import store
from db.services.otlp import SpanRecord, decode_json
from tests.crashing import CALLS, SPANS, Crash, batch, stored
from tests.databases import written
from tests.served import make_key

# Every call once more, as if its span had been counted twice.
TWICE = insert(Call).from_select(
    [column.name for column in Call.__table__.c],
    select(*(column + 1 if column.name == "start_ns" else column for column in Call.__table__.c)),
)


def test_what_was_acknowledged_survives_a_kill_and_what_was_not_is_sent_again(
    migrated_url: str, tmp_path: Path
) -> None:
    run = Crash(migrated_url, tmp_path, seed=0)
    try:
        run.round()
        tally = run.finish()
    finally:
        run.close()
    print(f"\n{tally}")
    assert tally.holds, tally
    assert tally.rounds == 1 and tally.in_flight > 0 and tally.resent > 0


@pytest.mark.parametrize(("spans", "damage"), [(0, "lost"), (SPANS // 2, "half"), (SPANS, "doubled")])
def test_the_campaign_sees_damage(spans: int, damage: str, migrated_url: str, tmp_path: Path) -> None:
    """One that cannot find anything would prove nothing."""
    run = Crash(migrated_url, tmp_path, seed=0)
    run.clients[0].acknowledged.append("a" * 32)
    try:
        store_spans(run.engine, spans)
        if damage == "doubled":
            with run.engine.begin() as connection:
                connection.execute(TWICE)
        run.look(killed=False)
    finally:
        run.close()
    found = {"lost": run.tally.lost, "half": run.tally.half, "doubled": run.tally.doubled}
    assert found == dict.fromkeys(found, 0) | {damage: 1}
    assert not run.tally.holds


def test_a_database_that_is_away_is_said_and_used_again_when_it_is_back(
    client: FlaskClient, engine: Engine
) -> None:
    _, token = make_key(engine)

    def send(number: int) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return client.post("/v1/traces", data=batch(f"{number:032x}"), headers=headers)

    assert send(1).status_code == 200
    with away(engine):
        refused = [send(2), send(2)]
    assert [answer.status_code for answer in refused] == [503, 503]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert set(stored(engine)[0]) == {f"{1:032x}"}
    assert send(2).status_code == 200
    spans, calls, twice = stored(engine)
    assert (sorted(spans.values()), sorted(calls.values()), twice) == ([SPANS] * 2, [CALLS] * 2, 0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's writers give up at once here, not after seconds."""
    pragmas = [each if "busy_timeout" not in each else "PRAGMA busy_timeout=50" for each in db.engine.PRAGMAS]
    monkeypatch.setattr(db.engine, "PRAGMAS", tuple(pragmas))


@contextmanager
def away(engine: Engine) -> Iterator[None]:
    """PostgreSQL lets nobody in and ends who is there; another process holds SQLite's file for itself."""
    if engine.dialect.name == "sqlite":
        other = create_engine(engine.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with other.connect() as holder:
            holder.execute(text("BEGIN EXCLUSIVE"))
            yield
            holder.execute(text("ROLLBACK"))
        return
    name = engine.url.database
    server = written(make_url(engine.url).set(database="postgres"))
    administrator = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with administrator.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
        yield
        connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))


def store_spans(engine: Engine, spans: int) -> None:
    """The first so many spans of the acknowledged batch, past the server."""
    records = [each for each in decode_json(batch("a" * 32)) if isinstance(each, SpanRecord)]
    with session(engine, SYSTEM, write=True) as unit:
        store(unit, records[:spans], "test")
