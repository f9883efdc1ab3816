"""Measurements over a window: out of roll-ups and the raw rows of what was touched since.

A series is what has one name, unit, source and attributes. Watched time is no part of it: uptime is kept exactly.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    ColumnElement,
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
from db.metric import Statement, Window, nearest_rank
from db.models import MeasurementRollup, SystemMetric
from db.models.rollup import MEASUREMENTS
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


class Chosen(Protocol):
    """Which measurements a number is of."""

    def rows(self, *more: Any) -> Source:
        """Its measurements, in roll-ups and raw; of raw ones those that fulfil `more`."""


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
        """See `Chosen.rows`."""
        told = self._told()
        watched = () if self.kind else (NOT_WATCHED,)
        of_model = tuple(of == said for said, of, _ in told)
        return measured_in(of_model, (*(of == said for said, _, of in told), *watched, *more))


def measured_in(of_model: tuple[Any, ...], of_raw: tuple[Any, ...]) -> Source:
    """Measurements by conditions on their roll-ups and on themselves, which must choose the same."""
    moment = SystemMetric.recorded_at
    return Source(
        MeasurementRollup, SystemMetric, moment, of_model, of_raw, family=MEASUREMENTS, is_instant=True
    )


def _one_if(condition: Any) -> Any:
    return cast(case((condition, 1), else_=0), BigInteger)


COUNTS: Pairs = {
    "n": (MeasurementRollup.n, _one_if(HAS_VALUE)),
    "missing": (MeasurementRollup.missing, _one_if(VALUE.is_(None))),
    "total": (MeasurementRollup.total, cast(func.coalesce(VALUE, literal_column("0")), Numeric)),
}
EXTREMES: Pairs = {"least": (MeasurementRollup.least, VALUE), "most": (MeasurementRollup.most, VALUE)}


def count_of(window: Window, chosen: Chosen, name: str) -> Statement:
    """One row with `value`: a whole number, by one of the counts' names."""
    parts = Rolled(window, chosen.rows()).sums({}, {name: COUNTS[name]}).subquery("parts")
    return select(whole(func.sum(parts.c[name])).label("value"))


def measurement_sums(window: Window, chosen: Chosen) -> Statement:
    """One row: `count`, `unknown` (without a value), `value` (the mean), `least`, `most`."""
    parts = Pieced(window, chosen.rows()).parts({}, {**COUNTS, **EXTREMES}).subquery("parts")
    return select(*_summary(parts))


def _summary(parts: Any) -> list[Any]:
    n = whole(func.sum(parts.c.n))
    mean = cast(func.sum(parts.c.total), Float) / func.nullif(cast(n, Float), 0.0)
    least, most = (cast(each, Float) for each in (func.min(parts.c.least), func.max(parts.c.most)))
    return [
        mean.label("value"),
        least.label("least"),
        most.label("most"),
        n.label("count"),
        whole(func.sum(parts.c.missing)).label("unknown"),
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


def measurement_percentile(window: Window, chosen: Chosen, percent: int) -> Statement:
    """One row: `value`, `n` and `resolution` (0 exact, 1 from a histogram) of the values in the window."""
    return percentile(chosen.rows(HAS_VALUE), window, VALUE, MeasurementRollup.n, percent)


def medians_by_time(window: Window, chosen: Chosen, width: int) -> Statement:
    """Per stretch of so many seconds (300, 3600 or 86400): `at`, `seconds`, `value`, `count` and `resolution`."""
    source = chosen.rows(HAS_VALUE)
    rows = Rolled(window, source, plan=Plan.of(window, width))
    reach = Reach(rows, MeasurementRollup.n, "values", rolled.MOST_EXACT)
    of_raw = minute_of(start_of(SystemMetric.recorded_at, width))
    at: Pairs = {"at": (minute_of(floored(MeasurementRollup.start, width)), of_raw)}
    stored = select(of_raw.label("at"), VALUE.label("x")).where(
        source.covers(window), reach.within(source.moment), *source.of_raw
    )
    ranked = by_rank(stored, ("at",), (50,)).subquery("by_rank")
    places = rows.places(at, VALUE, place=place_of_amount(VALUE), when=~reach.is_exact)
    placed = by_places(places, ("at",), (50,), middle_of_amount).subquery("by_place")
    seconds = literal_column(str(width), BigInteger()).label("seconds")

    def told(row: Any, resolution: Any) -> Any:
        value = cast(row.c.p50, Float).label("value")
        return select(row.c.at, seconds, value, row.c.n.label("count"), resolution.label("resolution"))

    exact = told(ranked, literal(EXACT)).where(reach.is_exact)
    each = union_all(exact, told(placed, reach.resolution)).subquery("each")
    return select(*each.c).where(each.c.at.is_not(None)).order_by(each.c.at)


# --- drawn over time -----------------------------------------------------------------------------------------


def measurement_points(window: Window, chosen: Chosen, step: int) -> Statement:
    """Per stretch of so many seconds (a multiple of five minutes), name and source: `at`, `seconds`, `metric`,
    `source`, `value` (the mean), `least`, `most`, `count` and `unknown` (without a value), in order of time."""
    model, raw = MeasurementRollup, SystemMetric
    keys: Pairs = {
        "at": (minute_of(floored(model.start, step)), minute_of(start_of(raw.recorded_at, step))),
        "metric": (model.metric_type, raw.metric_type),
        "source": (model.source, func.coalesce(raw.source, literal_column("''"))),
    }
    pieced = Pieced(window, chosen.rows(), Plan.by(window, step))
    parts = pieced.parts(keys, {**COUNTS, **EXTREMES}).subquery("parts")
    row = parts.c
    seconds = literal_column(str(step), BigInteger()).label("seconds")
    drawn = select(row.at, seconds, row.metric, row.source, *_summary(parts)).where(row.at.is_not(None))
    return drawn.group_by(row.at, row.metric, row.source).order_by(row.at, row.metric, row.source)


def series_in(window: Window, chosen: Chosen) -> Statement:
    """Series with any measurement in the window: `metric`, `unit` and `source` ("" = none), and `n` with a value."""
    model, raw = MeasurementRollup, SystemMetric
    none: ColumnElement[str] = literal_column("''")
    keys: Pairs = {
        "metric": (model.metric_type, raw.metric_type),
        "unit": (model.metric_unit, func.coalesce(raw.metric_unit, none)),
        "source": (model.source, func.coalesce(raw.source, none)),
    }
    counts = {name: COUNTS[name] for name in ("n", "missing")}
    row = Rolled(window, chosen.rows()).sums(keys, counts).subquery("parts").c
    n, missing = whole(func.sum(row.n)), whole(func.sum(row.missing))
    by = (row.metric, row.unit, row.source)
    return select(*by, n.label("n")).group_by(*by).having(n + missing > 0)
