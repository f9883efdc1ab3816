"""Between the password and the code: who gave the right password within the last five minutes. Nobody is signed in.

It is kept in the signed cookie. A copy of it opens nothing: the code is still owed, and counted.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import session as cookie

from auth import people
from db.actor import SYSTEM
from db.engine import session
from db.services import accounts
from db.services.accounts import Person

KEY = "pending"
LASTS = timedelta(minutes=5)


def begin(person: Person, now: datetime) -> None:
    """The password of `person` was right; a code is owed."""
    cookie[KEY] = [str(person.account_id), person.credential_version, int(now.timestamp())]


def is_begun() -> bool:
    """Whether a password was given in this browser, however long ago, and no code since."""
    return KEY in cookie


def end() -> None:
    """Forget that a password was given."""
    cookie.pop(KEY, None)


def person(now: datetime | None = None) -> Person | None:
    """Who owes the code; None when nobody does, or it took too long, or password or role changed meanwhile."""
    if not is_begun():
        return None
    account_id, version, begun = cookie[KEY]
    if not 0 <= (now or datetime.now(UTC)).timestamp() - begun < LASTS.total_seconds():
        return None
    with session(people.system_engine(), SYSTEM) as unit:
        found = accounts.find_person(unit, UUID(account_id))
    return found if found and found.is_active and found.credential_version == version else None
