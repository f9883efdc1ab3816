"""Notes of which five minutes are to be rolled up again, written with the rows that changed in them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.metric import EARLIEST, NANOSECONDS
from db.models.rollup import FAMILY_OF, FIVE_MINUTES, SPANS

WIDTH = FIVE_MINUTES * NANOSECONDS
STRETCH = timedelta(seconds=FIVE_MINUTES)
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
    _note(session, {start // WIDTH for start in starts_ns}, family)


def _note(session: Session, numbers: Collection[int], family: str) -> None:
    """`numbers` count five minutes since 1970."""
    if numbers:
        dialect = session.get_bind().dialect.name
        starts = sorted(number * FIVE_MINUTES for number in numbers)
        told = {"starts": orjson.dumps(starts).decode(), "family": family}
        session.connection().execute(NOTE[dialect], told)


def touch_at(session: Session, family: str, moments: Iterable[datetime | None]) -> None:
    """The same by moments. Rows without one lie in no five minutes and are never rolled up."""
    _note(session, {(moment - EARLIEST) // STRETCH for moment in moments if moment is not None}, family)


def touch_imported(session: Session, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """The same of rows of a file, for tables of which there are roll-ups."""
    if table in IMPORTED:
        touch_at(session, FAMILY_OF[table], (row[IMPORTED[table]] for row in rows))
