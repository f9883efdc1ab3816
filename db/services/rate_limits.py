"""How often a key may ask: per endpoint, by the hour and by the day, exact however many ask at once.

Hours and days are those of the clock in UTC, so one moment tells both windows apart: `window_start` is the start of the
hour that was counted last. One UPDATE counts a request, only while it is below both limits, and begins a window anew
when it is over; whatever process asks, the database lets exactly as many through as the limit says.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.base import Instant
from db.models import RateLimit
from db.services.bulk import table_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Limits:
    """Most requests of one key to one endpoint."""

    per_hour: int
    per_day: int


@dataclass(frozen=True)
class Quota:
    """What a key has left at an endpoint. `refused_until` is when to ask again; None where the request was counted."""

    limits: Limits
    left_hour: int
    left_day: int
    hour_ends: datetime
    day_ends: datetime
    refused_until: datetime | None = None


class KeyIsGone(LookupError):
    """The key was deleted since it was found."""


def spend(session: Session, key_id: UUID, endpoint: str, limits: Limits, now: datetime) -> Quota:
    """Count a request, or say until when it is refused; `limits` hold where the key asks here for the first time.

    Raises KeyIsGone.
    """
    _do_not_wait_for_the_disk(session)
    counted = _count(session, key_id, endpoint, now)
    if counted is None:  # nothing is left, or there was no row yet: somebody else may be making it right now
        _begin(session, key_id, endpoint, limits, now)
        counted = _count(session, key_id, endpoint, now)
    if counted is not None:
        return _quota(counted, now)
    return _quota(_kept(session, key_id, endpoint), now, is_refused=True)


COUNTS = (
    RateLimit.current_hour_count,
    RateLimit.current_day_count,
    RateLimit.limit_per_hour,
    RateLimit.limit_per_day,
)


def _counting() -> Any:
    """The statement that counts a request. Put together once: it is sent at every request."""
    table = table_of(RateLimit)
    now, hour, day = (bindparam(name, type_=Instant()) for name in ("now", "hour", "day"))
    over_hour = or_(table.c.window_start.is_(None), table.c.window_start < hour)
    over_day = or_(table.c.window_start.is_(None), table.c.window_start < day)
    in_hour = func.coalesce(table.c.current_hour_count, 0)
    in_day = func.coalesce(table.c.current_day_count, 0)
    return (
        update(table)
        .where(table.c.api_key_id == bindparam("key_id"), table.c.endpoint == bindparam("at"))
        .where(or_(over_hour, in_hour < table.c.limit_per_hour))
        .where(or_(over_day, in_day < table.c.limit_per_day))
        .values(
            current_hour_count=case((over_hour, 1), else_=in_hour + 1),
            current_day_count=case((over_day, 1), else_=in_day + 1),
            window_start=case((over_hour, hour), else_=table.c.window_start),
            last_reset_at=case((over_hour, now), else_=table.c.last_reset_at),
        )
        .returning(*(table.c[column.key] for column in COUNTS))
    )


COUNTING = _counting()


def _count(session: Session, key_id: UUID, endpoint: str, now: datetime) -> Any:
    """The row with this request counted; None where there is no row or nothing left of it."""
    told = {"key_id": key_id, "at": endpoint, "now": now, "hour": hour_of(now), "day": day_of(now)}
    return session.execute(COUNTING, told).one_or_none()


def _begin(session: Session, key_id: UUID, endpoint: str, limits: Limits, now: datetime) -> None:
    """Make the row of a key and an endpoint where there is none yet."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = {
        "api_key_id": key_id,
        "endpoint": endpoint,
        "limit_per_hour": limits.per_hour,
        "limit_per_day": limits.per_day,
        "current_hour_count": 0,
        "current_day_count": 0,
        "window_start": hour_of(now),
        "last_reset_at": now,
    }
    if session.scalar(_row(key_id, endpoint, RateLimit.id)) is not None:
        return
    made = insert(RateLimit).values(row).on_conflict_do_nothing(index_elements=["api_key_id", "endpoint"])
    try:
        session.execute(made)
    except IntegrityError as error:
        raise KeyIsGone(f"There is no key {key_id} any more.") from error


def _kept(session: Session, key_id: UUID, endpoint: str) -> Any:
    return session.execute(_row(key_id, endpoint, *COUNTS)).one()


def _row(key_id: UUID, endpoint: str, *columns: Any) -> Any:
    return select(*columns).where(RateLimit.api_key_id == key_id, RateLimit.endpoint == endpoint)


def _quota(row: Any, now: datetime, *, is_refused: bool = False) -> Quota:
    hour_ends, day_ends = hour_of(now) + HOUR, day_of(now) + DAY
    left_hour = max(0, row.limit_per_hour - row.current_hour_count)
    left_day = max(0, row.limit_per_day - row.current_day_count)
    until = (day_ends if left_day == 0 else hour_ends) if is_refused else None
    limits = Limits(row.limit_per_hour, row.limit_per_day)
    return Quota(limits, left_hour, left_day, hour_ends, day_ends, until)


def hour_of(moment: datetime) -> datetime:
    """The start of the moment's hour in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(moment: datetime) -> datetime:
    """The start of the moment's day in UTC."""
    return hour_of(moment).replace(hour=0)


def _do_not_wait_for_the_disk(session: Session) -> None:
    """A server that loses power may forget the last counts: that is cheaper than a disk's turn at every request."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL synchronous_commit = off"))
