"""Watched time adds up to the second, and the application's own parts count in no number of the fleet."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, func, insert, select

from db.metric import METRICS, SERIES, TOO_FEW, Window, read, read_series
from db.models import Job, SystemMetric
from db.models.uptime import WatchedHour
from db.proof import prove
from db.queries.agents import AgentFilter, agent_page, one_agent
from db.queries.connections import connections_of, latest_events, network
from db.queries.spans import extent
from db.queries.system import DOWN_SECONDS, UP_SECONDS
from db.sampling import Sample
from db.services import measure
from db.services.measure import COLLECTOR, DATABASE, PARTS, WEB, Stretch
from db.services.network import settle_network
from db.services.watched_hours import put_together
from tests.reader import small_fleet
from tests.sessions import session

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
LENGTH = 10_000


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def between(begin: float, end: float, now: float = LENGTH) -> Window:
    return Window.parse(f"{after(begin).isoformat()}/{after(end).isoformat()}", after(now))


def stretches(chance: random.Random) -> list[tuple[bool, int, int]]:
    """Up or down, begin and length in milliseconds; some overlap, as they do when a clock is set back."""
    return [
        (chance.random() < 0.7, chance.randrange(LENGTH * 1000), chance.randrange(1, 1_800_000))
        for _ in range(chance.randrange(1, 12))
    ]


def counted(rows: list[tuple[bool, int, int]], begin: int, end: int) -> tuple[int, int]:
    """Milliseconds up and down by hand: what an earlier row speaks of is not counted again."""
    up = down = 0
    reached = begin
    cut = [(max(at, begin), min(at + length, end), at, state) for state, at, length in rows]
    for first, last, _, state in sorted(row for row in cut if row[1] > row[0]):
        new = max(0, last - max(first, reached))
        up, down = (up + new, down) if state else (up, down + new)
        reached = max(reached, last)
    return up, down


@pytest.mark.parametrize("seed", range(6))
def test_up_down_and_unknown_are_the_window_to_the_second(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    rows = stretches(chance)
    with session(engine, write=True) as unit:
        unit.execute(
            insert(SystemMetric),
            [
                {
                    "metric_type": UP_SECONDS if up else DOWN_SECONDS,
                    "metric_value": length / 1000,
                    "meta": {"beats": 1},
                    "recorded_at": START + timedelta(milliseconds=begin),
                }
                for up, begin, length in rows
            ],
        )
    with session(engine) as unit:
        for _ in range(6):
            begin = chance.randrange(-1000, LENGTH)
            end = begin + chance.randrange(1, LENGTH)
            now = chance.randrange(begin + 1, end + 1000)
            window = between(begin, end, now)
            keys = ("system.up_seconds", "system.down_seconds", "system.unknown_seconds")
            up, down, unknown = (float(read(unit, key, window).value or 0) for key in keys)
            last = min(end, now)
            assert up + down + unknown == pytest.approx(last - begin, abs=0.01)
            assert min(up, down, unknown) >= 0
            expected = counted(rows, begin * 1000, last * 1000)
            assert (up, down) == pytest.approx([each / 1000 for each in expected], abs=0.05)
            share = read(unit, "system.uptime", window)
            if up + down:
                assert share.value == pytest.approx(100 * up / (up + down), abs=0.01)
                low, high = (
                    float(read(unit, f"system.uptime_{end}", window).value or 0)
                    for end in ("lowest", "highest")
                )
                assert low - 1e-6 <= float(share.value or 0) <= high + 1e-6
            else:
                assert share.value is None and share.reason
            behind = prove(unit, "system.uptime", window, first=100).rows
            assert sum(float(row["seconds"]) for row in behind) == pytest.approx(up + down, abs=0.01)


def test_nothing_watched_is_unknown_and_not_down(engine: Engine) -> None:
    with session(engine) as unit:
        window = between(0, 600)
        assert read(unit, "system.uptime", window).value is None
        assert read(unit, "system.coverage", window).value == 0
        assert read(unit, "system.unknown_seconds", window).value == 600
        everything = Window.parse("all", after(600))
        for key in ("system.uptime", "system.coverage", "system.unknown_seconds"):
            assert read(unit, key, everything).value is None
            assert read(unit, key, everything).reason


def test_the_future_is_no_part_of_a_window(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        measure.store_stretches(unit, [Stretch(True, START, 60, 2, "one")])
    with session(engine) as unit:
        assert read(unit, "system.coverage", between(0, 600, now=120)).value == pytest.approx(50)
        assert read(unit, "system.coverage", between(500, 600, now=120)).value is None


def test_a_stretch_told_twice_is_stored_once_and_never_rewritten(engine: Engine) -> None:
    one, other = Stretch(True, START, 30, 1, "one"), Stretch(True, after(30), 30, 1, "one")
    for told in ([one], [one, other]):
        with session(engine, write=True) as unit:
            measure.store_stretches(unit, told)
    with session(engine) as unit:
        reading = read(unit, "system.up_seconds", between(0, 600))
        hours = read_series(unit, "system.heartbeats_by_hour", between(0, 600))
    assert (reading.value, reading.n) == (60, 2)
    assert [(row["at"], row["count"]) for row in hours.rows] == [("2026-03-01T10:00", 2)]


def sample(second: float, answer_ms: float, *, error: str | None = None, caller: str = WEB) -> Sample:
    start = int(after(second).timestamp() * 1e9)
    callee = DATABASE if caller == WEB else WEB
    return Sample(
        caller, callee, "spans.count", start, int((answer_ms + 2) * 1e6), 10**6, int(answer_ms * 1e6), error
    )


def store(engine: Engine, samples: list[Sample]) -> None:
    with session(engine, write=True) as unit:
        measure.introduce(unit, "sqlite")
        measure.store_samples(unit, samples, "sqlite")


def test_latency_is_the_nearest_rank_of_the_answered_queries(engine: Engine) -> None:
    window = between(0, LENGTH)
    answered = [sample(400 * place, place + 1) for place in range(19)]
    store(engine, [*answered, sample(20, 999, error="Away"), sample(30, 500, caller=COLLECTOR)])
    with session(engine) as unit:
        assert read(unit, "db.latency_p50_ms", window).value == 10
        assert read(unit, "db.latency_p95_ms", window).reason == TOO_FEW
        assert read(unit, "db.failures", window).value == 1
    store(engine, [sample(7600, 20)])
    with session(engine) as unit:
        reading = read(unit, "db.latency_p95_ms", window)
        assert (reading.value, reading.n) == (19, 20)
        assert float(prove(unit, "db.latency_p95_ms", window).rows[0]["metric_value"]) == 19
        bars = read_series(unit, "db.latency_by_time", window)
    assert bars.n == 20
    assert [(row["at"][11:], row["value"]) for row in bars.rows[:3]] == [
        ("10:00", 1),
        ("10:05", 2),
        ("10:10", 3),
    ]


def test_the_applications_own_parts_are_left_out_of_every_number_of_the_fleet(
    engine: Engine, tmp_path: Path
) -> None:
    small_fleet(engine, tmp_path)
    domains = ("fleet.", "spans.", "calls.", "traces.", "tokens.")
    everything = Window.parse("all")

    def whole() -> tuple[object, ...]:
        with session(engine) as unit:
            numbers = {
                key: (reading.value, reading.n)
                for key in METRICS
                if key.startswith(domains) and (reading := read(unit, key, everything))
            }
            charts = {
                key: read_series(unit, key, everything).rows for key in SERIES if key.startswith(domains)
            }
            drawn = network(unit, everything, AgentFilter())
            return (
                numbers,
                charts,
                extent(unit),
                [event["agent_id"] for event in latest_events(unit, everything)],
                agent_page(unit, everything, AgentFilter())[1],
                [node["id"] for node in drawn.nodes],
                drawn.edges,
            )

    before = whole()
    store(engine, [sample(second, 5, error="Away" if second == 3 else None) for second in range(30)])
    with session(engine, write=True) as unit:
        for part in PARTS:
            measure.heard(unit, part, everything.at)
        settle_network(unit, own=True)
        settle_network(unit)
    assert whole() == before
    with session(engine) as unit:
        assert read(unit, "system.calls", everything).value == 30
        assert read(unit, "system.parts_operational", everything).value == 3


def test_asked_for_by_name_a_part_shows_what_it_did(engine: Engine) -> None:
    store(engine, [sample(second, 5) for second in range(30)])
    everything = Window.parse("all")
    with session(engine) as unit:
        row = one_agent(unit, everything, DATABASE)
        assert row is not None
        assert row.readings["agent.spans"].value == row.readings["agent.calls_in"].value == 30
        assert row.readings["agent.latency_p50_ms"].value == 5
        for key, listed in row.readings.items():
            assert read(unit, key, everything, (DATABASE,)) == listed
        (pair,) = connections_of(unit, everything, WEB)
        assert (pair.callee_id, pair.readings["connection.calls"].value) == (DATABASE, 30)
        assert read(unit, "connection.calls", everything, (WEB, DATABASE)).value == 30


def test_how_busy_the_own_parts_are_does_not_change_the_fleets_strengths(
    engine: Engine, tmp_path: Path
) -> None:
    from sqlalchemy import select

    from db.models import AgentConnection

    small_fleet(engine, tmp_path)
    store(engine, [sample(second, 5) for second in range(100)])
    with session(engine, write=True) as unit:
        settle_network(unit)
        settle_network(unit, own=True)
    with session(engine) as unit:
        found = {
            row.agent_a_id: float(row.strength)
            for row in unit.execute(select(AgentConnection.agent_a_id, AgentConnection.strength))
        }
    assert found == {"shop": 1.0, WEB: 1.0}


@pytest.mark.parametrize("seed", range(3))
def test_hours_put_together_say_what_the_measurements_say(engine: Engine, seed: int) -> None:
    """Two collectors, gaps, outages, seams of milliseconds, clocks set back; told late, put together twice."""
    chance = random.Random(seed)
    at, told = START, []
    for _ in range(700):
        length = chance.choice((30.0, 30.004, 29.998, 31.5))
        told.append(
            Stretch(
                chance.random() < 0.9, at, length, 1, chance.choice("ab") if chance.random() < 0.02 else "a"
            )
        )
        at += timedelta(
            seconds=chance.choice((length, length, length, length + 0.003, length - 0.5, length + 200))
        )
    late = [told.pop(chance.randrange(len(told))) for _ in range(30)]
    end = (at - START).total_seconds() + 3 * 3600
    windows = [
        between(begin, begin + 4000 + chance.randrange(9000), now=end) for begin in (-50, 1800, 7000, 20_000)
    ]
    windows.append(Window.parse("all", after(end)))
    keys = (
        "system.up_seconds",
        "system.down_seconds",
        "system.unknown_seconds",
        "system.uptime",
        "system.coverage",
    )

    def shown() -> list[float]:
        with session(engine) as unit:
            return [float(read(unit, key, window).value or 0) for key in keys for window in windows]

    def together() -> int:
        with session(engine, write=True) as unit:
            return put_together(unit, "watched-hours", after(end))

    with session(engine, write=True) as unit:
        measure.store_stretches(unit, told)
    assert together() > 3
    with session(engine, write=True) as unit:
        unit.add(Job(name="watched-hours", due_at=after(0), succeeded_at=datetime.now(UTC)))
        measure.store_stretches(unit, late)
    together()
    with session(engine) as unit:
        rows = unit.scalar(select(func.count()).select_from(WatchedHour)) or 0
        series_sum = sum(
            int(row["count"]) for row in read_series(unit, "system.heartbeats_by_hour", windows[-1]).rows
        )
    assert rows < 350 and series_sum <= 700
    found = shown()
    with session(engine, write=True) as unit:
        unit.execute(delete(WatchedHour))
    assert found == pytest.approx(shown(), abs=0.05)
