"""Attempts through the application's own sessions, with objects forged where the person could not read them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import DeclarativeBase, Session, make_transient_to_detached

from db.actor import NOBODY, OPERATOR, SYSTEM, Actor
from db.base import Base
from db.engine import session, unit_of_work
from db.guard import Denied, GuardedSession
from db.models import ProfileCard
from db.recorder import UnrecordedWrite
from tests.access.attempts import Attempt
from tests.access.judge import Asker
from tests.access.world import Target, columns_of, table_of


class Undone(Exception):
    """Ends a unit of work without a commit."""


def actor(asker: Asker) -> Actor:
    """Who asks, in the program's words."""
    if asker.profile_id is not None and asker.role is not None:
        return Actor.person(asker.profile_id, asker.role)
    return {"system": SYSTEM, "operator": OPERATOR, "nobody": NOBODY}[asker.kind]


@cache
def mapped(table: str) -> type[DeclarativeBase]:
    """The class of a table."""
    found: dict[str, type[DeclarativeBase]] = {each.__tablename__: each for each in Base.__subclasses__()}
    return (found | {"profile_directory": ProfileCard})[table]


def visible(engine: Engine, asker: Asker, table: str) -> set[tuple[Any, ...]]:
    """The keys of all rows that somebody sees; none where even asking is refused."""
    keys = [_attribute(table, each.name) for each in table_of(table).primary_key]
    try:
        with session(engine, actor(asker)) as unit:
            return {tuple(row) for row in unit.execute(select(*keys))}
    except Denied:
        return set()


@contextmanager
def unrecorded(engine: Engine, asker: Asker) -> Iterator[Session]:
    """A unit of work that the rules guard alone: the recorder of persons' changes, which refuses some too, is away."""
    with unit_of_work(engine, lambda bind: GuardedSession(bind, actor(asker)), write=True) as unit:
        yield unit


def outcome(engine: Engine, attempt: Attempt, *, recorded: bool) -> str:
    """may, may not, or what went wrong; the attempt leaves nothing behind."""
    opened = (
        session(engine, actor(attempt.asker), write=True) if recorded else unrecorded(engine, attempt.asker)
    )
    try:
        with warnings.catch_warnings(), opened as unit:
            warnings.simplefilter("error", SAWarning)
            _try(unit, attempt)
            raise Undone
    except Undone:
        return "may"
    except (Denied, UnrecordedWrite):
        return "may not"
    except Exception as error:
        return f"broke: {type(error).__name__}: {str(error).splitlines()[0]}"


def wrong(
    engine: Engine, attempts: Iterator[Attempt], *, recorded: bool = True
) -> Iterator[tuple[Attempt, str]]:
    """The attempts that came out otherwise than the oracle says; `recorded` as in an installation."""
    seen: dict[tuple[Asker, str], set[tuple[Any, ...]]] = {}
    for each in attempts:
        if each.verb == "select":
            assert each.target is not None
            of = (each.asker, each.table)
            if of not in seen:
                seen[of] = visible(engine, *of)
            found = "may" if tuple(each.target.key.values()) in seen[of] else "may not"
        else:
            found = outcome(engine, each, recorded=recorded)
        if found != ("may" if each.allowed else "may not"):
            yield each, found


def forged(target: Target) -> Any:
    """An object that says it was loaded, without having been."""
    made = mapped(target.table)(**_named(target.table, columns_of(target.values)))
    make_transient_to_detached(made)
    return made


def _try(unit: Session, attempt: Attempt) -> None:
    if attempt.verb == "insert":
        assert attempt.change is not None
        unit.add(mapped(attempt.table)(**_named(attempt.table, columns_of(attempt.change))))
    else:
        assert attempt.target is not None
        made = forged(attempt.target)
        unit.add(made)
        if attempt.verb == "delete":
            unit.delete(made)
        for name, value in _named(attempt.table, attempt.change or {}).items():
            setattr(made, name, value)
    unit.flush()


def _attribute(table: str, column: str) -> Any:
    return getattr(mapped(table), _key(table, column))


def _named(table: str, values: Any) -> dict[str, Any]:
    return {_key(table, column): value for column, value in values.items()}


def _key(table: str, column: str) -> str:
    mapper = mapped(table).__mapper__
    return str(mapper.get_property_by_column(table_of(table).c[column]).key)
