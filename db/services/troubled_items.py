"""What came in and was refused or late, kept as measurements of the application's own: counted from stored rows.

Each row's id follows from the request or file it speaks of, so that sending it again counts nothing twice.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db.models import SystemMetric
from db.models.rollup import MEASUREMENTS
from db.queries.ingest import LATE_ITEMS, LATE_MINUTES, REFUSED_ITEMS
from db.services.content_rows import add_new
from db.services.otlp_envelope import content_id
from db.services.otlp_values import Invalid
from db.services.touched import touch_at

LATE = timedelta(minutes=LATE_MINUTES)
LONGEST_EXAMPLE = 300
KINDS_TOLD = 5


def note_refused(
    session: Session, signal: str, refused: Iterable[Invalid], source: str, about: bytes, at: datetime
) -> None:
    """Keep how many items of one request or file were refused for which reason. `about` stands for its content."""
    rows = [
        _row(REFUSED_ITEMS, (signal, kind, about), count, source, at)
        | {"meta": {"signal": signal, "reason": kind, "example": example[:LONGEST_EXAMPLE]}}
        for kind, (count, example) in by_kind(refused).items()
    ]
    _put(session, rows, at)


def note_late(session: Session, signal: str, count: int, source: str, about: bytes, at: datetime) -> None:
    """Keep how many new items of one request had ended long before they were received."""
    if count:
        row = _row(LATE_ITEMS, (signal, about), count, source, at) | {"meta": {"signal": signal}}
        _put(session, [row], at)


def _put(session: Session, rows: list[dict[str, Any]], at: datetime) -> None:
    timeless = {row["id"] for row in rows}  # their time is when they came in
    added, _ = add_new(session, SystemMetric, rows, timeless)
    touch_at(session, MEASUREMENTS, [at] if added else [])


def by_kind(refused: Iterable[Invalid]) -> dict[str, tuple[int, str]]:
    """How many items were refused for each kind of reason, and the first such reason in words."""
    found: dict[str, tuple[int, str]] = {}
    for each in refused:
        count, example = found.get(each.kind, (0, str(each)))
        found[each.kind] = (count + each.count, example)
    return {kind: told for kind, told in found.items() if told[0]}


def summary(refused: list[Invalid], stored: int) -> str:
    """What the sender is told: how many of how many, why, and one example of each reason."""
    kinds = by_kind(refused)
    lost = sum(count for count, _ in kinds.values())
    if not lost:
        return "; ".join(dict.fromkeys(str(each) for each in refused[:KINDS_TOLD]))
    parts = [
        f"{count} {kind.replace('_', ' ')}, such as: {example}" for kind, (count, example) in kinds.items()
    ]
    return f"{lost} of {lost + stored} not stored. " + ". ".join(parts)


def _row(name: str, what: tuple[Any, ...], count: int, source: str, at: datetime) -> dict[str, Any]:
    return {
        "id": content_id(name, *what),
        "metric_type": name,
        "metric_value": count,
        "metric_unit": "items",
        "category": "performance",
        "source": source,
        "recorded_at": at,
    }
