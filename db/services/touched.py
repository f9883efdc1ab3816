"""Notes of which five minutes are to be rolled up again, written with the rows that changed in them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.metric import NANOSECONDS, to_ns
from db.models.rollup import FAMILY_OF, FIVE_MINUTES, SPANS

WIDTH = FIVE_MINUTES * NANOSECONDS
# Of tables that are filled from files, the column of their time.
IMPORTED = {"api_logs": "created_at", "system_metrics": "recorded_at"}
# SQL for the whole numbers of a JSON list, as rows of `value`.
NUMBERS = {
    "sqlite": "SELECT value FROM json_each(:starts)",
    "postgresql": "SELECT CAST(value AS bigint) AS value FROM jsonb_array_elements_text(CAST(:starts AS jsonb))",
}
# What is older than rows are kept is not rolled up again: most of it is gone.
NOTE = {
    dialect: text(
        "INSERT INTO rollup_touched (family, start) SELECT CAST(:family AS text), noted.value "  # noqa: S608
        f"FROM ({numbers}) AS noted WHERE noted.value >= "
        "coalesce((SELECT raw_from FROM rollup_kept WHERE family = CAST(:family AS text)), noted.value)"
    )
    for dialect, numbers in NUMBERS.items()
}


def touch(session: Session, starts_ns: Iterable[int], family: str = SPANS) -> None:
    """Rows of a family (spans or calls, unless another is named) that start then were stored, changed or deleted in the
    session's transaction.

    Rows are only ever added here: nobody waits for anybody, and what one transaction notes cannot be taken for
    another's that is not committed yet.
    """
    starts = sorted({start // WIDTH * FIVE_MINUTES for start in starts_ns})
    if starts:
        dialect = session.get_bind().dialect.name
        told = {"starts": orjson.dumps(starts).decode(), "family": family}
        session.connection().execute(NOTE[dialect], told)


def touch_at(session: Session, family: str, moments: Iterable[datetime | None]) -> None:
    """The same by moments. Rows without one lie in no five minutes and are never rolled up."""
    touch(session, (to_ns(moment) for moment in moments if moment is not None), family)


def touch_imported(session: Session, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """The same of rows of a file, for tables of which there are roll-ups."""
    if table in IMPORTED:
        touch_at(session, FAMILY_OF[table], (row[IMPORTED[table]] for row in rows))
