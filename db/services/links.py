"""Links that open one door once: a new password for an account, or an account for somebody invited.

A link is known by the SHA-256 of its token; the token itself is told once, to whoever passes it on. A link is good
while it is neither used, replaced nor too old, and while whoever made it is an administrator.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from db.models import AuthAccount, Profile
from db.models.links import AccountLink
from db.services import accounts, audit
from db.services.account_fields import Complaint, FieldErrors, clean
from db.services.credentials import change_password, lock_profile, void_links

RESET, INVITE = "reset", "invite"
# What is mailed arrives at once; what an administrator hands on may wait for a conversation.
MAILED_LASTS, HANDED_LASTS, INVITE_LASTS = timedelta(hours=1), timedelta(hours=24), timedelta(days=7)
KEPT = timedelta(days=90)
TOKEN_BYTES = 32


class NotAllowed(Exception):
    """Whoever asks may not make this link; the message says who may."""


@dataclass(frozen=True)
class Issued:
    """A link just made. `token` is told nowhere else and never again."""

    id: UUID
    purpose: str
    token: str = field(repr=False)
    expires_at: datetime

    @property
    def path(self) -> str:
        """Where the link leads to, within the application."""
        return f"/{self.purpose}/{self.token}"


@dataclass(frozen=True)
class OpenLink:
    """A link that may be used: for the account of `email`, or for an invited person who will have this `role`."""

    account_id: UUID | None
    profile_id: UUID | None
    email: str
    username: str | None
    role: str | None


@dataclass(frozen=True)
class Invitation:
    """An invitation that may be used. `by` is the user name of whoever made it; None for the console."""

    id: UUID
    email: str
    role: str
    by: str | None
    created: datetime
    expires: datetime


def digest(token: str) -> str:
    """What is stored of a token, and enough to find its link by."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def issue_reset(
    session: Session, profile_id: UUID, by: UUID | None, now: datetime, lasts: timedelta = HANDED_LASTS
) -> Issued:
    """A link with which a person chooses a new password; those issued before end.

    `by` is the administrator who makes it, None for the person's own wish and for the console. Raises NotAllowed when
    that is no administrator or the account is closed (there is no password to renew), LookupError when it is gone.
    """
    _demand_admin(session, by)
    profile = lock_profile(session, profile_id)
    if not session.scalar(select(AuthAccount.is_active).where(AuthAccount.id == profile.auth_user_id)):
        raise NotAllowed("This account is closed: it has no password that could be renewed.")
    void_links(session, AccountLink.account_id == profile.auth_user_id)
    return _issue(session, RESET, by, now + lasts, now, account_id=profile.auth_user_id)


def issue_invite(session: Session, email: str, role: str, by: UUID | None, now: datetime) -> Issued:
    """A link with which somebody makes an account of this address and role; invitations of the address before end.

    Raises NotAllowed unless `by` is an administrator (None: the console), and FieldErrors for an address or role that
    cannot be used.
    """
    _demand_admin(session, by)
    given = clean(email=email, role=role)
    same = func.lower(given["email"])
    if session.scalar(select(exists().where(func.lower(AuthAccount.email) == same))):
        raise FieldErrors({"email": Complaint.EMAIL_TAKEN})
    void_links(session, AccountLink.purpose == INVITE, func.lower(AccountLink.email) == same)
    return _issue(session, INVITE, by, now + INVITE_LASTS, now, **given)


def find_open(session: Session, purpose: str, token_hash: str, now: datetime) -> OpenLink | None:
    """The link of this digest if it may be used now; the same None for all that may not."""
    if purpose == INVITE:
        row = session.scalar(select(AccountLink).where(_is_open(purpose, token_hash, now)))
        return OpenLink(None, None, row.email or "", None, row.role) if row else None
    wanted = (
        select(AuthAccount, Profile)
        .join(AccountLink, AccountLink.account_id == AuthAccount.id)
        .join(Profile, Profile.auth_user_id == AuthAccount.id)
        .where(_is_open(purpose, token_hash, now), AuthAccount.is_active.is_(True))
    )
    found = session.execute(wanted).one_or_none()
    if found is None:
        return None
    account, profile = found
    return OpenLink(account.id, profile.id, account.email, profile.username, None)


def redeem_reset(session: Session, token_hash: str, password_hash: str, now: datetime) -> OpenLink | None:
    """Use up the link and store the password: for one caller only. Every session and every other link ends.

    None when the link may not be used.
    """
    found = find_open(session, RESET, token_hash, now)
    if found is None or found.profile_id is None:
        return None
    lock_profile(
        session, found.profile_id
    )  # first, as every change of a password does: nobody waits in a circle
    if not _use_up(session, RESET, token_hash, now):
        return None
    change_password(session, found.profile_id, password_hash)
    return found


def redeem_invite(
    session: Session, token_hash: str, fields: Mapping[str, str], password_hash: str, now: datetime
) -> Profile | None:
    """Use up the invitation and make its account in the same transaction: for one caller only. Address and role are
    the invitation's, whatever `fields` (username, full_name) say.

    None when the link may not be used. Raises FieldErrors for what is refused or taken; then roll back, and the
    invitation is good again.
    """
    found = find_open(session, INVITE, token_hash, now)
    if found is None or not _use_up(session, INVITE, token_hash, now):
        return None
    return accounts.register_account(
        session,
        email=found.email,
        username=fields["username"],
        full_name=fields["full_name"],
        password_hash=password_hash,
        role=found.role or "user",
        by_themselves=True,
    )


def open_invitations(session: Session, now: datetime, most: int) -> tuple[list[Invitation], int]:
    """The newest `most` of the invitations that may be used, and how many they are in all."""
    good = (AccountLink.purpose == INVITE, _is_good(now))
    total = session.scalar(select(func.count()).select_from(AccountLink).where(*good)) or 0
    found = (
        select(AccountLink, Profile.username)
        .outerjoin(Profile, Profile.id == AccountLink.created_by)
        .where(*good)
        .order_by(AccountLink.created_at.desc(), AccountLink.id)
        .limit(most)
    )
    return [
        Invitation(row.id, row.email or "", row.role or "", by, row.created_at, row.expires_at)
        for row, by in session.execute(found)
    ], total


def withdraw_invite(session: Session, link_id: UUID, now: datetime) -> bool:
    """Make an invitation useless; False when it was so already, or there is none of this id."""
    good = (AccountLink.id == link_id, AccountLink.purpose == INVITE, _is_good(now))
    taken = update(AccountLink).where(*good).values(voided_at=now)
    done = session.execute(taken, execution_options={"synchronize_session": False})
    assert isinstance(done, CursorResult)
    if done.rowcount:
        told = audit.Act("UPDATE", "account_links", link_id, {"voided_at": None}, {"voided_at": now})
        audit.note(session, told)
    return done.rowcount == 1


def take_back(session: Session, made: Issued) -> None:
    """Delete a link that reached nobody."""
    session.execute(delete(AccountLink).where(AccountLink.id == made.id, AccountLink.used_at.is_(None)))


def asked_since(session: Session, account_id: UUID, moment: datetime) -> int:
    """How many links for a new password the account was given since then because somebody asked."""
    mine = (AccountLink.account_id == account_id, AccountLink.created_by.is_(None))
    wanted = select(func.count()).select_from(AccountLink).where(*mine, AccountLink.created_at > moment)
    return session.scalar(wanted) or 0


def forget(session: Session, now: datetime) -> int:
    """Delete links that expired three months ago; returns how many that was."""
    old = delete(AccountLink).where(AccountLink.expires_at < now - KEPT)
    done = session.execute(old, execution_options={"synchronize_session": False})
    assert isinstance(done, CursorResult)
    return done.rowcount


def _issue(
    session: Session, purpose: str, by: UUID | None, until: datetime, now: datetime, **subject: Any
) -> Issued:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = AccountLink(
        purpose=purpose,
        token_hash=digest(token),
        created_by=by,
        expires_at=until,
        created_at=now,
        **subject,
    )
    session.add(row)
    session.flush()
    told = {"purpose": purpose, "expires_at": until, **subject}
    audit.note(session, audit.Act("INSERT", "account_links", row.id, new=told, by=by))
    return Issued(row.id, purpose, token, until)


def _demand_admin(session: Session, by: UUID | None) -> None:
    """Their role as it is stored now, not as a session remembers it."""
    if by is not None and not session.scalar(select(_admins().where(Profile.id == by).exists())):
        raise NotAllowed("Only an administrator makes such links.")


def _admins() -> Any:
    """Profiles of administrators whose account is open."""
    mine = AuthAccount.id == Profile.auth_user_id
    return (
        select(Profile.id)
        .join(AuthAccount, mine)
        .where(Profile.role == "admin", AuthAccount.is_active.is_(True))
    )


def _is_open(purpose: str, token_hash: str, now: datetime) -> ColumnElement[bool]:
    return and_(AccountLink.token_hash == token_hash, AccountLink.purpose == purpose, _is_good(now))


def _is_good(now: datetime) -> ColumnElement[bool]:
    by = AccountLink.created_by
    return and_(
        AccountLink.used_at.is_(None),
        AccountLink.voided_at.is_(None),
        AccountLink.expires_at > now,
        or_(by.is_(None), by.in_(_admins())),
    )


def _use_up(session: Session, purpose: str, token_hash: str, now: datetime) -> bool:
    """True for one caller only; the row is locked until the transaction ends."""
    used = update(AccountLink).where(_is_open(purpose, token_hash, now)).values(used_at=now)
    done = session.execute(used, execution_options={"synchronize_session": False})
    assert isinstance(done, CursorResult)
    return done.rowcount == 1
