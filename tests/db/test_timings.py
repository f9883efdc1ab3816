"""Timings in memory: every failure, a fair few of the rest, and nothing lost while the database is away."""

import random
from datetime import UTC, datetime

from db.timings import MOST_KEPT, MOST_PICKED, Timing, Timings

AT = datetime(2026, 3, 4, tzinfo=UTC)


def timing(ms: float | None) -> Timing:
    return Timing("web.server_time_ms", ms, "asked", "x", "web", AT)


def test_of_many_a_fair_few_are_kept_and_of_failures_all() -> None:
    kept = Timings(random.Random(4).randrange)
    for place in range(1000):
        kept.keep(timing(place))
        if place % 100 == 0:
            kept.keep(timing(None))
    drained = kept.drain()
    times = [each.ms for each in drained if each.ms is not None]
    assert len(times) == len(set(times)) == MOST_PICKED
    assert sum(each.ms is None for each in drained) == 10
    assert 400 < sum(times) / len(times) < 600, "early and late ones have the same chance"
    assert kept.drain() == []


def test_what_could_not_be_stored_comes_again_up_to_a_bound() -> None:
    kept = Timings()
    kept.give_back([timing(place) for place in range(MOST_KEPT + 5)])
    kept.keep(timing(7))
    assert (len(kept.drain()), kept.lost) == (MOST_KEPT + 1, 5)
