"""Visitors who stand before forms that nobody else is shown: with a second factor, half-way in, holding a link.

Some of it lasts minutes only (a code that is owed, a password given lately), so `arrange` puts it right again.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from db.models import Profile, SecondFactor, UserSession
from db.services.links import issue_invite, issue_reset
from tests.auth.second import code, secret_shown
from tests.sessions import session

if TYPE_CHECKING:
    from tests.fuzz.world import World

SECURED, STALE = "secured", "stale"  # signed in: with a second factor; having given the password long ago
HALFWAY = "halfway"  # gave the right password, owes a code
INVITED, RESETTING = "invited", "resetting"  # opened a link
LONG_AGO = timedelta(hours=2)


def settle(world: "World") -> None:
    """Two more people, one of them with an authenticator app."""
    for who in (SECURED, STALE):
        world.sign_up(who)
    page = world.fetch("/second-factor", SECURED)
    given = [("code", code(secret_shown(page.text)))]
    if world.post("/second-factor", SECURED, given, page).status != 200:
        raise AssertionError("the second factor was not set up")


def arrange(world: "World") -> None:
    """As if all of this had happened just now."""
    now = datetime.now(UTC)
    with session(world.engine, write=True) as unit:
        unit.execute(update(UserSession).values(confirmed_at=now, last_activity=now))
        unit.execute(update(SecondFactor).values(last_step=SecondFactor.last_step - 1000))
        person = select(Profile.id).where(Profile.username == STALE)
        mine = UserSession.user_id.in_(person)
        unit.execute(update(UserSession).where(mine).values(confirmed_at=now - LONG_AGO))
        reset = issue_reset(unit, unit.scalars(person).one(), None, now).path
        invite = issue_invite(unit, "invited@example.com", "observer", None, now).path
    for who, path in ((INVITED, invite), (RESETTING, reset)):
        world.cookies[who] = ""
        world.fetch(path, who)
    world.cookies[HALFWAY] = ""
    page = world.fetch("/login", HALFWAY)
    world.post("/login", HALFWAY, [("login", SECURED), ("password", world.password)], page)
    _learn_tokens(world, {HALFWAY: "/login/code", INVITED: "/invite", RESETTING: "/reset"}.items())


def _learn_tokens(world: "World", forms: Iterable[tuple[str, str]]) -> None:
    for who, path in forms:
        page = world.fetch(path, who)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        if found is None:
            raise AssertionError(f"{who} sees no form at {path}: {page.status}")
        world.tokens[who] = found[1]
