"""From what was received to a state at every second: the rules, clocks that jump, and totals that add up."""

from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from db.uptime import (
    LONGEST_DROP,
    Heard,
    Piece,
    Probed,
    Reason,
    State,
    Stretch,
    Totals,
    agent_states,
    cover,
    drops,
    exempted,
    limit_of,
    probe_states,
    settled_to,
    totals,
    union,
    watched_states,
)

NOON = 1_800_000_000  # a whole minute, five minutes and hour
UP, DOWN, UNKNOWN = State.UP, State.DOWN, State.UNKNOWN


def told(pieces: list[Piece]) -> list[tuple[int, int, str]]:
    """Start and end from noon on, and the state."""
    return [(each.start - NOON, each.end - NOON, each.state.value) for each in pieces]


def beats(*at: int, limit: int = 40) -> list[Heard]:
    """Single heartbeats, from noon on."""
    return [Heard(NOON + each, NOON + each, limit) for each in at]


def agent(heard: list[Heard], end: int = 200, **more: Any) -> list[tuple[int, int, str]]:
    whole = {"watched": [(NOON, NOON + end)]} | more
    return told(agent_states(NOON, NOON + end, heard, **whole))


# --- heartbeats -----------------------------------------------------------------------------------------


def test_a_heartbeat_means_up_until_interval_and_grace_have_passed_and_then_down_while_we_watched() -> None:
    assert agent(beats(0, 20), watched=[(NOON, NOON + 100)]) == [
        (0, 60, "up"),
        (60, 100, "down"),
        (100, 200, "unknown"),
    ]


def test_silence_begins_when_it_is_due_and_tells_the_last_sign_of_life() -> None:
    silent = agent_states(NOON, NOON + 100, beats(0, 20), watched=[(NOON, NOON + 100)])[1]
    assert (silent.confirmed, silent.last) == (NOON + 60, NOON + 20)


def test_our_own_outage_is_never_down() -> None:
    assert agent(beats(0, 150), watched=[(NOON, NOON + 30), (NOON + 140, NOON + 200)]) == [
        (0, 40, "up"),
        (40, 140, "unknown"),
        (140, 150, "down"),
        (150, 190, "up"),
        (190, 200, "down"),
    ]


def test_what_is_told_twice_or_out_of_order_changes_nothing() -> None:
    assert agent(beats(20, 0, 20, 0)) == agent(beats(0, 20)) == [(0, 60, "up"), (60, 200, "down")]


def test_a_clock_put_forward_leaves_the_time_it_skipped_unknown() -> None:
    """Heartbeats go on, an hour later by the clock; the collector, which counts by another one, did not watch it."""
    hour = 3600
    found = agent(beats(0, hour), end=hour + 40, watched=[(NOON, NOON + 30), (NOON + hour, NOON + hour + 40)])
    assert found == [(0, 40, "up"), (40, hour, "unknown"), (hour, hour + 40, "up")]


def test_a_clock_put_back_counts_no_second_twice() -> None:
    pieces = agent_states(
        NOON, NOON + 100, beats(50, 10), watched=[(NOON + 40, NOON + 100), (NOON, NOON + 80)]
    )
    assert told(pieces) == [(0, 10, "down"), (10, 90, "up"), (90, 100, "down")]
    assert totals(pieces).all == 100


def test_a_window_in_the_future_or_of_no_length_holds_nothing() -> None:
    assert agent_states(NOON, NOON, beats(0)) == agent_states(NOON, NOON - 5, beats(0)) == []
    assert Totals().availability is Totals().coverage is Totals().bounds is None


@pytest.mark.parametrize("period", [None, float("nan"), float("inf"), 0, -3])
def test_what_is_no_interval_counts_as_none_declared(period: float | None) -> None:
    assert limit_of(period) == 300
    assert limit_of(20, period) == (20 if period == 0 else 40)


# --- a drop of the whole fleet ----------------------------------------------------------------------------


def fleet(silent: int, *, of: int = 10, until: int = 600, back: int = 1200) -> list[list[Heard]]:
    """Agents of which so many are silent from `until` to `back`."""
    whole = [Heard(NOON, NOON + 3600, 40)]
    broken = [Heard(NOON, NOON + until - 5, 40), Heard(NOON + back + 10, NOON + 3600, 40)]
    return [broken if place < silent else whole for place in range(of)]


def test_when_fewer_than_half_are_heard_silence_is_unknown_from_a_tick_before_until_they_are_back() -> None:
    found = drops(fleet(6), NOON, NOON + 3600)
    assert found == [Stretch(NOON + 540, NOON + 1260)]
    silent = agent(fleet(6)[0], end=1300, dropped=found)
    assert silent == [(0, 635, "up"), (635, 1210, "unknown"), (1210, 1300, "up")]


@pytest.mark.parametrize(("silent", "of"), [(5, 10), (1, 10), (4, 4)])
def test_silence_of_half_or_fewer_or_of_a_handful_is_their_own(silent: int, of: int) -> None:
    assert drops(fleet(silent, of=of), NOON, NOON + 3600) == []


def test_agents_that_stay_away_for_a_day_have_left() -> None:
    gone = [[Heard(NOON, NOON + 595, 40)]] * 6
    (found,) = drops(gone, NOON, NOON + 3 * LONGEST_DROP)
    assert LONGEST_DROP <= found.end - found.start <= LONGEST_DROP + 2 * 3600


# --- probes -----------------------------------------------------------------------------------------------


def probe(text: str, *, k: int = 3, end: int | None = None, interval: int = 60) -> list[Piece]:
    """One result a minute from noon on: + answered, - failed, a blank for none."""
    results = [Probed(NOON + place * interval, sign == "+") for place, sign in enumerate(text) if sign != " "]
    return probe_states(
        NOON, NOON + (end or len(text) * interval), results, interval=interval, confirmations=k
    )


def test_a_confirmed_failure_begins_with_the_first_one_and_keeps_when_it_was_certain() -> None:
    up, down, again = probe("++----+")
    assert told([up, down, again]) == [(0, 120, "up"), (120, 360, "down"), (360, 420, "up")]
    assert (down.confirmed, down.count) == (NOON + 240, 4)


def test_failures_too_few_in_a_row_cost_nothing_and_are_counted() -> None:
    pieces = probe("+--+")
    assert [each.state for each in pieces] == [UP, UP, UP]
    assert (pieces[1].reason, pieces[1].count) == (Reason.UNCONFIRMED, 2)
    assert [each.state for each in probe("--+")] == [UNKNOWN, UP]


def test_a_probe_that_did_not_come_is_unknown_and_breaks_the_row() -> None:
    assert told(probe("+   +")) == [(0, 90, "up"), (90, 240, "unknown"), (240, 300, "up")]
    assert [each.state for each in probe("+--    -")] == [UP, UP, UNKNOWN, UNKNOWN]


def test_of_two_results_of_one_second_the_failure_stands() -> None:
    results = [Probed(NOON, False), Probed(NOON, True)]
    for given_ in (results, results[::-1]):
        (piece,) = probe_states(NOON, NOON + 60, given_, interval=60, confirmations=1)
        assert piece.state is DOWN


def test_a_failure_is_not_judged_before_it_is_confirmed() -> None:
    def settled(text: str, at: int) -> int:
        results = [Probed(NOON + place * 60, sign == "+") for place, sign in enumerate(text)]
        return settled_to(results, NOON + at, interval=60, confirmations=3, slack=30) - NOON

    assert settled("+", 200) == 200  # no result came for longer than one may take
    assert settled("+", 70) == 60
    assert settled("+--", 130) == 60
    assert settled("+---", 190) == 190
    assert settled("+--", 400) == 400


# --- the parts, maintenance, pauses, corrections ------------------------------------------------------------


def test_the_database_is_down_while_the_collector_waited_for_it_and_unknown_while_nobody_watched() -> None:
    pieces = watched_states(NOON, NOON + 100, up=[(NOON, NOON + 30)], down=[(NOON + 30, NOON + 60)])
    assert told(pieces) == [(0, 30, "up"), (30, 60, "down"), (60, 100, "unknown")]


def test_maintenance_and_pauses_leave_both_sides_and_a_correction_covers_everything() -> None:
    pieces = agent_states(NOON, NOON + 200, beats(0), watched=[(NOON, NOON + 200)])
    window = [Piece(NOON + 30, NOON + 100, State.MAINTENANCE, Reason.MAINTENANCE, source="m")]
    pieces = exempted(pieces, window, [(NOON + 80, NOON + 120)])
    assert told(pieces) == [
        (0, 30, "up"),
        (30, 80, "maintenance"),
        (80, 120, "paused"),
        (120, 200, "down"),
    ]
    assert totals(pieces) == Totals(up=30, down=80, maintenance=50, paused=40)
    fixed = cover(pieces, [Piece(NOON + 110, NOON + 150, UP, Reason.CORRECTED, source="c")])
    assert totals(fixed) == Totals(up=70, down=50, maintenance=50, paused=30)


def test_shares_and_bounds() -> None:
    found = Totals(up=60, down=20, unknown=20, maintenance=7, paused=3)
    assert (found.availability, found.coverage, found.bounds) == (75.0, 80.0, (60.0, 80.0))
    assert found.all == 110


# --- whatever comes, it adds up -------------------------------------------------------------------------------

MOMENT = st.integers(-50, 450)
SPAN = st.tuples(MOMENT, MOMENT)  # also reversed, empty, overlapping, before and after the window
SPANS = st.lists(SPAN, max_size=6)
BEATS = st.lists(st.tuples(MOMENT, st.integers(0, 60), st.integers(1, 80)), max_size=8)
MARKS = st.lists(st.tuples(MOMENT, MOMENT, st.sampled_from(sorted(State)), st.sampled_from("ab")), max_size=5)


def holds(pieces: list[Piece], start: int, end: int) -> None:
    """No gap, no overlap, no empty piece, no neighbour that says the same, and the whole window."""
    assert [each.end for each in pieces[:-1]] == [each.start for each in pieces[1:]]
    assert all(each.seconds > 0 for each in pieces)
    assert totals(pieces).all == max(0, end - start)
    if pieces:
        assert (pieces[0].start, pieces[-1].end) == (start, end)
    for one, other in zip(pieces, pieces[1:], strict=False):
        assert (one.state, one.reason, one.source) != (other.state, other.reason, other.source) or (
            one.confirmed,
            one.last,
            one.count,
        ) != (other.confirmed, other.last, other.count)


def state_at(second: int, heard: list[Heard], watched: Any, dropped: Any) -> State:
    """The rule, said once more for one second alone."""
    if any(each.first <= second < each.until for each in heard):
        return UP
    if any(start <= second < end for start, end in dropped):
        return UNKNOWN
    return DOWN if any(start <= second < end for start, end in watched) else UNKNOWN


@seed(6)
@settings(max_examples=300, deadline=None)
@given(BEATS, SPANS, SPANS, SPANS, MARKS, MOMENT, MOMENT)
def test_states_of_agents_add_up_to_the_second(
    given_beats: Any, watched: Any, dropped: Any, pauses: Any, marks: Any, start: int, end: int
) -> None:
    heard = [Heard(first, first + more, limit) for first, more, limit in given_beats]
    pieces = agent_states(start, end, heard, watched=watched, dropped=dropped)
    holds(pieces, start, end)
    for piece in pieces:
        for second in (piece.start, piece.end - 1):
            assert piece.state is state_at(second, heard, watched, dropped), second
    layer = [Piece(first, last, state, Reason.CORRECTED, source=name) for first, last, state, name in marks]
    holds(exempted(pieces, layer, pauses), start, end)
    found = totals(exempted(pieces, layer, pauses))
    assert found.paused >= sum(
        min(last, end) - max(first, start)
        for first, last in union(pauses)
        if min(last, end) > max(first, start)
    )
    if found.bounds is not None and found.availability is not None:
        assert found.bounds[0] <= found.availability <= found.bounds[1]


@seed(6)
@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(MOMENT, st.booleans()), max_size=12),
    st.integers(5, 60),
    st.integers(1, 4),
    MOMENT,
    MOMENT,
)
def test_states_of_checks_add_up_to_the_second(
    results: list[tuple[int, bool]], interval: int, confirmations: int, start: int, end: int
) -> None:
    probed = [Probed(at, answered) for at, answered in results]
    holds(probe_states(start, end, probed, interval=interval, confirmations=confirmations), start, end)


@seed(6)
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(MOMENT, st.booleans()), max_size=12), st.integers(5, 40), st.integers(1, 3), MOMENT)
def test_what_is_settled_stays_whatever_comes_later(
    results: list[tuple[int, bool]], interval: int, confirmations: int, at: int
) -> None:
    """Results come in order, each at the moment it was planned for."""
    kept = sorted(dict(results).items())
    every = [Probed(moment, answered) for moment, answered in kept]
    known = [each for each in every if each.at <= at]
    spaced = all(b.at - a.at >= interval for a, b in zip(every, every[1:], strict=False))
    if not known or not spaced:
        return
    end = settled_to(known, at, interval=interval, confirmations=confirmations)
    start = known[0].at
    how = {"interval": interval, "confirmations": confirmations}
    now = [(each.start, each.end, each.state) for each in probe_states(start, end, known, **how)]
    later = [(each.start, each.end, each.state) for each in probe_states(start, end, every, **how)]
    assert now == later
