"""Notes of which five minutes are to be rolled up again, written with the rows that changed in them."""

from collections.abc import Iterable

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.metric import NANOSECONDS
from db.models.rollup import FIVE_MINUTES, SPANS

WIDTH = FIVE_MINUTES * NANOSECONDS
# SQL for the whole numbers of a JSON list, as rows of `value`.
NUMBERS = {
    "sqlite": "SELECT value FROM json_each(:starts)",
    "postgresql": "SELECT CAST(value AS bigint) AS value FROM jsonb_array_elements_text(CAST(:starts AS jsonb))",
}
# What is older than rows are kept is not rolled up again: most of it is gone.
NOTE = {
    dialect: text(
        f"INSERT INTO rollup_touched (family, start) SELECT '{SPANS}', noted.value FROM ({numbers}) AS noted "  # noqa: S608
        f"WHERE noted.value >= coalesce((SELECT raw_from FROM rollup_kept WHERE family = '{SPANS}'), 0)"
    )
    for dialect, numbers in NUMBERS.items()
}


def touch(session: Session, starts_ns: Iterable[int]) -> None:
    """Spans or calls that start then were stored, changed or deleted in the session's transaction.

    Rows are only ever added here: nobody waits for anybody, and what one transaction notes cannot be taken for
    another's that is not committed yet.
    """
    starts = sorted({start // WIDTH * FIVE_MINUTES for start in starts_ns})
    if starts:
        dialect = session.get_bind().dialect.name
        session.connection().execute(NOTE[dialect], {"starts": orjson.dumps(starts).decode()})
