"""Sessions that no access rule looks at, with which tests arrange rows and look at what came of them.

Only for that: what is under test gets its session from `db.engine.session`, in somebody's name.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.engine import unit_of_work


@contextmanager
def session(engine: Engine, *, write: bool = False) -> Iterator[Session]:
    """A unit of work in nobody's name; commits when the block ends well and `write` is True."""
    with unit_of_work(engine, lambda bind: Session(bind, expire_on_commit=False), write=write) as unit:
        yield unit
