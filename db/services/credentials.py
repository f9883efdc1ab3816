"""Changes of password and role. Each raises the credential version and ends every session of the person at once."""

from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from db.base import now
from db.models import AuthAccount, Profile
from db.models.links import AccountLink
from db.services.account_fields import clean
from db.services.user_sessions import end_sessions


def change_password(session: Session, profile_id: UUID, password_hash: str) -> int:
    """Store another password; returns how many sessions that ended. Links for a new password end, too.

    Raises LookupError when the profile is gone.
    """
    profile = lock_profile(session, profile_id)
    void_links(session, AccountLink.account_id == profile.auth_user_id)
    return _renew(session, profile, password_hash=password_hash)


def change_role(session: Session, profile_id: UUID, role: str) -> int:
    """Give another role; returns how many sessions that ended, 0 where it was that role before.

    Raises FieldErrors for a role that is none and LookupError when the profile is gone.
    """
    wanted = clean(role=role)["role"]
    profile = lock_profile(session, profile_id)
    if profile.role == wanted:
        return 0
    profile.role = wanted or profile.role
    session.flush()
    return _renew(session, profile)


def void_links(session: Session, *which: ColumnElement[bool]) -> None:
    """End those of these links that were not used yet."""
    unused = (AccountLink.used_at.is_(None), AccountLink.voided_at.is_(None))
    session.execute(
        update(AccountLink).where(*which, *unused).values(voided_at=now()),
        execution_options={"synchronize_session": False},
    )


def lock_profile(session: Session, profile_id: UUID) -> Profile:
    """The profile, held until the transaction ends. Raises LookupError when it is gone."""
    found = session.scalar(select(Profile).where(Profile.id == profile_id).with_for_update())
    if found is None:
        raise LookupError(f"no profile {profile_id}")
    return found


def _renew(session: Session, profile: Profile, **also: str) -> int:
    """A sign-in under way with the old password makes a session of the old version, which opens nothing."""
    version = AuthAccount.credential_version + 1
    account = update(AuthAccount).where(AuthAccount.id == profile.auth_user_id)
    session.execute(account.values(credential_version=version, **also))
    return end_sessions(session, profile.id)
