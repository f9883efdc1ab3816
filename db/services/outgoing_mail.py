"""Mail that waits to be sent. Whoever asks for it only writes a row, the same for accounts that exist and those that do
not; a worker takes the rows one by one, looks up what they need and sends what there is to send."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from db.models import AuthAccount, Profile
from db.models.links import OutgoingMail
from db.services import links
from db.services.links import Issued

RESET, PASSWORD_CHANGED = "reset", "password_changed"
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(minutes=15)
MOST_TRIES = 6
MOST_WAITING = 5000  # a flood of questions fills no disk
MOST_ASKED, ASKED_WITHIN = 5, timedelta(hours=1)  # nobody's mailbox is filled by strangers
LEASE = timedelta(minutes=5)


@dataclass(frozen=True)
class Waiting:
    """A mail that this process may send now: nobody else takes it within the next minutes."""

    id: UUID
    kind: str
    account_id: UUID | None
    language: str
    tries: int


@dataclass(frozen=True)
class Letter:
    """What a mail needs: whom it goes to, in which language, and for a new password the link."""

    kind: str
    email: str
    name: str | None
    language: str
    link: Issued | None


def queue(session: Session, kind: str, account_id: UUID | None, language: str, now: datetime) -> None:
    """Let a mail wait to be sent to the account's address; nobody's (None) is thrown away later.

    With thousands waiting nothing more is taken in: then mail cannot be sent anyway.
    """
    waiting = session.scalar(select(func.count()).select_from(OutgoingMail)) or 0
    if waiting < MOST_WAITING:
        row = OutgoingMail(kind=kind, account_id=account_id, language=language, due_at=now, created_at=now)
        session.add(row)
        session.flush()


def take(session: Session, now: datetime) -> Waiting | None:
    """The mail that is due the longest, reserved for the caller; None when there is none."""
    due = select(OutgoingMail).where(OutgoingMail.due_at <= now).order_by(OutgoingMail.due_at)
    row = session.scalar(due.limit(1).with_for_update(skip_locked=True))
    if row is None:
        return None
    row.due_at, row.tries = now + LEASE, row.tries + 1
    session.flush()
    return Waiting(row.id, row.kind, row.account_id, row.language, row.tries)


def write(session: Session, mail: Waiting, now: datetime) -> Letter | None:
    """What is to be sent, with a link made for it; None when nothing is, and then the mail is gone.

    Nothing is sent to nobody, to closed accounts, and for a new password more than five times an hour.
    """
    wanted = select(AuthAccount, Profile).join(Profile, Profile.auth_user_id == AuthAccount.id)
    found = session.execute(
        wanted.where(AuthAccount.id == mail.account_id, AuthAccount.is_active.is_(True))
    ).one_or_none()
    if found is None or (mail.kind == RESET and _too_many(session, found[0].id, now)):
        drop(session, mail)
        return None
    account, profile = found
    link = None
    if mail.kind == RESET:
        link = links.issue_reset(session, profile.id, None, now, links.MAILED_LASTS)
    chosen = profile.preferences.get("language") if isinstance(profile.preferences, dict) else None
    name = profile.full_name or profile.username
    return Letter(mail.kind, account.email, name, chosen or mail.language, link)


def drop(session: Session, mail: Waiting) -> None:
    """The mail was sent, or is of no use."""
    session.execute(delete(OutgoingMail).where(OutgoingMail.id == mail.id))


def put_off(session: Session, mail: Waiting, letter: Letter, error: str, now: datetime) -> bool:
    """Try the mail again later: after a minute, then twice as long; False when it was given up instead.

    The link of the letter that did not arrive is taken back: it counts for nothing.
    """
    if letter.link:
        links.take_back(session, letter.link)
    if mail.tries >= MOST_TRIES:
        drop(session, mail)
        return False
    due_at = now + min(FIRST_DELAY * (1 << (mail.tries - 1)), LONGEST_DELAY)
    session.execute(update(OutgoingMail).where(OutgoingMail.id == mail.id).values(due_at=due_at, error=error))
    return True


def _too_many(session: Session, account_id: UUID, now: datetime) -> bool:
    return links.asked_since(session, account_id, now - ASKED_WITHIN) >= MOST_ASKED
