"""Looking at a table as somebody else sees it, for administrators; that they did is recorded before they see it."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from auth import people
from auth.administration import find_somebody, require_admin
from db.actor import SYSTEM, Actor
from db.engine import Engine, session
from db.queries import access
from db.queries.access import Sight
from db.queries.everybody import Somebody
from db.services import audit
from db.services.account_fields import ROLES

STRANGER, ROLE = "stranger", "role:"


@dataclass(frozen=True)
class Whom:
    """As whom one looks: `text` names them in addresses; `somebody` is None for a stranger and for a role alone."""

    text: str
    actor: Actor
    somebody: Somebody | None = None


def whom(text: str) -> Whom | None:
    """The one that `text` names: "stranger", "role:observer" or the id of a profile; None where it names nobody."""
    require_admin()
    if text == STRANGER:
        return Whom(text, access.somebody_with(""))
    if text.startswith(ROLE):
        role = text.removeprefix(ROLE)
        return Whom(text, access.somebody_with(role)) if role in ROLES else None
    try:
        found = find_somebody(UUID(text))
    except ValueError:
        return None
    return Whom(text, Actor.person(found.profile_id, found.role), found) if found else None


def look(
    own: Engine, engine_of: Callable[[str | None], Engine], as_whom: Whom, table: str
) -> tuple[Sight, int]:
    """What they see of the table, and how many rows it has. Raises KeyError for a table there is not.

    `own` is the engine of whoever asks, `engine_of` gives that of a role, None for strangers.
    """
    me = require_admin()
    if table not in access.tables():
        raise KeyError(table)
    with session(own, me.actor, write=True) as unit:
        audit.record(unit, audit.Act("SELECT", table, new={"seen_as": as_whom.text}))
    with session(engine_of(as_whom.actor.role), as_whom.actor) as theirs:
        sight = access.look(theirs, table)
    with session(people.system_engine(), SYSTEM) as unit:
        return sight, access.count_all(unit, table)
