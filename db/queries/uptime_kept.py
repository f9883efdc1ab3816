"""How far back single stretches of states and single results of checks are kept, and the sums by day of what is older.

Older days are counted as a whole: a window that begins within one begins with the next.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, func, literal, null, select
from sqlalchemy.orm import Session

from db.base import Document, Instant
from db.functions import seconds_later
from db.metric import EARLIEST, Statement, Window
from db.models.uptime import UptimeSubject
from db.models.uptime_kept import RESULTS, STATES, StateDay, UptimeKept

DAY = timedelta(days=1)
DAY_SUM = "day_sum"  # the reason of a row that is the sum of a day


def kept_since(family: str, start: datetime | None = None) -> ColumnElement[datetime]:
    """Since when single rows are kept, or `start` where that is later; long ago where none were deleted yet.

    A value of its own that is found before the rows are, so that an index serves what is compared with it.
    """
    asked = literal(start or EARLIEST, Instant())
    later = func.max(case((UptimeKept.since > asked, UptimeKept.since), else_=asked))
    found = func.coalesce(later, asked, type_=Instant())
    return select(found).where(UptimeKept.family == family).scalar_subquery()


def whole_days(since: Any, start: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    """True for days, by their first second, that lie in [start, end) as a whole."""
    bounds: list[ColumnElement[bool]] = []
    if start is not None:
        bounds.append(since >= day_from(start))
    if end is not None:
        bounds.append(since < day_of(end))
    return bounds


def day_of(moment: datetime) -> datetime:
    """The first second of its day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def day_from(moment: datetime) -> datetime:
    """The first second of the first day that begins then or later."""
    begun = day_of(moment)
    return begun if begun == moment else begun + DAY


def summed_days(
    start: datetime | None,
    end: datetime,
    conditions: tuple[ColumnElement[bool], ...],
    states: tuple[str, ...],
) -> Statement:
    """Sums of days as rows that look like stretches: the day's ends, a state and the seconds it lasted in all."""
    asked = [StateDay.state.in_(states)] if states else []
    return (
        select(
            StateDay.subject_id,
            StateDay.state,
            literal(DAY_SUM, Text()).label("reason"),
            StateDay.since,
            seconds_later(StateDay.since, int(DAY.total_seconds())).label("until"),
            StateDay.seconds,
            cast(null(), Document).label("facts"),
        )
        .join(UptimeSubject, UptimeSubject.id == StateDay.subject_id)
        .where(*whole_days(StateDay.since, start, end), *asked, *conditions)
    )


@dataclass(frozen=True)
class Summed:
    """Since when single stretches, and single results, are kept; None where the window holds nothing older."""

    states: datetime | None
    results: datetime | None


def summed(session: Session, window: Window) -> Summed:
    """What a page must say about a window."""
    kept = {row.family: row.since for row in session.execute(select(UptimeKept.family, UptimeKept.since))}
    older = {family: since for family, since in kept.items() if window.start is None or window.start < since}
    return Summed(older.get(STATES), older.get(RESULTS))
