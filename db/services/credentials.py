"""Changes of password and role. Each raises the credential version and ends every session of the person at once."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.models import AuthAccount, Profile
from db.services import audit
from db.services.account_fields import clean
from db.services.user_sessions import end_sessions


def change_password(session: Session, profile_id: UUID, password_hash: str) -> int:
    """Store another password; returns how many sessions that ended. Raises LookupError when the profile is gone."""
    return _renew(session, _locked(session, profile_id), password_hash=password_hash)


def change_role(session: Session, profile_id: UUID, role: str) -> int:
    """Give another role; returns how many sessions that ended, 0 where it was that role before.

    Raises FieldErrors for a role that is none and LookupError when the profile is gone.
    """
    wanted = clean(role=role)["role"]
    profile = _locked(session, profile_id)
    if profile.role == wanted:
        return 0
    before, profile.role = profile.role, wanted or profile.role
    session.flush()
    audit.note(session, audit.Act("UPDATE", "profiles", profile.id, {"role": before}, {"role": profile.role}))
    return _renew(session, profile)


def _locked(session: Session, profile_id: UUID) -> Profile:
    found = session.scalar(select(Profile).where(Profile.id == profile_id).with_for_update())
    if found is None:
        raise LookupError(f"no profile {profile_id}")
    return found


def _renew(session: Session, profile: Profile, **also: str) -> int:
    """A sign-in under way with the old password makes a session of the old version, which opens nothing."""
    version = AuthAccount.credential_version + 1
    account = update(AuthAccount).where(AuthAccount.id == profile.auth_user_id)
    now = session.scalar(
        account.values(credential_version=version, **also).returning(AuthAccount.credential_version)
    )
    old, new = {"credential_version": (now or 1) - 1}, {"credential_version": now, **also}
    audit.note(session, audit.Act("UPDATE", "auth_account", profile.auth_user_id, old, new))
    return end_sessions(session, profile.id)
