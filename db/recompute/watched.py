"""The application itself once more: its clock, the time it was watched, its round trips, and what it refused."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import settings
from db.models import SystemMetric
from db.recompute.base import Again, Ranks, Rows, counted, covers, recomputes
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


@recomputes("db.latency_p50_ms", "db.latency_p95_ms", "db.latency_p99_ms", "db.failures")
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


@recomputes("ingest.refused", "ingest.late")
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
    """Stretches in the order of their beginning; time that an earlier one speaks of is not counted again."""
    columns = (
        SystemMetric.recorded_at,
        SystemMetric.metric_type,
        SystemMetric.metric_value,
        SystemMetric.meta,
    )
    told = [
        row for row in rows.each(*columns) if row.metric_type in (UP, DOWN) and row.recorded_at is not None
    ]
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


def _blur(length: float | None) -> float:
    """How far a share may be off, in percent, when its seconds may be by milliseconds."""
    return 100 * MOMENTS / length if length else 0.0


def _part(seconds: float, of: float | None) -> float | None:
    return 100.0 * seconds / of if of else None


def _ends(told: Sequence[Any], window: Window) -> tuple[datetime | None, datetime]:
    if window.start is None or window.end is None:
        return min((row.recorded_at for row in told), default=None), window.at
    return window.start, max(window.start, min(window.end, window.at))


def _length(told: Sequence[Any], window: Window) -> float | None:
    start, end = _ends(told, window)
    return None if start is None else _seconds(start, end) or None


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)


def _watched(told: Sequence[Any], window: Window) -> tuple[float, float, int]:
    """Seconds up, seconds down and the heartbeats behind them."""
    start, end = _ends(told, window)
    if start is None:
        return 0.0, 0.0, 0
    length = _seconds(start, end)
    cut = []
    for row in told:
        if row.metric_value is None:
            continue
        begin = _seconds(start, row.recorded_at)
        finish = min(begin + float(row.metric_value), length)
        if finish > max(begin, 0.0):
            cut.append((max(begin, 0.0), finish, row.recorded_at, row))
    seconds, beats, until = {UP: 0.0, DOWN: 0.0}, 0, 0.0
    for begin, finish, _, row in sorted(cut, key=lambda each: each[:3]):
        if finish > max(begin, until):
            seconds[row.metric_type] += finish - max(begin, until)
            beats += (row.meta or {}).get("beats") or 0
        until = max(until, finish)
    return seconds[UP], seconds[DOWN], beats
