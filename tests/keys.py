"""Keys of programs, for tests that knock at the doors for machines."""

from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from db.services.api_keys import make_key
from tests.sessions import session


def issue(engine: Engine, profile_id: UUID, *scopes: str, name: str = "tests", **more: Any) -> str:
    """A new key of a person, as they would read it once."""
    with session(engine, write=True) as unit:
        return make_key(unit, profile_id, name, scopes, **more)[1]


def bearer(token: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {token}"}
