"""Measurements over a window: out of roll-ups and the raw rows of what was touched since.

A series is what has one name, unit, source and attributes. Watched time is no part of it: uptime is kept exactly.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Float,
    Numeric,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from db.functions import minute_of
from db.histogram import EXACT, middle_of_amount, place_of_amount
from db.metric import Statement, Window, nearest_rank, to_ns
from db.models import MeasurementRollup, SystemMetric
from db.models.rollup import DAY, FIVE_MINUTES, HOUR, MEASUREMENTS
from db.moments import floored, start_of
from db.queries import rolled
from db.queries.pieced import Pieced
from db.queries.rolled import Pairs, Plan, Reach, Rolled, Source, by_places, by_rank, whole

LABELS = "attributes"  # of the metadata: what tells a series from others of its name
WATCHED = ("collector.up_seconds", "collector.down_seconds")  # kept for good, an hour per row
NOT_WATCHED = SystemMetric.metric_type.not_in(WATCHED)
VALUE = SystemMetric.metric_value
HAS_VALUE = VALUE.is_not(None)
BY_RANK = "of more than 50,000 values read from a histogram"
# Up to six hours single rows are drawn, in stretches of so many seconds that there are at most 400.
RAW_SECONDS, MOST_POINTS, RAW_WIDTHS = 6 * HOUR, 400, (1, 5, 10, 30, 60)


@dataclass(frozen=True)
class Subject:
    """Which measurements: None = any; of the other three "" = none."""

    kind: str | None = None
    unit: str | None = None
    source: str | None = None
    labels: str | None = None

    def _told(self) -> list[tuple[Any, Any, Any]]:
        labels = func.coalesce(
            SystemMetric.meta.op("->>", return_type=Text())(literal_column(f"'{LABELS}'")), ""
        )
        pairs = (
            (self.kind, MeasurementRollup.metric_type, SystemMetric.metric_type),
            (self.unit, MeasurementRollup.metric_unit, func.coalesce(SystemMetric.metric_unit, "")),
            (self.source, MeasurementRollup.source, func.coalesce(SystemMetric.source, "")),
            (self.labels, MeasurementRollup.labels, labels),
        )
        return [each for each in pairs if each[0] is not None]

    def rows(self, *more: Any) -> Source:
        """Its measurements, in roll-ups and raw; of raw ones those that fulfil `more`."""
        told = self._told()
        watched = () if self.kind else (NOT_WATCHED,)
        return Source(
            MeasurementRollup,
            SystemMetric,
            SystemMetric.recorded_at,
            of_model=tuple(of == said for said, of, _ in told),
            of_raw=(*(of == said for said, _, of in told), *watched, *more),
            family=MEASUREMENTS,
            is_instant=True,
        )


def _one_if(condition: Any) -> Any:
    return cast(case((condition, 1), else_=0), BigInteger)


COUNTS: Pairs = {
    "n": (MeasurementRollup.n, _one_if(HAS_VALUE)),
    "missing": (MeasurementRollup.missing, _one_if(VALUE.is_(None))),
    "total": (MeasurementRollup.total, cast(func.coalesce(VALUE, literal_column("0")), Numeric)),
}
EXTREMES: Pairs = {"least": (MeasurementRollup.least, VALUE), "most": (MeasurementRollup.most, VALUE)}


def count_of(window: Window, subject: Subject, name: str) -> Statement:
    """One row with `value`: a whole number, by one of the counts' names."""
    parts = Rolled(window, subject.rows()).sums({}, {name: COUNTS[name]}).subquery("parts")
    return select(whole(func.sum(parts.c[name])).label("value"))


def measurement_sums(window: Window, subject: Subject) -> Statement:
    """One row: `n`, `missing` (without a value), `mean`, `least`, `most`."""
    parts = Pieced(window, subject.rows()).parts({}, {**COUNTS, **EXTREMES}).subquery("parts")
    return select(*_summary(parts), whole(func.sum(parts.c.missing)).label("missing"))


def _summary(parts: Any) -> list[Any]:
    n = whole(func.sum(parts.c.n))
    mean = cast(func.sum(parts.c.total), Float) / func.nullif(cast(n, Float), 0.0)
    return [
        n.label("n"),
        mean.label("mean"),
        func.min(parts.c.least).label("least"),
        func.max(parts.c.most).label("most"),
    ]


# --- percentiles ---------------------------------------------------------------------------------------------


def percentile(source: Source, window: Window, value: Any, counted: Any, percent: int) -> Statement:
    """`value`, `n` and `resolution`: by nearest rank of raw rows while there are at most MOST_EXACT, else by histogram.

    `value` of a raw row is an amount that is never null; `counted` is the roll-ups' column of how many there are.
    """
    rows = Rolled(window, source)
    reach = Reach(rows, counted, "values", rolled.MOST_EXACT)
    stored = select(value.label("x")).where(
        source.covers(window), reach.within(source.moment), *source.of_raw
    )
    rank = nearest_rank(stored, percent).subquery("by_rank")
    places = rows.places({}, value, place=place_of_amount(value))
    place = by_places(places, (), (percent,), middle_of_amount).subquery("by_place")
    exact = select(cast(rank.c.value, Float)).scalar_subquery()
    about = select(place.c[f"p{percent}"]).scalar_subquery()
    return select(
        case((reach.is_exact, exact), else_=about).label("value"),
        reach.n.label("n"),
        reach.resolution.label("resolution"),
    )


def measurement_percentile(window: Window, subject: Subject, percent: int) -> Statement:
    """One row: `value`, `n` and `resolution` (0 exact, 1 from a histogram) of the values in the window."""
    return percentile(subject.rows(HAS_VALUE), window, VALUE, MeasurementRollup.n, percent)


def medians_by_time(window: Window, subject: Subject, width: int) -> Statement:
    """Per stretch of so many seconds (300, 3600 or 86400): `at`, `seconds`, `value`, `count` and `resolution`."""
    source = subject.rows(HAS_VALUE)
    rows = Rolled(window, source, plan=Plan.of(window, width))
    reach = Reach(rows, MeasurementRollup.n, "values", rolled.MOST_EXACT)
    of_raw = minute_of(start_of(SystemMetric.recorded_at, width))
    at: Pairs = {"at": (minute_of(floored(MeasurementRollup.start, width)), of_raw)}
    stored = select(of_raw.label("at"), VALUE.label("x")).where(
        source.covers(window), reach.within(source.moment), *source.of_raw
    )
    ranked = by_rank(stored, ("at",), (50,)).subquery("by_rank")
    places = rows.places(at, VALUE, place=place_of_amount(VALUE))
    placed = by_places(places, ("at",), (50,), middle_of_amount).subquery("by_place")
    seconds = literal_column(str(width), BigInteger()).label("seconds")

    def told(row: Any, resolution: Any) -> Any:
        value = cast(row.c.p50, Float).label("value")
        return select(row.c.at, seconds, value, row.c.n.label("count"), resolution.label("resolution"))

    exact = told(ranked, literal(EXACT)).where(reach.is_exact)
    each = union_all(exact, told(placed, reach.resolution).where(~reach.is_exact)).subquery("each")
    return select(*each.c).where(each.c.at.is_not(None)).order_by(each.c.at)


# --- drawn over time -----------------------------------------------------------------------------------------


def width_of(window: Window) -> int:
    """How many seconds a point of the window stands for."""
    if window.start is None or window.end is None:
        return DAY
    length = (window.end - window.start).total_seconds()
    if length <= RAW_SECONDS:
        return next((width for width in RAW_WIDTHS if length <= width * MOST_POINTS), RAW_WIDTHS[-1])
    return FIVE_MINUTES if length <= 2 * DAY else HOUR if length <= 14 * DAY else DAY


def plan_of(window: Window, width: int) -> Plan:
    """The plan of points of so many seconds; finer than five minutes they are raw rows alone."""
    if width >= FIVE_MINUTES or window.start is None or window.end is None:
        return Plan.of(window, max(width, FIVE_MINUTES))
    return Plan((), ((to_ns(window.start), to_ns(window.end)),), 0, 0)


def measurement_points(window: Window, subject: Subject) -> Statement:
    """Per stretch in which there are values: `start` and `seconds`, `n`, `mean`, `least`, `most`, in order of time."""
    width, source = width_of(window), subject.rows()
    start: Pairs = {
        "start": (floored(MeasurementRollup.start, width), start_of(SystemMetric.recorded_at, width))
    }
    pieced = Pieced(window, source, plan_of(window, width))
    parts = pieced.parts(start, {**COUNTS, **EXTREMES}).subquery("parts")
    seconds = literal_column(str(width), BigInteger()).label("seconds")
    drawn = select(parts.c.start, seconds, *_summary(parts)).where(parts.c.start.is_not(None))
    return drawn.group_by(parts.c.start).having(func.sum(parts.c.n) > 0).order_by(parts.c.start)
