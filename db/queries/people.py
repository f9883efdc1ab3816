"""People: what a person sees of themselves and their sessions, and the name others know them by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.models import AuthAccount, Profile, ProfileCard, UserSession


@dataclass(frozen=True)
class OwnProfile:
    """A person's own card: what they may change, and what only others may (user name, role)."""

    username: str | None
    role: str
    member_since: datetime | None
    full_name: str | None
    bio: str | None
    company: str | None
    location: str | None
    preferences: Mapping[str, Any]


@dataclass(frozen=True)
class OwnSession:
    """One sign-in of a person that may still be used. `device` holds browser, system and kind as far as known."""

    id: UUID
    device: Mapping[str, str]
    address: str | None
    begun: datetime | None
    last_activity: datetime | None


@dataclass(frozen=True)
class Known:
    """An account as whoever runs the installation sees it. `last_sign_in` is None where none was ever stored."""

    email: str
    username: str | None
    role: str
    is_active: bool
    created: datetime
    last_sign_in: datetime | None


def username_of(person: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """The user name of the person whose profile a row's column `person` points at; null when it points at nobody."""
    named = select(ProfileCard.username).where(ProfileCard.id == person)
    return named.correlate_except(ProfileCard).scalar_subquery()


def own_profile(session: Session, profile_id: UUID) -> OwnProfile | None:
    """The card of one person, for that person; None when it is gone."""
    profile = session.scalar(select(Profile).where(Profile.id == profile_id))
    if profile is None:
        return None
    return OwnProfile(
        username=profile.username,
        role=profile.role,
        member_since=profile.created_at,
        full_name=profile.full_name,
        bio=profile.bio,
        company=profile.company,
        location=profile.location,
        preferences=profile.preferences if isinstance(profile.preferences, dict) else {},
    )


def known_people(session: Session) -> list[Known]:
    """Every account, by its address."""
    last = (
        select(UserSession.user_id, func.max(UserSession.created_at).label("at"))
        .group_by(UserSession.user_id)
        .subquery()
    )
    rows = session.execute(
        select(
            AuthAccount.email,
            Profile.username,
            Profile.role,
            AuthAccount.is_active,
            AuthAccount.created_at,
            last.c.at,
        )
        .join(Profile, Profile.auth_user_id == AuthAccount.id)
        .outerjoin(last, last.c.user_id == Profile.id)
        .order_by(func.lower(AuthAccount.email))
    )
    return [Known(*row) for row in rows]


def usable(now: datetime) -> ColumnElement[bool]:
    """True for sessions that may be used: neither ended nor expired."""
    return and_(UserSession.is_active.is_(True), UserSession.expires_at > now)


def own_sessions(
    session: Session, profile_id: UUID, now: datetime, most: int
) -> tuple[list[OwnSession], int]:
    """The `most` last used of a person's usable sessions, and how many they are in all."""
    mine = (UserSession.user_id == profile_id, usable(now))
    total = session.scalar(select(func.count()).select_from(UserSession).where(*mine)) or 0
    order = (UserSession.last_activity.desc(), UserSession.id)
    rows = session.scalars(select(UserSession).where(*mine).order_by(*order).limit(most))
    return [_own_session(row) for row in rows], total


def _own_session(row: UserSession) -> OwnSession:
    told = row.device_info if isinstance(row.device_info, dict) else {}
    return OwnSession(
        id=row.id,
        device={name: word for name, word in told.items() if isinstance(word, str)},
        address=str(row.ip_address) if row.ip_address else None,
        begun=row.created_at,
        last_activity=row.last_activity,
    )
