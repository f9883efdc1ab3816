"""The months that growing tables are cut into on PostgreSQL: made ahead, made when rows of one arrive, and filled.

Everything here asks the functions of `db.partitions`, which run with the rights of the schema's owner and take nothing
but a known table and a month. Where the database keeps whole tables there are no months, and nothing is asked.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from db.actor import SYSTEM
from db.engine import session
from db.guard import Denied
from db.partitions import IN_NS, MONTHLY, STAYING

BILLION = 1_000_000_000
DAY_NS = 86_400 * BILLION
EPOCH = date(1970, 1, 1)
FIRST, FURTHEST = date(2010, 1, 1), timedelta(days=366)  # older and later months have no partitions
AHEAD = 3  # months after this one that are ready before their time
MOST_MOVED = 50_000  # rows that move at once: whoever asks for any time waits that long, a second or two
MOST_AT_ONCE = 12  # months that one batch of rows may be given
AGAIN_SECONDS = 60.0  # after partitions could not be made

MAKE = text("SELECT make_month(:what, :month, :most)")
SURVEY = text("SELECT survey_months(:what)")
SURVEYED = text(
    "SELECT coalesce(max(last_analyze), '-infinity') < now() - interval '1 day' FROM pg_stat_user_tables "
    "WHERE schemaname = 'public' AND relname = :what"
)
CUT = text(
    "SELECT substring(c.relname FROM '_(\\d{4}_\\d{2})$') FROM pg_inherits AS i "
    "JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = CAST(:what AS regclass) ORDER BY 1"
)
PARTS = text(
    "SELECT c.relname, CAST(nullif(c.reltuples, -1) AS bigint), pg_total_relation_size(c.oid) FROM pg_inherits AS i "
    "JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = CAST(:what AS regclass) ORDER BY c.relname"
)

log = logging.getLogger("quantum.partitions")
TRACED = IN_NS  # spans, and the calls they prove: what makes a month of one makes a month of the other
# Months that need not be asked for again, by database and tables, and until when (in monotonic seconds).
_SETTLED: dict[tuple[str, tuple[str, ...]], dict[date, float]] = {}


def month_of(ns: int) -> date:
    """The month of an instant, as its first day in UTC."""
    return (EPOCH + timedelta(days=ns // DAY_NS)).replace(day=1)


def after(month: date, months: int = 1) -> date:
    """The month that many months later."""
    years, place = divmod(month.month - 1 + months, 12)
    return date(month.year + years, place + 1, 1)


def begin_ns(month: date) -> int:
    """Its first instant, in nanoseconds since 1970."""
    return (month - EPOCH).days * DAY_NS


def ahead(at: datetime) -> list[date]:
    """The month of an instant and those that are ready before their time."""
    this = at.astimezone(UTC).date().replace(day=1)
    return [after(this, months) for months in range(AHEAD + 1)]


def may_have_one(month: date, at: datetime) -> bool:
    """Whether the month can have a partition at all."""
    return FIRST <= month <= at.astimezone(UTC).date().replace(day=1) + FURTHEST


def is_cut(engine: Engine) -> bool:
    """Whether the database behind `engine` cuts tables by month."""
    return engine.dialect.name == "postgresql"


# --- made -----------------------------------------------------------------------------------------------


def make(engine: Engine, table: str, month: date, *, most: int = MOST_MOVED, tries: int = 1) -> str:
    """Make the month's partition, in a transaction of its own, and move what waits for it in the rest.

    Gives 'made', 'there', 'busy' where somebody was in the way each time (ask later), 'too many' where more rows than
    `most` wait, and 'enough' where the table has too many partitions for one of the past.
    """
    told = {"what": table, "month": month, "most": most}
    return tried(engine, lambda unit: str(unit.connection().scalar(MAKE, told)), tries)


def tried(engine: Engine, step: Callable[[Session], str], tries: int) -> str:
    """What a step tells, in a transaction of its own each time; while it is 'busy', again, up to so many times."""
    told = "busy"
    while told == "busy" and tries > 0:
        with session(engine, SYSTEM, write=True) as unit:
            told = step(unit)
        tries -= 1
    return told


def prepare(
    unit: Session,
    starts: Iterable[int],
    tables: tuple[str, ...] = TRACED,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Have partitions for rows that begin at these instants (ns), before the transaction of `unit` does anything.

    Whatever hinders that, the rows can be stored: the rest takes them, and the job moves them when their month is made.
    """
    bind = unit.get_bind()
    if not isinstance(bind, Engine) or not is_cut(bind):
        return
    settled, at = _SETTLED.setdefault((str(bind.url), tables), {}), datetime.now(UTC)
    found = {month_of(day * DAY_NS) for day in {ns // DAY_NS for ns in starts}}
    missing = [each for each in sorted(found) if may_have_one(each, at) and settled.get(each, 0.0) <= now()]
    for month in missing[-MOST_AT_ONCE:]:
        settled[month] = float("inf") if _is_made(bind, tables, month) else now() + AGAIN_SECONDS


def _is_made(engine: Engine, tables: tuple[str, ...], month: date) -> bool:
    try:
        return all(make(engine, table, month) in ("made", "there") for table in tables)
    except (DatabaseError, Denied) as error:
        log.warning("no partition for %s: %s", month, str(error).splitlines()[0])
        return False


# --- what lies in the rest ------------------------------------------------------------------------------


def cut(unit: Session, table: str) -> list[date]:
    """The months that have a partition, in order. It is named after its month."""
    found = unit.connection().scalars(CUT, {"what": table})
    return [date(int(each[:4]), int(each[5:]), 1) for each in found if each is not None]


def bounds(unit: Session, table: str) -> list[tuple[int, int]]:
    """First instant and end of each partition in nanoseconds, in order."""
    return [(begin_ns(month), begin_ns(after(month))) for month in cut(unit, table)]


def written(table: str, ns: int) -> str:
    """An instant as the table's own column holds it, in SQL; of moments, to the second."""
    if table in IN_NS:
        return str(ns)
    return f"TIMESTAMPTZ '{datetime.fromtimestamp(ns // BILLION, UTC):%Y-%m-%d %H:%M:%S} UTC'"


def outside(unit: Session, table: str) -> str:
    """The condition that rows of the rest alone fulfil, so that PostgreSQL looks nowhere else."""
    return " OR ".join(_gaps(table, bounds(unit, table))) or "true"


def passing(table: str) -> str:
    """The condition of rows that go with their month."""
    return f"NOT ({STAYING[table]})" if table in STAYING else "true"


def _gaps(table: str, parts: list[tuple[int, int]]) -> Iterator[str]:
    key, end = MONTHLY[table], None
    for begins, ends in parts:
        if begins != end:
            since = "" if end is None else f"{key} >= {written(table, end)} AND "
            yield f"({since}{key} < {written(table, begins)})"
        end = ends
    if end is not None:
        yield f"{key} >= {written(table, end)}"


def waiting(unit: Session, table: str) -> dict[date, int]:
    """How many rows of which month lie in the rest, but for those that stay there: they wait for nothing."""
    key = MONTHLY[table]
    moment = f"to_timestamp({key} / {BILLION})" if table in IN_NS else key
    counted = text(
        f"SELECT CAST(date_trunc('month', {moment} AT TIME ZONE 'UTC') AS date), count(*) FROM {table} "  # noqa: S608
        f"WHERE ({outside(unit, table)}) AND {passing(table)} GROUP BY 1 ORDER BY 1"
    )
    return {row[0]: row[1] for row in unit.connection().execute(counted)}


def sort_in(
    engine: Engine, table: str, most: int = MOST_MOVED, *, tries: int = 1
) -> Iterator[tuple[date, int, str]]:
    """Make the months that rows of the rest wait for; each with how many wait and what `make` told."""
    with session(engine, SYSTEM) as unit:
        found, at = waiting(unit, table), datetime.now(UTC)
    for month, rows in found.items():
        if may_have_one(month, at):
            yield month, rows, make(engine, table, month, most=most, tries=tries)


class Part(NamedTuple):
    """A partition with its rows as PostgreSQL estimates them (None before it did) and its room in bytes."""

    name: str
    rows: int | None
    size: int


def parts(unit: Session, table: str) -> list[Part]:
    """The partitions of a table, oldest first, the rest last."""
    return [Part(*row) for row in unit.connection().execute(PARTS, {"what": table})]


# --- known as a whole ----------------------------------------------------------------------


def survey(engine: Engine, table: str) -> bool:
    """Once a day, have PostgreSQL look at the table as a whole, for its plans; whether it did."""
    with session(engine, SYSTEM, write=True) as unit:
        if not unit.connection().scalar(SURVEYED, {"what": table}):
            return False
        return bool(unit.connection().scalar(SURVEY, {"what": table}) == "done")
