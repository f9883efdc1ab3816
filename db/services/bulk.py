"""Many rows at once, without an object for each: what a batch of spans writes."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import JSON, Table, TextClause, insert, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from db.base import HexId

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
Row = dict[str, Any]


def table_of(model: Any) -> Table:
    """The table of a mapped class."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def insert_rows(session: Session, model: Any, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns. For the application's own work: no rule looks at single rows.

    PostgreSQL gets them as one document in one statement, which is half the work of a statement for each. (COPY would
    be less still, and is refused where row security binds the login.)
    """
    if not rows:
        return
    table, connection = table_of(model), session.connection()
    if connection.dialect.name == "postgresql":
        document = {"rows": orjson.dumps(rows).decode()}
        connection.execute(_out_of_a_document(table, tuple(rows[0])), document)
    else:
        connection.execute(insert(table), rows)


@cache
def _out_of_a_document(table: Table, names: tuple[str, ...]) -> TextClause:
    columns = [table.c[name] for name in names]
    values = ", ".join(_value(column) for column in columns)
    shape = ", ".join(f"{column.name} {_shape(column)}" for column in columns)
    return text(
        f"INSERT INTO {table.name} ({', '.join(names)}) "  # noqa: S608 - names of our own columns
        f"SELECT {values} FROM json_to_recordset(CAST(:rows AS json)) AS sent({shape})"
    )


def _value(column: Any) -> str:
    return f"decode(sent.{column.name}, 'hex')" if isinstance(column.type, HexId) else f"sent.{column.name}"


def _shape(column: Any) -> str:
    if isinstance(column.type, HexId):
        return "text"
    return "jsonb" if isinstance(column.type, JSON) else str(column.type.compile(POSTGRESQL))
