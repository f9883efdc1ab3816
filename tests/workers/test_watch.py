"""Heartbeats become stretches: nothing is claimed that two heartbeats of one process do not enclose."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from workers.watch import Watch

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def beat(watch: Watch, second: float, error: str | None = None, *, clock: float | None = None) -> None:
    at = START + timedelta(seconds=second)
    watch.begin(at, second if clock is None else clock)
    watch.end(at, second if clock is None else clock, error)


def told(watch: Watch) -> list[tuple[bool, float, float, int]]:
    return [
        (each.up, (each.since - START).total_seconds(), each.seconds, each.beats) for each in watch.unsaved
    ]


def test_one_heartbeat_proves_no_time() -> None:
    watch = Watch("one", 45)
    beat(watch, 0)
    assert told(watch) == []
    beat(watch, 30)
    assert told(watch) == [(True, 0, 30, 1)]


def test_a_failed_heartbeat_is_down_from_its_own_start_until_the_next_one_that_is_answered() -> None:
    watch = Watch("one", 45)
    for second, error in ((0, None), (30, "Away"), (60, "Away"), (90, None), (120, None)):
        beat(watch, second, error)
    assert told(watch) == [(True, 0, 30, 1), (False, 30, 30, 1), (False, 60, 30, 1), (True, 90, 30, 1)]
    assert [each.error for each in watch.unsaved] == [None, "Away", "Away", None]


def test_a_frozen_process_leaves_a_gap() -> None:
    watch = Watch("one", 45)
    for second in (0, 30, 200, 230):
        beat(watch, second)
    assert told(watch) == [(True, 0, 30, 1), (True, 200, 30, 1)]


def test_sleep_that_the_monotonic_clock_does_not_count_is_a_gap() -> None:
    watch = Watch("one", 45)
    beat(watch, 0, clock=0)
    beat(watch, 30, clock=30)
    beat(watch, 7230, clock=60)  # two hours asleep
    beat(watch, 7260, clock=90)
    assert told(watch) == [(True, 0, 30, 1), (True, 30, 30, 1), (True, 7230, 30, 1)]


def test_a_pause_is_a_gap() -> None:
    watch = Watch("one", 45)
    beat(watch, 0)
    watch.pause()
    beat(watch, 30)
    beat(watch, 60)
    assert told(watch) == [(True, 30, 30, 1)]


def test_what_is_saved_is_never_told_again() -> None:
    watch = Watch("one", 45)
    beat(watch, 0)
    beat(watch, 30)
    watch.saved(list(watch.unsaved))
    beat(watch, 60)
    assert told(watch) == [(True, 30, 30, 1)]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_stretches_never_overlap_and_lie_between_heartbeats(seed: int) -> None:
    chance, watch = random.Random(seed), Watch("one", 45)
    second, enclosed, last = 0.0, 0.0, None
    for _ in range(60):
        step = chance.choice((30.0, 31.5, 44.9, 45.1, 600.0))
        second += step
        if last is not None and step <= 45:
            enclosed += step
        if chance.random() < 0.1:
            watch.pause()
            last = None
            continue
        beat(watch, second, chance.choice((None, None, "Away")))
        last = second
    rows = sorted(told(watch), key=lambda row: row[1])
    for (_, begin, length, _), (_, following, _, _) in zip(rows, rows[1:], strict=False):
        assert begin + length <= following + 1e-6
    assert sum(row[2] for row in rows) <= enclosed + 1e-6
