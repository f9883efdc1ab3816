"""Security events of requests that were refused: each one tells what happened, and a flood of them is only counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.chain import clean
from db.models import SecurityEvent
from db.services.user_sessions import Origin

PER_HOUR = 20  # events of one address; whatever comes after them is counted in one more
HOUR = timedelta(hours=1)
SOURCE, FURTHER = "refusal", "further refusals"
SEVERITY = {"unauthorized_access": "medium", "suspicious_activity": "medium"}


@dataclass(frozen=True)
class Refusal:
    """What was refused: `kind` is an event type, `evidence` what tells of the request, without its secrets."""

    kind: str
    words: str
    evidence: Mapping[str, str | int]
    profile_id: UUID | None = None
    severity: str = ""


def note_refusal(session: Session, refusal: Refusal, origin: Origin, now: datetime) -> None:
    """Store an event; beyond twenty from one address within an hour, count it in a single further one."""
    _one_at_a_time(session, origin)
    here = (
        SecurityEvent.ip_address == origin.address if origin.address else SecurityEvent.ip_address.is_(None)
    )
    recent = (here, SecurityEvent.created_at > now - HOUR, SecurityEvent.meta["source"].as_string() == SOURCE)
    count = session.scalar(select(func.count()).select_from(SecurityEvent).where(*recent)) or 0
    if count < PER_HOUR:
        session.add(_event(refusal, origin, now))
        return
    last = session.scalars(
        select(SecurityEvent)
        .where(here, SecurityEvent.created_at > now - HOUR)
        .where(SecurityEvent.meta["source"].as_string() == FURTHER)
        .order_by(SecurityEvent.created_at.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        session.add(_further(origin, now))
    else:
        told = last.meta if isinstance(last.meta, dict) else {}
        last.meta = {**told, "count": int(told.get("count", 0)) + 1, "last": now.isoformat()}


def _one_at_a_time(session: Session, origin: Origin) -> None:
    """Many requests at once must not each be the twentieth. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtext(:address))")
        session.execute(lock, {"address": f"refusals {origin.address}"})


def _event(refusal: Refusal, origin: Origin, now: datetime) -> SecurityEvent:
    evidence = {
        name: clean(each) if isinstance(each, str) else each for name, each in refusal.evidence.items()
    }
    return SecurityEvent(
        event_type=refusal.kind,
        severity=refusal.severity or SEVERITY.get(refusal.kind, "low"),
        description=refusal.words,
        user_id=refusal.profile_id,
        ip_address=origin.address,
        user_agent=origin.user_agent,
        meta={"source": SOURCE, **evidence},
        created_at=now,
    )


def _further(origin: Origin, now: datetime) -> SecurityEvent:
    return SecurityEvent(
        event_type="suspicious_activity",
        severity="high",
        description=f"More than {PER_HOUR} requests of one address were refused within an hour; the rest is counted.",
        ip_address=origin.address,
        user_agent=origin.user_agent,
        meta={"source": FURTHER, "count": 1, "last": now.isoformat()},
        created_at=now,
    )
