"""Closing one's own account: the person goes, what they did stays, under a profile that names nobody."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from db.base import Base
from db.models import ApiKey, AuthAccount, Profile
from db.models.links import AccountLink
from db.queries.everybody import closed_address
from db.recorder import PERSONAL
from db.services import audit
from db.services.credentials import lock_profile
from db.services.user_sessions import end_sessions

# Whatever a profile says about its person; the audit log never held it. The role goes back to the one that may least.
EMPTY: dict[str, Any] = dict.fromkeys(PERSONAL["profiles"]) | {"preferences": {}}


class LastAdmin(Exception):
    """The only administrator left cannot go: nobody could make another."""


def close_account(session: Session, profile_id: UUID, unusable_hash: str) -> None:
    """Anonymise the profile in place and destroy the account's address and password; sessions, links and keys end.

    `unusable_hash` is the hash of a password that nobody knows, so that a closed account is as slow to try as any.
    Rows the person owned stay with the profile; the audit log is not touched. Raises LastAdmin, and LookupError when
    the profile is gone.
    """
    _refuse_last_admin(session, profile_id)
    profile = lock_profile(session, profile_id)
    account_id = profile.auth_user_id
    end_sessions(session, profile_id)
    session.execute(update(ApiKey).where(ApiKey.user_id == profile_id).values(is_active=False))
    _delete_what_belongs_to_the_account(session, account_id)
    session.execute(
        update(AuthAccount)
        .where(AuthAccount.id == account_id)
        .values(
            email=closed_address(account_id),
            password_hash=unusable_hash,
            is_active=False,
            credential_version=AuthAccount.credential_version + 1,
        )
    )
    session.execute(update(Profile).where(Profile.id == profile_id).values(**EMPTY, role="user"))
    gone = {"closed": True, "role": "user"}
    audit.note(session, audit.Act("UPDATE", "profiles", profile_id, new=gone, by=profile_id))
    session.expire_all()


def is_last_admin(session: Session, profile_id: UUID) -> bool:
    """Whether this person is the only one left who administers."""
    return _admins(session) == [profile_id]


def _refuse_last_admin(session: Session, profile_id: UUID) -> None:
    """All administrators are held, so that the last two cannot both leave at once."""
    session.execute(select(Profile.id).where(Profile.role == "admin").order_by(Profile.id).with_for_update())
    if is_last_admin(session, profile_id):
        raise LastAdmin("the last administrator cannot close the account")


def _admins(session: Session) -> list[UUID]:
    mine = AuthAccount.id == Profile.auth_user_id
    wanted = select(Profile.id).join(AuthAccount, mine)
    return list(session.scalars(wanted.where(Profile.role == "admin", AuthAccount.is_active.is_(True))))


def _delete_what_belongs_to_the_account(session: Session, account_id: UUID) -> None:
    """Links, waiting mail, and whatever else refers to the account rather than to its profile.

    An invitation that was used holds the address, too.
    """
    address = select(func.lower(AuthAccount.email)).where(AuthAccount.id == account_id).scalar_subquery()
    session.execute(
        delete(AccountLink).where(func.lower(AccountLink.email) == address),
        execution_options={"synchronize_session": False},
    )
    for mapper in Base.registry.mappers:
        if mapper.class_ is Profile:
            continue
        keys = [
            key
            for key in mapper.columns
            if any(each.target_fullname == "auth_account.id" for each in key.foreign_keys)
        ]
        if keys:
            session.execute(
                delete(mapper.class_).where(or_(*(key == account_id for key in keys))),
                execution_options={"synchronize_session": False},
            )
