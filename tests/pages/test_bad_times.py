"""Clocks that jump, beats out of order and twice, intervals that overlap, ranges in the future, days of 23 and 25
hours, NaN and blank cells: what must be displayed of each. tests/db/test_uptime_states.py holds the rules themselves.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from db.models import Agent
from db.models.uptime import Check, ExemptTime, HeardStretch, StateStretch, UptimeSubject
from db.services import measure
from db.services.check_history import import_checks
from db.services.liveness import beat
from db.services.measure import Stretch
from db.services.uptime import settle
from tests.reader import Reader, readings, words
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")
BEGAN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
SECOND = timedelta(seconds=1)
JUMP = 4200  # the clock says 4,200 where it should say 600: an hour is skipped
LAST = 7200
BEATS = {
    "ahead": (0, 200, 400, 600, *range(JUMP, LAST, 200)),
    "back": (5000, 5200, 5400, 4600, 4800, 5000, 5200, 5400, 5600, *range(5800, LAST, 200)),
    "twice": (JUMP, JUMP, 4600, 4400, 4400, *range(4800, LAST, 200)),
    "nursed": tuple(range(JUMP, LAST, 200)),
}


def arrange(unit: Session) -> None:
    """Four agents that promise a heartbeat every 200 s; who watched tells of the time before and after the jump, and
    of some of it twice."""
    for agent in BEATS:
        unit.add(Agent(id=agent, name=agent, origin="telemetry", heartbeat_seconds=200))
    told = [(0, 600), (JUMP, 5000), (4800, LAST)]
    measure.store_stretches(
        unit, [Stretch(True, BEGAN + start * SECOND, end - start, 9, "one") for start, end in told]
    )
    unit.flush()
    for agent, moments in BEATS.items():
        for moment in moments:
            beat(unit, agent, BEGAN + moment * SECOND)
    for start, end in ((4500, 5500), (5000, 6000)):
        moments = {"starts_at": BEGAN + start * SECOND, "ends_at": BEGAN + end * SECOND, "declared_at": BEGAN}
        unit.add(ExemptTime(kind="maintenance", subject_id="agent:nursed", why="New disks", **moments))
    unit.flush()
    settle(unit, BEGAN + (LAST + 15) * SECOND)
    _steady(unit)


def _steady(unit: Session) -> None:
    """Up from before one change of the clocks until after the other."""
    since, until = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    unit.add(Agent(id="steady", name="steady", origin="telemetry"))
    unit.flush()
    told = {"observed_since": since, "settled_until": until}
    unit.add(UptimeSubject(id="agent:steady", kind="agent", agent_id="steady", **told))
    unit.flush()
    unit.add(
        StateStretch(subject_id="agent:steady", since=since, state="up", reason="heard", settled_at=until)
    )


@pytest.fixture
def arranged(engine: Engine) -> Iterator[Engine]:
    with session(engine, write=True) as unit:
        arrange(unit)
    yield engine


def page(
    alice: Reader, subject: str, start: datetime | str, end: datetime | str
) -> tuple[dict[str, str], str]:
    ends = [each if isinstance(each, str) else each.strftime("%Y-%m-%dT%H:%M:%SZ") for each in (start, end)]
    where = {"url.pathname": f"/status/{subject}"}
    drawn = alice.body("subject", f"?range={quote('/'.join(ends))}&lang=en", **where)
    return readings(drawn), words(drawn)


STATES = ("up", "down", "unknown", "maintenance", "paused")


def seconds(shown: dict[str, str]) -> dict[str, int]:
    return {
        state: int(float(shown[f"uptime.{state}_seconds"]))
        for state in STATES
        if float(shown[f"uptime.{state}_seconds"])
    }


def test_what_must_be_displayed_whatever_the_clocks_did(alice: Reader, arranged: Engine) -> None:
    whole = (BEGAN, BEGAN + LAST * SECOND)
    shown, said = page(alice, "agent:ahead", *whole)
    assert seconds(shown) == {"up": 1000 + LAST - JUMP, "unknown": JUMP - 1000}, (
        "skipped time is unknown, not down"
    )
    assert "the collector did not watch" in said and shown["uptime.availability"] == "100.0"
    shown, said = page(alice, "agent:back", *whole)
    assert seconds(shown) == {"up": LAST - 4600}, "what is told again counts once"
    shown, said = page(alice, "agent:twice", *whole)
    assert seconds(shown) == {"up": LAST - JUMP}
    with session(arranged) as unit:
        rows = select(func.count()).select_from(HeardStretch).where(HeardStretch.agent_id == "twice")
        assert unit.scalar(rows) == 1, "beats out of order and twice are one row"
    shown, said = page(alice, "agent:nursed", *whole)
    assert seconds(shown) == {"up": 1500, "maintenance": 1500}, "maintenance declared twice counts once"
    assert "maintenance, declared ahead" in said
    shown, said = page(alice, "agent:nursed", "2100-01-01T00:00:00Z", "2100-01-02T00:00:00Z")
    assert seconds(shown) == {}
    assert "Nothing was observed in this window" in said, "a range in the future is neither up nor down"
    for start, end, hours in (
        ("2025-03-30T00:00:00+01:00", "2025-03-31T00:00:00+02:00", 23),
        ("2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00", 25),
    ):
        shown, _ = page(alice, "agent:steady", start, end)
        assert seconds(shown) == {"up": hours * 3600}, "a day of Berlin has the hours it has"


def test_blank_cells_and_nan_are_shown_as_unknown(alice: Reader, engine: Engine, tmp_path: Path) -> None:
    history = tmp_path / "checks.csv"
    history.write_text(
        "checked_at,service,status,http_code,response_ms\n"
        "2026-01-01T00:00:00Z,Old door,up,200,NaN\n"
        "2026-01-01T00:01:00Z,Old door,up,200,\n"
        "2026-01-01T00:02:00Z,Old door,down,,7\n"
    )
    import_checks(engine, [history])
    with session(engine) as unit:
        key = unit.scalar(select(Check.id))
    shown, said = page(alice, f"check:{key}", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    assert shown["checks.count"] == "3" and shown["checks.failed"] == "1"
    assert shown["checks.latency_p50_ms"] == shown["checks.latency_p95_ms"] == ""
    assert float(shown["checks.share_up"]) == pytest.approx(200 / 3)
    assert "No check of this window was answered as expected" in said
