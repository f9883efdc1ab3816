"""Charts over time, and by how long or how well something went, once more: bar by bar in Python over single rows."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db.models import Span, SystemMetric
from db.models.rollup import EDGES_MS
from db.models.uptime import CheckResult
from db.recompute.base import MS, SAMPLED, Amount, Cells, Chart, Ranks, Rows, Spans, covers, recomputes
from db.recompute.beyond import MEASUREMENTS, RESULTS, SPANS
from db.recompute.spans import Known
from db.recompute.tasks import own_parts
from db.recompute.watched import ROUND_TRIP, pieces, told_of
from db.window import NANOSECONDS, Window

MINUTES_5, HOUR, DAY = 300, 3600, 86_400
Medians = dict[tuple[Window, str], Ranks]


def width_of(window: Window) -> int:
    """A bar's seconds: five minutes up to two days, an hour up to two weeks, else a day."""
    if window.start is None or window.end is None:
        return DAY
    length = (window.end - window.start).total_seconds()
    return MINUTES_5 if length <= 2 * DAY else HOUR if length <= 14 * DAY else DAY


def bar_of(second: int, width: int) -> str:
    """The start in UTC of the bar in which a second lies."""
    begin = datetime.fromtimestamp(second // width * width, UTC)
    return begin.isoformat()[:16]


def _medians(
    windows: Sequence[Window], each: Callable[[], Iterator[tuple[int, Amount, Sequence[Window]]]]
) -> Medians:
    """Ranks by window and bar of what `each` gives twice: a second, a value and the windows in which it lies."""
    ranks: Medians = {}
    for second, value, inside in each():
        for window in inside:
            ranks.setdefault((window, bar_of(second, width_of(window))), Ranks(50)).count(value)
    for found in ranks.values():
        found.aim()
    for second, value, inside in each():
        for window in inside:
            ranks[window, bar_of(second, width_of(window))].collect(value)
    return ranks


def _bars(
    key: str, windows: Sequence[Window], ranks: Medians, unit: int = 1, subject: tuple[str, ...] = ()
) -> Iterator[Chart]:
    for window in windows:
        rows: dict[tuple[Any, ...], Cells] = {
            (bar,): {"seconds": width_of(window), "value": found.value(50) / unit, "count": found.n}
            for (of, bar), found in ranks.items()
            if of is window
        }
        yield Chart(key, window, ("at",), rows, subject)


@recomputes("db.latency_by_time", reads=(MEASUREMENTS,))
def round_trips(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    columns = (SystemMetric.recorded_at, SystemMetric.metric_type, SystemMetric.metric_value)

    def each() -> Iterator[tuple[int, Amount, Sequence[Window]]]:
        for at, kind, value in rows.each(*columns):
            if kind == ROUND_TRIP and value is not None and at is not None:
                yield int(at.timestamp() // 1), value, [one for one in windows if covers(one, at)]

    yield from _bars("db.latency_by_time", windows, _medians(windows, each))


@recomputes("checks.latency_by_time", reads=(RESULTS,))
def check_times(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    counts = Counter(check for (check,) in rows.each(CheckResult.check_id))
    columns = (CheckResult.check_id, CheckResult.at, CheckResult.is_up, CheckResult.milliseconds)
    for check, _ in counts.most_common(SAMPLED):

        def each(about: UUID = check) -> Iterator[tuple[int, Amount, Sequence[Window]]]:
            for key, at, is_up, value in rows.each(*columns):
                if key == about and is_up and value is not None:
                    yield int(at.timestamp() // 1), value, [one for one in windows if covers(one, at)]

        ranks = _medians(windows, each)
        yield from _bars("checks.latency_by_time", windows, ranks, subject=(str(check),))


@recomputes("agent.latency_by_time", reads=(SPANS,))
def agent_times(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    own, lying = own_parts(rows), Spans(windows)
    counts = Counter(agent for (agent,) in rows.each(Span.agent_id) if agent is not None and agent not in own)
    about = {agent for agent, _ in counts.most_common(SAMPLED)}
    for agent in sorted(about):

        def each(of: str = agent) -> Iterator[tuple[int, Amount, Sequence[Window]]]:
            for start, duration, whose in rows.each(Span.start_ns, Span.duration_ns, Span.agent_id):
                if whose == of:
                    yield start // NANOSECONDS, duration, lying.of(start)

        yield from _bars("agent.latency_by_time", windows, _medians(windows, each), MS, (agent,))


@recomputes("system.heartbeats_by_hour")
def heartbeats(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    told = told_of(rows)
    for window in windows:
        counts: Counter[str] = Counter()
        for stretch, _ in pieces(told, window):
            counts[bar_of(int(stretch.since.timestamp() // 1), HOUR)] += stretch.beats
        found: dict[tuple[Any, ...], Cells] = {
            (bar,): {"seconds": HOUR, "count": many} for bar, many in counts.items()
        }
        yield Chart("system.heartbeats_by_hour", window, ("at",), found)


@recomputes("spans.latency_histogram", reads=(SPANS,))
def durations(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    own, lying = own_parts(rows), Spans(windows)
    ends = [round(edge * MS) for edge in EDGES_MS]
    counts: dict[Window, Counter[int]] = {window: Counter() for window in windows}
    for start, duration, agent in rows.each(Span.start_ns, Span.duration_ns, Span.agent_id):
        for window in lying.of(start) if agent not in own else ():
            counts[window][sum(duration >= end for end in ends)] += 1
    for window in windows:
        found: dict[tuple[Any, ...], Cells] = {}
        for place, many in counts[window].items():
            low = EDGES_MS[place - 1] if place else 0.0
            high = EDGES_MS[place] if place < len(EDGES_MS) else None
            found[low,] = {"high_ms": high, "count": many}
        yield Chart("spans.latency_histogram", window, ("low_ms",), found)


@recomputes("fleet.efficiency_histogram", reads=(SPANS,))
def efficiencies(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    known, lying = Known(rows), Spans(windows)
    tasks: dict[Window, Counter[str]] = {window: Counter() for window in windows}
    hits: dict[Window, Counter[str]] = {window: Counter() for window in windows}
    columns = (Span.start_ns, Span.agent_id, Span.service, Span.status, Span.is_task)
    for span in rows.each(*columns):
        outcome = None if span.agent_id is None or span.agent_id in known.own else known.outcome(span)
        for window in lying.of(span.start_ns) if outcome is not None else ():
            tasks[window][span.agent_id] += 1
            hits[window][span.agent_id] += outcome or 0
    for window in windows:
        bins = Counter(min(9, 10 * hits[window][agent] // n) for agent, n in tasks[window].items())
        found: dict[tuple[Any, ...], Cells] = {
            (10 * place,): {"high": 10 * place + 10, "count": many} for place, many in bins.items()
        }
        yield Chart("fleet.efficiency_histogram", window, ("low",), found)
