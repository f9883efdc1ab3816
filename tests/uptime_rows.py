"""Thirty days of a small fleet, for pictures: heartbeats, silence, our own outages, a failed check, maintenance."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from db.models import Agent
from db.models.uptime import Check, CheckResult, ExemptTime, HeardStretch
from db.services import measure
from db.services.measure import Stretch
from db.services.uptime import settle
from tests.sessions import session

HOUR = timedelta(hours=1)
SILENT = {  # hours before now
    "cart-writer": ((700, 694), (410, 409.5), (160, 158), (9, 8.2)),
    "frontend": ((300, 299.2),),
    "payment-service": ((520, 500), (21, 20.7), (3, 0)),
}
AWAY = ((600, 588), (201, 200))  # when this application was


def watched_fleet(engine: Engine, now: datetime | None = None) -> None:
    """Agents heard for thirty days but for their silences, and everything settled."""
    at = (now or datetime.now(UTC)).replace(microsecond=0)
    with session(engine, write=True) as unit:
        measure.introduce(unit, engine.dialect.name)
        measure.store_stretches(unit, [
            Stretch(True, at - timedelta(hours=start - step), min(1.0, start - step - end) * 3600, 120, "one")
            for start, end in _between(AWAY)
            for step in range(int(start - end + 0.999))
        ])  # fmt: skip
        for name, silences in SILENT.items():
            if unit.get(Agent, name) is None:
                unit.add(Agent(id=name, name=name, origin="telemetry", heartbeat_seconds=30))
            unit.flush()
            for start, end in _between(silences):
                for first, last in _cut((start, end)):
                    stretch = {"first_at": at - first * HOUR, "last_at": at - last * HOUR}
                    unit.add(HeardStretch(agent_id=name, **stretch, limit_seconds=60, beats=100))
        check = Check(name="Public shop", url="https://shop.example.com/health", confirmations=3)
        late = Check(name="Inner door", url="http://10.0.0.7/", refusal="It leads into a private or reserved network, "
                     "which this installation does not allow.")  # fmt: skip
        unit.add_all([check, late])
        unit.flush()
        for minute in range(24 * 60):
            failed = 300 <= minute < 331 or minute in (700, 900)
            unit.add(
                CheckResult(
                    check_id=check.id,
                    at=at - timedelta(minutes=minute),
                    is_up=not failed,
                    status=503 if failed else 200,
                    milliseconds=180.0 + 40 * (minute % 7) + (900 if 420 < minute < 470 else 0),
                    error="HTTP 503" if failed else None,
                )
            )
        for start, end, why in ((48, 46, "New disks"), (-20, -22, "Another database release")):
            unit.add(ExemptTime(kind="maintenance", starts_at=at - start * HOUR, ends_at=at - end * HOUR, why=why,
                                declared_at=at - (start + 30) * HOUR))  # fmt: skip
        unit.flush()
        settle(unit, at)


def _between(gaps: tuple[tuple[float, float], ...], whole: float = 720) -> list[tuple[float, float]]:
    """What the gaps leave of so many hours."""
    found, begin = [], whole
    for start, end in gaps:
        found.append((begin, start))
        begin = end
    return [*found, (begin, 0.0)] if begin > 0 else found


def _cut(stretch: tuple[float, float]) -> list[tuple[float, float]]:
    """Without the time in which nobody was there to hear."""
    found, begin = [], stretch[0]
    for start, end in AWAY:
        if begin > start and stretch[1] < end:
            found.append((begin, start))
            begin = end
    return [*found, (begin, stretch[1])]
