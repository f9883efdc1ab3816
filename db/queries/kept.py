"""How far back single rows are kept, and what that means for a window."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
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


__all__ = ["API", "LOGS", "MEASUREMENTS", "SPANS", "Beyond", "beyond"]
