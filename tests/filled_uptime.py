"""Watched subjects with stretches of every state, and a check with results, for tests/filled.py."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from db.models.uptime import Check, CheckResult, StateStretch, UptimeSubject

CHECK = UUID("01930000-0000-7000-8000-00000000c4ec")
IMPORTED = UUID("01930000-0000-7000-8000-00000000c4ed")
# Each state and how many seconds it lasts, one after the other; the last of all lasts still.
TILL = (
    ("up", "heard", 3000),
    ("down", "silent", 450),
    ("unknown", "unwatched", 1201),
    ("maintenance", "maintenance", 600),
    ("paused", "paused", 299),
    ("up", "heard", None),
)
SHOP = (("unknown", "drop", 700), ("up", "heard", 2000), ("down", "silent", None))
ORCHESTRATOR = (("unknown", "unwatched", None),)
SHOP_WAY = (("up", "answered", 1200), ("down", "failed", 333), ("up", "answered", None))
SETTLED = timedelta(hours=2, seconds=7)


def uptime(unit: Session, since: datetime) -> None:
    """Two agents that were heard, one of which nothing is known, and a check, told otherwise once for a while."""
    unit.add(
        Check(
            id=CHECK,
            name="Shop door",
            url="https://shop.example/health",
            interval_seconds=60,
            confirmations=2,
        )
    )
    unit.add(Check(id=IMPORTED, name="Old history", kind="imported"))
    unit.flush()
    for agent, told in (("till", TILL), ("shop", SHOP), ("orchestrator_001", ORCHESTRATOR)):
        _subject(unit, f"agent:{agent}", since, told, agent_id=agent)
    subject = f"check:{CHECK}"
    _subject(unit, subject, since, SHOP_WAY, check_id=CHECK)
    unit.add(
        StateStretch(
            subject_id=subject,
            since=since,
            until=since + timedelta(seconds=1200),
            state="down",
            reason="failed",
            settled_at=since + SETTLED,
            superseded_at=since + SETTLED,
        )
    )
    _results(unit, since)


def _subject(
    unit: Session,
    subject: str,
    since: datetime,
    told: tuple[tuple[str, str, int | None], ...],
    *,
    agent_id: str | None = None,
    check_id: UUID | None = None,
) -> None:
    unit.add(
        UptimeSubject(
            id=subject,
            kind=subject.partition(":")[0],
            agent_id=agent_id,
            check_id=check_id,
            observed_since=since,
            settled_until=since + SETTLED,
        )
    )
    unit.flush()
    begin = since
    for state, reason, seconds in told:
        until = None if seconds is None else begin + timedelta(seconds=seconds)
        unit.add(
            StateStretch(
                subject_id=subject,
                since=begin,
                until=until,
                state=state,
                reason=reason,
                facts={"failures": 2} if reason == "failed" else {},
                settled_at=since + SETTLED,
            )
        )
        begin = until or begin


def _results(unit: Session, since: datetime) -> None:
    """Thirty checks, of which three failed and one answer's time is not known; of the imported ones, four."""
    for place in range(30):
        failed = place % 10 == 4
        unit.add(
            CheckResult(
                check_id=CHECK,
                at=since + timedelta(minutes=place),
                is_up=not failed,
                status=None if failed else 200,
                milliseconds=None if failed or place == 7 else 12.5 + (place * 37) % 101,
                error="no answer" if failed else None,
            )
        )
    for place in range(4):
        unit.add(
            CheckResult(
                check_id=IMPORTED,
                at=since + timedelta(minutes=place),
                is_up=place > 0,
                milliseconds=40.0 + place,
                source="old.csv",
            )
        )
