"""Sessions that no access rule looks at, with which tests arrange rows and look at what came of them.

Only for that: what is under test gets its session from `db.engine.session`, in somebody's name.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session, SessionTransaction

from db.engine import unit_of_work


class Unbound(Session):
    """On PostgreSQL it calls itself the operator, for the view of people's cards asks who looks."""


@event.listens_for(Unbound, "after_begin")
def _introduce(unit: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT set_config('quantum.kind', 'operator', true)"))


@contextmanager
def session(engine: Engine, *, write: bool = False) -> Iterator[Session]:
    """A unit of work in nobody's name; commits when the block ends well and `write` is True."""
    with unit_of_work(engine, lambda bind: Unbound(bind, expire_on_commit=False), write=write) as unit:
        yield unit
