"""What an actor sees, written by the compiler: wherever a statement reads a table, it reads the rows the rules show.

Not added to statements one by one, because whatever decides where to add it can be got round: by a table without its
class, an alias, a join, a window, a subquery inside a change. The compiler writes every FROM, so it writes this one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Dialect, bindparam, false, or_
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import LRUCache

from db.actor import Actor, Kind
from db.base import Base, Key
from db.models import ProfileCard
from db.policies import SECRET_COLUMNS, rules
from db.row_security import is_directory
from db.rules import Me, Rule, Verb

_asker: ContextVar[Actor | None] = ContextVar("asker", default=None)


def _profile_id() -> UUID | None:
    asker = _asker.get()
    return asker.profile_id if asker else None


# The value is asked for when a statement is sent, so one compiled text serves all people of a role.
ME = Me(profile_id=bindparam("actor", callable_=_profile_id, type_=Key()))


@contextmanager
def asking(actor: Actor | None) -> Iterator[None]:
    """While statements are compiled and sent, they read what `actor` sees; everything for None."""
    token = _asker.set(actor)
    try:
        yield
    finally:
        _asker.reset(token)


def is_bounded(actor: Actor) -> bool:
    """Whether others' rows are closed to it. The application itself and the console see every row."""
    return actor.is_person or actor.kind is Kind.NOBODY


def seeing(actor: Actor, table: str) -> list[Rule]:
    """The rules by which the actor sees rows of a table itself; whatever else lets cards through is the view's."""
    return [each for each in rules(table, Verb.SELECT) if each.applies(actor) and not is_directory(each)]


def visible(actor: Actor, table: str, me: Me = ME) -> ColumnElement[bool] | None:
    """Which rows of a table the actor sees; None for all of them."""
    if table == ProfileCard.__tablename__:
        lent = [each for each in rules("profiles", Verb.SELECT) if is_directory(each)]
        return None if not is_bounded(actor) or any(each.applies(actor) for each in lent) else false()
    mine = seeing(actor, table)
    if any(each.is_unconditional() for each in mine):
        return None
    return or_(*(each.rows(Base.metadata.tables[table], me) for each in mine)) if mine else false()


@cache
def compiled_for(kind: Kind, role: str | None) -> "LRUCache[Any, Any]":
    """Where compiled statements are kept: what they read differs by kind and role, so they are not shared."""
    return LRUCache(500)


def give_eyes(dialect: Dialect) -> Dialect:
    """Let the dialect's compiler heed who is `asking`."""
    if not getattr(dialect.statement_compiler, "has_eyes", False):
        dialect.statement_compiler = _seeing(dialect.statement_compiler)
    return dialect


def _seeing(base: Any) -> type[SQLCompiler]:
    class Seeing(base):  # type: ignore[misc]
        """Reads, where it reads a table, the rows and columns that the one who asks sees."""

        has_eyes = True
        is_within_rule = False

        def visit_table(self, table: Any, asfrom: bool = False, **also: Any) -> str:
            name = str(super().visit_table(table, asfrom=asfrom, **also))
            asker = _asker.get()
            is_read = asfrom and not (also.get("iscrud") or also.get("ashint") or self.is_within_rule)
            if asker is None or not is_read:
                return name
            condition = visible(asker, table.name)
            secret = SECRET_COLUMNS.get(table.name) if is_bounded(asker) else None
            if condition is None and not secret:
                return name
            shown = f"(SELECT {self._shown(table, secret)} FROM {name}{self._where(condition, also)})"
            has_name = getattr(also.get("enclosing_alias"), "element", None) is table
            return shown if has_name else f"{shown} AS {name}"

        def _shown(self, table: Any, secret: frozenset[str] | None) -> str:
            if not secret:
                return "*"
            columns = [each.name for each in Base.metadata.tables[table.name].columns]
            return ", ".join(self.preparer.quote(each) for each in columns if each not in secret)

        def _where(self, condition: ColumnElement[bool] | None, also: dict[str, Any]) -> str:
            if condition is None:
                return ""
            self.is_within_rule = True
            try:
                kept = {key: also[key] for key in ("literal_binds", "render_postcompile") if key in also}
                return f" WHERE {self.process(condition, **kept)}"
            finally:
                self.is_within_rule = False

    return Seeing
