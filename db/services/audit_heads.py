"""What the audit log held at some moment, kept apart from it: a table of day heads, and a plain file.

The file is one JSON object a line, only ever added to. `{"kind": "day", …}` is a row of audit_heads; `{"kind": "tip",
…}` is the newest entry as the collector saw it, so that an end cut off is noticed. Copy the file to another machine
now and then: whoever may change both database and file can change what they say.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.chain import instant
from db.functions import day_of
from db.models import AuditEntry, AuditHead

FILE = "audit-heads.jsonl"
GRACE = timedelta(minutes=5)  # after midnight, for writers whose clock is behind
LONGEST_LINE = 1000


@dataclass(frozen=True)
class Mark:
    """An entry as it was once seen: `kind` is day or tip, `day` the day it ended, `at` when it was noted."""

    kind: str
    seq: int
    row_hash: str
    at: str = ""
    day: str = ""
    entries: int | None = None

    @property
    def line(self) -> str:
        told = {name: value for name, value in vars(self).items() if value not in ("", None)}
        return json.dumps(told, separators=(",", ":")) + "\n"


def tip(session: Session, now: datetime) -> Mark | None:
    """The newest entry; None while there is none."""
    newest = select(AuditEntry.seq, AuditEntry.row_hash).order_by(AuditEntry.seq.desc()).limit(1)
    found = session.execute(newest).one_or_none()
    return Mark("tip", found.seq, found.row_hash, at=instant(now)) if found else None


def close_days(session: Session, now: datetime) -> list[Mark]:
    """Write the heads of days that are over and have none; returns them, oldest first."""
    today = datetime.combine((now - GRACE).astimezone(UTC).date(), time(), UTC)
    last = session.scalar(select(func.max(AuditHead.seq))) or 0
    day = day_of(AuditEntry.created_at)
    ended = (
        select(day.label("day"), func.max(AuditEntry.seq).label("seq"))
        .where(AuditEntry.seq > last, AuditEntry.created_at < today)
        .group_by(day)
        .order_by(func.max(AuditEntry.seq))
    )
    made: list[AuditHead] = []
    for found in session.execute(ended).all():
        hashed = session.scalar(select(AuditEntry.row_hash).where(AuditEntry.seq == found.seq))
        before, last = last, found.seq
        head = AuditHead(
            day=date.fromisoformat(str(found.day)[:10]), seq=last, row_hash=hashed, entries=last - before
        )
        head.created_at = now
        made.append(head)
    session.add_all(made)
    session.flush()
    return [day_mark(head) for head in made]


def day_mark(head: AuditHead) -> Mark:
    """A row of audit_heads as the file has it."""
    return Mark("day", head.seq, head.row_hash, instant(head.created_at), head.day.isoformat(), head.entries)


def day_marks(session: Session, after: str = "") -> Iterator[Mark]:
    """Day heads of the table, oldest first; with `after`, those of later days."""
    wanted = select(AuditHead).order_by(AuditHead.day)
    if after:
        wanted = wanted.where(AuditHead.day > date.fromisoformat(after))
    return map(day_mark, session.scalars(wanted.execution_options(yield_per=500)))


def write_marks(path: Path, marks: list[Mark]) -> None:
    """Add lines to the file and wait until they are on the disk. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write("".join(mark.line for mark in marks).encode())
        file.flush()
        os.fsync(file.fileno())


def read_marks(path: Path) -> Iterator[tuple[int, Mark | None]]:
    """The file's marks with their lines; None for a line that is none. Raises OSError."""
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
            if line.strip():
                yield number, _mark(line)


def _mark(line: bytes) -> Mark | None:
    try:
        told: dict[str, Any] = json.loads(line)
        mark = Mark(**told)
    except (ValueError, TypeError):
        return None
    is_one = mark.kind in ("day", "tip") and type(mark.seq) is int and isinstance(mark.row_hash, str)
    return mark if is_one else None
