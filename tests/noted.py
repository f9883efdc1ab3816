"""Rows that a test arranges itself are noted for the roll-ups as their writers note them."""

from sqlalchemy.orm import Session

from db.models.rollup import API, LOGS, MEASUREMENTS
from db.services.rollups import touch_all


def note_arranged(unit: Session) -> None:
    """Of log lines, measurements and calls of programs that are in the session's transaction."""
    unit.flush()
    touch_all(unit, families=(LOGS, MEASUREMENTS, API))
