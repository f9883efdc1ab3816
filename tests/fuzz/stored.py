"""Hostile text in every column that takes text, as if it had come through every door there will ever be."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, Engine, String, Table, func, insert, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError, StatementError
from sqlalchemy.orm import Session

import db.models
from db.base import Base, Instant
from db.services.otlp_files import import_files
from tests import module_rows, module_rows_b
from tests.fuzz.nasty import MARK, PWNED, component
from tests.otlp import attribute, request, span, write
from tests.owned_rows import POINTING, TOGETHER
from tests.sessions import session

assert db.models.__all__
# What a program needs to find its way stays as it is; hostile identifiers come with the agents and the keys.
MACHINE = re.compile(r"(_hash|span_id)$")
HOSTILE = (
    f"<{MARK}>=1+1 <script>{PWNED}</script> \u202e{{n}} %{{x}} <a href='javascript:{PWNED}'>é</a>",
    f"javascript:{PWNED}//<{MARK}>",
    f"<{MARK}>",
    f"javascript:{PWNED}",
    "=1+1",
)
DOCUMENTS: tuple[Any, ...] = (
    {
        f"<{MARK}>": f"<script>{PWNED}</script>",
        "__proto__": {"polluted": True},
        "href": f"javascript:{PWNED}",
        "unstated": f"<{MARK}>",
        "type": f"<{MARK}>",
        "deep": {"constructor": {"prototype": [1, None, f"<{MARK}>"]}},
    },
    component("Iframe", srcDoc=f"<script>parent.{PWNED}</script>"),
    [component("A", href=f"javascript:{PWNED}", children="x")],
    [f"<{MARK}>", 1, None],
)
AGENTS = (
    f"<{MARK} onclick={PWNED}>",
    f"javascript:{PWNED}",
    f"<a href='javascript:{PWNED}'>a</a>",
    f"</script><script>{PWNED}</script>",
    "../..//x/%2e%2e/\\#?&=%00",
    "=cmd|' /C calc'!A0",
    "__proto__",
    "\u202egpj.exe %{customdata} {n}",
    "//evil.example",
)


def fill(engine: Engine, folder: Path) -> None:
    """A few rows of every table, and then hostile text in all of them."""
    hostile_fleet(engine, folder)
    with session(engine, write=True) as unit:
        module_rows.support(unit)
        module_rows.social(unit)
        module_rows.gamification(unit)
        module_rows_b.api(unit)
        module_rows_b.security(unit)
        module_rows_b.finance(unit)
        module_rows_b.ai(unit)
    for table in Base.metadata.sorted_tables:
        _at_least_one(engine, table)
    spoil(engine)


def hostile_fleet(engine: Engine, folder: Path) -> None:
    """Agents, spans, calls and errors whose names and messages are hostile, through the door they come by."""
    requests = []
    for place, name in enumerate(AGENTS):
        trace, first = place + 1, 2 * place + 1
        said = {"gen_ai.agent.name": name, f"<{MARK}>": f"<{MARK}>", "session.id": name, "constructor": name}
        root = span(first, trace=trace, name=name, status=2 if place % 2 else 1, millis=4)
        root["attributes"] += [attribute(key, value) for key, value in said.items()]
        root["status"] = {"code": 2 if place % 2 else 1, "message": name}
        root["events"] = [
            {"name": "exception", "timeUnixNano": root["endTimeUnixNano"], "attributes": root["attributes"]}
        ]
        called = span(first + 1, first, trace=trace, name=name, status=1, millis=2)
        called["attributes"] += [attribute("gen_ai.agent.name", AGENTS[place - 1])]
        requests += [request(root, service=name), request(called, service=AGENTS[place - 1])]
    report = import_files(engine, [write(folder / f"{MARK}.jsonl", *requests)])
    if report.spans != 2 * len(AGENTS):
        raise AssertionError(report)


def _at_least_one(engine: Engine, table: Table) -> None:
    """One row in a table that has none, made of what its columns demand."""
    with session(engine, write=True) as unit:
        if not unit.scalar(select(func.count()).select_from(table)):
            needed = [each for each in table.columns if not each.nullable and each.server_default is None]
            needed += [each for each in table.columns if each.name == POINTING.get(table.name)]
            together = TOGETHER.get(table.name, {})
            try:
                with unit.begin_nested():
                    row = {each.name: _plain(unit, each) for each in needed}
                    unit.execute(insert(table).values(row | together))
            except IntegrityError:  # a check demands that it belongs to something
                needed += [each for each in table.columns if each.foreign_keys and each.nullable]
                row = {each.name: _plain(unit, each) for each in needed}
                unit.execute(insert(table).values(row | together))


def _plain(unit: Session, column: Any) -> Any:
    """A value such a column takes."""
    for key in column.foreign_keys:
        place = [each.name for each in column.table.columns if each.references(key.column)].index(column.name)
        return unit.execute(select(key.column).offset(place).limit(1)).scalar_one()
    for check in column.table.constraints:
        allowed = re.search(rf"\b{column.name} IN \('([^']*)'", str(getattr(check, "sqltext", "")))
        if allowed:
            return allowed[1]
    if isinstance(column.type, JSON) or hasattr(column.type, "none_as_null"):
        return {}
    if isinstance(column.type, Instant):
        return datetime.now(UTC)
    plain = {int: 1, float: 1.0, Decimal: 1, bool: True, date: date(2024, 6, 1), UUID: uuid4(), bytes: b"1"}
    return plain.get(column.type.python_type, "1")


def spoil(engine: Engine) -> dict[str, set[str]]:
    """Overwrite text and documents with hostile ones, value by value, where the database lets it; which it did."""
    taken: dict[str, set[str]] = {}
    with session(engine, write=True) as unit:
        for table in Base.metadata.sorted_tables:
            for column in _own(table):
                for place, key in enumerate(unit.execute(select(*table.primary_key.columns)).all()):
                    if _spoiled(unit, table, column, tuple(key), place):
                        taken.setdefault(table.name, set()).add(column.name)
    return taken


def _own(table: Table) -> Iterator[Any]:
    for column in table.columns:
        machine = column.primary_key or column.foreign_keys or MACHINE.search(column.name)
        if (_is_text(column) or _is_document(column)) and not machine:
            yield column


def _is_text(column: Any) -> bool:
    return isinstance(column.type, String)


def _is_document(column: Any) -> bool:
    return isinstance(column.type, JSON)


def _spoiled(unit: Session, table: Table, column: Any, key: tuple[Any, ...], place: int) -> bool:
    """Whether the row took one of the hostile values; the first to be tried is another for each row."""
    values: Sequence[Any] = HOSTILE if _is_text(column) else DOCUMENTS
    mine = [each == value for each, value in zip(table.primary_key.columns, key, strict=True)]
    for value in [*values[place % len(values) :], *values]:
        try:
            with unit.begin_nested():
                unit.execute(update(table).where(*mine).values({column.name: value}))
                return True
        except (DatabaseError, StatementError):
            continue
    return False
