"""SQL between moments and the stretches of time in which they lie, to the microsecond on both databases.

SQLite's own reading of a moment rounds to the millisecond, which puts the last of a stretch into the next one; whole
seconds are read instead.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from db.base import Instant

# SQL templates: the moment so many seconds after 1970-01-01 UTC, and the whole seconds up to a moment, rounded down.
MOMENT = {
    "sqlite": "(strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch') || '.000000')",
    "postgresql": "to_timestamp({seconds})",
}
SECONDS = {
    "sqlite": "CAST(strftime('%s', substr({moment}, 1, 19)) AS INTEGER)",
    "postgresql": "CAST(floor(extract(epoch FROM {moment})) AS bigint)",
}


def floored(seconds: Any, width: int) -> Any:
    """The start of the stretch of so many seconds in which whole seconds lie; before 1970 as well."""
    wide: ColumnElement[int] = literal_column(str(int(width)))
    return seconds - ((seconds % wide) + wide) % wide


def floored_sql(seconds: str, width: int) -> str:
    """`floored` as text."""
    return f"({seconds} - (({seconds} % {width}) + {width}) % {width})"


class moment_at(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """`moment_at(seconds)`: the moment so many whole seconds after 1970-01-01 UTC."""

    type = Instant()
    inherit_cache = True


@compiles(moment_at, "sqlite")
def _moment_sqlite(element: moment_at, compiler: Any, **kw: Any) -> str:
    return MOMENT["sqlite"].format(seconds=compiler.process(element.clauses, **kw))


@compiles(moment_at)
def _moment(element: moment_at, compiler: Any, **kw: Any) -> str:
    return MOMENT["postgresql"].format(seconds=compiler.process(element.clauses, **kw))


class seconds_of(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """`seconds_of(moment)`: whole seconds since 1970-01-01 UTC, rounded down."""

    type = BigInteger()
    inherit_cache = True


@compiles(seconds_of, "sqlite")
def _seconds_sqlite(element: seconds_of, compiler: Any, **kw: Any) -> str:
    return SECONDS["sqlite"].format(moment=compiler.process(element.clauses, **kw))


@compiles(seconds_of)
def _seconds(element: seconds_of, compiler: Any, **kw: Any) -> str:
    return SECONDS["postgresql"].format(moment=compiler.process(element.clauses, **kw))


def start_of(moment: Any, width: int) -> Any:
    """The start, in seconds since 1970, of the stretch of so many seconds in which a moment lies."""
    return floored(seconds_of(moment), width)
