"""Accounts and their people: sign-up, who may sign in, one's own profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.models import AuthAccount, Profile, UserStats
from db.services import audit
from db.services.account_fields import LONGEST_EMAIL, ROLES, Complaint, FieldErrors, clean, is_storable

__all__ = [
    "PEOPLE",
    "ROLES",
    "Complaint",
    "Credentials",
    "FieldErrors",
    "Person",
    "clean",
    "find_account_id",
    "find_by_email",
    "find_for_sign_in",
    "find_person",
    "register_account",
    "replace_password_hash",
    "to_person",
    "update_own_profile",
]

# The databases' own unique indexes: only they decide what is taken, so two sign-ups at once cannot both win.
UNIQUE = {
    "auth_account_email_key": ("email", Complaint.EMAIL_TAKEN),
    "profiles_username_key": ("username", Complaint.USERNAME_TAKEN),
}
PREFERENCES = ("language", "theme", "zone")
PROFILE_FIELDS = ("full_name", "bio", "company", "location", *PREFERENCES)


@dataclass(frozen=True)
class Person:
    """Who is asking: the account and its profile, read in one row.

    `credential_version` rises when password or role change; sign-ins made under an older one are void.
    """

    account_id: UUID
    profile_id: UUID
    email: str
    username: str | None
    full_name: str | None
    role: str
    is_active: bool
    credential_version: int
    preferences: Mapping[str, Any]


@dataclass(frozen=True)
class Credentials:
    """A person and the hash their password must match."""

    person: Person
    password_hash: str


def register_account(
    session: Session,
    *,
    email: str,
    username: str,
    full_name: str | None,
    password_hash: str,
    role: str = "user",
    by_themselves: bool = False,
) -> Profile:
    """Write an account, its profile and its user_stats (0 points, level 1), in the caller's transaction.

    The audit log names the new person as who did it when they signed up `by_themselves`, else whoever the session
    works for. Raises FieldErrors for what is refused or taken; the caller must then roll back.
    """
    fields = clean(email=email, username=username, full_name=full_name, role=role)
    try:
        profile = _insert(session, fields, password_hash)
    except IntegrityError as error:
        field, complaint = UNIQUE.get(_violated(error), ("", ""))
        if not field:
            raise
        raise FieldErrors({field: complaint}) from None
    by = profile.id if by_themselves else None
    given = {name: value for name, value in fields.items() if value is not None and name != "email"}
    audit.note(session, audit.Act("INSERT", "profiles", profile.id, new=given, by=by))
    return profile


def _insert(session: Session, fields: Mapping[str, str | None], password_hash: str) -> Profile:
    account = AuthAccount(email=fields["email"], password_hash=password_hash)
    session.add(account)
    session.flush()
    profile = Profile(
        auth_user_id=account.id,
        username=fields["username"],
        full_name=fields["full_name"],
        role=fields["role"],
    )
    session.add(profile)
    session.flush()
    session.add(UserStats(user_id=profile.id, xp_points=0, level=1))
    session.flush()
    return profile


def _violated(error: IntegrityError) -> str:
    """The name of the unique index: PostgreSQL tells it apart, SQLite inside its message."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return diagnosis.constraint_name or ""
    return next((name for name in UNIQUE if f"'{name}'" in str(error.orig)), "")


def find_for_sign_in(session: Session, login: str) -> Credentials | None:
    """The account whose address or user name is `login`, whatever its case; None when there is none."""
    match = _by_name(login)
    found = session.execute(PEOPLE.where(match)).one_or_none() if match is not None else None
    return Credentials(to_person(*found), found[0].password_hash) if found else None


def find_account_id(session: Session, login: str) -> UUID | None:
    """The same account's id and nothing else, so that finding one takes no longer than finding none."""
    match = _by_name(login)
    return (
        session.scalar(PEOPLE.with_only_columns(AuthAccount.id).where(match)) if match is not None else None
    )


def _by_name(login: str) -> ColumnElement[bool] | None:
    """True for the account of this address or user name; None for a text that cannot be either."""
    wanted = login.strip().lower()
    if not wanted or len(wanted) > LONGEST_EMAIL or not is_storable(wanted):
        return None
    return or_(func.lower(AuthAccount.email) == wanted, func.lower(Profile.username) == wanted)


def find_person(session: Session, account_id: UUID) -> Person | None:
    """The person behind an account; None when it is gone."""
    found = session.execute(PEOPLE.where(AuthAccount.id == account_id)).one_or_none()
    return to_person(*found) if found else None


def find_by_email(session: Session, email: str) -> Person | None:
    """The person who signs in with this address, whatever its case; None when there is none."""
    wanted = email.strip().lower()
    if not wanted or len(wanted) > LONGEST_EMAIL or not is_storable(wanted):
        return None
    found = session.execute(PEOPLE.where(func.lower(AuthAccount.email) == wanted)).one_or_none()
    return to_person(*found) if found else None


PEOPLE = select(AuthAccount, Profile).join(Profile, Profile.auth_user_id == AuthAccount.id)


def to_person(account: AuthAccount, profile: Profile) -> Person:
    """What is told of a row of `PEOPLE`."""
    return Person(
        account_id=account.id,
        profile_id=profile.id,
        email=account.email,
        username=profile.username,
        full_name=profile.full_name,
        role=profile.role,
        is_active=account.is_active,
        credential_version=account.credential_version,
        preferences=profile.preferences if isinstance(profile.preferences, dict) else {},
    )


def replace_password_hash(session: Session, account_id: UUID, old: str, new: str) -> None:
    """Store the same password under newer parameters, unless it was changed meanwhile. Sign-ins stay valid."""
    session.execute(
        update(AuthAccount)
        .where(AuthAccount.id == account_id, AuthAccount.password_hash == old)
        .values(password_hash=new)
    )


def update_own_profile(session: Session, profile_id: UUID, **fields: str | None) -> Profile:
    """Change what a person may change about themselves: full_name, bio, company, location, language, theme, zone.

    Fields not named stay as they are; an empty text clears one. Raises FieldErrors for refused values, TypeError
    for any other field (a role is never changed here) and LookupError when the profile is gone.
    """
    strange = sorted(set(fields) - set(PROFILE_FIELDS))
    if strange:
        raise TypeError(f"{', '.join(strange)}: not among {', '.join(PROFILE_FIELDS)}")
    cleaned = clean(**fields)
    # Locked, so that two saved preferences do not overwrite each other.
    profile = session.get(Profile, profile_id, with_for_update=True)
    if profile is None:
        raise LookupError(f"no profile {profile_id}")
    chosen = {name: cleaned.pop(name) for name in PREFERENCES if name in cleaned}
    for name, value in cleaned.items():
        setattr(profile, name, value)
    if chosen:
        known = profile.preferences if isinstance(profile.preferences, dict) else {}
        profile.preferences = {**known, **chosen}
    session.flush()
    return profile
