"""SQL functions that read differently on SQLite and PostgreSQL but mean the same."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Float,
    Integer,
    Select,
    String,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from db.base import Exact, Instant


class seconds_later(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """`seconds_later(moment, seconds)`: the moment that many seconds after `moment`."""

    type = Instant()
    inherit_cache = True


@compiles(seconds_later, "sqlite")
def _seconds_later_sqlite(element: seconds_later, compiler: Any, **kw: Any) -> str:
    moment, seconds = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(strftime('%Y-%m-%d %H:%M:%f', {moment}, ({seconds}) || ' seconds') || '000')"


@compiles(seconds_later)
def _seconds_later(element: seconds_later, compiler: Any, **kw: Any) -> str:
    moment, seconds = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({moment} + make_interval(secs => {seconds}))"


class among(FunctionElement[bool]):  # noqa: N801 - reads as the SQL it is
    """`among(column, select)`: the column is one of the values selected.

    On PostgreSQL as an array that is made once, which an index on the column serves. An IN becomes a plan of its own
    that is asked about every row of the table, wherever it stands in a policy.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], selected: Select[Any]) -> None:
        super().__init__(column, selected.scalar_subquery())


@compiles(among, "postgresql")
def _among_postgresql(element: among, compiler: Any, **kw: Any) -> str:
    column, selected = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} = ANY (ARRAY{selected})"


@compiles(among)
def _among(element: among, compiler: Any, **kw: Any) -> str:
    column, selected = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} IN {selected}"


class days_between(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """`days_between(earlier, later)`: days, with fraction."""

    type = Float()
    inherit_cache = True


@compiles(days_between, "sqlite")
def _days_between_sqlite(element: days_between, compiler: Any, **kw: Any) -> str:
    earlier, later = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(julianday({later}) - julianday({earlier}))"


@compiles(days_between)
def _days_between(element: days_between, compiler: Any, **kw: Any) -> str:
    earlier, later = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(extract(epoch from ({later})::timestamptz - ({earlier})::timestamptz) / 86400.0)"


class seconds_between(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """`seconds_between(earlier, later)`: seconds, to the millisecond, which both databases give alike."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _seconds_between_sqlite(element: seconds_between, compiler: Any, **kw: Any) -> str:
    earlier, later = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"ROUND((julianday({later}) - julianday({earlier})) * 86400.0, 3)"


@compiles(seconds_between)
def _seconds_between(element: seconds_between, compiler: Any, **kw: Any) -> str:
    earlier, later = (compiler.process(clause, **kw) for clause in element.clauses)
    seconds = f"extract(epoch from ({later})::timestamptz - ({earlier})::timestamptz)"
    return f"ROUND({seconds}::numeric, 3)::double precision"


class lowered(FunctionElement[str]):  # noqa: N801 - reads as the SQL function it is
    """`lowered(text)`: the text in lower case, in any alphabet (SQLite's own lower() knows ASCII only)."""

    type = String()
    inherit_cache = True


class lowered_ascii(FunctionElement[str]):  # noqa: N801 - reads as the SQL function it is
    """`lowered_ascii(text)`: the text with a to z in place of A to Z, and nothing else changed.

    For names that programs give to things, in statements that people run elsewhere: every database does this alike and
    by itself.
    """

    type = String()
    inherit_cache = True


@compiles(lowered_ascii, "sqlite")
def _lowered_ascii_sqlite(element: lowered_ascii, compiler: Any, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"


@compiles(lowered_ascii)
def _lowered_ascii(element: lowered_ascii, compiler: Any, **kw: Any) -> str:
    return f'lower({compiler.process(element.clauses, **kw)} COLLATE "C")'


SQLITE_LOWER = "lower_unicode"  # db.engine gives it to every connection


@compiles(lowered, "sqlite")
def _lowered_sqlite(element: lowered, compiler: Any, **kw: Any) -> str:
    return f"{SQLITE_LOWER}({compiler.process(element.clauses, **kw)})"


@compiles(lowered)
def _lowered(element: lowered, compiler: Any, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"


class exact_total(FunctionElement[Decimal]):  # noqa: N801 - reads as the SQL function it is
    """`exact_total(amount)`: the sum of a numeric(15, 2) column without rounding errors.

    SQLite adds binary fractions, which drift; whole cents do not.
    """

    type = Exact(24, 2)
    inherit_cache = True


@compiles(exact_total, "sqlite")
def _exact_total_sqlite(element: exact_total, compiler: Any, **kw: Any) -> str:
    (amount,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(SUM(CAST(ROUND({amount} * 100) AS INTEGER)) / 100.0)"


@compiles(exact_total)
def _exact_total(element: exact_total, compiler: Any, **kw: Any) -> str:
    (amount,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"SUM({amount})"


class day_of(FunctionElement[str]):  # noqa: N801 - reads as the SQL function it is
    """`day_of(moment)`: the day in UTC as ISO 8601 text (2022-08-22)."""

    type = String()
    inherit_cache = True


@compiles(day_of, "sqlite")
def _day_of_sqlite(element: day_of, compiler: Any, **kw: Any) -> str:
    (moment,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"substr({moment}, 1, 10)"


@compiles(day_of)
def _day_of(element: day_of, compiler: Any, **kw: Any) -> str:
    (moment,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


class day_of_ns(FunctionElement[str]):  # noqa: N801 - reads as the SQL function it is
    """`day_of_ns(nanoseconds)`: the day in UTC of nanoseconds since 1970, as ISO 8601 text (2022-08-22)."""

    type = String()
    inherit_cache = True


@compiles(day_of_ns, "sqlite")
def _day_of_ns_sqlite(element: day_of_ns, compiler: Any, **kw: Any) -> str:
    (nanoseconds,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"strftime('%Y-%m-%d', {nanoseconds} / 1000000000, 'unixepoch')"


@compiles(day_of_ns)
def _day_of_ns(element: day_of_ns, compiler: Any, **kw: Any) -> str:
    (nanoseconds,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"to_char(to_timestamp({nanoseconds} / 1000000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


class list_length(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """`list_length(document)`: how many entries a JSON list has; 0 for null and for what is no list."""

    type = Integer()
    inherit_cache = True


@compiles(list_length, "sqlite")
def _list_length_sqlite(element: list_length, compiler: Any, **kw: Any) -> str:
    (document,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(CASE json_type({document}) WHEN 'array' THEN json_array_length({document}) ELSE 0 END)"


@compiles(list_length)
def _list_length(element: list_length, compiler: Any, **kw: Any) -> str:
    (document,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(CASE jsonb_typeof({document}) WHEN 'array' THEN jsonb_array_length({document}) ELSE 0 END)"


class bucket_of(FunctionElement[str]):  # noqa: N801 - reads as the SQL function it is
    """`bucket_of(moment, seconds)`: the start in UTC of the stretch of that many seconds, as 2022-08-22T03:50; where it
    may begin within a minute, as 2022-08-22T03:50:05."""

    type = String()
    inherit_cache = True

    def __init__(self, moment: Any, seconds: int) -> None:
        super().__init__(moment, literal_column(str(int(seconds))))


def _within_minutes(seconds: str) -> bool:
    return int(seconds) % 60 != 0


@compiles(bucket_of, "sqlite")
def _bucket_of_sqlite(element: bucket_of, compiler: Any, **kw: Any) -> str:
    moment, seconds = (compiler.process(clause, **kw) for clause in element.clauses)
    # Whole seconds: SQLite would round a moment's last half millisecond into the next one.
    start = f"CAST(strftime('%s', substr({moment}, 1, 19)) AS INTEGER) / {seconds} * {seconds}"
    form = "%Y-%m-%dT%H:%M:%S" if _within_minutes(seconds) else "%Y-%m-%dT%H:%M"
    return f"strftime('{form}', {start}, 'unixepoch')"


@compiles(bucket_of)
def _bucket_of(element: bucket_of, compiler: Any, **kw: Any) -> str:
    moment, seconds = (compiler.process(clause, **kw) for clause in element.clauses)
    start = f"to_timestamp(floor(extract(epoch from {moment}) / {seconds}) * {seconds})"
    form = "HH24:MI:SS" if _within_minutes(seconds) else "HH24:MI"
    return f"to_char({start} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"{form}')"


class said_under(FunctionElement[str]):  # noqa: N801 - reads as the SQL function it is
    """`said_under(document, key)`: what a JSON document says under a key, as text; null where it says nothing.

    Of true and false as PostgreSQL spells them: SQLite alone takes them for the numbers 1 and 0.
    """

    type = String()
    inherit_cache = True

    def __init__(self, document: Any, key: str) -> None:
        quoted = key.replace("'", "''")
        super().__init__(document, literal_column(f"'{quoted}'"))


@compiles(said_under, "sqlite")
def _said_under_sqlite(element: said_under, compiler: Any, **kw: Any) -> str:
    document, key = (compiler.process(clause, **kw) for clause in element.clauses)
    path = f"'$.\"' || {key} || '\"'"
    kind, said = f"json_type({document}, {path})", f"json_extract({document}, {path})"
    return f"(CASE WHEN {kind} IN ('true', 'false') THEN {kind} ELSE CAST({said} AS TEXT) END)"


@compiles(said_under)
def _said_under(element: said_under, compiler: Any, **kw: Any) -> str:
    document, key = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({document} ->> {key})"


# Few enough digits for the exponent that any such number fits a float.
_WRITTEN = r"^(0|[1-9][0-9]{0,199})(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?$"


class is_written_number(FunctionElement[bool]):  # noqa: N801 - reads as the SQL function it is
    """`is_written_number(text)`: whether a text is a number from 0 up as JSON writes it, its exponent of at most two
    digits. SQLite by itself has no regular expressions, but reads JSON."""

    type = Boolean()
    inherit_cache = True


@compiles(is_written_number, "sqlite")
def _is_written_sqlite(element: is_written_number, compiler: Any, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    bare = f"{text} GLOB '[0-9]*[0-9]' OR {text} GLOB '[0-9]'"
    exponent = f"{text} NOT GLOB '*[eE]*[0-9][0-9][0-9]'"
    number = f"json_type({text}) IN ('integer', 'real')"
    return f"(CASE WHEN ({bare}) AND {exponent} AND json_valid({text}) THEN {number} ELSE 0 END)"


@compiles(is_written_number)
def _is_written(element: is_written_number, compiler: Any, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} ~ '{_WRITTEN}')"


class minute_of(FunctionElement[str]):  # noqa: N801 - reads as the SQL function it is
    """`minute_of(seconds)`: seconds since 1970 as a moment in UTC, as 2022-08-22T03:50."""

    type = String()
    inherit_cache = True


@compiles(minute_of, "sqlite")
def _minute_of_sqlite(element: minute_of, compiler: Any, **kw: Any) -> str:
    return f"strftime('%Y-%m-%dT%H:%M', {compiler.process(element.clauses, **kw)}, 'unixepoch')"


@compiles(minute_of)
def _minute_of(element: minute_of, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI')"


class first_event_ns(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """`first_event_ns(events, names)`: when the earliest of a span's events with one of these names was, in nanoseconds
    since 1970; null where it has none."""

    type = BigInteger()
    inherit_cache = True

    def __init__(self, events: Any, names: Sequence[str]) -> None:
        spelled = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
        super().__init__(events, literal_column(spelled))


@compiles(first_event_ns, "sqlite")
def _first_event_ns_sqlite(element: first_event_ns, compiler: Any, **kw: Any) -> str:
    events, names = (compiler.process(clause, **kw) for clause in element.clauses)
    when, name = "json_extract(told.value, '$.time_ns')", "json_extract(told.value, '$.name')"
    return f"(SELECT MIN(CAST({when} AS INTEGER)) FROM json_each({events}) AS told WHERE {name} IN ({names}))"  # noqa: S608 - names written in the code


@compiles(first_event_ns)
def _first_event_ns(element: first_event_ns, compiler: Any, **kw: Any) -> str:
    events, names = (compiler.process(clause, **kw) for clause in element.clauses)
    listed = f"CASE jsonb_typeof({events}) WHEN 'array' THEN {events} ELSE '[]'::jsonb END"
    told = f"jsonb_array_elements({listed}) AS told(value)"
    return f"(SELECT MIN((told.value ->> 'time_ns')::bigint) FROM {told} WHERE told.value ->> 'name' IN ({names}))"  # noqa: S608 - names written in the code
