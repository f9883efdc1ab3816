"""Walks the chain of the audit log and names every entry that was changed, removed, inserted or moved.

It reads row by row and keeps little, however long the log is. What cannot be told from the chain itself, such as an end
that was cut off, is told from the day heads in the table and from the marks in the file that is kept apart.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import String, exists, func, select, type_coerce
from sqlalchemy.orm import Session

from db.chain import FIRST, Entry
from db.models import AuditEntry, AuditHead
from db.services.audit_heads import Mark, day_marks

MOST_KEPT = 300  # entries that do not fit their hash, kept to find out whether they changed places
AT_ONCE = 500
Each = TypeVar("Each")
Tell = Callable[[str], None]
Progress = Callable[[int, int, int], None]


@dataclass
class Verdict:
    """What was looked at, and how much of it was wrong."""

    entries: int = 0
    first: int | None = None
    last: int | None = None
    heads: int = 0
    marks: int = 0
    findings: int = 0


@dataclass(frozen=True)
class _Row:
    """An entry as it stands in the table; `entry` is None where it cannot even be read."""

    seq: int
    id: str
    row_hash: str
    entry: Entry | None

    def __str__(self) -> str:
        return f"entry {self.seq} ({self.id})"

    def fits(self, seq: int | None = None) -> bool:
        """Whether its content is what its hash was made of, here or at another place."""
        if self.entry is None:
            return False
        there = self.entry if seq is None else replace(self.entry, seq=seq)
        return there.row_hash == self.row_hash


@dataclass
class _Walk:
    session: Session
    tell: Tell
    verdict: Verdict
    before: _Row | None = None
    before_fits: bool = True
    bad: list[_Row] = field(default_factory=list)

    def say(self, words: str) -> None:
        self.verdict.findings += 1
        self.tell(words)


def verify(
    session: Session,
    tell: Tell,
    marks: Iterable[tuple[int, Mark | None]] | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Verify log and day heads, and the file's `marks` where given; `tell` hears of each finding."""
    walk = _Walk(session, tell, Verdict())
    total = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    for row in _rows(session):
        _step(walk, row)
        if progress and walk.verdict.entries % AT_ONCE == 0:
            progress(walk.verdict.entries, total, walk.verdict.entries)
    _tell_bad(walk)
    _check_heads(session, walk)
    _check_marks(session, walk, marks or ())
    return walk.verdict


# --- the chain ----------------------------------------------------------------------------------------------------


def _step(walk: _Walk, row: _Row) -> None:
    verdict, before = walk.verdict, walk.before
    verdict.entries += 1
    verdict.first = row.seq if verdict.first is None else verdict.first
    verdict.last = row.seq
    fits = row.fits()
    if not fits:
        _not_fitting(walk, row)
    _check_place(walk, row, before, fits)
    walk.before, walk.before_fits = row, fits


def _check_place(walk: _Walk, row: _Row, before: _Row | None, fits: bool) -> None:
    """Whether the entry follows the one before it, in number and in hash."""
    last, hashed = (before.seq, before.row_hash) if before else (0, FIRST)
    where = f"between {before} and {row}" if before else f"before {row}"
    follows = row.entry is not None and row.entry.previous_hash == hashed
    if row.seq < 1 or row.seq == last:
        walk.say(f"inserted: {row} has a number that is taken or below 1")
    elif row.seq > last + 1:
        numbers = f"{last + 1}" if row.seq == last + 2 else f"{last + 1} to {row.seq - 1}"
        walk.say(f"removed: {numbers}, missing {where}")
        if follows:
            walk.say(f"inserted: {row} follows {before or 'nothing'} in hash, but not in number")
    elif not follows and fits and walk.before_fits:
        _tell_broken(walk, row, before)


def _tell_broken(walk: _Walk, row: _Row, before: _Row | None) -> None:
    if before is None:
        walk.say(f"removed: whatever stood before {row}, which was not the first entry")
    else:
        walk.say(f"changed: {before} is not what {row} was chained to; one of the two was written anew")


def _not_fitting(walk: _Walk, row: _Row) -> None:
    """Moved by one place, as after an insertion or removal with the rest renumbered; else looked at in the end."""
    for seq, way in ((row.seq - 1, "inserted"), (row.seq + 1, "removed")):
        if row.fits(seq):
            walk.say(f"moved: {row} was written as entry {seq}")
            if walk.before is not None and walk.before_fits:
                _tell_shift(walk, row, way)
            return
    if len(walk.bad) < MOST_KEPT:
        walk.bad.append(row)
    else:
        walk.say(f"changed: {row} does not fit its hash")


def _tell_shift(walk: _Walk, row: _Row, way: str) -> None:
    """The first entry that moved, right after one that fits: what pushed it away, or what it took the place of."""
    before = walk.before
    if way == "inserted":
        walk.say(f"inserted: {before} stands where {row} was written")
    elif row.entry is not None and not _is_there(walk, row.entry.previous_hash):
        walk.say(f"removed: the entry that stood between {before} and {row}")


def _is_there(walk: _Walk, hashed: str) -> bool:
    """Whether some entry has this hash: then it was not removed, but moved."""
    return bool(walk.session.scalar(select(exists().where(AuditEntry.row_hash == hashed))))


def _tell_bad(walk: _Walk) -> None:
    """Entries that do not fit their hash where they stand may fit it in the place of another such entry."""
    places = [row.seq for row in walk.bad]
    for row in walk.bad:
        found = next((seq for seq in places if seq != row.seq and row.fits(seq)), None)
        if found is not None:
            walk.say(f"moved: {row} was written as entry {found}")
        else:
            walk.say(f"changed: {row} does not fit its hash")


# --- heads and marks ----------------------------------------------------------------------------------------------


def _check_heads(session: Session, walk: _Walk) -> None:
    last, day = 0, ""
    for many in _batched(day_marks(session), AT_ONCE):
        hashes = _hashes(session, many)
        for mark in many:
            walk.verdict.heads += 1
            _check_mark(walk, mark, hashes, f"the head of {mark.day} in the table")
            if mark.seq - (mark.entries or 0) != last:
                words = f"between {day} and {mark.day}" if day else f"before {mark.day}"
                walk.say(f"heads: the table's do not add up {words}: one was changed, removed or inserted")
            last, day = mark.seq, mark.day


def _check_marks(session: Session, walk: _Walk, marks: Iterable[tuple[int, Mark | None]]) -> None:
    seen = ""
    for many in _batched(marks, AT_ONCE):
        read = [mark for _, mark in many if mark is not None]
        hashes, heads = _hashes(session, read), _heads(session, read)
        for line, mark in many:
            walk.verdict.marks += 1
            if mark is None:
                walk.say(f"heads: line {line} of the file cannot be read")
                continue
            what = f"the head of {mark.day}" if mark.day else f"the newest entry of {mark.at}"
            _check_mark(walk, mark, hashes, f"{what} in line {line} of the file")
            if mark.day and heads.get(mark.day) != (mark.seq, mark.row_hash):
                walk.say(f"heads: the table's head of {mark.day} is not the one in line {line} of the file")
            seen = max(seen, mark.day)


def _check_mark(walk: _Walk, mark: Mark, hashes: dict[int, str], what: str) -> None:
    last = walk.verdict.last or 0
    if mark.seq > last:
        gone = f"entry {mark.seq}" if mark.seq == last + 1 else f"entries {last + 1} to {mark.seq}"
        walk.say(f"cut off: {gone} at the end; {what} names entry {mark.seq}")
    elif hashes.get(mark.seq) != mark.row_hash:
        found = "is missing" if mark.seq not in hashes else "has another hash"
        walk.say(f"changed: entry {mark.seq} {found}, by {what}; what stands up to there was written anew")


def _hashes(session: Session, marks: Iterable[Mark]) -> dict[int, str]:
    wanted = {mark.seq for mark in marks}
    rows = session.execute(select(AuditEntry.seq, AuditEntry.row_hash).where(AuditEntry.seq.in_(wanted)))
    return {row.seq: row.row_hash for row in rows}


def _heads(session: Session, marks: Iterable[Mark]) -> dict[str, tuple[int, str]]:
    days = {day for mark in marks if (day := _date(mark.day))}
    rows = session.execute(
        select(AuditHead.day, AuditHead.seq, AuditHead.row_hash).where(AuditHead.day.in_(days))
    )
    return {day.isoformat(): (seq, hashed) for day, seq, hashed in rows}


def _batched(each: Iterable[Each], size: int) -> Iterator[tuple[Each, ...]]:
    rest = iter(each)
    while many := tuple(islice(rest, size)):
        yield many


def _date(text: str) -> Any:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


# --- reading ------------------------------------------------------------------------------------------------------


def _rows(session: Session) -> Iterator[_Row]:
    """Entries in the order of their numbers. What SQLite holds is read as text: it may hold anything."""
    as_text = session.get_bind().dialect.name == "sqlite"
    columns = [
        type_coerce(column, String).label(column.key) if as_text else column.label(column.key)
        for column in AuditEntry.__table__.columns
    ]
    found = session.execute(
        select(*columns).order_by(AuditEntry.seq, AuditEntry.id).execution_options(yield_per=AT_ONCE)
    )
    for row in found.mappings():
        yield _Row(int(row["seq"]), _named(row["id"]), str(row["row_hash"]), _entry(row, as_text))


def _named(text: Any) -> str:
    try:
        return str(UUID(str(text)))
    except ValueError:
        return str(text)


def _entry(row: Any, as_text: bool) -> Entry | None:
    told = {name: value for name, value in row.items() if name != "row_hash"}
    try:
        if as_text:
            told["id"], told["user_id"] = UUID(told["id"]), told["user_id"] and UUID(told["user_id"])
            told["created_at"] = datetime.fromisoformat(told["created_at"]).replace(tzinfo=UTC)
            for name in ("old_data", "new_data"):
                told[name] = None if told[name] is None else orjson.loads(told[name])
        entry = Entry(**told)
        return entry if entry.text else None
    except (ValueError, TypeError, AttributeError):
        return None
