"""What administrators do to the accounts of others, each act checked here whatever the page has checked before.

Reading needs the permission. Acting needs it, too, and the password given within the last ten minutes; nothing happens
before both were looked at. What is a person's own business under the rules (roles, sessions) is written in the
administrator's own session, on `own`, the engine of their login; accounts, links and second factors are the system's,
which then says in the audit log whose wish it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from flask import abort

from auth import hosts, people
from auth.people import SignedIn
from auth.permissions import Permission, allows
from auth.recent import require_recent
from db.actor import SYSTEM
from db.engine import Engine, Session, session
from db.queries import everybody
from db.queries.everybody import Somebody, Wanted
from db.services import credentials, links, role_requirements, second_factors, user_sessions
from db.services.links import Invitation, Issued

MOST_INVITATIONS = 100


@dataclass(frozen=True)
class Link:
    """A link to hand on: told once."""

    address: str = field(repr=False)
    expires: datetime


def require_admin() -> SignedIn:
    """Whoever is asking, if they may administer people; anybody else's request ends with 403."""
    me = people.require_person()
    if not allows(me.role, Permission.PEOPLE_ADMIN):
        abort(403)
    return me


# --- reading ------------------------------------------------------------------------------------------


def people_page(wanted: Wanted) -> tuple[list[Somebody], int, int]:
    """One page of everybody, how many match, and its number."""
    with _looking() as unit:
        return everybody.people_page(unit, wanted)


def find_somebody(profile_id: UUID) -> Somebody | None:
    """One person; None when there is nobody of this id."""
    with _looking() as unit:
        return everybody.find_somebody(unit, profile_id)


def open_invitations(now: datetime) -> tuple[list[Invitation], int]:
    """The newest invitations that may be used, and how many there are."""
    with _looking() as unit:
        return links.open_invitations(unit, now, MOST_INVITATIONS)


def requirements() -> dict[str, bool]:
    """Of each role whether it needs a second factor."""
    with _looking() as unit:
        return role_requirements.requirements(unit)


@contextmanager
def _looking() -> Iterator[Session]:
    require_admin()
    with session(people.system_engine(), SYSTEM) as unit:
        yield unit


# --- acting, in the administrator's own name ----------------------------------------------------------


def change_role(own: Engine, profile_id: UUID, role: str) -> int:
    """Give another role, which ends the person's sessions; returns how many.

    Raises FieldErrors for a role that is none and for the last administrator, LookupError when the person is gone.
    """
    me = _acting()
    with session(own, me.actor, write=True) as unit:
        return credentials.change_role(unit, profile_id, role)


def end_sessions(own: Engine, profile_id: UUID, *which: UUID) -> int:
    """End these sessions of a person, all of them where none is named; returns how many were open."""
    me = _acting()
    with session(own, me.actor, write=True) as unit:
        return user_sessions.delete_sessions(unit, profile_id, *which)


# --- acting through the system ------------------------------------------------------------------------


def close_sign_in(profile_id: UUID) -> int:
    """Let a person in no more; returns how many sessions that ended. Raises FieldErrors for the last administrator."""
    with _through_the_system() as (unit, _):
        return credentials.close_sign_in(unit, profile_id)


def open_sign_in(profile_id: UUID) -> None:
    """Let a person in again. Raises FieldErrors where nothing is left to open."""
    with _through_the_system() as (unit, _):
        credentials.open_sign_in(unit, profile_id)


def reset_link(profile_id: UUID) -> Link:
    """A link with which the person chooses a new password. Raises NotAllowed while the account is closed."""
    with _through_the_system() as (unit, me):
        return _told(links.issue_reset(unit, profile_id, me.profile_id, datetime.now(UTC)))


def reset_factor(profile_id: UUID) -> bool:
    """Take a person's second factor and recovery codes away; False when none was on."""
    with _through_the_system() as (unit, _):
        found = everybody.find_somebody(unit, profile_id)
        if found is None:
            raise LookupError(f"no profile {profile_id}")
        return second_factors.turn_off(unit, found.account_id)


def invite(email: str, role: str) -> Link:
    """A link with which somebody makes an account of this address and role. Raises FieldErrors."""
    with _through_the_system() as (unit, me):
        return _told(links.issue_invite(unit, email, role, me.profile_id, datetime.now(UTC)))


def withdraw_invite(link_id: UUID) -> bool:
    """Make an invitation useless; False when it was so already."""
    with _through_the_system() as (unit, _):
        return links.withdraw_invite(unit, link_id, datetime.now(UTC))


def require_factor(role: str, required: bool) -> bool:
    """Demand a second factor of a role, or no longer; False when it was so before. Raises FieldErrors."""
    with _through_the_system() as (unit, me):
        return role_requirements.require_second_factor(unit, role, required, by=me.profile_id)


def _acting() -> SignedIn:
    me = require_admin()
    require_recent()
    return me


@contextmanager
def _through_the_system() -> Iterator[tuple[Session, SignedIn]]:
    me = _acting()
    with session(people.system_engine(), people.system_here(), write=True) as unit:
        yield unit, me


def _told(made: Issued) -> Link:
    return Link(f"{hosts.base_address()}{made.path}", made.expires_at)
