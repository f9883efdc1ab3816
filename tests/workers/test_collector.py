"""The collector on real databases: heartbeats, one watch per database, outages, gaps, samples."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from db.actor import SYSTEM
from db.engine import DatabaseUnavailable, make_engine
from db.engine import session as db_session
from db.metric import Reading, Window, read
from db.models import Agent, AgentConnection, AgentLog, Call, NetworkNode, SignInLimit, Span, SystemMetric
from db.sampling import OPTION
from db.services.ingest import store
from db.services.measure import COLLECTOR, DATABASE, WEB, Watcher
from db.services.news import stored_batches
from db.services.otlp import SpanRecord, spans_of
from tests.otlp import request, span
from tests.sessions import session
from tests.workers.working import forget_old
from workers import collector as module
from workers.collector import Collector

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(engine: Engine, clock: Clock, machine: str | None = None) -> Collector:
    found = Collector(engine, engine, now=clock.now, clock=clock.monotonic)
    if machine:
        found.watcher = Watcher(machine, 1, f"run-{machine}")
        found.watch.watcher = str(found.watcher)
    return found


def beats(collector: Collector, clock: Clock, *seconds: float) -> None:
    for second in seconds:
        clock.seconds = second
        collector.beat()


def value(engine: Engine, key: str, seconds: float, begin: float = 0) -> Reading:
    ends = [(START + timedelta(seconds=at)).isoformat() for at in (begin, seconds)]
    window = Window.parse("/".join(ends), START + timedelta(seconds=seconds))
    with session(engine) as unit:
        return read(unit, key, window)


def states(engine: Engine, seconds: float) -> tuple[Any, ...]:
    return tuple(
        value(engine, f"system.{state}_seconds", seconds).value for state in ("up", "down", "unknown")
    )


@contextmanager
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database does not answer."""

    @contextmanager
    def refused(*args: Any, **options: Any) -> Iterator[Any]:
        raise DatabaseUnavailable("away")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(module, "session", refused)
        yield


def test_uptime_and_coverage_come_alive(engine: Engine, clock: Clock) -> None:
    collector = made(engine, clock)
    beats(collector, clock, 0, 30, 60)
    assert states(engine, 600) == (60, 0, 540)
    assert value(engine, "system.uptime", 600).value == 100
    assert value(engine, "system.coverage", 600).value == pytest.approx(10)
    assert value(engine, "system.uptime_lowest", 600).value == pytest.approx(10)
    assert value(engine, "system.uptime_highest", 600).value == pytest.approx(100)
    assert (
        value(engine, "system.parts_operational", 60).value == 2
    )  # no door was given, so nobody asked the web part
    assert value(engine, "system.parts_operational", 600).value == 0


def test_a_database_that_was_away_is_down_and_told_when_it_is_back(
    engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = made(engine, clock)
    beats(collector, clock, 0, 30)
    with away(monkeypatch):
        beats(collector, clock, 60, 90)
        with pytest.raises(DatabaseUnavailable):
            collector.flush(all_of_it=True)
    assert states(engine, 100) == (30, 0, 70)
    beats(collector, clock, 120, 150)
    collector.flush(all_of_it=True)
    assert states(engine, 150) == (90, 60, 0)
    assert value(engine, "system.uptime", 150).value == pytest.approx(60)
    with session(engine) as unit:
        words = unit.scalars(select(AgentLog.message).where(AgentLog.agent_id == DATABASE)).all()
        failed = unit.execute(
            select(SystemMetric.metric_value, SystemMetric.meta["error"].as_string()).where(
                SystemMetric.metric_type == "db.round_trip_ms", SystemMetric.metric_value.is_(None)
            )
        ).all()
    assert words == ["The database did not answer for 60 seconds (2 heartbeats failed)."]
    assert [tuple(row) for row in failed] == [(None, "DatabaseUnavailable")] * 2


def test_killed_and_started_again_leaves_the_gap(engine: Engine, clock: Clock) -> None:
    beats(made(engine, clock), clock, 0, 30, 60)
    # Killed at 70. The next process of this machine need not wait for the lease: it sees that nobody runs any more.
    beats(made(engine, clock), clock, 80, 110)
    assert states(engine, 110) == (90, 0, 20)


def test_one_collector_watches_per_database(engine: Engine, clock: Clock) -> None:
    first, second = made(engine, clock, "here"), made(engine, clock, "there")
    beats(first, clock, 0)
    beats(second, clock, 1, 29)
    beats(first, clock, 30)
    assert not second.beat()
    beats(second, clock, 60, 89)
    assert states(engine, 89) == (30, 0, 59)
    beats(second, clock, 91, 121)  # the first was last heard at 30, and its lease is a minute
    assert states(engine, 121) == (60, 0, 61)
    clock.seconds = 122
    assert not first.beat()


def test_both_at_once_cannot_take_the_watch(engine: Engine, clock: Clock) -> None:
    from db.services import measure

    mine, other = Watcher("here", 1, "one"), Watcher("there", 1, "two")
    with session(engine, write=True) as unit:
        measure.introduce(unit, "sqlite")
        seen = measure.read_lease(unit)
    with session(engine, write=True) as unit:
        assert measure.take_lease(unit, mine, seen, START)
    with session(engine, write=True) as unit:
        assert not measure.take_lease(unit, other, seen, START)


def test_an_end_in_order_closes_the_time_and_lets_go(engine: Engine, clock: Clock) -> None:
    first = made(engine, clock, "here")
    beats(first, clock, 0, 30)
    clock.seconds = 47
    first.finish()
    assert states(engine, 50) == (47, 0, 3)
    second = made(engine, clock, "there")
    assert second.beat()
    with session(engine) as unit:
        words = unit.scalars(select(AgentLog.message).order_by(AgentLog.created_at)).all()
    assert "The collector stopped in order." in words


def test_round_trips_become_measurements_calls_and_connections(engine: Engine, clock: Clock) -> None:
    collector = made(engine, clock)
    watched = make_engine(engine.url)
    watched.update_execution_options(**{OPTION: collector.sampler})
    with session(watched) as unit:
        read(unit, "spans.count", Window.parse("all"))
    watched.dispose()
    beats(collector, clock, 0, 30)
    collector.flush(all_of_it=True)
    collector.settle()
    with session(engine) as unit:
        assert read(unit, "db.latency_p50_ms", Window.parse("all")).n == 3
        assert read(unit, "system.calls", Window.parse("all")).value == 3
        pairs = unit.execute(
            select(Call.caller_id, Call.callee_id, func.count(), func.min(Call.latency_ns)).group_by(
                Call.caller_id, Call.callee_id
            )
        ).all()
        assert {row[:3] for row in pairs} == {(WEB, DATABASE, 1), (COLLECTOR, DATABASE, 2)}
        assert all(row[3] > 0 for row in pairs)
        inner = unit.execute(
            select(Span.start_ns, Span.duration_ns, Span.parent_span_id).where(Span.agent_id == DATABASE)
        ).all()
        outer = {
            row.span_id: row for row in unit.execute(select(Span.span_id, Span.start_ns, Span.duration_ns))
        }
        for row in inner:
            caller = outer[row.parent_span_id]
            assert caller.start_ns <= row.start_ns
            assert row.start_ns + row.duration_ns <= caller.start_ns + caller.duration_ns
        held = unit.execute(select(AgentConnection.agent_a_id, AgentConnection.strength)).all()
        assert {row[0]: float(row[1]) for row in held} == {WEB: 0.5, COLLECTOR: 1.0}
        kinds = unit.execute(
            select(NetworkNode.agent_id, NetworkNode.node_type, NetworkNode.connections_count)
        ).all()
    assert {tuple(row) for row in kinds} == {
        (WEB, "system", 1),
        (DATABASE, "system", 2),
        (COLLECTOR, "system", 1),
    }


def test_a_failed_query_is_counted_and_has_no_number(engine: Engine, clock: Clock) -> None:
    collector = made(engine, clock)
    watched = make_engine(engine.url)
    watched.update_execution_options(**{OPTION: collector.sampler})
    beats(collector, clock, 0)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE deals RENAME TO deals_gone")
    with pytest.raises(Exception, match="deals"), session(watched) as unit:
        read(unit, "crm.deals", Window.parse("all"))
    watched.dispose()
    collector.flush(all_of_it=True)
    with session(engine) as unit:
        assert read(unit, "db.failures", Window.parse("all")).value == 1
        assert read(unit, "db.latency_p50_ms", Window.parse("all")).n == 1
        failed = unit.scalars(select(Call.failed).where(Call.caller_id == WEB)).all()
    assert failed == [True]


def test_samples_older_than_a_week_are_forgotten_and_watched_time_is_kept(
    engine: Engine, clock: Clock
) -> None:
    collector = made(engine, clock)
    beats(collector, clock, 0, 30)
    collector.flush(all_of_it=True)  # stamped by the machine's own clock
    with session(engine) as unit:
        before = [unit.scalar(select(func.count()).select_from(each)) for each in (SystemMetric, Span, Call)]
    assert before == [3, 4, 2]
    clock.seconds = (datetime.now(UTC) - START).total_seconds() + 6.9 * 86_400
    forget_old(engine, clock.now())
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(Span)) == 4
    clock.seconds += 0.2 * 86_400
    with session(engine, write=True) as unit:  # young by the database's clock: nobody may delete them yet
        unit.execute(update(SystemMetric).values(recorded_at=datetime.now(UTC) - timedelta(days=6.9)))
    forget_old(engine, clock.now())
    with session(engine, write=True) as unit:
        assert unit.scalar(select(func.count()).select_from(SystemMetric)) == 3
        unit.execute(update(SystemMetric).values(recorded_at=datetime.now(UTC) - timedelta(days=7.1)))
    forget_old(engine, clock.now())
    with session(engine) as unit:
        after = [unit.scalar(select(func.count()).select_from(each)) for each in (SystemMetric, Span, Call)]
        kinds = unit.scalars(select(SystemMetric.metric_type)).all()
    assert after == [1, 0, 0]
    assert kinds == ["collector.up_seconds"]


def test_what_others_sent_is_never_forgotten_and_notes_on_troubles_after_ninety_days(
    engine: Engine, clock: Clock
) -> None:
    clock.seconds = (datetime.now(UTC) - START).total_seconds()
    with session(engine, write=True) as unit:
        for days in (80, 100, 4000):
            for kind in ("CpuUsage", "ingest.refused_items", "ingest.late_items"):
                old = datetime.now(UTC) - timedelta(days=days)
                unit.add(SystemMetric(metric_type=kind, metric_value=1, recorded_at=old))
    forget_old(engine, clock.now())
    with session(engine) as unit:
        kinds = sorted(unit.scalars(select(SystemMetric.metric_type)))
    assert kinds == ["CpuUsage"] * 3 + ["ingest.late_items", "ingest.refused_items"]


def test_limits_of_sign_in_are_forgotten_when_long_at_rest(engine: Engine, clock: Clock) -> None:
    with session(engine, write=True) as unit:
        for hours in (3, 5):
            unit.add(
                SignInLimit(subject=str(hours), failures=1, free_at=clock.now() - timedelta(hours=hours))
            )
    forget_old(engine, clock.now())
    with session(engine) as unit:
        assert unit.scalars(select(SignInLimit.subject)).all() == ["3"]


@pytest.mark.databases("sqlite")
def test_parts_are_introduced_once_and_again_when_somebody_deleted_them(engine: Engine, clock: Clock) -> None:
    from sqlalchemy import delete

    from db.services import measure

    for expected in (3, 0):
        with session(engine, write=True) as unit:
            assert measure.introduce(unit, "sqlite") == expected
    with session(engine, write=True) as unit:
        unit.execute(delete(Agent).where(Agent.id == WEB))
    collector = made(engine, clock)
    assert collector.beat()
    with session(engine) as unit:
        assert unit.get(Agent, WEB) is not None


@pytest.mark.databases("sqlite")
def test_the_thread_samples_watches_and_ends_in_order(engine: Engine) -> None:
    collector = Collector(engine, engine)
    collector.start()
    collector.start()
    for _ in range(200):
        with session(engine) as unit:
            if unit.scalar(select(func.count()).select_from(Call)):
                break
        time.sleep(0.02)
    collector.stop()
    with session(engine) as unit:
        words = unit.scalars(select(AgentLog.message).order_by(AgentLog.created_at)).all()
    assert words == [
        f"The collector of process {os.getpid()} began to watch.",
        "The collector stopped in order.",
    ]


def test_a_process_that_runs_keeps_its_watch_and_one_that_ended_does_not() -> None:
    mine = Watcher("here", os.getpid(), "new")
    parent = Watcher("here", os.getppid(), "old")
    assert not mine.may_follow(str(parent))
    assert not mine.may_follow(str(Watcher("there", 1, "old")))
    assert mine.may_follow(str(Watcher("here", 2**22 + 1, "old")))  # beyond what process numbers reach
    assert mine.may_follow(
        str(Watcher("here", os.getpid(), "old"))
    )  # the number was given out again: to this one
    assert mine.may_follow(None) and mine.may_follow("") and mine.may_follow(str(mine))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells the state of a process")
def test_a_killed_process_that_nobody_buried_has_ended() -> None:
    killed = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mine, theirs = Watcher("here", os.getpid(), "new"), str(Watcher("here", killed.pid, "old"))
    assert not mine.may_follow(theirs)
    killed.kill()
    os.waitid(
        os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT
    )  # dead, and not asked for: its number still answers
    os.kill(killed.pid, 0)
    assert mine.may_follow(theirs)
    killed.communicate()
    assert mine.may_follow(theirs)


# --- what follows from spans that came in --------------------------------------------------------------------


def send(engine: Engine, *spans: dict[str, Any], service: str = "front") -> None:
    records = [each for each in spans_of(request(*spans, service=service)) if isinstance(each, SpanRecord)]
    with db_session(engine, SYSTEM, write=True) as unit:
        store(unit, records, "key qk_1")


def connections(engine: Engine) -> dict[tuple[str, str], int]:
    with session(engine) as unit:
        rows = unit.scalars(select(AgentConnection)).all()
        return {(row.agent_a_id, row.agent_b_id): row.meta["calls"] for row in rows}


def test_the_map_has_the_connections_of_what_came_in_within_one_tick(engine: Engine, clock: Clock) -> None:
    collector = made(engine, clock)
    collector.tick()
    send(engine, span(1))
    send(engine, span(2, 1), service="back")
    collector.tick()
    assert connections(engine) == {("front", "back"): 1}
    with session(engine) as unit:
        rows = unit.execute(select(NetworkNode.agent_id, NetworkNode.connections_count))
        placed = {row.agent_id: row.connections_count for row in rows}
    assert {placed["front"], placed["back"]} == {1}
    send(engine, span(3, 1), service="back")
    collector.tick()
    assert connections(engine) == {("front", "back"): 2}


def test_a_collector_begins_with_what_a_killed_one_left(engine: Engine, clock: Clock) -> None:
    send(engine, span(1))
    send(engine, span(2, 1), service="back")
    again = make_engine(engine.url)  # another process: it has stored nothing itself
    try:
        Collector(again, again, now=clock.now, clock=clock.monotonic).tick()
    finally:
        again.dispose()
    assert connections(engine) == {("front", "back"): 1}


def test_where_nothing_came_in_nobody_is_asked(
    engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = made(engine, clock)
    send(engine, span(1))
    collector.tick()
    send(engine, span(1))  # it is there already
    with away(monkeypatch):
        collector.settle_fleet()


def test_what_could_not_be_settled_is_tried_again(
    engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = made(engine, clock)
    collector.tick()
    send(engine, span(1))
    send(engine, span(2, 1), service="back")
    with away(monkeypatch), pytest.raises(DatabaseUnavailable):
        collector.settle_fleet()
    collector.settle_fleet()
    assert connections(engine) == {("front", "back"): 1}


def test_spans_that_were_rolled_back_are_no_news(engine: Engine, clock: Clock) -> None:
    before = stored_batches(engine)
    with pytest.raises(RuntimeError), db_session(engine, SYSTEM, write=True) as unit:
        store(unit, [each for each in spans_of(request(span(1))) if isinstance(each, SpanRecord)], "x")
        raise RuntimeError
    assert stored_batches(engine) == before
    send(engine, span(1))
    assert stored_batches(engine) == before + 1


def test_settling_again_writes_no_row_that_stays_as_it_is(engine: Engine, clock: Clock) -> None:
    collector = made(engine, clock)
    send(engine, span(1))
    send(engine, span(2, 1), service="back")
    collector.tick()
    before = updated(engine)
    send(engine, span(3, 1), service="front")
    collector.tick()
    assert updated(engine) == before
    send(engine, span(4, 1), service="back")
    collector.tick()
    assert updated(engine) > before


def updated(engine: Engine) -> datetime:
    with session(engine) as unit:
        return unit.scalars(select(AgentConnection.updated_at)).one()
