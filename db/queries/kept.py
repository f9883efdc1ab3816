"""How far back single rows are kept, and what that means for a window."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.metric import NANOSECONDS, Window, from_ns, to_ns
from db.models import Kept
from db.models.rollup import API, DAY, FIVE_MINUTES, HOUR, LOGS, MEASUREMENTS, SPANS


@dataclass(frozen=True)
class Beyond:
    """A window that begins before single rows of a family are kept: they are since `since`, and its beginning is
    counted in whole stretches of so many seconds."""

    since: datetime
    seconds: int


def beyond(session: Session, window: Window, family: str = SPANS) -> Beyond | None:
    """Whether numbers of a family in the window reach beyond what is kept; None where they do not."""
    kept = session.execute(
        select(Kept.raw_from, Kept.five_from, Kept.hour_from).where(Kept.family == family)
    ).one_or_none()
    begin = to_ns(window.start) // NANOSECONDS if window.start else 0
    if kept is None or begin >= kept.raw_from:
        return None
    seconds = DAY if begin < kept.hour_from else HOUR if begin < kept.five_from else FIVE_MINUTES
    return Beyond(from_ns(kept.raw_from * NANOSECONDS), seconds)


def beside_rolled(
    session: Session, model: Any, first: datetime | None, last: datetime | None, *of_model: Any
) -> tuple[datetime, datetime] | None:
    """First and last moment of rows, of which those kept singly lie between `first` and `last`; None where there is
    none. Of those no longer kept the day is known, by their roll-ups in `model`."""
    lowest, highest = (
        session.scalar(select(end(model.start)).where(model.resolution == DAY, *of_model))
        for end in (func.min, func.max)
    )
    if lowest is not None and highest is not None:
        begin, final = (from_ns(seconds * NANOSECONDS) for seconds in (lowest, highest + DAY))
        if first is None or begin + timedelta(seconds=DAY) <= first:
            first = begin
        last = final if last is None else last
    return None if first is None or last is None else (first, last)


__all__ = ["API", "LOGS", "MEASUREMENTS", "SPANS", "Beyond", "beside_rolled", "beyond"]
