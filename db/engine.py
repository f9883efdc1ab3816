"""Engines and the unit of work. Nothing connects at import."""

import math
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from db import recorder
from db.actor import Actor
from db.functions import SQLITE_LOWER
from db.guard import Denied, GuardedSession

__all__ = [
    "DatabaseUnavailable",
    "Engine",
    "Session",
    "make_engine",
    "session",
    "unavailable",
    "unit_of_work",
]

PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA busy_timeout=5000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32000",
)


BUSY_SECONDS = 5.0
_WRITERS: dict[str, threading.RLock] = {}
_WRITERS_MADE = threading.Lock()
NOT_ALLOWED = "42501"  # what PostgreSQL says when a grant, a policy or a guard refuses


class DatabaseUnavailable(Exception):
    """The database cannot be used now; the message says why and what to do."""


def make_engine(url: str | URL) -> Engine:
    """An engine for `url` (sqlite or postgresql). A folder for an embedded file is made when missing.

    `?prepare_threshold=none` in a PostgreSQL address prepares no statements: a pgbouncer before 1.21 that hands out
    connections by the transaction does not know where they were prepared.
    """
    address = make_url(url)
    engine = _sqlite(address) if address.get_backend_name() == "sqlite" else _postgresql(address)
    event.listen(engine, "handle_error", _without_the_row)
    return engine


def _postgresql(address: URL) -> Engine:
    prepared = address.query.get("prepare_threshold")
    return create_engine(
        address.difference_update_query(["prepare_threshold"]),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        connect_args={"connect_timeout": 5} | _preparing(prepared),
        json_serializer=_json,
        json_deserializer=orjson.loads,
    )


def _preparing(told: Any) -> dict[str, int | None]:
    """psycopg's own option, which it takes as a number and an address gives as text; absent is its default."""
    if told is None:
        return {}
    if str(told).lower() != "none" and not str(told).isdigit():
        raise ValueError(f"prepare_threshold is {told!r}; use none or a number.")
    return {"prepare_threshold": None if str(told).lower() == "none" else int(told)}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _sqlite(address: URL) -> Engine:
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        address,
        hide_parameters=True,
        connect_args={"timeout": 5.0},
        json_serializer=_json,
        json_deserializer=orjson.loads,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _without_the_row(context: ExceptionContext) -> None:
    """Errors end up in logs, which more people read than the tables: what they quote of a row is taken out of them.

    PostgreSQL's first line names table and constraint, the following ones quote the row; where a value could not be
    read as its type (class 22), the first line quotes the value after a colon.
    """
    error, told = context.original_exception, context.sqlalchemy_exception
    if not isinstance(told, DBAPIError):
        return
    first = str(error).strip().partition("\n")[0]
    if str(getattr(error, "sqlstate", None) or "").startswith("22"):
        first = first.partition(":")[0]
    error.args = (first,)
    told.args = (f"({type(error).__module__}.{type(error).__name__}) {first}", *told.args[1:])


def _prepare_sqlite(connection: Any, record: Any) -> None:
    """Our own BEGIN: Python's driver would commit schema changes half-way (see _begin_sqlite)."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
    connection.create_function(SQLITE_LOWER, 1, _lower, deterministic=True)
    _complete(connection)


def _complete(connection: Any) -> None:
    """The logarithm and its reverse, where this SQLite was built without them."""
    try:
        connection.execute("SELECT ln(1.0), exp(1.0)")
    except sqlite3.OperationalError:
        connection.create_function("ln", 1, math.log, deterministic=True)
        connection.create_function("exp", 1, math.exp, deterministic=True)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _begin_sqlite(connection: Any) -> None:
    """Writers ask for the lock at once: a late upgrade fails with 'locked' without waiting."""
    reading = connection.get_execution_options().get("quantum_read", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _reading(engine: Engine) -> dict[str, Any]:
    """SQLite reads of one transaction see one state by themselves; PostgreSQL has to be asked for it."""
    steady = (
        {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        if engine.dialect.name == "postgresql"
        else {}
    )
    return {"quantum_read": True, **steady}


@contextmanager
def session(engine: Engine, actor: Actor, *, write: bool = False) -> Iterator[Session]:
    """One unit of work in the name of `actor`: commits when the block ends well, rolls back when it does not.

    With `write=False` nothing is committed, all reads see the database as it was at the first of them, and SQLite
    readers do not wait for writers. What a person writes is recorded in the audit log in the same transaction.
    Raises Denied for what no rule of `db.policies` lets the actor do, and DatabaseUnavailable when the database is away
    or locked.
    """

    def make(bind: Engine) -> Session:
        return recorder.begin(GuardedSession(bind, actor), actor, write=write)

    with unit_of_work(engine, make, write=write) as unit:
        yield unit


@contextmanager
def unit_of_work(
    engine: Engine, make: Callable[[Engine], Session], *, write: bool = False
) -> Iterator[Session]:
    """What `session` does, with the session that `make` gives for an engine, whoever it works for."""
    bind = engine if write else engine.execution_options(**_reading(engine))
    try:
        with _turn(engine) if write else nullcontext(), make(bind) as unit:
            yield unit
            if write:
                unit.commit()
    except DatabaseError as error:
        raise_if_away(error, engine.url)
        if getattr(error.orig, "sqlstate", None) == NOT_ALLOWED and isinstance(unit, GuardedSession):
            raise Denied(unit.actor, "do", "this", str(error.orig).splitlines()[0]) from error
        raise


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """SQLite has one writer: those of this process wait for each other here, first come, first served.

    SQLite's own waiting looks again after ever longer sleeps, so that the lock lies idle and who came last may win.
    Who waits here as long as they would there goes on and asks SQLite, which knows of other processes too.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    with _WRITERS_MADE:
        lock = _WRITERS.setdefault(str(engine.url.database), threading.RLock())
    mine = lock.acquire(timeout=BUSY_SECONDS)
    try:
        yield
    finally:
        if mine:
            lock.release()


def raise_if_away(error: DatabaseError, url: URL) -> None:
    """Raises DatabaseUnavailable when the trouble is the database itself and not what was asked of it."""
    if isinstance(error, OperationalError) or "not a database" in str(error.orig):
        raise unavailable(error, url) from error


def unavailable(error: DatabaseError, url: URL) -> DatabaseUnavailable:
    """Say in a sentence why the database cannot be used, without its password."""
    reason = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
    where = url.render_as_string(hide_password=True)
    if "not a database" in reason:
        return DatabaseUnavailable(
            f"{where} is not a database. Point QUANTUM_DATA_DIR or QUANTUM_DATABASE_URL at the right file, "
            "or move that file away to begin anew."
        )
    if "locked" in reason:
        return DatabaseUnavailable(
            f"The database {where} is locked by another process. Wait for it to finish or end it, then try again."
        )
    return DatabaseUnavailable(
        f"The database {where} does not answer ({reason}). Check that it runs and that QUANTUM_DATABASE_URL is right."
    )
