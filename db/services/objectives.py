"""Objectives as people set them and take them back. The audit log tells who did."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from sqlalchemy.orm import Session

from db.models import Objective
from db.models.objective import TASKS
from db.services.account_fields import Complaint, FieldErrors

MOST_EVENTS = 1_000_000
STEP = Decimal("0.001")


@dataclass(frozen=True)
class Aim:
    """An objective as a page shows it."""

    target: Decimal
    least_events: int
    set_at: datetime


def tasks_objective(session: Session) -> Aim | None:
    """The objective of the fleet's tasks; None where nobody set one."""
    row = session.get(Objective, TASKS)
    return Aim(row.target, row.least_events, row.set_at) if row else None


def set_tasks_objective(session: Session, target: str, least_events: str, by: UUID) -> None:
    """Aim at `target` percent of tasks that succeed. Raises FieldErrors for what is no such share or no such number."""
    share, least = _share(target), _whole(least_events)
    errors = {}
    if share is None:
        errors["target"] = Complaint.TARGET
    if least is None:
        errors["least"] = Complaint.LEAST_EVENTS
    if share is None or least is None:
        raise FieldErrors(errors)
    row = session.get(Objective, TASKS) or Objective(name=TASKS)
    row.target, row.least_events, row.set_by, row.set_at = share, least, by, datetime.now(UTC)
    session.add(row)
    session.flush()


def drop_tasks_objective(session: Session) -> bool:
    """Aim at nothing any more; False when nobody did."""
    row = session.get(Objective, TASKS)
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


def _share(text: str) -> Decimal | None:
    try:
        share = Decimal(text.strip().rstrip("%").strip().replace(",", "."))
    except InvalidOperation:
        return None
    fits = share.is_finite() and 0 < share < 100 and share == share.quantize(STEP)
    return share if fits else None


def _whole(text: str) -> int | None:
    word = text.strip()
    known = word.isascii() and word.isdigit() and len(word) <= 7 and 1 <= int(word) <= MOST_EVENTS
    return int(word) if known else None
