"""SQLite has one writer: those of one process wait for each other in turn instead of asking again and again."""

import threading

import pytest
from sqlalchemy import func, select

import db.engine
from db.actor import SYSTEM
from db.engine import DatabaseUnavailable, make_engine, session
from db.models import AgentLog
from db.services import measure

THREADS, TIMES = 6, 8


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself gives up at once."""
    pragmas = [each if "busy_timeout" not in each else "PRAGMA busy_timeout=0" for each in db.engine.PRAGMAS]
    monkeypatch.setattr(db.engine, "PRAGMAS", tuple(pragmas))


@pytest.mark.databases("sqlite")
def test_writers_of_one_process_never_find_the_file_locked(migrated_url: str) -> None:
    """Also those of several engines on one file."""
    engines = [make_engine(migrated_url) for _ in range(2)]
    with session(engines[0], SYSTEM, write=True) as unit:
        measure.introduce(unit, "sqlite")
    failed: list[Exception] = []

    def work(number: int) -> None:
        try:
            for _ in range(TIMES):
                with session(engines[number % 2], SYSTEM, write=True) as unit:
                    measure.write_log(unit, measure.WEB, "info", f"said by {number}")
        except DatabaseUnavailable as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with session(engines[0], SYSTEM) as unit:
        said = unit.scalar(select(func.count()).where(AgentLog.message.like("said by %")))
    assert said == THREADS * TIMES
    for engine in engines:
        engine.dispose()


@pytest.mark.databases("sqlite")
def test_another_process_is_waited_for_by_sqlite_alone(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the turn too long, or the file from elsewhere, stops nobody for ever."""
    monkeypatch.setattr(db.engine, "BUSY_SECONDS", 0.05)
    engine = make_engine(migrated_url)
    with session(engine, SYSTEM, write=True) as unit:
        measure.introduce(unit, "sqlite")
        unit.flush()
        refused: list[bool] = []

        def second() -> None:
            try:
                with session(engine, SYSTEM, write=True) as other:
                    measure.introduce(other, "sqlite")
            except DatabaseUnavailable:
                refused.append(True)

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert refused == [True]
    engine.dispose()
