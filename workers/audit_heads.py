"""Keeps what the audit log held apart from it: a head for each day that is over, and the newest entry in a file."""

import logging
from datetime import date, datetime
from pathlib import Path

from db.actor import SYSTEM
from db.engine import Engine, session
from db.services import audit_heads
from db.services.audit_heads import Mark

log = logging.getLogger("quantum.audit")


class HeadKeeper:
    """Of one database and one file; without a file, only the table's day heads are kept."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self.engine, self.path = engine, path
        self._closed: date | None = None
        self._tip: Mark | None = None

    def keep(self, now: datetime) -> None:
        """Note what is new. Without new entries nothing is written."""
        with session(self.engine, SYSTEM) as unit:
            newest = audit_heads.tip(unit, now)
        if newest is None:
            return
        day = (now - audit_heads.GRACE).date()
        if day != self._closed:
            self._close_days(now)
            self._closed = day
        if self._tip is None or newest.seq != self._tip.seq:
            self._write([newest])
            self._tip = newest

    def _close_days(self, now: datetime) -> None:
        with session(self.engine, SYSTEM, write=True) as unit:
            audit_heads.close_days(unit, now)
        if self.path is None:
            return
        known = ""
        if self.path.exists():
            known = max((mark.day for _, mark in audit_heads.read_marks(self.path) if mark), default="")
        with session(self.engine, SYSTEM) as unit:
            self._write(list(audit_heads.day_marks(unit, after=known)))

    def _write(self, marks: list[Mark]) -> None:
        if self.path is not None and marks:
            audit_heads.write_marks(self.path, marks)
