"""What state a thing was in at every second, out of what was received about it. No SQL, no clock: facts in, pieces out.

Time is counted in whole seconds since 1970 UTC, stretches of it are half-open: [start, end). Every function here gives
pieces that cover the asked time without gap or overlap, so that their lengths add up to it, to the second.

The rules, each where it is applied:
- A heartbeat means up until its interval and grace have passed (`Heard`). Afterwards the thing is down only while this
  application's collector watched, by heartbeats of its own; else unknown.
- When fewer than half of the expected agents are heard in a tick (`drops`), silence is unknown for all.
- A probe's failure counts once `confirmations` failures came in a row, from the first of them on; both times are kept.
- Maintenance and pauses are taken out on both sides; a correction covers everything else.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest
from typing import NamedTuple

TICKS = (60, 300, 3600)  # how often arrivals of the whole fleet are looked at; slow agents need a longer look
FEWEST_EXPECTED = 5  # silence of fewer agents is their own
DROP_SHARE = 0.5
LONGEST_DROP = 86_400  # what stays silent for longer has left
GRACE_SHARE = 0.5  # how much later than planned a probe may come before nobody knows
DEFAULT_LIMIT = 300


class State(StrEnum):
    """What is known about a second."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    PAUSED = "paused"


class Reason(StrEnum):
    """Why a stretch has its state."""

    HEARD = "heard"
    SILENT = "silent"
    UNWATCHED = "unwatched"
    DROP = "drop"
    ANSWERED = "answered"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    NOT_PROBED = "not_probed"
    MAINTENANCE = "maintenance"
    PAUSED = "paused"
    CORRECTED = "corrected"


class Stretch(NamedTuple):
    """Seconds from `start` on, up to but without `end`."""

    start: int
    end: int


@dataclass(frozen=True)
class Heard:
    """Heartbeats of which each came within `limit` seconds of the one before: the first and the last of them."""

    first: int
    last: int
    limit: int

    @property
    def until(self) -> int:
        """How long the last one speaks for."""
        return self.last + self.limit


@dataclass(frozen=True)
class Probed:
    """The outcome of one probe, at the second it was planned for."""

    at: int
    answered: bool


@dataclass(frozen=True)
class Piece:
    """A stretch in one state.

    Attributes:
        confirmed: when a failure that begins here was certain; None where nothing had to be confirmed.
        last: the last sign of life before it, for silence.
        count: how many failed probes stand behind it.
        source: names the maintenance or correction behind it.
    """

    start: int
    end: int
    state: State
    reason: Reason
    confirmed: int | None = None
    last: int | None = None
    count: int = 0
    source: str = ""

    @property
    def seconds(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Totals:
    """Seconds in each state."""

    up: int = 0
    down: int = 0
    unknown: int = 0
    maintenance: int = 0
    paused: int = 0

    @property
    def observed(self) -> int:
        return self.up + self.down

    @property
    def judged(self) -> int:
        """What is neither maintenance nor paused."""
        return self.observed + self.unknown

    @property
    def all(self) -> int:
        return self.judged + self.maintenance + self.paused

    @property
    def availability(self) -> float | None:
        """Percent; None where nothing was observed: never 0, never 100."""
        return 100.0 * self.up / self.observed if self.observed else None

    @property
    def coverage(self) -> float | None:
        return 100.0 * self.observed / self.judged if self.judged else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """What the availability could be if all that is unknown had been down, or up."""
        if not self.observed:
            return None
        return 100.0 * self.up / self.judged, 100.0 * (self.up + self.unknown) / self.judged


def totals(pieces: Iterable[Piece]) -> Totals:
    """The seconds of each state."""
    counted: Counter[str] = Counter()
    for piece in pieces:
        counted[piece.state.value] += piece.seconds
    return Totals(**counted)


def limit_of(period: float | None, grace: float | None = None) -> int:
    """How long a heartbeat speaks for: its interval and, as grace, another one; 5 minutes where none is declared.

    What is no length of time (nothing, NaN, nought, less) counts as not declared.
    """
    if period is None or not math.isfinite(period) or period <= 0:
        return DEFAULT_LIMIT
    extra = grace if grace is not None and math.isfinite(grace) and grace >= 0 else period
    return max(1, math.ceil(period + extra))


def union(stretches: Iterable[tuple[int, int]]) -> list[Stretch]:
    """The same seconds, each once, in order; what ends before it begins holds none."""
    found: list[Stretch] = []
    for start, end in sorted(each for each in stretches if each[0] < each[1]):
        if found and start <= found[-1].end:
            found[-1] = Stretch(found[-1].start, max(end, found[-1].end))
        else:
            found.append(Stretch(start, end))
    return found


# --- painting: layer over layer -------------------------------------------------------------------


def cover(pieces: Sequence[Piece], layer: Iterable[Piece]) -> list[Piece]:
    """`pieces` with `layer` over them, as far as they reach. Where it overlaps itself, what begins first stands."""
    marks, found, place = _apart(layer), [], 0
    for piece in pieces:
        at = piece.start
        while place and marks[place - 1].end > at:
            place -= 1
        while place < len(marks) and marks[place].start < piece.end:
            mark = marks[place]
            start, end = max(mark.start, at), min(mark.end, piece.end)
            if start < end:
                if at < start:
                    found.append(replace(piece, start=at, end=start))
                found.append(replace(mark, start=start, end=end))
                at = end
            place += 1
        if at < piece.end:
            found.append(replace(piece, start=at))
    return joined(found)


def _apart(layer: Iterable[Piece]) -> list[Piece]:
    found: list[Piece] = []
    for mark in sorted(layer, key=lambda each: (each.start, -each.end)):
        start = max(mark.start, found[-1].end) if found else mark.start
        if start < mark.end:
            found.append(replace(mark, start=start))
    return found


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours that say the same as one."""
    found: list[Piece] = []
    for piece in pieces:
        if (
            found
            and found[-1].end == piece.start
            and replace(found[-1], end=piece.end) == replace(piece, start=found[-1].start)
        ):
            found[-1] = replace(found[-1], end=piece.end)
        else:
            found.append(piece)
    return found


def _marks(stretches: Iterable[tuple[int, int]], state: State, reason: Reason) -> list[Piece]:
    return [Piece(start, end, state, reason) for start, end in union(stretches)]


def _blank(start: int, end: int, reason: Reason) -> list[Piece]:
    return [Piece(start, end, State.UNKNOWN, reason)] if start < end else []


def exempted(
    pieces: Sequence[Piece], maintenance: Iterable[Piece] = (), pauses: Iterable[tuple[int, int]] = ()
) -> list[Piece]:
    """`pieces` without what is judged by nobody: maintenance, and over it pauses."""
    return cover(cover(pieces, maintenance), _marks(pauses, State.PAUSED, Reason.PAUSED))


# --- agents: heartbeats -------------------------------------------------------------------------------


def agent_states(
    start: int,
    end: int,
    heard: Sequence[Heard],
    *,
    watched: Iterable[tuple[int, int]] = (),
    dropped: Iterable[tuple[int, int]] = (),
) -> list[Piece]:
    """The states of what sends heartbeats; `watched` is when this application was there to hear them."""
    pieces = cover(_blank(start, end, Reason.UNWATCHED), _marks(watched, State.DOWN, Reason.SILENT))
    pieces = cover(pieces, _marks(dropped, State.UNKNOWN, Reason.DROP))
    up = [(each.first, each.until) for each in heard]
    return [_told(piece, heard) for piece in cover(pieces, _marks(up, State.UP, Reason.HEARD))]


def _told(piece: Piece, heard: Sequence[Heard]) -> Piece:
    """Silence with its last sign of life."""
    if piece.state is not State.DOWN:
        return piece
    last = max((each.last for each in heard if each.until <= piece.start), default=None)
    return replace(piece, last=last, confirmed=piece.start)


def watched_states(
    start: int, end: int, up: Iterable[tuple[int, int]], down: Iterable[tuple[int, int]]
) -> list[Piece]:
    """The states of what the collector itself watched, such as the database."""
    pieces = cover(_blank(start, end, Reason.UNWATCHED), _marks(up, State.UP, Reason.ANSWERED))
    failed = [replace(each, confirmed=each.start) for each in _marks(down, State.DOWN, Reason.FAILED)]
    return cover(pieces, failed)


def tick_of(limit: int) -> int | None:
    """How long a look at the fleet must be for an agent of this limit; None where none is long enough."""
    return next((tick for tick in TICKS if limit <= tick), None)


def drops(fleet: Sequence[Sequence[Heard]], start: int, end: int) -> list[Stretch]:
    """When fewer than half of the agents that were to be heard were heard, by the ticks that lie in [start, end).

    A drop reaches back one tick before the one that shows it, for the silence began in it, and lasts until half of
    those agents are heard again, for a day at most. A long tick, for agents that are seldom heard, says nothing where
    a shorter one had enough agents to look at.
    """
    found: list[Stretch] = []
    looked_at: list[Stretch] = []
    for tick in TICKS:
        quick = [[each for each in agent if each.limit <= tick] for agent in fleet]
        fell, judged = _fallen([agent for agent in quick if agent], start // tick, end // tick, tick)
        found += without(fell, looked_at)
        looked_at = union([*looked_at, *judged, *fell])
    return union(found)


def without(stretches: Iterable[tuple[int, int]], taken: Iterable[tuple[int, int]]) -> list[Stretch]:
    """The seconds of the first that are none of the second."""
    left = [Piece(start, end, State.UP, Reason.HEARD) for start, end in union(stretches)]
    kept = cover(left, _marks(taken, State.UNKNOWN, Reason.DROP))
    return [Stretch(each.start, each.end) for each in kept if each.state is State.UP]


def _fallen(
    fleet: Sequence[Sequence[Heard]], first: int, last: int, tick: int
) -> tuple[list[Stretch], list[Stretch]]:
    """The drops that ticks of this length show, and where they had enough agents to look at."""
    expected, kept, came = (_Steps(first, last) for _ in range(3))
    for agent in fleet:
        expected.add((-(-each.first // tick), -(-each.until // tick)) for each in agent)
        kept.add((-(-each.first // tick), each.last // tick + 1) for each in agent)
        came.add((each.first // tick, each.last // tick + 1) for each in agent)
    fell: list[Stretch] = []
    judged: list[Stretch] = []
    began, base = None, 0
    for place, (wanted, held, here) in enumerate(zip(expected, kept, came, strict=True), first):
        if wanted >= FEWEST_EXPECTED:
            judged.append(Stretch(place * tick, (place + 1) * tick))
        if began is None:
            if wanted >= FEWEST_EXPECTED and held < DROP_SHARE * wanted:
                began, base = place, wanted
        elif here >= DROP_SHARE * base or (place - began) * tick >= LONGEST_DROP:
            fell.append(Stretch((began - 1) * tick, (place + 1) * tick))
            began = None
    if began is not None:
        fell.append(Stretch((began - 1) * tick, last * tick))
    return fell, judged


class _Steps:
    """How many agents there are at each place from `first` to `last`; one counts once, however often it is told."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.changes = first, [0] * max(0, last - first + 1)

    def add(self, stretches: Iterable[tuple[int, int]]) -> None:
        limit = len(self.changes) - 1
        for start, end in union(stretches):
            low, high = max(0, start - self.first), min(limit, end - self.first)
            if low < high:
                self.changes[low] += 1
                self.changes[high] -= 1

    def __iter__(self) -> Iterator[int]:
        count = 0
        for change in self.changes[:-1]:
            count += change
            yield count


# --- probes -------------------------------------------------------------------------------------------


def probe_states(
    start: int, end: int, results: Iterable[Probed], *, interval: int, confirmations: int
) -> list[Piece]:
    """The states of what is probed every `interval` seconds.

    A result speaks for the time until the next one, and no longer than one and a half intervals. Failures that are
    fewer in a row than `confirmations` change nothing: what was up stays up, and the piece counts them.
    """
    found: list[Piece] = []
    before = State.UNKNOWN
    for run, stretch in _runs(results, interval):
        if found and found[-1].end < stretch.start:
            before = State.UNKNOWN
        piece = _of_run(run, stretch, before, confirmations)
        before = piece.state
        found.append(piece)
    return cover(_blank(start, end, Reason.NOT_PROBED), found)


def reach_of(interval: int) -> int:
    """How long a result speaks for, where no other follows."""
    return interval + max(1, math.ceil(interval * GRACE_SHARE))


def settled_to(
    results: Iterable[Probed], at: int, *, interval: int, confirmations: int, slack: int = 0
) -> int:
    """Up to when the states of a probed thing can be told at `at`.

    Not beyond the next result that is to come, as long as it may (`slack` is what it takes); and a failure is not
    judged before it is confirmed or over, so that nothing has to be taken back.
    """
    runs = list(_runs(results, interval))
    if not runs:
        return at
    run, stretch = runs[-1]
    last = run[-1].at
    if at > last + reach_of(interval) + slack:
        return at
    if not run[0].answered and len(run) < confirmations:
        return min(at, run[0].at)
    return min(at, last + interval)


def _runs(results: Iterable[Probed], interval: int) -> Iterator[tuple[list[Probed], Stretch]]:
    """Results of one kind in a row, without a pause, and the time they speak for. Of two at one second, the failure."""
    worst = {each.at: each for each in sorted(results, key=lambda each: not each.answered)}
    told = [worst[at] for at in sorted(worst)]
    reach = reach_of(interval)
    run: list[Probed] = []
    until = 0
    for each, after in zip_longest(told, told[1:]):
        if run and (run[-1].answered is not each.answered or until < each.at):
            yield run, Stretch(run[0].at, until)
            run = []
        run.append(each)
        until = each.at + reach if after is None else min(after.at, each.at + reach)
    if run:
        yield run, Stretch(run[0].at, until)


def _of_run(run: Sequence[Probed], stretch: Stretch, before: State, confirmations: int) -> Piece:
    start, end = stretch
    if run[0].answered:
        return Piece(start, end, State.UP, Reason.ANSWERED)
    if len(run) >= max(1, confirmations):
        confirmed = run[max(1, confirmations) - 1].at
        return Piece(start, end, State.DOWN, Reason.FAILED, confirmed=confirmed, count=len(run))
    return Piece(start, end, before, Reason.UNCONFIRMED, count=len(run))
