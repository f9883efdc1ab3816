"""`db.policies` as every session enforces them, on both databases: what no rule allows is refused before it is sent.

On PostgreSQL this is the first of two fences and row security the second, which holds against raw SQL as well. On
SQLite, which knows no logins, it is the only one: it guards against mistakes of this program, not against whoever can
open the file.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from sqlalchemy import (
    ClauseElement,
    Connection,
    Delete,
    Engine,
    FromClause,
    Insert,
    Table,
    TextClause,
    Update,
    bindparam,
    event,
    inspect,
    or_,
    select,
    text,
)
from sqlalchemy.engine import Result
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, SessionTransaction, UOWTransaction
from sqlalchemy.sql import visitors
from sqlalchemy.util import LRUCache

from db.actor import Actor
from db.base import Base, Key
from db.policies import SECRET_COLUMNS, STAMPS, rules
from db.rules import Me, Rule, Verb
from db.sight import asking, compiled_for, give_eyes, is_bounded, visible

# What is said at the begin of each transaction. Starting helpers of its own costs PostgreSQL more than most of our
# statements take as a whole, and it overrates those that read nothing of a part: it may do so for long ones alone.
IDENTITY = text(
    "SELECT set_config('quantum.kind', :kind, true), set_config('quantum.profile_id', :profile_id, true), "
    "set_config('quantum.role', :role, true), set_config('parallel_setup_cost', '100000', true)"
)
SELECT = re.compile(r"\bselect\b", re.IGNORECASE)


class Denied(Exception):
    """No rule lets this actor do this; `table` and `verb` say what was tried."""

    def __init__(self, actor: Actor, verb: str, table: str, why: str = "") -> None:
        self.actor, self.verb, self.table = actor, verb, table
        super().__init__(f"no rule lets {actor.role or actor.kind} {verb} {table}{': ' if why else ''}{why}")


class GuardedSession(Session):
    """A session in the name of `actor`, which sees and changes what the rules let it and nothing else."""

    def __init__(self, bind: Engine, actor: Actor) -> None:
        super().__init__(bind, expire_on_commit=False)
        give_eyes(bind.dialect)
        self.actor = actor
        self.me = Me(profile_id=bindparam("actor", actor.profile_id, Key(), unique=True))
        self._changes: list[tuple[Any, Verb, list[Rule]]] = []

    # --- ways around the rules ---

    def connection(self, *args: Any, **kwargs: Any) -> Connection:
        """For the application's own work only: what is executed on a connection passes no rule of the process."""
        if is_bounded(self.actor):
            raise Denied(self.actor, "use", "a bare connection")
        return super().connection(*args, **kwargs)

    def bulk_save_objects(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: it tells nobody what it writes."""
        raise Denied(self.actor, "bulk-write", "rows", "use add_all or execute")

    bulk_insert_mappings = bulk_save_objects
    bulk_update_mappings = bulk_save_objects

    def flush(self, objects: Any = None) -> None:
        """A flush looks at the rows as they are, also when a statement that is being sent began it."""
        with asking(None):
            super().flush(objects)


def sees_all(actor: Actor, table: str) -> bool:
    """Whether the rules let the actor see every row of a table; else some, such as one's own, or none."""
    return visible(actor, table) is None


# --- before anything is sent ------------------------------------------------------------------------


@event.listens_for(GuardedSession, "after_begin")
def _introduce(session: GuardedSession, transaction: SessionTransaction, connection: Connection) -> None:
    """Tell PostgreSQL who is asking, for this transaction alone: a pooled connection forgets it at its end."""
    if connection.dialect.name == "postgresql":
        actor = session.actor
        told = {"kind": actor.kind, "profile_id": str(actor.profile_id or ""), "role": actor.role or ""}
        connection.execute(IDENTITY, told)


@event.listens_for(GuardedSession, "do_orm_execute")
def _check(state: ORMExecuteState) -> Result[Any]:
    session = state.session
    assert isinstance(session, GuardedSession)
    statement: Any = state.statement
    if is_bounded(session.actor):
        _refuse_unseen(session.actor, statement)
    if isinstance(statement, Insert | Update | Delete):
        state.statement = _checked_change(session, statement, state)
    of = session.actor
    with asking(of):
        return state.invoke_statement(execution_options={"compiled_cache": compiled_for(of.kind, of.role)})


# What was looked through and found harmless, by what SQLAlchemy keeps compiled statements under: the same key is the
# same SQL but for its values, which no rule here is about. To look through a statement takes longer than to send it.
_HARMLESS: "LRUCache[Any, bool]" = LRUCache(2000)


def _refuse_unseen(actor: Actor, expression: Any) -> None:
    """Raw SQL, which nobody reads here, and secret columns, also where they are only compared or returned."""
    key = expression._generate_cache_key()
    if key is not None and _HARMLESS.get(key.key):
        return
    _look_through(actor, expression)
    if key is not None:
        _HARMLESS[key.key] = True


def _look_through(actor: Actor, expression: Any) -> None:
    element: Any
    for element in visitors.iterate(expression):
        if _is_raw(element):
            raise Denied(actor, "send", "raw SQL")
        for column in getattr(element, "base_columns", ()):
            table = getattr(getattr(column, "table", None), "name", "")
            if getattr(column, "name", "") in SECRET_COLUMNS.get(table, ()):
                raise Denied(actor, "select", f"{table}.{column.name}")


def _refuse_reading(actor: Actor, value: ClauseElement) -> None:
    """A flush is sent past `_check`, so the value of a column may be computed from its own row alone."""
    _refuse_unseen(actor, value)
    if any(isinstance(element, FromClause) for element in visitors.iterate(value)):
        raise Denied(actor, "write", "a value that is read elsewhere")


def _is_raw(element: Any) -> bool:
    if (
        isinstance(element, TextClause)
        or getattr(element, "_prefixes", None)
        or getattr(element, "_suffixes", None)
    ):
        return True
    return bool(getattr(element, "is_literal", False) and SELECT.search(str(element.name)))


# --- statements that change many rows ---------------------------------------------------------------


def _checked_change(session: GuardedSession, statement: Any, state: ORMExecuteState) -> Any:
    table, actor = statement.table, session.actor
    if actor.is_person and not state.is_orm_statement:
        raise Denied(actor, "change", str(table.name), "change mapped classes, which carry the rules")
    if isinstance(statement, Insert):
        _checked_insert(actor, statement)
        return statement
    verb = Verb.DELETE if isinstance(statement, Delete) else Verb.UPDATE
    changed = set() if verb is Verb.DELETE else _columns_set(statement, state)
    fitting = [
        each
        for each in rules(table.name, verb)
        if each.applies(actor) and _may_change(each, changed, whole=actor.is_person)
    ]
    if not fitting:
        raise Denied(actor, verb, table.name, ", ".join(sorted(changed)))
    if any(each.is_unconditional() for each in fitting):
        return statement
    if isinstance(state.parameters, list):
        raise Denied(actor, verb, table.name, "row by row")
    return statement.where(
        or_(*(each.rows(Base.metadata.tables[table.name], session.me) for each in fitting))
    )


def _checked_insert(actor: Actor, statement: Any) -> None:
    """Rows that come in bulk are not looked at one by one, so a person needs a rule that speaks of all."""
    table = statement.table.name
    fitting = [each for each in rules(table, Verb.INSERT) if each.applies(actor)]
    if not fitting or (actor.is_person and not any(each.is_unconditional() for each in fitting)):
        raise Denied(actor, Verb.INSERT, table)
    instead = getattr(statement, "_post_values_clause", None)
    overwritten = {_name(key) for key in dict(getattr(instead, "update_values_to_set", None) or ())} - STAMPS
    if overwritten and not any(
        each.applies(actor) and _may_change(each, overwritten, whole=actor.is_person)
        for each in rules(table, Verb.UPDATE)
    ):
        raise Denied(actor, Verb.UPDATE, table, ", ".join(sorted(overwritten)))


def _columns_set(statement: Any, state: ORMExecuteState) -> set[str]:
    given = {_name(key) for key in (statement._values or {})}
    rows: list[Any] = state.parameters if isinstance(state.parameters, list) else [state.parameters or {}]
    if state.is_orm_statement and not given:  # an update by primary key: every row names its columns
        mapper = state.bind_mapper
        assert mapper is not None
        keys = {key for row in rows for key in row}
        given = {_column_of(mapper, key) for key in keys} - {each.name for each in mapper.primary_key}
    return given - STAMPS


def _name(key: Any) -> str:
    return str(getattr(key, "name", key))


def _column_of(mapper: Mapper[Any], key: str) -> str:
    attribute = mapper.column_attrs.get(key)
    return str(attribute.columns[0].name) if attribute is not None else key


def _may_change(rule: Rule, changed: Iterable[str], *, whole: bool) -> bool:
    """Whether the rule lets these columns be changed. `whole`: and nothing can come out that it does not allow."""
    names = set(changed)
    if rule.columns is not None and not names <= rule.columns:
        return False
    return not whole or (not names & set(rule.becomes) and not names & _columns_of_outcome(rule))


def _columns_of_outcome(rule: Rule) -> set[str]:
    table = Base.metadata.tables[rule.table]
    condition = rule.becoming(table, Me(profile_id=bindparam("actor", None, Key())))
    return {
        str(getattr(each, "name", ""))
        for each in visitors.iterate(condition)
        if getattr(each, "table", None) is table
    }


# --- objects that are flushed -----------------------------------------------------------------------


@event.listens_for(GuardedSession, "before_flush")
def _check_before(session: GuardedSession, context: UOWTransaction, instances: Any) -> None:
    session._changes = []
    for instance in session.new:
        _note(session, instance, Verb.INSERT, set())
    for instance in session.dirty:
        changed = _changed(instance)
        if changed:
            _note(session, instance, Verb.UPDATE, changed)
    for instance in session.deleted:
        _note(session, instance, Verb.DELETE, set())


@event.listens_for(GuardedSession, "after_flush")
def _check_after(session: GuardedSession, context: UOWTransaction) -> None:
    """The rows as they are now, defaults of the database included, must be what a rule lets them become."""
    for instance, verb, fitting in session._changes:
        if verb is Verb.DELETE or any(each.is_unconditional() for each in fitting):
            continue
        if not _passing(session, instance, [(each, each.becoming) for each in fitting]):
            raise Denied(session.actor, verb, _table(instance).name)
    session._changes = []


def _note(session: GuardedSession, instance: Any, verb: Verb, changed: set[str]) -> None:
    table = _table(instance)
    if is_bounded(session.actor):
        for value in inspect(instance).dict.values():
            if isinstance(value, ClauseElement):
                _refuse_reading(session.actor, value)
    fitting = [
        each
        for each in rules(table.name, verb)
        if each.applies(session.actor)
        and _may_change(each, changed, whole=False)
        and _becomes_right(each, instance, changed)
    ]
    if verb is not Verb.INSERT and not any(each.is_unconditional() for each in fitting):
        fitting = _passing(session, instance, [(each, each.rows) for each in fitting])
    if not fitting:
        raise Denied(session.actor, verb, table.name, ", ".join(sorted(changed)))
    session._changes.append((instance, verb, fitting))


def _passing(session: GuardedSession, instance: Any, conditions: list[tuple[Rule, Any]]) -> list[Rule]:
    """Those of the rules whose condition the row fulfils as the database holds it; a row that is not there none."""
    if not conditions:
        return []
    table, state = _table(instance), inspect(instance)
    key = state.identity or state.mapper.primary_key_from_instance(instance)
    here = [column == value for column, value in zip(table.primary_key, key, strict=True)]
    asked = select(
        *(condition(table, session.me).label(f"c{n}") for n, (_, condition) in enumerate(conditions))
    )
    found = Session.connection(session).execute(asked.select_from(table).where(*here)).one_or_none()
    return [rule for (rule, _), holds in zip(conditions, found or (), strict=False) if holds]


def _becomes_right(rule: Rule, instance: Any, changed: set[str]) -> bool:
    values: Mapping[str, Any] = inspect(instance).dict
    mapper = inspect(instance).mapper
    return all(
        values.get(mapper.get_property_by_column(_table(instance).c[column]).key) in allowed
        for column, allowed in rule.becomes.items()
        if column in changed
    )


def _changed(instance: Any) -> set[str]:
    state = inspect(instance)
    return {
        attribute.columns[0].name
        for attribute in state.mapper.column_attrs
        if state.attrs[attribute.key].history.has_changes()
    } - STAMPS


def _table(instance: Any) -> Table:
    table = inspect(instance).mapper.local_table
    assert isinstance(table, Table)
    return table
