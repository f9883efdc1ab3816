"""Time series of measurements that were sent or imported: their numbers over a window, and their course.

What this application measures of itself is left out: it has numbers of its own, which say what they mean.
Each statement may speak of several series, as `db.measured_series.text_of` names them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, String, and_, cast, func, literal, literal_column, or_, select
from sqlalchemy.orm import Session

from db.functions import bucket_of, lowered
from db.measured_series import SeriesKey, keys_of, listed, step_of, text_of
from db.metric import METRICS, Reading, Statement, Window, metric, reading_of, series
from db.models import MeasurementRollup, SystemMetric
from db.models.rollup import FIVE_MINUTES
from db.queries.answers import KINDS as TIMED
from db.queries.ingest import LATE_ITEMS, REFUSED_ITEMS
from db.queries.kept import beside_rolled
from db.queries.measured import (
    BY_RANK,
    count_of,
    measured_in,
    measurement_percentile,
    measurement_points,
    measurement_sums,
    series_in,
)
from db.queries.rolled import Source
from db.queries.round_trips import ROUND_TRIP, WEB_ROUND_TRIP
from db.queries.system import DOWN_SECONDS, UP_SECONDS

SUBJECT = ("series",)
UNIT = "of the series"  # each series has its own, which its subject names
OWN = (ROUND_TRIP, WEB_ROUND_TRIP, UP_SECONDS, DOWN_SECONDS, REFUSED_ITEMS, LATE_ITEMS, *TIMED)
UNKNOWN = "Measurements without a value: blank, NaN, or larger than is kept."
KEYS = ("count", "unknown", "least", "mean", "p50", "p95", "most", "last")
row = SystemMetric
value = cast(SystemMetric.metric_value, Float)
# Written out, not as parameters: PostgreSQL groups by what reads the same.
source_told, unit_told = (func.coalesce(each, literal_column("''")) for each in (row.source, row.metric_unit))


def of_series(text: str, row: Any = SystemMetric) -> ColumnElement[bool]:
    """True for the rows of these series; `row` may be the class of their roll-ups."""
    each = [
        and_(row.metric_type == name, _equals(row.metric_unit, unit), _any_of(row.source, sources))
        for (name, unit), sources in listed(keys_of(text))
    ]
    return and_(or_(*each), row.metric_type.not_in(OWN))


@dataclass(frozen=True)
class _Series:
    """The measurements of these series, of all of them where none are named."""

    text: str | None = None

    def rows(self, *more: Any) -> Source:
        of_model, of_raw = (
            each.metric_type.not_in(OWN) if self.text is None else of_series(self.text, each)
            for each in (MeasurementRollup, row)
        )
        return measured_in((of_model,), (of_raw, *more))


def _equals(column: Any, told: str | None) -> ColumnElement[bool]:
    """Nothing told is null, or no letter."""
    found: ColumnElement[bool] = or_(column.is_(None), column == "") if told is None else column == told
    return found


def _any_of(column: Any, told: Sequence[str | None]) -> ColumnElement[bool]:
    named = [each for each in told if each is not None]
    parts = [column.in_(named)] if named else []
    return or_(*parts, *([_equals(column, None)] if len(named) < len(told) else []))


def _rows(window: Window, text: str) -> tuple[ColumnElement[bool], ...]:
    """Those with a value."""
    return (of_series(text), row.metric_value.is_not(None), window.covers(row.recorded_at))


COLUMNS = (
    row.recorded_at,
    row.metric_value,
    row.metric_unit,
    row.metric_type,
    row.source,
    row.meta["source"].as_string().label("file"),
    row.meta["line"].as_integer().label("line"),
)


def _newest(window: Window, text: str) -> Statement:
    return select(*COLUMNS).where(*_rows(window, text)).order_by(row.recorded_at.desc(), row.id.desc())


def _largest(window: Window, text: str) -> Statement:
    return select(*COLUMNS).where(*_rows(window, text)).order_by(row.metric_value.desc(), row.id)


def _smallest(window: Window, text: str) -> Statement:
    return select(*COLUMNS).where(*_rows(window, text)).order_by(row.metric_value, row.id)


def _without(window: Window, text: str) -> Statement:
    told = (row.meta["reason"].as_string().label("reason"), row.meta["value"].as_string().label("recorded"))
    return (
        select(*COLUMNS, *told)
        .where(of_series(text), row.metric_value.is_(None), window.covers(row.recorded_at))
        .order_by(row.recorded_at.desc(), row.id)
    )


def _one(window: Window, text: str, name: str) -> Statement:
    sums = measurement_sums(window, _Series(text)).subquery("sums")
    return select(sums.c[name].label("value"), sums.c["count"].label("n"))


@metric(
    "measurements.count",
    title="Measurements of the series",
    unit="measurements",
    formula="count of rows that have a value",
    excluded=UNKNOWN,
    subject=SUBJECT,
    evidence=_newest,
)
def count(window: Window, text: str) -> Statement:
    """Measurements of the series recorded in the window that have a value."""
    return count_of(window, _Series(text), "n")


@metric(
    "measurements.unknown",
    title="Measurements without a value",
    unit="measurements",
    formula="count of rows whose value is unknown",
    subject=SUBJECT,
    evidence=_without,
)
def unknown(window: Window, text: str) -> Statement:
    """Measurements of the series in the window that say no value: blank, NaN, or larger than is kept. They are no 0."""
    return count_of(window, _Series(text), "missing")


@metric(
    "measurements.least",
    title="Least value",
    unit=UNIT,
    formula="the smallest of the values",
    excluded=UNKNOWN,
    least=1,
    subject=SUBJECT,
    evidence=_smallest,
)
def least(window: Window, text: str) -> Statement:
    """The smallest value recorded in the window."""
    return _one(window, text, "least")


@metric(
    "measurements.most",
    title="Largest value",
    unit=UNIT,
    formula="the largest of the values",
    excluded=UNKNOWN,
    least=1,
    subject=SUBJECT,
    evidence=_largest,
)
def most(window: Window, text: str) -> Statement:
    """The largest value recorded in the window, as it was recorded, also above 100 %."""
    return _one(window, text, "most")


@metric(
    "measurements.mean",
    title="Mean value",
    unit=UNIT,
    formula="sum of the values / n",
    excluded=UNKNOWN,
    least=1,
    subject=SUBJECT,
    evidence=_newest,
)
def mean(window: Window, text: str) -> Statement:
    """The mean of the values recorded in the window; each counts the same, however long until the next."""
    return _one(window, text, "value")


@metric(
    "measurements.p50",
    title="Median value",
    unit=UNIT,
    formula=f"nearest rank: the ⌈0.50·n⌉-th smallest value; {BY_RANK}",
    excluded=UNKNOWN,
    least=1,
    subject=SUBJECT,
    evidence=_largest,
)
def p50(window: Window, text: str) -> Statement:
    """Half of the values recorded in the window are this or less."""
    return measurement_percentile(window, _Series(text), 50)


@metric(
    "measurements.p95",
    title="95th percentile of the values",
    unit=UNIT,
    formula=f"nearest rank: the ⌈0.95·n⌉-th smallest value; needs n ≥ 20; {BY_RANK}",
    excluded=UNKNOWN,
    least=20,
    subject=SUBJECT,
    evidence=_largest,
)
def p95(window: Window, text: str) -> Statement:
    """95 of 100 values recorded in the window are this or less."""
    return measurement_percentile(window, _Series(text), 95)


@metric(
    "measurements.last",
    title="Last value",
    unit=UNIT,
    formula="the value recorded last",
    excluded=f"{UNKNOWN} Measurements that are no longer kept singly.",
    least=1,
    subject=SUBJECT,
    evidence=_newest,
)
def last(window: Window, text: str) -> Statement:
    """The value recorded last in the window."""
    newest = select(value.label("x")).where(*_rows(window, text))
    newest = newest.order_by(row.recorded_at.desc(), row.id.desc()).limit(1)
    n = count_of(window, _Series(text), "n")
    return select(newest.scalar_subquery().label("value"), n.scalar_subquery().label("n"))


@series(
    "measurements.by_time",
    title="Measurements over time",
    unit=UNIT,
    formula="mean, least and largest value per series and stretch of time",
    excluded=UNKNOWN,
    subject=SUBJECT,
    evidence=_newest,
)
def by_time(window: Window, text: str) -> Statement:
    """What was recorded in each stretch of time, series by series: the mean, on a band from the least to the largest
    value. Nothing is drawn where nothing was recorded."""
    step = step_of(window)
    if step >= FIVE_MINUTES:
        return measurement_points(window, _Series(text), step)
    at = bucket_of(row.recorded_at, step)
    width: ColumnElement[int] = literal_column(str(step))
    n = func.count(row.metric_value)
    return (
        select(
            at.label("at"),
            width.label("seconds"),
            row.metric_type.label("metric"),
            source_told.label("source"),
            func.avg(value).label("value"),
            func.min(value).label("least"),
            func.max(value).label("most"),
            n.label("count"),
            (func.count() - n).label("unknown"),
        )
        .where(of_series(text), window.covers(row.recorded_at))
        .group_by(at, row.metric_type, source_told)
        .order_by(at, row.metric_type, source_told)
    )


# --- which series there are ---------------------------------------------------------------------------


def extent(session: Session, text: str | None = None) -> tuple[datetime, datetime] | None:
    """First and last moment of the series' rows, of all series where none are named; None where there is none."""
    chosen = row.metric_type.not_in(OWN) if text is None else of_series(text)
    moments = select(row.recorded_at).where(chosen, row.recorded_at.is_not(None)).limit(1)
    # Each by itself: an index leads to the first and to the last, and both at once would read every row.
    first = session.scalar(moments.order_by(row.recorded_at))
    final = session.scalar(moments.order_by(row.recorded_at.desc()))
    return beside_rolled(session, MeasurementRollup, first, final, *_Series(text).rows().of_model)


def sources_of(session: Session, window: Window, key: SeriesKey, most: int) -> list[SeriesKey]:
    """The series of the same metric and unit that were recorded in the window; at most so many and one."""
    every = series_in(window, _Series()).subquery("every")
    unit = every.c.unit == (key.unit or "")
    found = session.scalars(
        select(every.c.source)
        .where(every.c.metric == key.metric, unit)
        .order_by(every.c.source)
        .limit(most + 1)
    )
    return [SeriesKey(key.metric, key.unit, source or None) for source in found]


def series_page(
    session: Session, window: Window, search: str, page: int, size: int
) -> tuple[list[dict[str, Any]], int]:
    """A page of the series recorded in the window, by source and metric, each with its readings, and its first and
    last moment of those kept singly; and how many match."""
    every = series_in(window, _Series()).subquery("every")
    shown = (
        select(every, func.count().over().label("total"))
        .where(*_matching(search, every))
        .order_by(every.c.source, every.c.metric, every.c.unit)
        .limit(size)
        .offset((page - 1) * size)
        .subquery("shown")
    )
    first, final = (_moment_of(shown, window, order) for order in (row.recorded_at, row.recorded_at.desc()))
    newest = _of(shown, window, value).where(row.metric_value.is_not(None))
    newest = newest.order_by(row.recorded_at.desc(), row.id.desc()).limit(1)
    ordered = select(
        shown,
        first.label("first"),
        final.label("final"),
        newest.scalar_subquery().label("last"),
    ).order_by(shown.c.source, shown.c.metric, shown.c.unit)
    found = session.execute(ordered).mappings().all()
    return [_listed(each, window) for each in found], int(found[0]["total"]) if found else 0


def _of(shown: Any, window: Window, wanted: Any) -> Any:
    """Rows of the window of a listed series."""
    return (
        select(wanted)
        .where(
            row.metric_type == shown.c.metric,
            unit_told == shown.c.unit,
            source_told == shown.c.source,
            window.covers(row.recorded_at),
        )
        .correlate(shown)
    )


def _moment_of(shown: Any, window: Window, order: Any) -> Any:
    moments = _of(shown, window, row.recorded_at).where(row.recorded_at.is_not(None))
    return moments.order_by(order).limit(1).scalar_subquery()


def _listed(found: Any, window: Window) -> dict[str, Any]:
    key = SeriesKey(found["metric"], found["unit"] or None, found["source"] or None)
    subject = (text_of([key]),)
    told = {"count": {"value": found["n"]}, "last": {"value": found["last"], "n": found["n"]}}
    readings: dict[str, Reading] = {
        name: reading_of(METRICS[f"measurements.{name}"], values, window, subject)
        for name, values in told.items()
    }
    return {"key": key, "first": found["first"], "final": found["final"], "readings": readings}


def _matching(search: str, every: Any) -> list[ColumnElement[bool]]:
    """Every word of the search stands in the name or the source."""
    text = lowered(every.c.source + literal(" ") + every.c.metric)
    return [cast(text, String).contains(word, autoescape=True) for word in search.lower().split()[:8]]


__all__ = ["KEYS", "OWN", "UNIT", "extent", "of_series", "series_page", "sources_of"]
