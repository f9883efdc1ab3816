"""Limits of signing in, by account and by address: each failure in a row beyond a few makes the next attempt wait.

An attempt is counted as failed before its password is looked at and forgiven when it succeeds. So attempts at the same
instant, on however many server processes, cannot try more passwords than one after the other. Nothing is ever locked:
the longest wait is 15 minutes, attempts made while waiting change nothing, and four hours without
attempts make all forgotten, which is slower to guess by than waiting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.models import SecurityEvent, SignInLimit
from db.services.user_sessions import Origin

FREE_PER_ACCOUNT, FREE_PER_ADDRESS = 5, 50  # an office may share one address
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=4)
FORGET_AT_ONCE = 1000
INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
# Why an attempt failed, for those who read security events; whoever tried is told none of it.
REASONS: Mapping[str, str] = {
    "password": "A sign-in was refused: the password is wrong.",
    "unknown": "A sign-in was refused: there is no such account.",
    "closed": "A sign-in was refused: the account is closed.",
    "code": "A sign-in was refused after the right password: the code of the second factor is wrong or was used.",
    "confirm": "Somebody signed in could not give their password, or code, again.",
}


class TooManyAttempts(Exception):
    """Not now: `wait` is how long to wait before the next attempt."""

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait
        super().__init__(f"too many failed attempts; wait {wait}")


@dataclass(frozen=True)
class Limit:
    """Whose failures are counted, by a hash, and how many in a row make nobody wait."""

    subject: str
    free: int


@dataclass(frozen=True)
class Counted:
    """A limit with this attempt counted: failures in a row, and until when nobody may try, now and before."""

    limit: Limit
    failures: int
    free_at: datetime
    free_before: datetime

    @property
    def is_reached(self) -> bool:
        """Whether it is this attempt that used up what was free."""
        return self.failures == self.limit.free


@dataclass(frozen=True)
class Attempt:
    """An attempt that may go on."""

    account: Counted
    address: Counted


def wait_after(failures: int, free: int) -> timedelta:
    """How long to wait after so many failures in a row: 15 s when the free ones are used up, then twice that, …"""
    if failures < free:
        return timedelta()
    doublings = min(failures - free, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def count_attempt(session: Session, account: Limit, address: Limit, now: datetime) -> Attempt:
    """Count an attempt as failed. Raises TooManyAttempts when it comes too early, and then nothing is counted."""
    found = _locked(session, [account.subject, address.subject], now)
    wait = max(_wait(found[limit.subject], limit, now) for limit in (account, address))
    if wait > timedelta():
        raise TooManyAttempts(wait)
    return Attempt(*(_count(session, found[limit.subject], limit, now) for limit in (account, address)))


def forgive(session: Session, attempt: Attempt, also: Sequence[str] = ()) -> None:
    """The attempt succeeded: the account, and the subjects of `also`, begin anew; the address gets this one back.

    Not more than that: an account of one's own must not buy an address further guesses at others'.
    """
    account, address = attempt.account.limit.subject, attempt.address
    _locked(session, [account, address.limit.subject, *also], attempt.address.free_at)
    fresh = update(SignInLimit).where(SignInLimit.subject.in_([account, *also]))
    session.execute(fresh.values(failures=0))
    _uncount(session, address)


def give_back(session: Session, attempt: Attempt) -> None:
    """The attempt is neither failed nor done: the password is right and a code is still owed.

    Forgiving it here would let whoever knows a password guess codes without end.
    """
    subjects = [attempt.account.limit.subject, attempt.address.limit.subject]
    _locked(session, subjects, attempt.address.free_at)
    for counted in (attempt.account, attempt.address):
        _uncount(session, counted)


def record_failure(
    session: Session, attempt: Attempt, reason: str, profile_id: UUID | None, origin: Origin
) -> None:
    """Write the failure to security_events, and once per limit that this attempt reached, that it was reached."""
    session.add(_event("login_failed", "low", REASONS[reason], profile_id, origin, reason=reason))
    said = "{} failed sign-ins in a row {}; further attempts have to wait."
    if attempt.account.is_reached:
        words = said.format(
            attempt.account.failures, "for one account" if profile_id else "for one unknown name"
        )
        session.add(_event("brute_force", "high", words, profile_id, origin, limit="account"))
    if attempt.address.is_reached:
        words = said.format(attempt.address.failures, "from one address")
        session.add(_event("brute_force", "high", words, None, origin, limit="address"))
    session.flush()


def forget(session: Session, now: datetime) -> int:
    """Delete what four hours of rest made void; returns how many rows that was, at most a thousand."""
    void = select(SignInLimit.subject).where(SignInLimit.free_at < now - FORGOTTEN_AFTER)
    # What an attempt holds right now is no longer at rest.
    rows = session.scalars(void.limit(FORGET_AT_ONCE).with_for_update(skip_locked=True)).all()
    session.execute(delete(SignInLimit).where(SignInLimit.subject.in_(rows)))
    return len(rows)


def _locked(session: Session, subjects: Sequence[str], now: datetime) -> dict[str, Any]:
    """The rows of these subjects, made where missing, held until the transaction ends.

    Always in the order of the subjects, so that two transactions never wait for each other.
    """
    values = [{"subject": subject, "failures": 0, "free_at": now} for subject in sorted(set(subjects))]
    insert = INSERT[session.get_bind().dialect.name](SignInLimit).values(values)
    held = insert.on_conflict_do_update(
        index_elements=[SignInLimit.subject], set_={"failures": SignInLimit.failures}
    ).returning(SignInLimit.subject, SignInLimit.failures, SignInLimit.free_at)
    return {row.subject: row for row in session.execute(held)}


def _is_forgotten(row: Any, now: datetime) -> bool:
    return bool(row.free_at < now - FORGOTTEN_AFTER)


def _wait(row: Any, limit: Limit, now: datetime) -> timedelta:
    """Below the limit nobody waits: clocks of servers differ a little."""
    left: timedelta = row.free_at - now
    return left if row.failures >= limit.free else timedelta()


def _count(session: Session, row: Any, limit: Limit, now: datetime) -> Counted:
    failures = 1 if _is_forgotten(row, now) else row.failures + 1
    free_at = now + wait_after(failures, limit.free)
    session.execute(
        update(SignInLimit)
        .where(SignInLimit.subject == limit.subject)
        .values(failures=failures, free_at=free_at)
    )
    return Counted(limit, failures, free_at, free_before=row.free_at)


def _uncount(session: Session, counted: Counted) -> None:
    mine = SignInLimit.free_at == counted.free_at
    session.execute(
        update(SignInLimit)
        .where(SignInLimit.subject == counted.limit.subject, SignInLimit.failures > 0)
        .values(
            failures=SignInLimit.failures - 1,
            free_at=case((mine, counted.free_before), else_=SignInLimit.free_at),
        )
    )


def _event(
    kind: str, severity: str, words: str, profile_id: UUID | None, origin: Origin, **meta: str
) -> SecurityEvent:
    return SecurityEvent(
        event_type=kind,
        severity=severity,
        description=words,
        user_id=profile_id,
        ip_address=origin.address,
        user_agent=origin.user_agent,
        meta=meta,
    )
