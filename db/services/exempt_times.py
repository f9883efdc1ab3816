"""Maintenance, declared ahead, and corrections of what was told wrongly.

The rules say who may, the recorder keeps who did.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.guard import GuardedSession
from db.models import Agent
from db.models.uptime import JUDGED, Check, Correction, ExemptTime, UptimeSubject
from db.services.account_fields import FieldErrors
from db.services.uptime_complaints import Complaint
from db.services.uptime_kept import told_again_from

LONGEST = timedelta(days=31)
LONGEST_WHY = 500


@dataclass(frozen=True)
class Wish:
    """Maintenance as somebody asks for it; `subject_id` None is everything."""

    subject_id: str | None
    starts_at: datetime
    ends_at: datetime
    why: str


def declare_maintenance(session: Session, wish: Wish, at: datetime) -> UUID:
    """Raises FieldErrors by field."""
    starts, ends = _whole(wish.starts_at), _whole(wish.ends_at)
    wrong = _wrong_span(starts, ends) | _wrong_reason("why", wish.why)
    if starts < at:
        wrong["starts_at"] = Complaint.NOT_AHEAD
    if wish.subject_id is not None and not _is_known(session, wish.subject_id):
        wrong["subject_id"] = Complaint.NOBODY
    if wrong:
        raise FieldErrors(wrong)
    row = ExemptTime(
        kind="maintenance",
        subject_id=wish.subject_id,
        starts_at=starts,
        ends_at=ends,
        why=_tidy(wish.why),
        declared_by=_who(session),
        declared_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def change_maintenance(
    session: Session, key: UUID, *, starts_at: datetime, ends_at: datetime, why: str, at: datetime
) -> bool:
    """Move it; False when there is none. Once it has begun, only its end, and the row says that it was edited and why.

    Raises FieldErrors by field.
    """
    row = _maintenance(session, key)
    if row is None:
        return False
    starts, ends = _whole(starts_at), _whole(ends_at)
    wrong = _wrong_span(starts, ends) | _wrong_reason("why", why)
    has_begun = row.starts_at <= at
    if row.ends_at <= at or row.cancelled_at is not None:
        wrong["ends_at"] = Complaint.IS_OVER
    elif has_begun and starts != row.starts_at:
        wrong["starts_at"] = Complaint.HAS_BEGUN
    elif not has_begun and starts < at:
        wrong["starts_at"] = Complaint.NOT_AHEAD
    if wrong:
        raise FieldErrors(wrong)
    row.edited_at, row.edit_why = at, _tidy(why)
    row.unsettled_from = min(row.starts_at, starts, row.unsettled_from or starts)
    row.starts_at, row.ends_at = starts, ends
    session.flush()
    return True


def end_maintenance(session: Session, key: UUID, why: str, at: datetime) -> bool:
    """Call it off, or, once it has begun, end it now; False when there is nothing to end. Raises FieldErrors."""
    row = _maintenance(session, key)
    if row is None or row.ends_at <= at or row.cancelled_at is not None:
        return False
    wrong = _wrong_reason("why", why)
    if wrong:
        raise FieldErrors(wrong)
    now = _whole(at)
    row.edited_at, row.edit_why = at, _tidy(why)
    if row.starts_at < now:
        row.ends_at, row.unsettled_from = now, row.starts_at
    else:
        row.cancelled_at = at
    session.flush()
    return True


def correct(
    session: Session,
    subject_id: str,
    starts_at: datetime,
    ends_at: datetime,
    state: str,
    why: str,
    at: datetime,
) -> UUID:
    """Say what the state was. It stands over what was measured, which stays stored. Raises FieldErrors by field."""
    starts, ends = _whole(starts_at), _whole(ends_at)
    wrong = _wrong_span(starts, ends) | _wrong_reason("why", why)
    subject = session.get(UptimeSubject, subject_id)
    if subject is None:
        wrong["subject_id"] = Complaint.NOBODY
    elif starts < subject.observed_since or ends > subject.settled_until:
        wrong.setdefault("ends_at", Complaint.NOT_SETTLED)
    elif starts < _told_again_from(session, subject):
        wrong["starts_at"] = Complaint.NOT_KEPT
    if state not in JUDGED:
        wrong["state"] = Complaint.STATE
    if wrong:
        raise FieldErrors(wrong)
    told: dict[str, Any] = {
        "subject_id": subject_id,
        "state": state,
        "why": _tidy(why),
        "made_by": _who(session),
    }
    row = Correction(**told, starts_at=starts, ends_at=ends, made_at=at)
    session.add(row)
    session.flush()
    return row.id


def _told_again_from(session: Session, subject: UptimeSubject) -> datetime:
    check = None if subject.check_id is None else session.get(Check, subject.check_id)
    earliest = told_again_from(session, {} if check is None else {subject.id: check})
    return earliest.get(subject.id) or earliest.get(None) or subject.observed_since


def _maintenance(session: Session, key: UUID) -> ExemptTime | None:
    wanted = select(ExemptTime).where(ExemptTime.id == key, ExemptTime.kind == "maintenance")
    return session.scalars(wanted.with_for_update()).one_or_none()


def _is_known(session: Session, subject_id: str) -> bool:
    """Whether there is such a subject, or may be one as soon as it is observed."""
    kind, _, key = subject_id.partition(":")
    if kind == "check":
        try:
            return session.get(Check, UUID(key)) is not None
        except ValueError:
            return False
    return kind in ("agent", "part") and session.get(Agent, key) is not None


def _wrong_span(starts: datetime, ends: datetime) -> dict[str, str]:
    if ends <= starts:
        return {"ends_at": Complaint.ENDS_FIRST}
    return {"ends_at": Complaint.TOO_LONG} if ends - starts > LONGEST else {}


def _wrong_reason(field: str, why: str) -> dict[str, str]:
    return {} if 0 < len(_tidy(why)) <= LONGEST_WHY else {field: Complaint.NO_REASON}


def _tidy(why: str) -> str:
    return " ".join(why.split())


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _who(session: Session) -> UUID | None:
    return session.actor.profile_id if isinstance(session, GuardedSession) else None
