"""PostgreSQL's COPY of rows that stand ready: the fastest way in there is, which neither checks nor looks up."""

from typing import Any

import orjson
from sqlalchemy import JSON, Engine, Table

from bench.import_rate import Rows, batches


def copied(engine: Engine, written: Rows) -> None:
    """The rows, in transactions of the import's size."""
    for table, rows in written:
        for batch in batches(rows):
            with engine.begin() as connection:
                driver = connection.connection.dbapi_connection
                assert driver is not None
                _copy(driver, table, batch)


def _copy(driver: Any, table: Table, batch: list[dict[str, Any]]) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.c)
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in batch:
            copy.write_row([_as_sent(column, row[column.key]) for column in table.c])


def _as_sent(column: Any, value: Any) -> Any:
    if isinstance(value, dict | list) or (value is not None and isinstance(column.type, JSON)):
        return orjson.dumps(value).decode()
    return value
