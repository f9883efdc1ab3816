"""From when on states can be told again: of older days only sums are kept, and nothing of what they followed from."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from db.models.uptime import Check
from db.models.uptime_kept import RESULTS, STATES, UptimeKept
from db.uptime import reach_of

TELLING = 0x54656C6C  # names the lock


def one_teller(session: Session) -> None:
    """Nobody else tells states, or sums up what was told, until the transaction ends. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:telling)"), {"telling": TELLING})


def kept_from(session: Session, family: str) -> datetime | None:
    """The first second of which single rows are kept; None while all are."""
    found: datetime | None = session.scalar(select(UptimeKept.since).where(UptimeKept.family == family))
    return found


def evidence_of_check(check: Check) -> timedelta:
    """How far back results are read to tell a moment: what was then follows from how many failed in a row."""
    return timedelta(seconds=(check.confirmations + 2) * reach_of(check.interval_seconds))


def told_again_from(session: Session, checks: Mapping[str, Check]) -> dict[str | None, datetime]:
    """The earliest moment that can be told again: of everybody (None), and later ones of some checks, by subject."""
    found: dict[str | None, datetime] = {}
    states, results = kept_from(session, STATES), kept_from(session, RESULTS)
    if states is not None:
        found[None] = states
    for subject, check in checks.items():
        if results is None:
            break
        since = results + evidence_of_check(check)
        found[subject] = since if states is None else max(since, states)
    return found
