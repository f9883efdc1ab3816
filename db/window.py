"""A window of time: the half-open stretch in UTC that a number speaks of, and the words it is asked for by."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, true
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import KeyedColumnElement

NANOSECONDS = 1_000_000_000
SPANS_OF_TIME = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
# Nanoseconds since 1970 fit into 64 bits until 2262.
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
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


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, ending in Z."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
