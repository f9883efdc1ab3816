"""What people have asked over HTTP: the definitions they make, which are due, and what came out.

Nothing is asked here. Who asks (workers/checks.py) takes what is due, says when it was planned for, and brings the
outcome back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.guard import GuardedSession
from db.models.uptime import Check, CheckResult, ExemptTime
from db.services.account_fields import FieldErrors
from db.services.uptime_complaints import Complaint
from db.uptime import GRACE_SHARE

HTTP = "http"
LONGEST_NAME, LONGEST_URL, LONGEST_ERROR = 80, 2000, 120
SHORTEST_INTERVAL, LONGEST_TIMEOUT = 30, 30
SCHEMES = ("http", "https")


@dataclass(frozen=True)
class Wish:
    """A check as somebody asks for it."""

    name: str
    url: str
    interval_seconds: int = 60
    timeout_seconds: int = 10
    expected_status: int = 200
    confirmations: int = 2


@dataclass(frozen=True)
class Due:
    """A check that is to be asked now, and the moment that was planned for it."""

    id: UUID
    url: str
    planned: datetime
    timeout_seconds: int
    expected_status: int


@dataclass(frozen=True)
class Outcome:
    """What asking came to. `milliseconds` counts from the planned moment; `refusal` says why nobody asked."""

    check_id: UUID
    planned: datetime
    is_up: bool = False
    status: int | None = None
    milliseconds: float | None = None
    error: str | None = None
    refusal: str | None = None


def checked(wish: Wish) -> Wish:
    """The wish, tidied. Raises FieldErrors by field."""
    name, url = " ".join(wish.name.split()), wish.url.strip()
    wrong: dict[str, str] = {}
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        wrong["name"] = Complaint.NAME
    if not is_askable(url):
        wrong["url"] = Complaint.URL
    if not SHORTEST_INTERVAL <= wish.interval_seconds <= 86_400:
        wrong["interval_seconds"] = Complaint.INTERVAL
    if not 1 <= wish.timeout_seconds <= LONGEST_TIMEOUT:
        wrong["timeout_seconds"] = Complaint.TIMEOUT
    if not 100 <= wish.expected_status <= 599:
        wrong["expected_status"] = Complaint.STATUS
    if not 1 <= wish.confirmations <= 10:
        wrong["confirmations"] = Complaint.CONFIRMATIONS
    if wrong:
        raise FieldErrors(wrong)
    numbers = (wish.interval_seconds, wish.timeout_seconds, wish.expected_status, wish.confirmations)
    return Wish(name, url, *numbers)


def is_askable(url: str) -> bool:
    """Whether it is a whole address of the web that says nothing secret. Where it leads is looked at when asked."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    names_somebody = parts.username is not None or parts.password is not None
    return parts.scheme in SCHEMES and bool(parts.hostname) and not names_somebody and port != 0


def define_check(session: Session, wish: Wish) -> UUID:
    """Raises FieldErrors."""
    told = checked(wish)
    _refuse_taken(session, told.name, None)
    row = Check(**vars(told), kind=HTTP)
    session.add(row)
    session.flush()
    return row.id


def change_check(session: Session, key: UUID, wish: Wish) -> bool:
    """False when there is none that is asked. Raises FieldErrors."""
    row = _asked(session, key)
    if row is None:
        return False
    told = checked(wish)
    _refuse_taken(session, told.name, key)
    for name, value in vars(told).items():
        if getattr(row, name) != value:
            setattr(row, name, value)
    session.flush()
    return True


def pause_check(session: Session, key: UUID, paused: bool, at: datetime) -> bool:
    """Keep it from being asked, or let it go on; False when there is none."""
    row = _asked(session, key)
    if row is None:
        return False
    if paused is not (row.paused_at is not None):
        if row.paused_at is not None and row.paused_at < at:
            by = session.actor.profile_id if isinstance(session, GuardedSession) else None
            told = {"kind": "pause", "subject_id": f"check:{key}", "why": "", "declared_by": by}
            session.add(ExemptTime(**told, starts_at=row.paused_at, ends_at=at, declared_at=at))
        row.paused_at = at if paused else None
    session.flush()
    return True


def delete_check(session: Session, key: UUID) -> bool:
    """The check and, with it, what it found; False when there is none."""
    row = session.get(Check, key)
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


def _asked(session: Session, key: UUID) -> Check | None:
    wanted = select(Check).where(Check.id == key, Check.kind == HTTP).with_for_update()
    return session.scalars(wanted).one_or_none()


def _refuse_taken(session: Session, name: str, key: UUID | None) -> None:
    same = select(Check.id).where(Check.name == name)
    found = session.scalar(same if key is None else same.where(Check.id != key))
    if found is not None:
        raise FieldErrors({"name": Complaint.NAME_TAKEN})


# --- asking -------------------------------------------------------------------------------------------


def take_due(session: Session, at: datetime, most: int, *, until: datetime | None = None) -> list[Due]:
    """Checks that are due `until` then (now), the first one first; each is planned anew, so that nobody asks twice.

    One that is late by less than half its interval is measured from the moment it was planned for; what was missed for
    longer was not asked, and is not asked afterwards.
    """
    due = or_(Check.due_at.is_(None), Check.due_at <= (until or at))
    rows = session.scalars(
        select(Check)
        .where(Check.kind == HTTP, Check.paused_at.is_(None), due)
        .order_by(func.coalesce(Check.due_at, Check.created_at), Check.id)
        .limit(most)
    ).all()
    found = []
    for row in rows:
        interval = timedelta(seconds=row.interval_seconds)
        in_time = row.due_at is not None and at - row.due_at <= GRACE_SHARE * interval
        planned = row.due_at if in_time and row.due_at is not None else at
        _plan(session, row.id, due_at=planned + interval)
        found.append(Due(row.id, row.url or "", planned, row.timeout_seconds, row.expected_status))
    return found


def keep_outcomes(session: Session, outcomes: Sequence[Outcome]) -> int:
    """Store what came out; one that was deleted meanwhile is left out. How many results that is."""
    ids = [each.check_id for each in outcomes]
    there = set(session.scalars(select(Check.id).where(Check.id.in_(ids))))
    rows: list[dict[str, Any]] = []
    for each in outcomes:
        if each.check_id not in there:
            continue
        _plan(session, each.check_id, refusal=each.refusal)
        if each.refusal is None:
            rows.append(
                {
                    "check_id": each.check_id,
                    "at": each.planned,
                    "is_up": each.is_up,
                    "status": each.status,
                    "milliseconds": each.milliseconds,
                    "error": None if each.error is None else each.error[:LONGEST_ERROR],
                }
            )
    if rows:
        session.execute(insert(CheckResult), rows)
    return len(rows)


def _plan(session: Session, key: UUID, **values: Any) -> None:
    session.execute(
        update(Check).where(Check.id == key).values(**values).execution_options(synchronize_session=False)
    )
