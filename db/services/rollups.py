"""Roll-ups, made from raw rows: the five minutes that were touched, and the hours and days in which they lie.

A step is one transaction. It first deletes the notes of the five minutes it takes, then counts their raw rows anew and
puts the hours and days together again from what stands below. Whatever is noted later stays noted, and a step that is
broken off has done nothing: it may be killed, run twice or by several processes, and rows may come as late as they
like.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from time import monotonic

from sqlalchemy import Engine, delete, func, literal, select, text, union
from sqlalchemy.orm import Session

from db.actor import SYSTEM
from db.engine import session as unit_of
from db.metric import NANOSECONDS, to_ns
from db.models import Kept, Touched
from db.models.rollup import DAY, FIVE_MINUTES, SPANS
from db.services.bulk import table_of
from db.services.rollup_families import FAMILIES, Family

ROLLING = 0x526F6C6C  # names the lock: one step at a time
FIRST, MOST_AT_ONCE = 12, 288  # five minutes of one step: an hour of them to begin with, a day at most
LONGEST_STEP = 1.0  # seconds, about; so long a writer may have to wait
WIDTH = FIVE_MINUTES * NANOSECONDS


def waiting(session: Session, family: str | None = None) -> int:
    """How many five minutes are to be rolled up, those of each family counted by themselves."""
    noted = select(Touched.family, Touched.start).distinct()
    if family is not None:
        noted = noted.where(Touched.family == family)
    return int(session.scalar(select(func.count()).select_from(noted.subquery("noted"))) or 0)


def bucket_at(moment: datetime) -> int:
    """The start of the five minutes in which a moment lies."""
    return to_ns(moment) // WIDTH * FIVE_MINUTES


def one_at_a_time(session: Session) -> None:
    """Nobody else rolls up, or deletes what was rolled up, until the transaction ends. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:rolling)"), {"rolling": ROLLING})


def roll_up(
    session: Session,
    most: int = MOST_AT_ONCE,
    *,
    family: str = SPANS,
    but: int | None = None,
    before: int | None = None,
) -> int:
    """Roll up at most so many of the five minutes of a family that were touched, the oldest first and of one day;
    returns how many.

    `but` is the start of one that is left for later: it is not over yet, so that it would be touched again at once.
    `before` leaves all that start then or later. The caller commits.
    """
    one_at_a_time(session)
    noted = (
        select(Touched.start).where(Touched.family == family).distinct().order_by(Touched.start).limit(most)
    )
    if but is not None:
        noted = noted.where(Touched.start != but)
    if before is not None:
        noted = noted.where(Touched.start < before)
    starts = list(session.scalars(noted))
    starts = [start for start in starts if start // DAY == starts[0] // DAY]
    if starts:
        table = table_of(Touched)
        taken = delete(table).where(table.c.family == family, table.c.start.in_(starts))
        session.connection().execute(taken)
        kept = _kept_from(session, family)
        FAMILIES[family].make(session, [start for start in starts if kept is None or start >= kept])
    return len(starts)


def roll_up_all(
    engine: Engine,
    *,
    families: Iterable[str] = tuple(FAMILIES),
    but: int | None = None,
    goes_on: Callable[[], bool] = lambda: True,
    progress: Callable[[int], object] = lambda taken: None,
) -> int:
    """Roll up step by step until nothing is noted any more, or as long as it `goes_on`; returns how many.

    The families take turns, so that none waits for another that has much to do.
    """
    done, sizes = 0, dict.fromkeys(families, FIRST)
    while sizes:
        for family, most in list(sizes.items()):
            if not goes_on():
                return done
            began = monotonic()
            with unit_of(engine, SYSTEM, write=True) as unit:
                taken = roll_up(unit, most, family=family, but=but)
            if not taken:
                del sizes[family]
                continue
            done += taken
            progress(taken)
            sizes[family] = _next_size(most, monotonic() - began)
    return done


def _next_size(most: int, took: float) -> int:
    """How many five minutes the next step takes, so that it lasts about as long as a step may."""
    if took > LONGEST_STEP:
        return max(1, most // 2)
    return min(MOST_AT_ONCE, most * 2) if took < LONGEST_STEP / 2 else most


def _kept_from(session: Session, family: str) -> int | None:
    """Since when the family's raw rows are kept; None = all of them."""
    return session.scalar(select(Kept.raw_from).where(Kept.family == family))


def touch_all(
    session: Session,
    since: datetime | None = None,
    until: datetime | None = None,
    families: Iterable[str] = tuple(FAMILIES),
) -> None:
    """Note every five minutes in [since, until) of which there are raw rows or roll-ups, so that they are made anew."""
    first = None if since is None else bucket_at(since)
    last = None if until is None else -(-to_ns(until) // WIDTH) * FIVE_MINUTES
    for family in families:
        _touch_all(session, family, FAMILIES[family], first, last)


def _touch_all(session: Session, name: str, family: Family, first: int | None, last: int | None) -> None:
    model = family.models[0]
    made = select(model.start).where(model.resolution == FIVE_MINUTES)
    if first is not None:
        made = made.where(model.start >= first)
    if last is not None:
        made = made.where(model.start < last)
    row = union(family.starts(first, last), made).subquery("stretches")
    every = select(literal(name), row.c.start)
    kept = _kept_from(session, name)
    if kept is not None:
        every = every.where(row.c.start >= kept)
    noted = table_of(Touched).insert().from_select(["family", "start"], every)
    session.connection().execute(noted)
