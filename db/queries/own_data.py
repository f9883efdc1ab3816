"""Everything that is kept about one person, from every table, as one JSON document.

Which rows are a person's own is read off the tables themselves: a new table with an owner is in the next export.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from textwrap import indent
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, ColumnElement, LargeBinary, Table, func, or_, select
from sqlalchemy.orm import Session

from db.base import Base, Instant

PEOPLE = ("profiles.id", "auth_account.id")
# Rows that belong to the person. Other columns that name them (who resolved, who validated, who invited) stand in rows
# about somebody else, of which the person gets only that they are named, and when.
OWNERS = ("id", "auth_user_id", "user_id", "account_id", "assigned_to")
# Named without a foreign key, so that closing an account rewrites no record.
NAMED_WITHOUT_KEY = ("user_id",)
SECRET = re.compile(r"hash|secret|token|passw|recovery|otp")
NOT_SECRET = ("previous_hash", "row_hash")  # the audit log's chain
AT_ONCE = 500


@dataclass(frozen=True)
class Part:
    """One table's share: the columns that name the person, and those that are told and left out."""

    table: Table
    named_by: tuple[Column[Any], ...]
    told: tuple[Column[Any], ...]
    left_out: tuple[str, ...]

    def rows(self, profile_id: UUID, account_id: UUID) -> ColumnElement[bool]:
        """True for rows that name the person."""
        return or_(*(each == (account_id if _is_account(each) else profile_id) for each in self.named_by))


def parts() -> list[Part]:
    """Every table that may hold rows of a person, by name; a table's own rows before those that only name them."""
    found = []
    for table in sorted(Base.metadata.tables.values(), key=lambda each: each.name):
        naming = [each for each in table.columns if _names_a_person(each)]
        owners = tuple(each for each in naming if each.name in OWNERS)
        others = tuple(each for each in naming if each.name not in OWNERS)
        found += [_own(table, owners)] if owners else []
        found += [_named(table, others)] if others else []
    return found


def is_secret(column: Column[Any]) -> bool:
    """Whether a column holds what opens a door: it is in no export, not even its owner's."""
    if column.name in NOT_SECRET:
        return False
    return isinstance(column.type, LargeBinary) or (
        SECRET.search(column.name) is not None and not _is_number(column)
    )


def document(session: Session, profile_id: UUID, account_id: UUID, now: datetime) -> Iterator[str]:
    """The document piece by piece; memory stays flat however much there is."""
    known = parts()
    counts = [_count(session, part, profile_id, account_id) for part in known]
    person = _first(session, "profiles", profile_id) | _first(session, "auth_account", account_id)
    about = {
        "what": "Everything ALSHAM QUANTUM keeps about one person. Passwords, keys and codes are left out.",
        "made_at": now,
        "for": {name: person[name] for name in ("username", "email", "role")} | {"profile_id": profile_id},
        "tables": [_told_of(part, count) for part, count in zip(known, counts, strict=True)],
    }
    yield f'{{\n  "about": {_json(about, 2)},\n  "tables": {{'
    between = "\n"
    for part, count in zip(known, counts, strict=True):
        if count:
            yield f"{between}    {_json(_title(part), 0)}: [\n"
            yield from _rows(session, part, profile_id, account_id)
            yield "\n    ]"
            between = ",\n"
    yield "\n  }\n}\n"


def _names_a_person(column: Column[Any]) -> bool:
    itself = f"{column.table.name}.{column.name}" in PEOPLE
    return (
        itself
        or column.name in NAMED_WITHOUT_KEY
        or any(key.target_fullname in PEOPLE for key in column.foreign_keys)
    )


def _is_account(column: Column[Any]) -> bool:
    names = {f"{column.table.name}.{column.name}", *(key.target_fullname for key in column.foreign_keys)}
    return "auth_account.id" in names


def _is_number(column: Column[Any]) -> bool:
    try:
        return column.type.python_type in (int, float, bool)
    except NotImplementedError:
        return False


def _own(table: Table, owners: tuple[Column[Any], ...]) -> Part:
    told = tuple(each for each in table.columns if not is_secret(each))
    return Part(table, owners, told, tuple(each.name for each in table.columns if is_secret(each)))


def _named(table: Table, others: tuple[Column[Any], ...]) -> Part:
    told = tuple(
        each for each in table.columns if each.primary_key or each in others or isinstance(each.type, Instant)
    )
    return Part(table, others, told, tuple(each.name for each in table.columns if each not in told))


def _title(part: Part) -> str:
    owns = all(each.name in OWNERS for each in part.named_by)
    return part.table.name if owns else f"{part.table.name} (only named in them)"


def _told_of(part: Part, count: int) -> dict[str, Any]:
    return {
        "table": _title(part),
        "rows": count,
        "yours_by": [each.name for each in part.named_by],
        "left_out": list(part.left_out),
    }


def _count(session: Session, part: Part, profile_id: UUID, account_id: UUID) -> int:
    mine = select(func.count()).select_from(part.table).where(part.rows(profile_id, account_id))
    return session.scalar(mine) or 0


def _rows(session: Session, part: Part, profile_id: UUID, account_id: UUID) -> Iterator[str]:
    mine = select(*part.told).where(part.rows(profile_id, account_id)).order_by(*part.table.primary_key)
    found = session.execute(mine, execution_options={"yield_per": AT_ONCE})
    for number, row in enumerate(found.mappings()):
        yield (",\n" if number else "") + indent(_json(_plain(row), 0), " " * 6)


def _first(session: Session, table: str, key: UUID) -> dict[str, Any]:
    rows = Base.metadata.tables[table]
    found = session.execute(select(rows).where(rows.c.id == key)).mappings().one()
    return {str(name): value for name, value in found.items()}


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(getattr(name, "name", name)): value for name, value in row.items()}


def _json(value: Any, deeper: int) -> str:
    text = orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()
    return indent(text, " " * deeper).lstrip()
