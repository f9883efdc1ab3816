"""Many rows at once, without an object or a statement for each: what a batch of spans writes."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import JSON, Dialect, Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from db.base import HexId

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
EMPTY: tuple[Any, ...] = (None, (), [], {})  # what nullable columns and documents hold by default
Row = dict[str, Any]
Process = Callable[[Any], Any] | None


def table_of(model: Any) -> Table:
    """The table of a mapped class."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def insert_rows(session: Session, model: Any, rows: Sequence[Row]) -> None:
    """As `insert_columns`, of rows that all have the same columns."""
    if rows:
        insert_columns(session, model, {name: [row[name] for row in rows] for name in rows[0]})


def insert_columns(session: Session, model: Any, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows, given column by column. For the application's own work: no rule looks at single rows.

    Columns that are empty in all of them are left to the database's defaults, which say the same for less. PostgreSQL
    gets the rows as one document in one statement, which is half the work of a statement for each. (COPY would be less
    still, and is refused where row security binds the login.)
    """
    table, connection = table_of(model), session.connection()
    used = {name: values for name, values in columns.items() if any(each not in EMPTY for each in values)}
    names = tuple(used)
    if connection.dialect.name == "postgresql":
        document = [dict(zip(names, row, strict=True)) for row in zip(*used.values(), strict=True)]
        connection.execute(_out_of_a_document(table, names), {"rows": orjson.dumps(document).decode()})
    else:
        statement, processes = _row_by_row(table, names, connection.dialect)
        ready = (
            values if process is None else [process(each) for each in values]
            for values, process in zip(used.values(), processes, strict=True)
        )
        connection.exec_driver_sql(statement, list(zip(*ready, strict=True)))


@cache
def _row_by_row(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[str, list[Process]]:
    """The statement, and what makes of each value what the driver takes."""
    signs = ", ".join("?" for _ in names)
    statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({signs})"  # noqa: S608 - our own columns
    kinds = (table.c[name].type.dialect_impl(dialect) for name in names)
    return statement, [kind.bind_processor(dialect) for kind in kinds]


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
