"""Attempts as plain SQL through psycopg: nothing of this program stands before PostgreSQL here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from db.base import HexId
from tests.access.attempts import Attempt
from tests.access.judge import Asker, columns
from tests.access.world import columns_of, table_of

IDENTITY = (
    "SELECT set_config('quantum.kind', %s, true), set_config('quantum.profile_id', %s, true), "
    "set_config('quantum.role', %s, true)"
)
REFUSED = "42501"
Cursor = psycopg.Cursor[Any]


def introduce(cursor: Cursor, asker: Asker) -> None:
    """Say who asks, until the transaction ends; nothing at all for somebody without a kind."""
    if asker.kind:
        cursor.execute(IDENTITY, (asker.kind, str(asker.profile_id or ""), asker.role or ""))


@contextmanager
def transaction(connection: "psycopg.Connection[Any]", asker: Asker) -> Iterator[Cursor]:
    """A transaction in somebody's name that is rolled back."""
    with connection.cursor() as cursor:
        try:
            introduce(cursor, asker)
            yield cursor
        finally:
            connection.rollback()


@contextmanager
def acting(cursor: Cursor, login: str, asker: Asker) -> Iterator[None]:
    """An administrator's transaction goes on as another login does, and is itself again afterwards."""
    cursor.execute(sql.SQL("SET LOCAL SESSION AUTHORIZATION {}").format(sql.Identifier(login)))
    introduce(cursor, asker)
    try:
        yield
    finally:
        cursor.execute("RESET SESSION AUTHORIZATION")
        cursor.execute(IDENTITY, ("", "", ""))


def outcome(cursor: Cursor, attempt: Attempt) -> str:
    """may, may not, or what went wrong; the attempt leaves nothing behind."""
    statement, values = _statement(attempt)
    cursor.execute("SAVEPOINT attempt")
    try:
        cursor.execute(statement, values)
        done = cursor.rowcount
        return {0: "may not", 1: "may"}.get(done, f"reached {done} rows")
    except psycopg.Error as error:
        return "may not" if error.sqlstate == REFUSED else f"broke: {str(error).splitlines()[0]}"
    finally:
        cursor.execute("ROLLBACK TO attempt")


def wrong(cursor: Cursor, attempts: Iterator[Attempt]) -> Iterator[tuple[Attempt, str]]:
    """The attempts that came out otherwise than the oracle says."""
    for each in attempts:
        found = outcome(cursor, each)
        if found != ("may" if each.allowed else "may not"):
            yield each, found


def _statement(attempt: Attempt) -> tuple[sql.Composed, list[Any]]:
    table = sql.Identifier(attempt.table)
    if attempt.verb == "insert":
        assert attempt.change is not None
        row = columns_of(attempt.change)
        return _insert(table, row), _values(attempt.table, row)
    assert attempt.target is not None
    key = attempt.target.key
    where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(each)) for each in key)
    wanted = _values(attempt.table, key)
    if attempt.verb == "select":
        return sql.SQL("SELECT {} FROM {} WHERE {}").format(_keys(key), table, where), wanted
    if attempt.verb == "delete":
        return sql.SQL("DELETE FROM {} WHERE {}").format(table, where), wanted
    if not attempt.change:
        touched = sql.Identifier(touchable(attempt))
        return sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(table, touched, touched, where), wanted
    said = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(each)) for each in attempt.change)
    set_to = _values(attempt.table, attempt.change)
    return sql.SQL("UPDATE {} SET {} WHERE {}").format(table, said, where), [*set_to, *wanted]


def touchable(attempt: Attempt) -> str:
    """A column that the login may set at all, if there is one: the rows are in question, not the columns."""
    every = [each.name for each in table_of(attempt.table).columns]
    mine = columns(attempt.table, "update", attempt.asker.login, every)
    return next((name for name in every if name in mine), every[0])


def _keys(key: Mapping[str, Any]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(each) for each in key)


def _insert(table: sql.Identifier, row: Mapping[str, Any]) -> sql.Composed:
    places = sql.SQL(", ").join(sql.Placeholder() for _ in row)
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(table, _keys(row), places)


def _values(table: str, row: Mapping[str, Any]) -> list[Any]:
    return [_value(table_of(table).columns[name].type, value) for name, value in row.items()]


def _value(kind: Any, value: Any) -> Any:
    if isinstance(kind, HexId) and value is not None:
        return bytes.fromhex(value)
    return Jsonb(value) if isinstance(value, dict | list) else value
