"""The rows behind a number, page by page, in the order in which their statement gives them.

The next page begins after the values by which the last row was placed, as far as the reader has seen these values:
what the statement only sorts by stays here. Rows that are alike in them are counted, and skipped by their number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, inspect, literal, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import Label, UnaryExpression
from sqlalchemy.sql.selectable import Subquery

from db.keyset import Key, Values, beyond, cursor_of, values_of

Statement = Select[*tuple[Any, ...]]
SIZE = 20
# What a cursor says before the values: how many rows alike in them were shown, and the place of the row that follows.
COUNTED = (Key(None, "skip"), Key(None, "place"))


@dataclass(frozen=True)
class EvidencePage:
    """Some of the rows behind a number. `first` is the place of the first of them; `following` brings the next."""

    columns: tuple[str, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    first: int = 1
    following: str | None = None


@dataclass(frozen=True)
class _Ordered:
    """A statement's rows with what they are sorted by; `shown` are the keys whose values the reader sees."""

    rows: Subquery
    names: tuple[str, ...]
    keys: tuple[Key, ...]
    shown: tuple[Key, ...]


def read_evidence(
    session: Session, statement: Statement, asked: str, *, cursor: str | None = None, size: int = SIZE
) -> EvidencePage:
    """The page of `cursor`, which is of the question `asked`; the first one without. BadCursor for any other text."""
    ordered = _ordered(statement)
    skip, place, after = 0, 1, None
    if cursor is not None:
        skip, place, *after = values_of(cursor, (*COUNTED, *ordered.shown), asked)
    found = _read(session, ordered, after, skip, size + 1)
    rows = found[:size]
    following = None
    if len(found) > size:
        last = _values(ordered.shown, rows[-1])
        alike = sum(_values(ordered.shown, row) == last for row in rows)
        alike += skip if after is not None and list(last) == after else 0
        following = cursor_of((alike, place + size, *last), asked)
    seen = tuple({name: row[name] for name in ordered.names} for row in rows)
    return EvidencePage(ordered.names, seen, place, following)


def _read(
    session: Session, ordered: _Ordered, after: Sequence[Any] | None, skip: int, size: int
) -> list[Mapping[str, Any]]:
    shown = [ordered.rows.c[name].label(name) for name in ordered.names]
    statement: Select[Any] = select(*shown, *(key.column.label(key.label) for key in ordered.shown))
    if after is not None and ordered.shown:
        statement = statement.where(_at_or_beyond(ordered.shown, after))
    statement = statement.order_by(*(key.ordering for key in ordered.keys)).limit(size)
    if skip:
        statement = statement.offset(skip)
    return [dict(row) for row in session.execute(statement).mappings()]


def _at_or_beyond(keys: Sequence[Key], after: Sequence[Any]) -> ColumnElement[bool]:
    """True for rows that are alike in the keys, and for those that come later."""
    typed = tuple(
        None if value is None else literal(value, key.column.type)
        for key, value in zip(keys, after, strict=True)
    )
    alike = and_(*(_equals(key, value) for key, value in zip(keys, typed, strict=True)))
    if all(value is None for value in after):  # null comes last, so nothing comes later
        return alike
    first, value = keys[0], typed[0]
    if first.nullable or value is None:
        return or_(alike, beyond(keys, typed))
    # Follows from the rest; said on its own, an index finds the page's begin by it.
    bound = first.column <= value if first.descending else first.column >= value
    return and_(bound, or_(alike, beyond(keys, typed)))


def _equals(key: Key, value: Any) -> ColumnElement[bool]:
    equal: ColumnElement[bool] = key.column.is_(None) if value is None else key.column == value
    return equal


def _ordered(statement: Statement) -> _Ordered:
    selected = list(statement.selected_columns)
    order = [_unwrapped(clause) for clause in statement._order_by_clauses]  # there is no public name for them
    # What tells two rows apart comes last: rows that are alike in all before would come in any order, page by page.
    grouped = [_bare(clause) for clause in statement._group_by_clauses]
    apart = grouped or _primary_key(statement)
    order += [(column, False) for column in apart if not any(column.compare(known) for known, _ in order)]
    order = order or [(_bare(column), False) for column in selected]
    labelled = [column.label(f"sorted_{place}") for place, (column, _) in enumerate(order)]
    rows = statement.order_by(None).add_columns(*labelled).subquery("evidence")
    keys = tuple(
        Key(rows.c[f"sorted_{place}"], f"key_{place}", descending, _may_be_null(column))
        for place, (column, descending) in enumerate(order)
    )
    seen = 0
    while seen < len(order) and any(order[seen][0].compare(_bare(column)) for column in selected):
        seen += 1
    return _Ordered(rows, tuple(rows.c.keys()[: len(selected)]), keys, keys[:seen])


def _unwrapped(clause: Any) -> tuple[ColumnElement[Any], bool]:
    """What is sorted by, and whether from the largest down."""
    descending = False
    while True:
        if isinstance(clause, UnaryExpression) and clause.modifier is not None:
            descending = descending or clause.modifier is operators.desc_op
        elif clause.__visit_name__ != "label_reference":
            return _bare(clause), descending
        clause = clause.element


def _primary_key(statement: Statement) -> list[ColumnElement[Any]]:
    """What tells the rows of a mapped class apart, where the statement selects such rows."""
    entities = [told["entity"] for told in statement.column_descriptions if told.get("entity") is not None]
    return list(inspect(entities[0]).mapper.primary_key) if entities else []


def _may_be_null(column: Any) -> bool:
    return not (getattr(column, "nullable", True) is False or getattr(column, "name", "") == "count")


def _bare(column: Any) -> Any:
    return column.element if isinstance(column, Label) else column


def _values(keys: Sequence[Key], row: Mapping[str, Any]) -> Values:
    return tuple(_plain(row[key.label]) for key in keys)


def _plain(value: Any) -> Any:
    """A network address as text; PostgreSQL's driver gives it as an object of its own."""
    return str(value) if type(value).__module__ == "ipaddress" else value
