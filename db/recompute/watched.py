"""The application itself once more: its clock, the time it was watched, its round trips, and what it refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import settings
from db.models import SystemMetric
from db.models.uptime import WatchedHour
from db.recompute.base import Again, Ranks, Rows, counted, covers, recomputes
from db.recompute.beyond import MEASUREMENTS
from db.window import Window

ROUND_TRIP = "db.round_trip_ms"
UP, DOWN = "collector.up_seconds", "collector.down_seconds"
MOMENTS = 0.002  # moments are kept to the millisecond, by each database in its own way


@recomputes("system.elapsed_days")
def elapsed(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    for window in windows:
        yield Again(
            "system.elapsed_days",
            window,
            (window.at - settings.epoch()).total_seconds() / 86_400,
            within=1e-6,
        )


@recomputes(
    "db.latency_p50_ms", "db.latency_p95_ms", "db.latency_p99_ms", "db.failures", reads=(MEASUREMENTS,)
)
def round_trips(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    ranks, failures = {window: Ranks(50, 95, 99) for window in windows}, dict.fromkeys(windows, 0)
    columns = (SystemMetric.recorded_at, SystemMetric.metric_type, SystemMetric.metric_value)
    for at, kind, value in rows.each(*columns):
        for window in windows if kind == ROUND_TRIP else ():
            if covers(window, at):
                failures[window] += value is None
                if value is not None:
                    ranks[window].count(value)
    for each in ranks.values():
        each.aim()
    for at, kind, value in rows.each(*columns):
        for window in windows if kind == ROUND_TRIP and value is not None else ():
            if covers(window, at):
                ranks[window].collect(value)
    for window in windows:
        yield Again("db.failures", window, failures[window])
        for percent in (50, 95, 99):
            yield Again(f"db.latency_p{percent}_ms", window, ranks[window].value(percent), ranks[window].n)


@recomputes("ingest.refused", "ingest.late", reads=(MEASUREMENTS,))
def received(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    kinds = {"ingest.refused": "ingest.refused_items", "ingest.late": "ingest.late_items"}
    terms = {key: _of_kind(kind) for key, kind in kinds.items()}
    columns = (SystemMetric.recorded_at, SystemMetric.metric_type, SystemMetric.metric_value)
    sums = counted(rows, windows, columns, terms)
    for window in windows:
        for key in kinds:
            yield Again(key, window, int(sums.of(window, key)))


def _of_kind(kind: str) -> Any:
    return lambda row: row.metric_value if row.metric_type == kind else None


@recomputes(
    "system.uptime",
    "system.coverage",
    "system.up_seconds",
    "system.down_seconds",
    "system.unknown_seconds",
    "system.uptime_lowest",
    "system.uptime_highest",
)
def uptime(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    """Stretches in the order of their beginning; time that an earlier one speaks of is not counted again. The hours
    that were put together stand for their measurements, which need not be there any more."""
    told = told_of(rows)
    for window in windows:
        up, down, beats = _watched(told, window)
        length = _length(told, window)
        known = {"system.up_seconds": up, "system.down_seconds": down}
        for key, value in known.items():
            yield Again(key, window, value, beats, within=MOMENTS)
        unknown = None if length is None else length - up - down
        yield Again("system.unknown_seconds", window, unknown, beats, within=MOMENTS)
        shares: dict[str, float | None] = {
            "system.uptime": _part(up, up + down),
            "system.coverage": _part(up + down, length),
            "system.uptime_lowest": _part(up, length),
            "system.uptime_highest": None if length is None else _part(length - down, length),
        }
        for key, part in shares.items():
            yield Again(key, window, part, beats, within=_blur(length))


@dataclass(frozen=True)
class Told:
    """A stretch of watched time."""

    since: datetime
    seconds: float
    is_up: bool
    beats: int


def told_of(rows: Rows) -> list[Told]:
    """Hours that were put together, and the measurements of those that were not."""
    hours = list(
        rows.each(
            WatchedHour.hour, WatchedHour.since, WatchedHour.seconds, WatchedHour.is_up, WatchedHour.beats
        )
    )
    last = max((row.hour for row in hours), default=None)
    told = [Told(row.since, float(row.seconds), row.is_up, row.beats) for row in hours]
    columns = (
        SystemMetric.recorded_at,
        SystemMetric.metric_type,
        SystemMetric.metric_value,
        SystemMetric.meta,
    )
    for at, kind, value, meta in rows.each(*columns):
        if kind in (UP, DOWN) and at is not None and (last is None or at >= last + timedelta(hours=1)):
            told.append(Told(at, float(value or 0), kind == UP, (meta or {}).get("beats") or 0))
    return told


def _blur(length: float | None) -> float:
    """How far a share may be off, in percent, when its seconds may be by milliseconds."""
    return 100 * MOMENTS / length if length else 0.0


def _part(seconds: float, of: float | None) -> float | None:
    return 100.0 * seconds / of if of else None


def _ends(told: Sequence[Told], window: Window) -> tuple[datetime | None, datetime]:
    if window.start is None or window.end is None:
        return min((row.since for row in told), default=None), window.at
    return window.start, max(window.start, min(window.end, window.at))


def _length(told: Sequence[Told], window: Window) -> float | None:
    start, end = _ends(told, window)
    return None if start is None else _seconds(start, end) or None


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)


def _watched(told: Sequence[Told], window: Window) -> tuple[float, float, int]:
    """Seconds up, seconds down and the heartbeats behind them."""
    seconds, beats = {True: 0.0, False: 0.0}, 0
    for row, length in pieces(told, window):
        seconds[row.is_up] += length
        beats += row.beats
    return seconds[True], seconds[False], beats


def pieces(told: Sequence[Told], window: Window) -> Iterator[tuple[Told, float]]:
    """The stretches in the window, in the order of their beginning, each with the seconds that it adds."""
    start, end = _ends(told, window)
    length = 0.0 if start is None else _seconds(start, end)
    cut = []
    for row in told if start is not None else ():
        begin = _seconds(start or row.since, row.since)
        finish = min(begin + row.seconds, length)
        if finish > max(begin, 0.0):
            cut.append((max(begin, 0.0), finish, row.since, row))
    until = 0.0
    for begin, finish, _, row in sorted(cut, key=lambda each: each[:3]):
        if finish > max(begin, until):
            yield row, finish - max(begin, until)
        until = max(until, finish)
