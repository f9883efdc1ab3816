"""Months older than rows are kept: counted into the roll-ups first, then dropped as a whole.

`until` is everywhere an instant in seconds since 1970, a multiple of 300, as roll-ups know it.
"""

from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from db.services.keeping import let_go
from db.services.months import BILLION, bounds, outside, tried

AT_ONCE = 5000  # rows of the rest

DROP = text("SELECT drop_month(:what, :before)")


def is_any(unit: Session, table: str, until: int) -> bool:
    """Whether a whole month, or rows that lie in none, are older."""
    before = until * BILLION
    if any(ends <= before for _, ends in bounds(unit, table)):
        return True
    asked = f"SELECT EXISTS (SELECT FROM {table} WHERE start_ns < {before} AND ({outside(unit, table)}))"  # noqa: S608
    return bool(unit.connection().scalar(text(asked)))


def drop(engine: Engine, table: str, until: int, *, tries: int = 1) -> str:
    """Drop the oldest month if it is older; its name, 'none', or 'busy' where somebody was in the way each time."""

    def step(unit: Session) -> str:
        let_go(unit, until)
        return str(unit.connection().scalar(DROP, {"what": table, "before": until * BILLION}))

    return tried(engine, step, tries)


def forget_rest(unit: Session, table: str, until: int) -> int:
    """Delete some older rows that lie in no month; how many that was."""
    let_go(unit, until)
    before = until * BILLION
    some = (
        f"SELECT trace_id, span_id, start_ns FROM {table} "  # noqa: S608 - our own names and numbers
        f"WHERE start_ns < {before} AND ({outside(unit, table)}) LIMIT {AT_ONCE}"
    )
    done: Any = unit.connection().execute(
        text(f"DELETE FROM {table} WHERE (trace_id, span_id, start_ns) IN ({some}) AND start_ns < {before}")  # noqa: S608
    )
    return int(done.rowcount)
