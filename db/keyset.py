"""Keyset paging: a page begins after the last row of the one before, so its cost does not grow with its depth.

    found = read_slice(session, select(Agent.id), (Key(Agent.id, "id"),), after=None, size=50)

What the next page begins after travels as an opaque cursor. It carries a mark of the question it belongs to.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.orm import Session

Values = tuple[Any, ...]
LONGEST_CURSOR = 4000
# What a key may be besides what JSON knows. A datetime is a date, so it comes first.
KINDS: dict[str, Any] = {"at": datetime, "on": date, "id": UUID, "exact": Decimal}


class BadCursor(ValueError):
    """The text is no cursor of this question."""


@dataclass(frozen=True)
class Key:
    """A column by which pages are ordered, under its label in the statement. `nullable`: without a value comes last."""

    column: Any
    label: str
    descending: bool = False
    nullable: bool = False

    @property
    def ordering(self) -> ColumnElement[Any]:
        by: ColumnElement[Any] = self.column.desc() if self.descending else self.column.asc()
        return by.nulls_last() if self.nullable else by


@dataclass(frozen=True)
class Slice:
    """The rows of one page, and what the next one begins after; None at the end."""

    rows: list[Mapping[str, Any]]
    after: Values | None


def read_slice(
    session: Session, statement: Select[Any], keys: Sequence[Key], *, after: Values | None, size: int
) -> Slice:
    """The `size` rows that follow `after`. The last key must tell any two rows apart."""
    if after is not None:
        statement = statement.where(beyond(keys, after))
    ordered = statement.order_by(*[key.ordering for key in keys]).limit(size + 1)
    rows: list[Mapping[str, Any]] = [dict(row) for row in session.execute(ordered).mappings()]
    if len(rows) <= size:
        return Slice(rows, None)
    return Slice(rows[:size], tuple(rows[size - 1][key.label] for key in keys))


def beyond(keys: Sequence[Key], after: Values) -> ColumnElement[bool]:
    """True for the rows that come after the one with these values."""
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for key, value in zip(keys, after, strict=True):
        if value is not None:
            further: ColumnElement[bool] = key.column < value if key.descending else key.column > value
            alternatives.append(and_(*equal, or_(further, key.column.is_(None)) if key.nullable else further))
        equal.append(key.column.is_(None) if value is None else key.column == value)
    bounds = [] if keys[0].nullable or after[0] is None else [_bound(keys[0], after[0])]
    return and_(*bounds, or_(*alternatives))


def _bound(key: Key, value: Any) -> ColumnElement[bool]:
    """Follows from the alternatives; said once more on its own, an index finds the page's begin by it."""
    bound: ColumnElement[bool] = key.column <= value if key.descending else key.column >= value
    return bound


def question(*parts: object) -> str:
    """A mark of what was asked, filters included, by which a cursor of another question is known."""
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def cursor_of(after: Values, asked: str) -> str:
    """The text that brings the next page."""
    said = orjson.dumps([asked, *[_told(value) for value in after]])
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def _told(value: Any) -> Any:
    """A value as JSON has it; one that JSON does not know with the name of its type."""
    for name, kind in KINDS.items():
        if isinstance(value, kind):
            return {name: value.isoformat() if isinstance(value, date) else str(value)}
    return value


def values_of(cursor: str, keys: Sequence[Key], asked: str) -> Values:
    """What `cursor_of` was given. Raises BadCursor for everything else.

    That nobody else wrote the cursor is for the caller to see to: a value is taken to be what it says it is.
    """
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise BadCursor
        said = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True))
        if not isinstance(said, list) or len(said) != len(keys) + 1 or said[0] != asked:
            raise BadCursor
        return tuple(_read(key, value) for key, value in zip(keys, said[1:], strict=True))
    except (ValueError, ArithmeticError) as error:
        raise BadCursor("The cursor belongs to another question, or was changed.") from error


def _read(key: Key, value: Any) -> Any:
    if value is None and not key.nullable:
        raise BadCursor
    if not isinstance(value, dict):
        return value
    ((name, text),) = value.items()
    if name not in KINDS or not isinstance(text, str):
        raise BadCursor
    kind = KINDS[name]
    return kind.fromisoformat(text) if issubclass(kind, date) else kind(text)


__all__ = [
    "BadCursor",
    "Key",
    "Slice",
    "Values",
    "beyond",
    "cursor_of",
    "question",
    "read_slice",
    "values_of",
]
