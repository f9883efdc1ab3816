"""How a reading was made: everything that somebody who doubts it needs, down to the rows behind it, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Compiled
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import LRUCache

from db.actor import Actor
from db.evidence import SIZE, EvidencePage, read_evidence
from db.guard import GuardedSession
from db.keyset import question
from db.metric import (
    METRICS,
    SERIES,
    Reading,
    SeriesReading,
    Statement,
    Subject,
    Window,
    iso,
    plain,
    read,
    read_series,
)
from db.sight import asking, give_eyes


@dataclass(frozen=True)
class Proof:
    """Everything needed to check a reading: definition and its version, statement, parameters, tables, first rows.

    `following` brings the next rows (`more`); it is None where there are none.
    """

    reading: Reading | SeriesReading
    sentence: str
    formula: str
    excluded: str
    resolution: str
    version: str
    sql: str
    params: Mapping[str, Any]
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    following: str | None = None


def prove(session: Session, key: str, window: Window, subject: Subject = (), first: int = SIZE) -> Proof:
    """Read `key` again and bring its statement, parameters, tables and the first rows behind it."""
    declared = METRICS.get(key) or SERIES[key]
    statement = declared.build(window, *subject)
    take = read if key in METRICS else read_series
    reading = take(session, key, window, subject, statement)
    found = more(session, key, window, subject, size=first)
    sql, params = statement_text(session, statement)
    return Proof(
        reading=reading,
        sentence=declared.sentence,
        formula=declared.formula,
        excluded=declared.excluded,
        resolution=reading.resolution,
        version=declared.version,
        sql=sql,
        params=params,
        tables=tables_of(statement),
        columns=found.columns,
        rows=found.rows,
        following=found.following,
    )


def more(
    session: Session,
    key: str,
    window: Window,
    subject: Subject = (),
    cursor: str | None = None,
    size: int = SIZE,
) -> EvidencePage:
    """A page of the rows behind `key`: the first, or the one `cursor` brings. BadCursor for one of another question."""
    declared = METRICS.get(key) or SERIES[key]
    if declared.evidence is None:
        return EvidencePage()
    asked = question(key, window.start, window.end, subject)
    return read_evidence(session, declared.evidence(window, *subject), asked, cursor=cursor, size=size)


def as_json(session: Session, key: str, window: Window, subject: Subject = ()) -> dict[str, Any]:
    """The answer of `quantum metric KEY --json` and of the REST door."""
    statement = METRICS[key].build(window, *subject)
    reading = read(session, key, window, subject, statement)
    sql, params = statement_text(session, statement)
    seen = reading.window
    return {
        "key": reading.key,
        "title": reading.title,
        "unit": reading.unit,
        "value": reading.value,
        "reason": reading.reason,
        "n": reading.n,
        "interval": list(reading.interval) if reading.interval else None,
        "measured_at": iso(reading.measured_at),
        "window": {"start": iso(seen.start), "end": iso(seen.end)}
        if seen and seen.start and seen.end
        else None,
        "sql": sql,
        "params": params,
        "tables": list(tables_of(statement)),
    }


def statement_text(session: Session, statement: Statement) -> tuple[str, dict[str, Any]]:
    """The SQL this database is sent for this actor, and its parameters as the driver gets them, in JSON's types.

    Parameters are named (`:name` on SQLite, `%(name)s` on PostgreSQL), so that both can be run as they stand.
    """
    actor = session.actor if isinstance(session, GuardedSession) else None
    key = statement._generate_cache_key()
    values = None if key is None else key.bindparams
    with asking(actor):
        compiled = _compiled(session.get_bind().dialect, actor, statement)
        params = compiled.construct_params(extracted_parameters=values, _no_postcompile=True)
        written = compiled.construct_expanded_state(params)
    sent = {name: value for name, value in params.items() if name not in written.parameter_expansion}
    sent.update(written.additional_parameters)
    return written.statement, {name: _bound(compiled, name, value) for name, value in sent.items()}


# Statements without their values, as `db.sight` keeps them: the same key is the same SQL. To write one out takes as
# long as to read the number, and each answer tells its statement.
_WRITTEN: "LRUCache[Any, SQLCompiler]" = LRUCache(500)
_TABLES: "LRUCache[Any, tuple[str, ...]]" = LRUCache(500)


def _compiled(dialect: Dialect, actor: Actor | None, statement: Statement) -> SQLCompiler:
    key = statement._generate_cache_key()
    place = key and (dialect.name, actor and (actor.kind, actor.role), key.key)
    found = None if place is None else _WRITTEN.get(place)
    if found is None:
        if dialect.name == "sqlite":
            dialect = sqlite.dialect(paramstyle="named")
        made = statement.compile(dialect=give_eyes(dialect), cache_key=key)
        assert isinstance(made, SQLCompiler)
        found = made
        if place is not None:
            _WRITTEN[place] = found
    return found


def _bound(compiled: Compiled, name: str, value: Any) -> Any:
    bind = getattr(compiled, "binds", {}).get(name)
    process = (
        bind.type.dialect_impl(compiled.dialect).bind_processor(compiled.dialect)
        if bind is not None
        else None
    )
    return plain(process(value) if process else value)


def tables_of(statement: Statement) -> tuple[str, ...]:
    """Names of the tables a statement reads, sorted."""
    key = statement._generate_cache_key()
    found = None if key is None else _TABLES.get(key.key)
    if found is None:
        read = {element.name for element in visitors.iterate(statement) if isinstance(element, Table)}
        found = tuple(sorted(read))
        if key is not None:
            _TABLES[key.key] = found
    return found
