"""A number is declared once: its key, its definition and the one Select that every screen uses."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Dialect, Select, Table, and_, func, select, true
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Compiled
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import KeyedColumnElement

from db.guard import GuardedSession
from db.sampling import timed
from db.sight import asking, give_eyes

NANOSECONDS = 1_000_000_000
Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution
SPANS_OF_TIME = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
# Nanoseconds since 1970 fit into 64 bits until 2262.
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
TOO_FEW = "n is too small for this percentile: the 95th needs 20 values, the 99th 100."
NOTHING = "Nothing was recorded in this window."
REASONS = [TOO_FEW, NOTHING]
Subject = tuple[str, ...]
Statement = Select[*tuple[Any, ...]]
Column = InstrumentedAttribute[Any] | KeyedColumnElement[Any] | ColumnElement[Any]


class WindowError(ValueError):
    """The text does not name a window; the message says what would."""


@dataclass(frozen=True)
class Window:
    """A half-open stretch of time [start, end) in UTC, seen at the instant `at`.

    `start` and `end` are None together: then it is all time. `name` is the text it was made from.
    """

    start: datetime | None
    end: datetime | None
    name: str
    at: datetime

    @classmethod
    def parse(cls, text: str, at: datetime | None = None) -> "Window":
        """`all`, `24h`, `7d`, `30d`, `90d` or `START/END` in ISO 8601 (UTC unless it carries an offset)."""
        at = at or datetime.now(UTC)
        if text == "all":
            return cls(None, None, text, at)
        if text in SPANS_OF_TIME:
            return cls(at - SPANS_OF_TIME[text], at, text, at)
        start, slash, end = text.partition("/")
        if not slash:
            raise WindowError(f"{text!r} is no window; use all, 24h, 7d, 30d, 90d or START/END in ISO 8601.")
        first, last = _moment(start), _moment(end)
        if first >= last:
            raise WindowError(f"{text!r} ends before it starts; write the earlier moment first.")
        if first < EARLIEST or last > LATEST:
            raise WindowError(f"{text!r} lies outside the years 1970 to 2261; nothing can be stored there.")
        return cls(first, last, text, at)

    def covers(self, moment: Column) -> ColumnElement[bool]:
        """True for rows whose `moment` (a timestamp) lies inside."""
        if self.start is None or self.end is None:
            return true()
        return and_(moment >= self.start, moment < self.end)

    def covers_ns(self, nanoseconds: Column) -> ColumnElement[bool]:
        """True for rows whose `nanoseconds` since 1970 lie inside."""
        if self.start is None or self.end is None:
            return true()
        return and_(nanoseconds >= to_ns(self.start), nanoseconds < to_ns(self.end))


def to_ns(moment: datetime) -> int:
    """Nanoseconds since 1970-01-01 UTC, exact to the microsecond."""
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NANOSECONDS + since.microseconds * 1000


def from_ns(nanoseconds: int) -> datetime:
    """The moment, rounded down to the microsecond."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise WindowError(f"{text!r} is no moment; write it like 2022-08-22T03:52:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Metric:
    """One number and how it is made.

    Attributes:
        key: name in cards, REST and command line, `domain.noun`.
        title, unit: what the card says; `unit` "ms" or "percent" also choose the format.
        sentence: the definition people read (the declaring function's docstring).
        formula: the arithmetic in words.
        build: the Select; its row has `value` and, where they differ from it, `n` and `hits`.
        evidence: Select of the rows behind it, newest first.
        windowed: False when it speaks of now.
        least: smallest n that gives a value.
        few: the reason shown below `least`.
        wilson: True when value is 100 × hits / n and carries a 95 % interval.
        subject: names of what it is about, such as ("agent",); empty for the whole fleet.
        needs: name of the permission without which nobody sees it; "" for everybody signed in.
        by_system: True when it counts what no person's session reads: then `needs` decides, and the system reads it.
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


@dataclass(frozen=True)
class Reading:
    """A number as it was read. `value` is None when unknown, and then `reason` says why."""

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


@dataclass(frozen=True)
class Proof:
    """Everything needed to check a reading: definition, statement, parameters, tables, first rows."""

    reading: Reading | SeriesReading
    sentence: str
    formula: str
    sql: str
    params: Mapping[str, Any]
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]


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
) -> Callable[[Callable[..., Statement]], Callable[..., Statement]]:
    """Declare the decorated Select as the metric `key`; its docstring becomes the definition."""

    def declare(build: Callable[..., Statement]) -> Callable[..., Statement]:
        sentence = " ".join((build.__doc__ or "").split())
        _refuse_second(key, sentence)
        told = (key, title, unit, sentence, formula, build, evidence, windowed, least, few, wilson, subject)
        METRICS[key] = Metric(*told, needs=needs, by_system=by_system)
        if few not in REASONS:
            REASONS.append(few)
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
) -> Callable[[Callable[..., Statement]], Callable[..., Statement]]:
    """Declare the decorated Select as the rows of the chart `key`."""

    def declare(build: Callable[..., Statement]) -> Callable[..., Statement]:
        sentence = " ".join((build.__doc__ or "").split())
        _refuse_second(key, sentence)
        SERIES[key] = Series(key, title, unit, sentence, formula, build, evidence, windowed, subject, needs)
        return build

    return declare


def _refuse_second(key: str, sentence: str) -> None:
    if key in METRICS or key in SERIES:
        raise ValueError(f"{key} is declared twice")
    if not sentence:
        raise ValueError(f"{key} has no definition; give its function a docstring")


def read(session: Session, key: str, window: Window, subject: Subject = ()) -> Reading:
    """Read the metric `key` over `window`. Raises KeyError for an unknown key."""
    declared = METRICS[key]
    statement = declared.build(window, *subject)
    row = timed(session, key, lambda: session.execute(statement).mappings().one())
    return reading_of(declared, row, window, subject)


def reading_of(declared: Metric, row: Mapping[Any, Any], window: Window, subject: Subject = ()) -> Reading:
    """Turn one row (`value`, optional `n`, `hits`) into a Reading; null with its reason where it must be."""
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
    )


def read_series(session: Session, key: str, window: Window, subject: Subject = ()) -> SeriesReading:
    """Read the rows of the chart `key`; `n` is the sum of their `count` column."""
    declared = SERIES[key]
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
    )


def prove(session: Session, key: str, window: Window, subject: Subject = (), first: int = 20) -> Proof:
    """Read `key` again and bring its statement, parameters, tables and the first rows behind it."""
    declared = METRICS.get(key) or SERIES[key]
    reading = (
        read(session, key, window, subject) if key in METRICS else read_series(session, key, window, subject)
    )
    columns: tuple[str, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    if declared.evidence is not None:
        result = session.execute(declared.evidence(window, *subject).limit(first))
        columns = tuple(result.keys())
        rows = tuple(dict(row) for row in result.mappings())
    statement = declared.build(window, *subject)
    sql, params = statement_text(session, statement)
    return Proof(
        reading, declared.sentence, declared.formula, sql, params, tables_of(statement), columns, rows
    )


def as_json(session: Session, key: str, window: Window, subject: Subject = ()) -> dict[str, Any]:
    """The answer of `quantum metric KEY --json` and of the REST door."""
    reading = read(session, key, window, subject)
    statement = METRICS[key].build(window, *subject)
    sql, params = statement_text(session, statement)
    seen = reading.window
    return {
        "key": reading.key,
        "title": reading.title,
        "unit": reading.unit,
        "value": reading.value,
        "reason": reading.reason,
        "n": reading.n,
        "interval": list(reading.interval) if reading.interval else None,
        "measured_at": iso(reading.measured_at),
        "window": {"start": iso(seen.start), "end": iso(seen.end)}
        if seen and seen.start and seen.end
        else None,
        "sql": sql,
        "params": params,
        "tables": list(tables_of(statement)),
    }


def statement_text(session: Session, statement: Statement) -> tuple[str, dict[str, Any]]:
    """The SQL this database is sent for this actor, and its parameters as the driver gets them, in JSON's types.

    Parameters are named (`:name` on SQLite, `%(name)s` on PostgreSQL), so that both can be run as they stand.
    """
    dialect: Dialect = session.get_bind().dialect
    if dialect.name == "sqlite":
        dialect = sqlite.dialect(paramstyle="named")
    actor = session.actor if isinstance(session, GuardedSession) else None
    with asking(actor):
        compiled = statement.compile(dialect=give_eyes(dialect), compile_kwargs={"render_postcompile": True})
        params = dict(compiled.params)
    return str(compiled), {name: _bound(compiled, name, value) for name, value in params.items()}


def _bound(compiled: Compiled, name: str, value: Any) -> Any:
    bind = getattr(compiled, "binds", {}).get(name)
    process = (
        bind.type.dialect_impl(compiled.dialect).bind_processor(compiled.dialect)
        if bind is not None
        else None
    )
    return plain(process(value) if process else value)


def tables_of(statement: Statement) -> tuple[str, ...]:
    """Names of the tables a statement reads, sorted."""
    found = {element.name for element in visitors.iterate(statement) if isinstance(element, Table)}
    return tuple(sorted(found))


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, ending in Z."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


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


def nearest_rank(values: Statement, percent: int) -> Statement:
    """The ⌈percent·n/100⌉-th smallest `x` of `values`, none of which may be null, as `value`; how many as `n`.

    Counted from the largest: a database keeps only so many of them while it sorts, and numbers no row.
    """
    every, measured = values.subquery("measured"), values.subquery("measured")
    counted = select(func.count().label("n")).select_from(every).cte("counted")
    n = select(counted.c.n).scalar_subquery()
    above = select(counted.c.n - place_of(counted.c.n, percent)).scalar_subquery()
    value = select(measured.c.x).order_by(measured.c.x.desc()).limit(1).offset(above).scalar_subquery()
    return select(value.label("value"), n.label("n"))


def place_of(n: ColumnElement[int], percent: int) -> ColumnElement[int]:
    """⌈percent·n/100⌉ in whole numbers."""
    return (n * percent + 99) // 100


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
