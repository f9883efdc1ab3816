"""One row of a person in every table that may hold one, filled by what each column asks for."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Column, Connection, Table, insert, select

from db.base import Exact, Instant
from db.queries.own_data import parts

MOMENT = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)
# Rows of these are made by signing up; others' keys hold one row per person.
MADE_BEFORE = ("profiles", "auth_account", "user_stats")
OPENS_A_DOOR, CHAIN = re.compile(r"hash$|secret|token"), ("previous_hash", "row_hash")
# What a check on several columns demands.
TOGETHER: dict[str, dict[str, Any]] = {
    "api_logs": {"status_code": 200},
    "account_links": {"purpose": "reset", "email": None, "role": None},
    "checks": {"url": "https://example.com/health"},
    "exempt_times": {"kind": "pause"},
    "invoices": {"amount": Decimal("10.00"), "tax": Decimal("2.00"), "total": Decimal("12.00")},
}

# A column that points at nothing is left so, but for these.
POINTING = {"uptime_subjects": "agent_id"}


def own_a_row_everywhere(connection: Connection, profile_id: UUID, account_id: UUID) -> dict[str, str]:
    """Insert them; gives per table of the export a text that only that row holds, or its key."""
    made: dict[str, str] = {}
    for part in parts():
        if part.table.name in MADE_BEFORE:
            continue
        values = _row(connection, part.table)
        people = {"profiles.id": profile_id, "auth_account.id": account_id}
        for column in part.named_by:
            target = next(iter(column.foreign_keys)).target_fullname if column.foreign_keys else "profiles.id"
            values[column.key] = people[target]
        if part.table.name == "account_links" and "created_by" in values:
            values["account_id"] = values.get("account_id") or account_id
        connection.execute(
            insert(part.table).values({part.table.c[name]: each for name, each in values.items()})
        )
        made[f"{part.table.name} {part.named_by[0].name}"] = key_of(part.table, values)
    return made


def key_of(table: Table, row: Mapping[Any, Any]) -> str:
    """The key of a row, whatever its columns are called."""
    return " ".join(str(row[column.key]) for column in table.primary_key)


def _row(connection: Connection, table: Table) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.primary_key:
            row[column.key] = _new_key(connection, table, column)
        elif OPENS_A_DOOR.search(column.name) and column.name not in CHAIN:
            row[column.key] = f"do-not-tell-{uuid4().hex}"
        elif column.foreign_keys and (not column.nullable or POINTING.get(table.name) == column.name):
            row[column.key] = _there(connection, column)
        elif not column.foreign_keys and (not column.nullable and column.server_default is None):
            row[column.key] = _value(table, column)
    return row | TOGETHER.get(table.name, {})


def _new_key(connection: Connection, table: Table, column: Column[Any]) -> Any:
    """A key that no row has."""
    if column.type.python_type is UUID:
        return uuid4()
    taken = set(connection.scalars(select(column)))
    if column.type.python_type is int:
        return max(taken, default=0) + 1
    return next((each for each in _allowed(table, column) if each not in taken), _value(table, column))


def _there(connection: Connection, column: Column[Any]) -> Any:
    """A row that the column may point at."""
    target = next(iter(column.foreign_keys)).column
    found = connection.scalar(select(target).limit(1))
    if found is not None:
        return found
    values = _row(connection, target.table)
    connection.execute(
        insert(target.table).values({target.table.c[name]: each for name, each in values.items()})
    )
    return values[target.key]


def _value(table: Table, column: Column[Any]) -> Any:
    words = _allowed(table, column)
    if words:
        return words[0]
    if isinstance(column.type, Instant):
        return MOMENT + timedelta(hours=column.name == "ends_at")
    if column.name == "seq":
        return uuid4().int % 1_000_000_000
    if isinstance(column.type, Exact):
        return Decimal(1)
    samples: dict[type, Any] = {
        str: f"{column.name}-{uuid4().hex[:8]}",
        int: 1,
        float: 1.0,
        bool: True,
        date: MOMENT.date(),
        object: {"kept": "as it is"},  # a JSON document
        UUID: uuid4(),
    }
    return samples[column.type.python_type]


def _allowed(table: Table, column: Column[Any]) -> list[str]:
    """The words a check lets into the column."""
    for check in table.constraints:
        if isinstance(check, CheckConstraint):
            found = re.search(rf"(?<!\w){column.name} IN \(([^)]*)\)", str(check.sqltext))
            if found:
                return re.findall(r"'([^']*)'", found[1])
    return []
