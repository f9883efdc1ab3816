"""Sessions: one row per sign-in. Every request checks its row; its person, or a change of password or role, ends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Update, exists, select, update
from sqlalchemy.orm import Session

from db.models import AuthAccount, Profile, UserSession
from db.queries.factors import owes_factor
from db.queries.people import usable
from db.services import audit
from db.services.accounts import PEOPLE, Person, to_person

LASTS = timedelta(days=30)
TOUCHED_EVERY = timedelta(minutes=1)
KNOWN_FOR = timedelta(days=90)


@dataclass(frozen=True)
class Origin:
    """Where a request comes from; None and missing keys are unknown.

    Attributes:
        address: network address as text.
        user_agent: what the browser calls itself.
        device: browser, system and kind, as far as they were recognised.
    """

    address: str | None = None
    user_agent: str | None = None
    device: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Live:
    """A usable session and its person.

    `confirmed_at` is when the password was last given in it; `owes_factor` says that the person's role demands a second
    factor they do not have.
    """

    person: Person
    begun: datetime
    last_activity: datetime
    confirmed_at: datetime | None = None
    owes_factor: bool = False


def begin_session(session: Session, profile_id: UUID, origin: Origin, now: datetime, idle: timedelta) -> UUID:
    """Store a new sign-in of a person and return its id. It ends when unused for `idle`, or after 30 days."""
    begun = UserSession(
        user_id=profile_id,
        device_info=dict(origin.device),
        ip_address=origin.address,
        user_agent=origin.user_agent,
        last_activity=now,
        expires_at=now + min(idle, LASTS),
        is_active=True,
        created_at=now,
        confirmed_at=now,
    )
    session.add(begun)
    session.flush()
    told = {"device_info": begun.device_info, "expires_at": begun.expires_at}
    audit.record(session, audit.Act("LOGIN", "user_sessions", begun.id, new=told, by=profile_id))
    return begun.id


def find_signed_in(
    session: Session, account_id: UUID, session_id: UUID, now: datetime, idle: timedelta
) -> Live | None:
    """An account's session, read with its person in one query; None when it is not usable."""
    query = PEOPLE.join(UserSession, UserSession.user_id == Profile.id).add_columns(
        UserSession, owes_factor()
    )
    used = (usable(now), UserSession.last_activity > now - idle, UserSession.created_at > now - LASTS)
    found = session.execute(
        query.where(AuthAccount.id == account_id, UserSession.id == session_id, *used)
    ).one_or_none()
    if found is None:
        return None
    account, profile, row, owes = found
    return Live(to_person(account, profile), row.created_at, row.last_activity, row.confirmed_at, owes)


def touch(session: Session, session_id: UUID, begun: datetime, now: datetime, idle: timedelta) -> bool:
    """Note a request, which puts the end of the session off; False when one was noted within the last minute.

    A session that was ended meanwhile stays ended.
    """
    done = update(UserSession).where(
        UserSession.id == session_id,
        UserSession.is_active.is_(True),
        UserSession.last_activity <= now - TOUCHED_EVERY,
    )
    until = min(now + idle, begun + LASTS)
    return _changed(session, done.values(last_activity=now, expires_at=until)) == 1


def confirm_session(session: Session, profile_id: UUID, session_id: UUID, now: datetime) -> bool:
    """Note that the password was given in this session; False when the person has no such session, or it has ended."""
    mine = (UserSession.user_id == profile_id, UserSession.id == session_id, UserSession.is_active.is_(True))
    return _changed(session, update(UserSession).where(*mine).values(confirmed_at=now)) == 1


def end_session(session: Session, profile_id: UUID, session_id: UUID) -> bool:
    """End one session of a person; False when they have no such session, or it had ended."""
    return _end(session, profile_id, UserSession.id == session_id) == 1


def end_sessions(session: Session, profile_id: UUID, *, but: UUID | None = None) -> int:
    """End all sessions of a person, except `but`; returns how many had not ended before."""
    return _end(session, profile_id, *([UserSession.id != but] if but else []))


def delete_sessions(session: Session, profile_id: UUID, *which: UUID) -> int:
    """Take sessions of a person away, all that may be used where `which` names none; returns how many that was.

    This is how an administrator ends somebody's sessions in their own name: nobody writes into another's rows. The log
    of who signed in when is the audit log, which keeps both.
    """
    mine = [UserSession.user_id == profile_id, UserSession.is_active.is_(True)]
    if which:
        mine.append(UserSession.id.in_(which))
    rows = session.scalars(select(UserSession).where(*mine).order_by(UserSession.id)).all()
    for row in rows:
        session.delete(row)
    session.flush()
    return len(rows)


def has_signed_in_from(session: Session, profile_id: UUID, address: str | None, now: datetime) -> bool:
    """Whether the person signed in from this address within the last 90 days."""
    mine = (UserSession.user_id == profile_id, UserSession.created_at > now - KNOWN_FOR)
    known = session.scalar(select(exists().where(*mine, UserSession.ip_address == address)))
    return bool(known) and address is not None


def _end(session: Session, profile_id: UUID, *which: ColumnElement[bool]) -> int:
    """Row by row, so that the audit log tells which ended; locked, so that nobody ends one twice."""
    mine = (UserSession.user_id == profile_id, UserSession.is_active.is_(True))
    wanted = select(UserSession).where(*mine, *which).order_by(UserSession.id).with_for_update()
    rows = session.scalars(wanted, execution_options={"populate_existing": True}).all()
    for row in rows:
        row.is_active = False
        ended = {"is_active": False}
        audit.note(session, audit.Act("UPDATE", "user_sessions", row.id, {"is_active": True}, ended))
    session.flush()
    return len(rows)


def _changed(session: Session, statement: Update) -> int:
    done = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(done, CursorResult)
    return done.rowcount
