"""Time series of measurements that were sent or imported: their numbers over a window, and their course.

What this application measures of itself is left out: it has numbers of its own, which say what they mean.
Each statement may speak of several series, as `db.measured_series.text_of` names them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    String,
    and_,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import Session

from db.functions import bucket_of, lowered
from db.measured_series import SeriesKey, keys_of, listed, step_of, text_of
from db.metric import METRICS, Reading, Statement, Window, metric, nearest_rank, reading_of, series
from db.models import SystemMetric
from db.queries.answers import KINDS as TIMED
from db.queries.ingest import LATE_ITEMS, REFUSED_ITEMS
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


def of_series(text: str) -> ColumnElement[bool]:
    """True for the rows of these series."""
    each = [
        and_(row.metric_type == name, _equals(row.metric_unit, unit), _any_of(row.source, sources))
        for (name, unit), sources in listed(keys_of(text))
    ]
    return and_(or_(*each), row.metric_type.not_in(OWN))


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


def _one(window: Window, text: str, found: Any) -> Statement:
    return select(found.label("value"), func.count(row.metric_value).label("n")).where(*_rows(window, text))


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
    return select(func.count().label("value")).select_from(row).where(*_rows(window, text))


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
    return (
        select(func.count().label("value"))
        .select_from(row)
        .where(of_series(text), row.metric_value.is_(None), window.covers(row.recorded_at))
    )


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
    return _one(window, text, func.min(value))


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
    return _one(window, text, func.max(value))


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
    return _one(window, text, func.avg(value))


@metric(
    "measurements.p50",
    title="Median value",
    unit=UNIT,
    formula="nearest rank: the ⌈0.50·n⌉-th smallest value",
    excluded=UNKNOWN,
    least=1,
    subject=SUBJECT,
    evidence=_largest,
)
def p50(window: Window, text: str) -> Statement:
    """Half of the values recorded in the window are this or less."""
    return nearest_rank(select(value.label("x")).where(*_rows(window, text)), 50)


@metric(
    "measurements.p95",
    title="95th percentile of the values",
    unit=UNIT,
    formula="nearest rank: the ⌈0.95·n⌉-th smallest value; needs n ≥ 20",
    excluded=UNKNOWN,
    least=20,
    subject=SUBJECT,
    evidence=_largest,
)
def p95(window: Window, text: str) -> Statement:
    """95 of 100 values recorded in the window are this or less."""
    return nearest_rank(select(value.label("x")).where(*_rows(window, text)), 95)


@metric(
    "measurements.last",
    title="Last value",
    unit=UNIT,
    formula="the value recorded last",
    excluded=UNKNOWN,
    least=1,
    subject=SUBJECT,
    evidence=_newest,
)
def last(window: Window, text: str) -> Statement:
    """The value recorded last in the window."""
    newest = select(value.label("x")).where(*_rows(window, text))
    newest = newest.order_by(row.recorded_at.desc(), row.id.desc()).limit(1)
    n = select(func.count()).select_from(row).where(*_rows(window, text))
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
    return None if first is None or final is None else (first, final)


def sources_of(session: Session, window: Window, key: SeriesKey, most: int) -> list[SeriesKey]:
    """The series of the same metric and unit that were recorded in the window; at most so many and one."""
    found = session.execute(
        select(source_told)
        .where(
            row.metric_type == key.metric,
            _equals(row.metric_unit, key.unit),
            row.metric_type.not_in(OWN),
            window.covers(row.recorded_at),
        )
        .distinct()
        .limit(most + 1)
    )
    return sorted(SeriesKey(key.metric, key.unit, source or None) for (source,) in found)


def series_page(
    session: Session, window: Window, search: str, page: int, size: int
) -> tuple[list[dict[str, Any]], int]:
    """A page of the series recorded in the window, by source and metric, each with its readings; and how many match."""
    every = (
        select(
            row.metric_type.label("metric"),
            unit_told.label("unit"),
            source_told.label("source"),
            func.count(row.metric_value).label("n"),
            func.min(row.recorded_at).label("first"),
            func.max(row.recorded_at).label("final"),
        )
        .where(row.metric_type.not_in(OWN), window.covers(row.recorded_at), *_matching(search))
        .group_by(row.metric_type, unit_told, source_told)
        .subquery("every")
    )
    shown = (
        select(every, func.count().over().label("total"))
        .order_by(every.c.source, every.c.metric, every.c.unit)
        .limit(size)
        .offset((page - 1) * size)
        .subquery("shown")
    )
    newest = (
        select(value)
        .where(
            row.metric_type == shown.c.metric,
            unit_told == shown.c.unit,
            source_told == shown.c.source,
            row.metric_value.is_not(None),
            window.covers(row.recorded_at),
        )
        .order_by(row.recorded_at.desc(), row.id.desc())
        .limit(1)
        .correlate(shown)
        .scalar_subquery()
    )
    ordered = select(shown, newest.label("last")).order_by(shown.c.source, shown.c.metric, shown.c.unit)
    found = session.execute(ordered).mappings().all()
    return [_listed(each, window) for each in found], int(found[0]["total"]) if found else 0


def _listed(found: Any, window: Window) -> dict[str, Any]:
    key = SeriesKey(found["metric"], found["unit"] or None, found["source"] or None)
    subject = (text_of([key]),)
    told = {"count": {"value": found["n"]}, "last": {"value": found["last"], "n": found["n"]}}
    readings: dict[str, Reading] = {
        name: reading_of(METRICS[f"measurements.{name}"], values, window, subject)
        for name, values in told.items()
    }
    return {"key": key, "first": found["first"], "final": found["final"], "readings": readings}


def _matching(search: str) -> list[ColumnElement[bool]]:
    """Every word of the search stands in the name or the source."""
    text = lowered(source_told + literal(" ") + row.metric_type)
    return [cast(text, String).contains(word, autoescape=True) for word in search.lower().split()[:8]]


__all__ = ["KEYS", "OWN", "UNIT", "extent", "of_series", "series_page", "sources_of"]
