"""Months older than rows are kept: dropped as a whole, once they are counted into the roll-ups.

`until` is everywhere an instant in seconds since 1970, a multiple of 300, as roll-ups know it.
"""

from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from db.base import Base
from db.models.rollup import FAMILY_OF
from db.partitions import MONTHLY
from db.services.keeping import let_go
from db.services.months import BILLION, bounds, outside, passing, tried, written

AT_ONCE = 5000  # rows of the rest

DROP = text("SELECT drop_month(:what, :before)")


def is_any(unit: Session, table: str, until: int) -> bool:
    """Whether a whole month, or rows that lie in none, are older."""
    if any(ends <= until * BILLION for _, ends in bounds(unit, table)):
        return True
    asked = f"SELECT EXISTS (SELECT FROM {table} WHERE {_old_rest(unit, table, until)})"  # noqa: S608
    return bool(unit.connection().scalar(text(asked)))


def count_first(unit: Session, table: str, until: int) -> None:
    """What is about to go is in the roll-ups."""
    let_go(unit, until, FAMILY_OF[table])


def _old_rest(unit: Session, table: str, until: int) -> str:
    older = f"{MONTHLY[table]} < {written(table, until * BILLION)}"
    return f"{older} AND ({outside(unit, table)}) AND {passing(table)}"


def drop(engine: Engine, table: str, until: int, *, tries: int = 1) -> str:
    """Drop the oldest month if it is older; its name, 'none', or 'busy' where somebody was in the way each time."""

    def step(unit: Session) -> str:
        count_first(unit, table, until)
        return str(unit.connection().scalar(DROP, {"what": table, "before": until * BILLION}))

    return tried(engine, step, tries)


def forget_rest(unit: Session, table: str, until: int) -> int:
    """Delete some older rows that lie in no month; how many that was."""
    count_first(unit, table, until)
    key = [column.name for column in Base.metadata.tables[table].primary_key]
    names = ", ".join(dict.fromkeys([*key, MONTHLY[table]]))
    some = f"SELECT {names} FROM {table} WHERE {_old_rest(unit, table, until)} LIMIT {AT_ONCE}"  # noqa: S608 - our own names and numbers
    older = f"{MONTHLY[table]} < {written(table, until * BILLION)}"
    done: Any = unit.connection().execute(
        text(f"DELETE FROM {table} WHERE ({names}) IN ({some}) AND {older}")  # noqa: S608
    )
    return int(done.rowcount)
