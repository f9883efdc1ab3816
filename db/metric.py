"""A number is declared once: its key, its definition and the one Select that every screen uses."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from db.definition import code_version
from db.sampling import timed
from db.window import (
    EARLIEST,
    LATEST,
    NANOSECONDS,
    SPANS_OF_TIME,
    Column,
    Window,
    WindowError,
    from_ns,
    iso,
    to_ns,
)

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution
TOO_FEW = "n is too small for this percentile: the 95th needs 20 values, the 99th 100."
NOTHING = "Nothing was recorded in this window."
REASONS = [TOO_FEW, NOTHING]
HISTOGRAM_BOUND = 0.021  # half a bucket of the width 0.04 in ln, rounded up
EXACT = "Exact: from every row."
BY_HISTOGRAM = "From a log histogram: at most 2.1 % off."
BY_BUCKET = "From sums of five minutes each: what was silent for longer within the window counts again."
RESOLUTIONS = [EXACT, BY_HISTOGRAM, BY_BUCKET]  # a row's `resolution` is the place in this list
Subject = tuple[str, ...]
Statement = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Metric:
    """One number and how it is made.

    Attributes:
        key: name in cards, REST and command line, `domain.noun`.
        title, unit: what the card says; `unit` "ms" or "percent" also choose the format.
        sentence: the definition people read (the declaring function's docstring).
        formula: the arithmetic in words.
        build: the Select; its row has `value` and, where they differ from it, `n` and `hits`; `resolution` is 1 where
            the value comes from a histogram.
        evidence: Select of the rows behind it, newest first.
        windowed: False when it speaks of now.
        least: smallest n that gives a value.
        few: the reason shown below `least`.
        wilson: True when value is 100 × hits / n and carries a 95 % interval.
        subject: names of what it is about, such as ("agent",); empty for the whole fleet.
        needs: name of the permission without which nobody sees it; "" for everybody signed in.
        by_system: True when it counts what no person's session reads: then `needs` decides, and the system reads it.
        excluded: what is left out, in a sentence; "" where nothing is.
        resolution: how exact the value is, in words.
    """

    key: str
    title: str
    unit: str
    sentence: str
    formula: str
    build: Callable[..., Statement]
    evidence: Callable[..., Statement] | None
    windowed: bool
    least: int
    few: str
    wilson: bool
    subject: Subject
    needs: str = ""
    by_system: bool = False
    excluded: str = ""
    resolution: str = EXACT

    @property
    def version(self) -> str:
        """Which version of the definition this is."""
        return code_version(self.build, self.subject)


@dataclass(frozen=True)
class Series:
    """Several rows for one chart, declared and proved like a number."""

    key: str
    title: str
    unit: str
    sentence: str
    formula: str
    build: Callable[..., Statement]
    evidence: Callable[..., Statement] | None
    windowed: bool
    subject: Subject
    needs: str = ""
    by_system: bool = False
    excluded: str = ""
    resolution: str = EXACT

    @property
    def version(self) -> str:
        """Which version of the definition this is."""
        return code_version(self.build, self.subject)


@dataclass(frozen=True)
class Reading:
    """A number as it was read. `value` is None when unknown, and then `reason` says why.

    `resolution` says how exact the value is.
    """

    key: str
    title: str
    unit: str
    value: float | int | None
    reason: str | None
    n: int
    interval: tuple[float, float] | None
    measured_at: datetime
    window: Window | None
    subject: Subject = ()
    resolution: str = EXACT

    @property
    def doubt(self) -> str | None:
        """How exact the value is, where it is not exact."""
        return None if self.resolution == EXACT else self.resolution


@dataclass(frozen=True)
class SeriesReading:
    """A chart's rows as they were read."""

    key: str
    title: str
    unit: str
    rows: tuple[Mapping[str, Any], ...]
    reason: str | None
    n: int
    measured_at: datetime
    window: Window | None
    subject: Subject = ()
    resolution: str = EXACT


METRICS: dict[str, Metric] = {}
SERIES: dict[str, Series] = {}


def metric(
    key: str,
    *,
    title: str,
    unit: str,
    formula: str,
    evidence: Callable[..., Statement] | None = None,
    windowed: bool = True,
    least: int = 0,
    few: str = NOTHING,
    wilson: bool = False,
    subject: Subject = (),
    needs: str = "",
    by_system: bool = False,
    excluded: str = "",
    resolution: str = EXACT,
) -> Callable[[Callable[..., Statement]], Callable[..., Statement]]:
    """Declare the decorated Select as the metric `key`; its docstring becomes the definition."""

    def declare(build: Callable[..., Statement]) -> Callable[..., Statement]:
        sentence = " ".join((build.__doc__ or "").split())
        _refuse_second(key, sentence)
        told = (key, title, unit, sentence, formula, build, evidence, windowed, least, few, wilson, subject)
        METRICS[key] = Metric(
            *told, needs=needs, by_system=by_system, excluded=excluded, resolution=resolution
        )
        for word, words in ((few, REASONS), (resolution, RESOLUTIONS)):
            if word not in words:
                words.append(word)
        return build

    return declare


def series(
    key: str,
    *,
    title: str,
    unit: str,
    formula: str,
    evidence: Callable[..., Statement] | None = None,
    windowed: bool = True,
    subject: Subject = (),
    needs: str = "",
    excluded: str = "",
) -> Callable[[Callable[..., Statement]], Callable[..., Statement]]:
    """Declare the decorated Select as the rows of the chart `key`."""

    def declare(build: Callable[..., Statement]) -> Callable[..., Statement]:
        sentence = " ".join((build.__doc__ or "").split())
        _refuse_second(key, sentence)
        told = (key, title, unit, sentence, formula, build, evidence, windowed, subject)
        SERIES[key] = Series(*told, needs=needs, excluded=excluded)
        return build

    return declare


def _refuse_second(key: str, sentence: str) -> None:
    if key in METRICS or key in SERIES:
        raise ValueError(f"{key} is declared twice")
    if not sentence:
        raise ValueError(f"{key} has no definition; give its function a docstring")


def read(
    session: Session, key: str, window: Window, subject: Subject = (), statement: Statement | None = None
) -> Reading:
    """Read the metric `key` over `window`. Raises KeyError for an unknown key.

    statement: what the metric builds for this window and subject, where that is at hand already.
    """
    declared = METRICS[key]
    if statement is None:
        statement = declared.build(window, *subject)
    row = timed(session, key, lambda: session.execute(statement).mappings().one())
    return reading_of(declared, row, window, subject)


def reading_of(declared: Metric, row: Mapping[Any, Any], window: Window, subject: Subject = ()) -> Reading:
    """Turn one row (`value`; `n`, `hits` and `resolution` where given) into a Reading; null where it must be."""
    value = _number(row["value"])
    n = int(row["n"] or 0) if "n" in row else int(value or 0)
    low = n < declared.least
    reason = declared.few if low or value is None else None
    if low and n > 0:
        reason = TOO_FEW
    known = None if reason else value
    interval = wilson(int(row["hits"] or 0), n) if declared.wilson and known is not None else None
    seen = window if declared.windowed else None
    return Reading(
        key=declared.key,
        title=declared.title,
        unit=declared.unit,
        value=known,
        reason=reason,
        n=n,
        interval=interval,
        measured_at=window.at,
        window=seen,
        subject=subject,
        resolution=_resolution(declared, [row]),
    )


def _resolution(declared: Metric | Series, rows: Sequence[Mapping[Any, Any]]) -> str:
    """As declared, unless a row says that it was found in another way."""
    told = max((int(row.get("resolution") or 0) for row in rows), default=0)
    return RESOLUTIONS[told] if told else declared.resolution


def read_series(
    session: Session, key: str, window: Window, subject: Subject = (), statement: Statement | None = None
) -> SeriesReading:
    """Read the rows of the chart `key`; `n` is the sum of their `count` column. `statement` as for `read`."""
    declared = SERIES[key]
    if statement is None:
        statement = declared.build(window, *subject)
    found = timed(session, key, lambda: session.execute(statement).mappings().all())
    rows = tuple({name: _number(value) for name, value in row.items()} for row in found)
    n = sum(int(row["count"]) for row in rows)
    return SeriesReading(
        key=declared.key,
        title=declared.title,
        unit=declared.unit,
        rows=rows,
        reason=None if n else NOTHING,
        n=n,
        measured_at=window.at,
        window=window if declared.windowed else None,
        subject=subject,
        resolution=_resolution(declared, found),
    )


def plain(value: Any) -> Any:
    """A value in JSON's own types."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, date | UUID) else value


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of hits / n, in percent (Brown, Cai, DasGupta 2001). n must be above 0."""
    share = hits / n
    scale = 1 + Z95**2 / n
    centre = (share + Z95**2 / (2 * n)) / scale
    half = Z95 / scale * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    return (max(0.0, 100 * (centre - half)), min(100.0, 100 * (centre + half)))


def nearest_rank(values: Statement, percent: int, counted: CTE | None = None) -> Statement:
    """The ⌈percent·n/100⌉-th smallest `x` of `values`, none of which may be null, as `value`; how many as `n`.

    Counted from the largest: a database keeps only so many of them while it sorts, and numbers no row. `counted` is a
    row that tells `n`, where they are counted already.
    """
    measured = values.subquery("measured")
    if counted is None:
        counted = select(func.count().label("n")).select_from(values.subquery("measured")).cte("counted")
    n = select(counted.c.n).scalar_subquery()
    above = select(counted.c.n - place_of(counted.c.n, percent)).scalar_subquery()
    value = select(measured.c.x).order_by(measured.c.x.desc()).limit(1).offset(above).scalar_subquery()
    return select(value.label("value"), n.label("n"))


def place_of(n: ColumnElement[int], percent: int) -> ColumnElement[int]:
    """⌈percent·n/100⌉ in whole numbers."""
    return (n * percent + 99) // 100


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


__all__ = [
    "BY_HISTOGRAM",
    "EARLIEST",
    "EXACT",
    "HISTOGRAM_BOUND",
    "LATEST",
    "METRICS",
    "NANOSECONDS",
    "NOTHING",
    "REASONS",
    "RESOLUTIONS",
    "SERIES",
    "SPANS_OF_TIME",
    "TOO_FEW",
    "Z95",
    "Column",
    "Metric",
    "Reading",
    "Series",
    "SeriesReading",
    "Statement",
    "Subject",
    "Window",
    "WindowError",
    "from_ns",
    "iso",
    "metric",
    "nearest_rank",
    "place_of",
    "plain",
    "read",
    "read_series",
    "reading_of",
    "series",
    "to_ns",
    "wilson",
]
