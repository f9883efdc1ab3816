"""What somebody sees of a table, and which rule lets each row through: the real query, run in their own name.

`look` wants a session of theirs on the login that their role uses. Nothing here goes round the rules: what is not the
ORM's is sent on the same connection, under the same identity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, inspect, or_, select, true
from sqlalchemy import table as named
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Session

from db.actor import NOBODY, Actor
from db.base import Base
from db.guard import GuardedSession
from db.models import ProfileCard
from db.policies import SECRET_COLUMNS, rules
from db.proof import statement_text
from db.recorder import SECRETS
from db.row_security import is_directory
from db.rules import Rule, Verb
from db.sight import seeing

FIRST = 50
DIRECTORY = ProfileCard.__tablename__
NOT_ALLOWED = "42501"
ANYBODY = UUID(int=0)  # nobody's id: whoever only has the role owns nothing

Model = type[DeclarativeBase]


@dataclass(frozen=True)
class SeenRow:
    """A row by column, and the names of the rules that let it through."""

    values: Mapping[str, Any]
    by: tuple[str, ...]


@dataclass(frozen=True)
class Sight:
    """What one look found.

    Attributes:
        columns: what is shown of a row; secrets never are.
        rows: the first of those they see, by key.
        seen: how many they see in all, as the application reads.
        by_database: the same as PostgreSQL alone counts, without the application's conditions; None on SQLite.
        refused: what the database said when the login may not read the table at all; "" when it may.
        sql, params: what was sent for the rows.
    """

    table: str
    columns: tuple[str, ...]
    rows: tuple[SeenRow, ...]
    seen: int
    by_database: int | None
    refused: str
    sql: str
    params: Mapping[str, Any]

    @property
    def is_leaking(self) -> bool:
        """Whether the two fences disagree, which must never be."""
        return self.by_database is not None and self.by_database != self.seen


def somebody_with(role: str) -> Actor:
    """A person of this role to whom no row belongs; "" is a stranger."""
    return Actor.person(ANYBODY, role) if role else NOBODY


def tables() -> dict[str, Model]:
    """Every table one can look at, and the public cards of people, by name."""
    found: dict[str, Model] = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
    return dict(sorted((found | {DIRECTORY: ProfileCard}).items()))


def letting_through(actor: Actor, table: str) -> list[Rule]:
    """The rules by which this actor sees rows of a table."""
    if table != DIRECTORY:
        return seeing(actor, table)
    return [each for each in rules("profiles", Verb.SELECT) if is_directory(each) and each.applies(actor)]


def changing(actor: Actor, table: str) -> dict[Verb, list[Rule]]:
    """The rules by which this actor adds, changes and deletes rows of a table."""
    return {
        verb: [each for each in rules(table, verb) if each.applies(actor)]
        for verb in (Verb.INSERT, Verb.UPDATE, Verb.DELETE)
    }


def columns_shown(table: str) -> list[str]:
    """The columns of a table that may be looked at, in its order."""
    hidden = SECRETS | SECRET_COLUMNS.get(table, frozenset())
    return [name for name in _attributes(tables()[table]) if name not in hidden]


def count_all(session: Session, table: str) -> int:
    """How many rows there are, for a session that sees them all. Raises KeyError for a table there is not."""
    return session.scalar(select(func.count()).select_from(tables()[table])) or 0


def look(session: Session, table: str, first: int = FIRST) -> Sight:
    """What the actor of this session sees of a table. Raises KeyError for a table there is not."""
    assert isinstance(session, GuardedSession)
    statement = _statement(table, first)
    sql, params = statement_text(session, statement)
    columns = tuple(columns_shown(table))
    try:
        found = [dict(row) for row in session.execute(statement).mappings()]
        seen = count_all(session, table)
        rows = tuple(SeenRow(row, by) for row, by in zip(found, _by(session, table, found), strict=True))
        return Sight(table, columns, rows, seen, _by_database(session, table), "", sql, params)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != NOT_ALLOWED:
            raise
        return Sight(table, columns, (), 0, None, str(error.orig).splitlines()[0], sql, params)


def _statement(table: str, first: int) -> Any:
    model = tables()[table]
    attributes = _attributes(model)
    shown = [attributes[name].label(name) for name in columns_shown(table)]
    return (
        select(*shown)
        .select_from(model)
        .order_by(*(attributes[name].desc() for name in _key(model)))
        .limit(first)
    )


def _attributes(model: Model) -> dict[str, Any]:
    """The mapped attributes by the names of their columns."""
    return {each.columns[0].name: getattr(model, each.key) for each in inspect(model).column_attrs}


def _key(model: Model) -> list[str]:
    return [column.name for column in inspect(model).primary_key]


def _by(session: GuardedSession, table: str, found: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Of each of these rows the rules whose condition it fulfils, as the database itself finds."""
    applying = letting_through(session.actor, table)
    if table == DIRECTORY or not found or not applying:
        return [tuple(each.name for each in applying)] * len(found)
    row, key = Base.metadata.tables[table], _key(tables()[table])
    holding = [each.rows(row, session.me).label(f"rule_{n}") for n, each in enumerate(applying)]
    asked = select(*(row.c[name] for name in key), *holding).where(_among(row, key, found))
    held = {tuple(each[: len(key)]): each[len(key) :] for each in Session.connection(session).execute(asked)}
    return [
        tuple(
            rule.name
            for rule, holds in zip(applying, held[tuple(each[name] for name in key)], strict=True)
            if holds
        )
        for each in found
    ]


def _among(row: Any, key: Sequence[str], found: Sequence[Mapping[str, Any]]) -> ColumnElement[bool]:
    if len(key) == 1:
        condition: ColumnElement[bool] = row.c[key[0]].in_([each[key[0]] for each in found])
        return condition
    return or_(*(and_(true(), *(row.c[name] == each[name] for name in key)) for each in found))


def _by_database(session: GuardedSession, table: str) -> int | None:
    """What row security alone lets this login and identity count: plain SQL, past the conditions of `db.guard`."""
    connection = Session.connection(session)
    if connection.dialect.name != "postgresql":
        return None
    plain = select(func.count()).select_from(named(table))
    return int(connection.execute(plain).scalar_one())
