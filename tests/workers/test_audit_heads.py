"""What the audit log held is kept apart: day heads in table and file, the newest entry in the file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, text

from db import recorder
from db.actor import SYSTEM
from db.engine import session
from db.models import AuditEntry, AuditHead
from db.services import audit
from db.services.audit_heads import read_marks
from tests.audit import tampering, verified
from tests.sessions import session as unguarded
from workers.audit_heads import HeadKeeper
from workers.collector import Collector

DAY = datetime(2026, 3, 1, 10, tzinfo=UTC)
LATER = timedelta(days=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The clock of the entries; its one element is now."""
    now = [DAY]

    class Told(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return now[0]

    monkeypatch.setattr(recorder, "datetime", Told)
    return now


def act(engine: Engine, times: int = 1) -> None:
    with session(engine, SYSTEM, write=True) as unit:
        for _ in range(times):
            audit.record(unit, audit.Act("EXPORT", "deals"))


def heads(engine: Engine) -> list[tuple[str, int, int]]:
    with unguarded(engine) as unit:
        found = unit.scalars(select(AuditHead).order_by(AuditHead.day))
        return [(head.day.isoformat(), head.seq, head.entries) for head in found]


def lines(path: Path) -> list[tuple[Any, ...]]:
    told = [json.loads(line) for line in path.read_text().splitlines()]
    return [(line["kind"], line["seq"], line.get("day")) for line in told]


def test_a_day_gets_its_head_when_it_is_over(engine: Engine, clock: list[datetime], tmp_path: Path) -> None:
    path = tmp_path / "var" / "heads.jsonl"
    keeper = HeadKeeper(engine, path)
    keeper.keep(DAY)
    assert heads(engine) == [] and not path.exists(), "there is nothing to keep"
    act(engine, 3)
    keeper.keep(DAY)
    keeper.keep(DAY + timedelta(minutes=1))
    assert lines(path) == [("tip", 3, None)], "one line, and none while nothing happens"
    clock[0] = DAY + 3 * LATER
    act(engine, 2)
    midnight = datetime(2026, 3, 5, tzinfo=UTC)
    keeper.keep(midnight + timedelta(minutes=4))
    assert heads(engine) == [("2026-03-01", 3, 3)], "clocks may differ by some minutes"
    keeper.keep(midnight + timedelta(minutes=6))
    assert heads(engine) == [("2026-03-01", 3, 3), ("2026-03-04", 5, 2)]
    assert lines(path)[1:] == [("day", 3, "2026-03-01"), ("tip", 5, None), ("day", 5, "2026-03-04")]
    verdict, said = verified(engine, read_marks(path))
    assert (said, verdict.heads, verdict.marks) == ([], 2, 4)
    assert path.stat().st_mode & 0o077 == 0


def test_what_the_file_missed_is_written_when_it_is_there_again(
    engine: Engine, clock: list[datetime], tmp_path: Path
) -> None:
    act(engine)
    HeadKeeper(engine, None).keep(DAY + LATER)
    path = tmp_path / "heads.jsonl"
    for _ in range(2):
        HeadKeeper(engine, path).keep(DAY + LATER)
    assert lines(path) == [("day", 1, "2026-03-01"), ("tip", 1, None), ("tip", 1, None)]


def test_an_end_cut_off_is_noticed_by_the_newest_entry_in_the_file(
    engine: Engine, clock: list[datetime], tmp_path: Path
) -> None:
    path = tmp_path / "heads.jsonl"
    act(engine, 5)
    HeadKeeper(engine, path).keep(DAY)
    with tampering(engine) as owner:
        owner.execute(delete(AuditEntry).where(AuditEntry.seq > 3))
    assert verified(engine)[1] == [], "the chain alone cannot tell"
    (said,) = verified(engine, read_marks(path))[1]
    assert said.startswith("cut off: entries 4 to 5 at the end; the newest entry of 2026-03-01T10:00:00")


def test_a_broken_line_of_the_file_is_told_and_the_rest_is_read(
    engine: Engine, clock: list[datetime], tmp_path: Path
) -> None:
    path = tmp_path / "heads.jsonl"
    act(engine)
    HeadKeeper(engine, path).keep(DAY)
    path.write_bytes(b'{"kind":"tip","seq":"1","row_hash":""}\n\xff\n[]\n' + path.read_bytes())
    assert verified(engine, read_marks(path))[1] == [
        f"heads: line {line} of the file cannot be read" for line in (1, 2, 3)
    ]


def test_the_collector_that_holds_the_watch_keeps_them(engine: Engine, tmp_path: Path) -> None:
    act(engine)
    path = tmp_path / "heads.jsonl"
    Collector(engine, engine, None, path).tick()
    assert [line[:2] for line in lines(path)] == [("tip", 1)]
    path.unlink()
    path.mkdir()
    act(engine)
    second = Collector(engine, engine, None, path)
    second.tick()
    second.tick()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit_log")) == 2, (
            "a full disk stops nothing else"
        )
