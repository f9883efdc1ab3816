"""Changes of password and role, and closing an account. Each raises the credential version and ends every session of
the person at once.

There is always an administrator who can sign in: what would take the last one away is refused.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.base import now
from db.models import AuthAccount, Profile, UserSession
from db.models.links import AccountLink
from db.queries.everybody import closed_address
from db.services import audit
from db.services.account_fields import Complaint, FieldErrors, clean
from db.services.user_sessions import end_sessions

LAST_ADMIN = "profiles_last_admin"  # what the trigger calls its refusal


def change_password(
    session: Session, profile_id: UUID, password_hash: str, *, but: UUID | None = None
) -> int:
    """Store another password; returns how many sessions that ended. Links for a new password end, too.

    Raises LookupError when the profile is gone. The session `but` is not ended; its cookie must then name the new
    credential version.
    """
    profile = lock_profile(session, profile_id)
    void_links(session, AccountLink.account_id == profile.auth_user_id)
    return _renew(session, profile, but, password_hash=password_hash)


def change_role(session: Session, profile_id: UUID, role: str) -> int:
    """Give another role; returns how many sessions that ended, 0 where it was that role before.

    Raises FieldErrors for a role that is none and for the last administrator, LookupError when the profile is gone.
    """
    wanted = clean(role=role)["role"] or ""
    profile = lock_profile(session, profile_id)
    if profile.role == wanted:
        return 0
    mine = (UserSession.user_id == profile_id, UserSession.is_active.is_(True))
    open_ones = session.scalar(select(func.count()).select_from(UserSession).where(*mine)) or 0
    before, profile.role = profile.role, wanted
    try:
        # The database's own trigger ends them, raises the version and keeps the last administrator, whoever asks.
        session.flush()
    except IntegrityError as error:
        if LAST_ADMIN not in str(error.orig) + str(
            getattr(getattr(error.orig, "diag", None), "constraint_name", "")
        ):
            raise
        raise FieldErrors({"role": Complaint.LAST_ADMIN}) from None
    audit.note(session, audit.Act("UPDATE", "profiles", profile.id, {"role": before}, {"role": wanted}))
    return open_ones


def close_sign_in(session: Session, profile_id: UUID) -> int:
    """Let the person in no more, until it is opened again; returns how many sessions that ended.

    Raises FieldErrors for the last administrator and LookupError when the profile is gone.
    """
    profile = lock_profile(session, profile_id)
    _keep_an_admin(session, profile)
    return _renew(session, profile, is_active=False)


def open_sign_in(session: Session, profile_id: UUID) -> None:
    """Let the person in again; the sessions of before stay ended. Raises LookupError when the profile is gone, and
    FieldErrors where the person closed the account themselves: it has neither address nor password any more."""
    profile = lock_profile(session, profile_id)
    account_id = profile.auth_user_id
    if session.scalar(select(AuthAccount.email).where(AuthAccount.id == account_id)) == closed_address(
        account_id
    ):
        raise FieldErrors({"account": Complaint.GONE})
    account = update(AuthAccount).where(AuthAccount.id == account_id, AuthAccount.is_active.is_(False))
    done = session.execute(account.values(is_active=True))
    assert isinstance(done, CursorResult)
    if done.rowcount:
        told = {"is_active": False}, {"is_active": True}
        audit.note(session, audit.Act("UPDATE", "auth_account", account_id, *told))


def void_links(session: Session, *which: ColumnElement[bool]) -> None:
    """End those of these links that were not used yet."""
    unused = (AccountLink.used_at.is_(None), AccountLink.voided_at.is_(None))
    session.execute(
        update(AccountLink).where(*which, *unused).values(voided_at=now()),
        execution_options={"synchronize_session": False},
    )


def lock_profile(session: Session, profile_id: UUID) -> Profile:
    """The profile, held together with those of all administrators, in one order: two who each take a different one
    away wait for each other instead of both succeeding."""
    held = select(Profile).where(or_(Profile.id == profile_id, Profile.role == "admin"))
    rows = session.scalars(
        held.order_by(Profile.id).with_for_update(), execution_options={"populate_existing": True}
    )
    found = next((row for row in rows if row.id == profile_id), None)
    if found is None:
        raise LookupError(f"no profile {profile_id}")
    return found


def _keep_an_admin(session: Session, leaving: Profile) -> None:
    """Refuse it when no other administrator can sign in. Asked after the rows are held, so that it sees what those
    it waited for have done."""
    if leaving.role != "admin":
        return
    others = (Profile.role == "admin", Profile.id != leaving.id, AuthAccount.is_active.is_(True))
    query = (
        select(func.count()).select_from(Profile).join(AuthAccount, AuthAccount.id == Profile.auth_user_id)
    )
    if not session.scalar(query.where(*others)):
        raise FieldErrors({"account": Complaint.LAST_ADMIN})


def _renew(session: Session, profile: Profile, but: UUID | None = None, **also: str | bool) -> int:
    """A sign-in under way with the old password makes a session of the old version, which opens nothing."""
    version = AuthAccount.credential_version + 1
    account = update(AuthAccount).where(AuthAccount.id == profile.auth_user_id)
    now = session.scalar(
        account.values(credential_version=version, **also).returning(AuthAccount.credential_version)
    )
    old, new = {"credential_version": (now or 1) - 1}, {"credential_version": now, **also}
    audit.note(session, audit.Act("UPDATE", "auth_account", profile.auth_user_id, old, new))
    return end_sessions(session, profile.id, but=but)
