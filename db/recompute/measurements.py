"""Series of measurements and lines of logs once more: plain sums over streamed rows, ranks over values seen twice."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from db.measured_series import SeriesKey, step_of, text_of
from db.models import AgentLog, SystemMetric
from db.recompute.base import SAMPLED, Again, Cells, Chart, Ranks, Rows, counted, covers, recomputes
from db.recompute.beyond import LOGS, MEASUREMENTS
from db.window import Window

OWN = frozenset(
    (
        "db.round_trip_ms",
        "web.round_trip_ms",
        "web.server_time_ms",
        "browser.first_paint_ms",
        "browser.numbers_ms",
        "collector.up_seconds",
        "collector.down_seconds",
        "ingest.refused_items",
        "ingest.late_items",
    )
)
NAMED = (SystemMetric.metric_type, SystemMetric.metric_unit, SystemMetric.source)
COLUMNS = (*NAMED, SystemMetric.recorded_at, SystemMetric.metric_value, SystemMetric.id)
NAMES = ("least", "most", "mean", "p50", "p95", "last")
Group = tuple[SeriesKey, ...]
BARS = 120  # of a chart of logs, at most


@dataclass
class _Sums:
    """Some series together over one window."""

    unknown: int = 0
    total: Decimal = Decimal(0)
    least: Decimal | None = None
    most: Decimal | None = None
    last: tuple[Any, ...] | None = None
    ranks: Ranks = field(default_factory=lambda: Ranks(50, 95))

    def add(self, row: Any) -> None:
        value = row.metric_value
        if value is None:
            self.unknown += 1
            return
        self.ranks.count(value)
        self.total += value
        self.least = value if self.least is None else min(self.least, value)
        self.most = value if self.most is None else max(self.most, value)
        # Rows without a moment lie in all time alone, where the first moment of a day long ago stands for none.
        told = (row.recorded_at is not None, row.recorded_at, row.id, value)
        if self.last is None or told > self.last:
            self.last = told

    def values(self) -> dict[str, Any]:
        n = self.ranks.n
        return {
            "least": self.least,
            "most": self.most,
            "mean": self.total / n if n else None,
            "p50": self.ranks.value(50),
            "p95": self.ranks.value(95),
            "last": self.last[-1] if self.last else None,
        }


@recomputes(
    "measurements.count",
    "measurements.unknown",
    *(f"measurements.{name}" for name in NAMES),
    reads=(MEASUREMENTS,),
)
def measurements(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    """Of the series with most rows, each by itself; and those of them that share metric and unit together."""
    groups = _groups(rows)
    sums = {(window, group): _Sums() for window in windows for group in groups}
    by_key = {key: [each for each in sums.items() if key in each[0][1]] for key in {*chain(*groups)}}
    for collecting in (False, True):
        for row in rows.each(*COLUMNS):
            for (window, _), each in by_key.get(_key(row), ()):
                if not covers(window, row.recorded_at):
                    continue
                if not collecting:
                    each.add(row)
                elif row.metric_value is not None:
                    each.ranks.collect(row.metric_value)
        for each in () if collecting else sums.values():
            each.ranks.aim()
    for (window, group), each in sums.items():
        subject = (text_of(group),)
        yield Again("measurements.count", window, each.ranks.n, subject=subject)
        yield Again("measurements.unknown", window, each.unknown, subject=subject)
        for name, value in each.values().items():
            yield Again(f"measurements.{name}", window, value, each.ranks.n, subject)


def _groups(rows: Rows) -> list[Group]:
    counts = Counter(key for row in rows.each(*NAMED) if (key := _key(row)).metric not in OWN)
    single = [
        key for key, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0].metric, str(each[0])))
    ]
    alike: dict[tuple[str, str | None], list[SeriesKey]] = {}
    for key in single[:SAMPLED]:
        alike.setdefault((key.metric, key.unit), []).append(key)
    pooled = [tuple(keys) for keys in alike.values() if len(keys) > 1]
    return [*[(key,) for key in single[:SAMPLED]], *pooled]


def _key(row: Any) -> SeriesKey:
    return SeriesKey(row.metric_type, row.metric_unit or None, row.source or None)


@recomputes("logs.lines", "logs.warnings", "logs.errors", reads=(LOGS,))
def logs(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    sums = counted(
        rows,
        windows,
        (AgentLog.created_at, AgentLog.log_level),
        {
            "lines": lambda row: 1,
            "warnings": lambda row: 1 if row.log_level == "warning" else None,
            "errors": lambda row: 1 if row.log_level in ("error", "critical") else None,
        },
    )
    for window in windows:
        for name in ("lines", "warnings", "errors"):
            yield Again(f"logs.{name}", window, sums.of(window, name))


@recomputes("measurements.by_time", reads=(MEASUREMENTS,))
def courses(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    groups = _groups(rows)
    found: dict[tuple[Window, Group], dict[tuple[Any, ...], _Sums]] = {
        (window, group): {} for window in windows for group in groups
    }
    by_key = {key: [each for each in found.items() if key in each[0][1]] for key in {*chain(*groups)}}
    for row in rows.each(*COLUMNS):
        for (window, _), bars in by_key.get(_key(row), ()):
            if covers(window, row.recorded_at) and row.recorded_at is not None:
                bar = (_bar(row.recorded_at, step_of(window)), row.metric_type, row.source or "")
                bars.setdefault(bar, _Sums()).add(row)
    for (window, group), bars in found.items():
        cells = {bar: _cells(each, step_of(window)) for bar, each in bars.items()}
        yield Chart("measurements.by_time", window, ("at", "metric", "source"), cells, (text_of(group),))


def _cells(each: _Sums, step: int) -> Cells:
    n = each.ranks.n
    mean = each.total / n if n else None
    told: Cells = {"value": mean, "least": each.least, "most": each.most, "count": n, "unknown": each.unknown}
    return {"seconds": step, **told}


def _bar(at: datetime, step: int) -> str:
    """The start in UTC of the stretch in which a moment lies; with its seconds where stretches are no whole minutes."""
    begin = datetime.fromtimestamp(int(at.timestamp() // 1) // step * step, UTC)
    return begin.isoformat()[: 19 if step % 60 else 16]


@recomputes("logs.by_time", reads=(LOGS,))
def log_courses(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    counts: dict[Window, Counter[tuple[Any, ...]]] = {window: Counter() for window in windows}
    for at, level in rows.each(AgentLog.created_at, AgentLog.log_level):
        for window in windows if at is not None else ():
            if covers(window, at):
                counts[window][_bar(at, step_of(window, BARS)), level] += 1
    for window in windows:
        step = step_of(window, BARS)
        cells: dict[tuple[Any, ...], Cells] = {
            bar: {"seconds": step, "count": many} for bar, many in counts[window].items()
        }
        yield Chart("logs.by_time", window, ("at", "label"), cells)
