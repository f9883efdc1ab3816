"""Several processes store at once: everything is there once, relatives find each other, nobody stops for good."""

import multiprocessing
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, select

from db.actor import SYSTEM
from db.engine import DatabaseUnavailable, make_engine
from db.engine import session as db_session
from db.models import Agent, Call, Sender, Span
from db.services.ingest import Stored, store
from db.services.otlp import SpanRecord, spans_of
from tests.databases import logins
from tests.otlp import request, span
from tests.sessions import session

INVOKE = {"gen_ai__operation__name": "invoke_agent"}
Batch = Sequence[dict[str, Any]]  # OTLP documents
PATIENCE = 60
SPAWN = multiprocessing.get_context("spawn")


def send(engine: Engine, batch: Batch, source: str = "key qk_1") -> Stored:
    found = [each for document in batch for each in spans_of(document)]
    with db_session(engine, SYSTEM, write=True) as unit:
        return store(unit, [each for each in found if isinstance(each, SpanRecord)], source)


def process(url: str, batches: Sequence[Batch], together: Any, told: Any) -> None:
    """A server of its own: stores the batches, each at the same moment as the other's."""
    engine = make_engine(url)
    try:
        stored = 0
        for batch in batches:
            together.wait(PATIENCE)
            stored += send(engine, batch).spans
        told.put(stored)
    except Exception as error:
        told.put(f"{type(error).__name__}: {error}")
        together.abort()
    finally:
        engine.dispose()


def at_once(url: str, *programs: Sequence[Batch]) -> list[Any]:
    """What each process stored, or what stopped it."""
    together, told = SPAWN.Barrier(len(programs)), SPAWN.Queue()
    running = [
        SPAWN.Process(target=process, args=(logins(url)["system"], batches, together, told))
        for batches in programs
    ]
    for each in running:
        each.start()
    try:
        return [told.get(timeout=PATIENCE) for _ in running]
    finally:
        for each in running:
            each.join(PATIENCE)


def outcome(engine: Engine) -> tuple[set[Any], set[Any]]:
    columns = (Span.trace_id, Span.span_id, Span.agent_id, Span.attribution, Span.is_task, Span.unsettled)
    with session(engine) as unit:
        spans, calls = unit.execute(select(*columns)), unit.execute(select(*Call.__table__.columns))
        return {tuple(row) for row in spans}, {tuple(row) for row in calls}


def forget(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        for table in (Call, Span, Agent, Sender):
            unit.execute(delete(table))


def services(trace: int, *names: str) -> list[dict[str, Any]]:
    """One span for each service, in this order."""
    return [request(span(place, trace=trace), service=name) for place, name in enumerate(names, 1)]


def test_two_processes_with_the_same_batches_store_everything_once(migrated_url: str, engine: Engine) -> None:
    batches = [services(n, *(f"agent-{m}" for m in range(n, n + 30))) for n in range(1, 13)]
    stored = at_once(migrated_url, batches, batches)
    assert all(isinstance(each, int) for each in stored), stored
    assert sum(stored) == 12 * 30
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(Span)) == 12 * 30
        assert unit.scalar(select(func.count()).select_from(Sender)) == 41
        assert unit.scalar(select(func.count()).select_from(Agent)) == 41


def test_two_processes_that_meet_the_same_agents_in_opposite_order_stop_for_nobody(
    migrated_url: str, engine: Engine
) -> None:
    """Each brings new agents and senders that the other brings as well, in traces of its own, last one first."""
    names = [[f"agent-{n}-{m}" for m in range(40)] for n in range(12)]
    there = [services(100 + n, *each) for n, each in enumerate(names)]
    back = [services(200 + n, *reversed(each)) for n, each in enumerate(names)]
    assert at_once(migrated_url, there, back) == [480, 480]
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(Agent)) == 480
        assert unit.scalar(select(func.count()).select_from(Sender)) == 480


def family(trace: int) -> tuple[Batch, Batch]:
    """A parent and its descendants, in two batches."""
    lead = span(1, trace=trace, **INVOKE, gen_ai__agent__name="lead")
    helper = span(4, 3, trace=trace, **INVOKE, gen_ai__agent__name="helper", status=2)
    below = [span(2, 1, trace=trace), span(3, 2, trace=trace), helper, span(5, 4, trace=trace)]
    return [request(lead, service="team")], [request(*below, service="team")]


def test_a_parent_and_its_children_stored_at_the_same_moment_find_each_other(
    migrated_url: str, engine: Engine
) -> None:
    families = [family(trace) for trace in range(1, 31)]
    for parents, children in families:
        send(engine, [*parents, *children])
    expected = outcome(engine)
    forget(engine)
    stored = at_once(
        migrated_url, [parents for parents, _ in families], [children for _, children in families]
    )
    assert sorted(stored) == [30, 120]
    assert outcome(engine) == expected
    assert not any(row[-1] for row in expected[0]), "nobody waits"


def test_batches_of_many_traces_and_of_few_take_turns(migrated_url: str, engine: Engine) -> None:
    """Beyond some traces a batch takes one lock for all; it must hold off those who take theirs one by one."""
    many = [[request(*[span(1, trace=n) for n in range(1, 101)])] for _ in range(4)]
    few = [[request(*[span(2, 1, trace=n) for n in range(first, first + 25)])] for first in (1, 26, 51, 76)]
    assert sorted(at_once(migrated_url, many, few)) == [100, 100]
    assert not any(row[-1] for row in outcome(engine)[0])


@pytest.mark.databases("sqlite")
def test_a_writer_of_the_embedded_file_waits_its_turn(migrated_url: str, engine: Engine) -> None:
    """Up to the busy timeout; whoever holds the file ends within it."""
    with sqlite3.connect(str(engine.url.database), isolation_level=None, check_same_thread=False) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.3, other.execute, ("COMMIT",))
        timer.start()
        assert send(engine, [request(span(1))]).spans == 1
        timer.join()


@pytest.mark.databases("sqlite")
def test_many_writers_of_the_embedded_file_all_get_through(migrated_url: str, engine: Engine) -> None:
    batches = [[request(*[span(n, trace=t) for n in range(1, 40)])] for t in range(1, 25)]
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda batch: send(engine, batch).spans, batches))
    assert sum(stored) == 24 * 39


@pytest.mark.databases("sqlite")
def test_a_file_that_stays_locked_is_told_as_away(
    migrated_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    with sqlite3.connect(str(engine.url.database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable, match="locked by another process"):
            send(engine, [request(span(1))])
    assert send(engine, [request(span(1))]).spans == 1
