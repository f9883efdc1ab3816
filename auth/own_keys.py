"""Making and ending keys: what the page and the console let somebody give, and in whose name it is written.

A key is made in its person's own session, so the rules of the database hold for it; ending somebody else's is an
administrator's, and the rules let them do just that. Both ask for the password again when it was given too long ago.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from auth import people
from auth.keys import AGENT, SCOPES, needs_of
from auth.permissions import Permission, allows
from auth.recent import require_recent
from db.engine import Engine, session
from db.queries.held_keys import HeldKey, held_keys
from db.services import api_keys
from db.services.account_fields import Complaint, FieldErrors

LONGEST_NAME, LONGEST_AGENT, MOST_SCOPES = 80, 200, 200
MOST_PER_HOUR = 10_000_000


@dataclass(frozen=True)
class Wish:
    """A key as somebody asks for it."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    rate_limit: int | None = None


@dataclass(frozen=True)
class Made:
    """A key that was made: told once."""

    token: str = field(repr=False)
    wish: Wish


def grantable(role: str) -> list[str]:
    """The scopes a person of this role can give, but for those of single agents."""
    return [scope for scope in SCOPES if allows(role, needs_of(scope))]


def checked(wish: Wish, role: str, now: datetime) -> Wish:
    """The wish, tidied. Raises FieldErrors by field: a key never exceeds the role of its person."""
    wrong: dict[str, str] = {}
    name = " ".join(wish.name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        wrong["name"] = Complaint.KEY_NAME
    scopes = tuple(dict.fromkeys(scope.strip() for scope in wish.scopes if scope.strip()))
    complaint = _complaint(scopes, role)
    if complaint is not None:
        wrong["scopes"] = complaint
    if wish.expires_at is not None and wish.expires_at <= now:
        wrong["expires"] = Complaint.KEY_EXPIRES
    if wish.rate_limit is not None and not 1 <= wish.rate_limit <= MOST_PER_HOUR:
        wrong["rate_limit"] = Complaint.KEY_LIMIT
    if wrong:
        raise FieldErrors(wrong)
    return Wish(name, scopes, wish.expires_at, wish.rate_limit)


def _complaint(scopes: Sequence[str], role: str) -> Complaint | None:
    if not scopes or len(scopes) > MOST_SCOPES:
        return Complaint.KEY_SCOPES
    for scope in scopes:
        if not is_scope(scope):
            return Complaint.KEY_AGENT if scope.startswith(AGENT) else Complaint.KEY_SCOPES
        if not allows(role, needs_of(scope)):
            return Complaint.KEY_ROLE
    return None


def is_scope(scope: str) -> bool:
    """Whether there is such a scope; whether there is such an agent is not asked, for it may come later."""
    try:
        needs_of(scope)
    except LookupError:
        return False
    return not scope.startswith(AGENT) or (scope.isprintable() and len(scope) <= LONGEST_AGENT)


def make(own: Engine, wish: Wish) -> Made:
    """A key of whoever is asking. `own` is the engine of their login. Raises FieldErrors."""
    me = people.require_person()
    require_recent()
    wish = checked(wish, me.role, datetime.now(UTC))
    with session(own, me.actor, write=True) as unit:
        _, token = api_keys.make_key(
            unit,
            me.profile_id,
            wish.name,
            wish.scopes,
            expires_at=wish.expires_at,
            rate_limit=wish.rate_limit,
        )
    return Made(token, wish)


def end(own: Engine, key_id: UUID) -> bool:
    """End a key of one's own, or, as an administrator, of anybody; False when there is none that is active."""
    me = people.require_person()
    require_recent()
    with session(own, me.actor, write=True) as unit:
        return api_keys.revoke_key(unit, key_id)


def seen(own: Engine) -> tuple[list[HeldKey], list[HeldKey]]:
    """One's own keys, and, for administrators, the active ones of everybody else."""
    me = people.require_person()
    with session(own, me.actor) as unit:
        if not allows(me.role, Permission.PEOPLE_ADMIN):
            return held_keys(unit, me.profile_id), []
        all_of_them = held_keys(unit)
    mine = [key for key in all_of_them if key.owner_id == me.profile_id]
    return mine, [key for key in all_of_them if key.owner_id != me.profile_id and key.is_active]


def agents_of(text: str | None) -> list[str]:
    """Scopes for the agents that somebody lists, separated by commas or lines."""
    ids: Iterable[str] = (text or "").replace("\n", ",").split(",")
    return [f"{AGENT}{each.strip()}" for each in ids if each.strip()]
