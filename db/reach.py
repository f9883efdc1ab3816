"""Which tables a SELECT reads, and which of them the ORM's criteria would not reach.

The ORM adds its criteria to the tables that stand in the columns, in WHERE, in joins or in select_from as mapped
classes. One that only a FILTER, an OVER or a second place in an expression names gets none, and neither does any table
of a SELECT without a mapped class. Those are found here, so that `db.guard` can add what is missing or refuse it.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Alias, ClauseElement, FromClause, Join, Select, Table
from sqlalchemy.sql import util, visitors
from sqlalchemy.sql.selectable import AliasedReturnsRows

Sources = frozenset[Any]


def tables_in(statement: Any) -> set[str]:
    """Names of all tables a statement mentions, wherever in it."""
    return {element.name for element in visitors.iterate(statement) if isinstance(element, Table)}


def table_of(source: FromClause) -> str:
    """The name of the table that `source` is, or is an alias of; "" for anything else."""
    inner: Any = source
    while isinstance(inner, Alias):
        inner = inner.element
    return str(inner.name) if isinstance(inner, Table) else ""


def overlooked(statement: Select[Any], above: Sources = frozenset()) -> list[FromClause]:
    """The tables, or aliases, that this SELECT itself reads and the ORM's criteria would not reach.

    `above` are those an enclosing SELECT reads: a correlated table is narrowed there.
    """
    reached = _reached(statement) if _is_mapped(statement) else set()
    found = {_plain(each): each for each in _sources(statement)}
    return [each for key, each in found.items() if key not in reached and key not in above]


def selects_below(
    statement: ClauseElement, above: Sources = frozenset()
) -> Iterator[tuple[Select[Any], Sources]]:
    """Every SELECT inside `statement`, with the tables that the SELECTs around it read where it may be correlated."""
    for child in statement.get_children():
        if isinstance(child, Select):
            yield child, above
        known = above
        if isinstance(statement, Select):
            known = above | {_plain(each) for each in _sources(statement)}
        if isinstance(child, AliasedReturnsRows):
            known = frozenset()  # a subquery in FROM stands alone
        yield from selects_below(child, known)


def _is_mapped(statement: Select[Any]) -> bool:
    return bool(statement._propagate_attrs.get("compile_state_plugin") == "orm")


def _plain(source: Any) -> Any:
    """The same key for a table or alias whatever was noted on it."""
    return source._deannotate() if getattr(source, "_annotations", None) else source


def _sources(statement: Select[Any]) -> Iterator[FromClause]:
    parts = [*statement._raw_columns, *statement._where_criteria, *statement._from_obj]
    for part in parts:
        for source in part._from_objects:
            yield from _leaves(source)
    for target, *_ in statement._setup_joins:
        for source in getattr(target, "_from_objects", ()):
            yield from _leaves(source)


def _leaves(source: Any) -> Iterator[FromClause]:
    if isinstance(source, Join):
        yield from _leaves(source.left)
        yield from _leaves(source.right)
    elif table_of(source):
        yield source


def _reached(statement: Select[Any]) -> set[Any]:
    """What the ORM finds by itself: plain mapped columns and classes, WHERE, joins and select_from."""
    found: set[Any] = set()
    for column in statement._raw_columns:
        if "parententity" in column._annotations:
            found.update(map(_plain, column._from_objects))
    for condition in statement._where_criteria:
        for element in util.surface_expressions(condition):  # type: ignore[no-untyped-call]
            if "parententity" in element._annotations:
                found.update(map(_plain, element._from_objects))
    for source in statement._from_obj:
        if "parententity" in source._annotations:
            found.add(_plain(source))
    for target, *_ in statement._setup_joins:
        found.update(map(_plain, getattr(target, "_from_objects", ())))
    return found
